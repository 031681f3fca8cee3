//! What an editor of the files can do to the log, and what of it is found out.

use std::sync::Arc;
use std::thread;

use strongroom_core::hsm::config::StoreKind;
use strongroom_core::token::audit::{Entry, Event, Level, Mark, Problem};
use strongroom_core::token::{Login, layout};
use strongroom_crypto::hash::{Algorithm, digest};
use strongroom_crypto::kdf::hmac_sha256;

use super::fixture::*;

/// A log of about thirty entries, as records; the officer who verifies it.
fn log() -> (Records, Login) {
    let (_hsm, session) = token(Level::Management);
    live(&session);
    let token = session.application().token();
    let officer = officer(token);
    let report = token.verify_audit(Some(&officer), None).unwrap();
    assert_eq!((report.problems, report.with_key), (Vec::new(), true));
    assert!((28..36).contains(&report.entries), "{}", report.entries);
    (read(token.store()), officer)
}

impl Edited {
    fn problems(&self, officer: &Login) -> Vec<Problem> {
        self.token.verify_audit(Some(officer), None).unwrap().problems
    }

    fn problems_of_the_chain(&self) -> Vec<Problem> {
        self.token.verify_audit(None, None).unwrap().problems
    }
}

/// Promise: every bit of every entry and of the head that is not what it was is found, and where.
#[test]
fn every_changed_bit_is_found() {
    let (records, officer) = log();
    let edited = Edited::new(&records);
    let keys = entry_keys(&records);
    let mut flips = 0;
    for (at, key) in keys.iter().enumerate() {
        let sequence = at as u64 + 1;
        for bit in 0..records[key].len() * 8 {
            let mut record = records[key].clone();
            record[bit / 8] ^= 1 << (bit % 8);
            edited.set(key, Some(&record));
            let problems = edited.problems(&officer);
            // The one that was changed, and no other.
            assert_eq!(problems.iter().map(|problem| problem.sequence).collect::<Vec<_>>(), [sequence], "bit {bit}");
            assert!(bit % 16 > 0 || !edited.problems_of_the_chain().is_empty(), "entry {sequence}, bit {bit}");
            flips += 1;
        }
        edited.set(key, Some(&records[key]));
    }
    let head = &records[layout::AUDIT_HEAD];
    for bit in 0..head.len() * 8 {
        let mut record = head.clone();
        record[bit / 8] ^= 1 << (bit % 8);
        edited.set(layout::AUDIT_HEAD, Some(&record));
        assert!(!edited.problems(&officer).is_empty(), "bit {bit} of the head");
        // The chain alone cannot tell whether the key is the right one.
        let key = bit / 8 >= 41;
        assert_eq!(edited.problems_of_the_chain().is_empty(), key, "bit {bit} of the head");
        flips += 1;
    }
    assert!(flips > 30_000, "{flips}");
    edited.set(layout::AUDIT_HEAD, Some(head));
    assert_eq!(edited.problems(&officer), []);
}

/// Promise: an entry taken away, put in twice, or in another's place is found.
#[test]
fn every_removal_swap_and_copy_is_found() {
    let (records, officer) = log();
    let edited = Edited::new(&records);
    let mut keys = entry_keys(&records);
    let beyond = layout::audit_entry(keys.len() as u64 + 1).to_vec();
    for (at, one) in keys.iter().enumerate() {
        edited.set(one, None);
        let problems = edited.problems(&officer);
        assert_eq!((problems[0].sequence, problems.len()), (at as u64 + 1, 1), "{problems:?}");
        assert!(problems[0].what.contains("missing"), "{problems:?}");
        assert!(!edited.problems_of_the_chain().is_empty());
        edited.set(one, Some(&records[one]));
    }
    keys.push(beyond.clone());
    for one in &keys {
        for other in keys.iter().filter(|other| *other != one) {
            let original = records.get(other).map(Vec::as_slice);
            edited.set(one, original);
            assert!(!edited.problems(&officer).is_empty(), "{other:?} copied to {one:?}");
            assert!(!edited.problems_of_the_chain().is_empty());
            edited.set(other, records.get(one).map(Vec::as_slice));
            assert!(!edited.problems(&officer).is_empty(), "{other:?} and {one:?} swapped");
            edited.set(one, records.get(one).map(Vec::as_slice));
            edited.set(other, original);
        }
    }
    // Rows that are none of ours.
    for key in
        [&layout::audit_entry(0)[..], &layout::audit_entry(u64::MAX), &layout::audit_entry(1 << 40), b"A", b"Ahead"]
    {
        edited.set(key, Some(b"foreign"));
        assert!(!edited.problems(&officer).is_empty() && !edited.problems_of_the_chain().is_empty(), "{key:?}");
        edited.set(key, None);
    }
    assert_eq!(edited.problems(&officer), []);
}

/// Promise: a log cut at any point is found, also by an editor who writes a new head with all that he knows.
#[test]
fn every_truncation_is_found() {
    let (records, officer) = log();
    let keys = entry_keys(&records);
    let edited = Edited::new(&records);
    let head = &records[layout::AUDIT_HEAD];
    for left in (0..keys.len()).rev() {
        edited.set(&keys[left], None);
        edited.set(layout::AUDIT_HEAD, Some(head));
        assert!(!edited.problems(&officer).is_empty(), "{left} entries left, the head as it was");
        edited.set(layout::AUDIT_HEAD, Some(&head_after(&records, &keys[..left], &head[41..])));
        let problems = edited.problems(&officer);
        assert!(problems.iter().any(|problem| problem.what.contains("taken away")), "{left}: {problems:?}");
        // He can fool whoever has no PIN, but for an empty log.
        assert_eq!(edited.problems_of_the_chain().is_empty(), left > 0, "{left} entries left");
    }
    edited.set(layout::AUDIT_HEAD, None);
    assert!(!edited.problems(&officer).is_empty(), "nothing left");
}

/// A head after these entries with this key, as anybody can make one.
fn head_after(records: &Records, keys: &[Vec<u8>], key: &[u8]) -> Vec<u8> {
    let mut hash = [0; 32];
    if let Some(last) = keys.last() {
        digest(Algorithm::Sha256, &records[last], &mut hash).unwrap();
    }
    [&[1], &(keys.len() as u64 + 1).to_le_bytes()[..], &hash, key].concat()
}

/// Promise: who rewrites an entry and all that follows, with hashes that fit and MACs under the key he found, is found
/// by an officer, at the first entry that he rewrote. Without an officer's PIN nobody finds him: that is why there are
/// MACs.
#[test]
fn a_chain_computed_anew_is_found_by_an_officer_only() {
    let (records, officer) = log();
    let keys = entry_keys(&records);
    for first in [0, 1, keys.len() / 2, keys.len() - 1] {
        let edited = Edited::new(&records);
        let mut key: [u8; 32] = records[layout::AUDIT_HEAD][41..].try_into().unwrap();
        let mut previous: Option<[u8; 32]> = None;
        for (at, place) in keys.iter().enumerate().skip(first) {
            let mut body = records[place][..records[place].len() - 32].to_vec();
            body[19] ^= u8::from(at == first);
            let hash_at = body.len() - 32;
            if let Some(previous) = previous {
                body[hash_at..].copy_from_slice(&previous);
            }
            let mac = hmac_sha256(&key, &[b"strongroom audit entry\0", &body]);
            let record = [&body[..], &mac].concat();
            let mut hash = [0; 32];
            digest(Algorithm::Sha256, &record, &mut hash).unwrap();
            previous = Some(hash);
            key = hmac_sha256(&key, &[b"strongroom audit next key"]);
            edited.set(place, Some(&record));
        }
        let next = keys.len() as u64 + 1;
        let head = [&[1], &next.to_le_bytes()[..], &previous.unwrap(), &key].concat();
        edited.set(layout::AUDIT_HEAD, Some(&head));
        assert_eq!(edited.problems_of_the_chain(), []);
        assert_eq!(edited.problems(&officer)[0].sequence, first as u64 + 1);
    }
}

/// Promise: an older copy of the whole token is found by a mark that was noted, and by nothing else.
#[test]
fn an_older_copy_is_found_by_a_noted_mark() {
    let (_hsm, session) = token(Level::Management);
    let token = session.application().token();
    live(&session);
    let older = Edited::new(&read(token.store()));
    let mark = |token: &strongroom_core::token::Token| token.verify_audit(None, None).unwrap().last.unwrap();
    let early = mark(token);
    secret(&session, true);
    let late = mark(token);
    let officer = officer(token);
    let problems =
        |edited: &Edited, mark: &Mark| edited.token.verify_audit(Some(&officer), Some(mark)).unwrap().problems;
    // The log has grown: what was noted earlier is still in it.
    assert_eq!(token.verify_audit(Some(&officer), Some(&early)).unwrap().problems, []);
    assert_eq!(problems(&older, &early), []);
    assert_eq!(older.problems(&officer), []);
    let found = problems(&older, &late);
    assert_eq!((found.len(), found[0].sequence), (1, late.sequence));
    assert!(found[0].what.contains("older copy"), "{found:?}");
    let other = Mark { hash: early.hash, ..late };
    assert!(token.verify_audit(Some(&officer), Some(&other)).unwrap().problems[0].what.contains("noted"));
}

/// Promise: a token made anew begins a log that names the end of the one before.
#[test]
fn a_new_log_names_the_old_one() {
    let (hsm, session) = token(Level::Management);
    live(&session);
    let before = session.application().token().verify_audit(None, None).unwrap().last.unwrap();
    hsm.close_session(session.handle).unwrap();
    hsm.init_token(0, Some(OFFICER_PIN), LABEL).unwrap();
    let application = hsm.application(0).unwrap();
    let token = application.token();
    let [first] = &entries(token)[..] else { panic!("more than one entry") };
    assert_eq!((first.event, first.sequence, first.previous), (Event::TokenInitialized, 1, before.hash));
    let officer = officer(token);
    assert_eq!(token.verify_audit(Some(&officer), None).unwrap().problems, []);
    let problems = token.verify_audit(Some(&officer), Some(&before)).unwrap().problems;
    assert!(problems[0].what.contains("made anew"), "{problems:?}");
}

/// Promise: a log that is not what it was is not gone on with as if it were.
#[test]
fn nothing_is_appended_behind_a_head_that_was_set_back_or_is_gone() {
    let (records, officer) = log();
    let keys = entry_keys(&records);
    let edited = Edited::new(&records);
    let head = &records[layout::AUDIT_HEAD];
    let refused = || edited.token.reset_pin(&officer, "user", b"another-pin").unwrap_err().to_string();
    edited.set(layout::AUDIT_HEAD, Some(&head_after(&records, &keys[..5], &head[41..])));
    assert!(refused().contains("set back"), "{}", refused());
    edited.set(layout::AUDIT_HEAD, None);
    assert!(refused().contains("no head"), "{}", refused());
    edited.set(layout::AUDIT_HEAD, Some(head));
    edited.token.reset_pin(&officer, "user", b"another-pin").unwrap();
    assert_eq!(edited.problems(&officer), []);
}

/// Promise: a user's login verifies nothing.
#[test]
fn users_do_not_verify_with_the_key() {
    let (_hsm, session) = token(Level::Management);
    let token = session.application().token();
    let user = session.application().login().unwrap();
    assert!(token.verify_audit(Some(&user), None).is_err());
}

/// Promise: threads and processes that write at the same time make one chain without a gap.
#[test]
fn writers_at_the_same_time_make_one_chain() {
    let dir = std::env::temp_dir().join(format!("strongroom-audit-{}", std::process::id()));
    let hsms = [(); 3].map(|()| hsm(dir.clone(), StoreKind::Sqlite, Level::Use));
    hsms[0].init_token(0, Some(OFFICER_PIN), LABEL).unwrap();
    let session = hsms[0].session(hsms[0].open_session(0, true).unwrap()).unwrap();
    as_officer(&session);
    session.init_pin(Some(USER_PIN)).unwrap();
    session.logout().unwrap();
    thread::scope(|scope| {
        for hsm in &hsms {
            let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
            as_user(&session);
            for _ in 0..3 {
                let session = Arc::clone(&session);
                scope.spawn(move || {
                    for _ in 0..15 {
                        secret(&session, true);
                    }
                });
            }
        }
    });
    let token = session.application().token();
    let report = token.verify_audit(Some(&officer(token)), None).unwrap();
    assert_eq!(report.problems, []);
    let made: Vec<Entry> = entries(token).into_iter().filter(|entry| entry.event == Event::ObjectCreated).collect();
    let mut numbers: Vec<u64> = made.iter().map(|entry| entry.object).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=135).collect::<Vec<_>>());
    drop((session, hsms));
    std::fs::remove_dir_all(dir).unwrap();
}
