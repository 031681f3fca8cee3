//! A token that holds many keys: finding one, using one, reading one, adding one.

use std::time::Instant;

use cryptoki_sys::{CK_OBJECT_HANDLE, CKK_AES};

use super::cipher::{KIB, OVERHEAD_MAX_BYTES, Vector};
use super::{AES_KEY, Bench, message, require};
use crate::limit::GcmKey;
use crate::measure::{Problem, Trial, latency, self_timed};
use crate::module::{CallError, Mechanism, Session};
use crate::template::{AttributeReader, Place, Template};
use crate::token::{Token, key_id, key_label, key_value};

/// The benches over a token of exactly `population` keys.
pub(super) fn benches(population: usize) -> Vec<Bench> {
    let bench = |name: &str, prepare: fn(&Token, usize) -> Result<Trial, Problem>| {
        Bench::new("objects", format!("{name}.{population}"), move |token| {
            token.populate(population)?;
            prepare(token, population)
        })
    };
    vec![
        bench("find.label.hit", |token, population| {
            find(token, population, |number| (Template::search_by_label(&key_label(number)), 1))
        }),
        bench("find.label.miss", |token, population| {
            find(token, population, |number| (Template::search_by_label(&format!("absent-{number:06}")), 0))
        }),
        bench("find.id.hit", |token, population| {
            find(token, population, |number| (Template::search_by_id(&key_id(number)), 1))
        }),
        bench("find.id.miss", |token, population| {
            find(token, population, |number| (Template::search_by_id(&key_id(number + ABSENT)), 0))
        }),
        bench("tokenkey.gcm.1k.one", |token, population| use_keys(token, vec![population / 2])),
        bench("tokenkey.gcm.1k.many", |token, population| use_keys(token, spread(population))),
        bench("getattr5.one", |token, population| read_attributes(token, vec![population / 2])),
        bench("getattr5.many", |token, population| read_attributes(token, spread(population))),
        bench("create.token", |token, _| create_and_destroy(token, Timed::Creation)),
        bench("destroy.token", |token, _| create_and_destroy(token, Timed::Destruction)),
    ]
}

/// Searches for one key after another, spread over the population.
fn find(token: &Token, population: usize, search: fn(usize) -> (Template, usize)) -> Result<Trial, Problem> {
    let session = token.open()?;
    let mut searches = Vec::new();
    for number in spread(population) {
        let (template, expected) = search(number);
        let wanted = if expected == 1 { token.key(number) } else { None };
        if searches.len() < PROOFS_MAX {
            prove_search(&session, &template, wanted)?;
        }
        searches.push((template, expected));
    }
    let (mut found, mut next) = ([0; 4], 0);
    Ok(latency(move || {
        let Some((template, expected)) = searches.get(next) else {
            return Ok(());
        };
        next = (next + 1) % searches.len();
        let count = session.find(template, &mut found)?;
        if count == *expected { Ok(()) } else { Err(WRONG_COUNT) }
    }))
}

fn prove_search(session: &Session, template: &Template, wanted: Option<CK_OBJECT_HANDLE>) -> Result<(), Problem> {
    let mut found = [0; 4];
    let count = session.find(template, &mut found)?;
    let found = found.get(..count).unwrap_or_default();
    require(found == wanted.as_slice(), &format!("found {found:?} instead of {wanted:?}"))
}

/// AES-GCM of 1 KiB with one key, or with one key after another.
fn use_keys(token: &Token, numbers: Vec<usize>) -> Result<Trial, Problem> {
    let session = token.open()?;
    let (data, mut output) = (message(KIB), vec![0; KIB + OVERHEAD_MAX_BYTES]);
    let mut keys = Vec::new();
    for number in numbers {
        let key = token.key(number).ok_or(Problem::Missing)?;
        if keys.len() < PROOFS_MAX {
            prove_use(&session, key, number)?;
        }
        keys.push(key);
    }
    let (mut next, mut vector) = (0, Vector::new());
    Ok(latency(move || {
        let Some(key) = keys.get(next) else {
            return Ok(());
        };
        next = (next + 1) % keys.len();
        session.encrypt(Mechanism::Gcm(vector.advance()), *key, &data, &mut output).map(drop)
    }))
}

fn prove_use(session: &Session, key: CK_OBJECT_HANDLE, number: usize) -> Result<(), Problem> {
    let (data, iv) = (message(KIB), [9; 12]);
    let (mut output, mut expected) = (vec![0; KIB + OVERHEAD_MAX_BYTES], vec![0; KIB + OVERHEAD_MAX_BYTES]);
    session.encrypt(Mechanism::Gcm(&iv), key, &data, &mut output)?;
    GcmKey::new(&key_value(number)).seal(&iv, &data, &mut expected);
    require(output == expected, "a key of the population does not encrypt as the reference")
}

fn read_attributes(token: &Token, numbers: Vec<usize>) -> Result<Trial, Problem> {
    let (session, mut reader) = (token.open()?, AttributeReader::of_key());
    let mut keys = Vec::new();
    for number in numbers {
        let key = token.key(number).ok_or(Problem::Missing)?;
        if keys.len() < PROOFS_MAX {
            session.read(key, &mut reader)?;
            require(reader.describes(&key_label(number), &key_id(number)), "the attributes are not those given")?;
        }
        keys.push(key);
    }
    let mut next = 0;
    Ok(latency(move || {
        let Some(key) = keys.get(next) else {
            return Ok(());
        };
        next = (next + 1) % keys.len();
        session.read(*key, &mut reader)
    }))
}

/// Which of the two calls counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timed {
    Creation,
    Destruction,
}

fn create_and_destroy(token: &Token, timed: Timed) -> Result<Trial, Problem> {
    let session = token.open()?;
    let template = Template::cipher_key(CKK_AES, Place::Token, "bench-one-more", b"bench-one-more", &AES_KEY);
    let search = Template::search_by_label("bench-one-more");
    let key = session.create(&template)?;
    prove_search(&session, &search, Some(key))?;
    session.destroy(key)?;
    prove_search(&session, &search, None)?;
    Ok(self_timed(move || {
        let start = Instant::now();
        let key = session.create(&template)?;
        let created = start.elapsed();
        session.destroy(key)?;
        Ok(if timed == Timed::Creation { created } else { start.elapsed() - created })
    }))
}

/// Up to a thousand numbers, evenly over the population, in an order that no read-ahead guesses.
fn spread(population: usize) -> Vec<usize> {
    let count = population.min(SPREAD_MAX);
    let step = (population / count.max(1)).max(1);
    (0..count).map(|index| index * 7919 % count * step).collect()
}

const SPREAD_MAX: usize = 1000;
/// Each proof costs a search, and a search may cost a third of a second.
const PROOFS_MAX: usize = 5;
/// Added to a number of the population, gives one that is in no population.
const ABSENT: usize = 1 << 40;
/// A search that found another number of keys while it was timed.
const WRONG_COUNT: CallError = CallError { function: "C_FindObjects (count)", code: cryptoki_sys::CKR_GENERAL_ERROR };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_visits_each_number_once() {
        for population in [1, 10, 999, 10_000] {
            let mut numbers = spread(population);
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), population.min(SPREAD_MAX));
            assert!(numbers.iter().all(|number| *number < population));
        }
    }
}
