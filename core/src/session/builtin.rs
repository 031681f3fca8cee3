//! Objects every token has by itself: one for each mechanism (PKCS#11 3.2 §4.13) and one for each profile the module
//! meets (§4.12). Nobody makes, changes or destroys them, and a search finds them only when it names their class.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;

use crate::attribute::{Flags, Value};
use crate::mechanism::CATALOGUE;
use crate::object::birth::hexadecimal;
use crate::object::schema::Kind;
use crate::object::{Object, Ownership, UserId};

/// The first number of a built-in object.
pub(super) const START: u64 = 0x7fff_0000;

/// The profiles of PKCS#11 the module meets (PKCS#11 Profiles 3.2 §5).
///
/// Two are left out on purpose. A public certificates token has no private certificates, and one `CKA_ID` for a
/// certificate and its key: here that is for the users to say. An HKDF TLS token makes data of the secrets of TLS,
/// which are sensitive: here a sensitive key gives none unless it says so.
const PROFILES: &[u64] = &[CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN];

/// The built-in object with this number.
pub(super) fn object(number: u64) -> Option<Arc<Object>> {
    let at = usize::try_from(number.checked_sub(START)?).ok()?;
    all().get(at).map(Arc::clone)
}

/// The built-in objects of this class.
pub(super) fn of_class(class: u64) -> impl Iterator<Item = &'static Arc<Object>> {
    let wanted = matches!(class, CKO_MECHANISM | CKO_PROFILE);
    all().iter().filter(move |object| wanted && object.kind.class == class)
}

fn all() -> &'static [Arc<Object>] {
    static ALL: OnceLock<Vec<Arc<Object>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mechanisms = CATALOGUE.iter().map(|mechanism| (CKO_MECHANISM, CKA_MECHANISM_TYPE, mechanism.id));
        let profiles = PROFILES.iter().map(|profile| (CKO_PROFILE, CKA_PROFILE_ID, *profile));
        let rows = profiles.chain(mechanisms).enumerate();
        rows.filter_map(|(at, (class, attribute, value))| {
            let number = START + at as u64;
            Some(Arc::new(Object {
                number,
                version: 1,
                session: None,
                origin: None,
                retired: AtomicBool::new(false),
                kind: Kind::find(class, None)?,
                flags: Flags::default(),
                unique_id: hexadecimal(u128::from(number).to_be_bytes()),
                ownership: Ownership::of(UserId::NOBODY),
                borrowed: false,
                fields: vec![(attribute, Value::Ulong(value))],
                material: None,
                public: None,
            }))
        })
        .collect()
    })
}
