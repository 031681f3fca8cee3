//! Keys that come in (`C_CreateObject`, `C_UnwrapKey`): complete, incomplete, wrong, weak.

use cryptoki_sys::*;

use super::numbers::{
    CLOSE, COMPOSITE, EXPONENT_ONE, FINGERPRINT, GOOD, Numbers, ODD_LENGTH, SAME_PRIME, SHORT_PRIME, SMALL_D, WIDE,
};
use super::{generate, oaep, private_template, public_template, wrapped_in, wrapped_out};
use crate::module::{Token, refused};
use crate::parameters::plain;
use crate::session::{NOTHING, Session, Work};
use crate::template::{Entry, bytes, flag, key_template, number, with, without};
use crate::vectors::hex;

/// The template of `numbers` with every CRT value, which the module itself computed.
fn complete(session: Session, numbers: &Numbers) -> Vec<Entry> {
    let open = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    let key = session.create(&with(&numbers.private_template(), &open)).unwrap();
    let parts = [CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];
    let template = with(&numbers.private_template(), &parts.map(|part| bytes(part, session.get(key, part).unwrap())));
    session.destroy(key).unwrap();
    template
}

fn sign(session: Session, key: CK_OBJECT_HANDLE) -> Vec<u8> {
    session.sign(&plain(CKM_SHA256_RSA_PKCS), key, b"data").unwrap()
}

#[test]
fn rsa_keys_come_in_with_and_without_what_can_be_computed() {
    let token = Token::new();
    let session = token.user();
    for numbers in [GOOD, WIDE, ODD_LENGTH] {
        let public = session.create(&numbers.public_template()).unwrap();
        let all = complete(session, &numbers);
        let first = session.create(&all).unwrap();
        let signature = sign(session, first);
        session.check(&plain(CKM_SHA256_RSA_PKCS), public, b"data", &signature).unwrap();
        let crt = [CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];
        let mut forms = vec![
            numbers.private_template(),
            numbers.short_template(),
            // The usual exponent need not be named.
            without(&all, CKA_PUBLIC_EXPONENT),
            without(&numbers.short_template(), CKA_PUBLIC_EXPONENT),
            // CRT values without the primes they belong to are made anew.
            without(&without(&all, CKA_PRIME_1), CKA_PRIME_2),
            // The primes may stand in either order.
            with(
                &numbers.private_template(),
                &[bytes(CKA_PRIME_1, hex(numbers.q)), bytes(CKA_PRIME_2, hex(numbers.p))],
            ),
        ];
        forms.extend(crt.map(|missing| without(&all, missing)));
        // Empty is as good as missing; leading zeros are no part of a number.
        forms.push(with(&all, &crt.map(|part| bytes(part, []))));
        let wide = |text| [&[0, 0][..], &hex(text)].concat();
        forms.push(with(&all, &[bytes(CKA_MODULUS, wide(numbers.n)), bytes(CKA_PRIVATE_EXPONENT, wide(numbers.d))]));
        for form in forms {
            let key = session.create(&form).unwrap();
            assert_eq!(sign(session, key), signature);
            assert_eq!(session.get(key, CKA_MODULUS).unwrap(), hex(numbers.n));
            assert_eq!(session.get(key, CKA_PUBLIC_EXPONENT).unwrap(), [1, 0, 1]);
            let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
            assert_eq!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap(), info);
        }
        assert_eq!(
            session.number(public, CKA_MODULUS_BITS),
            if numbers.n == ODD_LENGTH.n { 1025 } else { numbers.n.len() as CK_ULONG * 4 }
        );
    }
}

#[test]
fn an_rsa_key_with_any_number_changed_is_refused() {
    let token = Token::new();
    let session = token.user();
    let all = complete(session, &GOOD);
    let parts = [
        CKA_MODULUS,
        CKA_PUBLIC_EXPONENT,
        CKA_PRIVATE_EXPONENT,
        CKA_PRIME_1,
        CKA_PRIME_2,
        CKA_EXPONENT_1,
        CKA_EXPONENT_2,
        CKA_COEFFICIENT,
    ];
    let mut count = 0;
    for part in parts {
        let template_of = |value: &[u8]| with(&all, &[bytes(part, value)]);
        let entry = all.iter().find(|entry| entry.attribute == part).unwrap();
        let crate::template::EntryValue::Bytes(value) = &entry.value else { panic!("0x{part:x}") };
        for place in [0, value.len() / 2, value.len() - 1] {
            for bit in [0x01, 0x02, 0x40, 0x80] {
                let mut wrong = value.clone();
                wrong[place] ^= bit;
                let outcome = session.create(&template_of(&wrong));
                assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "0x{part:x} {place} {bit}");
                count += 1;
            }
        }
        for wrong in [&[0][..], &[1], &value[1..], &[value, &[0][..]].concat()] {
            let outcome = session.create(&template_of(wrong));
            assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "0x{part:x} {wrong:?}");
            count += 1;
        }
    }
    println!("{count} changed keys refused");
    // A number of another key is as wrong as a changed one.
    for (part, other) in [(CKA_PRIVATE_EXPONENT, WIDE.p), (CKA_PRIME_1, CLOSE.p), (CKA_PRIVATE_EXPONENT, CLOSE.d)] {
        let outcome = session.create(&with(&GOOD.short_template(), &[bytes(part, hex(other))]));
        assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "0x{part:x}");
    }
    // One prime alone.
    for alone in [CKA_PRIME_1, CKA_PRIME_2] {
        assert_eq!(session.create(&without(&all, alone)), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    }
    // Without its exponent a key has the usual one, and this one has not.
    let three = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    let public = [number(CKA_MODULUS_BITS, 1024), bytes(CKA_PUBLIC_EXPONENT, [3])];
    let (_, private) = generate(session, &public, &three).unwrap();
    let part = |part| session.get(private, part).unwrap();
    let template = private_template(&part(CKA_MODULUS), &[3], &part(CKA_PRIVATE_EXPONENT));
    session.create(&template).unwrap();
    let outcome = session.create(&without(&template, CKA_PUBLIC_EXPONENT));
    assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID));
}

#[test]
fn rsa_templates_must_say_what_a_key_cannot_do_without() {
    let token = Token::new();
    let session = token.user();
    for missing in [CKA_MODULUS, CKA_PRIVATE_EXPONENT] {
        let outcome = session.create(&without(&GOOD.private_template(), missing));
        assert_eq!(outcome, refused(CKR_TEMPLATE_INCOMPLETE), "0x{missing:x}");
        let outcome = session.create(&with(&GOOD.private_template(), &[bytes(missing, [])]));
        assert_eq!(outcome, refused(CKR_TEMPLATE_INCOMPLETE), "0x{missing:x}");
    }
    for missing in [CKA_MODULUS, CKA_PUBLIC_EXPONENT] {
        let outcome = session.create(&without(&GOOD.public_template(), missing));
        assert_eq!(outcome, refused(CKR_TEMPLATE_INCOMPLETE), "0x{missing:x}");
        let outcome = session.create(&with(&GOOD.public_template(), &[bytes(missing, [])]));
        assert_eq!(outcome, refused(CKR_TEMPLATE_INCOMPLETE), "0x{missing:x}");
    }
    // PKCS#11 3.2 §6.1.2, footnote 2.
    let with_bits = with(&GOOD.public_template(), &[number(CKA_MODULUS_BITS, 1024)]);
    assert_eq!(session.create(&with_bits), refused(CKR_ATTRIBUTE_READ_ONLY));
    let with_secret = with(&GOOD.public_template(), &[bytes(CKA_PRIVATE_EXPONENT, hex(GOOD.d))]);
    assert_eq!(session.create(&with_secret), refused(CKR_TEMPLATE_INCONSISTENT));
    // PKCS#11 3.2 §4.9: a public key info that is given is that of the key.
    let (public, _) = GOOD.import(session).unwrap();
    let own = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
    let (other, _) = WIDE.import(session).unwrap();
    let other = session.get(other, CKA_PUBLIC_KEY_INFO).unwrap();
    for template in [GOOD.public_template(), GOOD.private_template()] {
        session.create(&with(&template, &[bytes(CKA_PUBLIC_KEY_INFO, &own)])).unwrap();
        let outcome = session.create(&with(&template, &[bytes(CKA_PUBLIC_KEY_INFO, &other)]));
        assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID));
    }
}

#[test]
fn weak_rsa_keys_are_refused_however_they_come() {
    let token = Token::new();
    let session = token.user();
    for (why, numbers) in [
        ("p = q", SAME_PRIME),
        ("close primes", CLOSE),
        ("a composite prime", COMPOSITE),
        ("a small private exponent", SMALL_D),
        ("a short prime", SHORT_PRIME),
        ("CVE-2017-15361", FINGERPRINT),
        ("e = 1", EXPONENT_ONE),
    ] {
        let outcome = session.create(&numbers.private_template());
        assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{why}");
        let outcome = session.create(&numbers.short_template());
        assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{why}, without primes");
        assert_eq!(wrapped_in(session, &info(&numbers)), refused(CKR_WRAPPED_KEY_INVALID), "{why}, wrapped");
    }
    // The structure itself is right: a sound key in it comes in.
    let key = wrapped_in(session, &info(&GOOD)).unwrap();
    assert_eq!(wrapped_out(session, key).unwrap(), info(&GOOD));
    // Whether a public key is weak can be seen only where its modulus or its exponent tells.
    session.create(&CLOSE.public_template()).unwrap();
    assert_eq!(session.create(&FINGERPRINT.public_template()), refused(CKR_ATTRIBUTE_VALUE_INVALID));
}

#[test]
fn rsa_exponents_and_moduli_out_of_range_are_refused() {
    let token = Token::new();
    let session = token.user();
    let n = hex(GOOD.n);
    let mut even = n.clone();
    even[127] &= 0xfe;
    let mut larger = n.clone();
    larger[127] += 2;
    let mut smaller = n.clone();
    smaller[127] -= 2;
    for exponent in [&[0][..], &[1], &[0, 0, 1], &[2], &[1, 0, 0], &n, &larger, &[&[1][..], &n].concat()] {
        for template in [public_template(&n, exponent), private_template(&n, exponent, &hex(GOOD.d))] {
            assert_eq!(session.create(&template), refused(CKR_ATTRIBUTE_VALUE_INVALID), "{exponent:?}");
        }
    }
    // As large as it can be.
    session.create(&public_template(&n, &smaller)).unwrap();
    session.create(&public_template(&n, &[3])).unwrap();

    let odd = |bytes: usize, first: u8| [&[first][..], &vec![0x5b; bytes - 1]].concat();
    let (short, long) = (odd(128, 0x7f), odd(2049, 0x01));
    for modulus in [&[3][..], &odd(64, 0xff), &short, &even, &long, &odd(4096, 0x80)] {
        for template in [public_template(modulus, &[1, 0, 1]), private_template(modulus, &[1, 0, 1], &hex(GOOD.d))] {
            assert_eq!(session.create(&template), refused(CKR_ATTRIBUTE_VALUE_INVALID), "{}", modulus.len());
        }
    }
    // The largest and the smallest: 16384 bits and 1024.
    for (modulus, bits) in [(odd(2048, 0xff), 16384), (odd(128, 0x80), 1024)] {
        let key = session.create(&public_template(&modulus, &[1, 0, 1])).unwrap();
        assert_eq!(session.number(key, CKA_MODULUS_BITS), bits);
    }
}

/// Encryption with e = 1 changes nothing: whoever gets such a key accepted reads what is wrapped with it.
#[test]
fn an_rsa_key_with_exponent_one_never_wraps_anything() {
    let token = Token::new();
    let session = token.user();
    let one = public_template(&hex(GOOD.n), &[1]);
    for more in
        [&[flag(CKA_WRAP, true)][..], &[flag(CKA_TOKEN, true)], &[flag(CKA_WRAP, true), flag(CKA_ENCRYPT, true)]]
    {
        assert_eq!(session.create(&with(&one, more)), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    }
    let exponent = bytes(CKA_PUBLIC_EXPONENT, [1]);
    assert_eq!(
        generate(session, &[number(CKA_MODULUS_BITS, 1024), exponent.clone()], &[]),
        refused(CKR_TEMPLATE_INCONSISTENT)
    );
    assert_eq!(session.find(&[]), NOTHING);
    let (public, private) = GOOD.import(session).unwrap();
    for half in [public, private] {
        assert_eq!(session.set(half, std::slice::from_ref(&exponent)), refused(CKR_ATTRIBUTE_READ_ONLY));
        assert_eq!(session.copy(half, std::slice::from_ref(&exponent)), refused(CKR_ATTRIBUTE_READ_ONLY));
    }
    // And with the key as it is, what is wrapped is not what one reads.
    let extractable = flag(CKA_EXTRACTABLE, true);
    let value = [0x6b; 32];
    let secret = session.create(&with(&key_template(CKK_AES, &value), &[extractable])).unwrap();
    for mechanism in [plain(CKM_RSA_PKCS), plain(CKM_RSA_X_509), oaep(CKM_SHA_1, CKG_MGF1_SHA1, b"")] {
        let wrapped = session.wrap(&mechanism, public, secret).unwrap();
        assert_eq!(wrapped.len(), 128);
        assert!(!wrapped.windows(8).any(|window| window == &value[..8]));
        let template = with(&key_template(CKK_AES, b""), &[number(CKA_VALUE_LEN, 32)]);
        let template = with(&without(&template, CKA_VALUE), &[flag(CKA_SENSITIVE, false)]);
        let back = session.unwrap(&mechanism, private, &wrapped, &template).unwrap();
        assert_eq!(session.get(back, CKA_VALUE).unwrap(), value);
        assert!(session.run(Work::Encrypt, &plain(CKM_AES_ECB), back, &[0; 16]).is_ok());
    }
}

/// The PKCS#8 structure of a key (RFC 5208, RFC 8017 §A.1.2), with CRT values that are right where the primes are.
fn info(numbers: &Numbers) -> Vec<u8> {
    let [n, e, d, p, q] = [numbers.n, numbers.e, numbers.d, numbers.p, numbers.q].map(hex);
    let (dp, dq, coefficient) = crt(numbers);
    let parts = [vec![0], n, e, d, p, q, dp, dq, coefficient];
    let key = der(0x30, &parts.map(|part| integer(&part)).concat());
    let algorithm = hex("300d06092a864886f70d0101010500");
    der(0x30, &[integer(&[0]), algorithm, der(0x04, &key)].concat())
}

fn crt(numbers: &Numbers) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let value = |text: &str| hex(text);
    match super::numbers::CRT.iter().find(|(n, ..)| *n == numbers.n && numbers.e != "01") {
        Some((_, dp, dq, coefficient)) => (value(dp), value(dq), value(coefficient)),
        None => (vec![1], vec![1], vec![1]),
    }
}

fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count().min(number.len() - 1);
    let number = &number[zeros..];
    let sign: &[u8] = if number[0] & 0x80 != 0 { &[0] } else { &[] };
    der(0x02, &[sign, number].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let header = match len {
        0..=0x7f => vec![tag, len as u8],
        0x80..=0xff => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [&header[..], content].concat()
}
