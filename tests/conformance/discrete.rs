//! Keys over prime fields (§6.2, §6.4): DSA, Diffie-Hellman of PKCS #3 and of X9.42, and their domain parameters. The
//! `openssl` program checks what is made here, and makes what is checked.

mod agreement;
mod dsa;
mod parameters;

use cryptoki_sys::*;

use crate::session::Session;
use crate::template::{Entry, bytes, number};

/// Bits of a number in big-endian bytes.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros).map_or(0, |first| (number.len() - zeros) * 8 - first.leading_zeros() as usize)
}

/// Attributes of an object, as a template has them.
fn copied(session: Session, object: CK_OBJECT_HANDLE, attributes: &[CK_ATTRIBUTE_TYPE]) -> Vec<Entry> {
    attributes.iter().map(|attribute| bytes(*attribute, session.get(object, *attribute).unwrap())).collect()
}

/// The class and the type of a new object.
fn of(class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE) -> Vec<Entry> {
    vec![number(CKA_CLASS, class), number(CKA_KEY_TYPE, key_type)]
}

/// The bytes of an attribute in a template.
fn given(template: &[Entry], attribute: CK_ATTRIBUTE_TYPE) -> Vec<u8> {
    match &template.iter().find(|entry| entry.attribute == attribute).expect("an attribute").value {
        crate::template::EntryValue::Bytes(bytes) => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

/// A template in which an attribute has other bytes.
fn altered(template: &[Entry], attribute: CK_ATTRIBUTE_TYPE, alter: impl FnOnce(&mut Vec<u8>)) -> Vec<Entry> {
    let mut value = given(template, attribute);
    alter(&mut value);
    crate::template::with(template, &[bytes(attribute, value)])
}
