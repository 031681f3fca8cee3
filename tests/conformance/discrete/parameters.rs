//! Domain parameters: generated, imported, refused.

use cryptoki_sys::*;

use super::{altered, bits, copied, given, of};
use crate::module::{Token, refused};
use crate::pair_samples::group;
use crate::parameters::{plain, with_iv};
use crate::template::{Entry, bytes, flag, number, with, without};

const DSA_GROUP: [CK_ATTRIBUTE_TYPE; 3] = [CKA_PRIME, CKA_SUBPRIME, CKA_BASE];
const DH_GROUP: [CK_ATTRIBUTE_TYPE; 2] = [CKA_PRIME, CKA_BASE];

#[test]
fn generated_parameters_have_the_sizes_asked_for() {
    let token = Token::new();
    let session = token.user();
    for (mechanism, key_type, prime_bits, subprime_bits, expected) in [
        (CKM_DSA_PARAMETER_GEN, CKK_DSA, 1024, None, 160),
        (CKM_DSA_PARAMETER_GEN, CKK_DSA, 2048, Some(224), 224),
        (CKM_DSA_PARAMETER_GEN, CKK_DSA, 2048, None, 224),
        (CKM_DSA_PARAMETER_GEN, CKK_DSA, 2048, Some(256), 256),
        (CKM_X9_42_DH_PARAMETER_GEN, CKK_X9_42_DH, 1024, Some(160), 160),
        (CKM_X9_42_DH_PARAMETER_GEN, CKK_X9_42_DH, 2048, Some(256), 256),
    ] {
        let mut template = vec![number(CKA_PRIME_BITS, prime_bits), flag(CKA_TOKEN, true), bytes(CKA_LABEL, "p")];
        template.extend(subprime_bits.map(|bits| number(CKA_SUBPRIME_BITS, bits)));
        let object = session.generate(&plain(mechanism), &template).unwrap();
        let [p, q, g] = DSA_GROUP.map(|part| session.get(object, part).unwrap());
        assert_eq!((bits(&p), bits(&q)), (prime_bits as usize, expected as usize));
        assert!(bits(&g) > 1 && bits(&g) <= bits(&p));
        assert_eq!(session.number(object, CKA_CLASS), CKO_DOMAIN_PARAMETERS);
        assert_eq!(session.number(object, CKA_KEY_TYPE), key_type);
        assert_eq!(session.number(object, CKA_PRIME_BITS), prime_bits);
        assert_eq!(session.number(object, CKA_SUBPRIME_BITS), expected);
        assert!(session.flag(object, CKA_LOCAL));
        assert!(!session.flag(object, CKA_PRIVATE));
        assert!(session.flag(object, CKA_TOKEN));
        assert_eq!(session.find(&[number(CKA_CLASS, CKO_DOMAIN_PARAMETERS), bytes(CKA_PRIME, &p)]), [object]);
        // The same parameters come in again, and are not local then.
        let again = with(&of(CKO_DOMAIN_PARAMETERS, key_type), &copied(session, object, &DSA_GROUP));
        let again = session.create(&again).unwrap();
        assert!(!session.flag(again, CKA_LOCAL));
        assert_eq!(session.number(again, CKA_SUBPRIME_BITS), expected);
        session.destroy(object).unwrap();
    }
}

/// The groups of RFC 7919: nobody waits minutes for a safe prime that is no better.
#[test]
fn groups_of_rfc_7919_are_given() {
    let token = Token::new();
    let session = token.user();
    for prime_bits in [2048, 3072, 4096, 6144, 8192] {
        let template = [number(CKA_PRIME_BITS, prime_bits)];
        let object = session.generate(&plain(CKM_DH_PKCS_PARAMETER_GEN), &template).unwrap();
        let [p, g] = DH_GROUP.map(|part| session.get(object, part).unwrap());
        assert_eq!(bits(&p), prime_bits as usize);
        assert_eq!(session.number(object, CKA_PRIME_BITS), prime_bits);
        assert_eq!(g, [2]);
        let name = format!("group:ffdhe{prime_bits}");
        let arguments = ["genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", &name, "-text"].map(String::from);
        let told = String::from_utf8(crate::differential::openssl(&arguments, b"")).unwrap();
        if told.contains("prime") {
            let digits: String = told.chars().filter(char::is_ascii_hexdigit).collect();
            assert!(digits.contains(&crate::differential::digits(&p)), "{name}");
        }
    }
    for prime_bits in [0, 512, 1024, 1536, 2047, 2049, 10_000, CK_ULONG::MAX] {
        let refusal = session.generate(&plain(CKM_DH_PKCS_PARAMETER_GEN), &[number(CKA_PRIME_BITS, prime_bits)]);
        assert_eq!(refusal, refused(CKR_KEY_SIZE_RANGE), "{prime_bits} bits");
    }
}

#[test]
fn impossible_templates_are_refused() {
    let token = Token::new();
    let session = token.user();
    for mechanism in [CKM_DSA_PARAMETER_GEN, CKM_X9_42_DH_PARAMETER_GEN] {
        let generate = |template: &[Entry]| session.generate(&plain(mechanism), template);
        for (prime_bits, subprime_bits) in [
            (0, 160),
            (512, 160),
            (1023, 160),
            (1024, 256),
            (2048, 160),
            (3072, 224),
            (4096, 256),
            (2048, CK_ULONG::MAX),
        ] {
            let template = [number(CKA_PRIME_BITS, prime_bits), number(CKA_SUBPRIME_BITS, subprime_bits)];
            assert_eq!(generate(&template), refused(CKR_KEY_SIZE_RANGE), "{prime_bits}, {subprime_bits}");
        }
        assert_eq!(generate(&[]), refused(CKR_TEMPLATE_INCOMPLETE));
        let sized = [number(CKA_PRIME_BITS, 2048)];
        for (wrong, code) in [
            (bytes(CKA_PRIME, [3]), CKR_ATTRIBUTE_READ_ONLY),
            (bytes(CKA_BASE, [3]), CKR_ATTRIBUTE_READ_ONLY),
            (flag(CKA_LOCAL, true), CKR_ATTRIBUTE_READ_ONLY),
            (number(CKA_CLASS, CKO_SECRET_KEY), CKR_TEMPLATE_INCONSISTENT),
            (number(CKA_KEY_TYPE, CKK_RSA), CKR_TEMPLATE_INCONSISTENT),
            (flag(CKA_ENCRYPT, true), CKR_TEMPLATE_INCONSISTENT),
            (bytes(CKA_VALUE, [1]), CKR_TEMPLATE_INCONSISTENT),
        ] {
            assert_eq!(generate(&with(&sized, std::slice::from_ref(&wrong))), refused(code), "0x{:x}", wrong.attribute);
        }
        let refusal = session.generate(&with_iv(mechanism, &[0; 4]), &sized);
        assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID));
        let read_only = token.read_only().generate(&plain(mechanism), &with(&sized, &[flag(CKA_TOKEN, true)]));
        assert_eq!(read_only, refused(CKR_SESSION_READ_ONLY));
    }
}

/// §5.7.1: parameters that are none are refused, on their own and in keys.
#[test]
fn unsound_parameters_are_refused() {
    let token = Token::new();
    let session = token.user();
    let dsa = group(session, CKM_DSA_PARAMETER_GEN, 2048);
    let x942 = group(session, CKM_X9_42_DH_PARAMETER_GEN, 2048);
    let dh = group(session, CKM_DH_PKCS_PARAMETER_GEN, 2048);
    let minus_one = |value: &mut Vec<u8>| *value.last_mut().unwrap() -= 1;
    let plus_two = |value: &mut Vec<u8>| *value.last_mut().unwrap() ^= 2;
    let mut cases: Vec<(CK_KEY_TYPE, &str, Vec<Entry>)> = Vec::new();
    for (key_type, good) in [(CKK_DSA, &dsa), (CKK_X9_42_DH, &x942)] {
        let p = given(good, CKA_PRIME);
        for (name, bad) in [
            ("an even prime", altered(good, CKA_PRIME, minus_one)),
            ("another prime", altered(good, CKA_PRIME, plus_two)),
            ("an even order", altered(good, CKA_SUBPRIME, minus_one)),
            ("another order", altered(good, CKA_SUBPRIME, plus_two)),
            ("a base of another order", with(good, &[bytes(CKA_BASE, [2])])),
            ("a base of one", with(good, &[bytes(CKA_BASE, [1])])),
            ("a base of p", with(good, &[bytes(CKA_BASE, &p)])),
            ("a base of p - 1", with(good, &[bytes(CKA_BASE, given(&altered(good, CKA_PRIME, minus_one), CKA_PRIME))])),
            ("a small prime", with(good, &[bytes(CKA_PRIME, [0x0b])])),
            ("a huge prime", with(good, &[bytes(CKA_PRIME, vec![0xff; 2000])])),
        ] {
            cases.push((key_type, name, bad));
        }
    }
    for (name, bad) in [
        ("an even prime", altered(&dh, CKA_PRIME, minus_one)),
        ("another prime", altered(&dh, CKA_PRIME, plus_two)),
        ("a base of one", with(&dh, &[bytes(CKA_BASE, [1])])),
        ("a base of p - 1", with(&dh, &[bytes(CKA_BASE, given(&altered(&dh, CKA_PRIME, minus_one), CKA_PRIME))])),
        ("a small prime", with(&dh, &[bytes(CKA_PRIME, [0x0b])])),
    ] {
        cases.push((CKK_DH, name, bad));
    }
    let before = session.find(&[]).len();
    for (key_type, name, bad) in &cases {
        let context = format!("0x{key_type:x}: {name}");
        let refusal = session.create(&with(&of(CKO_DOMAIN_PARAMETERS, *key_type), bad));
        assert_eq!(refusal, refused(CKR_DOMAIN_PARAMS_INVALID), "{context}");
        for class in [CKO_PUBLIC_KEY, CKO_PRIVATE_KEY] {
            let refusal = session.create(&with(&with(&of(class, *key_type), bad), &[bytes(CKA_VALUE, [0x77; 20])]));
            assert_eq!(refusal, refused(CKR_DOMAIN_PARAMS_INVALID), "{context}");
        }
        let generate = match *key_type {
            CKK_DSA => CKM_DSA_KEY_PAIR_GEN,
            CKK_DH => CKM_DH_PKCS_KEY_PAIR_GEN,
            _ => CKM_X9_42_DH_KEY_PAIR_GEN,
        };
        let refusal = session.generate_pair(&plain(generate), bad, &[]);
        assert_eq!(refusal, refused(CKR_DOMAIN_PARAMS_INVALID), "{context}");
    }
    for (key_type, good) in [(CKK_DSA, &dsa), (CKK_X9_42_DH, &x942), (CKK_DH, &dh)] {
        for missing in good {
            let template = without(&with(&of(CKO_DOMAIN_PARAMETERS, key_type), good), missing.attribute);
            assert_eq!(session.create(&template), refused(CKR_TEMPLATE_INCOMPLETE));
            let empty = with(&with(&of(CKO_DOMAIN_PARAMETERS, key_type), good), &[bytes(missing.attribute, [])]);
            assert_eq!(session.create(&empty), refused(CKR_TEMPLATE_INCOMPLETE));
        }
        let template = with(&of(CKO_DOMAIN_PARAMETERS, key_type), good);
        let sized = with(&template, &[number(CKA_PRIME_BITS, 2048)]);
        assert_eq!(session.create(&sized), refused(CKR_ATTRIBUTE_READ_ONLY));
        // Zeros in front are no part of a number.
        let padded = good.iter().fold(template, |template, entry| {
            altered(&template, entry.attribute, |value| {
                value.splice(0..0, [0, 0]);
            })
        });
        let object = session.create(&padded).unwrap();
        for entry in good {
            assert_eq!(session.get(object, entry.attribute), Ok(given(good, entry.attribute)));
        }
        session.destroy(object).unwrap();
    }
    assert_eq!(session.find(&[]).len(), before);
    println!("{} unsound groups", cases.len());
}

/// Who has logged in does not matter for what is public.
#[test]
fn parameters_are_public() {
    let token = Token::new();
    let session = token.read_write();
    let template = with(&of(CKO_DOMAIN_PARAMETERS, CKK_DH), &group(session, CKM_DH_PKCS_PARAMETER_GEN, 2048));
    let own = session.create(&template).unwrap();
    let kept = session.create(&with(&template, &[flag(CKA_TOKEN, true), bytes(CKA_LABEL, "ffdhe2048")])).unwrap();
    assert_eq!(session.find(&[number(CKA_CLASS, CKO_DOMAIN_PARAMETERS)]), [kept.min(own), kept.max(own)]);
    session.set(own, &[bytes(CKA_LABEL, "mine")]).unwrap();
    assert_eq!(session.get(own, CKA_LABEL).as_deref(), Ok(&b"mine"[..]));
    for part in DH_GROUP {
        assert_eq!(session.set(own, &[bytes(part, [5])]), refused(CKR_ATTRIBUTE_READ_ONLY));
    }
    let copy = session.copy(own, &[bytes(CKA_LABEL, "copy")]).unwrap();
    assert_eq!(session.get(copy, CKA_PRIME), session.get(own, CKA_PRIME));
    assert!(session.size(own).unwrap() > 256);
}
