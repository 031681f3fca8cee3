//! Templates and C_GetAttributeValue.

use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

fn read(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, wanted: &mut [CK_ATTRIBUTE]) -> CK_RV {
    unsafe { C_GetAttributeValue(session, object, wanted.as_mut_ptr(), wanted.len() as CK_ULONG) }
}

fn query(type_: CK_ATTRIBUTE_TYPE) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE { type_, pValue: ptr::null_mut(), ulValueLen: 77 }
}

fn create(session: CK_SESSION_HANDLE, template: &mut [CK_ATTRIBUTE]) -> Result<CK_OBJECT_HANDLE, CK_RV> {
    let mut object = 0;
    match unsafe { C_CreateObject(session, template.as_mut_ptr(), template.len() as CK_ULONG, &mut object) } {
        CKR_OK => Ok(object),
        rv => Err(rv),
    }
}

#[test]
fn every_entry_is_answered_and_the_gravest_refusal_returned() {
    let _turn = turn();
    let session = user_session();
    let key = aes_key(session);
    let (mut class, mut label, mut short, mut value) = (0 as CK_ULONG, [0u8; 20], [0u8; 3], [9u8; 32]);
    let unavailable = CK_UNAVAILABLE_INFORMATION;

    let mut good = [into(CKA_CLASS, &mut class), into(CKA_LABEL, &mut label), query(CKA_LABEL), query(CKA_TOKEN)];
    assert_eq!(read(session, key, &mut good), CKR_OK);
    assert_eq!(good.map(|entry| entry.ulValueLen), [8, 7, 7, 1]);
    assert_eq!((class, &label[..8]), (CKO_SECRET_KEY, &b"abi key\0"[..]));

    let entries = |value: &mut [u8; 32], short: &mut [u8; 3]| {
        [into(CKA_VALUE, value), query(CKA_MODULUS), into(CKA_LABEL, short), query(CKA_ID)]
    };
    let mut mixed = entries(&mut value, &mut short);
    assert_eq!(read(session, key, &mut mixed), CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(mixed.map(|entry| entry.ulValueLen), [unavailable, unavailable, unavailable, 0]);
    assert_eq!((value, short), ([9; 32], [0; 3]));

    // The order of the entries does not matter.
    let mut mixed = entries(&mut value, &mut short);
    mixed.reverse();
    assert_eq!(read(session, key, &mut mixed), CKR_ATTRIBUTE_SENSITIVE);
    let mut mixed = entries(&mut value, &mut short);
    assert_eq!(read(session, key, &mut mixed[1..]), CKR_ATTRIBUTE_TYPE_INVALID);
    let mut mixed = entries(&mut value, &mut short);
    assert_eq!(read(session, key, &mut mixed[2..]), CKR_BUFFER_TOO_SMALL);
    let mut sensitive = [query(CKA_VALUE)];
    assert_eq!(read(session, key, &mut sensitive), CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(sensitive[0].ulValueLen, unavailable);

    let mut one = [query(CKA_CLASS)];
    assert_eq!(read(session, key + 1000, &mut one), CKR_OBJECT_HANDLE_INVALID);
    assert_eq!(read(session + 1000, key, &mut one), CKR_SESSION_HANDLE_INVALID);
    assert_eq!(one[0].ulValueLen, 77);
    unsafe {
        assert_eq!(C_GetAttributeValue(session, key, ptr::null_mut(), 1), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetAttributeValue(session, key, ptr::null_mut(), 0), CKR_OK);
        assert_eq!(C_GetAttributeValue(session, key, one.as_mut_ptr(), 1 << 60), CKR_ARGUMENTS_BAD);
    }
    finalize();
}

#[test]
fn templates_within_templates_go_in_and_come_out() {
    let _turn = turn();
    let session = user_session();
    let mut inner = [attribute(CKA_EXTRACTABLE, &CK_FALSE), attribute(CKA_LABEL, b"wrapped")];
    let value = [5u8; 16];
    let mut template = [
        attribute(CKA_CLASS, &CKO_SECRET_KEY),
        attribute(CKA_KEY_TYPE, &CKK_AES),
        attribute(CKA_VALUE, &value),
        attribute(CKA_TOKEN, &CK_FALSE),
        into(CKA_UNWRAP_TEMPLATE, &mut inner[..]),
    ];
    let key = create(session, &mut template).unwrap();

    let mut outer = [query(CKA_UNWRAP_TEMPLATE)];
    assert_eq!(read(session, key, &mut outer), CKR_OK);
    assert_eq!(outer[0].ulValueLen, 48);
    let (mut flag, mut label) = ([9u8; 1], [9u8; 7]);
    let mut places = [into(0, &mut flag), into(0, &mut label)];
    let mut outer = [into(CKA_UNWRAP_TEMPLATE, &mut places[..])];
    assert_eq!(read(session, key, &mut outer), CKR_OK);
    let found = |type_| places.iter().find(|place| place.type_ == type_).unwrap();
    assert_eq!((found(CKA_EXTRACTABLE).ulValueLen, found(CKA_LABEL).ulValueLen), (1, 7));
    assert_eq!((flag, &label), ([0], b"wrapped"));

    template[4].ulValueLen = 47;
    assert_eq!(create(session, &mut template).unwrap_err(), CKR_ATTRIBUTE_VALUE_INVALID);
    template[4] = CK_ATTRIBUTE { type_: CKA_UNWRAP_TEMPLATE, pValue: ptr::null_mut(), ulValueLen: 48 };
    assert_eq!(create(session, &mut template).unwrap_err(), CKR_ATTRIBUTE_VALUE_INVALID);
    finalize();
}

#[test]
fn bad_templates_change_nothing() {
    let _turn = turn();
    let session = user_session();
    let value = [5u8; 16];
    let mut template = [
        attribute(CKA_CLASS, &CKO_SECRET_KEY),
        attribute(CKA_KEY_TYPE, &CKK_AES),
        attribute(CKA_VALUE, &value),
        attribute(CKA_TOKEN, &CK_FALSE),
        attribute(CKA_LABEL, b"never made"),
    ];
    let changed = |mut template: [CK_ATTRIBUTE; 5], entry| {
        template[4] = entry;
        template
    };
    for (entry, expected) in [
        (attribute(CKA_CLASS, &CKO_SECRET_KEY), CKR_TEMPLATE_INCONSISTENT),
        (attribute(0x7eee_0000, &value), CKR_ATTRIBUTE_TYPE_INVALID),
        (CK_ATTRIBUTE { ulValueLen: 5, ..query(CKA_LABEL) }, CKR_ATTRIBUTE_VALUE_INVALID),
        (CK_ATTRIBUTE { ulValueLen: 1 << 63, ..attribute(CKA_LABEL, &value) }, CKR_ATTRIBUTE_VALUE_INVALID),
        (CK_ATTRIBUTE { ulValueLen: CK_ULONG::MAX, ..attribute(CKA_ID, &value) }, CKR_ATTRIBUTE_VALUE_INVALID),
        (CK_ATTRIBUTE { ulValueLen: 2, ..attribute(CKA_ENCRYPT, &value) }, CKR_ATTRIBUTE_VALUE_INVALID),
    ] {
        assert_eq!(create(session, &mut changed(template, entry)).unwrap_err(), expected, "{entry:?}");
    }
    unsafe {
        let count = template.len() as CK_ULONG;
        let start = template.as_mut_ptr();
        assert_eq!(C_CreateObject(session, start, count, ptr::null_mut()), CKR_ARGUMENTS_BAD);
        let mut object = 0;
        assert_eq!(C_CreateObject(session, start, 257, &mut object), CKR_ARGUMENTS_BAD);
        assert_eq!(C_FindObjectsInit(session, &mut template[4], 1), CKR_OK);
        let (mut found, mut count) = ([0; 4], 99);
        assert_eq!(C_FindObjects(session, found.as_mut_ptr(), 4, &mut count), CKR_OK);
        assert_eq!(count, 0);
        assert_eq!(C_FindObjectsFinal(session), CKR_OK);
    }
    finalize();
}

#[test]
fn searches_fill_arrays_of_any_length() {
    let _turn = turn();
    let session = user_session();
    let label = b"searches_fill";
    for index in 0..300u64 {
        let id = index.to_be_bytes();
        let mut template = [
            attribute(CKA_CLASS, &CKO_DATA),
            attribute(CKA_TOKEN, &CK_FALSE),
            attribute(CKA_LABEL, label),
            attribute(CKA_OBJECT_ID, &id),
        ];
        create(session, &mut template).unwrap();
    }
    for places in [1, 127, 128, 129, 299, 300, 1000] {
        let mut wanted = [attribute(CKA_LABEL, label)];
        let mut all = Vec::new();
        unsafe {
            assert_eq!(C_FindObjectsInit(session, wanted.as_mut_ptr(), 1), CKR_OK);
            loop {
                // One byte off every boundary.
                let mut bytes = vec![0u8; places * 8 + 1];
                let start = bytes.as_mut_ptr().add(1).cast::<CK_OBJECT_HANDLE>();
                let mut count = 99;
                assert_eq!(C_FindObjects(session, start, places as CK_ULONG, &mut count), CKR_OK);
                assert!(count as usize <= places);
                if count == 0 {
                    break;
                }
                all.extend((0..count as usize).map(|at| start.add(at).read_unaligned()));
            }
            let mut count = 99;
            assert_eq!(C_FindObjects(session, ptr::null_mut(), 0, &mut count), CKR_OK);
            assert_eq!(count, 0);
            assert_eq!(C_FindObjects(session, ptr::null_mut(), 1, &mut count), CKR_ARGUMENTS_BAD);
            assert_eq!(C_FindObjectsFinal(session), CKR_OK);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 300, "{places} places");
    }
    finalize();
}
