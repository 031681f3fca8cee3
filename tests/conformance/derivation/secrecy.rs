//! What a derived key has from those it comes from: `CKA_SENSITIVE`, `CKA_EXTRACTABLE`, and since when.

use cryptoki_sys::*;

use super::{Bench, Row, generic, open, rows, secret_of};
use crate::module::{Token, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::template::{Entry, flag, number, numbers, with};

/// What the module remembers of a key's secrecy.
const REMEMBERED: [CK_ATTRIBUTE_TYPE; 2] = [CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE];

#[test]
fn a_template_cannot_open_what_the_base_key_keeps() {
    let bench = Bench::new();
    let session = bench.session;
    let mut count = 0;
    for row in rows(&bench).iter().filter(|row| row.makes_secret_keys()) {
        for (kept, asked) in [
            ([flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true)], flag(CKA_SENSITIVE, false)),
            ([flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, false)], flag(CKA_EXTRACTABLE, true)),
        ] {
            let base = row.base(session, &with(&row.purpose(), &kept));
            let before = bench.count();
            // An agreement's result is for the template to describe, where its other keys agree.
            let expected = if row.is_agreement() { Ok(()) } else { refused(CKR_TEMPLATE_INCONSISTENT) };
            let outcome = row.derive(session, base, std::slice::from_ref(&asked)).map(drop);
            assert_eq!(outcome, expected, "{:x}", row.id());
            if !row.is_agreement() {
                assert_eq!(bench.count(), before, "{:x}", row.id());
            }
            count += 1;
        }
    }
    println!("{count} attempts");
}

#[test]
fn without_a_word_in_the_template_the_new_key_is_no_more_open() {
    let bench = Bench::new();
    let session = bench.session;
    for row in rows(&bench).iter().filter(|row| row.makes_secret_keys()) {
        // A template inside the parameter says that its key is open.
        if matches!(&row.mechanism.parameter, Parameter::Kdf108(kdf) if !kdf.additional.is_empty()) {
            continue;
        }
        for kept in [(true, true), (false, false), (true, false)] {
            let secrecy = [flag(CKA_SENSITIVE, kept.0), flag(CKA_EXTRACTABLE, kept.1)];
            let base = row.base(session, &with(&row.purpose(), &secrecy));
            for key in row.derive(session, base, &[]).unwrap() {
                let made = (session.flag(key, CKA_SENSITIVE), session.flag(key, CKA_EXTRACTABLE));
                assert!(made.0 || !kept.0 || row.is_agreement(), "{:x}: {kept:?} {made:?}", row.id());
                assert!(!made.1 || kept.1 || row.is_agreement(), "{:x}: {kept:?} {made:?}", row.id());
                if made.0 || !made.1 {
                    assert_eq!(session.get(key, CKA_VALUE), refused(CKR_ATTRIBUTE_SENSITIVE), "{:x}", row.id());
                }
            }
        }
    }
}

/// The base keys were imported: none was always secret.
#[test]
fn what_was_once_known_outside_never_was_always_secret() {
    let bench = Bench::new();
    let session = bench.session;
    let mut count = 0;
    for row in rows(&bench).iter().filter(|row| row.makes_secret_keys()) {
        if matches!(&row.mechanism.parameter, Parameter::Kdf108(kdf) if !kdf.additional.is_empty()) {
            continue;
        }
        let closed = [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)];
        let base = row.base(session, &with(&row.purpose(), &closed));
        for key in row.derive(session, base, &[flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)]).unwrap() {
            for remembered in REMEMBERED {
                assert!(!session.flag(key, remembered), "{:x}", row.id());
            }
            assert!(!session.flag(key, CKA_LOCAL), "{:x}", row.id());
            assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION, "{:x}", row.id());
            count += 1;
        }
    }
    println!("{count} keys");
}

/// Where all keys that went in were made here and never shown, so was the new one; one that was known is enough else.
#[test]
fn what_always_was_secret_still_is() {
    let imported = Bench::new();
    let session = imported.session;
    let made_here = |id, more: &[_]| {
        let own = [flag(CKA_DERIVE, true), flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)];
        session.generate(&plain(id), &[&own[..], more].concat()).unwrap()
    };
    let every: Vec<_> = rows(&imported).iter().map(Row::id).collect();
    let other = [number(CKA_VALUE_LEN, 16), numbers(CKA_ALLOWED_MECHANISMS, &every)];
    let other = made_here(CKM_GENERIC_SECRET_KEY_GEN, &other);
    let generated = Bench { token: Token::new(), session, other };
    let mut count = 0;
    for (bench, always) in [(&generated, true), (&imported, false)] {
        for row in rows(bench).iter().filter(|row| row.makes_secret_keys() && !row.is_agreement()) {
            let second = matches!(
                row.mechanism.parameter,
                Parameter::Ike1Prf(_) | Parameter::Ike2PrfPlus { .. } | Parameter::Ike1Extended { .. }
            ) || row.id() == CKM_CONCATENATE_BASE_AND_KEY;
            if row.id() == CKM_SP800_108_FEEDBACK_KDF || (!always && !second) {
                continue;
            }
            let key_type = row.base.iter().find(|entry| entry.attribute == CKA_KEY_TYPE).unwrap();
            let length = |len| with(&row.purpose(), &[number(CKA_VALUE_LEN, len)]);
            let base = match [CKK_AES, CKK_DES, CKK_DES3, CKK_HKDF].map(|own| *key_type == number(CKA_KEY_TYPE, own)) {
                [true, ..] => made_here(CKM_AES_KEY_GEN, &length(16)),
                [_, true, ..] => made_here(CKM_DES_KEY_GEN, &[]),
                [_, _, true, _] => made_here(CKM_DES3_KEY_GEN, &[]),
                [.., true] => made_here(CKM_HKDF_KEY_GEN, &length(32)),
                // As long as the data of the row.
                _ if row.id() == CKM_XOR_BASE_AND_DATA => made_here(CKM_GENERIC_SECRET_KEY_GEN, &length(32)),
                _ => made_here(CKM_GENERIC_SECRET_KEY_GEN, &length(48)),
            };
            for key in row.derive(session, base, &[]).unwrap_or_else(|code| panic!("{:x}: {code:?}", row.id())) {
                for remembered in REMEMBERED {
                    assert_eq!(session.flag(key, remembered), always, "{:x} {remembered:x}", row.id());
                }
                assert!(session.flag(key, CKA_SENSITIVE) && !session.flag(key, CKA_EXTRACTABLE), "{:x}", row.id());
                count += 1;
            }
        }
    }
    println!("{count} keys");
}

/// A few bits are soon guessed, and the next few after them.
#[test]
fn bits_of_a_kept_key_come_out_only_where_it_says_so() {
    let bench = Bench::new();
    let session = bench.session;
    let extract = |kept: &[Entry]| {
        let base = session.create(&with(&generic(&[7; 32]), kept)).unwrap();
        let mechanism = Mechanism { id: CKM_EXTRACT_KEY_FROM_KEY, parameter: Parameter::Number(0) };
        session.derive(&mechanism, base, &secret_of(16)).map(drop)
    };
    let says_so = numbers(CKA_ALLOWED_MECHANISMS, &[CKM_EXTRACT_KEY_FROM_KEY]);
    for kept in [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)] {
        let kept = [flag(CKA_DERIVE, true), kept];
        assert_eq!(extract(&kept), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
        assert_eq!(extract(&with(&kept, std::slice::from_ref(&says_so))), Ok(()));
    }
    assert_eq!(extract(&[flag(CKA_DERIVE, true)]), Ok(()));
}

/// "Master key derivation": it is for TLS, and says so.
#[test]
fn a_master_key_is_for_tls_alone() {
    let bench = Bench::new();
    let session = bench.session;
    let rows = rows(&bench);
    let find = |id| rows.iter().find(|row| row.id() == id).unwrap();
    let keys = find(CKM_TLS12_KEY_AND_MAC_DERIVE);
    for id in [
        CKM_TLS12_MASTER_KEY_DERIVE,
        CKM_TLS12_MASTER_KEY_DERIVE_DH,
        CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE,
        CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH,
    ] {
        let row = find(id);
        let master = row.derive(session, row.base(session, &open()), &open()).unwrap()[0];
        let allowed = session.get(master, CKA_ALLOWED_MECHANISMS).unwrap();
        let allowed: Vec<_> = allowed.chunks(8).map(|id| CK_ULONG::from_ne_bytes(id.try_into().unwrap())).collect();
        let named = [CKM_TLS12_KEY_AND_MAC_DERIVE, CKM_TLS12_KEY_SAFE_DERIVE, CKM_TLS_KDF, CKM_TLS_MAC];
        assert!(named.iter().all(|id| allowed.contains(id)), "{allowed:x?}");
        assert_eq!((session.number(master, CKA_VALUE_LEN), session.flag(master, CKA_DERIVE)), (48, true));
        assert_eq!(session.number(master, CKA_KEY_TYPE), CKK_GENERIC_SECRET);
        keys.derive(session, master, &[]).unwrap();
        let hashed = session.derive(&plain(CKM_SHA256_KEY_DERIVATION), master, &[]);
        assert_eq!(hashed, refused(CKR_MECHANISM_INVALID));
    }
}

#[test]
fn a_sensitive_key_becomes_no_data_object_unless_it_says_so() {
    let bench = Bench::new();
    let session = bench.session;
    let rows = rows(&bench);
    let row = rows.iter().find(|row| row.id() == CKM_HKDF_DATA).unwrap();
    let own = numbers(CKA_ALLOWED_MECHANISMS, &[CKM_HKDF_DATA]);
    let closed = [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)];
    let before = row.base(session, &closed);
    let count = bench.count();
    assert_eq!(row.derive(session, before, &[]), refused(CKR_TEMPLATE_INCONSISTENT));
    assert_eq!(bench.count(), count);
    let said = row.base(session, &[&closed[..], &[own]].concat());
    let made = row.derive(session, said, &[]).unwrap();
    assert_eq!(row.value(session, &made), (row.answer)());
    row.derive(session, row.base(session, &open()), &[]).unwrap();
}
