//! Signing and verifying with MACs (§5.13, §5.15): output convention, parts, lengths, wrong signatures, order of calls.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Token, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::samples::{Kind, Random, Sample, samples};
use crate::session::{Session, Work};

fn macs() -> impl Iterator<Item = &'static Sample> {
    samples().filter(|sample| matches!(sample.kind, Kind::Mac { .. }))
}

fn verify(
    session: Session,
    mechanism: &Mechanism,
    key: u64,
    data: &[u8],
    signature: &[u8],
) -> Result<(), crate::module::Code> {
    session.verify_init(mechanism, key).unwrap();
    session.verify(data, signature)
}

fn verify_in_parts(
    session: Session,
    mechanism: &Mechanism,
    key: u64,
    (data, cuts): (&[u8], &[usize]),
    signature: &[u8],
) -> Result<(), crate::module::Code> {
    session.verify_init(mechanism, key).unwrap();
    let mut from = 0;
    for to in cuts.iter().copied().chain([data.len()]) {
        session.verify_update(&data[from..to]).unwrap();
        from = to;
    }
    session.verify_final(signature)
}

#[test]
fn queries_and_small_buffers_leave_the_operation() {
    let token = Token::new();
    let session = token.user();
    for sample in macs() {
        let key = sample.key(session, 3);
        let mechanism = sample.mechanism(0);
        let bytes = sample.output_len(0);
        let mut data = Random(3).bytes(77);
        let expected = session.run(Work::Sign, &mechanism, key, &data).unwrap();
        for in_parts in [false, true] {
            session.begin(Work::Sign, &mechanism, key).unwrap();
            let mut signature = vec![0xc3; bytes + 8];
            if in_parts {
                session.update(Work::Sign, &data).unwrap();
            }
            let (start, data_len) = (data.as_mut_ptr(), data.len() as CK_ULONG);
            let run = |output, len: &mut CK_ULONG| match in_parts {
                false => session.whole_raw(Work::Sign, (start, data_len, output, len)),
                true => session.finish_raw(Work::Sign, output, len),
            };
            let mut len = 0;
            run(ptr::null_mut(), &mut len).unwrap();
            assert_eq!(len as usize, bytes, "{}", sample.name);
            for small in [0, 1, bytes - 1] {
                len = small as CK_ULONG;
                assert_eq!(run(signature.as_mut_ptr(), &mut len), refused(CKR_BUFFER_TOO_SMALL));
                assert_eq!((len as usize, signature.iter().all(|byte| *byte == 0xc3)), (bytes, true));
            }
            len = bytes as CK_ULONG;
            run(signature.as_mut_ptr(), &mut len).unwrap();
            assert_eq!(signature[..bytes], expected, "{}", sample.name);
            assert_eq!(signature[bytes..], [0xc3; 8]);
            assert!(!session.is_active(Work::Sign));
        }
    }
}

#[test]
fn signature_and_data_may_share_their_memory() {
    let token = Token::new();
    let session = token.user();
    for sample in macs() {
        let key = sample.key(session, 3);
        let mechanism = sample.mechanism(0);
        let data = Random(4).bytes(100);
        let expected = session.run(Work::Sign, &mechanism, key, &data).unwrap();
        for (from, to) in [(0, 0), (0, 5), (5, 0), (0, 99)] {
            let mut memory = vec![0; 300];
            memory[from..from + 100].copy_from_slice(&data);
            let start = memory.as_mut_ptr();
            let mut len = expected.len() as CK_ULONG;
            session.begin(Work::Sign, &mechanism, key).unwrap();
            let exchange = (start.wrapping_add(from), 100, start.wrapping_add(to), &raw mut len);
            session.whole_raw(Work::Sign, exchange).unwrap();
            assert_eq!(memory[to..to + expected.len()], expected, "{}", sample.name);
        }
    }
}

#[test]
fn parts_give_what_the_whole_gives_both_ways() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(21);
    let mut runs = 0;
    for sample in macs() {
        let key = sample.key(session, 4);
        for len in sample.lengths() {
            let data = random.bytes(len);
            let mechanism = sample.mechanism(len);
            let signature = session.run(Work::Sign, &mechanism, key, &data).unwrap();
            let each: Vec<usize> = (0..len).step_by(1 + len / 60).collect();
            for cuts in [vec![], vec![0], vec![len], each, random.cuts(len), random.cuts(len)] {
                let parts = session.run_in_parts(Work::Sign, &mechanism, key, &data, &cuts).unwrap();
                assert_eq!(parts, signature, "{} of {len} cut at {cuts:?}", sample.name);
                verify_in_parts(session, &mechanism, key, (&data, &cuts), &signature).unwrap();
                runs += 2;
            }
            verify(session, &mechanism, key, &data, &signature).unwrap();
        }
        // An end without parts is the end of no data.
        let empty = session.run(Work::Sign, &sample.mechanism(0), key, b"").unwrap();
        session.begin(Work::Sign, &sample.mechanism(0), key).unwrap();
        assert_eq!(session.finish(Work::Sign).unwrap(), empty);
        session.verify_init(&sample.mechanism(0), key).unwrap();
        session.verify_final(&empty).unwrap();
    }
    println!("{runs} operations in parts");
}

#[test]
fn wrong_signatures_are_invalid_and_of_wrong_length_out_of_range() {
    let token = Token::new();
    let session = token.user();
    for sample in macs() {
        let key = sample.key(session, 5);
        let mechanism = sample.mechanism(0);
        let data = b"what is signed";
        let signature = session.run(Work::Sign, &mechanism, key, data).unwrap();
        for at in 0..signature.len() {
            let mut altered = signature.clone();
            altered[at] ^= 0x10;
            assert_eq!(
                verify(session, &mechanism, key, data, &altered),
                refused(CKR_SIGNATURE_INVALID),
                "{}",
                sample.name
            );
            let parts = verify_in_parts(session, &mechanism, key, (data, &[3]), &altered);
            assert_eq!(parts, refused(CKR_SIGNATURE_INVALID));
        }
        assert_eq!(verify(session, &mechanism, key, b"what is not", &signature), refused(CKR_SIGNATURE_INVALID));
        for len in [0, 1, signature.len() - 1, signature.len() + 1, 200] {
            let mut other = signature.clone();
            other.resize(len, 0);
            assert_eq!(
                verify(session, &mechanism, key, data, &other),
                refused(CKR_SIGNATURE_LEN_RANGE),
                "{}",
                sample.name
            );
            let parts = verify_in_parts(session, &mechanism, key, (data, &[3]), &other);
            assert_eq!(parts, refused(CKR_SIGNATURE_LEN_RANGE));
            assert_eq!(session.verify_final(&signature), refused(CKR_OPERATION_NOT_INITIALIZED));
        }
    }
}

#[test]
fn general_lengths_are_prefixes_of_the_longest() {
    let token = Token::new();
    let session = token.user();
    let mut lengths = 0;
    for sample in macs() {
        let Kind::Mac { longest: Some(longest), .. } = sample.kind else { continue };
        let key = sample.key(session, 6);
        let with_length = |len: usize| Mechanism { id: sample.id, parameter: Parameter::MacLength(len as CK_ULONG) };
        let full = session.run(Work::Sign, &with_length(longest), key, b"data").unwrap();
        assert_eq!(full.len(), longest);
        for len in 1..=longest {
            let short = session.run(Work::Sign, &with_length(len), key, b"data").unwrap();
            assert_eq!(short, full[..len], "{} of {len}", sample.name);
            verify(session, &with_length(len), key, b"data", &short).unwrap();
            lengths += 1;
        }
        // The plain mechanism is one of them.
        if let Some(plain_sample) = macs().find(|other| sample.name == format!("{}_GENERAL", other.name)) {
            let whole = session.run(Work::Sign, &plain(plain_sample.id), key, b"data").unwrap();
            assert_eq!(whole, full[..whole.len()], "{}", sample.name);
        }
    }
    println!("{lengths} lengths");
}

#[test]
fn calls_in_the_wrong_order() {
    let token = Token::new();
    let session = token.user();
    for sample in macs() {
        let key = sample.key(session, 7);
        let mechanism = sample.mechanism(0);
        let absent = refused(CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!(session.whole(Work::Sign, b"x"), absent);
        assert_eq!(session.update(Work::Sign, b"x"), absent);
        assert_eq!(session.finish(Work::Sign), absent);
        assert_eq!(session.verify(b"x", &[0; 16]), refused(CKR_OPERATION_NOT_INITIALIZED));
        assert_eq!(session.verify_update(b"x"), refused(CKR_OPERATION_NOT_INITIALIZED));
        assert_eq!(session.verify_final(&[0; 16]), refused(CKR_OPERATION_NOT_INITIALIZED));

        session.begin(Work::Sign, &mechanism, key).unwrap();
        assert_eq!(session.begin(Work::Sign, &mechanism, key), refused(CKR_OPERATION_ACTIVE));
        // Verifying is another kind of operation.
        session.verify_init(&mechanism, key).unwrap();
        assert_eq!(session.verify_init(&mechanism, key), refused(CKR_OPERATION_ACTIVE));
        let signature = session.whole(Work::Sign, b"x").unwrap();
        session.verify(b"x", &signature).unwrap();

        session.begin(Work::Sign, &mechanism, key).unwrap();
        session.update(Work::Sign, b"x").unwrap();
        assert_eq!(session.whole(Work::Sign, b"y"), absent, "{}", sample.name);
        session.verify_init(&mechanism, key).unwrap();
        session.verify_update(b"x").unwrap();
        assert_eq!(session.verify(b"y", &signature), refused(CKR_OPERATION_NOT_INITIALIZED));
        session.cancel_all();
    }
}

#[test]
fn every_key_length_signs_like_its_hash() {
    let token = Token::new();
    let session = token.user();
    // RFC 2104: a key longer than the block counts as its hash.
    for (digest, hmac, block) in
        [(CKM_SHA256, CKM_SHA256_HMAC, 64), (CKM_SHA512, CKM_SHA512_HMAC, 128), (CKM_SHA3_256, CKM_SHA3_256_HMAC, 136)]
    {
        for len in [1, block - 1, block, block + 1, 1000, 3583] {
            let value = vec![0x61; len];
            let key = session.create(&crate::template::key_template(CKK_GENERIC_SECRET, &value)).unwrap();
            let signature = session.run(Work::Sign, &plain(hmac), key, b"data").unwrap();
            let short = if len > block { session.run(Work::Digest, &plain(digest), 0, &value).unwrap() } else { value };
            let mut padded = short;
            padded.resize(block, 0);
            let pad = |byte: u8| padded.iter().map(|key| key ^ byte).collect::<Vec<u8>>();
            let inner = session.run(Work::Digest, &plain(digest), 0, &[pad(0x36), b"data".to_vec()].concat()).unwrap();
            let outer = session.run(Work::Digest, &plain(digest), 0, &[pad(0x5c), inner].concat()).unwrap();
            assert_eq!(signature, outer, "{len} bytes");
        }
    }
}
