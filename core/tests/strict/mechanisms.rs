//! Mechanisms that read keys, and what the others tell.

use std::collections::HashSet;
use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::mechanism::{Oaep, Parameter};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::session::{Message, MessageKind, Output};
use strongroom_core::token::Settings;
use strongroom_crypto::random::System;

use crate::fixture::*;
use crate::purposes::P256;
use crate::words::*;

/// A13 (Clulow 2003): a key of fewer unknown bytes: cut out, put beside known ones, or encrypted data of the attacker's
/// under a key that also encrypts.
#[test]
fn a13_no_derivation_leaves_fewer_unknown_bytes() {
    let token = strict();
    let base = token.generate(CKM_GENERIC_SECRET_KEY_GEN, &[number(CKA_VALUE_LEN, 32), flag(CKA_DERIVE, true)]);
    let aes = token.aes(&[flag(CKA_DERIVE, true)]);
    let des3 = token.generate(CKM_DES3_KEY_GEN, &[flag(CKA_DERIVE, true)]);
    let asked = [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 16)];
    for (mechanism, parameter, base) in [
        (CKM_EXTRACT_KEY_FROM_KEY, Parameter::Extract(0), base),
        (CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&[1; 32]), base),
        (CKM_CONCATENATE_BASE_AND_DATA, Parameter::Bytes(&[1; 1]), base),
        (CKM_CONCATENATE_DATA_AND_BASE, Parameter::Bytes(&[1; 1]), base),
        (CKM_CONCATENATE_BASE_AND_KEY, Parameter::Key(aes), base),
        (CKM_AES_ECB_ENCRYPT_DATA, Parameter::Bytes(&[1; 16]), aes),
        (CKM_AES_CBC_ENCRYPT_DATA, Parameter::EncryptData { iv: &[0; 16], data: &[1; 16] }, aes),
        (CKM_DES3_ECB_ENCRYPT_DATA, Parameter::Bytes(&[1; 16]), des3),
        (CKM_DES3_CBC_ENCRYPT_DATA, Parameter::EncryptData { iv: &[0; 8], data: &[1; 16] }, des3),
    ] {
        assert_eq!(token.refusal(mechanism, parameter, base, &asked), CKR_MECHANISM_INVALID, "{mechanism:#x}");
    }
    let hash = |bytes| {
        let asked = [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, bytes)];
        token.refusal(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, &asked)
    };
    assert_eq!(hash(15), CKR_KEY_SIZE_RANGE);
    assert_eq!(hash(16), CKR_OK);
    // A key that derives computes nothing with C_Encrypt or C_Sign.
    assert_eq!(token.sign(&plain(CKM_SHA256_HMAC), base, b"info"), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
    assert_eq!(token.encrypt(&plain(CKM_AES_ECB), aes, &[1; 16]), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
}

/// A14: the root of a small power, and of RSA without padding.
#[test]
fn a14_no_small_exponents_and_no_textbook_rsa() {
    let token = strict();
    for exponent in [&[3][..], &[17], &[1, 0, 0, 1][1..2], &[0xff, 0xff]] {
        assert!(token.rsa(2048, &[bytes(CKA_PUBLIC_EXPONENT, exponent)], &[]).is_err(), "{exponent:?}");
    }
    let small = token.rsa(2048, &[bytes(CKA_PUBLIC_EXPONENT, &[3])], &[]);
    assert_eq!(small, Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
    let (public, private) = token.rsa(2048, &[], &[]).unwrap();
    let brought = token.create(&[
        number(CKA_CLASS, CKO_PUBLIC_KEY),
        number(CKA_KEY_TYPE, CKK_RSA),
        bytes(CKA_MODULUS, &token.bytes(public, CKA_MODULUS)),
        bytes(CKA_PUBLIC_EXPONENT, &[3]),
    ]);
    let pkcs1 = plain(CKM_RSA_PKCS);
    assert_eq!(token.encrypt(&pkcs1, brought, b"text"), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
    // Old signatures can still be checked.
    assert_eq!(token.verify(&pkcs1, brought, b"text", &[1; 256]), Err(CKR_SIGNATURE_INVALID));
    let raw = plain(CKM_RSA_X_509);
    assert_eq!(token.encrypt(&raw, public, &[1; 256]), Err(CKR_MECHANISM_INVALID));
    assert_eq!(token.decrypt(&raw, private, &[1; 256]), Err(CKR_MECHANISM_INVALID));
    assert_eq!(token.sign(&raw, private, &[1; 256]), Err(CKR_MECHANISM_INVALID));
}

/// Ciphertexts of which the padding is wrong: there is one chance in 2^16 for each that it is not.
fn forged() -> impl Iterator<Item = Vec<u8>> {
    (1..=20_u8).map(|seed| (0..=255_u8).map(|at| if at == 0 { 0 } else { at.wrapping_mul(seed) ^ seed }).collect())
}

/// A15 (Bleichenbacher 1998, Manger 2001, Bardou et al. 2012): answers about the padding. PKCS #1 v1.5 has no wrong
/// padding to tell: it becomes a message of its own, the same each time (draft-irtf-cfrg-rsa-guidance; vectors in
/// `crypto/tests/rsa_rejection.rs`). OAEP has one error. No key is unwrapped with v1.5 or CBC padding.
#[test]
fn a15_decryption_answers_no_questions_about_padding() {
    let token = strict();
    let (_, private) = token.rsa(2048, &[], &[]).unwrap();
    let oaep = Oaep { hash: CKM_SHA256, mgf: CKG_MGF1_SHA256, source: CKZ_DATA_SPECIFIED, label: &[] };
    let mut lengths = HashSet::new();
    for ciphertext in forged() {
        let made_up = token.decrypt(&plain(CKM_RSA_PKCS), private, &ciphertext).unwrap();
        assert_eq!(token.decrypt(&plain(CKM_RSA_PKCS), private, &ciphertext), Ok(made_up.clone()));
        lengths.insert(made_up.len());
        let refusal = token.decrypt(&call(CKM_RSA_PKCS_OAEP, Parameter::Oaep(oaep)), private, &ciphertext);
        assert_eq!(refusal, Err(CKR_ENCRYPTED_DATA_INVALID));
    }
    assert!(lengths.len() > 10, "{lengths:?}");
    let demands = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), flag(CKA_DECRYPT, true)];
    let unwraps = [flag(CKA_UNWRAP, true), nested(CKA_UNWRAP_TEMPLATE, &demands)];
    let (_, private) = token.rsa(2048, &[], &unwraps).unwrap();
    let aes = token.aes(&unwraps);
    for ciphertext in forged() {
        assert_eq!(token.unwrap(&plain(CKM_RSA_PKCS), private, &ciphertext, &[]), Err(CKR_MECHANISM_INVALID));
        let cbc = call(CKM_AES_CBC_PAD, Parameter::Bytes(&[0; 16]));
        assert_eq!(token.unwrap(&cbc, aes, &ciphertext, &[]), Err(CKR_MECHANISM_INVALID));
        let refusal = token.unwrap(&call(CKM_RSA_PKCS_OAEP, Parameter::Oaep(oaep)), private, &ciphertext, &[]);
        assert_eq!(refusal, Err(CKR_WRAPPED_KEY_INVALID));
    }
}

/// A16 (Marvin 2023): the time that the unpadding takes. That it depends on no secret is what AWS-LC promises for the
/// number, and this project for the padding (`docs/threat-model.md`, "Side channels"); no test here measures time. What
/// is shown: right and wrong paddings take one way, with a message at its end.
#[test]
fn a16_right_and_wrong_paddings_take_one_way() {
    let token = strict();
    let (public, private) = token.rsa(2048, &[], &[]).unwrap();
    let pkcs1 = plain(CKM_RSA_PKCS);
    for bytes in [0, 1, 48, 245] {
        let message = vec![5; bytes];
        let ciphertext = token.encrypt(&pkcs1, public, &message).unwrap();
        assert_eq!(token.decrypt(&pkcs1, private, &ciphertext), Ok(message));
        let mut changed = ciphertext.clone();
        changed[255] ^= 1;
        assert!(token.decrypt(&pkcs1, private, &changed).is_ok_and(|made_up| made_up != vec![5; bytes]));
    }
}

/// A17 (Minerva, TPM-Fail, LadderLeak, EUCLEAK, CVE-2024-31497): nonces that time or the signatures themselves tell.
/// That time depends on no secret is what the libraries promise (`docs/threat-model.md`, "Side channels"); no test here
/// measures time. What is shown: no nonce comes twice, and those of P-521 have all their bits.
#[test]
fn a17_nonces_do_not_repeat_and_are_not_short() {
    let token = strict();
    const P521: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 35];
    for (curve, mechanism, bytes_of_r) in [(P256, CKM_ECDSA_SHA256, 32), (P521, CKM_ECDSA_SHA512, 66)] {
        let (public, private) = token.generated_pair(CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, curve)], &[]).unwrap();
        let mut seen = HashSet::new();
        for _ in 0..64 {
            let signature = token.sign(&plain(mechanism), private, b"the same").unwrap();
            token.verify(&plain(mechanism), public, b"the same", &signature).unwrap();
            assert!(seen.insert(signature[..bytes_of_r].to_vec()), "r is the nonce's");
        }
    }
}

/// A token whose module makes the IVs of AES-GCM.
fn with_module_iv() -> (Hsm, std::path::PathBuf) {
    let unique: [u8; 8] = strongroom_crypto::random::bytes().unwrap();
    let dir = std::env::temp_dir().join(format!("strongroom-strict-{:016x}", u64::from_le_bytes(unique)));
    let settings = Settings { policy: Policy::Strict, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 };
    let config = Config {
        dir: dir.clone(),
        file: None,
        store: StoreKind::Memory,
        settings,
        module_iv: true,
        audit: Default::default(),
    };
    (Hsm::with(config, Arc::new(System)), dir)
}

/// A21: one IV for two messages. The module makes IVs where it is asked: for a series of messages, and for every GCM
/// encryption where the configuration says `gcm_iv = "module"`. It is not forced on `strict` tokens: a program that
/// passes its own IV and does not look for another could not decrypt.
#[test]
fn a21_the_module_makes_ivs() {
    let token = strict();
    let key = token.aes(&[]);
    token.session.message_encrypt_init(plain(CKM_AES_GCM).mechanism, key).unwrap();
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let (mut iv, mut tag, mut out) = ([0; 12], [0; 16], [0; 4]);
        let kind = MessageKind::Gcm;
        let mut message = Message { kind, iv: &mut iv, fixed_bits: 0, generator: CKG_GENERATE, tag: &mut tag };
        token.session.encrypt_message(&mut message, b"", b"text", Output::Buffer(&mut out)).unwrap();
        assert!(seen.insert(iv));
    }

    let (hsm, dir) = with_module_iv();
    hsm.init_token(0, Some(b"officer"), b"strict                          ").unwrap();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(CKU_SO, Some(b"officer"), None).unwrap();
    session.init_pin(Some(b"user-pin")).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    let key = session.generate_key(&plain(CKM_AES_KEY_GEN), &template(&aes(&[]))).unwrap();
    let gcm = |iv: &'static [u8]| call(CKM_AES_GCM, Parameter::Gcm { iv, aad: &[], tag_bits: 128 });
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let made = session.encrypt_init(&gcm(&[0; 12]), key).unwrap().unwrap();
        assert!(seen.insert(made.to_vec()));
        session.encrypt(b"text", Output::Buffer(&mut [0; 20])).unwrap();
    }
    let own = session.encrypt_init(&gcm(&[7; 12]), key);
    assert_eq!(own.unwrap_err().rv(), CKR_MECHANISM_PARAM_INVALID);
    let _ = std::fs::remove_dir_all(dir);
}
