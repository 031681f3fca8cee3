//! MACs: RFC 4231 and NIST SP 800-38B values, HMAC against another implementation, CBC-MAC against CBC, truncation,
//! restart, parts.

mod common;

use std::sync::Arc;

use common::{Encrypt, Random, cuts, hex, whole};
use strongroom_crypto::Error;
use strongroom_crypto::cipher::{self, Mode};
use strongroom_crypto::hash::{Algorithm, digest};
use strongroom_crypto::mac::{Key, Mac};

fn tag(key: &Arc<Key>, iv: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Mac::start(key, iv).unwrap();
    mac.update(data).unwrap();
    let mut tag = vec![0; mac.full_bytes()];
    assert_eq!(mac.finish(&mut tag), Ok(tag.len()));
    tag
}

#[test]
fn rfc4231_hmac() {
    let counting: Vec<u8> = (1..=25).collect();
    for (key, data, algorithm, expected) in [
        (
            &[0x0b; 20][..],
            &b"Hi There"[..],
            Algorithm::Sha224,
            "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
        ),
        (
            &[0x0b; 20],
            b"Hi There",
            Algorithm::Sha256,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            &[0x0b; 20],
            b"Hi There",
            Algorithm::Sha384,
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
        ),
        (
            &[0x0b; 20],
            b"Hi There",
            Algorithm::Sha512,
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
             daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            Algorithm::Sha256,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            Algorithm::Sha256,
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (&counting, &[0xcd; 50], Algorithm::Sha256, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            Algorithm::Sha256,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        // RFC 2202.
        (b"Jefe", b"what do ya want for nothing?", Algorithm::Md5, "750c783e6ab0b503eaa86e310a5db738"),
        (b"Jefe", b"what do ya want for nothing?", Algorithm::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    ] {
        let key = Arc::new(Key::hmac(algorithm, key).unwrap());
        assert_eq!(tag(&key, &[], data), hex(expected), "{algorithm:?}");
    }
}

#[test]
fn hmac_follows_its_definition_for_every_algorithm_and_key_length() {
    let mut random = Random::new(31);
    for algorithm in Algorithm::ALL {
        let block = algorithm.block_bytes();
        for key_bytes in [0, 1, 20, block - 1, block, block + 1, 300] {
            let (bytes, data) = (random.bytes(key_bytes), random.bytes(key_bytes / 2 + 70));
            let hash = |parts: &[&[u8]]| {
                let mut output = vec![0; algorithm.output_bytes()];
                digest(algorithm, &parts.concat(), &mut output).unwrap();
                output
            };
            let mut padded = if key_bytes > block { hash(&[&bytes]) } else { bytes.clone() };
            padded.resize(block, 0);
            let pad = |mask: u8| padded.iter().map(|byte| byte ^ mask).collect::<Vec<u8>>();
            let expected = hash(&[&pad(0x5c), &hash(&[&pad(0x36), &data])]);
            let key = Arc::new(Key::hmac(algorithm, &bytes).unwrap());
            assert_eq!(tag(&key, &[], &data), expected, "{algorithm:?} {key_bytes}");
        }
    }
}

#[test]
fn hmac_is_that_of_another_implementation() {
    use hmac::{Hmac, KeyInit, Mac as _};
    macro_rules! oracle {
        ($hash:ty) => {
            |key, message| {
                let mut mac = Hmac::<$hash>::new_from_slice(key).unwrap();
                mac.update(message);
                mac.finalize().into_bytes().to_vec()
            }
        };
    }
    type Oracle = fn(&[u8], &[u8]) -> Vec<u8>;
    let oracles: [(Algorithm, Oracle); 7] = [
        (Algorithm::Sha1, oracle!(sha1::Sha1)),
        (Algorithm::Sha224, oracle!(sha2::Sha224)),
        (Algorithm::Sha256, oracle!(sha2::Sha256)),
        (Algorithm::Sha384, oracle!(sha2::Sha384)),
        (Algorithm::Sha512, oracle!(sha2::Sha512)),
        (Algorithm::Sha512_224, oracle!(sha2::Sha512_224)),
        (Algorithm::Sha512_256, oracle!(sha2::Sha512_256)),
    ];
    let mut random = Random::new(36);
    for (algorithm, oracle) in oracles {
        for _ in 0..60 {
            let bytes_len = random.below(300);
            let bytes = random.bytes(bytes_len);
            let mut mac = Mac::start(&Arc::new(Key::hmac(algorithm, &bytes).unwrap()), &[]).unwrap();
            for _ in 0..5 {
                let len = random.below(700);
                let message = random.bytes(len);
                mac.restart(&[]).unwrap();
                let mut start = 0;
                for end in cuts(&mut random, len).into_iter().chain([len]) {
                    mac.update(&message[start..end]).unwrap();
                    start = end;
                }
                let mut tag = vec![0; mac.full_bytes()];
                mac.finish(&mut tag).unwrap();
                assert_eq!(tag, oracle(&bytes, &message), "{algorithm:?} {bytes_len} {len}");
            }
        }
    }
}

const MESSAGE: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
                       30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

#[test]
fn sp800_38b_cmac() {
    let aes = |key: &str| Key::cmac_aes(&hex(key)).unwrap();
    let des3 = |key: &str| Key::cmac_des3(&hex(key)).unwrap();
    for (key, tags) in [
        (
            aes("2b7e151628aed2a6abf7158809cf4f3c"),
            [
                (0, "bb1d6929e95937287fa37d129b756746"),
                (16, "070a16b46b4d4144f79bdd9dd04a287c"),
                (40, "dfa66747de9ae63030ca32611497c827"),
                (64, "51f0bebf7e3b9d92fc49741779363cfe"),
            ],
        ),
        (
            aes("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"),
            [
                (0, "d17ddf46adaacde531cac483de7a9367"),
                (16, "9e99a7bf31e710900662f65e617c5184"),
                (40, "8a1de5be2eb31aad089a82e6ee908b0e"),
                (64, "a1d5df0eed790f794d77589659f39a11"),
            ],
        ),
        (
            aes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
            [
                (0, "028962f61b7bf89efc6b551f4667d983"),
                (16, "28a7023f452e8f82bd4bf28d8c37c35c"),
                (40, "aaf3d8f1de5640c232f5b169b9c911e6"),
                (64, "e1992190549f6ed5696a2c056c315410"),
            ],
        ),
        (
            des3("8aa83bf8cbda1062 0bc1bf19fbb6cd58 bc313d4a371ca8b5"),
            [(0, "b7a688e122ffaf95"), (8, "8e8f293136283797"), (20, "743ddbe0ce2dc2ed"), (32, "33e6b1092400eae5")],
        ),
        (
            des3("4cf15134a2850dd5 8a3d10ba80570d38"),
            [(0, "bd2ebf9a3ba00361"), (8, "4ff2ab813c53ce83"), (20, "62dd1b471902bd4e"), (32, "31b1e431dabc4eb8")],
        ),
    ] {
        let key = Arc::new(key);
        for (len, expected) in tags {
            assert_eq!(tag(&key, &[], &hex(MESSAGE)[..len]), hex(expected), "{len}");
        }
    }
}

#[test]
fn cbc_mac_is_the_last_block_of_cbc_over_the_zero_filled_message() {
    let mut random = Random::new(32);
    for key_bytes in [8, 16, 24, 16 + 100, 24 + 100, 32 + 100] {
        let (is_aes, bytes) = (key_bytes > 100, random.bytes(key_bytes % 100));
        let (key, cipher, block) = match (is_aes, key_bytes) {
            (true, _) => (Key::cbc_mac_aes(&bytes), cipher::Key::aes(&bytes), 16),
            (false, 8) => (Key::cbc_mac_des(&bytes), cipher::Key::des(&bytes), 8),
            (false, _) => (Key::cbc_mac_des3(&bytes), cipher::Key::des(&bytes), 8),
        };
        let (key, cipher) = (Arc::new(key.unwrap()), Arc::new(cipher.unwrap()));
        for len in [0, 1, 7, 8, 9, 15, 16, 17, 32, 255, 256, 257, 272, 1000] {
            let data = random.bytes(len);
            let mut filled = data.clone();
            filled.resize(len.next_multiple_of(block).max(block), 0);
            let output = whole(&cipher, &Mode::Cbc { iv: &vec![0; block] }, Encrypt, &filled).unwrap();
            assert_eq!(tag(&key, &[], &data), output[output.len() - block..], "{key_bytes} {len}");
        }
    }
}

fn keys(random: &mut Random) -> Vec<(&'static str, Arc<Key>, Vec<u8>)> {
    let mut keys = Vec::new();
    for algorithm in Algorithm::ALL {
        keys.push(("HMAC", Key::hmac(algorithm, &random.bytes(40)), Vec::new()));
    }
    keys.push(("CMAC AES", Key::cmac_aes(&random.bytes(32)), Vec::new()));
    keys.push(("CMAC DES3", Key::cmac_des3(&random.bytes(24)), Vec::new()));
    keys.push(("CBC-MAC AES", Key::cbc_mac_aes(&random.bytes(16)), Vec::new()));
    keys.push(("CBC-MAC DES", Key::cbc_mac_des(&random.bytes(8)), Vec::new()));
    keys.push(("CBC-MAC DES3", Key::cbc_mac_des3(&random.bytes(16)), Vec::new()));
    for iv_bytes in [1, 12, 16, 100] {
        keys.push(("GMAC", Key::gmac(&random.bytes(24)), random.bytes(iv_bytes)));
    }
    keys.into_iter().map(|(name, key, iv)| (name, Arc::new(key.unwrap()), iv)).collect()
}

#[test]
fn parts_and_restarts_give_the_same_tag() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Key>();
    sent::<Mac>();

    let mut random = Random::new(33);
    for (name, key, iv) in keys(&mut random) {
        let mut mac = Mac::start(&key, &iv).unwrap();
        for len in [0, 1, 8, 15, 16, 17, 31, 32, 33, 255, 256, 257, 272, 300, 1000] {
            let data = random.bytes(len);
            let expected = tag(&key, &iv, &data);
            for _ in 0..10 {
                mac.restart(&iv).unwrap();
                let mut start = 0;
                for end in cuts(&mut random, len).into_iter().chain([len]) {
                    mac.update(&data[start..end]).unwrap();
                    start = end;
                }
                match random.below(3) {
                    0 => assert_eq!(mac.verify(&expected), Ok(true), "{name} {len}"),
                    // Left in the middle.
                    1 => {}
                    _ => {
                        let mut short = vec![0; 1 + random.below(expected.len())];
                        assert_eq!(mac.finish(&mut short), Ok(short.len()));
                        assert_eq!(short, expected[..short.len()], "{name} {len}");
                    }
                }
            }
        }
    }
}

#[test]
fn wrong_tags_fail_and_ended_macs_refuse() {
    let mut random = Random::new(34);
    for (name, key, iv) in keys(&mut random) {
        let data = random.bytes(77);
        let expected = tag(&key, &iv, &data);
        let mut mac = Mac::start(&key, &iv).unwrap();
        let mut verify = |tag: &[u8]| {
            mac.restart(&iv).unwrap();
            mac.update(&data).unwrap();
            mac.verify(tag).unwrap()
        };
        for bit in 0..expected.len() * 8 {
            let mut wrong = expected.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&wrong), "{name} {bit}");
        }
        assert!(verify(&expected) && verify(&expected[..1]));
        assert!(!verify(&[]) && !verify(&[&expected[..], &[0]].concat()), "{name}");

        mac.restart(&iv).unwrap();
        mac.update(&data).unwrap();
        assert!(matches!(mac.finish(&mut []), Err(Error::Parameter(_))));
        assert!(matches!(mac.finish(&mut vec![0; expected.len() + 1]), Err(Error::Parameter(_))));
        assert_eq!(mac.verify(&expected), Ok(true), "a wrong length ends nothing");
        assert_eq!(mac.update(&data), Err(Error::Finished));
        assert_eq!(mac.finish(&mut [0; 4]), Err(Error::Finished));
        assert_eq!(mac.verify(&expected), Err(Error::Finished));
        let wrong_iv = if iv.is_empty() { vec![1; 12] } else { Vec::new() };
        assert!(matches!(mac.restart(&wrong_iv), Err(Error::Parameter(_))));
        assert!(matches!(Mac::start(&key, &wrong_iv), Err(Error::Parameter(_))));
        assert_eq!(mac.update(&data), Err(Error::Finished));
    }
}

#[test]
fn gmac_is_gcm_over_additional_data() {
    let mut random = Random::new(35);
    for key_bytes in [16, 24, 32] {
        let bytes = random.bytes(key_bytes);
        let (key, cipher) = (Arc::new(Key::gmac(&bytes).unwrap()), Arc::new(cipher::Key::aes(&bytes).unwrap()));
        for len in [0, 1, 16, 100] {
            let (iv, aad) = (random.bytes(12 + len), random.bytes(len));
            let mode = Mode::Gcm { iv: &iv, aad: &aad, tag_bytes: 16 };
            assert_eq!(tag(&key, &iv, &aad), whole(&cipher, &mode, Encrypt, &[]).unwrap());
        }
    }
}

#[test]
fn keys_of_wrong_length_are_refused() {
    assert_eq!(Key::cmac_aes(&[0; 8]).err(), Some(Error::KeyLength { got: 8 }));
    assert_eq!(Key::cmac_des3(&[0; 8]).err(), Some(Error::KeyLength { got: 8 }));
    assert_eq!(Key::cbc_mac_aes(&[0; 33]).err(), Some(Error::KeyLength { got: 33 }));
    assert_eq!(Key::cbc_mac_des(&[0; 16]).err(), Some(Error::KeyLength { got: 16 }));
    assert_eq!(Key::cbc_mac_des3(&[0; 8]).err(), Some(Error::KeyLength { got: 8 }));
    assert_eq!(Key::gmac(&[]).err(), Some(Error::KeyLength { got: 0 }));
}
