//! One purpose for each key, for ever.

use cryptoki_sys::*;
use strongroom_core::attribute::Flag;
use strongroom_core::mechanism::Parameter;

use crate::fixture::*;
use crate::words::*;

const MIXED: Outcome<()> = Err(CKR_TEMPLATE_INCONSISTENT);

/// A1 (Clulow 2003; Tookan a1): K2 wraps, and decrypts what it wrapped. Nor with a detour: a use that is taken back, a
/// copy, and every other mixture of data, keys and derivation.
#[test]
fn a1_no_key_wraps_and_decrypts() {
    let token = strict();
    let data = [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY];
    let keys = [CKA_WRAP, CKA_UNWRAP];
    for (one, other) in data.iter().flat_map(|one| keys.iter().chain(&[CKA_DERIVE]).map(move |other| (*one, *other))) {
        for (first, second) in [(one, other), (other, one)] {
            let both = token.generated(CKM_AES_KEY_GEN, &aes(&[flag(first, true), flag(second, true)]));
            assert_eq!(both, Err(CKR_TEMPLATE_INCONSISTENT), "{first:#x} {second:#x}");
            let key = token.aes(&[flag(first, true)]);
            assert_eq!(token.set(key, &[flag(second, true)]), MIXED);
            let swapped = [flag(first, false), flag(second, true)];
            assert_eq!(token.set(key, &swapped), MIXED);
            assert_eq!(token.copy(key, &swapped).map(|_| ()), MIXED);
            // What it did once is not forgotten.
            let first_only: Vec<Entry> = data.iter().chain(&keys).map(|use_| flag(*use_, false)).collect();
            token.set(key, &first_only).unwrap();
            token.set(key, &[flag(CKA_DERIVE, false)]).unwrap();
            assert_eq!(token.set(key, &[flag(second, true)]), MIXED);
            assert_eq!(token.copy(key, &[flag(second, true)]).map(|_| ()), MIXED);
            let copy = token.copy(key, &[]).unwrap();
            assert_eq!(token.set(copy, &[flag(second, true)]), MIXED);
            token.set(copy, &[flag(first, true)]).unwrap();
        }
    }
    let own = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), bytes(CKA_VALUE, &[1; 16])];
    let imported = token.made(&[&own[..], &[flag(CKA_WRAP, true), flag(CKA_DECRYPT, true)]].concat());
    assert_eq!(imported, Err(CKR_TEMPLATE_INCONSISTENT));
}

/// A key that was made for nothing stays for nothing, and so do its copies: two of them could find two purposes.
#[test]
fn a1_the_first_purpose_stays() {
    let token = strict();
    let none = [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP].map(|use_| flag(use_, false));
    let key = token.aes(&none);
    assert!([Flag::Encrypt, Flag::Wrap, Flag::Derive].iter().all(|flag| !token.has(key, *flag)));
    for use_ in [CKA_DECRYPT, CKA_WRAP, CKA_DERIVE] {
        assert_eq!(token.copy(key, &[flag(use_, true)]), Err(CKR_TEMPLATE_INCONSISTENT));
        assert_eq!(token.set(key, &[flag(use_, true)]), MIXED);
    }
    let other = token.copy(key, &[]).unwrap();
    assert_eq!(token.set(other, &[flag(CKA_DECRYPT, true)]), MIXED);
}

/// A template that asks for nothing gives a key for data, where its type has such uses.
#[test]
fn a1_keys_are_usable_without_a_word() {
    let token = strict();
    let key = token.aes(&[]);
    let uses = |key, flags: &[Flag]| flags.iter().map(|flag| token.has(key, *flag)).collect::<Vec<_>>();
    let all = [Flag::Encrypt, Flag::Decrypt, Flag::Sign, Flag::Verify, Flag::Wrap, Flag::Unwrap, Flag::Derive];
    assert_eq!(uses(key, &all), [true, true, true, true, false, false, false]);
    let wrapping = token.aes(&[flag(CKA_WRAP, true)]);
    assert_eq!(uses(wrapping, &all), [false, false, false, false, true, true, false]);
    let secret = token.generate(CKM_GENERIC_SECRET_KEY_GEN, &[number(CKA_VALUE_LEN, 32)]);
    assert_eq!(uses(secret, &all), [false, false, true, true, false, false, false]);
    let base = token.generate(CKM_HKDF_KEY_GEN, &[number(CKA_VALUE_LEN, 32)]);
    assert_eq!(uses(base, &all), [false, false, false, false, false, false, true]);
    let iv = call(CKM_AES_CBC_PAD, Parameter::Bytes(&[1; 16]));
    let text = token.encrypt(&iv, key, b"text").unwrap();
    assert_eq!(token.decrypt(&iv, key, &text).unwrap(), b"text");
    let (public, private) = token.generated_pair(CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, P256)], &[]).unwrap();
    assert_eq!(uses(private, &[Flag::Sign, Flag::Derive]), [true, false]);
    assert_eq!(uses(public, &[Flag::Verify, Flag::Derive]), [true, false]);
    let agrees = [flag(CKA_DERIVE, true)];
    let (_, private) = token.generated_pair(CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, P256)], &agrees).unwrap();
    assert_eq!(uses(private, &[Flag::Sign, Flag::Derive]), [false, true]);
}

/// A2: the public half wraps, the private half decrypts; or the public half encrypts what the private one unwraps. On a
/// curve, the private half derives the key that wraps (`CKM_ECDH_AES_KEY_WRAP`).
#[test]
fn a2_no_pair_wraps_and_decrypts() {
    let token = strict();
    let both = |public: u64, private: u64| token.rsa(2048, &[flag(public, true)], &[flag(private, true)]).map(|_| ());
    assert_eq!(both(CKA_WRAP, CKA_DECRYPT), MIXED);
    assert_eq!(both(CKA_ENCRYPT, CKA_UNWRAP), MIXED);
    let curve = [bytes(CKA_EC_PARAMS, P256), flag(CKA_WRAP, true)];
    let agrees = token.generated_pair(CKM_EC_KEY_PAIR_GEN, &curve, &[flag(CKA_DERIVE, true)]);
    assert_eq!(agrees.map(|_| ()), MIXED);
    // Later neither half learns what the other must not meet, whatever it gives up.
    let (public, private) = token.rsa(2048, &[], &[flag(CKA_DECRYPT, true)]).unwrap();
    assert_eq!(token.set(public, &[flag(CKA_WRAP, true)]), MIXED);
    assert_eq!(token.set(private, &[flag(CKA_DECRYPT, false), flag(CKA_UNWRAP, true)]), MIXED);
    assert_eq!(token.copy(public, &[flag(CKA_ENCRYPT, false), flag(CKA_WRAP, true)]).map(|_| ()), MIXED);
    // Also where they were for nothing.
    let silent = |uses: &[u64]| uses.iter().map(|use_| flag(*use_, false)).collect::<Vec<_>>();
    let public = silent(&[CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP]);
    let private = silent(&[CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP]);
    let (public, private) = token.rsa(2048, &public, &private).unwrap();
    assert_eq!(token.set(public, &[flag(CKA_WRAP, true)]), MIXED);
    assert_eq!(token.copy(private, &[flag(CKA_DECRYPT, true)]).map(|_| ()), MIXED);
    // A public key that comes of its private key has the same past.
    let (_, private) = token.rsa(2048, &[], &[flag(CKA_DECRYPT, true)]).unwrap();
    let again = |use_| token.refusal(CKM_PUB_KEY_FROM_PRIV_KEY, Parameter::None, private, &[flag(use_, true)]);
    assert_eq!(again(CKA_WRAP), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(again(CKA_ENCRYPT), CKR_OK);
}

/// Under `standard` a key does all that its template says, as programs expect.
#[test]
fn a1_standard_tokens_mix_purposes() {
    let token = token();
    let key = token.aes(&[flag(CKA_WRAP, true), flag(CKA_DECRYPT, true)]);
    token.set(key, &[flag(CKA_DERIVE, true)]).unwrap();
    token.copy(key, &[flag(CKA_DERIVE, false)]).unwrap();
}

/// The object identifier of P-256.
pub(crate) const P256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
