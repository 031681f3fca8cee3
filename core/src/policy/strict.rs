//! What `strict` demands of keys besides their mechanisms, so that no calls together read one: each rule answers an
//! attack in the table of `docs/policies.md`.

use cryptoki_sys::*;

use super::strength;
use crate::attribute::{AttributeType, Flag, Flags, Template, TemplateAttribute, TemplateValue, ValueKind};
use crate::error::Error;
use crate::object::Object;
use crate::object::purpose::Purposes;
use crate::object::schema::Kind;

/// The purpose of a new key: what its template asks for, or else the first of what its kind does by default.
pub(crate) fn wanted(kind: &Kind, template: &Template<'_>) -> Purposes {
    let asked = asked(template);
    if asked.is_empty() { usual(kind, template) } else { asked }
}

/// The purpose of a new pair, public half first: what either template asks for, or else what the private half does.
pub(crate) fn wanted_of_pair([public, private]: [(&Kind, &Template<'_>); 2]) -> Purposes {
    let asked = asked(public.1).and(asked(private.1));
    let usual = |half: (&Kind, &Template<'_>)| Some(usual(half.0, half.1)).filter(|purpose| !purpose.is_empty());
    match asked.is_empty() {
        true => usual(private).or_else(|| usual(public)).unwrap_or_default(),
        false => asked,
    }
}

/// The default flags of a key that is for this only.
pub(crate) fn defaults(mut flags: Flags, wanted: Purposes) -> Flags {
    for use_ in Flags::uses().filter(|use_| !wanted.contains(Purposes::of_use(*use_))) {
        flags.set(use_, false);
    }
    flags
}

/// A sensitive key leaves only under a trusted one, unless its maker says otherwise (A8).
pub(crate) fn guard(kind: &Kind, flags: &mut Flags, template: &Template<'_>) {
    if kind.is_secret() && flags.has(Flag::Sensitive) && template.flag(Flag::WrapWithTrusted).is_none() {
        flags.set(Flag::WrapWithTrusted, true);
    }
}

fn asked(template: &Template<'_>) -> Purposes {
    let uses = Flags::uses().filter(|use_| template.flag(*use_) == Some(true));
    uses.fold(Purposes::default(), |all, use_| all.and(Purposes::of_use(use_)))
}

fn usual(kind: &Kind, template: &Template<'_>) -> Purposes {
    let mut flags = kind.default_flags;
    for use_ in Flags::uses().filter(|use_| template.flag(*use_) == Some(false)) {
        flags.set(use_, false);
    }
    Purposes::of(flags).first()
}

/// One purpose for each key, for ever (A1, A2; SP 800-57 part 1 §5.2).
///
/// # Errors
/// `CKR_TEMPLATE_INCONSISTENT`.
pub(super) fn check_new(object: &Object) -> Result<(), Error> {
    if object.kind.is_key() && object.purposes().are_mixed() {
        return Err(mixed(object, Flags::uses().filter(|use_| object.has(*use_)).last()));
    }
    Ok(())
}

/// As [`check_new`], of what an object becomes: no purpose comes later than at its making. The halves of a pair, and
/// copies of a key without a purpose, do not see each other and could find two.
///
/// # Errors
/// `CKR_TEMPLATE_INCONSISTENT`.
pub(super) fn check_change(old: &Object, new: &Object) -> Result<(), Error> {
    if !new.kind.is_key() {
        return Ok(());
    }
    let learned = Flags::uses().find(|use_| new.has(*use_) && !old.purposes().contains(Purposes::of_use(*use_)));
    if learned.is_some() { Err(mixed(new, learned)) } else { Ok(()) }
}

fn mixed(object: &Object, use_: Option<Flag>) -> Error {
    let mut attributes = object.kind.rules().map(|rule| AttributeType(rule.attribute));
    let named = use_.and_then(|use_| attributes.find(|attribute| attribute.kind() == Some(ValueKind::Flag(use_))));
    Error::TemplateInconsistent {
        attribute: named.unwrap_or(AttributeType(CKA_CLASS)),
        reason: "under the token's policy (strict) a key is for data, for wrapping or for deriving, one of them for ever",
    }
}

/// Whether `wrapping` may let `key` out, in a form with the strength of `bits` at most.
///
/// # Errors
/// `CKR_KEY_FUNCTION_NOT_PERMITTED` for the wrapping key, `CKR_KEY_NOT_WRAPPABLE`, `CKR_WRAPPING_KEY_SIZE_RANGE`.
pub(super) fn check_wrap(wrapping: &Object, key: &Object, bits: u32) -> Result<(), Error> {
    // Nobody else has the value: it was made here, and could never be read or leave (A8, A9).
    let is_ours = wrapping.kind.class == CKO_SECRET_KEY
        && [Flag::Local, Flag::AlwaysSensitive, Flag::NeverExtractable].iter().all(|flag| wrapping.has(*flag));
    if !is_ours && !wrapping.has(Flag::Trusted) {
        return Err(Error::KeyNotPermitted(
            "under the token's policy (strict) a key wraps if it is a secret key made here that was always sensitive and \
             never extractable, or if an officer trusts it (CKA_TRUSTED)",
        ));
    }
    // It would come back for another purpose, and decrypt what it wraps (A6).
    if key.purposes().contains(Purposes::KEYS) {
        return Err(Error::KeyNotWrappable("under the token's policy (strict) keys that wrap or unwrap do not leave"));
    }
    let demands = wrapping.demands(CKA_UNWRAP_TEMPLATE);
    if !demands.is_empty() && !comes_back_as_it_was(demands, key) {
        return Err(Error::KeyNotWrappable(
            "under the token's policy (strict) a key wraps only what its CKA_UNWRAP_TEMPLATE takes back as it was",
        ));
    }
    let (own, needed) = (bits.min(strength::bits(wrapping)), strength::bits(key));
    if own < needed { Err(Error::WrappingKeyWeak { bits: own, needed }) } else { Ok(()) }
}

fn comes_back_as_it_was(demands: &[TemplateAttribute], key: &Object) -> bool {
    number(demands, CKA_CLASS) == Some(key.kind.class)
        && number(demands, CKA_KEY_TYPE) == key.kind.subtype
        && demanded(demands) == key.purposes()
}

/// What comes of a wrapped key is settled by the key that unwraps it: which kind of key it is and what it is for, and
/// that its value stays here (A6, A7). No format that this token wraps in says any of that.
///
/// # Errors
/// `CKR_KEY_FUNCTION_NOT_PERMITTED`.
pub(super) fn unwrap_demands(unwrapping: &Object) -> Result<Vec<TemplateAttribute>, Error> {
    let own = unwrapping.demands(CKA_UNWRAP_TEMPLATE);
    let purposes = demanded(own);
    let settled = [CKA_CLASS, CKA_KEY_TYPE].iter().all(|attribute| number(own, *attribute).is_some());
    if !settled || purposes.is_empty() || purposes.are_mixed() || purposes.contains(Purposes::KEYS) {
        return Err(Error::KeyNotPermitted(
            "under the token's policy (strict) a key unwraps only with a CKA_UNWRAP_TEMPLATE that has CKA_CLASS, \
             CKA_KEY_TYPE and a use that is true (CKA_DECRYPT, CKA_SIGN, CKA_DERIVE ...) and neither CKA_WRAP nor \
             CKA_UNWRAP",
        ));
    }
    let mut demands: Vec<_> =
        own.iter().filter(|demand| !matches!(demand.attribute.0, CKA_SENSITIVE | CKA_EXTRACTABLE)).cloned().collect();
    for (attribute, value) in [(CKA_SENSITIVE, true), (CKA_EXTRACTABLE, false)] {
        demands.push(TemplateAttribute { attribute: AttributeType(attribute), value: TemplateValue::Flag(value) });
    }
    Ok(demands)
}

fn number(demands: &[TemplateAttribute], attribute: u64) -> Option<u64> {
    demands.iter().find(|demand| demand.attribute.0 == attribute).and_then(|demand| match demand.value {
        TemplateValue::Ulong(number) => Some(number),
        _ => None,
    })
}

/// The purposes of the uses that are demanded.
fn demanded(demands: &[TemplateAttribute]) -> Purposes {
    let uses = demands.iter().filter_map(|demand| match (demand.attribute.kind(), &demand.value) {
        (Some(ValueKind::Flag(flag)), TemplateValue::Flag(true)) => Some(Purposes::of_use(flag)),
        _ => None,
    });
    uses.fold(Purposes::default(), Purposes::and)
}
