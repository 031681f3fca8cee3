//! AES key wrap: Wycheproof, the values of RFC 3394 and RFC 5649, other initial values, refusals.

mod common;

use common::{Random, hex};
use strongroom_crypto::Error;
use strongroom_crypto::cipher::{self, Mode};
use strongroom_crypto::keywrap::Key;

fn vectors(name: &str) -> serde_json::Value {
    let path = format!("{}/../tests/vectors/wycheproof/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

// Runs `check` with tcId, key, message, ciphertext and whether it is valid; the counts of both kinds.
fn wycheproof(name: &str, mut check: impl FnMut(u64, &Key, &[u8], &[u8], bool)) -> (u64, u64) {
    let root = vectors(name);
    let (mut valid, mut invalid) = (0, 0);
    for case in root["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()) {
        let bytes = |field: &str| hex(case[field].as_str().unwrap());
        let key = Key::new(&bytes("key")).unwrap();
        // "Acceptable" are wrapped keys of 8 bytes, which RFC 3394 §2 does not have.
        let good = case["result"] == "valid";
        check(case["tcId"].as_u64().unwrap(), &key, &bytes("msg"), &bytes("ct"), good);
        *if good { &mut valid } else { &mut invalid } += 1;
    }
    assert_eq!(root["numberOfTests"], valid + invalid);
    (valid, invalid)
}

#[test]
fn wycheproof_aes_wrap() {
    let counts = wycheproof("aes_wrap_test.json", |id, key, data, wrapped, valid| {
        let (mut there, mut back) = (vec![0xaa; data.len() + 8], vec![0xaa; wrapped.len()]);
        let unwrapped = key.unwrap(None, wrapped, &mut back);
        if valid {
            assert_eq!(key.wrap(None, data, &mut there), Ok(wrapped.len()), "{id}");
            assert_eq!(there, wrapped, "{id}");
            assert_eq!((unwrapped, &back[..data.len()]), (Ok(data.len()), data), "{id}");
        } else {
            let length_fits = wrapped.len() >= 24 && wrapped.len().is_multiple_of(8);
            let expected = if length_fits { Error::Authentication } else { Error::CiphertextLength };
            assert_eq!(unwrapped, Err(expected), "{id}");
            let left = &back[..if length_fits { wrapped.len() - 8 } else { 0 }];
            assert!(left.iter().all(|byte| *byte == 0), "{id}: nothing of the decryption is left");
        }
    });
    assert!(counts.0 > 30 && counts.1 > 60, "{counts:?}");
}

#[test]
fn wycheproof_aes_kwp() {
    let counts = wycheproof("aes_kwp_test.json", |id, key, data, wrapped, valid| {
        let (mut there, mut back) = (vec![0xaa; data.len() + 15], vec![0xaa; wrapped.len()]);
        let unwrapped = key.unwrap_padded(None, wrapped, &mut back);
        // The constant of the RFC, given by the caller, is the same.
        let constant = Some([0xa6, 0x59, 0x59, 0xa6]);
        let mut same = vec![0xaa; wrapped.len()];
        assert_eq!(key.unwrap_padded(constant, wrapped, &mut same), unwrapped, "{id}");
        assert_eq!(same, back, "{id}");
        if valid {
            for iv in [None, constant] {
                assert_eq!(key.wrap_padded(iv, data, &mut there), Ok(wrapped.len()), "{id}");
                assert_eq!(there[..wrapped.len()], *wrapped, "{id}");
            }
            assert_eq!((unwrapped, &back[..data.len()]), (Ok(data.len()), data), "{id}");
        } else {
            let length_fits = wrapped.len() >= 16 && wrapped.len().is_multiple_of(8);
            let expected = if length_fits { Error::Authentication } else { Error::CiphertextLength };
            assert_eq!(unwrapped, Err(expected), "{id}");
            assert!(back.iter().all(|byte| *byte == 0xaa), "{id}: nothing is written");
        }
    });
    assert!(counts.0 > 60 && counts.1 > 60, "{counts:?}");
}

#[test]
fn rfc3394_and_rfc5649_values() {
    let data = hex("00112233445566778899aabbccddeeff 0001020304050607 08090a0b0c0d0e0f");
    let key = Key::new(&hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")).unwrap();
    let mut out = [0; 40];
    assert_eq!(key.wrap(None, &data, &mut out), Ok(40));
    assert_eq!(out, *hex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"));

    let key = Key::new(&hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")).unwrap();
    let data = hex("c37b7e6492584340bed12207808941155068f738");
    assert_eq!(key.wrap_padded(None, &data, &mut out), Ok(32));
    assert_eq!(out[..32], hex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"));
    assert_eq!(key.wrap_padded(None, &hex("466f7250617369"), &mut out), Ok(16));
    assert_eq!(out[..16], hex("afbeb0f07dfbf5419200f2ccb50bb24f"));
}

#[test]
fn other_initial_values_are_taken_and_compared() {
    let mut random = Random::new(61);
    for key_bytes in [16, 24, 32] {
        let key = Key::new(&random.bytes(key_bytes)).unwrap();
        for len in (1..=40).chain([1000, 1001]) {
            let data = random.bytes(len);
            let (mut wrapped, mut back) = (vec![0; len + 15], vec![0; len + 15]);
            let written = key.wrap_padded(Some(*b"mine"), &data, &mut wrapped).unwrap();
            assert_eq!(written, len.next_multiple_of(8) + 8);
            let wrapped = &wrapped[..written];
            assert_eq!(key.unwrap_padded(Some(*b"mine"), wrapped, &mut back), Ok(len));
            assert_eq!(back[..len], data);
            assert_eq!(key.unwrap_padded(Some(*b"mind"), wrapped, &mut back), Err(Error::Authentication));
            assert_eq!(key.unwrap_padded(None, wrapped, &mut back), Err(Error::Authentication));
            if len < 16 || !len.is_multiple_of(8) {
                continue;
            }
            assert_eq!(key.wrap(Some([7; 8]), &data, &mut back), Ok(len + 8));
            let wrapped = back[..len + 8].to_vec();
            assert_eq!(key.unwrap(Some([7; 8]), &wrapped, &mut back), Ok(len));
            assert_eq!(back[..len], data);
            assert_eq!(key.unwrap(None, &wrapped, &mut back), Err(Error::Authentication));
        }
    }
}

/// Wrapped as RFC 3394 with the initial value of RFC 5649, but with padding that is not zero, or of eight bytes.
#[test]
fn wrong_padding_is_refused_under_every_initial_value() {
    let mut random = Random::new(62);
    let bytes = random.bytes(16);
    let key = Key::new(&bytes).unwrap();
    for constant in [[0xa6, 0x59, 0x59, 0xa6], *b"mine"] {
        let given = Some(constant).filter(|constant| constant == b"mine");
        for (claimed, last, right) in [(20, 0, true), (20, 1, false), (16, 0, false), (25, 0, false), (24, 1, true)] {
            let mut padded = random.bytes(20);
            padded.extend([0, 0, 0, last]);
            let iv: [u8; 8] = [&constant[..], &[0, 0, 0, claimed]].concat().try_into().unwrap();
            let (mut wrapped, mut back) = ([0; 32], [0; 32]);
            key.wrap(Some(iv), &padded, &mut wrapped).unwrap();
            let expected = if right { Ok(usize::from(claimed)) } else { Err(Error::Authentication) };
            assert_eq!(key.unwrap_padded(given, &wrapped, &mut back), expected, "{claimed} {last}");
        }
        // A single block, made with plain AES.
        for (claimed, last, right) in [(7, 0, true), (7, 1, false), (0, 0, false), (9, 0, false), (8, 1, true)] {
            let block = [&constant[..], &[0, 0, 0, claimed], &[1, 2, 3, 4, 5, 6, 7, last]].concat();
            let aes = std::sync::Arc::new(cipher::Key::aes(&bytes).unwrap());
            let wrapped = common::whole(&aes, &Mode::Ecb, common::Encrypt, &block).unwrap();
            let expected = if right { Ok(usize::from(claimed)) } else { Err(Error::Authentication) };
            assert_eq!(key.unwrap_padded(given, &wrapped, &mut [0; 8]), expected, "{claimed} {last}");
        }
    }
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    for got in [0, 8, 15, 17, 33] {
        assert_eq!(Key::new(&vec![0; got]).err(), Some(Error::KeyLength { got }));
    }
    let key = Key::new(&[1; 16]).unwrap();
    for len in [0, 1, 8, 15, 17, 23] {
        assert_eq!(key.wrap(None, &vec![0; len], &mut [0; 64]), Err(Error::DataLength), "{len}");
    }
    for len in [0, 1, 8, 16, 23, 25] {
        assert_eq!(key.unwrap(None, &vec![0; len], &mut [0; 64]), Err(Error::CiphertextLength), "{len}");
    }
    for iv in [None, Some([1; 4])] {
        assert_eq!(key.wrap_padded(iv, &[], &mut [0; 64]), Err(Error::DataLength));
        for len in [0, 1, 8, 15, 17, 23, 25] {
            assert_eq!(key.unwrap_padded(iv, &vec![0; len], &mut [0; 64]), Err(Error::CiphertextLength), "{len}");
        }
    }
}

#[test]
fn an_output_that_is_too_small_says_what_it_needs() {
    let key = Key::new(&[1; 16]).unwrap();
    let mut wrapped = [0; 24];
    assert_eq!(key.wrap(None, &[5; 16], &mut wrapped[..23]), Err(Error::OutputTooSmall { needed: 24 }));
    assert_eq!(key.wrap(None, &[5; 16], &mut wrapped), Ok(24));
    assert_eq!(key.unwrap(None, &wrapped, &mut [0; 15]), Err(Error::OutputTooSmall { needed: 16 }));
    for iv in [None, Some([1; 4])] {
        assert_eq!(key.wrap_padded(iv, &[5; 13], &mut wrapped[..23]), Err(Error::OutputTooSmall { needed: 24 }));
        assert_eq!(key.wrap_padded(iv, &[5; 13], &mut wrapped), Ok(24));
        // Exactly the data's bytes suffice; what is wrong is wrong first.
        assert_eq!(key.unwrap_padded(iv, &wrapped, &mut [0; 12]), Err(Error::OutputTooSmall { needed: 13 }));
        assert_eq!(key.unwrap_padded(iv, &wrapped, &mut [0; 13]), Ok(13));
        wrapped[5] ^= 1;
        assert_eq!(key.unwrap_padded(iv, &wrapped, &mut [0; 12]), Err(Error::Authentication));
    }
}

#[test]
fn a_key_serves_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Key>();
    let key = Key::new(&[3; 32]).unwrap();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let key = &key;
            scope.spawn(move || {
                let mut random = Random::new(seed);
                for _ in 0..200 {
                    let len = 1 + random.below(100);
                    let data = random.bytes(len);
                    let (mut wrapped, mut back) = ([0; 128], [0; 128]);
                    let written = key.wrap_padded(None, &data, &mut wrapped).unwrap();
                    assert_eq!(key.unwrap_padded(None, &wrapped[..written], &mut back), Ok(data.len()));
                    assert_eq!(back[..data.len()], data);
                }
            });
        }
    });
}
