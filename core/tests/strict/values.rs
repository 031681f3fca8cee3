//! Values that stay, and attributes that only get stronger.

use cryptoki_sys::*;
use strongroom_core::attribute::AttributeType;
use strongroom_core::error::Error;
use strongroom_core::mechanism::Parameter;

use crate::fixture::*;
use crate::words::*;

fn read(token: &Token, key: u64) -> Outcome<()> {
    let object = token.session.object(key).unwrap();
    object.attribute(AttributeType(CKA_VALUE)).map(|_| ()).map_err(|error| error.rv())
}

/// A3 (Tookan): a sensitive key that shows its value.
#[test]
fn a3_a_sensitive_key_shows_nothing() {
    let token = strict();
    let key = token.aes(&[flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true)]);
    assert_eq!(read(&token, key), Err(CKR_ATTRIBUTE_SENSITIVE));
    assert_eq!(token.set(key, &[flag(CKA_SENSITIVE, false)]), Err(CKR_ATTRIBUTE_READ_ONLY));
    assert_eq!(read(&token, token.copy(key, &[]).unwrap()), Err(CKR_ATTRIBUTE_SENSITIVE));
    // A search is no oracle of it either.
    let value = token.aes(&open());
    let known = token.value(value);
    token.set(value, &[flag(CKA_SENSITIVE, true)]).unwrap();
    token.session.find_init(&template(&[bytes(CKA_VALUE, &known)])).unwrap();
    assert_eq!(token.session.find(&mut [0; 4]).unwrap(), 0);
}

/// A4 (Tookan): an unextractable key that shows its value, or leaves.
#[test]
fn a4_an_unextractable_key_shows_nothing() {
    let token = strict();
    let wrapping = token.trusted(&[]);
    let key = token.aes(&[flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, false)]);
    assert_eq!(read(&token, key), Err(CKR_ATTRIBUTE_SENSITIVE));
    assert_eq!(token.set(key, &[flag(CKA_EXTRACTABLE, true)]), Err(CKR_ATTRIBUTE_READ_ONLY));
    assert_eq!(token.wrap(&plain(CKM_AES_KEY_WRAP_KWP), wrapping, key), Err(CKR_KEY_UNEXTRACTABLE));
}

/// A5 (Tookan a3 to a5): attributes weakened where they are set, copied, unwrapped or derived.
#[test]
fn a5_attributes_only_get_stronger() {
    let token = strict();
    let wrapping = token.trusted(&[unwraps_aes(CKA_DECRYPT)]);
    let weaker = [(CKA_SENSITIVE, false), (CKA_EXTRACTABLE, true), (CKA_WRAP_WITH_TRUSTED, false)];
    let key = token.aes(&[flag(CKA_EXTRACTABLE, false)]);
    let base = token.aes(&[flag(CKA_EXTRACTABLE, false), flag(CKA_DERIVE, true)]);
    let leaves = token.aes(&[flag(CKA_EXTRACTABLE, true)]);
    let kwp = plain(CKM_AES_KEY_WRAP_KWP);
    let blob = token.wrap(&kwp, wrapping, leaves).unwrap();
    for (attribute, value) in weaker {
        let entry = [flag(attribute, value)];
        assert_eq!(token.set(key, &entry), Err(CKR_ATTRIBUTE_READ_ONLY), "{attribute:#x}");
        assert_eq!(token.copy(key, &entry), Err(CKR_ATTRIBUTE_READ_ONLY), "{attribute:#x}");
        let derived = token.refusal(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, &entry);
        assert_eq!(derived, CKR_TEMPLATE_INCONSISTENT, "{attribute:#x}");
        if attribute != CKA_WRAP_WITH_TRUSTED {
            assert_eq!(token.unwrap(&kwp, wrapping, &blob, &entry), Err(CKR_TEMPLATE_INCONSISTENT), "{attribute:#x}");
        }
    }
}

/// A5: a key that is brought back as it was before its attributes got stronger.
#[test]
fn a5_no_older_state_comes_back() {
    let token = strict();
    let key = token.generate(CKM_AES_KEY_GEN, &[number(CKA_VALUE_LEN, 32), flag(CKA_TOKEN, true)]);
    for result in [token.session.extract_masked(key).map(drop), token.session.insert_masked(b"SRMO\x01").map(drop)] {
        assert!(matches!(result, Err(Error::Prohibited(why)) if why.contains("strict")), "{result:?}");
    }
}
