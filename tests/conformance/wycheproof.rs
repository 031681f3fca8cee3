//! Project Wycheproof's files for symmetric mechanisms: each case imports its key, runs, and compares.

use std::path::Path;

use cryptoki_sys::*;

use crate::module::{Outcome, Token, refused};
use crate::parameters::{Mechanism, Parameter, plain, with_iv};
use crate::session::{Session, Work};
use crate::template::key_template;
use crate::vectors::hex;

/// One case with its group.
pub(crate) struct Case<'a> {
    pub(crate) group: &'a serde_json::Value,
    pub(crate) case: &'a serde_json::Value,
}

impl Case<'_> {
    pub(crate) fn bytes(&self, field: &str) -> Vec<u8> {
        hex(self.case[field].as_str().unwrap_or_else(|| panic!("{}: {field}", self.case)))
    }

    fn bits(&self, field: &str) -> CK_ULONG {
        self.group[field].as_u64().unwrap_or_else(|| panic!("{}: {field}", self.group))
    }

    pub(crate) fn valid(&self) -> bool {
        match self.case["result"].as_str() {
            Some("valid") => true,
            Some("invalid") => false,
            other => panic!("{}: result {other:?}", self.case),
        }
    }

    fn with_tag(&self) -> Vec<u8> {
        [self.bytes("ct"), self.bytes("tag")].concat()
    }
}

/// Runs every case of a file in one session; none may be missing.
pub(crate) fn each(name: &str, mut check: impl FnMut(Session, &Case<'_>)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/wycheproof").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let root: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let token = Token::new();
    let session = token.user();
    let (mut count, mut valid) = (0u64, 0);
    for group in root["testGroups"].as_array().expect("groups") {
        for case in group["tests"].as_array().expect("tests") {
            let case = Case { group, case };
            check(session, &case);
            session.cancel_all();
            count += 1;
            valid += u64::from(case.case["result"] == "valid");
        }
    }
    println!("{name}: {count} cases, {valid} of them valid");
    assert!(valid > 0);
    assert_eq!(Some(count), root["numberOfTests"].as_u64());
}

/// A valid case runs both ways, whole and in parts; an invalid one is refused somewhere, and never decrypts.
fn check_cipher(session: Session, case: &Case<'_>, key_type: CK_KEY_TYPE, mechanism: &Mechanism, encrypted: &[u8]) {
    let key = match session.create(&key_template(key_type, &case.bytes("key"))) {
        Ok(key) => key,
        Err(code) => return assert!(!case.valid(), "{}: {code:?}", case.case),
    };
    let message = case.bytes("msg");
    let cuts = [encrypted.len() / 3, encrypted.len() / 2];
    let opened = session.run(Work::Decrypt, mechanism, key, encrypted);
    let parts = session.run_in_parts(Work::Decrypt, mechanism, key, encrypted, &cuts);
    if case.valid() {
        assert_eq!(opened.as_ref(), Ok(&message), "{}", case.case);
        assert_eq!(parts.as_ref(), Ok(&message), "{}", case.case);
        assert_eq!(session.run(Work::Encrypt, mechanism, key, &message).as_deref(), Ok(encrypted), "{}", case.case);
        let cuts = [message.len() / 3, message.len() / 2];
        let parts = session.run_in_parts(Work::Encrypt, mechanism, key, &message, &cuts);
        assert_eq!(parts.as_deref(), Ok(encrypted), "{}", case.case);
    } else {
        for outcome in [opened, parts] {
            let code = outcome.expect_err(&case.case.to_string()).0;
            let expected = [CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_MECHANISM_PARAM_INVALID];
            assert!(expected.contains(&code), "{}: 0x{code:x}", case.case);
        }
    }
    session.destroy(key).unwrap();
}

fn check_mac(session: Session, case: &Case<'_>, key_type: CK_KEY_TYPE, mechanism: &Mechanism) {
    let key = match session.create(&key_template(key_type, &case.bytes("key"))) {
        Ok(key) => key,
        Err(code) => return assert!(!case.valid(), "{}: {code:?}", case.case),
    };
    let (message, tag) = (case.bytes("msg"), case.bytes("tag"));
    let verify = || -> Outcome {
        session.verify_init(mechanism, key)?;
        session.verify(&message, &tag)
    };
    let outcome = verify();
    if case.valid() {
        assert_eq!(outcome, Ok(()), "{}", case.case);
        assert_eq!(session.run(Work::Sign, mechanism, key, &message), Ok(tag), "{}", case.case);
    } else if outcome != refused(CKR_MECHANISM_PARAM_INVALID) {
        assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID), "{}", case.case);
        assert_ne!(session.run(Work::Sign, mechanism, key, &message), Ok(tag), "{}", case.case);
    }
    session.destroy(key).unwrap();
}

#[test]
fn aes_cbc_pkcs5() {
    each("aes_cbc_pkcs5_test.json", |session, case| {
        let mechanism = with_iv(CKM_AES_CBC_PAD, &case.bytes("iv"));
        check_cipher(session, case, CKK_AES, &mechanism, &case.bytes("ct"));
    });
}

#[test]
fn aes_gcm() {
    each("aes_gcm_test.json", |session, case| {
        let parameter = Parameter::Gcm { iv: case.bytes("iv"), aad: case.bytes("aad"), tag_bits: case.bits("tagSize") };
        check_cipher(session, case, CKK_AES, &Mechanism { id: CKM_AES_GCM, parameter }, &case.with_tag());
    });
}

#[test]
fn aes_ccm() {
    each("aes_ccm_test.json", |session, case| {
        let parameter = Parameter::Ccm {
            data_len: case.bytes("ct").len() as CK_ULONG,
            nonce: case.bytes("iv"),
            aad: case.bytes("aad"),
            mac_len: case.bits("tagSize") / 8,
        };
        check_cipher(session, case, CKK_AES, &Mechanism { id: CKM_AES_CCM, parameter }, &case.with_tag());
    });
}

#[test]
fn aes_xts() {
    each("aes_xts_test.json", |session, case| {
        // The file gives the data unit's number in eight bytes or sixteen.
        let mut tweak = case.bytes("iv");
        tweak.resize(16, 0);
        if case.bytes("key").len() == 48 {
            // Two AES-192 keys: neither IEEE 1619 nor PKCS#11 has them.
            let refusal = session.create(&key_template(CKK_AES_XTS, &case.bytes("key")));
            return assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID));
        }
        check_cipher(session, case, CKK_AES_XTS, &with_iv(CKM_AES_XTS, &tweak), &case.bytes("ct"));
    });
}

#[test]
fn chacha20_poly1305() {
    each("chacha20_poly1305_test.json", |session, case| {
        let parameter = Parameter::Poly1305 { nonce: case.bytes("iv"), aad: case.bytes("aad") };
        let mechanism = Mechanism { id: CKM_CHACHA20_POLY1305, parameter };
        check_cipher(session, case, CKK_CHACHA20, &mechanism, &case.with_tag());
    });
}

#[test]
fn aes_cmac() {
    each("aes_cmac_test.json", |session, case| {
        let parameter = Parameter::MacLength(case.bits("tagSize") / 8);
        check_mac(session, case, CKK_AES, &Mechanism { id: CKM_AES_CMAC_GENERAL, parameter });
        if case.bits("tagSize") == 128 {
            check_mac(session, case, CKK_AES, &plain(CKM_AES_CMAC));
        }
    });
}

#[test]
fn aes_gmac() {
    each("aes_gmac_test.json", |session, case| {
        let parameter = Parameter::Gcm { iv: case.bytes("iv"), aad: vec![], tag_bits: case.bits("tagSize") };
        check_mac(session, case, CKK_AES, &Mechanism { id: CKM_AES_GMAC, parameter });
    });
}

#[test]
fn hmac() {
    for (name, general, key_type) in [
        ("hmac_sha1_test.json", CKM_SHA_1_HMAC_GENERAL, CKK_SHA_1_HMAC),
        ("hmac_sha224_test.json", CKM_SHA224_HMAC_GENERAL, CKK_SHA224_HMAC),
        ("hmac_sha256_test.json", CKM_SHA256_HMAC_GENERAL, CKK_SHA256_HMAC),
        ("hmac_sha384_test.json", CKM_SHA384_HMAC_GENERAL, CKK_SHA384_HMAC),
        ("hmac_sha512_test.json", CKM_SHA512_HMAC_GENERAL, CKK_SHA512_HMAC),
        ("hmac_sha512_224_test.json", CKM_SHA512_224_HMAC_GENERAL, CKK_SHA512_224_HMAC),
        ("hmac_sha512_256_test.json", CKM_SHA512_256_HMAC_GENERAL, CKK_SHA512_256_HMAC),
        ("hmac_sha3_224_test.json", CKM_SHA3_224_HMAC_GENERAL, CKK_SHA3_224_HMAC),
        ("hmac_sha3_256_test.json", CKM_SHA3_256_HMAC_GENERAL, CKK_SHA3_256_HMAC),
        ("hmac_sha3_384_test.json", CKM_SHA3_384_HMAC_GENERAL, CKK_SHA3_384_HMAC),
        ("hmac_sha3_512_test.json", CKM_SHA3_512_HMAC_GENERAL, CKK_SHA3_512_HMAC),
    ] {
        each(name, |session, case| {
            let parameter = Parameter::MacLength(case.bits("tagSize") / 8);
            let mechanism = Mechanism { id: general, parameter };
            for key_type in [CKK_GENERIC_SECRET, key_type] {
                check_mac(session, case, key_type, &mechanism);
            }
        });
    }
}
