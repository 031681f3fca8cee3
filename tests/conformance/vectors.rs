//! Published values, typed in: NIST SP 800-38A, 800-38B and 800-67, FIPS 81 and FIPS 202, IEEE 1619, RFC 1321,
//! RFC 2202, RFC 3962, RFC 4231, RFC 4493, RFC 6229, RFC 8439.

use cryptoki_sys::*;

use crate::module::Token;
use crate::parameters::{Mechanism, Parameter, plain, with_iv};
use crate::session::{Session, Work};
use crate::template::key_template;

/// The bytes of a hexadecimal string; white space does not count.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).expect("a hex digit") as u8).collect();
    assert!(digits.len().is_multiple_of(2), "whole bytes: {text}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY_192: &str = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
const IV: &str = "000102030405060708090a0b0c0d0e0f";

/// Both ways, whole and in parts.
fn check(
    session: Session,
    (key_type, value): (CK_KEY_TYPE, &[u8]),
    mechanism: &Mechanism,
    data: &[u8],
    expected: &[u8],
) {
    let key = session.create(&key_template(key_type, value)).unwrap();
    for (work, from, to) in [(Work::Encrypt, data, expected), (Work::Decrypt, expected, data)] {
        assert_eq!(session.run(work, mechanism, key, from).unwrap(), to, "{mechanism:?}");
        let parts = session.run_in_parts(work, mechanism, key, from, &[from.len() / 3, from.len() / 2]).unwrap();
        assert_eq!(parts, to, "{mechanism:?}");
    }
    session.destroy(key).unwrap();
}

/// A MAC, and its verification.
fn check_mac(session: Session, (key_type, value): (CK_KEY_TYPE, &[u8]), id: CK_MECHANISM_TYPE, data: &[u8], mac: &str) {
    let key = session.create(&key_template(key_type, value)).unwrap();
    assert_eq!(session.run(Work::Sign, &plain(id), key, data).unwrap(), hex(mac), "mechanism 0x{id:x}");
    session.verify_init(&plain(id), key).unwrap();
    session.verify(data, &hex(mac)).unwrap();
}

#[test]
fn aes_modes_of_sp800_38a() {
    let token = Token::new();
    let session = token.user();
    let (iv, data) = (hex(IV), hex(PLAIN));
    let counter = Parameter::Ctr { bits: 32, block: hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap() };
    for (key, mechanism, expected) in [
        (
            KEY_128,
            plain(CKM_AES_ECB),
            "3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf
             43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
        ),
        (
            KEY_192,
            plain(CKM_AES_ECB),
            "bd334f1d6e45f25ff712a214571fa5cc 974104846d0ad3ad7734ecb3ecee4eef
             ef7afd2270e2e60adce0ba2face6444e 9a4b41ba738d6c72fb16691603c18e0e",
        ),
        (
            KEY_256,
            plain(CKM_AES_ECB),
            "f3eed1bdb5d2a03c064b5a7e3db181f8 591ccb10d410ed26dc5ba74a31362870
             b6ed21b99ca6f4f9f153e7b1beafed1d 23304b7a39f9f3ff067d8d8f9e24ecc7",
        ),
        (
            KEY_128,
            with_iv(CKM_AES_CBC, &iv),
            "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
             73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
        ),
        (
            KEY_192,
            with_iv(CKM_AES_CBC, &iv),
            "4f021db243bc633d7178183a9fa071e8 b4d9ada9ad7dedf4e5e738763f69145a
             571b242012fb7ae07fa9baac3df102e0 08b0e27988598881d920a9e64f5615cd",
        ),
        (
            KEY_256,
            with_iv(CKM_AES_CBC, &iv),
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
             39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
        ),
        (
            KEY_128,
            Mechanism { id: CKM_AES_CTR, parameter: counter.clone() },
            "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
             5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
        ),
        (
            KEY_256,
            Mechanism { id: CKM_AES_CTR, parameter: counter },
            "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
             2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
        ),
        (
            KEY_128,
            with_iv(CKM_AES_OFB, &iv),
            "3b3fd92eb72dad20333449f8e83cfb4a 7789508d16918f03f53c52dac54ed825
             9740051e9c5fecf64344f7a82260edcc 304c6528f659c77866a510d9c1d6ae5e",
        ),
        (
            KEY_256,
            with_iv(CKM_AES_OFB, &iv),
            "dc7e84bfda79164b7ecd8486985d3860 4febdc6740d20b3ac88f6ad82a4fb08d
             71ab47a086e86eedf39d1c5bba97c408 0126141d67f37be8538f5a8be740e484",
        ),
        (
            KEY_128,
            with_iv(CKM_AES_CFB128, &iv),
            "3b3fd92eb72dad20333449f8e83cfb4a c8a64537a0b3a93fcde3cdad9f1ce58b
             26751f67a3cbb140b1808cf187a4f4df c04b05357c5d1c0eeac4c66f9ff7f2e6",
        ),
        (
            KEY_256,
            with_iv(CKM_AES_CFB128, &iv),
            "dc7e84bfda79164b7ecd8486985d3860 39ffed143b28b1c832113c6331e5407b
             df10132415e54b92a13ed0a8267ae2f9 75a385741ab9cef82031623d55b1e471",
        ),
        (KEY_128, with_iv(CKM_AES_CFB8, &iv), "3b79424c9c0dd436bace9e0ed4586a4f32b9"),
        (KEY_256, with_iv(CKM_AES_CFB8, &iv), "dc1f1a8520a64db55fcc8ac554844e889700"),
        (KEY_128, with_iv(CKM_AES_CFB1, &iv), "68b3"),
    ] {
        let expected = hex(expected);
        check(session, (CKK_AES, &hex(key)), &mechanism, &data[..expected.len()], &expected);
    }
}

#[test]
fn ciphertext_stealing_of_rfc3962_in_the_order_of_cs1() {
    let token = Token::new();
    let session = token.user();
    // The RFC's CS3 puts the whole block before the short one; CS1 keeps them in their places.
    for (data, cs3) in [
        ("I would like the ", "c6353568f2bf8cb4d8a580362da7ff7f 97"),
        ("I would like the General Gau's ", "fc00783e0efdb2c1d445d4c8eff7ed22 97687268d6ecccc0c07b25e25ecfe5"),
    ] {
        let cs3 = hex(cs3);
        let (whole, short) = cs3.split_at(16);
        let key = (CKK_AES, &b"chicken teriyaki"[..]);
        check(session, key, &with_iv(CKM_AES_CTS, &[0; 16]), data.as_bytes(), &[short, whole].concat());
    }
}

#[test]
fn xts_of_ieee1619() {
    let token = Token::new();
    let session = token.user();
    let run = |key: &str, tweak: &str, data: &[u8], expected: &str| {
        let mut iv = hex(tweak);
        iv.resize(16, 0);
        check(session, (CKK_AES_XTS, &hex(key)), &with_iv(CKM_AES_XTS, &iv), data, &hex(expected));
    };
    let key = "1111111111111111111111111111111122222222222222222222222222222222";
    run(key, "3333333333", &[0x44; 32], "c454185e6a16936e39334038acef838b fb186fff7480adc4289382ecd6d394f0");
    let counting: Vec<u8> = (0..32).collect();
    let key = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0";
    run(key, "9a78563412", &counting[..17], "6c1625db4671522d3d7599601de7ca09ed");
    run(key, "9a78563412", &counting[..20], "9d84c813f719aa2c7be3f66171c7c5c2edbf9dac");
    let key = "2718281828459045235360287471352662497757247093699959574966967627
               3141592653589793238462643383279502884197169399375105820974944592";
    run(key, "ff", &counting, "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b");
}

#[test]
fn des_and_triple_des() {
    let token = Token::new();
    let session = token.user();
    let fips81 = hex("0123456789abcdef");
    let data = b"Now is the time for all ";
    let des = (CKK_DES, &fips81[..]);
    check(session, des, &plain(CKM_DES_ECB), data, &hex("3fa40e8a984d4815 6a271787ab8883f9 893d51ec4b563b53"));
    let cbc = with_iv(CKM_DES_CBC, &hex("1234567890abcdef"));
    check(session, des, &cbc, data, &hex("e5c7cdde872bf27c 43e934008c389c0f 683788499a7c05f6"));
    let value = hex("133457799bbcdff1");
    check(session, (CKK_DES, &value), &plain(CKM_DES_ECB), &fips81, &hex("85e813540f0ab405"));
    let value = hex("0123456789abcdef 23456789abcdef01 456789abcdef0123");
    let expected = hex("a826fd8ce53b855f cce21c8112256fe6 68d5c05dd9b6b900");
    check(session, (CKK_DES3, &value), &plain(CKM_DES3_ECB), b"The qufck brown fox jump", &expected);
}

#[test]
fn rc4_of_rfc6229() {
    let token = Token::new();
    let session = token.user();
    for (value, offset, stream) in [
        ("0102030405", 0, "b2396305f03dc027ccc3524a0a1118a8"),
        ("0102030405", 16, "6982944f18fc82d589c403a47a0d0919"),
        ("0102030405", 240, "28cb1132c96ce286421dcaadb8b69eae"),
        ("0102030405", 4096, "ff25b58995996707e51fbdf08b34d875"),
        ("0102030405060708090a0b0c0d0e0f10", 0, "9ac7cc9a609d1ef7b2932899cde41b97"),
        ("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", 0, "eaa6bd25880bf93d3f5d1e4ca2611d91"),
    ] {
        let key = session.create(&key_template(CKK_RC4, &hex(value))).unwrap();
        for work in [Work::Encrypt, Work::Decrypt] {
            let output = session.run(work, &plain(CKM_RC4), key, &vec![0; offset + 16]).unwrap();
            assert_eq!(output[offset..], hex(stream));
            let output = session.run_in_parts(work, &plain(CKM_RC4), key, &vec![0; offset + 16], &[offset]).unwrap();
            assert_eq!(output[offset..], hex(stream));
        }
    }
}

#[test]
fn chacha20_of_rfc8439() {
    let token = Token::new();
    let session = token.user();
    let value: Vec<u8> = (0..32).collect();
    let data = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                 sunscreen would be it.";
    let expected =
        hex("6e2e359a2568f98041ba0728dd0d6981 e97e7aec1d4360c20a27afccfd9fae0b f91b65c5524733ab8f593dabcd62b357
         1639d624e65152ab8f530c359f0861d8 07ca0dbf500d6a6156a38e088a22b65e 52bc514d16ccf806818ce91ab7793736
         5af90bbf74a35be6b40b8eedf2785e42 874d");
    let parameter = Parameter::ChaCha20 {
        counter: vec![1, 0, 0, 0],
        counter_bits: 32,
        nonce: hex("000000000000004a00000000"),
        nonce_bits: 96,
    };
    check(session, (CKK_CHACHA20, &value), &Mechanism { id: CKM_CHACHA20, parameter }, data, &expected);

    // The original form, with a counter of 64 bits.
    let parameter = Parameter::ChaCha20 { counter: vec![0; 8], counter_bits: 64, nonce: vec![0; 8], nonce_bits: 64 };
    let stream = hex("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
    check(session, (CKK_CHACHA20, &[0; 32]), &Mechanism { id: CKM_CHACHA20, parameter }, &[0; 32], &stream);

    // RFC 8439 §2.8.2.
    let value: Vec<u8> = (0x80..0xa0).collect();
    let parameter =
        Parameter::Poly1305 { nonce: hex("070000004041424344454647"), aad: hex("50515253c0c1c2c3c4c5c6c7") };
    let expected =
        hex("d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6 3dbea45e8ca9671282fafb69da92728b
         1a71de0a9e060b2905d6a5b67ecd3b36 92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
         3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691");
    check(session, (CKK_CHACHA20, &value), &Mechanism { id: CKM_CHACHA20_POLY1305, parameter }, data, &expected);
}

#[test]
fn cmac_of_sp800_38b() {
    let token = Token::new();
    let session = token.user();
    let data = hex(PLAIN);
    // RFC 4493 has the same values for 128 bits.
    for (key, len, mac) in [
        (KEY_128, 0, "bb1d6929e95937287fa37d129b756746"),
        (KEY_128, 16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (KEY_128, 40, "dfa66747de9ae63030ca32611497c827"),
        (KEY_128, 64, "51f0bebf7e3b9d92fc49741779363cfe"),
        (KEY_192, 0, "d17ddf46adaacde531cac483de7a9367"),
        (KEY_192, 16, "9e99a7bf31e710900662f65e617c5184"),
        (KEY_256, 0, "028962f61b7bf89efc6b551f4667d983"),
        (KEY_256, 16, "28a7023f452e8f82bd4bf28d8c37c35c"),
    ] {
        check_mac(session, (CKK_AES, &hex(key)), CKM_AES_CMAC, &data[..len], mac);
    }
    let three = hex("8aa83bf8cbda1062 0bc1bf19fbb6cd58 bc313d4a371ca8b5");
    for (len, mac) in
        [(0, "b7a688e122ffaf95"), (8, "8e8f293136283797"), (20, "743ddbe0ce2dc2ed"), (32, "33e6b1092400eae5")]
    {
        check_mac(session, (CKK_DES3, &three), CKM_DES3_CMAC, &data[..len], mac);
    }
    let two = hex("4cf15134a2850dd5 8a3d10ba80570d38");
    for (len, mac) in
        [(0, "bd2ebf9a3ba00361"), (8, "4ff2ab813c53ce83"), (20, "62dd1b471902bd4e"), (32, "31b1e431dabc4eb8")]
    {
        check_mac(session, (CKK_DES2, &two), CKM_DES3_CMAC, &data[..len], mac);
    }
}

#[test]
fn hmac_of_rfc2202_and_rfc4231() {
    let token = Token::new();
    let session = token.user();
    let (key, data) = (&b"Jefe"[..], &b"what do ya want for nothing?"[..]);
    for (id, mac) in [
        (CKM_MD5_HMAC, "750c783e6ab0b503eaa86e310a5db738"),
        (CKM_SHA_1_HMAC, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (CKM_SHA224_HMAC, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
        (CKM_SHA256_HMAC, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            CKM_SHA384_HMAC,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e 8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            CKM_SHA512_HMAC,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        check_mac(session, (CKK_GENERIC_SECRET, key), id, data, mac);
    }
    let long = [0xaa; 131];
    let data = b"Test Using Larger Than Block-Size Key - Hash Key First";
    let mac = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
    check_mac(session, (CKK_GENERIC_SECRET, &long), CKM_SHA256_HMAC, data, mac);
    check_mac(session, (CKK_SHA256_HMAC, &long), CKM_SHA256_HMAC, data, mac);
}

#[test]
fn digests_of_the_standards() {
    let token = Token::new();
    let session = token.read_only();
    for (id, digest) in [
        (CKM_MD5, "900150983cd24fb0d6963f7d28e17f72"),
        (CKM_SHA_1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (CKM_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (CKM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            CKM_SHA384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163 1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            CKM_SHA512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (CKM_SHA512_224, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"),
        (CKM_SHA512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        (CKM_SHA3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
        (CKM_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        (
            CKM_SHA3_384,
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c25 96da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
        ),
        (
            CKM_SHA3_512,
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e
             10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        ),
    ] {
        assert_eq!(session.run(Work::Digest, &plain(id), 0, b"abc").unwrap(), hex(digest), "mechanism 0x{id:x}");
        let parts = session.run_in_parts(Work::Digest, &plain(id), 0, b"abc", &[1, 1, 2]).unwrap();
        assert_eq!(parts, hex(digest));
    }
    // FIPS 180-2: a million times the letter a.
    let million = vec![b'a'; 1_000_000];
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    assert_eq!(session.run(Work::Digest, &plain(CKM_SHA256), 0, &million).unwrap(), hex(expected));
}

#[test]
fn gcm_and_ccm_of_their_specifications() {
    let token = Token::new();
    let session = token.user();
    // Test cases 2 and 4 of McGrew and Viega.
    for (key, iv, aad, data, expected) in [
        (
            "00000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "00000000000000000000000000000000",
            "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf",
        ),
        (
            "feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
             21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091 5bc94fbc3221a5db94fae95ae7121a47",
        ),
    ] {
        let parameter = Parameter::Gcm { iv: hex(iv), aad: hex(aad), tag_bits: 128 };
        let mechanism = Mechanism { id: CKM_AES_GCM, parameter };
        check(session, (CKK_AES, &hex(key)), &mechanism, &hex(data), &hex(expected));
    }
    // SP 800-38C, example 1.
    let parameter =
        Parameter::Ccm { data_len: 4, nonce: hex("10111213141516"), aad: hex("0001020304050607"), mac_len: 4 };
    let mechanism = Mechanism { id: CKM_AES_CCM, parameter };
    let key = hex("404142434445464748494a4b4c4d4e4f");
    check(session, (CKK_AES, &key), &mechanism, &hex("20212223"), &hex("7162015b4dac255d"));
}
