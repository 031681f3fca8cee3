//! What the policies of a token leave out of RSA.

use std::ptr;

use cryptoki_sys::*;

use super::numbers::{GOOD, WIDE};
use super::{generate, oaep, pair, pss};
use crate::module::{self, Token, refused};
use crate::parameters::{Mechanism, Oaep, Parameter, plain};
use crate::session::{NOTHING, Session, Work};
use crate::template::{flag, key_template, number, with};

/// Runs `check` with the user's session on a new token of this policy.
fn under(policy: &str, check: impl FnOnce(&Token, Session)) {
    let lines = format!("policy = \"{policy}\"\n");
    let conf = module::write_configuration(module::directory(), "rsa-policy.toml", &lines);
    module::initialize_with(module::directory(), &conf).unwrap();
    let token = Token::of_lone_test();
    check(&token, token.user());
    drop(token);
    call!(C_Finalize(ptr::null_mut())).unwrap();
}

fn functions(token: &Token, id: CK_MECHANISM_TYPE) -> CK_FLAGS {
    let mut info = CK_MECHANISM_INFO::default();
    call!(C_GetMechanismInfo(token.slot, id, &mut info)).unwrap();
    info.flags
}

#[test]
fn fips_verifies_with_short_rsa_keys_and_does_nothing_else_with_them() {
    let _alone = module::alone();
    let (pkcs1, hashed) = (plain(CKM_RSA_PKCS), plain(CKM_SHA256_RSA_PKCS));
    let padded = pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
    let (mut signed, mut raw, mut salted) = (vec![], vec![], vec![]);
    under("standard", |_, session| {
        let (_, private) = GOOD.import(session).unwrap();
        signed = session.sign(&hashed, private, b"data").unwrap();
        raw = session.sign(&pkcs1, private, b"data").unwrap();
        salted = session.sign(&padded, private, b"data").unwrap();
    });
    under("fips", |_, session| {
        let short = CKR_KEY_SIZE_RANGE;
        assert_eq!(generate(session, &[number(CKA_MODULUS_BITS, 1024)], &[]), refused(short));
        assert_eq!(session.find(&[]), NOTHING);
        let (public, private) = GOOD.import(session).unwrap();
        session.check(&hashed, public, b"data", &signed).unwrap();
        session.check(&pkcs1, public, b"data", &raw).unwrap();
        session.check(&padded, public, b"data", &salted).unwrap();
        assert_eq!(session.verify_recover(&pkcs1, public, &raw).unwrap(), b"data");
        for mechanism in [&pkcs1, &hashed, &padded] {
            assert_eq!(session.begin(Work::Sign, mechanism, private), refused(short));
        }
        assert_eq!(session.sign_recover_init(&pkcs1, private), refused(short));
        let encryption = oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
        assert_eq!(session.begin(Work::Encrypt, &encryption, public), refused(short));
        assert_eq!(session.begin(Work::Decrypt, &encryption, private), refused(short));
        let secret = with(&key_template(CKK_AES, &[7; 16]), &[flag(CKA_EXTRACTABLE, true)]);
        let secret = session.create(&secret).unwrap();
        assert_eq!(session.wrap(&encryption, public, secret), refused(CKR_WRAPPING_KEY_SIZE_RANGE));
        let template = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES)];
        let outcome = session.unwrap(&encryption, private, &[1; 128], &template);
        assert_eq!(outcome, refused(CKR_UNWRAPPING_KEY_SIZE_RANGE));
    });
}

#[test]
fn fips_has_no_rsa_encryption_but_oaep_and_no_new_signatures_with_sha1() {
    let _alone = module::alone();
    let sha1 = pss(CKM_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, 20);
    let hashed_sha1 = pss(CKM_SHA1_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, 20);
    let (mut old, mut older) = (vec![], vec![]);
    under("standard", |token, session| {
        let (_, private) = WIDE.import(session).unwrap();
        old = session.sign(&sha1, private, &[4; 20]).unwrap();
        older = session.sign(&plain(CKM_SHA1_RSA_PKCS), private, b"data").unwrap();
        let all = CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP;
        assert_eq!(functions(token, CKM_RSA_PKCS) & all, all);
    });
    under("fips", |token, session| {
        let (public, private) = WIDE.import(session).unwrap();
        let none = CKR_MECHANISM_INVALID;
        let pkcs1 = plain(CKM_RSA_PKCS);
        assert_eq!(session.begin(Work::Encrypt, &pkcs1, public), refused(none));
        assert_eq!(session.begin(Work::Decrypt, &pkcs1, private), refused(none));
        let secret = with(&key_template(CKK_AES, &[7; 16]), &[flag(CKA_EXTRACTABLE, true)]);
        let secret = session.create(&secret).unwrap();
        assert_eq!(session.wrap(&pkcs1, public, secret), refused(none));
        let template = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES)];
        assert_eq!(session.unwrap(&pkcs1, private, &[1; 256], &template), refused(none));
        let signing = CKF_SIGN | CKF_VERIFY | CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER;
        assert_eq!(functions(token, CKM_RSA_PKCS), signing);
        for id in [CKM_RSA_X_509, CKM_MD5_RSA_PKCS] {
            assert_eq!(session.begin(Work::Sign, &plain(id), private), refused(none));
            assert_eq!(session.verify_init(&plain(id), public), refused(none));
        }
        // SHA-1 verifies what was signed, whoever hashes and whoever names it.
        assert_eq!(functions(token, CKM_SHA1_RSA_PKCS), CKF_VERIFY | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE);
        assert_eq!(session.message_sign_init(&plain(CKM_SHA1_RSA_PKCS), private), refused(none));
        assert_eq!(session.begin(Work::Sign, &plain(CKM_SHA1_RSA_PKCS), private), refused(none));
        assert_eq!(session.begin(Work::Sign, &hashed_sha1, private), refused(none));
        assert_eq!(session.begin(Work::Sign, &sha1, private), refused(CKR_MECHANISM_PARAM_INVALID));
        assert_eq!(session.message_sign_init(&sha1, private), refused(CKR_MECHANISM_PARAM_INVALID));
        session.check(&plain(CKM_SHA1_RSA_PKCS), public, b"data", &older).unwrap();
        session.check(&sha1, public, &[4; 20], &old).unwrap();
        // The mask is no hash of the data.
        let mask = pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA1, 32);
        session.sign(&mask, private, &[5; 32]).unwrap();
        // OAEP does what is left, with SHA-1 too (SP 800-131A).
        for hash in [CKM_SHA_1, CKM_SHA256] {
            let encryption = oaep(hash, CKG_MGF1_SHA1, b"");
            let ciphertext = session.run(Work::Encrypt, &encryption, public, b"text").unwrap();
            assert_eq!(session.run(Work::Decrypt, &encryption, private, &ciphertext).unwrap(), b"text");
            let wrapped = session.wrap(&encryption, public, secret).unwrap();
            session.unwrap(&encryption, private, &wrapped, &template).unwrap();
        }
        let (public, private) = pair(session, 2048);
        let signature = session.sign(&plain(CKM_SHA512_RSA_PKCS), private, b"data").unwrap();
        session.check(&plain(CKM_SHA512_RSA_PKCS), public, b"data", &signature).unwrap();
    });
}

#[test]
fn a_hash_that_a_policy_leaves_out_is_left_out_of_rsa_parameters() {
    let _alone = module::alone();
    for policy in ["strict", "fips", "standard"] {
        under(policy, |_, session| {
            let (public, private) = WIDE.import(session).unwrap();
            let expected = if policy == "standard" { Ok(()) } else { refused(CKR_MECHANISM_PARAM_INVALID) };
            let padded = pss(CKM_RSA_PKCS_PSS, CKM_MD5, CKG_MGF1_SHA1, 16);
            let encryption = oaep(CKM_MD5, CKG_MGF1_SHA1, b"");
            assert_eq!(session.begin(Work::Sign, &padded, private), expected, "{policy}");
            assert_eq!(session.verify_init(&padded, public), expected, "{policy}");
            assert_eq!(session.begin(Work::Encrypt, &encryption, public), expected, "{policy}");
            assert_eq!(session.begin(Work::Decrypt, &encryption, private), expected, "{policy}");
            let secret = with(&key_template(CKK_AES, &[7; 16]), &[flag(CKA_EXTRACTABLE, true)]);
            let secret = session.create(&secret).unwrap();
            let oaep = Oaep { hash: CKM_MD5, mgf: CKG_MGF1_SHA1, source: CKZ_DATA_SPECIFIED, label: vec![] };
            let parameter = Parameter::RsaAes { key_bits: 256, oaep: Some(oaep) };
            let hybrid = Mechanism { id: CKM_RSA_AES_KEY_WRAP, parameter };
            for mechanism in [&encryption, &hybrid] {
                assert_eq!(session.wrap(mechanism, public, secret).map(|_| ()), expected, "{policy}");
            }
            session.cancel_all();
        });
    }
}
