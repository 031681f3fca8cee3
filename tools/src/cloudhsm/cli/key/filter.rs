//! Which keys are meant: by reference, or by what their attributes are.

use std::sync::Arc;

use serde_json::Value;
use strongroom_core::attribute::Template;
use strongroom_core::error::Error;
use strongroom_core::object::Object;

use super::view;
use crate::cloudhsm::cli::Tool;
use crate::cloudhsm::cli::answer::Refused;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cloudhsm::cli) enum Filter {
    /// The key with this handle.
    Reference(u64),
    /// An attribute is shown as this text.
    Attribute(String, String),
}

/// Reads a condition: `key-reference=0x...` or `attr.NAME=VALUE`.
///
/// # Errors
/// Words for anything else.
pub(in crate::cloudhsm::cli) fn parse(text: &str) -> Result<Filter, String> {
    let (name, value) = text.split_once('=').ok_or("a filter is key-reference=0x... or attr.NAME=VALUE")?;
    if name == "key-reference" {
        let digits = value.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        return number.map(Filter::Reference).ok_or_else(|| "a key reference is 0x and hexadecimal digits".to_owned());
    }
    match name.strip_prefix("attr.") {
        Some(attribute) if view::is_attribute(attribute) => {
            Ok(Filter::Attribute(attribute.to_owned(), value.to_owned()))
        }
        Some(attribute) => Err(format!("there is no attribute {attribute}")),
        None => Err("a filter is key-reference=0x... or attr.NAME=VALUE".to_owned()),
    }
}

/// The keys that all conditions fit and that the caller may see, in the order of their handles.
///
/// # Errors
/// The store's.
pub(super) fn matching(tool: &Tool, filters: &[Filter]) -> Result<Vec<Arc<Object>>, Refused> {
    let mut keys = Vec::new();
    for number in candidates(tool, filters)? {
        match tool.link.session().object(number) {
            Ok(key) if key.kind.is_key() && fits(&key, filters) => keys.push(key),
            // Another process may have deleted it meanwhile.
            Ok(_) | Err(Error::NoObject(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    keys.sort_by_key(|key| key.number);
    Ok(keys)
}

/// The one key that is meant.
///
/// # Errors
/// None, or several: in the words that scripts know.
pub(in crate::cloudhsm::cli) fn single(tool: &Tool, filters: &[Filter]) -> Result<Arc<Object>, Refused> {
    let mut keys = matching(tool, filters)?;
    match (keys.pop(), keys.len()) {
        (Some(key), 0) => Ok(key),
        (None, _) => Err(Refused::said("Key selection criteria matched 0 keys.")),
        (Some(_), others) => Err(Refused::Said(format!(
            "Key selection criteria matched {} keys. Refine selection criteria to select a single key.",
            others + 1
        ))),
    }
}

fn candidates(tool: &Tool, filters: &[Filter]) -> Result<Vec<u64>, Refused> {
    let named = filters.iter().find_map(|filter| match filter {
        Filter::Reference(number) => Some(*number),
        Filter::Attribute(..) => None,
    });
    if let Some(number) = named {
        return Ok(vec![number]);
    }
    Ok(tool.link.session().found(&Template::from_entries(Vec::new()))?)
}

fn fits(key: &Object, filters: &[Filter]) -> bool {
    let shown = view::all(key);
    filters.iter().all(|filter| match filter {
        Filter::Reference(number) => key.number == *number,
        Filter::Attribute(name, wanted) => shown.get(name).is_some_and(|value| is_shown_as(name, value, wanted)),
    })
}

/// Of text only hexadecimal digits may be typed in capitals.
fn is_shown_as(name: &str, value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) if name != "label" && text.starts_with("0x") => text.eq_ignore_ascii_case(wanted),
        Value::String(text) => text == wanted || (name == "curve" && text == P256 && wanted == P256_TOO),
        Value::Bool(value) => wanted.parse() == Ok(*value),
        Value::Number(value) => wanted.parse().is_ok_and(|wanted: u64| value.as_u64() == Some(wanted)),
        _ => false,
    }
}

/// The two names of one curve.
pub(super) const P256: &str = "prime256v1";
pub(super) const P256_TOO: &str = "secp256r1";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_read() {
        assert_eq!(parse("key-reference=0x2A"), Ok(Filter::Reference(42)));
        assert_eq!(parse("key-reference=0x000000000000002a"), Ok(Filter::Reference(42)));
        assert_eq!(parse("attr.label=a=b"), Ok(Filter::Attribute("label".to_owned(), "a=b".to_owned())));
        for (text, words) in [
            ("key-reference=0x+1", "0x and hexadecimal digits"),
            ("key-reference=0x", "0x and hexadecimal digits"),
            ("key-reference=42", "0x and hexadecimal digits"),
            ("key-reference=0x10000000000000000", "0x and hexadecimal digits"),
            ("attr.colour=red", "there is no attribute colour"),
            ("label=x", "attr.NAME=VALUE"),
            ("label", "attr.NAME=VALUE"),
        ] {
            assert!(parse(text).unwrap_err().contains(words), "{text}");
        }
    }

    #[test]
    fn values_are_compared_as_they_are_shown() {
        assert!(is_shown_as("id", &json!("0x0a"), "0x0A"));
        assert!(!is_shown_as("label", &json!("0x0a"), "0x0A"));
        assert!(is_shown_as("encrypt", &json!(true), "true") && !is_shown_as("encrypt", &json!(true), "1"));
        assert!(is_shown_as("key-length-bytes", &json!(32), "32"));
        assert!(is_shown_as("curve", &json!("prime256v1"), "secp256r1"));
    }
}
