//! Attribute templates in the form the C interface takes: what `C_CreateObject` and `C_FindObjectsInit` are given, and
//! what `C_GetAttributeValue` fills in. Nothing here is `unsafe`: the pointers made here are followed in `module`.

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_FALSE, CK_KEY_TYPE, CK_TRUE, CK_ULONG, CKA_CLASS, CKA_DECRYPT,
    CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN, CKA_TOKEN,
    CKA_VALUE, CKA_VALUE_LEN, CKA_VERIFY, CKK_AES, CKO_SECRET_KEY,
};

/// The value of one attribute in a template.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    /// A `CK_BBOOL`.
    Flag(bool),
    /// A `CK_ULONG`: classes, key types, lengths.
    Number(CK_ULONG),
    /// Bytes as they are: labels, identifiers, key values.
    Bytes(&'a [u8]),
}

/// A template whose values it owns, so that its pointers stay good wherever it is moved.
pub(crate) struct Template {
    /// Read through the pointers in `attributes` only.
    _values: Vec<Box<[u8]>>,
    attributes: Vec<CK_ATTRIBUTE>,
}

impl Template {
    /// A template of these attributes, in this order.
    pub(crate) fn new(entries: &[(CK_ATTRIBUTE_TYPE, Value<'_>)]) -> Self {
        let mut values: Vec<Box<[u8]>> = entries.iter().map(|(_, value)| value.to_bytes()).collect();
        let attributes = entries
            .iter()
            .zip(&mut values)
            .map(|((kind, _), bytes)| CK_ATTRIBUTE {
                type_: *kind,
                pValue: bytes.as_mut_ptr().cast(),
                ulValueLen: bytes.len() as CK_ULONG,
            })
            .collect();
        Self { _values: values, attributes }
    }

    /// A new AES-256 key for `C_GenerateKey`, with the attributes a careful program gives.
    pub(crate) fn aes_generation(place: Place, name: &str) -> Self {
        let mut entries = key_entries(CKK_AES, place, name.as_bytes(), name.as_bytes());
        entries.extend([
            (CKA_VALUE_LEN, Value::Number(32)),
            (CKA_ENCRYPT, Value::Flag(true)),
            (CKA_DECRYPT, Value::Flag(true)),
        ]);
        Self::new(&entries)
    }

    /// An AES or DES3 key of known value for `C_CreateObject`, usable as a cipher and as a CMAC key.
    pub(crate) fn cipher_key(kind: CK_KEY_TYPE, place: Place, label: &str, id: &[u8], value: &[u8]) -> Self {
        let mut entries = key_entries(kind, place, label.as_bytes(), id);
        entries.extend([
            (CKA_VALUE, Value::Bytes(value)),
            (CKA_ENCRYPT, Value::Flag(true)),
            (CKA_DECRYPT, Value::Flag(true)),
            (CKA_SIGN, Value::Flag(true)),
            (CKA_VERIFY, Value::Flag(true)),
        ]);
        Self::new(&entries)
    }

    /// A MAC key of known value for `C_CreateObject`.
    pub(crate) fn mac_key(kind: CK_KEY_TYPE, label: &str, value: &[u8]) -> Self {
        let mut entries = key_entries(kind, Place::Session, label.as_bytes(), label.as_bytes());
        entries.extend([
            (CKA_VALUE, Value::Bytes(value)),
            (CKA_SIGN, Value::Flag(true)),
            (CKA_VERIFY, Value::Flag(true)),
        ]);
        Self::new(&entries)
    }

    /// A search for secret keys of this label.
    pub(crate) fn search_by_label(label: &str) -> Self {
        Self::new(&[(CKA_CLASS, Value::Number(CKO_SECRET_KEY)), (CKA_LABEL, Value::Bytes(label.as_bytes()))])
    }

    /// A search for secret keys of this identifier.
    pub(crate) fn search_by_id(id: &[u8]) -> Self {
        Self::new(&[(CKA_CLASS, Value::Number(CKO_SECRET_KEY)), (CKA_ID, Value::Bytes(id))])
    }

    /// The array as the C interface takes it; callees only read it.
    pub(crate) fn as_raw(&self) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
        (self.attributes.as_ptr().cast_mut(), self.attributes.len() as CK_ULONG)
    }
}

/// Where a key lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In memory, until its session closes.
    Session,
    /// In the token, durably.
    Token,
}

/// A reusable request for attribute values with room for each of them.
pub(crate) struct AttributeReader {
    buffers: Vec<Box<[u8]>>,
    attributes: Vec<CK_ATTRIBUTE>,
}

impl AttributeReader {
    /// Class, key type, label, identifier and value length: what a client reads to show or choose a key.
    pub(crate) fn of_key() -> Self {
        Self::new(&[(CKA_CLASS, 8), (CKA_KEY_TYPE, 8), (CKA_LABEL, 32), (CKA_ID, 32), (CKA_VALUE_LEN, 8)])
    }

    /// A request for these attributes, each with room for so many bytes.
    pub(crate) fn new(entries: &[(CK_ATTRIBUTE_TYPE, usize)]) -> Self {
        let buffers = entries.iter().map(|(_, capacity)| vec![0; *capacity].into_boxed_slice()).collect();
        let attributes = entries
            .iter()
            .map(|(kind, _)| CK_ATTRIBUTE { type_: *kind, pValue: std::ptr::null_mut(), ulValueLen: 0 })
            .collect();
        Self { buffers, attributes }
    }

    /// The array with full room everywhere, ready for one `C_GetAttributeValue`.
    pub(crate) fn as_raw(&mut self) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
        for (attribute, buffer) in self.attributes.iter_mut().zip(&mut self.buffers) {
            attribute.pValue = buffer.as_mut_ptr().cast();
            attribute.ulValueLen = buffer.len() as CK_ULONG;
        }
        (self.attributes.as_mut_ptr(), self.attributes.len() as CK_ULONG)
    }

    /// The value the last call gave for the entry at `index`; empty where there is none.
    pub(crate) fn value(&self, index: usize) -> &[u8] {
        let length = self.attributes.get(index).map_or(0, |attribute| attribute.ulValueLen as usize);
        self.buffers.get(index).and_then(|buffer| buffer.get(..length)).unwrap_or_default()
    }

    /// Whether the last call on a reader made by [`Self::of_key`] described an AES-256 key of this label and
    /// identifier.
    pub(crate) fn describes(&self, label: &str, id: &[u8]) -> bool {
        self.value(0) == CKO_SECRET_KEY.to_ne_bytes()
            && self.value(1) == CKK_AES.to_ne_bytes()
            && self.value(2) == label.as_bytes()
            && self.value(3) == id
            && self.value(4) == (32 as CK_ULONG).to_ne_bytes()
    }
}

impl Value<'_> {
    fn to_bytes(self) -> Box<[u8]> {
        match self {
            Value::Flag(flag) => {
                let value: CK_BBOOL = if flag { CK_TRUE } else { CK_FALSE };
                Box::new([value])
            }
            Value::Number(number) => Box::new(number.to_ne_bytes()),
            Value::Bytes(bytes) => bytes.into(),
        }
    }
}

fn key_entries<'a>(
    kind: CK_KEY_TYPE,
    place: Place,
    label: &'a [u8],
    id: &'a [u8],
) -> Vec<(CK_ATTRIBUTE_TYPE, Value<'a>)> {
    vec![
        (CKA_CLASS, Value::Number(CKO_SECRET_KEY)),
        (CKA_KEY_TYPE, Value::Number(kind)),
        (CKA_TOKEN, Value::Flag(place == Place::Token)),
        (CKA_PRIVATE, Value::Flag(true)),
        (CKA_SENSITIVE, Value::Flag(true)),
        (CKA_EXTRACTABLE, Value::Flag(false)),
        (CKA_LABEL, Value::Bytes(label)),
        (CKA_ID, Value::Bytes(id)),
    ]
}
