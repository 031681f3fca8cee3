//! Published values, typed in: NIST SP 800-38A and 800-67, FIPS 81, IEEE 1619, RFC 3962, RFC 6229, RFC 8439.

mod common;

use std::sync::Arc;

use common::{Decrypt, Encrypt, hex, parts, whole};
use strongroom_crypto::cipher::{Cipher, Key, Mode, check_value, des};

const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY_192: &str = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";

fn check(key: &Arc<Key>, mode: &Mode<'_>, plain: &[u8], cipher: &[u8]) {
    assert_eq!(whole(key, mode, Encrypt, plain).unwrap(), cipher, "{mode:?}");
    assert_eq!(whole(key, mode, Decrypt, cipher).unwrap(), plain, "{mode:?}");
    assert_eq!(parts(key, mode, Encrypt, plain, &[plain.len() / 3]).unwrap(), cipher, "{mode:?}");
    assert_eq!(parts(key, mode, Decrypt, cipher, &[cipher.len() / 2]).unwrap(), plain, "{mode:?}");
}

fn aes(key: &str) -> Arc<Key> {
    Arc::new(Key::aes(&hex(key)).unwrap())
}

#[test]
fn sp800_38a_ecb() {
    for (key, cipher) in [
        (
            KEY_128,
            "3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf
                   43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
        ),
        (
            KEY_192,
            "bd334f1d6e45f25ff712a214571fa5cc 974104846d0ad3ad7734ecb3ecee4eef
                   ef7afd2270e2e60adce0ba2face6444e 9a4b41ba738d6c72fb16691603c18e0e",
        ),
        (
            KEY_256,
            "f3eed1bdb5d2a03c064b5a7e3db181f8 591ccb10d410ed26dc5ba74a31362870
                   b6ed21b99ca6f4f9f153e7b1beafed1d 23304b7a39f9f3ff067d8d8f9e24ecc7",
        ),
    ] {
        check(&aes(key), &Mode::Ecb, &hex(PLAIN), &hex(cipher));
    }
}

#[test]
fn sp800_38a_cbc() {
    let iv = hex("000102030405060708090a0b0c0d0e0f");
    for (key, cipher) in [
        (
            KEY_128,
            "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
                   73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
        ),
        (
            KEY_192,
            "4f021db243bc633d7178183a9fa071e8 b4d9ada9ad7dedf4e5e738763f69145a
                   571b242012fb7ae07fa9baac3df102e0 08b0e27988598881d920a9e64f5615cd",
        ),
        (
            KEY_256,
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
                   39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
        ),
    ] {
        check(&aes(key), &Mode::Cbc { iv: &iv }, &hex(PLAIN), &hex(cipher));
    }
}

#[test]
fn sp800_38a_ctr() {
    let block = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap();
    for (key, cipher) in [
        (
            KEY_128,
            "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
                   5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
        ),
        (
            KEY_256,
            "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
                   2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
        ),
    ] {
        check(&aes(key), &Mode::Ctr { block: &block, counter_bits: 32 }, &hex(PLAIN), &hex(cipher));
    }
}

#[test]
fn sp800_38a_ofb_and_cfb() {
    let iv = &hex("000102030405060708090a0b0c0d0e0f")[..];
    let plain = hex(PLAIN);
    let ofb = "3b3fd92eb72dad20333449f8e83cfb4a 7789508d16918f03f53c52dac54ed825
               9740051e9c5fecf64344f7a82260edcc 304c6528f659c77866a510d9c1d6ae5e";
    check(&aes(KEY_128), &Mode::Ofb { iv }, &plain, &hex(ofb));
    let ofb = "dc7e84bfda79164b7ecd8486985d3860 4febdc6740d20b3ac88f6ad82a4fb08d
               71ab47a086e86eedf39d1c5bba97c408 0126141d67f37be8538f5a8be740e484";
    check(&aes(KEY_256), &Mode::Ofb { iv }, &plain, &hex(ofb));
    let cfb128 = "3b3fd92eb72dad20333449f8e83cfb4a c8a64537a0b3a93fcde3cdad9f1ce58b
                  26751f67a3cbb140b1808cf187a4f4df c04b05357c5d1c0eeac4c66f9ff7f2e6";
    check(&aes(KEY_128), &Mode::Cfb128 { iv }, &plain, &hex(cfb128));
    let cfb128 = "dc7e84bfda79164b7ecd8486985d3860 39ffed143b28b1c832113c6331e5407b
                  df10132415e54b92a13ed0a8267ae2f9 75a385741ab9cef82031623d55b1e471";
    check(&aes(KEY_256), &Mode::Cfb128 { iv }, &plain, &hex(cfb128));
    let cfb8 = hex("3b79424c9c0dd436bace9e0ed4586a4f32b9");
    check(&aes(KEY_128), &Mode::Cfb8 { iv }, &plain[..18], &cfb8);
    let cfb8 = hex("dc1f1a8520a64db55fcc8ac554844e889700");
    check(&aes(KEY_256), &Mode::Cfb8 { iv }, &plain[..18], &cfb8);
    check(&aes(KEY_128), &Mode::Cfb1 { iv }, &plain[..2], &hex("68b3"));
}

#[test]
fn rfc3962_ciphertext_stealing_in_the_order_of_cs1() {
    let key = Arc::new(Key::aes(b"chicken teriyaki").unwrap());
    let iv = &[0; 16][..];
    // The RFC's CS3 puts the whole block before the short one; CS1 keeps them in their places.
    for (plain, cs3) in [
        ("I would like the ", "c6353568f2bf8cb4d8a580362da7ff7f 97"),
        ("I would like the General Gau's ", "fc00783e0efdb2c1d445d4c8eff7ed22 97687268d6ecccc0c07b25e25ecfe5"),
    ] {
        let cs3 = hex(cs3);
        let (whole, short) = cs3.split_at(16);
        check(&key, &Mode::CbcCts { iv }, plain.as_bytes(), &[short, whole].concat());
    }
}

#[test]
fn stealing_is_cbc_over_zero_filled_blocks_cut_in_the_middle() {
    let (key, iv) = (aes(KEY_256), &[5; 16][..]);
    let plain: Vec<u8> = (0..200).collect();
    for len in 16..200 {
        let beyond = len % 16;
        let mut filled = plain[..len].to_vec();
        filled.resize(len.next_multiple_of(16), 0);
        let mut cipher = whole(&key, &Mode::Cbc { iv }, Encrypt, &filled).unwrap();
        if beyond != 0 {
            let last = cipher.split_off(filled.len() - 16);
            cipher.truncate(filled.len() - 32 + beyond);
            cipher.extend(last);
        }
        assert_eq!(cipher.len(), len);
        check(&key, &Mode::CbcCts { iv }, &plain[..len], &cipher);
    }
}

#[test]
fn ieee1619_xts() {
    let check_xts = |key: &str, tweak: &str, plain: &[u8], cipher: &str| {
        let mut value = [0; 16];
        value[..tweak.len() / 2].copy_from_slice(&hex(tweak));
        let key = Arc::new(Key::aes_xts(&hex(key)).unwrap());
        check(&key, &Mode::Xts { tweak: &value }, plain, &hex(cipher));
    };
    // Vector 2.
    check_xts(
        "1111111111111111111111111111111122222222222222222222222222222222",
        "3333333333",
        &[0x44; 32],
        "c454185e6a16936e39334038acef838b fb186fff7480adc4289382ecd6d394f0",
    );
    // Vectors 15 to 18: ciphertext stealing.
    let counting: Vec<u8> = (0..20).collect();
    for (len, cipher) in [
        (17, "6c1625db4671522d3d7599601de7ca09ed"),
        (18, "d069444b7a7e0cab09e24447d24deb1fedbf"),
        (19, "e5df1351c0544ba1350b3363cd8ef4beedbf9d"),
        (20, "9d84c813f719aa2c7be3f66171c7c5c2edbf9dac"),
    ] {
        let key = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0";
        check_xts(key, "9a78563412", &counting[..len], cipher);
    }
    // Vector 10, AES-256: the start of its 512 bytes.
    let key = "2718281828459045235360287471352662497757247093699959574966967627
               3141592653589793238462643383279502884197169399375105820974944592";
    let counting: Vec<u8> = (0..32).collect();
    let cipher = "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b";
    check_xts(key, "ff", &counting, cipher);
}

#[test]
fn des_and_triple_des() {
    let des = Arc::new(Key::des(&hex("133457799bbcdff1")).unwrap());
    check(&des, &Mode::Ecb, &hex("0123456789abcdef"), &hex("85e813540f0ab405"));
    // FIPS 81, tables B1 and C1.
    let des = Arc::new(Key::des(&hex("0123456789abcdef")).unwrap());
    let plain = b"Now is the time for all ";
    check(&des, &Mode::Ecb, plain, &hex("3fa40e8a984d4815 6a271787ab8883f9 893d51ec4b563b53"));
    let iv = &hex("1234567890abcdef")[..];
    check(&des, &Mode::Cbc { iv }, plain, &hex("e5c7cdde872bf27c 43e934008c389c0f 683788499a7c05f6"));
    // NIST SP 800-67, appendix B.
    let des3 = Arc::new(Key::des(&hex("0123456789abcdef 23456789abcdef01 456789abcdef0123")).unwrap());
    check(&des3, &Mode::Ecb, b"The qufck brown fox jump", &hex("a826fd8ce53b855f cce21c8112256fe6 68d5c05dd9b6b900"));
}

#[test]
fn rfc6229_rc4() {
    for (key, offset, stream) in [
        ("0102030405", 0, "b2396305f03dc027ccc3524a0a1118a8"),
        ("0102030405", 16, "6982944f18fc82d589c403a47a0d0919"),
        ("0102030405", 240, "28cb1132c96ce286421dcaadb8b69eae"),
        ("0102030405", 4096, "ff25b58995996707e51fbdf08b34d875"),
        ("0102030405060708090a0b0c0d0e0f10", 0, "9ac7cc9a609d1ef7b2932899cde41b97"),
        ("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", 0, "eaa6bd25880bf93d3f5d1e4ca2611d91"),
    ] {
        let key = Arc::new(Key::rc4(&hex(key)).unwrap());
        let output = whole(&key, &Mode::Rc4, Encrypt, &vec![0; offset + 16]).unwrap();
        assert_eq!(output[offset..], hex(stream));
        let output = parts(&key, &Mode::Rc4, Decrypt, &vec![0; offset + 16], &[offset]).unwrap();
        assert_eq!(output[offset..], hex(stream));
    }
}

#[test]
fn rfc8439_chacha20() {
    let key: Vec<u8> = (0..32).collect();
    let key = Arc::new(Key::chacha20(&key).unwrap());
    let nonce = hex("000000000000004a00000000");
    let mode = Mode::ChaCha20 { counter: 1, counter_bits: 32, nonce: &nonce };
    let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                  sunscreen would be it.";
    let cipher = "6e2e359a2568f98041ba0728dd0d6981 e97e7aec1d4360c20a27afccfd9fae0b f91b65c5524733ab8f593dabcd62b357
                  1639d624e65152ab8f530c359f0861d8 07ca0dbf500d6a6156a38e088a22b65e 52bc514d16ccf806818ce91ab7793736
                  5af90bbf74a35be6b40b8eedf2785e42 874d";
    check(&key, &mode, plain, &hex(cipher));
}

#[test]
fn chacha20_with_a_64_bit_counter() {
    // The original form's first test value.
    let key = Arc::new(Key::chacha20(&[0; 32]).unwrap());
    let stream = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7
                  da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586";
    check(&key, &Mode::ChaCha20 { counter: 0, counter_bits: 64, nonce: &[0; 8] }, &[0; 64], &hex(stream));

    // The counter's high half lies where the longer nonce begins: cross from one 32-bit range into the next.
    let key = Arc::new(Key::chacha20(&[9; 32]).unwrap());
    let zeros = [0; 128];
    for high in [0, 1, 0x0102_0304] {
        let nonce = |high: u32| [&high.to_le_bytes()[..], &[5; 8]].concat();
        let block = |high, counter| {
            let nonce = nonce(high);
            whole(&key, &Mode::ChaCha20 { counter, counter_bits: 32, nonce: &nonce }, Encrypt, &zeros[..64]).unwrap()
        };
        let expected = [block(high, u64::from(u32::MAX)), block(high + 1, 0)].concat();
        let counter = u64::from(high) << 32 | u64::from(u32::MAX);
        check(&key, &Mode::ChaCha20 { counter, counter_bits: 64, nonce: &[5; 8] }, &zeros, &expected);
    }
}

#[test]
fn a_gcm_iv_of_65536_bytes_works() {
    let key = aes(KEY_128);
    let iv = vec![3; 65536];
    for tag_bytes in [4, 16] {
        let mode = Mode::Gcm { iv: &iv, aad: b"aad", tag_bytes };
        let cipher = whole(&key, &mode, Encrypt, b"message").unwrap();
        check(&key, &mode, b"message", &cipher);
    }
}

#[test]
fn check_values() {
    for (key, value) in [
        (Key::aes(&[0; 16]), "66e94b"),
        (Key::aes(&[0; 32]), "dc95c0"),
        (Key::des(&hex("0123456789abcdef")), "d5d44f"),
        (Key::des(&hex("0123456789abcdeffedcba9876543210")), "08d7b4"),
        (Key::des(&hex("0123456789abcdeffedcba98765432100123456789abcdef")), "08d7b4"),
    ] {
        assert_eq!(check_value(&key.unwrap()).unwrap().to_vec(), hex(value));
    }
    assert!(check_value(&Key::rc4(&[1; 16]).unwrap()).is_err());
}

#[test]
fn des_parity_and_weak_keys() {
    let mut key: Vec<u8> = (0..=255).collect();
    des::odd_parity(&mut key);
    for (index, byte) in key.iter().enumerate() {
        assert_eq!(byte & 0xfe, index as u8 & 0xfe);
        assert_eq!(byte.count_ones() % 2, 1);
    }
    assert!(des::has_odd_parity(&key));
    for index in 0..8 {
        let mut even = [1; 8];
        even[index] = 0;
        assert!(!des::has_odd_parity(&even));
    }
    for weak in [
        "0101010101010101",
        "fefefefefefefefe",
        "e0e0e0e0f1f1f1f1",
        "1f1f1f1f0e0e0e0e",
        "011f011f010e010e",
        "01e001e001f101f1",
        "01fe01fe01fe01fe",
        "1fe01fe00ef10ef1",
        "1ffe1ffe0efe0efe",
        "e0fee0fef1fef1fe",
        // The same without parity, and inside a longer key.
        "0000000000000000",
        "133457799bbcdff1 0101010101010101",
    ] {
        assert!(des::is_weak(&hex(weak)), "{weak}");
    }
    assert!(!des::is_weak(&hex("133457799bbcdff1 0123456789abcdef 23456789abcdef01")));
}

#[test]
fn an_operation_keeps_its_key() {
    let mode = Mode::Ecb;
    let mut cipher = Cipher::start(&aes(KEY_128), &mode, Encrypt).unwrap();
    let mut block = [0; 16];
    cipher.one_shot(&hex(PLAIN)[..16], &mut block).unwrap();
    assert_eq!(block.to_vec(), hex("3ad77bb40d7a3660a89ecaf32466ef97"));
}
