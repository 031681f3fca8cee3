//! The Wycheproof files for the ciphers and MACs. Valid cases run both ways, whole and in parts.

mod common;

use std::sync::Arc;

use common::{Case, Decrypt, Encrypt, Random, Vectors, cuts, parts, whole};
use strongroom_crypto::cipher::{Key, Mode};
use strongroom_crypto::hash::Algorithm;
use strongroom_crypto::mac::{self, Mac};
use strongroom_crypto::{Error, cipher};

#[test]
fn aes_cbc_pkcs5() {
    Vectors::load("aes_cbc_pkcs5_test.json").run(|case| {
        let iv = case.bytes("iv");
        check_cipher(case, Key::aes(&case.bytes("key")), &Mode::CbcPad { iv: &iv }, &case.bytes("ct"));
    });
}

#[test]
fn aes_gcm() {
    Vectors::load("aes_gcm_test.json").run(|case| {
        let (iv, aad) = (case.bytes("iv"), case.bytes("aad"));
        let mode = Mode::Gcm { iv: &iv, aad: &aad, tag_bytes: case.group_bytes("tagSize") };
        check_cipher(case, Key::aes(&case.bytes("key")), &mode, &with_tag(case));
    });
}

#[test]
fn aes_ccm() {
    Vectors::load("aes_ccm_test.json").run(|case| {
        let (nonce, aad) = (case.bytes("iv"), case.bytes("aad"));
        let data_bytes = case.bytes("ct").len();
        let mode = Mode::Ccm { data_bytes, nonce: &nonce, aad: &aad, tag_bytes: case.group_bytes("tagSize") };
        check_cipher(case, Key::aes(&case.bytes("key")), &mode, &with_tag(case));
    });
}

#[test]
fn aes_xts() {
    let mut checked = 0;
    Vectors::load("aes_xts_test.json").run(|case| {
        // The file gives the data unit's number in eight bytes or sixteen.
        let mut tweak = [0; 16];
        let iv = case.bytes("iv");
        tweak[..iv.len()].copy_from_slice(&iv);
        let key = case.bytes("key");
        if key.len() == 48 {
            // Two AES-192 keys: neither IEEE 1619 nor PKCS#11 has them.
            return assert_eq!(Key::aes_xts(&key).err(), Some(Error::KeyLength { got: 48 }));
        }
        checked += 1;
        check_cipher(case, Key::aes_xts(&key), &Mode::Xts { tweak: &tweak }, &case.bytes("ct"));
    });
    assert!(checked > 50, "{checked}");
}

#[test]
fn chacha20_poly1305() {
    Vectors::load("chacha20_poly1305_test.json").run(|case| {
        let (nonce, aad) = (case.bytes("iv"), case.bytes("aad"));
        let mode = Mode::ChaCha20Poly1305 { nonce: &nonce, aad: &aad };
        check_cipher(case, Key::chacha20(&case.bytes("key")), &mode, &with_tag(case));
    });
}

#[test]
fn aes_cmac() {
    Vectors::load("aes_cmac_test.json").run(|case| check_mac(case, mac::Key::cmac_aes(&case.bytes("key")), &[]));
}

#[test]
fn aes_gmac() {
    Vectors::load("aes_gmac_test.json").run(|case| {
        check_mac(case, mac::Key::gmac(&case.bytes("key")), &case.bytes("iv"));
    });
}

#[test]
fn hmac() {
    for (name, algorithm) in [
        ("hmac_sha1_test.json", Algorithm::Sha1),
        ("hmac_sha224_test.json", Algorithm::Sha224),
        ("hmac_sha256_test.json", Algorithm::Sha256),
        ("hmac_sha384_test.json", Algorithm::Sha384),
        ("hmac_sha512_test.json", Algorithm::Sha512),
        ("hmac_sha512_224_test.json", Algorithm::Sha512_224),
        ("hmac_sha512_256_test.json", Algorithm::Sha512_256),
        ("hmac_sha3_224_test.json", Algorithm::Sha3_224),
        ("hmac_sha3_256_test.json", Algorithm::Sha3_256),
        ("hmac_sha3_384_test.json", Algorithm::Sha3_384),
        ("hmac_sha3_512_test.json", Algorithm::Sha3_512),
    ] {
        Vectors::load(name).run(|case| check_mac(case, mac::Key::hmac(algorithm, &case.bytes("key")), &[]));
    }
}

fn with_tag(case: &Case<'_>) -> Vec<u8> {
    [case.bytes("ct"), case.bytes("tag")].concat()
}

fn check_cipher(case: &Case<'_>, key: Result<Key, Error>, mode: &Mode<'_>, ciphertext: &[u8]) {
    let key = match key {
        Ok(key) => Arc::new(key),
        Err(_) => return assert!(!case.valid(), "{case}: key refused"),
    };
    let message = case.bytes("msg");
    let mut random = Random::new(message.len() as u64);
    let (in_cuts, out_cuts) = (cuts(&mut random, message.len()), cuts(&mut random, ciphertext.len()));
    let opened = whole(&key, mode, Decrypt, ciphertext);
    let opened_in_parts = parts(&key, mode, Decrypt, ciphertext, &out_cuts);
    if case.valid() {
        assert_eq!(opened.as_ref(), Ok(&message), "{case}");
        assert_eq!(opened_in_parts.as_ref(), Ok(&message), "{case} in parts {out_cuts:?}");
        assert_eq!(whole(&key, mode, Encrypt, &message).as_deref(), Ok(ciphertext), "{case}");
        assert_eq!(parts(&key, mode, Encrypt, &message, &in_cuts).as_deref(), Ok(ciphertext), "{case} {in_cuts:?}");
    } else {
        let started = cipher::Cipher::start(&key, mode, Decrypt).is_ok();
        for outcome in [opened, opened_in_parts] {
            match outcome {
                Err(Error::Authentication | Error::CiphertextLength) if started => {}
                Err(Error::Parameter(_)) if !started => {}
                other => panic!("{case}: {other:?}"),
            }
        }
    }
}

fn check_mac(case: &Case<'_>, key: Result<mac::Key, Error>, iv: &[u8]) {
    let key = match key {
        Ok(key) => Arc::new(key),
        Err(_) => return assert!(!case.valid(), "{case}: key refused"),
    };
    let mut running = match Mac::start(&key, iv) {
        Ok(running) => running,
        Err(_) => return assert!(!case.valid(), "{case}: IV refused"),
    };
    let (message, tag) = (case.bytes("msg"), case.bytes("tag"));
    running.update(&message).unwrap();
    assert_eq!(running.verify(&tag), Ok(case.valid()), "{case}");

    // The same again on the used state, in two parts, this time giving the tag.
    running.restart(iv).unwrap();
    let (start, end) = message.split_at(message.len() / 3);
    running.update(start).unwrap();
    running.update(end).unwrap();
    let mut given = vec![0; case.group_bytes("tagSize")];
    assert_eq!(running.finish(&mut given), Ok(given.len()), "{case}");
    assert_eq!(given == tag, case.valid(), "{case}");
}
