//! Objects (§5.7): making, copying, destroying, finding them, and who sees what from where.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Token, USER_PIN, refused};
use crate::parameters::plain;
use crate::samples::{sample, usable_key};
use crate::session::{NOTHING, Session, Work};
use crate::template::{Entry, bytes, flag, key_template, number, with};

fn data(label: &str, token: bool, private: bool) -> Vec<Entry> {
    let place = [flag(CKA_TOKEN, token), flag(CKA_PRIVATE, private)];
    with(&[number(CKA_CLASS, CKO_DATA), bytes(CKA_LABEL, label)], &place)
}

fn labelled(label: &str) -> [Entry; 1] {
    [bytes(CKA_LABEL, label)]
}

#[test]
fn only_some_classes_can_be_made() {
    let token = Token::new();
    let session = token.user();
    for class in [
        CKO_PUBLIC_KEY,
        CKO_PRIVATE_KEY,
        CKO_HW_FEATURE,
        CKO_DOMAIN_PARAMETERS,
        CKO_MECHANISM,
        CKO_OTP_KEY,
        CKO_PROFILE,
        CKO_VENDOR_DEFINED,
        99,
        !0,
    ] {
        let refusal = session.create(&[number(CKA_CLASS, class)]);
        assert!(refusal.is_err(), "class {class:x}");
    }
    assert_eq!(session.create(&[]), refused(CKR_TEMPLATE_INCOMPLETE));
    assert_eq!(session.create(&[flag(CKA_TOKEN, false)]), refused(CKR_TEMPLATE_INCOMPLETE));
    assert_eq!(session.create(&[number(CKA_CLASS, CKO_CERTIFICATE)]), refused(CKR_TEMPLATE_INCOMPLETE));
    assert_eq!(session.find(&[]), NOTHING);
}

#[test]
fn certificates_need_a_subject_and_a_value_or_where_it_is() {
    let token = Token::new();
    let session = token.user();
    let start = [number(CKA_CLASS, CKO_CERTIFICATE), number(CKA_CERTIFICATE_TYPE, CKC_X_509)];
    let (subject, value) = (bytes(CKA_SUBJECT, b"s"), bytes(CKA_VALUE, b"v"));
    let (url, hash, issuer) =
        (bytes(CKA_URL, b"u"), bytes(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, b"h"), bytes(CKA_HASH_OF_ISSUER_PUBLIC_KEY, b"h"));
    let empty = bytes(CKA_VALUE, b"");
    for (more, good) in [
        (vec![subject.clone(), value.clone()], true),
        (vec![subject.clone()], false),
        (vec![value.clone()], false),
        (vec![subject.clone(), empty.clone()], false),
        (vec![subject.clone(), empty.clone(), url.clone()], false),
        (vec![subject.clone(), empty.clone(), url.clone(), hash.clone()], false),
        (vec![subject.clone(), empty, url, hash, issuer], true),
    ] {
        let outcome = session.create(&with(&start, &more));
        assert_eq!(outcome.err(), (!good).then_some(crate::module::Code(CKR_TEMPLATE_INCOMPLETE)), "{more:?}");
    }
    for kind in [CKC_WTLS, CKC_X_509_ATTR_CERT, 77] {
        let template =
            [number(CKA_CLASS, CKO_CERTIFICATE), number(CKA_CERTIFICATE_TYPE, kind), subject.clone(), value.clone()];
        assert_eq!(session.create(&template), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    }
}

#[test]
fn pointers_of_object_functions_are_needed() {
    let token = Token::new();
    let session = token.user();
    let object = session.create(&data("x", false, false)).unwrap();
    let mut handle = 0;
    let null = ptr::null_mut();
    let bad = refused(CKR_ARGUMENTS_BAD);
    assert_eq!(call!(C_CreateObject(session.0, null, 3, &mut handle)), bad);
    assert_eq!(call!(C_CreateObject(session.0, null, 0, ptr::null_mut())), bad);
    assert_eq!(call!(C_CopyObject(session.0, object, null, 0, ptr::null_mut())), bad);
    assert_eq!(call!(C_CopyObject(session.0, object, null, 1, &mut handle)), bad);
    assert_eq!(call!(C_GetObjectSize(session.0, object, ptr::null_mut())), bad);
    assert_eq!(call!(C_GetAttributeValue(session.0, object, null, 1)), bad);
    assert_eq!(call!(C_SetAttributeValue(session.0, object, null, 1)), bad);
    assert_eq!(call!(C_FindObjectsInit(session.0, null, 1)), bad);
    assert_eq!(session.find_some(1), refused(CKR_OPERATION_NOT_INITIALIZED));
    session.find_init(&[]).unwrap();
    assert_eq!(call!(C_FindObjects(session.0, &mut handle, 1, ptr::null_mut())), bad);
    session.cancel_all();
    assert_eq!(session.find(&[]), [object]);
}

#[test]
fn handles_that_mean_nothing_are_invalid() {
    let token = Token::new();
    let session = token.user();
    let gone = session.create(&data("gone", false, false)).unwrap();
    session.destroy(gone).unwrap();
    let gone_token = session.create(&data("gone", true, false)).unwrap();
    session.destroy(gone_token).unwrap();
    for handle in [0, gone, gone_token, 12345, 1 << 40, !0] {
        let invalid = CKR_OBJECT_HANDLE_INVALID;
        assert_eq!(session.get(handle, CKA_CLASS), refused(invalid));
        assert_eq!(session.set(handle, &labelled("x")), refused(invalid));
        assert_eq!(session.copy(handle, &[]), refused(invalid));
        assert_eq!(session.destroy(handle), refused(invalid));
        assert_eq!(session.size(handle), refused(invalid));
        let begun = session.begin(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(0), handle);
        assert_eq!(begun, refused(CKR_KEY_HANDLE_INVALID));
    }
}

#[test]
fn session_objects_of_another_token_are_unknown() {
    let (one, other) = (Token::new(), Token::new());
    let (here, there) = (one.user(), other.user());
    let object = here.create(&data("here", false, false)).unwrap();
    let key = here.create(&usable_key(CKK_AES, 0)).unwrap();
    assert_eq!(there.get(object, CKA_CLASS), refused(CKR_OBJECT_HANDLE_INVALID));
    assert_eq!(there.destroy(object), refused(CKR_OBJECT_HANDLE_INVALID));
    let begun = there.begin(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(0), key);
    assert_eq!(begun, refused(CKR_KEY_HANDLE_INVALID));
    assert_eq!(there.find(&[]), NOTHING);
    // A token object's handle never shows another token's object.
    for at in 0..3 {
        here.create(&data(&format!("here {at}"), true, false)).unwrap();
    }
    for handle in here.find(&[flag(CKA_TOKEN, true)]) {
        assert_eq!(there.get(handle, CKA_LABEL), refused(CKR_OBJECT_HANDLE_INVALID));
    }
}

/// Every way to make or change an object in a read-only session: §5.7 and §5.18.
#[test]
fn read_only_sessions_leave_the_token_alone() {
    let token = Token::new();
    let user = token.user();
    let reader = token.read_only();
    let kept = user.create(&data("kept", true, false)).unwrap();
    let key = user.create(&with(&usable_key(CKK_AES, 0), &[flag(CKA_TOKEN, true)])).unwrap();
    let read_only = CKR_SESSION_READ_ONLY;
    let into_token = flag(CKA_TOKEN, true);
    assert_eq!(reader.create(&data("x", true, false)), refused(read_only));
    assert_eq!(reader.create(&data("x", true, true)), refused(read_only));
    let generated = reader.generate(&plain(CKM_AES_KEY_GEN), &[number(CKA_VALUE_LEN, 16), into_token.clone()]);
    assert_eq!(generated, refused(read_only));
    assert_eq!(reader.copy(kept, &[]), refused(read_only));
    assert_eq!(reader.set(kept, &labelled("x")), refused(read_only));
    assert_eq!(reader.destroy(kept), refused(read_only));
    assert_eq!(reader.destroy(key), refused(read_only));

    // Session objects are its own, and token keys can be used.
    let own = reader.create(&data("own", false, true)).unwrap();
    reader.set(own, &labelled("changed")).unwrap();
    assert_eq!(reader.copy(own, &[into_token]), refused(read_only));
    let copy = reader.copy(kept, &[flag(CKA_TOKEN, false)]).unwrap();
    reader.destroy(copy).unwrap();
    reader.destroy(own).unwrap();
    reader.generate(&plain(CKM_AES_KEY_GEN), &[number(CKA_VALUE_LEN, 16)]).unwrap();
    reader.run(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(16), key, &[0; 16]).unwrap();
    assert_eq!(user.find(&[flag(CKA_TOKEN, true)]).len(), 2);
    assert_eq!(user.get(kept, CKA_LABEL).unwrap(), b"kept");
}

#[test]
fn without_the_user_there_are_only_public_objects() {
    let token = Token::new();
    let user = token.user();
    let mut made = Vec::new();
    for (place, private) in [(false, false), (false, true), (true, false), (true, true)] {
        made.push((user.create(&data("x", place, private)).unwrap(), place, private));
    }
    let key = user.create(&with(&usable_key(CKK_AES, 0), &[flag(CKA_TOKEN, true)])).unwrap();
    let everything = user.find(&[]);
    assert_eq!(everything.len(), 5);
    user.logout().unwrap();

    let session = token.read_write();
    for (object, _, private) in &made {
        assert_eq!(session.get(*object, CKA_LABEL).is_ok(), !private);
        if *private {
            assert_eq!(session.get(*object, CKA_LABEL), refused(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(session.size(*object), refused(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(session.set(*object, &labelled("y")), refused(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(session.copy(*object, &[]), refused(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(session.destroy(*object), refused(CKR_OBJECT_HANDLE_INVALID));
        }
    }
    let begun = session.begin(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(0), key);
    assert_eq!(begun, refused(CKR_KEY_HANDLE_INVALID));
    // A search finds none of them, even when it asks for private ones (§5.7.7).
    assert_eq!(session.find(&[flag(CKA_PRIVATE, true)]), NOTHING);
    assert_eq!(session.find(&[]).len(), 2);

    for place in [false, true] {
        assert_eq!(session.create(&data("y", place, true)), refused(CKR_USER_NOT_LOGGED_IN));
        let generated = session.generate(&plain(CKM_AES_KEY_GEN), &[number(CKA_VALUE_LEN, 16), flag(CKA_TOKEN, place)]);
        assert_eq!(generated, refused(CKR_USER_NOT_LOGGED_IN));
        session.create(&data("y", place, false)).unwrap();
    }
    let public = session.create(&data("y", false, false)).unwrap();
    assert_eq!(session.copy(public, &[flag(CKA_PRIVATE, true)]), refused(CKR_USER_NOT_LOGGED_IN));
    // A public session key may be made and used by anyone.
    let key = session.create(&with(&usable_key(CKK_AES, 0), &[flag(CKA_PRIVATE, false)])).unwrap();
    session.run(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(16), key, &[0; 16]).unwrap();

    session.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(session.find(&[flag(CKA_PRIVATE, true), flag(CKA_TOKEN, true)]).len(), 2);
    assert_eq!(
        session.find(&[flag(CKA_PRIVATE, true), flag(CKA_TOKEN, false)]),
        NOTHING,
        "private session objects are gone"
    );
}

#[test]
fn the_officer_sees_public_objects_only_and_uses_no_key() {
    let token = Token::new();
    let user = token.user();
    for private in [false, true] {
        user.create(&data("x", true, private)).unwrap();
    }
    let key = user.create(&with(&usable_key(CKK_AES, 0), &[flag(CKA_TOKEN, true), flag(CKA_PRIVATE, false)])).unwrap();
    user.logout().unwrap();
    user.login(CKU_SO, crate::module::SO_PIN).unwrap();
    assert_eq!(user.find(&[flag(CKA_PRIVATE, true)]), NOTHING);
    assert_eq!(user.find(&[]).len(), 2);
    assert_eq!(user.create(&data("y", true, true)), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(user.create(&usable_key(CKK_AES, 0)), refused(CKR_USER_NOT_LOGGED_IN));
    let begun = user.begin(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(0), key);
    assert_eq!(begun, refused(CKR_USER_NOT_LOGGED_IN));
    user.create(&data("y", true, false)).unwrap();
}

#[test]
fn session_objects_are_shared_and_die_with_their_session() {
    let token = Token::new();
    let (maker, other) = (token.user(), token.read_write());
    let mine = maker.create(&data("mine", false, true)).unwrap();
    let theirs = other.create(&data("theirs", false, true)).unwrap();
    let kept = maker.create(&data("kept", true, true)).unwrap();
    assert_eq!(other.get(mine, CKA_LABEL).unwrap(), b"mine");
    let copy = other.copy(mine, &labelled("copy")).unwrap();
    other.set(mine, &labelled("renamed")).unwrap();
    assert_eq!(maker.get(mine, CKA_LABEL).unwrap(), b"renamed");
    maker.close().unwrap();
    assert_eq!(other.get(mine, CKA_LABEL), refused(CKR_OBJECT_HANDLE_INVALID));
    let mut left = vec![theirs, copy, kept];
    left.sort_unstable();
    assert_eq!(other.find(&[]), left);
    // One that another session destroyed is no trouble for the maker's end.
    let third = token.read_write();
    let short = third.create(&data("short", false, true)).unwrap();
    other.destroy(short).unwrap();
    third.close().unwrap();
    token.close_all();
    let fresh = token.user();
    assert_eq!(fresh.find(&[]), [kept]);
}

#[test]
fn an_operation_ends_with_its_key() {
    let token = Token::new();
    let (session, other) = (token.user(), token.read_write());
    let mechanism = sample(CKM_AES_CBC).mechanism(16);
    for place in [false, true] {
        let key = session.create(&with(&usable_key(CKK_AES, 0), &[flag(CKA_TOKEN, place)])).unwrap();
        session.begin(Work::Encrypt, &mechanism, key).unwrap();
        session.update(Work::Encrypt, &[0; 16]).unwrap();
        other.destroy(key).unwrap();
        assert!(session.update(Work::Encrypt, &[0; 16]).is_err(), "a destroyed key encrypts");
        assert!(!session.is_active(Work::Encrypt));
    }
}

#[test]
fn copies_are_objects_of_their_own() {
    let token = Token::new();
    let session = token.user();
    let original = session.create(&data("original", false, false)).unwrap();
    for (place, private) in [(false, false), (false, true), (true, false), (true, true)] {
        let changes = with(&data("copy", place, private), &[]);
        let copy = session.copy(original, &changes[1..]).unwrap();
        assert_ne!(copy, original);
        assert_eq!((session.flag(copy, CKA_TOKEN), session.flag(copy, CKA_PRIVATE)), (place, private));
        session.set(copy, &labelled("changed")).unwrap();
        assert_eq!(session.get(original, CKA_LABEL).unwrap(), b"original");
        session.destroy(copy).unwrap();
    }
    session.get(original, CKA_LABEL).unwrap();
    // A copy outlives its original, and works.
    let key = session.create(&usable_key(CKK_AES, 0)).unwrap();
    let copy = session.copy(key, &[]).unwrap();
    let mechanism = sample(CKM_AES_CBC).mechanism(16);
    let expected = session.run(Work::Encrypt, &mechanism, key, &[7; 16]).unwrap();
    session.destroy(key).unwrap();
    assert_eq!(session.run(Work::Encrypt, &mechanism, copy, &[7; 16]).unwrap(), expected);
    // A private object has no public copy: that would show what was hidden.
    let private = session.create(&data("private", false, true)).unwrap();
    assert_eq!(session.copy(private, &[flag(CKA_PRIVATE, false)]), refused(CKR_TEMPLATE_INCONSISTENT));
}

#[test]
fn sizes_grow_with_what_is_kept() {
    let token = Token::new();
    let session = token.user();
    let size = |len: usize| {
        let template = with(&data("x", false, false), &[bytes(CKA_VALUE, vec![1; len])]);
        session.size(session.create(&template).unwrap()).unwrap()
    };
    assert!(size(0) > 0);
    assert!(size(10_000) >= size(0) + 10_000);
}

#[test]
fn large_values_are_kept_whole() {
    let token = Token::new();
    let session = token.user();
    for place in [false, true] {
        for len in [0, 1, 4095, 4096, 65_537, 1 << 20] {
            let value: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let template = with(&data("large", place, true), &[bytes(CKA_VALUE, &value)]);
            let object = session.create(&template).unwrap();
            assert_eq!(session.get(object, CKA_VALUE).unwrap(), value);
            session.destroy(object).unwrap();
        }
        let over = with(&data("large", place, true), &[bytes(CKA_VALUE, vec![0; (1 << 20) + 1])]);
        assert_eq!(session.create(&over), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    }
}

#[test]
fn searches_have_one_beginning_and_one_end() {
    let token = Token::new();
    let session = token.user();
    assert_eq!(session.find_some(1), refused(CKR_OPERATION_NOT_INITIALIZED));
    assert_eq!(session.find_final(), refused(CKR_OPERATION_NOT_INITIALIZED));
    for at in 0..10 {
        session.create(&data(&format!("{at}"), at % 2 == 0, at % 3 == 0)).unwrap();
    }
    session.find_init(&[]).unwrap();
    assert_eq!(session.find_init(&[]), refused(CKR_OPERATION_ACTIVE));
    assert_eq!(session.find_some(0).unwrap(), NOTHING);
    assert_eq!(session.find_some(4).unwrap().len(), 4);
    assert_eq!(session.find_some(100).unwrap().len(), 6);
    for _ in 0..3 {
        assert_eq!(session.find_some(4).unwrap(), NOTHING);
    }
    session.find_final().unwrap();
    assert_eq!(session.find_final(), refused(CKR_OPERATION_NOT_INITIALIZED));
    // Another session has a search of its own, and other work goes on meanwhile.
    let other = token.read_write();
    session.find_init(&[]).unwrap();
    assert_eq!(other.find(&[]).len(), 10);
    session.run(Work::Digest, &plain(CKM_SHA256), 0, b"abc").unwrap();
    assert_eq!(session.find_some(100).unwrap().len(), 10);
    session.cancel(CKF_FIND_OBJECTS).unwrap();
    assert_eq!(session.find_some(1), refused(CKR_OPERATION_NOT_INITIALIZED));
}

#[test]
fn a_search_is_settled_when_it_begins() {
    let token = Token::new();
    let (session, other) = (token.user(), token.read_write());
    let mut first: Vec<_> =
        (0..6).map(|at| session.create(&data(&format!("{at}"), at % 2 == 0, true)).unwrap()).collect();
    session.find_init(&[]).unwrap();
    let mut found = session.find_some(2).unwrap();
    for at in 0..4 {
        other.create(&data("late", at % 2 == 0, true)).unwrap();
    }
    other.destroy(first[5]).unwrap();
    found.extend(session.find_some(100).unwrap());
    session.find_final().unwrap();
    found.sort_unstable();
    first.sort_unstable();
    assert_eq!(found, first);
    assert_eq!(session.find(&[]).len(), 9);
}

#[test]
fn every_attribute_finds_its_object() {
    let token = Token::new();
    let session = token.user();
    let certificate = [
        number(CKA_CLASS, CKO_CERTIFICATE),
        number(CKA_CERTIFICATE_TYPE, CKC_X_509),
        bytes(CKA_SUBJECT, b"subject"),
        bytes(CKA_VALUE, b"value"),
        bytes(CKA_ISSUER, b"issuer"),
        bytes(CKA_SERIAL_NUMBER, b"\x02\x01\x07"),
        number(CKA_CERTIFICATE_CATEGORY, 2),
        bytes(CKA_START_DATE, b"20200101"),
    ];
    let key = [
        bytes(CKA_ID, b"id"),
        bytes(CKA_START_DATE, b"20210101"),
        bytes(CKA_END_DATE, b"20310101"),
        flag(CKA_WRAP, false),
        flag(CKA_DERIVE, true),
        flag(CKA_EXTRACTABLE, true),
        flag(CKA_SENSITIVE, false),
        bytes(CKA_LABEL, b"a key"),
    ];
    let plain_data = [bytes(CKA_APPLICATION, b"app"), bytes(CKA_OBJECT_ID, b"\x06\x01\x01"), bytes(CKA_VALUE, b"data")];
    let mut searches = 0;
    for place in [false, true] {
        for template in [
            certificate.to_vec(),
            with(&key_template(CKK_AES, &[9; 32]), &key),
            with(&data("a label", false, true), &plain_data),
        ] {
            let template = with(&template, &[flag(CKA_TOKEN, place)]);
            let object = session.create(&template).unwrap();
            session.create(&data("another", place, false)).unwrap();
            for entry in &template {
                let found = session.find(std::slice::from_ref(entry));
                assert!(found.contains(&object), "{entry:?}");
                let both =
                    session.find(&[entry.clone(), bytes(CKA_UNIQUE_ID, session.get(object, CKA_UNIQUE_ID).unwrap())]);
                assert_eq!(both, [object]);
                searches += 2;
            }
            // Everything together, and everything but one thing.
            assert_eq!(session.find(&template), [object]);
            for entry in &template {
                let other = match entry.attribute {
                    CKA_CLASS => number(CKA_CLASS, CKO_PRIVATE_KEY),
                    CKA_KEY_TYPE | CKA_CERTIFICATE_TYPE | CKA_CERTIFICATE_CATEGORY => number(entry.attribute, 77),
                    CKA_TOKEN => flag(CKA_TOKEN, !place),
                    CKA_START_DATE | CKA_END_DATE => bytes(entry.attribute, b"19990101"),
                    CKA_WRAP | CKA_DERIVE | CKA_EXTRACTABLE | CKA_SENSITIVE | CKA_PRIVATE => {
                        flag(entry.attribute, !session.flag(object, entry.attribute))
                    }
                    _ => bytes(entry.attribute, b"not this"),
                };
                assert!(!session.find(&with(&template, &[other])).contains(&object), "{entry:?}");
                searches += 1;
            }
            session.destroy(object).unwrap();
        }
    }
    println!("{searches} searches");
}

#[test]
fn searches_take_any_template() {
    let token = Token::new();
    let session = token.user();
    let object = session.create(&data("x", false, false)).unwrap();
    call!(C_FindObjectsInit(session.0, ptr::null_mut(), 0)).unwrap();
    assert_eq!(session.find_some(9).unwrap(), [object]);
    session.find_final().unwrap();
    // What a data object does not have matches nothing; what nobody knows matches nothing or is refused.
    assert_eq!(session.find(&[bytes(CKA_MODULUS, [1])]), NOTHING);
    assert_eq!(session.find(&[bytes(CKA_VENDOR_DEFINED | 9, [1])]), NOTHING);
    assert_eq!(session.find_init(&[bytes(0x4000_0001, [1])]), refused(CKR_ATTRIBUTE_TYPE_INVALID));
    assert_eq!(session.find_init(&[bytes(CKA_TOKEN, [1, 1])]), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    assert_eq!(session.find_some(1), refused(CKR_OPERATION_NOT_INITIALIZED));
    // Empty strings are values too.
    assert_eq!(session.find(&[bytes(CKA_APPLICATION, b"")]), [object]);
    session.set(object, &labelled("")).unwrap();
    assert_eq!(session.find(&labelled("")), [object]);
    assert_eq!(session.find(&labelled("x")), NOTHING);
}

#[test]
fn mechanisms_and_profiles_are_objects_nobody_changes() {
    let token = Token::new();
    let session = token.user();
    let mut count = 0;
    call!(C_GetMechanismList(token.slot, ptr::null_mut(), &mut count)).unwrap();
    let mechanisms = session.find(&[number(CKA_CLASS, CKO_MECHANISM)]);
    assert_eq!(mechanisms.len(), count as usize);
    let profiles = session.find(&[number(CKA_CLASS, CKO_PROFILE)]);
    assert!(profiles.iter().any(|profile| session.number(*profile, CKA_PROFILE_ID) == CKP_BASELINE_PROVIDER));
    let aes = session.find(&[number(CKA_CLASS, CKO_MECHANISM), number(CKA_MECHANISM_TYPE, CKM_AES_GCM)]);
    assert_eq!(aes.len(), 1);
    assert_eq!(session.number(aes[0], CKA_MECHANISM_TYPE), CKM_AES_GCM);
    for object in [mechanisms[0], profiles[0]] {
        let unchanged = |session: Session| session.get(object, CKA_CLASS).unwrap();
        let before = unchanged(session);
        for entry in
            [bytes(CKA_LABEL, b"x"), number(CKA_MECHANISM_TYPE, 1), number(CKA_PROFILE_ID, 1), flag(CKA_TOKEN, true)]
        {
            let refusal = session.set(object, &[entry]).unwrap_err();
            assert_eq!(refusal.0, CKR_ACTION_PROHIBITED);
        }
        assert_eq!(session.destroy(object), refused(CKR_ACTION_PROHIBITED));
        assert_eq!(session.copy(object, &[]), refused(CKR_ACTION_PROHIBITED));
        assert_eq!(unchanged(session), before);
    }
    // They are seen before login as well.
    session.logout().unwrap();
    assert_eq!(session.find(&[number(CKA_CLASS, CKO_MECHANISM)]).len(), count as usize);
}
