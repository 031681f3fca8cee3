//! Message digests (§5.12): output convention, parts, keys digested, order of calls.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Token, refused};
use crate::parameters::plain;
use crate::samples::{KEY_TYPES, Kind, Random, Sample, key_value, samples};
use crate::session::Work;
use crate::template::{flag, key_template, with};

fn digests() -> impl Iterator<Item = &'static Sample> {
    samples().filter(|sample| matches!(sample.kind, Kind::Digest(_)))
}

#[test]
fn queries_and_small_buffers_leave_the_operation() {
    let token = Token::new();
    // Digests need no login.
    let session = token.read_only();
    for sample in digests() {
        let bytes = sample.output_len(0);
        let mut data = *b"some data to digest";
        let expected = session.run(Work::Digest, &plain(sample.id), 0, &data).unwrap();
        for in_parts in [false, true] {
            session.begin(Work::Digest, &plain(sample.id), 0).unwrap();
            if in_parts {
                session.update(Work::Digest, &data).unwrap();
            }
            let start = data.as_mut_ptr();
            let run = |output, len: &mut CK_ULONG| match in_parts {
                false => session.whole_raw(Work::Digest, (start, 19, output, len)),
                true => session.finish_raw(Work::Digest, output, len),
            };
            let mut len = 0;
            run(ptr::null_mut(), &mut len).unwrap();
            assert_eq!(len as usize, bytes);
            let mut digest = [0xc3; 72];
            for small in [0, 1, bytes - 1] {
                len = small as CK_ULONG;
                assert_eq!(run(digest.as_mut_ptr(), &mut len), refused(CKR_BUFFER_TOO_SMALL));
                assert_eq!((len as usize, digest), (bytes, [0xc3; 72]));
            }
            len = bytes as CK_ULONG;
            run(digest.as_mut_ptr(), &mut len).unwrap();
            assert_eq!((&digest[..bytes], digest[bytes]), (&expected[..], 0xc3), "{}", sample.name);
            assert!(!session.is_active(Work::Digest));
        }
        // In place.
        let mut memory = [0u8; 100];
        memory[..19].copy_from_slice(&data);
        session.begin(Work::Digest, &plain(sample.id), 0).unwrap();
        let mut len = 100;
        let start = memory.as_mut_ptr();
        session.whole_raw(Work::Digest, (start, 19, start, &mut len)).unwrap();
        assert_eq!(memory[..bytes], expected);
    }
}

#[test]
fn parts_give_what_the_whole_gives() {
    let token = Token::new();
    let session = token.read_write();
    let mut random = Random(31);
    let mut runs = 0;
    for sample in digests() {
        for len in (0..300).chain([1000, 5000, 100_000]) {
            let data = random.bytes(len);
            let whole = session.run(Work::Digest, &plain(sample.id), 0, &data).unwrap();
            let cuts = random.cuts(len);
            let parts = session.run_in_parts(Work::Digest, &plain(sample.id), 0, &data, &cuts).unwrap();
            assert_eq!(parts, whole, "{} of {len} cut at {cuts:?}", sample.name);
            runs += 1;
        }
        let empty = session.run(Work::Digest, &plain(sample.id), 0, b"").unwrap();
        session.begin(Work::Digest, &plain(sample.id), 0).unwrap();
        assert_eq!(session.finish(Work::Digest).unwrap(), empty);
    }
    println!("{runs} digests");
}

#[test]
fn calls_in_the_wrong_order() {
    let token = Token::new();
    let session = token.read_write();
    let absent = refused(CKR_OPERATION_NOT_INITIALIZED);
    for sample in digests() {
        let mechanism = plain(sample.id);
        assert_eq!(session.whole(Work::Digest, b"x"), absent);
        assert_eq!(session.update(Work::Digest, b"x"), absent);
        assert_eq!(session.finish(Work::Digest), absent);
        assert_eq!(call!(C_DigestKey(session.0, 1)), refused(CKR_OPERATION_NOT_INITIALIZED));
        session.begin(Work::Digest, &mechanism, 0).unwrap();
        assert_eq!(session.begin(Work::Digest, &mechanism, 0), refused(CKR_OPERATION_ACTIVE));
        session.update(Work::Digest, b"x").unwrap();
        assert_eq!(session.whole(Work::Digest, b"y"), absent);
        session.cancel_all();
    }
}

#[test]
fn keys_are_digested_where_their_value_may_come_out() {
    let token = Token::new();
    let session = token.user();
    for sample in digests() {
        for key_type in KEY_TYPES {
            let value = key_value(*key_type, 3);
            let open = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
            let key = session.create(&with(&key_template(*key_type, &value), &open)).unwrap();
            session.begin(Work::Digest, &plain(sample.id), 0).unwrap();
            session.update(Work::Digest, b"before ").unwrap();
            call!(C_DigestKey(session.0, key)).unwrap();
            session.update(Work::Digest, b" after").unwrap();
            let digest = session.finish(Work::Digest).unwrap();
            let expected = [&b"before "[..], &value, b" after"].concat();
            assert_eq!(digest, session.run(Work::Digest, &plain(sample.id), 0, &expected).unwrap());
            session.destroy(key).unwrap();
        }
    }
    let half_open = |sensitive, extractable| {
        let flags = [flag(CKA_SENSITIVE, sensitive), flag(CKA_EXTRACTABLE, extractable)];
        session.create(&with(&key_template(CKK_AES, &[1; 16]), &flags)).unwrap()
    };
    let closed = half_open(true, false);
    for (key, code) in [
        (closed, CKR_KEY_INDIGESTIBLE),
        (half_open(true, true), CKR_KEY_INDIGESTIBLE),
        (half_open(false, false), CKR_KEY_INDIGESTIBLE),
        (0, CKR_KEY_HANDLE_INVALID),
        (closed + 99, CKR_KEY_HANDLE_INVALID),
    ] {
        session.begin(Work::Digest, &plain(CKM_SHA256), 0).unwrap();
        assert_eq!(call!(C_DigestKey(session.0, key)), refused(code));
        // An error ends the operation.
        assert!(!session.is_active(Work::Digest));
    }
    // After a key, the digest is one in parts.
    let open = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    let key = session.create(&with(&key_template(CKK_AES, &[1; 16]), &open)).unwrap();
    session.begin(Work::Digest, &plain(CKM_SHA256), 0).unwrap();
    call!(C_DigestKey(session.0, key)).unwrap();
    assert_eq!(session.whole(Work::Digest, b"x"), refused(CKR_OPERATION_NOT_INITIALIZED));
}
