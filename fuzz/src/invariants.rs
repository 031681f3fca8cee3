//! What holds for every object, however it came to be.

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Flag, Template};
use strongroom_core::object::codec::{decode, encode_attributes};
use strongroom_core::object::schema::SECRET;
use strongroom_core::object::{AttributeValue, Object};

/// Reads everything there is to read of `object`: nothing panics, no secret shows, and what is written of it reads
/// back.
pub fn examine(object: &Object) {
    for rule in object.kind.rules() {
        let _ = object.attribute(AttributeType(rule.attribute));
    }
    let _ = (object.label(), object.size_bytes(), object.allows_mechanism(CKM_AES_GCM), format!("{object:?}"));
    assert!(object.matches(&Template::default()));
    hides_its_value(object);
    let encoded = encode_attributes(object).expect("an object can be written");
    let again = decode(object.number, object.version, object.ownership, &encoded, None).expect("and read again");
    assert_eq!(encoded, encode_attributes(&again).expect("and written again"));
}

/// A secret or private key that is sensitive, or not extractable, does not show its values.
pub fn hides_its_value(object: &Object) {
    if object.kind.is_secret() && (object.has(Flag::Sensitive) || !object.has(Flag::Extractable)) {
        for rule in object.kind.rules().filter(|rule| rule.notes & SECRET != 0) {
            assert!(object.attribute(AttributeType(rule.attribute)).is_err(), "{object:?} shows {}", rule.attribute);
        }
    }
    if object.kind.is_secret()
        && object.material().is_err()
        && let Ok(AttributeValue::Bytes(value)) = object.attribute(AttributeType(CKA_VALUE))
    {
        assert!(value.is_empty(), "{object:?} has a value without material");
    }
}

/// `after` came out of `before` by a change or as a copy: it protects no less.
pub fn protects_no_less(before: &Object, after: &Object) {
    let grown = |flag| !before.has(flag) || after.has(flag);
    let shrunk = |flag| before.has(flag) || !after.has(flag);
    assert!(grown(Flag::Sensitive) && grown(Flag::WrapWithTrusted) && grown(Flag::Private), "{after:?} is weaker");
    assert!(shrunk(Flag::AlwaysSensitive) && shrunk(Flag::NeverExtractable) && shrunk(Flag::Local), "{after:?} claims");
    if before.kind.is_secret() {
        assert!(shrunk(Flag::Extractable), "{after:?} became extractable");
    }
    assert!(!after.has(Flag::AlwaysSensitive) || after.has(Flag::Sensitive));
    assert!(!after.has(Flag::NeverExtractable) || !after.has(Flag::Extractable));
    assert!(after.has(Flag::AlwaysAuthenticate) == before.has(Flag::AlwaysAuthenticate));
    assert_eq!(before.kind.class, after.kind.class);
    assert_eq!(before.kind.subtype, after.kind.subtype);
}
