//! Keys that leave and come back.

use cryptoki_sys::*;
use strongroom_core::attribute::Flag;
use strongroom_core::mechanism::{Oaep, Parameter};

use crate::fixture::*;
use crate::words::*;

const LEAVES: [(u64, bool); 2] = [(CKA_EXTRACTABLE, true), (CKA_WRAP_WITH_TRUSTED, false)];

/// An AES key for data that its maker lets leave.
fn leaves(token: &Token, more: &[Entry]) -> u64 {
    token.aes(&[&LEAVES.map(|(attribute, value)| flag(attribute, value)), more].concat())
}

fn kwp() -> strongroom_core::mechanism::Call<'static> {
    plain(CKM_AES_KEY_WRAP_KWP)
}

const OAEP: Oaep<'static> = Oaep { hash: CKM_SHA256, mgf: CKG_MGF1_SHA256, source: CKZ_DATA_SPECIFIED, label: &[] };

fn oaep() -> Parameter<'static> {
    Parameter::Oaep(OAEP)
}

/// A6 (Delaune, Kremer, Steel 2008): one wrapped key, unwrapped twice: once as something else. What comes of it is
/// settled by the key that unwraps: its kind, its purpose, that it stays inside; and nothing is wrapped that would come
/// back changed.
#[test]
fn a6_a_key_comes_back_as_it_was() {
    let token = strict();
    let wrapping = token.aes(&[flag(CKA_WRAP, true), unwraps_aes(CKA_DECRYPT)]);
    let key = leaves(&token, &[]);
    let blob = token.wrap(&kwp(), wrapping, key).unwrap();
    for (attribute, value) in [(CKA_SENSITIVE, false), (CKA_EXTRACTABLE, true), (CKA_WRAP, true), (CKA_DERIVE, true)] {
        let twice = token.unwrap(&kwp(), wrapping, &blob, &[flag(attribute, value)]);
        assert_eq!(twice, Err(CKR_TEMPLATE_INCONSISTENT), "{attribute:#x}");
    }
    let back = token.unwrap(&kwp(), wrapping, &blob, &[]).unwrap();
    assert!(token.has(back, Flag::Sensitive) && !token.has(back, Flag::Extractable) && token.has(back, Flag::Decrypt));
    let ecb = plain(CKM_AES_ECB);
    assert_eq!(token.encrypt(&ecb, back, &[3; 16]), token.encrypt(&ecb, key, &[3; 16]));
    // A key for something else does not leave under it, and one that wraps does not leave at all.
    let other = leaves(&token, &[flag(CKA_DERIVE, true)]);
    let of_other_type = token.generate(
        CKM_GENERIC_SECRET_KEY_GEN,
        &[number(CKA_VALUE_LEN, 32), flag(CKA_EXTRACTABLE, true), flag(CKA_WRAP_WITH_TRUSTED, false)],
    );
    let wraps = leaves(&token, &[flag(CKA_WRAP, true)]);
    for key in [other, of_other_type, wraps] {
        assert_eq!(token.wrap(&kwp(), wrapping, key), Err(CKR_KEY_NOT_WRAPPABLE));
    }
}

/// A6: a template that leaves something open unwraps nothing.
#[test]
fn a6_an_unwrapping_key_says_what_comes() {
    let token = strict();
    let whole = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), flag(CKA_DECRYPT, true)];
    let wrapping = token.aes(&[flag(CKA_WRAP, true)]);
    let blob = token.wrap(&kwp(), wrapping, leaves(&token, &[])).unwrap();
    let unwrap = |demands: &[Entry]| {
        let template = if demands.is_empty() { vec![] } else { vec![nested(CKA_UNWRAP_TEMPLATE, demands)] };
        let key = token.aes(&[&[flag(CKA_UNWRAP, true)], &template[..]].concat());
        token.unwrap(&kwp(), key, &blob, &whole)
    };
    for left in 0..3 {
        let some: Vec<Entry> =
            whole.iter().enumerate().filter(|(at, _)| *at != left).map(|(_, one)| one.clone()).collect();
        assert_eq!(unwrap(&some), Err(CKR_KEY_FUNCTION_NOT_PERMITTED), "{left}");
    }
    assert_eq!(unwrap(&[]), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
    for use_ in [CKA_WRAP, CKA_UNWRAP, CKA_DERIVE] {
        let more = [&whole[..], &[flag(use_, true)]].concat();
        assert_eq!(unwrap(&more), Err(CKR_KEY_FUNCTION_NOT_PERMITTED), "{use_:#x}");
    }
    // Then it looks at the blob, which is none of its own.
    assert_eq!(unwrap(&whole), Err(CKR_WRAPPED_KEY_INVALID));
}

/// A7 (Clulow 2003): a key unwrapped as one of another type or length, whose cipher is weaker: AES as 3DES.
#[test]
fn a7_a_key_does_not_become_another_type() {
    let token = strict();
    let demands = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_DES3), flag(CKA_DECRYPT, true)];
    let wrapping = token.aes(&[flag(CKA_WRAP, true), unwraps_aes(CKA_DECRYPT)]);
    let as_des3 = token.aes(&[flag(CKA_WRAP, true), nested(CKA_UNWRAP_TEMPLATE, &demands)]);
    let key = token.generated(
        CKM_AES_KEY_GEN,
        &[number(CKA_VALUE_LEN, 24), flag(CKA_EXTRACTABLE, true), flag(CKA_WRAP_WITH_TRUSTED, false)],
    );
    assert_eq!(token.wrap(&kwp(), as_des3, key.unwrap()), Err(CKR_KEY_NOT_WRAPPABLE));
    let blob = token.wrap(&kwp(), wrapping, key.unwrap()).unwrap();
    let typed = token.unwrap(&kwp(), wrapping, &blob, &[number(CKA_KEY_TYPE, CKK_DES3)]);
    assert_eq!(typed, Err(CKR_TEMPLATE_INCONSISTENT));
    let cut = token.unwrap(&kwp(), wrapping, &blob, &[number(CKA_VALUE_LEN, 16)]);
    assert_eq!(cut, Err(CKR_WRAPPED_KEY_LEN_RANGE));
    token.unwrap(&kwp(), wrapping, &blob, &[number(CKA_VALUE_LEN, 24)]).unwrap();
}

/// A8 (Clulow 2003; "Trojan wrapping key"): the attacker brings the wrapping key along, a public one say. A sensitive
/// key leaves under trusted keys only, unless its maker says otherwise, and even then not under a key that somebody
/// else may have.
#[test]
fn a8_nothing_leaves_under_a_key_that_was_brought_along() {
    let token = strict();
    let trusted = token.trusted(&[]);
    let guarded = token.aes(&[flag(CKA_EXTRACTABLE, true)]);
    assert!(token.has(guarded, Flag::WrapWithTrusted));
    assert_eq!(token.set(guarded, &[flag(CKA_WRAP_WITH_TRUSTED, false)]), Err(CKR_ATTRIBUTE_READ_ONLY));
    let own = token.aes(&[flag(CKA_WRAP, true)]);
    assert_eq!(token.wrap(&kwp(), own, guarded), Err(CKR_KEY_NOT_WRAPPABLE));
    token.wrap(&kwp(), trusted, guarded).unwrap();

    let key = leaves(&token, &[]);
    token.wrap(&kwp(), own, key).unwrap();
    let foreign = Err(CKR_KEY_FUNCTION_NOT_PERMITTED);
    let value = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), bytes(CKA_VALUE, &[1; 32])];
    let closed = [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false), flag(CKA_WRAP, true)];
    let imported = token.create(&[&value[..], &closed].concat());
    let readable = token.aes(&[flag(CKA_WRAP, true), flag(CKA_SENSITIVE, false)]);
    let left_once = token.aes(&[flag(CKA_WRAP, true), flag(CKA_EXTRACTABLE, true)]);
    token.set(left_once, &[flag(CKA_EXTRACTABLE, false)]).unwrap();
    let base = token.aes(&[flag(CKA_DERIVE, true), flag(CKA_EXTRACTABLE, false)]);
    let asked = [number(CKA_KEY_TYPE, CKK_AES), number(CKA_VALUE_LEN, 32), flag(CKA_WRAP, true)];
    let derived = token.derive(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, &asked).unwrap().key;
    for wrapping in [imported, readable, left_once, derived] {
        assert_eq!(token.wrap(&kwp(), wrapping, key), foreign);
    }
    let (public, _) = token.rsa(3072, &[flag(CKA_WRAP, true)], &[]).unwrap();
    let (modulus, exponent) = (token.bytes(public, CKA_MODULUS), token.bytes(public, CKA_PUBLIC_EXPONENT));
    let brought = token.create(&[
        number(CKA_CLASS, CKO_PUBLIC_KEY),
        number(CKA_KEY_TYPE, CKK_RSA),
        bytes(CKA_MODULUS, &modulus),
        bytes(CKA_PUBLIC_EXPONENT, &exponent),
        flag(CKA_WRAP, true),
    ]);
    for wrapping in [public, brought] {
        assert_eq!(token.wrap(&call(CKM_RSA_PKCS_OAEP, oaep()), wrapping, key), foreign);
    }
    // Nobody but an officer trusts.
    assert_eq!(token.set(own, &[flag(CKA_TRUSTED, true)]), Err(CKR_ATTRIBUTE_READ_ONLY));
}

/// A9 ("Trojan wrapped key"): the attacker knows the value of what is unwrapped, and then wraps with it.
#[test]
fn a9_what_came_wrapped_wraps_nothing() {
    let token = strict();
    let demands = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), flag(CKA_DECRYPT, true)];
    let (public, private) =
        token.rsa(3072, &[], &[flag(CKA_UNWRAP, true), nested(CKA_UNWRAP_TEMPLATE, &demands)]).unwrap();
    // Whoever has the public key wraps, here the one who has an object of it for data.
    let outside = token.create(&[
        number(CKA_CLASS, CKO_PUBLIC_KEY),
        number(CKA_KEY_TYPE, CKK_RSA),
        bytes(CKA_MODULUS, &token.bytes(public, CKA_MODULUS)),
        bytes(CKA_PUBLIC_EXPONENT, &token.bytes(public, CKA_PUBLIC_EXPONENT)),
        flag(CKA_ENCRYPT, true),
    ]);
    let call = call(CKM_RSA_PKCS_OAEP, oaep());
    let blob = token.encrypt(&call, outside, &[7; 16]).unwrap();
    let key = token.unwrap(&call, private, &blob, &[]).unwrap();
    for flag in [Flag::Local, Flag::AlwaysSensitive, Flag::NeverExtractable, Flag::Trusted, Flag::Wrap] {
        assert!(!token.has(key, flag), "{flag:?}");
    }
    for use_ in [CKA_WRAP, CKA_UNWRAP] {
        assert_eq!(token.unwrap(&call, private, &blob, &[flag(use_, true)]), Err(CKR_TEMPLATE_INCONSISTENT));
        assert_eq!(token.set(key, &[flag(use_, true)]), Err(CKR_TEMPLATE_INCONSISTENT));
        assert_eq!(token.copy(key, &[flag(use_, true)]), Err(CKR_TEMPLATE_INCONSISTENT));
    }
    assert_eq!(token.set(key, &[flag(CKA_TRUSTED, true)]), Err(CKR_ATTRIBUTE_READ_ONLY));
}

/// A10 (Clulow 2003): a weaker key wraps a stronger one, which is then as weak (SP 800-57 part 1, table 2).
#[test]
fn a10_no_key_leaves_under_a_weaker_one() {
    let token = strict();
    let of =
        |bytes: u64, more: &[Entry]| token.generate(CKM_AES_KEY_GEN, &[&[number(CKA_VALUE_LEN, bytes)], more].concat());
    let open = LEAVES.map(|(attribute, value)| flag(attribute, value));
    for wrapping in [16, 24, 32] {
        let wraps = of(wrapping, &[flag(CKA_WRAP, true)]);
        for wrapped in [16, 24, 32] {
            let outcome = token.wrap(&kwp(), wraps, of(wrapped, &open)).map(|_| ());
            let expected = if wrapped > wrapping { Err(CKR_WRAPPING_KEY_SIZE_RANGE) } else { Ok(()) };
            assert_eq!(outcome, expected, "{wrapped} under {wrapping}");
        }
        let des3 = token.generate(CKM_DES3_KEY_GEN, &open);
        token.wrap(&kwp(), wraps, des3).unwrap();
    }
    // RSA of 3072 bits is as strong as AES of 128, and a key in between as weak as it is.
    let public = [flag(CKA_WRAP, true), flag(CKA_TOKEN, true), flag(CKA_PRIVATE, false)];
    let (rsa, _) = token.rsa(3072, &public, &[]).unwrap();
    let curve = [&public[..], &[bytes(CKA_EC_PARAMS, &[6, 5, 0x2b, 0x81, 4, 0, 34])]].concat();
    let (p384, _) = token.generated_pair(CKM_EC_KEY_PAIR_GEN, &curve, &[flag(CKA_UNWRAP, true)]).unwrap();
    token.trust(rsa);
    token.trust(p384);
    let hybrid = |key_bits| call(CKM_RSA_AES_KEY_WRAP, Parameter::RsaAes { key_bits, oaep: OAEP });
    let agreed = |key_bits| {
        let parameter = Parameter::Agreement { kdf: CKD_SHA256_KDF, shared: &[], public: &[], key_bits };
        call(CKM_ECDH_AES_KEY_WRAP, parameter)
    };
    let weak = Err(CKR_WRAPPING_KEY_SIZE_RANGE);
    let outcome = |call: &_, wrapping, bytes| token.wrap(call, wrapping, of(bytes, &open)).map(|_| ());
    for (call, wrapping, bytes, expected) in [
        (call(CKM_RSA_PKCS_OAEP, oaep()), rsa, 16, Ok(())),
        (call(CKM_RSA_PKCS_OAEP, oaep()), rsa, 32, weak),
        (hybrid(256), rsa, 16, Ok(())),
        (hybrid(256), rsa, 24, weak),
        (agreed(256), p384, 24, Ok(())),
        (agreed(256), p384, 32, weak),
        (agreed(128), p384, 24, weak),
    ] {
        assert_eq!(outcome(&call, wrapping, bytes), expected, "{call:?} {bytes}");
    }
}

/// A11 (Clulow 2003): blocks of a key that are changed, cut or put in another order, which ECB, CBC and 3DES do not
/// notice; and a key stream that two keys share (GCM, CCM with the caller's IV).
#[test]
fn a11_keys_leave_only_in_forms_made_for_keys() {
    let token = strict();
    let (wrapping, key) = (token.aes(&[flag(CKA_WRAP, true), unwraps_aes(CKA_DECRYPT)]), leaves(&token, &[]));
    let open = LEAVES.map(|(attribute, value)| flag(attribute, value));
    let des3 = token.generate(CKM_DES3_KEY_GEN, &[flag(CKA_WRAP, true)]);
    let halves = token.generate(CKM_DES3_KEY_GEN, &open);
    let (rsa, _) = token.rsa(2048, &[flag(CKA_WRAP, true)], &[]).unwrap();
    for (call, wrapping, key) in [
        (plain(CKM_AES_ECB), wrapping, key),
        (call(CKM_AES_CBC, Parameter::Bytes(&[0; 16])), wrapping, key),
        (call(CKM_AES_CBC_PAD, Parameter::Bytes(&[0; 16])), wrapping, key),
        (call(CKM_AES_GCM, Parameter::Gcm { iv: &[0; 12], aad: &[], tag_bits: 128 }), wrapping, key),
        (call(CKM_AES_CCM, Parameter::Ccm { data_bytes: 32, nonce: &[0; 12], aad: &[], mac_bytes: 16 }), wrapping, key),
        (plain(CKM_DES3_ECB), des3, halves),
        (call(CKM_DES3_CBC, Parameter::Bytes(&[0; 8])), des3, halves),
        (call(CKM_DES3_CBC_PAD, Parameter::Bytes(&[0; 8])), des3, halves),
        (plain(CKM_RSA_PKCS), rsa, key),
        (plain(CKM_RSA_X_509), rsa, key),
    ] {
        assert_eq!(token.wrap(&call, wrapping, key), Err(CKR_MECHANISM_INVALID), "{call:?}");
        assert_eq!(token.unwrap(&call, wrapping, &[1; 48], &[]), Err(CKR_MECHANISM_INVALID), "{call:?}");
    }
    // What is left notices every change.
    for call in [plain(CKM_AES_KEY_WRAP), kwp()] {
        let blob = token.wrap(&call, wrapping, key).unwrap();
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            assert_eq!(token.unwrap(&call, wrapping, &changed, &[]), Err(CKR_WRAPPED_KEY_INVALID));
        }
        token.unwrap(&call, wrapping, &blob, &[]).unwrap();
    }
}

/// A12 (Clulow 2003; Boneh, DeMillo, Lipton 1997): a wrapped private key that is changed gives one that signs wrongly,
/// and a wrong RSA signature by the CRT gives the primes. A changed one does not come in, nor one whose parts do not
/// belong together; the result of the CRT is checked by the library.
#[test]
fn a12_a_changed_private_key_does_not_come_in() {
    let token = strict();
    let rsa = [number(CKA_CLASS, CKO_PRIVATE_KEY), number(CKA_KEY_TYPE, CKK_RSA), flag(CKA_SIGN, true)];
    let wrapping = token.aes(&[flag(CKA_WRAP, true), nested(CKA_UNWRAP_TEMPLATE, &rsa)]);
    let leaves = [flag(CKA_EXTRACTABLE, true), flag(CKA_WRAP_WITH_TRUSTED, false), flag(CKA_SENSITIVE, false)];
    let (public, private) = token.rsa(2048, &[], &leaves).unwrap();
    let blob = token.wrap(&kwp(), wrapping, private).unwrap();
    for at in (0..blob.len()).step_by(7) {
        let mut changed = blob.clone();
        changed[at] ^= 0x10;
        assert_eq!(token.unwrap(&kwp(), wrapping, &changed, &[]), Err(CKR_WRAPPED_KEY_INVALID), "{at}");
    }
    let back = token.unwrap(&kwp(), wrapping, &blob, &[]).unwrap();
    let signs = plain(CKM_SHA256_RSA_PKCS);
    token.verify(&signs, public, b"data", &token.sign(&signs, back, b"data").unwrap()).unwrap();
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
    let whole: Vec<(u64, Vec<u8>)> = parts.iter().map(|part| (*part, token.bytes(private, *part))).collect();
    let import = |parts: &[(u64, Vec<u8>)]| {
        let own = [number(CKA_CLASS, CKO_PRIVATE_KEY), number(CKA_KEY_TYPE, CKK_RSA)];
        let parts: Vec<Entry> = parts.iter().map(|(part, value)| bytes(*part, value)).collect();
        token.made(&[&own[..], &parts].concat())
    };
    import(&whole).unwrap();
    for at in 0..parts.len() {
        let mut wrong = whole.clone();
        let last = wrong[at].1.len() - 1;
        wrong[at].1[last] ^= 4;
        assert_eq!(import(&wrong), Err(CKR_ATTRIBUTE_VALUE_INVALID), "{:#x}", parts[at]);
    }
}
