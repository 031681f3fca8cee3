//! Key values and what generation and import make of them (§4.10, §5.18.1, §6.8, §6.13, §6.15 and their neighbours).

use cryptoki_sys::*;

use crate::module::{Token, refused};
use crate::parameters::plain;
use crate::samples::{KEY_TYPES, Kind, Sample, key_value, samples};
use crate::session::NOTHING;
use crate::template::{bytes, flag, key_template, number, with, without};
use crate::vectors::hex;

/// Computed with `openssl enc -ecb -nopad` over a zero block; the 4041... key's is also in GlobalPlatform's documents.
const CHECK_VALUES: &[(CK_KEY_TYPE, &str, &str)] = &[
    (CKK_AES, "00000000000000000000000000000000", "66e94b"),
    (CKK_AES, "000102030405060708090a0b0c0d0e0f", "c6a13b"),
    (CKK_AES, "2b7e151628aed2a6abf7158809cf4f3c", "7df76b"),
    (CKK_AES, "000102030405060708090a0b0c0d0e0f1011121314151617", "916251"),
    (CKK_AES, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "22452d"),
    (CKK_AES, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "f29000"),
    (CKK_AES, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "e568f6"),
    (CKK_DES3, "0123456789abcdef23456789abcdef01456789abcdef0123", "4eba73"),
    (CKK_DES3, "0123456789abcdeffedcba98765432100123456789abcdef", "08d7b4"),
    (CKK_DES3, "89b5f75e1c5b2fa7ce1a5e0d7c4a2f986b01e09d3845f7ba", "dd8c54"),
    (CKK_DES2, "404043434545464649494a4a4c4c4f4f", "8baf47"),
    (CKK_DES, "0123456789abcdef", "d5d44f"),
    (CKK_DES, "133457799bbcdff1", "948a43"),
    // SHA-1 of the value.
    (CKK_GENERIC_SECRET, "616263", "a9993e"),
    (CKK_SHA256_HMAC, "616263", "a9993e"),
    (CKK_CHACHA20, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "ae5bd8"),
];

#[test]
fn check_values_are_the_published_ones() {
    let token = Token::new();
    let session = token.user();
    for (key_type, value, check) in CHECK_VALUES {
        let template = key_template(*key_type, &hex(value));
        // Even where the key may not encrypt, and whatever its place.
        for more in [
            vec![],
            vec![flag(CKA_ENCRYPT, false)],
            vec![flag(CKA_TOKEN, true)],
            vec![bytes(CKA_CHECK_VALUE, hex(check))],
        ] {
            let key = session.create(&with(&template, &more)).unwrap();
            assert_eq!(session.get(key, CKA_CHECK_VALUE).unwrap(), hex(check), "{value}");
            let copy = session.copy(key, &[flag(CKA_TOKEN, false)]).unwrap();
            assert_eq!(session.get(copy, CKA_CHECK_VALUE).unwrap(), hex(check), "{value}");
        }
        let before = session.find(&[]);
        for wrong in ["000000", &check[..4], &format!("{check}00")] {
            let refusal = session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, hex(wrong))]));
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{value} {wrong}");
        }
        assert_eq!(session.find(&[]), before);
        let none = session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, [])])).unwrap();
        assert_eq!(session.get(none, CKA_CHECK_VALUE).unwrap(), b"");
    }
}

/// §4.10.2: setting it to nothing is the one change it allows.
#[test]
fn a_check_value_can_be_destroyed_and_not_changed() {
    let token = Token::new();
    let session = token.user();
    for place in [false, true] {
        let template = with(&key_template(CKK_AES, &[7; 16]), &[flag(CKA_TOKEN, place)]);
        let key = session.create(&template).unwrap();
        let check = session.get(key, CKA_CHECK_VALUE).unwrap();
        let refusal = session.set(key, &[bytes(CKA_CHECK_VALUE, [1, 2, 3])]);
        assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY));
        assert_eq!(session.get(key, CKA_CHECK_VALUE).unwrap(), check);
        session.set(key, &[bytes(CKA_CHECK_VALUE, [])]).unwrap();
        assert_eq!(session.get(key, CKA_CHECK_VALUE).unwrap(), b"");
    }
}

/// Stream ciphers have no block to encrypt, so these keys have no check value; one that is given is ignored (§4.10.2).
#[test]
fn types_without_a_check_value_ignore_one() {
    let token = Token::new();
    let session = token.user();
    for key_type in [CKK_RC4, CKK_AES_XTS] {
        let template = key_template(key_type, &key_value(key_type, 0));
        for more in [vec![], vec![bytes(CKA_CHECK_VALUE, [1, 2, 3])]] {
            let key = session.create(&with(&template, &more)).unwrap();
            assert_eq!(session.get(key, CKA_CHECK_VALUE).unwrap(), b"");
        }
    }
}

#[test]
fn a_generated_key_has_a_check_value_that_its_import_shares() {
    let token = Token::new();
    let session = token.user();
    for (id, key_type, len) in [
        (CKM_AES_KEY_GEN, CKK_AES, Some(24)),
        (CKM_DES3_KEY_GEN, CKK_DES3, None),
        (CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, Some(99)),
        (CKM_CHACHA20_KEY_GEN, CKK_CHACHA20, Some(32)),
    ] {
        let mut template = vec![flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
        template.extend(len.map(|len| number(CKA_VALUE_LEN, len)));
        let key = session.generate(&plain(id), &template).unwrap();
        let value = session.get(key, CKA_VALUE).unwrap();
        let again = session.create(&key_template(key_type, &value)).unwrap();
        let check = session.get(key, CKA_CHECK_VALUE).unwrap();
        assert_eq!((check.len(), &check), (3, &session.get(again, CKA_CHECK_VALUE).unwrap()));
        assert_ne!(session.generate(&plain(id), &template).map(|other| session.get(other, CKA_VALUE)), Ok(Ok(value)));
    }
}

/// The lengths each type of key can have.
fn possible(key_type: CK_KEY_TYPE, len: usize) -> bool {
    match key_type {
        CKK_AES => [16, 24, 32].contains(&len),
        CKK_AES_XTS => [32, 64].contains(&len),
        CKK_DES => len == 8,
        CKK_DES2 => len == 16,
        CKK_DES3 => len == 24,
        CKK_RC4 => (1..=255).contains(&len),
        CKK_CHACHA20 => len == 32,
        _ => (1..=3583).contains(&len),
    }
}

fn has_length_choice(key_type: CK_KEY_TYPE) -> bool {
    !matches!(key_type, CKK_DES | CKK_DES2 | CKK_DES3)
}

/// All lengths to 300, and those around the largest.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=300).chain([511, 512, 1023, 1024, 2040, 3000, 3582, 3583, 3584, 3585, 4096, 65536])
}

#[test]
fn only_values_of_possible_length_are_imported() {
    let token = Token::new();
    let session = token.user();
    let mut cases = 0;
    for key_type in KEY_TYPES {
        for len in lengths() {
            let mut value: Vec<u8> = (0..len).map(|at| (at * 7 + at / 16) as u8).collect();
            crate::samples::odd_parity(&mut value);
            let outcome = session.create(&with(
                &key_template(*key_type, &value),
                &[flag(CKA_EXTRACTABLE, true), flag(CKA_SENSITIVE, false)],
            ));
            if possible(*key_type, len) {
                let key = outcome.unwrap();
                assert_eq!(session.get(key, CKA_VALUE).unwrap(), value);
                if has_length_choice(*key_type) {
                    assert_eq!(session.number(key, CKA_VALUE_LEN), len as CK_ULONG);
                }
                session.destroy(key).unwrap();
            } else {
                assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "0x{key_type:x} of {len} bytes");
            }
            cases += 1;
        }
    }
    assert_eq!(session.find(&[]), NOTHING);
    println!("{cases} imports");
}

#[test]
fn only_keys_of_possible_length_are_generated() {
    let token = Token::new();
    let session = token.user();
    let mut cases = 0;
    for sample in samples().filter(|sample| matches!(sample.kind, Kind::Generate)) {
        let key_type = sample.keys[0];
        for len in lengths().map(|len| len as CK_ULONG).chain([1 << 31, 1 << 32, (1 << 32) + 16, 1 << 63, !0]) {
            let outcome = session.generate(&plain(sample.id), &[number(CKA_VALUE_LEN, len)]);
            // A type with one length has no CKA_VALUE_LEN; the right one does no harm.
            let expected = if possible(key_type, len.try_into().unwrap()) {
                None
            } else if has_length_choice(key_type) {
                Some(CKR_ATTRIBUTE_VALUE_INVALID)
            } else {
                Some(CKR_TEMPLATE_INCONSISTENT)
            };
            match expected {
                Some(code) => assert_eq!(outcome, refused(code), "{} of {len} bytes", sample.name),
                None => session.destroy(outcome.unwrap()).unwrap(),
            }
            cases += 1;
        }
        let outcome = session.generate(&plain(sample.id), &[]);
        if has_length_choice(key_type) && key_type != CKK_CHACHA20 {
            assert_eq!(outcome, refused(CKR_TEMPLATE_INCOMPLETE), "{}", sample.name);
        } else {
            session.destroy(outcome.unwrap()).unwrap();
        }
    }
    assert_eq!(session.find(&[]), NOTHING);
    println!("{cases} generations");
}

#[test]
fn rc4_keys_of_every_length_work() {
    let token = Token::new();
    let session = token.user();
    for len in 1..=255 {
        let key = session.generate(&plain(CKM_RC4_KEY_GEN), &[number(CKA_VALUE_LEN, len)]).unwrap();
        let encrypted = session.run(crate::session::Work::Encrypt, &plain(CKM_RC4), key, b"every length").unwrap();
        let decrypted = session.run(crate::session::Work::Decrypt, &plain(CKM_RC4), key, &encrypted).unwrap();
        assert_eq!(decrypted, b"every length");
    }
}

#[test]
fn des_keys_have_odd_parity() {
    let token = Token::new();
    let session = token.user();
    let open = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    for (id, key_type, len) in
        [(CKM_DES_KEY_GEN, CKK_DES, 8), (CKM_DES2_KEY_GEN, CKK_DES2, 16), (CKM_DES3_KEY_GEN, CKK_DES3, 24)]
    {
        for _ in 0..50 {
            let key = session.generate(&plain(id), &open).unwrap();
            let value = session.get(key, CKA_VALUE).unwrap();
            assert_eq!(value.len(), len);
            assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1), "{value:02x?}");
            let mut parts: Vec<_> = value.chunks(8).collect();
            parts.sort_unstable();
            parts.dedup();
            assert_eq!(parts.len(), len / 8, "two parts of the key are equal");
        }
        // §6.15.2: importing a key with wrong parity is an error.
        let good = key_value(key_type, 5);
        session.create(&key_template(key_type, &good)).unwrap();
        for at in 0..len {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let refusal = session.create(&key_template(key_type, &bad));
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "byte {at}");
        }
    }
}

#[test]
fn xts_keys_have_two_different_halves() {
    let token = Token::new();
    let session = token.user();
    for len in [32, 64] {
        let refusal = session.create(&key_template(CKK_AES_XTS, &vec![9; len]));
        assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID));
    }
}

#[test]
fn origin_is_remembered() {
    let token = Token::new();
    let session = token.user();
    let length = number(CKA_VALUE_LEN, 32);
    for (sensitive, extractable) in [(true, true), (true, false), (false, true), (false, false)] {
        let open = [flag(CKA_SENSITIVE, sensitive), flag(CKA_EXTRACTABLE, extractable)];
        let made = session.generate(&plain(CKM_AES_KEY_GEN), &with(std::slice::from_ref(&length), &open)).unwrap();
        assert!(session.flag(made, CKA_LOCAL));
        assert_eq!(session.number(made, CKA_KEY_GEN_MECHANISM), CKM_AES_KEY_GEN);
        assert_eq!(session.flag(made, CKA_ALWAYS_SENSITIVE), sensitive);
        assert_eq!(session.flag(made, CKA_NEVER_EXTRACTABLE), !extractable);

        // Made stronger later, a key has not always been so.
        session.set(made, &[flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)]).unwrap();
        assert_eq!(session.flag(made, CKA_ALWAYS_SENSITIVE), sensitive);
        assert_eq!(session.flag(made, CKA_NEVER_EXTRACTABLE), !extractable);

        // Nor has a copy that is.
        let weak = session.generate(&plain(CKM_AES_KEY_GEN), &with(std::slice::from_ref(&length), &open)).unwrap();
        let copy = session.copy(weak, &[flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)]).unwrap();
        assert_eq!(session.flag(copy, CKA_ALWAYS_SENSITIVE), sensitive);
        assert_eq!(session.flag(copy, CKA_NEVER_EXTRACTABLE), !extractable);
        assert!(session.flag(copy, CKA_LOCAL));
        assert_eq!(session.number(copy, CKA_KEY_GEN_MECHANISM), CKM_AES_KEY_GEN);

        // An imported key was once outside (§5.7.1).
        let imported = session.create(&with(&key_template(CKK_AES, &[1; 32]), &open)).unwrap();
        for object in [imported, session.copy(imported, &[]).unwrap()] {
            for attribute in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
                assert!(!session.flag(object, attribute));
            }
            assert_eq!(session.number(object, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
        }
    }
}

#[test]
fn values_stay_inside_unless_both_attributes_let_them_out() {
    let token = Token::new();
    let session = token.user();
    for key_type in KEY_TYPES {
        let value = key_value(*key_type, 1);
        for (sensitive, extractable) in [(true, true), (true, false), (false, true), (false, false)] {
            let open = [flag(CKA_SENSITIVE, sensitive), flag(CKA_EXTRACTABLE, extractable)];
            let key = session.create(&with(&key_template(*key_type, &value), &open)).unwrap();
            let expected = if !sensitive && extractable { Ok(value.clone()) } else { refused(CKR_ATTRIBUTE_SENSITIVE) };
            assert_eq!(session.get(key, CKA_VALUE), expected);
            // A search with the value is no oracle.
            let found = session.find(&[bytes(CKA_VALUE, &value)]);
            assert_eq!(found.contains(&key), !sensitive && extractable);
            session.destroy(key).unwrap();
        }
    }
}

#[test]
fn generation_refuses_what_it_contributes_itself() {
    let token = Token::new();
    let session = token.user();
    let length = number(CKA_VALUE_LEN, 16);
    let generate = |more| session.generate(&plain(CKM_AES_KEY_GEN), &with(std::slice::from_ref(&length), &[more]));
    for (entry, code) in [
        (bytes(CKA_VALUE, [1; 16]), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_LOCAL, true), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_ALWAYS_SENSITIVE, true), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_NEVER_EXTRACTABLE, true), CKR_ATTRIBUTE_READ_ONLY),
        (number(CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN), CKR_ATTRIBUTE_READ_ONLY),
        (bytes(CKA_UNIQUE_ID, b"0"), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_TRUSTED, true), CKR_ATTRIBUTE_READ_ONLY),
        (number(CKA_KEY_TYPE, CKK_DES3), CKR_TEMPLATE_INCONSISTENT),
        (number(CKA_CLASS, CKO_PRIVATE_KEY), CKR_TEMPLATE_INCONSISTENT),
        (number(CKA_CLASS, CKO_DATA), CKR_TEMPLATE_INCONSISTENT),
        (bytes(CKA_MODULUS, [1]), CKR_TEMPLATE_INCONSISTENT),
        (bytes(CKA_APPLICATION, b"x"), CKR_TEMPLATE_INCONSISTENT),
        (bytes(0x4000_0000, [1]), CKR_ATTRIBUTE_TYPE_INVALID),
        (bytes(CKA_TOKEN, [2]), CKR_ATTRIBUTE_VALUE_INVALID),
        (bytes(CKA_CHECK_VALUE, [0, 0]), CKR_ATTRIBUTE_VALUE_INVALID),
    ] {
        assert_eq!(generate(entry.clone()), refused(code), "{entry:?}");
    }
    // What it contributes may be said again.
    generate(number(CKA_KEY_TYPE, CKK_AES)).unwrap();
    generate(number(CKA_CLASS, CKO_SECRET_KEY)).unwrap();
    assert_eq!(session.find(&[]).len(), 2);
}

#[test]
fn an_imported_key_needs_its_type_and_its_value_and_no_length() {
    let token = Token::new();
    let session = token.user();
    for key_type in KEY_TYPES {
        let full = key_template(*key_type, &key_value(*key_type, 0));
        for needed in [CKA_CLASS, CKA_KEY_TYPE, CKA_VALUE] {
            assert_eq!(session.create(&without(&full, needed)), refused(CKR_TEMPLATE_INCOMPLETE));
        }
        let length = number(CKA_VALUE_LEN, key_value(*key_type, 0).len() as CK_ULONG);
        let code = if has_length_choice(*key_type) { CKR_ATTRIBUTE_READ_ONLY } else { CKR_TEMPLATE_INCONSISTENT };
        assert_eq!(session.create(&with(&full, &[length])), refused(code), "0x{key_type:x}");
    }
    for unknown in [CKK_RSA, CKK_RC2, CKK_VENDOR_DEFINED, 0xffff, !0] {
        let refusal = session.create(&key_template(unknown, &[1; 16]));
        assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID));
    }
    assert_eq!(session.find(&[]), NOTHING);
}

/// Where a template is silent the standard leaves a key's usages to the token: here, whatever its type can do.
#[test]
fn a_silent_template_lets_a_key_do_what_its_type_can() {
    let token = Token::new();
    let session = token.user();
    let secret = |sample: &&Sample| matches!(sample.kind, Kind::Cipher { .. } | Kind::Mac { .. });
    for sample in samples().filter(secret) {
        for key_type in sample.keys {
            let key = session.create(&key_template(*key_type, &key_value(*key_type, 0))).unwrap();
            for work in sample.work() {
                session
                    .begin(*work, &sample.mechanism(16), key)
                    .unwrap_or_else(|code| panic!("{}: {code:?}", sample.name));
            }
            session.cancel_all();
            session.destroy(key).unwrap();
        }
    }
}
