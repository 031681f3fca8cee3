//! Functions that serve two operations (§5.17), and operations of different kinds active in one session at once.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Outcome, Token, refused};
use crate::parameters::plain;
use crate::samples::{Kind, Random, Sample, sample, samples};
use crate::session::{ALL_WORK, Session, Work};

/// The four functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dual {
    DigestEncrypt,
    DecryptDigest,
    SignEncrypt,
    DecryptVerify,
}

impl Dual {
    fn call(self, session: Session, input: &[u8], output: *mut u8, len: &mut CK_ULONG) -> Outcome {
        let (start, input_len) = (input.as_ptr().cast_mut(), input.len() as CK_ULONG);
        match self {
            Dual::DigestEncrypt => call!(C_DigestEncryptUpdate(session.0, start, input_len, output, len)),
            Dual::DecryptDigest => call!(C_DecryptDigestUpdate(session.0, start, input_len, output, len)),
            Dual::SignEncrypt => call!(C_SignEncryptUpdate(session.0, start, input_len, output, len)),
            Dual::DecryptVerify => call!(C_DecryptVerifyUpdate(session.0, start, input_len, output, len)),
        }
    }

    /// One part, after a length query and an attempt with no room.
    fn update(self, session: Session, input: &[u8]) -> Outcome<Vec<u8>> {
        let mut len = 0;
        self.call(session, input, ptr::null_mut(), &mut len)?;
        let mut output = vec![0; len as usize + 1];
        let mut none = 0;
        match self.call(session, input, output.as_mut_ptr(), &mut none) {
            Ok(()) => {
                assert_eq!(none, 0);
                return Ok(Vec::new());
            }
            refusal => assert_eq!(refusal, refused(CKR_BUFFER_TOO_SMALL), "{self:?}"),
        }
        self.call(session, input, output.as_mut_ptr(), &mut len)?;
        output.truncate(len as usize);
        Ok(output)
    }
}

/// Ciphers and how they are cut: those that keep nothing back, so that a digest sees each part's plaintext.
fn ciphers() -> impl Iterator<Item = &'static Sample> {
    samples().filter(|sample| matches!(sample.kind, Kind::Cipher { .. }))
}

#[test]
fn two_operations_in_one_call_give_what_each_gives_alone() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(41);
    let mut runs = 0;
    for cipher in ciphers() {
        let key = cipher.key(session, 0);
        let mac = sample(CKM_SHA256_HMAC);
        let mac_key = mac.key(session, 1);
        for len in [16, 48, 96, 1024] {
            let data = random.bytes(len);
            let mechanism = cipher.mechanism(len);
            let encrypted = session.run(Work::Encrypt, &mechanism, key, &data).unwrap();
            let digest = session.run(Work::Digest, &plain(CKM_SHA256), 0, &data).unwrap();
            let signature = session.run(Work::Sign, &plain(mac.id), mac_key, &data).unwrap();
            let cuts = random.cuts(len);
            let parts = |input: &[u8], dual: Dual| -> Vec<u8> {
                let mut from = 0;
                let mut output = Vec::new();
                for to in cuts.iter().map(|cut| cut * input.len() / len).chain([input.len()]) {
                    output.extend(dual.update(session, &input[from..to]).unwrap());
                    from = to;
                }
                output
            };
            session.begin(Work::Digest, &plain(CKM_SHA256), 0).unwrap();
            session.begin(Work::Encrypt, &mechanism, key).unwrap();
            let mut output = parts(&data, Dual::DigestEncrypt);
            output.extend(session.finish(Work::Encrypt).unwrap());
            assert_eq!(output, encrypted, "{}", cipher.name);
            assert_eq!(session.finish(Work::Digest).unwrap(), digest, "{}", cipher.name);

            session.begin(Work::Sign, &plain(mac.id), mac_key).unwrap();
            session.begin(Work::Encrypt, &mechanism, key).unwrap();
            let mut output = parts(&data, Dual::SignEncrypt);
            output.extend(session.finish(Work::Encrypt).unwrap());
            assert_eq!(output, encrypted, "{}", cipher.name);
            assert_eq!(session.finish(Work::Sign).unwrap(), signature, "{}", cipher.name);

            // What the decryption gives at its end, the other operation has to be told (§5.17.2).
            session.begin(Work::Decrypt, &mechanism, key).unwrap();
            session.begin(Work::Digest, &plain(CKM_SHA256), 0).unwrap();
            let mut output = parts(&encrypted, Dual::DecryptDigest);
            let last = session.finish(Work::Decrypt).unwrap();
            session.update(Work::Digest, &last).unwrap();
            output.extend(last);
            assert_eq!(output, data, "{}", cipher.name);
            assert_eq!(session.finish(Work::Digest).unwrap(), digest, "{}", cipher.name);

            session.begin(Work::Decrypt, &mechanism, key).unwrap();
            session.verify_init(&plain(mac.id), mac_key).unwrap();
            let mut output = parts(&encrypted, Dual::DecryptVerify);
            let last = session.finish(Work::Decrypt).unwrap();
            session.verify_update(&last).unwrap();
            output.extend(last);
            assert_eq!(output, data, "{}", cipher.name);
            session.verify_final(&signature).unwrap();
            runs += 4;
        }
    }
    println!("{runs} pairs");
}

#[test]
fn both_operations_are_needed() {
    let token = Token::new();
    let session = token.user();
    let cipher = sample(CKM_AES_CTR);
    let key = cipher.key(session, 0);
    let mechanism = cipher.mechanism(16);
    let absent = refused(CKR_OPERATION_NOT_INITIALIZED);
    for (dual, first, second) in [
        (Dual::DigestEncrypt, Work::Digest, Work::Encrypt),
        (Dual::DecryptDigest, Work::Decrypt, Work::Digest),
        (Dual::SignEncrypt, Work::Sign, Work::Encrypt),
    ] {
        let begin = |work| match work {
            Work::Digest => session.begin(work, &plain(CKM_SHA256), 0).unwrap(),
            Work::Sign => session.begin(work, &plain(CKM_AES_CMAC), key).unwrap(),
            _ => session.begin(work, &mechanism, key).unwrap(),
        };
        assert_eq!(dual.update(session, &[0; 16]), absent, "{dual:?}");
        for only in [first, second] {
            begin(only);
            assert_eq!(dual.update(session, &[0; 16]), absent, "{dual:?} with {only:?} only");
            session.cancel_all();
        }
        begin(first);
        begin(second);
        dual.update(session, &[0; 16]).unwrap();
        session.cancel_all();
    }
    assert_eq!(Dual::DecryptVerify.update(session, &[0; 16]), absent);
    session.verify_init(&plain(CKM_AES_CMAC), key).unwrap();
    assert_eq!(Dual::DecryptVerify.update(session, &[0; 16]), absent);
    session.cancel_all();
    session.begin(Work::Decrypt, &mechanism, key).unwrap();
    assert_eq!(Dual::DecryptVerify.update(session, &[0; 16]), absent);
}

#[test]
fn operations_of_different_kinds_do_not_disturb_each_other() {
    let token = Token::new();
    let session = token.user();
    let cipher = sample(CKM_AES_CBC);
    let key = cipher.key(session, 0);
    let data = Random(5).bytes(160);
    let mechanism = cipher.mechanism(160);
    let encrypted = session.run(Work::Encrypt, &mechanism, key, &data).unwrap();
    let input = |work| if work == Work::Decrypt { &encrypted } else { &data };
    let begin = |work| match work {
        Work::Digest => session.begin(work, &plain(CKM_SHA512), 0),
        Work::Sign => session.begin(work, &plain(CKM_AES_CMAC), key),
        _ => session.begin(work, &mechanism, key),
    };
    let alone: Vec<Vec<u8>> = ALL_WORK
        .iter()
        .map(|work| {
            begin(*work).unwrap();
            session.whole(*work, input(*work)).unwrap()
        })
        .collect();
    for work in ALL_WORK {
        begin(work).unwrap();
    }
    session.verify_init(&plain(CKM_AES_CMAC), key).unwrap();
    session.find_init(&[]).unwrap();
    let mut outputs = vec![Vec::new(); 4];
    for at in 0..10 {
        for (work, output) in ALL_WORK.into_iter().zip(&mut outputs) {
            let part = session.update(work, &input(work)[16 * at..16 * (at + 1)]).unwrap();
            if matches!(work, Work::Encrypt | Work::Decrypt) {
                output.extend(part);
            }
        }
        session.verify_update(&data[16 * at..16 * (at + 1)]).unwrap();
    }
    // An error in one of them ends that one only.
    session.update(Work::Encrypt, &[1]).unwrap();
    assert_eq!(session.finish(Work::Encrypt), refused(CKR_DATA_LEN_RANGE));
    for (work, output) in ALL_WORK.into_iter().zip(&mut outputs).skip(1) {
        output.extend(session.finish(work).unwrap());
    }
    assert_eq!(outputs, alone);
    session.verify_final(&alone[3]).unwrap();
    assert_eq!(session.find_some(5).unwrap(), [key]);
    session.find_final().unwrap();
}
