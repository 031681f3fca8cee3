//! Attributes of every class (§4.1 to §4.10): defaults, who may set what when, one-way changes, reading them.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Outcome, Token, refused};
use crate::parameters::{Hkdf, Mechanism, Parameter, plain};
use crate::samples::{KEY_TYPES, Random, key_value};
use crate::session::Session;
use crate::template::{Entry, bytes, flag, key_template, nested, number, numbers, with};

/// What may happen to an attribute after the object is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    /// By set and by copy.
    Any,
    /// By copy only.
    Copy,
    /// Never.
    Never,
}
use Change::{Any, Copy as ByCopy, Never};

/// One attribute of a class: its value when nobody gives one (`None`: the object's own), another value, and the rule.
struct Row {
    default: Option<Entry>,
    other: Entry,
    change: Change,
}

fn row(default: Entry, other: Entry, change: Change) -> Row {
    Row { default: Some(default), other, change }
}

fn own(other: Entry, change: Change) -> Row {
    Row { default: None, other, change }
}

fn empty(attribute: CK_ATTRIBUTE_TYPE, change: Change) -> Row {
    row(bytes(attribute, []), bytes(attribute, b"other"), change)
}

fn empty_date(attribute: CK_ATTRIBUTE_TYPE, change: Change) -> Row {
    row(bytes(attribute, []), bytes(attribute, b"20300101"), change)
}

/// §4.4, of a public session object.
fn storage(class: CK_OBJECT_CLASS) -> Vec<Row> {
    vec![
        row(number(CKA_CLASS, class), number(CKA_CLASS, CKO_PUBLIC_KEY), Never),
        row(flag(CKA_TOKEN, false), flag(CKA_TOKEN, true), ByCopy),
        row(flag(CKA_MODIFIABLE, true), flag(CKA_MODIFIABLE, false), ByCopy),
        row(flag(CKA_DESTROYABLE, true), flag(CKA_DESTROYABLE, false), ByCopy),
        row(flag(CKA_COPYABLE, true), flag(CKA_COPYABLE, false), Any),
        empty(CKA_LABEL, Any),
        own(bytes(CKA_UNIQUE_ID, b"other"), Never),
    ]
}

/// §4.5.
fn data() -> (Vec<Entry>, Vec<Row>) {
    let mut rows = storage(CKO_DATA);
    rows.push(row(flag(CKA_PRIVATE, true), flag(CKA_PRIVATE, true), ByCopy));
    rows.extend([CKA_APPLICATION, CKA_OBJECT_ID, CKA_VALUE].map(|attribute| empty(attribute, Never)));
    (vec![number(CKA_CLASS, CKO_DATA)], rows)
}

/// §4.6.
fn certificate() -> (Vec<Entry>, Vec<Row>) {
    let mut rows = storage(CKO_CERTIFICATE);
    rows.extend([
        row(number(CKA_CERTIFICATE_TYPE, CKC_X_509), number(CKA_CERTIFICATE_TYPE, CKC_WTLS), Never),
        row(flag(CKA_PRIVATE, false), flag(CKA_PRIVATE, true), ByCopy),
        row(flag(CKA_TRUSTED, false), flag(CKA_TRUSTED, true), Never),
        row(
            number(CKA_CERTIFICATE_CATEGORY, CK_CERTIFICATE_CATEGORY_UNSPECIFIED),
            number(CKA_CERTIFICATE_CATEGORY, CK_CERTIFICATE_CATEGORY_AUTHORITY),
            Never,
        ),
        // The first bytes of the SHA-1 hash of "abc".
        row(bytes(CKA_CHECK_VALUE, [0xa9, 0x99, 0x3e]), bytes(CKA_CHECK_VALUE, [1, 2, 3]), Never),
        empty_date(CKA_START_DATE, Never),
        empty_date(CKA_END_DATE, Never),
        empty(CKA_PUBLIC_KEY_INFO, Never),
        own(bytes(CKA_SUBJECT, b"other"), Never),
        empty(CKA_ID, Any),
        empty(CKA_ISSUER, Any),
        empty(CKA_SERIAL_NUMBER, Any),
        own(bytes(CKA_VALUE, b"other"), Never),
        empty(CKA_URL, Never),
        empty(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, Never),
        empty(CKA_HASH_OF_ISSUER_PUBLIC_KEY, Never),
        row(
            number(CKA_JAVA_MIDP_SECURITY_DOMAIN, CK_SECURITY_DOMAIN_UNSPECIFIED),
            number(CKA_JAVA_MIDP_SECURITY_DOMAIN, 1),
            Never,
        ),
        row(number(CKA_NAME_HASH_ALGORITHM, CKM_SHA_1), number(CKA_NAME_HASH_ALGORITHM, CKM_SHA256), Never),
    ]);
    let template = vec![
        number(CKA_CLASS, CKO_CERTIFICATE),
        number(CKA_CERTIFICATE_TYPE, CKC_X_509),
        bytes(CKA_SUBJECT, b"subject"),
        bytes(CKA_VALUE, b"abc"),
    ];
    (template, rows)
}

/// §4.7 and §4.10, of a key whose value the caller gives for the session.
fn secret_key(key_type: CK_KEY_TYPE) -> (Vec<Entry>, Vec<Row>) {
    let mut rows = storage(CKO_SECRET_KEY);
    // Keys are for ciphers or MACs, or they are secrets to derive keys from.
    let derives = matches!(key_type, CKK_GENERIC_SECRET | CKK_HKDF);
    rows.extend([
        row(number(CKA_KEY_TYPE, key_type), number(CKA_KEY_TYPE, CKK_RC2), Never),
        row(flag(CKA_PRIVATE, true), flag(CKA_PRIVATE, true), ByCopy),
        empty(CKA_ID, Any),
        empty_date(CKA_START_DATE, Any),
        empty_date(CKA_END_DATE, Any),
        row(flag(CKA_DERIVE, derives), flag(CKA_DERIVE, !derives), Any),
        row(number(CKA_OBJECT_VALIDATION_FLAGS, 0), number(CKA_OBJECT_VALIDATION_FLAGS, 1), Never),
        row(flag(CKA_LOCAL, false), flag(CKA_LOCAL, true), Never),
        row(
            number(CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION),
            number(CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN),
            Never,
        ),
        row(numbers(CKA_ALLOWED_MECHANISMS, &[]), numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_CBC]), Never),
        row(flag(CKA_SENSITIVE, false), flag(CKA_SENSITIVE, true), Any),
        row(flag(CKA_EXTRACTABLE, true), flag(CKA_EXTRACTABLE, false), Any),
        row(flag(CKA_ALWAYS_SENSITIVE, false), flag(CKA_ALWAYS_SENSITIVE, true), Never),
        row(flag(CKA_NEVER_EXTRACTABLE, false), flag(CKA_NEVER_EXTRACTABLE, true), Never),
        row(flag(CKA_WRAP_WITH_TRUSTED, false), flag(CKA_WRAP_WITH_TRUSTED, true), Any),
        row(flag(CKA_TRUSTED, false), flag(CKA_TRUSTED, true), Never),
        row(flag(CKA_ALWAYS_AUTHENTICATE, false), flag(CKA_ALWAYS_AUTHENTICATE, true), Never),
        own(bytes(CKA_VALUE, [3; 16]), Never),
    ]);
    for template in [CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE] {
        rows.push(row(bytes(template, []), nested(template, &[flag(CKA_SENSITIVE, true)]), Never));
    }
    for usage in [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP] {
        rows.push(own(flag(usage, true), Any));
        rows.push(own(flag(usage, false), Any));
    }
    (key_template(key_type, &key_value(key_type, 0)), rows)
}

fn kinds() -> Vec<(Vec<Entry>, Vec<Row>)> {
    let mut kinds = vec![data(), certificate()];
    kinds.extend(KEY_TYPES.iter().map(|key_type| secret_key(*key_type)));
    kinds
}

fn plain_bytes(entry: &Entry) -> &[u8] {
    match &entry.value {
        crate::template::EntryValue::Bytes(value) => value,
        crate::template::EntryValue::Template(_) => panic!("0x{:x} is a template", entry.attribute),
    }
}

/// The value of every attribute that can be read.
fn snapshot(session: Session, object: CK_OBJECT_HANDLE, rows: &[Row]) -> Vec<Outcome<Vec<u8>>> {
    rows.iter().map(|row| session.get(object, row.other.attribute)).collect()
}

#[test]
fn every_attribute_of_a_class_answers_with_its_default() {
    let token = Token::new();
    let session = token.user();
    let mut count = 0;
    for (template, rows) in kinds() {
        let object = session.create(&template).unwrap();
        for row in &rows {
            count += 1;
            let attribute = row.other.attribute;
            match (session.get(object, attribute), &row.default) {
                (Ok(value), Some(default)) => {
                    assert_eq!(value, plain_bytes(default), "0x{attribute:x} of {template:?}")
                }
                (Ok(_), None) => {}
                (refusal, _)
                    if attribute == CKA_VALUE && template.iter().any(|entry| entry.attribute == CKA_KEY_TYPE) =>
                {
                    assert_eq!(refusal, refused(CKR_ATTRIBUTE_SENSITIVE));
                }
                (refusal, _) => panic!("0x{attribute:x} of {template:?}: {refusal:?}"),
            }
        }
    }
    println!("{count} attributes");
}

#[test]
fn each_attribute_changes_as_the_standard_lets_it_and_nothing_changes_after_a_refusal() {
    let token = Token::new();
    let session = token.user();
    let mut count = 0;
    for (template, rows) in kinds() {
        for place in [false, true] {
            let template = with(&template, &[flag(CKA_TOKEN, place)]);
            for row in &rows {
                changes(session, &template, &rows, row);
                count += 1;
            }
        }
    }
    println!("{count} changes");
}

fn changes(session: Session, template: &[Entry], rows: &[Row], row: &Row) {
    let attribute = row.other.attribute;
    let object = session.create(template).unwrap();
    let before = snapshot(session, object, rows);
    let context = format!("0x{attribute:x} of {template:?}");

    let outcome = session.set(object, std::slice::from_ref(&row.other));
    if row.change == Any {
        outcome.expect(&context);
        assert_eq!(session.get(object, attribute).unwrap(), plain_bytes(&row.other), "{context}");
    } else {
        assert_eq!(outcome, refused(CKR_ATTRIBUTE_READ_ONLY), "{context}");
        // Not even together with what may be changed.
        let both = [bytes(CKA_LABEL, b"changed with it"), row.other.clone()];
        assert_eq!(session.set(object, &both), refused(CKR_ATTRIBUTE_READ_ONLY), "{context}");
        assert_eq!(snapshot(session, object, rows), before, "{context}");
    }

    let original = session.create(template).unwrap();
    let before = (snapshot(session, original, rows), session.find(&[]));
    match (session.copy(original, std::slice::from_ref(&row.other)), row.change) {
        (Ok(copy), Any | ByCopy) => {
            assert_eq!(session.get(copy, attribute).unwrap(), plain_bytes(&row.other), "{context}");
            assert_ne!(session.get(copy, CKA_UNIQUE_ID), session.get(original, CKA_UNIQUE_ID));
            if attribute != CKA_DESTROYABLE {
                session.destroy(copy).unwrap();
            }
        }
        (refusal, Never) => {
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY), "{context}");
            assert_eq!(session.find(&[]), before.1, "{context}");
        }
        (refusal, _) => panic!("{context}: {refusal:?}"),
    }
    assert_eq!(snapshot(session, original, rows), before.0, "{context}");
    for object in [object, original] {
        session.destroy(object).unwrap();
    }
}

#[test]
fn some_attributes_change_in_one_direction_only() {
    let token = Token::new();
    let session = token.user();
    for place in [false, true] {
        for (attribute, from) in
            [(CKA_SENSITIVE, false), (CKA_EXTRACTABLE, true), (CKA_WRAP_WITH_TRUSTED, false), (CKA_COPYABLE, true)]
        {
            let template = with(&key_template(CKK_AES, &[1; 16]), &[flag(CKA_TOKEN, place), flag(attribute, from)]);
            let key = session.create(&template).unwrap();
            session.set(key, &[flag(attribute, from)]).unwrap();
            session.set(key, &[flag(attribute, !from)]).unwrap();
            session.set(key, &[flag(attribute, !from)]).unwrap();
            assert_eq!(session.set(key, &[flag(attribute, from)]), refused(CKR_ATTRIBUTE_READ_ONLY), "0x{attribute:x}");
            assert_eq!(session.flag(key, attribute), !from);
            if attribute == CKA_COPYABLE {
                assert_eq!(session.copy(key, &[]), refused(CKR_ACTION_PROHIBITED));
            } else {
                let refusal = session.copy(key, &[flag(attribute, from)]);
                assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY), "0x{attribute:x}");
                assert_eq!(session.flag(session.copy(key, &[]).unwrap(), attribute), !from);
            }
        }
    }
}

#[test]
fn what_is_not_modifiable_copyable_or_destroyable_stays() {
    let token = Token::new();
    let session = token.user();
    for place in [false, true] {
        for template in [key_template(CKK_AES, &[1; 16]), data().0, certificate().0] {
            let template = with(&template, &[flag(CKA_TOKEN, place)]);
            let fixed = session.create(&with(&template, &[flag(CKA_MODIFIABLE, false)])).unwrap();
            assert_eq!(session.set(fixed, &[bytes(CKA_LABEL, b"x")]), refused(CKR_ACTION_PROHIBITED));
            assert_eq!(session.get(fixed, CKA_LABEL).unwrap(), b"");
            // A copy may be made modifiable (§4.1.3).
            let copy = session.copy(fixed, &[flag(CKA_MODIFIABLE, true)]).unwrap();
            session.set(copy, &[bytes(CKA_LABEL, b"x")]).unwrap();

            let single = session.create(&with(&template, &[flag(CKA_COPYABLE, false)])).unwrap();
            assert_eq!(session.copy(single, &[]), refused(CKR_ACTION_PROHIBITED));
            assert_eq!(session.set(single, &[flag(CKA_COPYABLE, true)]), refused(CKR_ATTRIBUTE_READ_ONLY));

            let lasting = session.create(&with(&template, &[flag(CKA_DESTROYABLE, false)])).unwrap();
            assert_eq!(session.destroy(lasting), refused(CKR_ACTION_PROHIBITED));
            assert_eq!(session.get(lasting, CKA_LABEL).unwrap(), b"");
            let copy = session.copy(lasting, &[flag(CKA_DESTROYABLE, true)]).unwrap();
            session.destroy(copy).unwrap();
        }
    }
}

#[test]
fn only_the_officer_trusts() {
    let token = Token::new();
    let user = token.user();
    let public = [flag(CKA_TOKEN, true), flag(CKA_PRIVATE, false)];
    let trust = [flag(CKA_TRUSTED, true)];
    let key_template = key_template(CKK_AES, &[1; 16]);
    for template in [&key_template, &certificate().0] {
        assert_eq!(user.create(&with(&with(template, &public), &trust)), refused(CKR_ATTRIBUTE_READ_ONLY));
        user.create(&with(&with(template, &public), &[flag(CKA_TRUSTED, false)])).unwrap();
    }
    let length = [number(CKA_VALUE_LEN, 16)];
    let generated = user.generate(&plain(CKM_AES_KEY_GEN), &with(&length, &trust));
    assert_eq!(generated, refused(CKR_ATTRIBUTE_READ_ONLY));

    let key = user.create(&with(&key_template, &public)).unwrap();
    let certificate = user.create(&with(&certificate().0, &public)).unwrap();
    for object in [key, certificate] {
        assert_eq!(user.set(object, &trust), refused(CKR_ATTRIBUTE_READ_ONLY));
        assert_eq!(user.copy(object, &trust), refused(CKR_ATTRIBUTE_READ_ONLY));
        assert!(!user.flag(object, CKA_TRUSTED));
    }
    user.logout().unwrap();
    for object in [key, certificate] {
        assert!(user.set(object, &trust).is_err(), "anyone may trust");
    }
    user.login(CKU_SO, crate::module::SO_PIN).unwrap();
    let made = user.create(&with(&with(&self::certificate().0, &public), &trust)).unwrap();
    assert!(user.flag(made, CKA_TRUSTED));
    user.set(made, &[flag(CKA_TRUSTED, false)]).unwrap();
    assert!(!user.flag(made, CKA_TRUSTED));
    for object in [key, certificate] {
        user.set(object, &trust).unwrap();
        assert!(user.flag(object, CKA_TRUSTED));
    }
    user.logout().unwrap();
    user.login(CKU_USER, crate::module::USER_PIN).unwrap();
    // §4.6.2: a trusted certificate cannot be modified. A trusted key keeps its trust when its label changes.
    for entry in [bytes(CKA_LABEL, b"x"), bytes(CKA_ID, b"x"), bytes(CKA_ISSUER, b"x")] {
        assert_eq!(user.set(certificate, &[entry]), refused(CKR_ACTION_PROHIBITED));
    }
    user.set(key, &[bytes(CKA_LABEL, b"x")]).unwrap();
    for object in [key, certificate] {
        assert!(user.flag(object, CKA_TRUSTED));
    }
    let copy = user.copy(certificate, &[]).unwrap();
    assert!(!user.flag(copy, CKA_TRUSTED), "the officer has not seen the copy");
    assert_eq!(user.copy(certificate, &trust), refused(CKR_ATTRIBUTE_READ_ONLY));
    // What a trusted key wrapped would come out by a copy that decrypts.
    assert_eq!(user.copy(key, &[]), refused(CKR_ACTION_PROHIBITED));
    assert_eq!(user.set(key, &[flag(CKA_TRUSTED, false)]), refused(CKR_ATTRIBUTE_READ_ONLY));
}

#[test]
fn values_of_wrong_form_are_refused() {
    let token = Token::new();
    let session = token.user();
    let object = session.create(&key_template(CKK_AES, &[1; 16])).unwrap();
    let before = session.find(&[]);
    let mut bad = Vec::new();
    for attribute in [CKA_TOKEN, CKA_PRIVATE, CKA_ENCRYPT, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_MODIFIABLE] {
        bad.extend([&[][..], &[2], &[0xff], &[0, 0], &[1, 0, 0, 0]].map(|value| bytes(attribute, value)));
    }
    for attribute in [CKA_CLASS, CKA_KEY_TYPE] {
        bad.extend([0, 1, 4, 7, 9, 16].map(|len| bytes(attribute, vec![0; len])));
    }
    for attribute in [CKA_START_DATE, CKA_END_DATE] {
        let dates =
            ["2030", "2030010", "203001010", "2030-1-1", "20301301", "20300001", "20300100", "20300132", "abcdefgh"];
        bad.extend(dates.map(|date| bytes(attribute, date)));
    }
    bad.extend([1, 4, 7, 9, 15].map(|len| bytes(CKA_ALLOWED_MECHANISMS, vec![0; len])));
    bad.extend([1, 8, 23, 25].map(|len| bytes(CKA_WRAP_TEMPLATE, vec![0; len])));
    for entry in bad {
        let template = with(&key_template(CKK_AES, &[1; 16]), std::slice::from_ref(&entry));
        assert_eq!(session.create(&template), refused(CKR_ATTRIBUTE_VALUE_INVALID), "{entry:?}");
        assert_eq!(
            session.copy(object, std::slice::from_ref(&entry)),
            refused(CKR_ATTRIBUTE_VALUE_INVALID),
            "{entry:?}"
        );
        assert_eq!(
            session.set(object, std::slice::from_ref(&entry)),
            refused(CKR_ATTRIBUTE_VALUE_INVALID),
            "{entry:?}"
        );
    }
    assert_eq!(session.find(&[]), before);
}

#[test]
fn unknown_foreign_and_repeated_attributes_are_refused() {
    let token = Token::new();
    let session = token.user();
    for (template, rows) in [data(), certificate(), secret_key(CKK_AES)] {
        let object = session.create(&template).unwrap();
        let before = (snapshot(session, object, &rows), session.find(&[]));
        let refuses = |entries: &[Entry], code| {
            let all: Vec<Entry> = template.iter().chain(entries).cloned().collect();
            assert_eq!(session.create(&all), refused(code), "create {entries:?}");
            assert_eq!(session.copy(object, entries), refused(code), "copy {entries:?}");
            assert_eq!(session.set(object, entries), refused(code), "set {entries:?}");
        };
        for unknown in [0x0000_0fff, 0x4000_0001, CKA_VENDOR_DEFINED, CKA_VENDOR_DEFINED | 5, !0] {
            refuses(&[bytes(unknown, b"x")], CKR_ATTRIBUTE_TYPE_INVALID);
        }
        let label = bytes(CKA_LABEL, b"twice");
        refuses(&[label.clone(), label.clone()], CKR_TEMPLATE_INCONSISTENT);
        refuses(&[label.clone(), bytes(CKA_LABEL, b"another")], CKR_TEMPLATE_INCONSISTENT);
        for foreign in [
            bytes(CKA_MODULUS, [1]),
            bytes(CKA_EC_POINT, [1]),
            number(CKA_MECHANISM_TYPE, 1),
            number(CKA_PROFILE_ID, 1),
        ] {
            refuses(std::slice::from_ref(&foreign), CKR_TEMPLATE_INCONSISTENT);
        }
        assert_eq!((snapshot(session, object, &rows), session.find(&[])), before);
    }
    let data = session.create(&data().0).unwrap();
    for foreign in [flag(CKA_ENCRYPT, true), flag(CKA_SENSITIVE, true), bytes(CKA_ID, b"x"), bytes(CKA_SUBJECT, b"x")] {
        assert_eq!(session.set(data, &[foreign]), refused(CKR_TEMPLATE_INCONSISTENT));
    }
}

#[test]
fn dates_are_dates_and_in_order() {
    let token = Token::new();
    let session = token.user();
    let key = key_template(CKK_AES, &[1; 16]);
    let dates = |start: &str, end: &str| [bytes(CKA_START_DATE, start), bytes(CKA_END_DATE, end)];
    for (start, end) in
        [("20200101", "20300101"), ("", "20200101"), ("20200101", ""), ("20200101", "20200101"), ("", "")]
    {
        let object = session.create(&with(&key, &dates(start, end))).unwrap();
        assert_eq!(session.get(object, CKA_START_DATE).unwrap(), start.as_bytes());
        assert_eq!(session.get(object, CKA_END_DATE).unwrap(), end.as_bytes());
    }
    let backwards = dates("20300101", "20200101");
    assert_eq!(session.create(&with(&key, &backwards)), refused(CKR_TEMPLATE_INCONSISTENT));
    let object = session.create(&with(&key, &dates("20200101", "20250101"))).unwrap();
    assert_eq!(session.set(object, &[bytes(CKA_START_DATE, "20260101")]), refused(CKR_TEMPLATE_INCONSISTENT));
    assert_eq!(session.copy(object, &[bytes(CKA_END_DATE, "20190101")]), refused(CKR_TEMPLATE_INCONSISTENT));
    assert_eq!(session.get(object, CKA_START_DATE).unwrap(), b"20200101");
    session.set(object, &dates("20310101", "20320101")).unwrap();
}

#[test]
fn templates_within_templates_are_kept_and_given_back() {
    let token = Token::new();
    let session = token.user();
    let inner = [flag(CKA_EXTRACTABLE, false), number(CKA_KEY_TYPE, CKK_AES), bytes(CKA_LABEL, b"inner")];
    for attribute in [CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE] {
        let template = with(&key_template(CKK_AES, &[1; 16]), &[flag(CKA_TOKEN, true), nested(attribute, &inner)]);
        let key = session.create(&template).unwrap();
        for object in [key, session.copy(key, &[]).unwrap()] {
            let mut places = [[0u8; 8]; 3];
            let mut entries = places.each_mut().map(|place| CK_ATTRIBUTE {
                type_: 0,
                pValue: place.as_mut_ptr().cast(),
                ulValueLen: 8,
            });
            let outer_len = size_of_val(&entries) as CK_ULONG;
            let mut outer =
                CK_ATTRIBUTE { type_: attribute, pValue: entries.as_mut_ptr().cast(), ulValueLen: outer_len };
            call!(C_GetAttributeValue(session.0, object, &mut outer, 1)).unwrap();
            assert_eq!(outer.ulValueLen, outer_len);
            for entry in &inner {
                let at = entries.iter().position(|given| given.type_ == entry.attribute).unwrap();
                assert_eq!(&places[at][..entries[at].ulValueLen as usize], plain_bytes(entry));
            }
        }
        // Inside, the same rules: known attributes, once each, of the right form, and no template in a template.
        for (bad, code) in [
            (vec![bytes(0x4000_0001, b"x")], CKR_ATTRIBUTE_TYPE_INVALID),
            (vec![bytes(CKA_TOKEN, [7])], CKR_ATTRIBUTE_VALUE_INVALID),
            (vec![inner[0].clone(), inner[0].clone()], CKR_TEMPLATE_INCONSISTENT),
            (vec![nested(CKA_WRAP_TEMPLATE, &inner)], CKR_ATTRIBUTE_VALUE_INVALID),
        ] {
            let refusal = session.create(&with(&key_template(CKK_AES, &[1; 16]), &[nested(attribute, &bad)]));
            assert_eq!(refusal, refused(code), "{bad:?}");
        }
    }
}

/// §5.7.5: whatever the mixture, each entry gets its answer, and the return value is one of those that apply.
#[test]
fn any_mixture_of_questions_gets_every_answer() {
    let token = Token::new();
    let session = token.user();
    let label = b"a label of some length";
    let kept = session.create(&with(&key_template(CKK_AES, &[1; 16]), &[bytes(CKA_LABEL, label)])).unwrap();
    let attributes =
        [CKA_LABEL, CKA_CLASS, CKA_TOKEN, CKA_ID, CKA_CHECK_VALUE, CKA_VALUE, CKA_MODULUS, 0x4000_0001, CKA_END_DATE];
    let mut random = Random(5);
    for _ in 0..2000 {
        let mut rooms: Vec<Option<Vec<u8>>> = Vec::new();
        let mut entries: Vec<CK_ATTRIBUTE> = Vec::new();
        for _ in 0..random.below(8) {
            let room = (random.below(4) != 0).then(|| vec![0xee; random.below(30)]);
            rooms.push(room);
        }
        for room in &mut rooms {
            let type_ = attributes[random.below(attributes.len())];
            let (start, len) = match room {
                Some(room) if !room.is_empty() => (room.as_mut_ptr().cast(), room.len() as CK_ULONG),
                _ => (ptr::null_mut(), 99),
            };
            entries.push(CK_ATTRIBUTE { type_, pValue: start, ulValueLen: len });
        }
        let asked = entries.clone();
        let rv = call!(C_GetAttributeValue(session.0, kept, entries.as_mut_ptr(), entries.len() as CK_ULONG));
        let mut codes = Vec::new();
        for ((asked, answered), room) in asked.iter().zip(&entries).zip(&rooms) {
            let truth = session.get(kept, asked.type_);
            assert_eq!((answered.type_, answered.pValue), (asked.type_, asked.pValue));
            let room = room.as_deref().unwrap_or_default();
            match truth {
                Err(code) => {
                    codes.push(code);
                    assert_eq!(answered.ulValueLen, CK_UNAVAILABLE_INFORMATION);
                    assert!(room.iter().all(|byte| *byte == 0xee));
                }
                Ok(value) if asked.pValue.is_null() => assert_eq!(answered.ulValueLen, value.len() as CK_ULONG),
                Ok(value) if value.len() <= room.len() => {
                    assert_eq!(answered.ulValueLen, value.len() as CK_ULONG);
                    assert_eq!(&room[..value.len()], value);
                    assert!(room[value.len()..].iter().all(|byte| *byte == 0xee));
                }
                Ok(_) => {
                    codes.push(crate::module::Code(CKR_BUFFER_TOO_SMALL));
                    assert_eq!(answered.ulValueLen, CK_UNAVAILABLE_INFORMATION);
                    assert!(room.iter().all(|byte| *byte == 0xee));
                }
            }
        }
        match rv {
            Ok(()) => assert!(codes.is_empty(), "{codes:?}"),
            Err(code) => assert!(codes.contains(&code), "{code:?} is not of {codes:?}"),
        }
    }
}

#[test]
fn unique_ids_are_unique_and_mechanisms_and_profiles_have_them_too() {
    let token = Token::new();
    let session = token.user();
    let mut objects: Vec<_> = (0..20)
        .map(|at| {
            session.create(&with(&data().0, &[flag(CKA_TOKEN, at % 2 == 0), flag(CKA_PRIVATE, at % 3 == 0)])).unwrap()
        })
        .collect();
    objects.push(session.copy(objects[0], &[]).unwrap());
    for class in [CKO_MECHANISM, CKO_PROFILE] {
        let found = session.find(&[number(CKA_CLASS, class)]);
        assert!(!found.is_empty());
        objects.extend(found);
    }
    let mut ids: Vec<_> = objects.iter().map(|object| session.get(*object, CKA_UNIQUE_ID).unwrap()).collect();
    for (object, id) in objects.iter().zip(&ids) {
        assert!(!id.is_empty() && std::str::from_utf8(id).is_ok());
        if session.number(*object, CKA_CLASS) == CKO_DATA {
            assert_eq!(session.find(&[bytes(CKA_UNIQUE_ID, id)]), [*object]);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), objects.len());
}

/// The value of a session key is the caller's, who may read it again; pkcs11-provider makes and reads such keys. A key
/// of the token, and one that is made here, comes out only if somebody said so.
#[test]
fn where_the_template_is_silent_only_given_session_keys_are_open() {
    let token = Token::new();
    let session = token.user();
    let given = key_template(CKK_GENERIC_SECRET, &[3; 16]);
    for (key, open) in [
        (session.create(&given).unwrap(), true),
        (session.create(&with(&given, &[flag(CKA_TOKEN, true)])).unwrap(), false),
        (session.generate(&plain(CKM_GENERIC_SECRET_KEY_GEN), &[number(CKA_VALUE_LEN, 16)]).unwrap(), false),
    ] {
        assert_eq!((session.flag(key, CKA_SENSITIVE), session.flag(key, CKA_EXTRACTABLE)), (!open, open));
        assert_eq!(session.get(key, CKA_VALUE).is_ok(), open);
        assert!(!session.flag(key, CKA_ALWAYS_SENSITIVE) || !open);
    }
}

/// What pkcs11-provider does for the HKDF of TLS 1.3: it makes a key of what it has, and reads what it derives.
#[test]
fn keys_made_as_pkcs11_provider_makes_them_derive_data() {
    let token = Token::new();
    let session = token.user();
    for key_type in [CKK_HKDF, CKK_GENERIC_SECRET] {
        let more = [flag(CKA_DERIVE, true), flag(CKA_TOKEN, false)];
        let key = session.create(&with(&key_template(key_type, &[3; 32]), &more)).unwrap();
        let hkdf = Hkdf {
            extract: true,
            expand: true,
            hash: CKM_SHA256,
            salt_type: CKF_HKDF_SALT_NULL,
            salt: Vec::new(),
            salt_key: 0,
            info: b"info".to_vec(),
        };
        let secret = [
            number(CKA_CLASS, CKO_SECRET_KEY),
            number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
            flag(CKA_SENSITIVE, false),
            flag(CKA_EXTRACTABLE, true),
        ];
        for (id, class) in [(CKM_HKDF_DATA, vec![number(CKA_CLASS, CKO_DATA)]), (CKM_HKDF_DERIVE, secret.to_vec())] {
            let template = with(&class, &[number(CKA_VALUE_LEN, 32), flag(CKA_TOKEN, false)]);
            let mechanism = Mechanism { id, parameter: Parameter::Hkdf(hkdf.clone()) };
            let made = session.derive(&mechanism, key, &template).unwrap();
            assert_eq!(session.get(made, CKA_VALUE).map(|value| value.len()), Ok(32));
        }
    }
}
