//! All attributes of an object, by name, as `strongroom key show` prints them.

use cryptoki_sys::*;
use serde_json::{Map, Value, json};
use strongroom_core::attribute::{AttributeType, CKA_SR_SHARED_WITH, TemplateAttribute, TemplateValue};
use strongroom_core::error::Error;
use strongroom_core::mechanism::MechanismName;
use strongroom_core::names;
use strongroom_core::object::schema::{Kind, SECRET};
use strongroom_core::object::{AttributeValue, Object};

use super::types::set_name;
use crate::text::{hex, one_line};

/// One attribute, in both forms.
pub(crate) struct Attribute {
    /// The name in the standard.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) text: String,
    /// For programs; none where the value stays inside.
    value: Option<Value>,
    /// Whether the object lets it out to nobody.
    pub(crate) stays_inside: bool,
}

/// Every attribute the object has. A secret value is shown only where the object lets it out and `reveal` asks for it.
pub(crate) fn of(object: &Object, reveal: bool) -> Vec<Attribute> {
    let rules = object.kind.rules().filter_map(|rule| {
        let attribute = AttributeType(rule.attribute);
        let name = attribute.name()?;
        let (text, value) = match object.attribute(attribute) {
            Ok(AttributeValue::Bytes(bytes)) if rule.notes & SECRET != 0 && !reveal => {
                (format!("({} bytes, not sensitive; --reveal shows them)", bytes.len()), None)
            }
            Ok(value) => {
                (text_of(object.kind, rule.attribute, value), Some(json_of(object.kind, rule.attribute, value)))
            }
            Err(Error::AttributeSensitive(_)) => ("(sensitive)".to_owned(), None),
            Err(error) => (format!("({error})"), None),
        };
        let stays_inside = matches!(object.attribute(attribute), Err(Error::AttributeSensitive(_)));
        Some(Attribute { name, text, value, stays_inside })
    });
    rules.collect()
}

/// The attributes as an object: keys are the names in small letters without `cka_`; what stays inside is null.
pub(crate) fn json(attributes: &[Attribute]) -> Value {
    let members = attributes.iter().map(|attribute| {
        let name = attribute.name.strip_prefix("CKA_").unwrap_or(attribute.name).to_lowercase();
        (name, attribute.value.clone().unwrap_or(Value::Null))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn text_of(kind: &Kind, attribute: u64, value: AttributeValue<'_>) -> String {
    match value {
        AttributeValue::Flag(flag) => flag.to_string(),
        AttributeValue::Bytes(bytes) if is_text(attribute) => {
            std::str::from_utf8(bytes).map_or_else(|_| format!("0x{}", hex(bytes)), one_line)
        }
        AttributeValue::Bytes(bytes) => hex(bytes),
        AttributeValue::Ulong(CK_UNAVAILABLE_INFORMATION) => "(unavailable)".to_owned(),
        AttributeValue::Ulong(number) => number_name(kind, attribute, number).unwrap_or_else(|| number.to_string()),
        AttributeValue::Mechanisms([]) if attribute == CKA_SR_SHARED_WITH => "(nobody)".to_owned(),
        AttributeValue::Mechanisms(users) if attribute == CKA_SR_SHARED_WITH => {
            users.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
        }
        AttributeValue::Mechanisms([]) => "(any)".to_owned(),
        AttributeValue::Mechanisms(list) => {
            list.iter().map(|id| MechanismName(*id).to_string()).collect::<Vec<_>>().join(", ")
        }
        AttributeValue::Template([]) => "(none)".to_owned(),
        AttributeValue::Template(entries) => entries.iter().map(entry_text).collect::<Vec<_>>().join(", "),
    }
}

fn json_of(kind: &Kind, attribute: u64, value: AttributeValue<'_>) -> Value {
    match value {
        AttributeValue::Flag(flag) => json!(flag),
        AttributeValue::Bytes(bytes) if is_text(attribute) => json!(String::from_utf8_lossy(bytes)),
        AttributeValue::Bytes(bytes) => json!(hex(bytes)),
        AttributeValue::Ulong(CK_UNAVAILABLE_INFORMATION) => Value::Null,
        AttributeValue::Ulong(number) => number_name(kind, attribute, number).map_or(json!(number), Value::String),
        AttributeValue::Mechanisms(users) if attribute == CKA_SR_SHARED_WITH => json!(users),
        AttributeValue::Mechanisms(list) => {
            json!(list.iter().map(|id| MechanismName(*id).to_string()).collect::<Vec<_>>())
        }
        AttributeValue::Template(entries) => json!(entries.iter().map(entry_text).collect::<Vec<_>>()),
    }
}

fn entry_text(entry: &TemplateAttribute) -> String {
    let value = match &entry.value {
        TemplateValue::Flag(flag) => flag.to_string(),
        TemplateValue::Ulong(number) => number.to_string(),
        TemplateValue::Bytes(bytes) => hex(bytes),
        TemplateValue::Mechanisms(list) => {
            list.iter().map(|id| MechanismName(*id).to_string()).collect::<Vec<_>>().join("+")
        }
    };
    format!("{}={value}", entry.attribute)
}

/// The name of a number that stands for something.
fn number_name(kind: &Kind, attribute: u64, number: u64) -> Option<String> {
    match attribute {
        CKA_CLASS => Some(
            match number {
                CKO_DATA => "data",
                CKO_CERTIFICATE => "certificate",
                CKO_PUBLIC_KEY => "public key",
                CKO_PRIVATE_KEY => "private key",
                CKO_SECRET_KEY => "secret key",
                CKO_DOMAIN_PARAMETERS => "domain parameters",
                _ => return None,
            }
            .to_owned(),
        ),
        CKA_CERTIFICATE_TYPE => Some(kind.name.to_owned()),
        CKA_KEY_TYPE => Some(match kind.class {
            CKO_SECRET_KEY => kind.name.to_owned(),
            _ => names::key_type(number).to_string(),
        }),
        CKA_PARAMETER_SET => set_name(kind.subtype?, number),
        CKA_KEY_GEN_MECHANISM => Some(MechanismName(number).to_string()),
        _ => None,
    }
}

/// The attributes that hold text (PKCS#11: RFC 2279 strings, dates, and our unique identifiers).
fn is_text(attribute: u64) -> bool {
    matches!(attribute, CKA_LABEL | CKA_UNIQUE_ID | CKA_APPLICATION | CKA_URL | CKA_START_DATE | CKA_END_DATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_what_they_are() {
        let kind = Kind::secret_key(CKK_AES).unwrap();
        let text = |attribute, value| text_of(kind, attribute, value);
        assert_eq!(text(CKA_CLASS, AttributeValue::Ulong(CKO_SECRET_KEY)), "secret key");
        assert_eq!(text(CKA_KEY_TYPE, AttributeValue::Ulong(CKK_AES)), "aes");
        assert_eq!(text(CKA_KEY_GEN_MECHANISM, AttributeValue::Ulong(CKM_AES_KEY_GEN)), "CKM_AES_KEY_GEN");
        assert_eq!(text(CKA_KEY_GEN_MECHANISM, AttributeValue::Ulong(CK_UNAVAILABLE_INFORMATION)), "(unavailable)");
        assert_eq!(text(CKA_LABEL, AttributeValue::Bytes(b"a\x1bb")), "a\\u{1b}b");
        assert_eq!(text(CKA_ID, AttributeValue::Bytes(b"ab")), "6162");
        assert_eq!(text(CKA_ALLOWED_MECHANISMS, AttributeValue::Mechanisms(&[CKM_AES_GCM])), "CKM_AES_GCM");
        assert_eq!(json_of(kind, CKA_SENSITIVE, AttributeValue::Flag(true)), json!(true));
    }
}
