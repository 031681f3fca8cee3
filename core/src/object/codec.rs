//! Objects as bytes in the store: fixed widths, little-endian, one encoding for one object. The layout is described in
//! `docs/store-format.md`; what seals and signs these bytes is [`crate::seal`].

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cryptoki_sys::*;
use strongroom_crypto::memory::SecretBytes;

use super::schema::{CHANGEABLE, Default, Kind, Rule};
use super::{Material, Object, Ownership};
use crate::attribute::{AttributeType, Flags, TemplateAttribute, TemplateValue, Value, ValueKind};
use crate::error::Error;

/// Writes little-endian numbers and counted bytes.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

/// Reads what [`Writer`] wrote; every read is bounded, and fails as damage.
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// All attributes except the secret value.
pub fn encode_attributes(object: &Object) -> Result<Vec<u8>, Error> {
    encode(object, object.flags, &object.fields.iter().collect::<Vec<_>>())
}

/// Those of the attributes that never change, in the same form.
pub fn encode_fixed_attributes(object: &Object) -> Result<Vec<u8>, Error> {
    // A certificate that is trusted cannot be changed at all, and a key that is trusted in nothing that it may do.
    let frozen = |rule: &Rule| match object.kind.class {
        CKO_CERTIFICATE => true,
        _ => matches!(AttributeType(rule.attribute).kind(), Some(ValueKind::Flag(_))),
    };
    let fixed = |rule: &Rule| rule.attribute != CKA_TRUSTED && (frozen(rule) || rule.notes & CHANGEABLE == 0);
    let mut flags = object.flags.past();
    for rule in object.kind.rules().filter(|rule| fixed(rule)) {
        if let Some(ValueKind::Flag(flag)) = AttributeType(rule.attribute).kind() {
            flags.set(flag, object.has(flag));
        }
    }
    let fields = object.fields.iter().filter(|(attribute, _)| object.kind.rule(*attribute).is_some_and(fixed));
    encode(object, flags, &fields.collect::<Vec<_>>())
}

fn encode(object: &Object, flags: Flags, fields: &[&(u64, Value)]) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::default();
    writer.u64(object.kind.class);
    writer.u64(object.kind.subtype.unwrap_or(CK_UNAVAILABLE_INFORMATION));
    writer.u64(flags.0);
    writer.raw(&object.unique_id);
    writer.u16(u16::try_from(fields.len()).map_err(|_| Error::Arguments("too many attributes"))?);
    for (attribute, value) in fields {
        writer.u64(*attribute);
        encode_value(&mut writer, value);
    }
    Ok(writer.finish())
}

/// The object these attributes and this secret value make; a key without its value where the value stays closed.
///
/// # Errors
/// [`Error::Damaged`] for anything [`encode_attributes`] does not write.
pub fn decode(
    number: u64,
    version: u64,
    ownership: Ownership,
    attributes: &[u8],
    secret: Option<SecretBytes>,
) -> Result<Object, Error> {
    let mut reader = Reader::new(attributes);
    let class = reader.u64()?;
    let subtype = Some(reader.u64()?).filter(|subtype| *subtype != CK_UNAVAILABLE_INFORMATION);
    let kind = Kind::find(class, subtype).ok_or_else(|| damaged("an object of a kind this version does not know"))?;
    let flags = Flags(reader.u64()?);
    let unique_id = reader.array()?;
    let count = reader.u16()?;
    let mut fields = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let attribute = reader.u64()?;
        fields.push((attribute, decode_value(&mut reader)?));
    }
    reader.end()?;
    let fits = |(attribute, value): &(u64, Value)| is_kept_form(kind, *attribute, value);
    if !fields.is_sorted_by(|a, b| a.0 < b.0) || !fields.iter().all(fits) || flags != flags.known() {
        return Err(damaged("an object with attributes out of order or of another kind"));
    }
    let material = secret.map(|secret| Material::of_sealed(kind, secret).map(Arc::new)).transpose()?;
    let (retired, public) = (AtomicBool::new(false), kind.public_place());
    let (session, origin, borrowed) = (None, None, false);
    Ok(Object {
        number,
        version,
        session,
        origin,
        retired,
        kind,
        flags,
        unique_id,
        ownership,
        borrowed,
        fields,
        material,
        public,
    })
}

/// Whether an object of this kind keeps such a value: not what it has by itself, nor what is empty.
fn is_kept_form(kind: &Kind, attribute: u64, value: &Value) -> bool {
    let kept = kind.rule(attribute).is_some_and(|rule| !matches!(rule.default, Default::Own | Default::Flag));
    kept && match (AttributeType(attribute).kind(), value) {
        (Some(ValueKind::Ulong), Value::Ulong(_)) => true,
        (Some(ValueKind::Bytes | ValueKind::Date), Value::Bytes(bytes)) => !bytes.is_empty(),
        (Some(ValueKind::Mechanisms), Value::Mechanisms(list)) => !list.is_empty(),
        (Some(ValueKind::Template), Value::Template(entries)) => !entries.is_empty(),
        _ => false,
    }
}

fn encode_value(writer: &mut Writer, value: &Value) {
    match value {
        Value::Ulong(number) => {
            writer.u8(1);
            writer.u64(*number);
        }
        Value::Bytes(bytes) => {
            writer.u8(2);
            writer.counted(bytes);
        }
        Value::Mechanisms(list) => {
            writer.u8(3);
            encode_list(writer, list);
        }
        Value::Template(entries) => {
            writer.u8(4);
            writer.u32(entries.len() as u32);
            for entry in entries {
                writer.u64(entry.attribute.0);
                encode_template_value(writer, &entry.value);
            }
        }
    }
}

fn encode_list(writer: &mut Writer, list: &[u64]) {
    writer.u32(list.len() as u32);
    for mechanism in list {
        writer.u64(*mechanism);
    }
}

fn encode_template_value(writer: &mut Writer, value: &TemplateValue) {
    match value {
        TemplateValue::Flag(flag) => {
            writer.u8(0);
            writer.u8(u8::from(*flag));
        }
        TemplateValue::Ulong(number) => {
            writer.u8(1);
            writer.u64(*number);
        }
        TemplateValue::Bytes(bytes) => {
            writer.u8(2);
            writer.counted(bytes);
        }
        TemplateValue::Mechanisms(list) => {
            writer.u8(3);
            encode_list(writer, list);
        }
    }
}

fn decode_value(reader: &mut Reader<'_>) -> Result<Value, Error> {
    Ok(match reader.u8()? {
        1 => Value::Ulong(reader.u64()?),
        2 => Value::Bytes(reader.counted()?.into()),
        3 => Value::Mechanisms(decode_list(reader)?),
        4 => {
            let count = reader.u32()?;
            let mut entries = Vec::new();
            for _ in 0..count {
                let attribute = AttributeType(reader.u64()?);
                entries.push(TemplateAttribute { attribute, value: decode_template_value(reader)? });
            }
            Value::Template(entries.into())
        }
        _ => return Err(damaged("an attribute value of an unknown form")),
    })
}

fn decode_list(reader: &mut Reader<'_>) -> Result<Box<[u64]>, Error> {
    let count = reader.u32()?;
    let mut list = Vec::new();
    for _ in 0..count {
        list.push(reader.u64()?);
    }
    Ok(list.into())
}

fn decode_template_value(reader: &mut Reader<'_>) -> Result<TemplateValue, Error> {
    Ok(match reader.u8()? {
        0 => match reader.u8()? {
            0 => TemplateValue::Flag(false),
            1 => TemplateValue::Flag(true),
            _ => return Err(damaged("a boolean that is neither true nor false")),
        },
        1 => TemplateValue::Ulong(reader.u64()?),
        2 => TemplateValue::Bytes(reader.counted()?.into()),
        3 => TemplateValue::Mechanisms(decode_list(reader)?),
        _ => return Err(damaged("a template value of an unknown form")),
    })
}

/// Damage, in words.
pub(crate) fn damaged(what: &str) -> Error {
    Error::Damaged(format!("the token store is damaged: {what}"))
}

impl Writer {
    /// Appends one byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends two bytes.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends four bytes.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a 32-bit count and the bytes. What is longer than that is refused long before it gets here.
    pub fn counted(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.raw(bytes);
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// The next `count` bytes.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| damaged("a record is too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes, as many as the array has.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.raw(N)?.try_into().map_err(|_| damaged("a record is too short"))
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The next counted bytes.
    pub fn counted(&mut self) -> Result<&'a [u8], Error> {
        let count = self.u32()?;
        self.raw(usize::try_from(count).map_err(|_| damaged("a record is too long"))?)
    }

    /// Everything not read yet.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Nothing must be left.
    pub fn end(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(damaged("a record is too long")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::UserId;

    #[test]
    fn only_what_is_written_is_read() {
        let own = Ownership::of(UserId::NOBODY);
        let record = |class: u64, subtype: u64, flags: u64, field: &dyn Fn(&mut Writer)| {
            let mut writer = Writer::default();
            writer.u64(class);
            writer.u64(subtype);
            writer.u64(flags);
            writer.raw(&[b'0'; 32]);
            writer.u16(1);
            field(&mut writer);
            writer.finish()
        };
        let label = |writer: &mut Writer| {
            writer.u64(CKA_LABEL);
            writer.u8(2);
            writer.counted(b"x");
        };
        assert!(decode(1, 1, own, &record(CKO_DATA, u64::MAX, 1, &label), None).is_ok());
        for bytes in [
            record(CKO_DATA, u64::MAX, 1 << 35, &label),
            record(CKO_DATA, u64::MAX, 1, &|writer| {
                writer.u64(CKA_LABEL);
                writer.u8(1);
                writer.u64(5);
            }),
            record(CKO_DATA, u64::MAX, 1, &|writer| {
                writer.u64(CKA_LABEL);
                writer.u8(2);
                writer.counted(b"");
            }),
            record(CKO_SECRET_KEY, CKK_AES, 1, &|writer| {
                writer.u64(CKA_ALLOWED_MECHANISMS);
                writer.u8(2);
                writer.counted(b"x");
            }),
            record(CKO_SECRET_KEY, CKK_AES, 1, &|writer| {
                writer.u64(CKA_VALUE);
                writer.u8(2);
                writer.counted(b"xyz");
            }),
            record(CKO_SECRET_KEY, CKK_AES, 1, &|writer| {
                writer.u64(CKA_WRAP_TEMPLATE);
                writer.u8(4);
                writer.u32(1);
                writer.u64(CKA_TOKEN);
                writer.u8(0);
                writer.u8(2);
            }),
        ] {
            assert!(matches!(decode(1, 1, own, &bytes, None), Err(Error::Damaged(_))));
        }
    }
}
