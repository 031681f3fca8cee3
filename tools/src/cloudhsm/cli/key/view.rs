//! A key in JSON: its reference, whose it is, its attributes.

use cryptoki_sys::*;
use serde_json::{Map, Value, json};
use strongroom_core::attribute::Flag;
use strongroom_core::object::{Object, UserId};
use strongroom_core::token::UserInfo;
use strongroom_crypto::ec;

use super::reference;
use crate::cloudhsm::attributes::{self, Value as Shown};
use crate::text::hex;

/// All there is to be said of a key. `users` are those of the token, who have names.
pub(super) fn key(key: &Object, users: &[UserInfo]) -> Value {
    let named = |id: UserId| {
        let name = users.iter().find(|user| user.id == id).map(|user| user.name.as_str());
        json!({ "username": name.unwrap_or_default(), "key-coverage": "full" })
    };
    let ownership = &key.ownership;
    let owners: Vec<Value> =
        Some(ownership.owner).filter(|owner| *owner != UserId::NOBODY).map(named).into_iter().collect();
    json!({
        "key-reference": reference(key.number),
        "key-info": {
            "key-owners": owners,
            "shared-users": ownership.sharees.iter().map(named).collect::<Vec<_>>(),
            "key-quorum-values": {
                "manage-key-quorum-value": ownership.management_approvals,
                "use-key-quorum-value": ownership.use_approvals,
            },
            "cluster-coverage": if key.has(Flag::Token) { "full" } else { "session" },
        },
        "attributes": all(key),
    })
}

/// The reference and the label alone.
pub(super) fn brief(key: &Object) -> Value {
    json!({ "key-reference": reference(key.number), "attributes": { "label": label(key) } })
}

/// The attributes of a key, in the order in which they are listed.
pub(super) fn all(key: &Object) -> Map<String, Value> {
    let is_public = key.kind.class == CKO_PUBLIC_KEY;
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
    let bytes = |attribute| attributes::bytes(key, attribute).map(|bytes| json!(format!("0x{}", hex(bytes))));
    set("key-type", json!(key_type(key)));
    set("label", json!(label(key)));
    set("id", bytes(CKA_ID).unwrap_or(json!("")));
    if let Some(value) = attributes::check_value(key) {
        set("check-value", json!(format!("0x{}", hex(&value))));
    }
    set("class", json!(class(key.kind.class)));
    for (name, flag) in FLAGS {
        // A login is needed to see any key here, and whoever sees a public key has it.
        let always = *name == "private" || (is_public && *name == "extractable");
        set(name, json!(always || key.has(*flag)));
    }
    if let Some(length) = number(key, CKA_VALUE_LEN) {
        set("key-length-bytes", json!(length));
    }
    match key.kind.subtype {
        Some(CKK_RSA) => {
            set("public-exponent", bytes(CKA_PUBLIC_EXPONENT).unwrap_or(json!("")));
            set("modulus", bytes(CKA_MODULUS).unwrap_or(json!("")));
            set("modulus-size-bits", json!(number(key, CKA_MODULUS_BITS)));
        }
        Some(CKK_EC) => {
            set("ec-point", json!(attributes::modulus(key).map(|point| format!("0x{}", hex(&point)))));
            set("curve", json!(attributes::curve(key).map(curve_name)));
        }
        _ => {}
    }
    shown
}

/// Whether keys have an attribute of this name.
pub(super) fn is_attribute(name: &str) -> bool {
    OTHERS.contains(&name) || FLAGS.iter().any(|(known, _)| *known == name)
}

/// Bytes of a secret key.
pub(super) fn secret_bytes(key: &Object) -> Option<u32> {
    (key.kind.class == CKO_SECRET_KEY).then(|| number(key, CKA_VALUE_LEN))?
}

/// The name of a curve.
fn curve_name(curve: ec::Curve) -> &'static str {
    CURVES.iter().find(|(_, known)| *known == curve).map_or("other", |(name, _)| name)
}

fn label(key: &Object) -> String {
    String::from_utf8_lossy(key.label()).into_owned()
}

fn number(key: &Object, attribute: u64) -> Option<u32> {
    match Shown::of(key, attributes::find(attribute)?)? {
        Shown::Number(number) => Some(number),
        _ => None,
    }
}

fn class(class: u64) -> &'static str {
    match class {
        CKO_PUBLIC_KEY => "public-key",
        CKO_PRIVATE_KEY => "private-key",
        _ => "secret-key",
    }
}

/// The type. Types that a CloudHSM has not are called as everywhere in Strongroom.
fn key_type(key: &Object) -> &'static str {
    match key.kind.subtype {
        Some(CKK_GENERIC_SECRET) => "generic-secret",
        _ => key.kind.name.strip_suffix("-public").unwrap_or(key.kind.name),
    }
}

/// Curves by their names here.
pub(super) const CURVES: &[(&str, ec::Curve)] = &[
    ("prime256v1", ec::Curve::P256),
    ("secp224r1", ec::Curve::P224),
    ("secp384r1", ec::Curve::P384),
    ("secp256k1", ec::Curve::Secp256k1),
    ("secp521r1", ec::Curve::P521),
];

/// The boolean attributes, in the order in which they are listed.
const FLAGS: &[(&str, Flag)] = &[
    ("encrypt", Flag::Encrypt),
    ("decrypt", Flag::Decrypt),
    ("token", Flag::Token),
    ("always-sensitive", Flag::AlwaysSensitive),
    ("derive", Flag::Derive),
    ("destroyable", Flag::Destroyable),
    ("extractable", Flag::Extractable),
    ("local", Flag::Local),
    ("modifiable", Flag::Modifiable),
    ("never-extractable", Flag::NeverExtractable),
    ("private", Flag::Private),
    ("sensitive", Flag::Sensitive),
    ("sign", Flag::Sign),
    ("trusted", Flag::Trusted),
    ("unwrap", Flag::Unwrap),
    ("verify", Flag::Verify),
    ("wrap", Flag::Wrap),
    ("wrap-with-trusted", Flag::WrapWithTrusted),
];
const OTHERS: &[&str] = &[
    "key-type",
    "label",
    "id",
    "check-value",
    "class",
    "key-length-bytes",
    "public-exponent",
    "modulus",
    "modulus-size-bits",
    "ec-point",
    "curve",
];
