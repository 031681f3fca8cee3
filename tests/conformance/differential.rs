//! Random keys and data through the module and through the `openssl` program: both must say the same.

use std::io::Write;
use std::process::{Command, Stdio};

use cryptoki_sys::*;

use crate::module::Token;
use crate::parameters::{Mechanism, Parameter, plain, with_iv};
use crate::samples::{Random, odd_parity};
use crate::session::{Session, Work};
use crate::template::key_template;

/// Cases of each algorithm; each starts a program.
const CASES: usize = 8;

pub(crate) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `openssl` makes of `input`.
pub(crate) fn openssl(arguments: &[String], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// `openssl enc`, with what the name says and a padding or none.
fn enc(name: &str, key: &[u8], iv: Option<&[u8]>, (padded, legacy): (bool, bool), input: &[u8]) -> Vec<u8> {
    let mut arguments = vec!["enc".into(), format!("-{name}"), "-K".into(), digits(key)];
    if let Some(iv) = iv {
        arguments.extend(["-iv".into(), digits(iv)]);
    }
    if !padded {
        arguments.push("-nopad".into());
    }
    if legacy {
        arguments.extend(["-provider", "legacy", "-provider", "default"].map(String::from));
    }
    openssl(&arguments, input)
}

/// Both ways, whole and in parts, against the expected ciphertext.
fn agree(session: Session, key_type: CK_KEY_TYPE, value: &[u8], mechanism: &Mechanism, data: &[u8], expected: &[u8]) {
    let key = session.create(&key_template(key_type, value)).unwrap();
    let context = format!("{mechanism:?} key {} data {}", digits(value), digits(data));
    assert_eq!(session.run(Work::Encrypt, mechanism, key, data).as_deref(), Ok(expected), "{context}");
    let mut random = Random(data.len() as u64);
    let cuts = random.cuts(data.len());
    let parts = session.run_in_parts(Work::Encrypt, mechanism, key, data, &cuts);
    assert_eq!(parts.as_deref(), Ok(expected), "{context}");
    let cuts = random.cuts(expected.len());
    let opened = session.run_in_parts(Work::Decrypt, mechanism, key, expected, &cuts);
    assert_eq!(opened.as_deref(), Ok(data), "{context}");
    session.destroy(key).unwrap();
}

#[test]
fn aes_modes() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(1001);
    for _ in 0..CASES {
        for bits in [128, 192, 256] {
            let (key, iv) = (random.bytes(bits / 8), random.bytes(16));
            let any = random.below(500);
            let data = random.bytes(any);
            let blocks = random.bytes(16 * (any / 16));
            let run = |name: &str, padding, data: &[u8]| {
                let iv = (!name.ends_with("ecb")).then_some(&iv[..]);
                enc(&format!("aes-{bits}-{name}"), &key, iv, (padding, false), data)
            };
            agree(session, CKK_AES, &key, &plain(CKM_AES_ECB), &blocks, &run("ecb", false, &blocks));
            agree(session, CKK_AES, &key, &with_iv(CKM_AES_CBC, &iv), &blocks, &run("cbc", false, &blocks));
            agree(session, CKK_AES, &key, &with_iv(CKM_AES_CBC_PAD, &iv), &data, &run("cbc", true, &data));
            agree(session, CKK_AES, &key, &with_iv(CKM_AES_OFB, &iv), &data, &run("ofb", true, &data));
            agree(session, CKK_AES, &key, &with_iv(CKM_AES_CFB1, &iv), &data, &run("cfb1", true, &data));
            agree(session, CKK_AES, &key, &with_iv(CKM_AES_CFB8, &iv), &data, &run("cfb8", true, &data));
            agree(session, CKK_AES, &key, &with_iv(CKM_AES_CFB128, &iv), &data, &run("cfb", true, &data));
            // With fewer counting bits openssl counts on into the nonce; these blocks do not reach it.
            for counter_bits in [128, 64] {
                let mut block: [u8; 16] = iv[..].try_into().unwrap();
                block[8] &= 0x7f;
                let expected = enc(&format!("aes-{bits}-ctr"), &key, Some(&block), (true, false), &data);
                let parameter = Parameter::Ctr { bits: counter_bits, block };
                agree(session, CKK_AES, &key, &Mechanism { id: CKM_AES_CTR, parameter }, &data, &expected);
            }
        }
    }
}

#[test]
fn des_and_triple_des_modes() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(1002);
    for _ in 0..CASES {
        let iv = random.bytes(8);
        let any = random.below(300);
        let data = random.bytes(any);
        let blocks = random.bytes(8 * (any / 8));
        for (key_type, len, name, legacy, [ecb, cbc, pad]) in [
            (CKK_DES, 8, "des", true, [CKM_DES_ECB, CKM_DES_CBC, CKM_DES_CBC_PAD]),
            (CKK_DES2, 16, "des-ede3", false, [CKM_DES3_ECB, CKM_DES3_CBC, CKM_DES3_CBC_PAD]),
            (CKK_DES3, 24, "des-ede3", false, [CKM_DES3_ECB, CKM_DES3_CBC, CKM_DES3_CBC_PAD]),
        ] {
            let mut key = random.bytes(len);
            odd_parity(&mut key);
            let mut long = key.clone();
            if len == 16 {
                long.extend_from_within(..8);
            }
            let run = |mode: &str, padding, data: &[u8]| {
                let iv = (mode != "ecb").then_some(&iv[..]);
                enc(&format!("{name}-{mode}"), &long, iv, (padding, legacy), data)
            };
            agree(session, key_type, &key, &plain(ecb), &blocks, &run("ecb", false, &blocks));
            agree(session, key_type, &key, &with_iv(cbc, &iv), &blocks, &run("cbc", false, &blocks));
            agree(session, key_type, &key, &with_iv(pad, &iv), &data, &run("cbc", true, &data));
        }
    }
}

#[test]
fn stream_ciphers() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(1003);
    for _ in 0..CASES {
        let len = random.below(1000);
        let data = random.bytes(len);
        // `openssl enc` takes RC4 keys of 5 and 16 bytes.
        for (name, len) in [("rc4-40", 5), ("rc4", 16)] {
            let key = random.bytes(len);
            let expected = enc(name, &key, None, (true, true), &data);
            agree(session, CKK_RC4, &key, &plain(CKM_RC4), &data, &expected);
        }
        let (key, nonce, counter) = (random.bytes(32), random.bytes(12), random.bytes(3));
        // Four bytes of counter, then the nonce.
        let counter = [counter, vec![0]].concat();
        let expected = enc("chacha20", &key, Some(&[&counter[..], &nonce].concat()), (true, false), &data);
        let parameter = Parameter::ChaCha20 { counter, counter_bits: 32, nonce, nonce_bits: 96 };
        agree(session, CKK_CHACHA20, &key, &Mechanism { id: CKM_CHACHA20, parameter }, &data, &expected);
    }
}

#[test]
fn macs_and_digests() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(1004);
    for _ in 0..CASES {
        for (name, digest, hmac) in [
            ("md5", CKM_MD5, CKM_MD5_HMAC),
            ("sha1", CKM_SHA_1, CKM_SHA_1_HMAC),
            ("sha224", CKM_SHA224, CKM_SHA224_HMAC),
            ("sha256", CKM_SHA256, CKM_SHA256_HMAC),
            ("sha384", CKM_SHA384, CKM_SHA384_HMAC),
            ("sha512", CKM_SHA512, CKM_SHA512_HMAC),
            ("sha512-224", CKM_SHA512_224, CKM_SHA512_224_HMAC),
            ("sha512-256", CKM_SHA512_256, CKM_SHA512_256_HMAC),
            ("sha3-224", CKM_SHA3_224, CKM_SHA3_224_HMAC),
            ("sha3-256", CKM_SHA3_256, CKM_SHA3_256_HMAC),
            ("sha3-384", CKM_SHA3_384, CKM_SHA3_384_HMAC),
            ("sha3-512", CKM_SHA3_512, CKM_SHA3_512_HMAC),
        ] {
            let len = random.below(2000);
            let data = random.bytes(len);
            let expected = openssl(&["dgst".into(), format!("-{name}"), "-binary".into()], &data);
            assert_eq!(session.run(Work::Digest, &plain(digest), 0, &data).unwrap(), expected, "{name} of {len}");
            let len = 1 + random.below(300);
            let value = random.bytes(len);
            let options = [
                "dgst",
                &format!("-{name}"),
                "-mac",
                "HMAC",
                "-macopt",
                &format!("hexkey:{}", digits(&value)),
                "-binary",
            ];
            let expected = openssl(&options.map(String::from), &data);
            let key = session.create(&key_template(CKK_GENERIC_SECRET, &value)).unwrap();
            assert_eq!(session.run(Work::Sign, &plain(hmac), key, &data).unwrap(), expected, "HMAC with {name}");
            session.destroy(key).unwrap();
        }
        for (cipher, id, key_type, len) in [
            ("aes-128-cbc", CKM_AES_CMAC, CKK_AES, 16),
            ("aes-192-cbc", CKM_AES_CMAC, CKK_AES, 24),
            ("aes-256-cbc", CKM_AES_CMAC, CKK_AES, 32),
            ("des-ede3-cbc", CKM_DES3_CMAC, CKK_DES3, 24),
        ] {
            let mut value = random.bytes(len);
            if key_type == CKK_DES3 {
                odd_parity(&mut value);
            }
            let len = random.below(200);
            let data = random.bytes(len);
            let (cipher, hexkey) = (format!("cipher:{cipher}"), format!("hexkey:{}", digits(&value)));
            let options = ["dgst", "-mac", "CMAC", "-macopt", &cipher, "-macopt", &hexkey, "-binary"].map(String::from);
            let expected = openssl(&options, &data);
            let key = session.create(&key_template(key_type, &value)).unwrap();
            assert_eq!(session.run(Work::Sign, &plain(id), key, &data).unwrap(), expected, "{cipher}");
            session.destroy(key).unwrap();
        }
    }
}

/// The CBC-MAC is the last block of CBC over data filled up with zeros (PKCS#11 3.2 §6.13.8).
#[test]
fn aes_cbc_mac() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(1005);
    for _ in 0..CASES {
        let value = random.bytes(32);
        let len = 1 + random.below(100);
        let data = random.bytes(len);
        let mut filled = data.clone();
        filled.resize(len.next_multiple_of(16), 0);
        let encrypted = enc("aes-256-cbc", &value, Some(&[0; 16]), (false, false), &filled);
        let last = &encrypted[encrypted.len() - 16..];
        let key = session.create(&key_template(CKK_AES, &value)).unwrap();
        let general = Mechanism { id: CKM_AES_MAC_GENERAL, parameter: Parameter::MacLength(16) };
        assert_eq!(session.run(Work::Sign, &general, key, &data).unwrap(), last);
        assert_eq!(session.run(Work::Sign, &plain(CKM_AES_MAC), key, &data).unwrap(), last[..8]);
        session.destroy(key).unwrap();
    }
}
