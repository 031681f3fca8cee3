//! What is derived is no more open than what it comes from: for every derivation of the catalogue.

use cryptoki_sys::*;
use strongroom_core::attribute::Flag;
use strongroom_core::mechanism::{
    CATALOGUE, CipherMode, CounterFormat, Derivation, Hkdf, Ike, Kdf108, Kdf108Field, Kdf108Parameter, Mechanism,
    Parameter, TlsRandom, Work,
};
use strongroom_crypto::dh::{KnownGroup, Parameters};

use crate::fixture::*;

const RANDOM: TlsRandom<'static> = TlsRandom { client: &[1; 32], server: &[2; 32] };

pub(crate) fn derivations() -> impl Iterator<Item = (&'static Mechanism, &'static [u64], Derivation)> {
    CATALOGUE.iter().filter_map(|mechanism| match mechanism.work {
        Work::Derive { derivation: Derivation::Pbkdf2 | Derivation::PublicFromPrivate, .. } => None,
        Work::Derive { key_types, derivation } => Some((mechanism, key_types, derivation)),
        _ => None,
    })
}

pub(crate) fn is_agreement(derivation: Derivation) -> bool {
    matches!(derivation, Derivation::Ecdh | Derivation::Dh | Derivation::X942Dh)
}

/// A parameter that works, with `other` wherever a second key can go in.
fn parameter(derivation: Derivation, other: Option<u64>) -> Parameter<'static> {
    let key = other.unwrap_or_default();
    match derivation {
        Derivation::ConcatenateKey => Parameter::Key(key),
        Derivation::ConcatenateData | Derivation::ConcatenateBefore | Derivation::Xor => Parameter::Bytes(&[5; 48]),
        Derivation::Extract => Parameter::Extract(3),
        Derivation::Hash(_) => Parameter::None,
        Derivation::Encrypt(CipherMode::Ecb) => Parameter::Bytes(&[5; 16]),
        Derivation::Encrypt(_) => panic!("by the length of its IV"),
        Derivation::Hkdf | Derivation::HkdfData => Parameter::Hkdf(Hkdf {
            extract: true,
            expand: true,
            hash: CKM_SHA256,
            salt_type: if other.is_some() { CKF_HKDF_SALT_KEY } else { CKF_HKDF_SALT_NULL },
            salt: &[],
            salt_key: key,
            info: b"info",
        }),
        Derivation::Kdf108(mode) => {
            let format = CounterFormat { little_endian: false, bits: 32 };
            let mut fields = vec![Kdf108Field::Iteration((mode == Kdf108::Counter).then_some(format))];
            fields.extend(other.map(Kdf108Field::Key));
            Parameter::Kdf108(Box::new(Kdf108Parameter {
                prf: CKM_SHA256_HMAC,
                fields,
                iv: &[],
                additional: Vec::new(),
            }))
        }
        Derivation::TlsMaster { .. } => Parameter::TlsMaster { hash: CKM_SHA256, random: RANDOM },
        Derivation::TlsExtendedMaster { .. } => {
            Parameter::TlsExtendedMaster { hash: CKM_SHA256, session_hash: b"hash" }
        }
        Derivation::TlsKeys { .. } => Parameter::TlsKeys {
            hash: CKM_SHA256,
            random: RANDOM,
            mac_bits: 128,
            key_bits: 128,
            iv_bits: 0,
            export: false,
        },
        Derivation::TlsKdf => Parameter::TlsKdf { hash: CKM_SHA256, label: b"label", random: RANDOM, context: None },
        Derivation::Ike2PrfPlus => {
            Parameter::Ike(Ike::Prf2Plus { prf: CKM_SHA256_HMAC, seed_key: other, seed: b"seed" })
        }
        Derivation::IkePrf => Parameter::Ike(Ike::Prf {
            prf: CKM_SHA256_HMAC,
            data_as_key: false,
            rekey: other.is_some(),
            initiator: b"ni",
            responder: b"nr",
            new_key: key,
        }),
        Derivation::Ike1Prf => Parameter::Ike(Ike::Prf1 {
            prf: CKM_SHA256_HMAC,
            previous: other,
            shared: key,
            initiator: b"i",
            responder: b"r",
            number: 0,
        }),
        Derivation::Ike1Extended => {
            Parameter::Ike(Ike::Extended1 { prf: CKM_SHA256_HMAC, shared: other, extra: b"extra" })
        }
        Derivation::Ecdh | Derivation::Dh | Derivation::X942Dh | Derivation::Pbkdf2 | Derivation::PublicFromPrivate => {
            panic!("not from secret keys")
        }
    }
}

pub(crate) fn parameter_of(mechanism: &Mechanism, derivation: Derivation, other: Option<u64>) -> Parameter<'static> {
    match (derivation, mechanism.id) {
        (Derivation::Encrypt(CipherMode::Cbc), CKM_AES_CBC_ENCRYPT_DATA) => {
            Parameter::EncryptData { iv: &[1; 16], data: &[5; 16] }
        }
        (Derivation::Encrypt(CipherMode::Cbc), _) => Parameter::EncryptData { iv: &[1; 8], data: &[5; 16] },
        _ => parameter(derivation, other),
    }
}

/// Whether another key goes in besides the base key, or can.
fn takes_another(derivation: Derivation) -> bool {
    matches!(
        derivation,
        Derivation::ConcatenateKey
            | Derivation::Hkdf
            | Derivation::Kdf108(_)
            | Derivation::Ike2PrfPlus
            | Derivation::IkePrf
            | Derivation::Ike1Prf
            | Derivation::Ike1Extended
    )
}

/// A new template of the length that fits them all.
fn wanted(derivation: Derivation, more: &[Entry]) -> Vec<Entry> {
    let own: &[Entry] = match derivation {
        Derivation::TlsMaster { .. } | Derivation::TlsExtendedMaster { .. } => &[],
        Derivation::IkePrf => &[],
        // As long as all that goes in.
        Derivation::ConcatenateKey | Derivation::ConcatenateData | Derivation::ConcatenateBefore | Derivation::Xor => {
            &[number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)]
        }
        _ => &[number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 16)],
    };
    [own, more].concat()
}

/// A base key of the type, generated: it was always secret.
fn generated(token: &Token, key_types: &[u64], more: &[Entry]) -> u64 {
    let own = |length: &[Entry]| [length, &[flag(CKA_DERIVE, true)], more].concat();
    match key_types.first() {
        None | Some(&CKK_GENERIC_SECRET) => {
            token.generate(CKM_GENERIC_SECRET_KEY_GEN, &own(&[number(CKA_VALUE_LEN, 48)]))
        }
        Some(&CKK_HKDF) => token.generate(CKM_HKDF_KEY_GEN, &own(&[number(CKA_VALUE_LEN, 48)])),
        Some(&CKK_AES) => token.generate(CKM_AES_KEY_GEN, &own(&[number(CKA_VALUE_LEN, 16)])),
        Some(&CKK_DES) => token.generate(CKM_DES_KEY_GEN, &own(&[])),
        Some(&CKK_DES3) => token.generate(CKM_DES3_KEY_GEN, &own(&[])),
        other => panic!("{other:?}"),
    }
}

fn made_for(mechanism: &Mechanism) -> Entry {
    numbers(CKA_ALLOWED_MECHANISMS, &[mechanism.id])
}

/// What a key says of the mechanisms it is for: this one, or nothing where that is enough.
fn purposes(mechanism: &Mechanism, derivation: Derivation) -> Vec<Vec<Entry>> {
    match derivation {
        Derivation::Extract
        | Derivation::ConcatenateKey
        | Derivation::ConcatenateData
        | Derivation::ConcatenateBefore
        | Derivation::Xor => vec![vec![made_for(mechanism)]],
        _ => vec![vec![made_for(mechanism)], Vec::new()],
    }
}

/// The handles of all keys made.
fn made(token: &Token, mechanism: &Mechanism, parameter: Parameter<'_>, base: u64, entries: &[Entry]) -> Vec<u64> {
    let derived =
        token.derive(mechanism.id, parameter, base, entries).unwrap_or_else(|error| panic!("{mechanism}: {error}"));
    match derived.tls {
        Some(keys) => vec![keys.client_mac, keys.server_mac, keys.client_key, keys.server_key],
        None => [&[derived.key][..], &derived.additional].concat(),
    }
}

#[test]
fn a_template_cannot_ask_for_less_secrecy_than_the_base_key_has() {
    let token = token();
    let mut count = 0;
    for (mechanism, key_types, derivation) in derivations() {
        if is_agreement(derivation) || derivation == Derivation::HkdfData {
            continue;
        }
        count += 1;
        let other = (derivation == Derivation::ConcatenateKey || derivation == Derivation::Ike1Prf)
            .then(|| token.generic(&[8; 16]));
        let cases = [
            ([flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true)], vec![flag(CKA_SENSITIVE, false)]),
            ([flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, false)], vec![flag(CKA_EXTRACTABLE, true)]),
        ];
        let purposes = purposes(mechanism, derivation);
        for ((base, less), purpose) in cases.iter().flat_map(|case| purposes.iter().map(move |own| (case, own))) {
            let base = generated(&token, key_types, &[&base[..], purpose].concat());
            let entries = wanted(derivation, less);
            let refusal = token.refusal(mechanism.id, parameter_of(mechanism, derivation, other), base, &entries);
            assert_eq!(refusal, CKR_TEMPLATE_INCONSISTENT, "{mechanism}");
            let parameter = parameter_of(mechanism, derivation, other);
            for key in made(&token, mechanism, parameter, base, &wanted(derivation, &[])) {
                let (sensitive, extractable) = (token.has(base, Flag::Sensitive), token.has(base, Flag::Extractable));
                assert!(token.has(key, Flag::Sensitive) || !sensitive, "{mechanism}");
                assert!(!token.has(key, Flag::Extractable) || extractable, "{mechanism}");
            }
        }
    }
    assert_eq!(count, 40);
}

#[test]
fn what_always_was_secret_still_was_and_what_was_not_was_not() {
    let token = token();
    for (mechanism, key_types, derivation) in derivations() {
        if is_agreement(derivation) || derivation == Derivation::HkdfData {
            continue;
        }
        let other = |length| {
            let own = [number(CKA_VALUE_LEN, length), flag(CKA_DERIVE, true), made_for(mechanism)];
            token.generate(CKM_GENERIC_SECRET_KEY_GEN, &own)
        };
        let needs = derivation == Derivation::ConcatenateKey || derivation == Derivation::Ike1Prf;
        let other = needs.then(|| other(16));
        let copied = |own: &[Entry]| match key_types.first() {
            None | Some(&CKK_GENERIC_SECRET) => token.secret(CKK_GENERIC_SECRET, &[3; 48], own),
            Some(&CKK_DES) => token.secret(CKK_DES, &[1; 8], own),
            Some(&CKK_DES3) => token.secret(CKK_DES3, &[1; 24], own),
            Some(key_type) => token.secret(*key_type, &[3; 32], own),
        };
        let purposes = purposes(mechanism, derivation);
        let bases = purposes.iter().flat_map(|own| [(generated(&token, key_types, own), true), (copied(own), false)]);
        for (base, always) in bases {
            let parameter = parameter_of(mechanism, derivation, other);
            for key in made(&token, mechanism, parameter, base, &wanted(derivation, &[])) {
                assert!(token.has(key, Flag::Sensitive) && !token.has(key, Flag::Extractable), "{mechanism}");
                assert_eq!(token.has(key, Flag::AlwaysSensitive), always, "{mechanism}");
                assert_eq!(token.has(key, Flag::NeverExtractable), always, "{mechanism}");
                assert!(!token.has(key, Flag::Local), "{mechanism}");
            }
        }
    }
}

#[test]
fn another_key_that_goes_in_counts_as_much_as_the_base_key() {
    let token = token();
    let mut count = 0;
    for (mechanism, key_types, derivation) in derivations().filter(|(_, _, derivation)| takes_another(*derivation)) {
        count += 1;
        let open_base = generated(&token, key_types, &open());
        for less in [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)] {
            let other = token.secret(CKK_GENERIC_SECRET, &[8; 16], &[made_for(mechanism)]);
            let entries = wanted(derivation, &[less]);
            let refusal =
                token.refusal(mechanism.id, parameter_of(mechanism, derivation, Some(other)), open_base, &entries);
            assert_eq!(refusal, CKR_TEMPLATE_INCONSISTENT, "{mechanism}");
        }
        let open_other = token.generic(&[8; 16]);
        let entries = wanted(derivation, &open());
        made(&token, mechanism, parameter_of(mechanism, derivation, Some(open_other)), open_base, &entries);
        // All must always have been secret.
        let base = generated(&token, key_types, &[made_for(mechanism)]);
        let other = token.secret(CKK_GENERIC_SECRET, &[8; 16], &[made_for(mechanism)]);
        let parameter = parameter_of(mechanism, derivation, Some(other));
        for key in made(&token, mechanism, parameter, base, &wanted(derivation, &[])) {
            assert!(!token.has(key, Flag::AlwaysSensitive) && !token.has(key, Flag::NeverExtractable), "{mechanism}");
        }
        // What it may not do, and what it demands, holds for it too.
        let idle = token.secret(CKK_GENERIC_SECRET, &[8; 16], &[made_for(mechanism)]);
        token.session.set_attributes(idle, &template(&[flag(CKA_DERIVE, false)])).unwrap();
        let parameter = parameter_of(mechanism, derivation, Some(idle));
        let refusal = token.refusal(mechanism.id, parameter, base, &wanted(derivation, &[]));
        assert_eq!(refusal, CKR_KEY_FUNCTION_NOT_PERMITTED, "{mechanism}");
        let demands = nested(CKA_DERIVE_TEMPLATE, &[bytes(CKA_LABEL, b"demanded")]);
        let demanding = token.secret(CKK_GENERIC_SECRET, &[8; 16], &[demands, made_for(mechanism)]);
        let parameter = parameter_of(mechanism, derivation, Some(demanding));
        for key in made(&token, mechanism, parameter, base, &wanted(derivation, &[])) {
            assert_eq!(token.bytes(key, CKA_LABEL), b"demanded", "{mechanism}");
        }
    }
    assert_eq!(count, 9);
}

/// A pair whose private key may derive, and the parameter with the public half of another pair.
fn agreement(token: &Token, derivation: Derivation, private: &[Entry]) -> (u64, Parameter<'static>) {
    let group = Parameters::of(KnownGroup::Ffdhe2048).unwrap();
    let mut public = vec![bytes(CKA_PRIME, &group.p().unwrap()), bytes(CKA_BASE, &[2])];
    let (generate, value) = match derivation {
        Derivation::Dh => (CKM_DH_PKCS_KEY_PAIR_GEN, CKA_VALUE),
        Derivation::X942Dh => {
            public.push(bytes(CKA_SUBPRIME, &group.q().unwrap().unwrap()));
            (CKM_X9_42_DH_KEY_PAIR_GEN, CKA_VALUE)
        }
        _ => {
            public = vec![bytes(CKA_EC_PARAMS, strongroom_crypto::ec::Curve::P256.oid())];
            (CKM_EC_KEY_PAIR_GEN, CKA_EC_POINT)
        }
    };
    let (_, own) = token.pair(generate, &public, private);
    let (peer, _) = token.pair(generate, &public, &[]);
    let peer: &'static [u8] = Box::leak(token.bytes(peer, value).into_boxed_slice());
    let parameter = match derivation {
        Derivation::Dh => Parameter::Bytes(peer),
        _ => Parameter::Agreement { kdf: CKD_NULL, shared: &[], public: peer, key_bits: 0 },
    };
    (own, parameter)
}

#[test]
fn an_agreed_key_is_as_open_as_the_template_says_and_remembers() {
    let token = token();
    for (mechanism, _, derivation) in derivations().filter(|(_, _, derivation)| is_agreement(*derivation)) {
        let (secret, parameter) = agreement(&token, derivation, &[]);
        assert!(token.has(secret, Flag::AlwaysSensitive) && token.has(secret, Flag::NeverExtractable));
        let keys = |base, entries: &[Entry]| made(&token, mechanism, parameter.clone(), base, entries);
        for key in keys(secret, &open()) {
            assert!(!token.has(key, Flag::Sensitive) && token.has(key, Flag::Extractable), "{mechanism}");
            assert!(!token.has(key, Flag::AlwaysSensitive) && !token.has(key, Flag::NeverExtractable), "{mechanism}");
        }
        for key in keys(secret, &[]) {
            assert!(token.has(key, Flag::AlwaysSensitive) && token.has(key, Flag::NeverExtractable), "{mechanism}");
        }
        let (plain, parameter) = agreement(&token, derivation, &open());
        for key in made(&token, mechanism, parameter, plain, &[]) {
            assert!(token.has(key, Flag::Sensitive) && !token.has(key, Flag::AlwaysSensitive), "{mechanism}");
            assert!(!token.has(key, Flag::Extractable) && !token.has(key, Flag::NeverExtractable), "{mechanism}");
        }
    }
}

#[test]
fn a_sensitive_key_becomes_data_only_where_its_maker_said_so() {
    let token = token();
    let object = [number(CKA_CLASS, CKO_DATA), number(CKA_VALUE_LEN, 16)];
    let refusal = |base, salt| token.refusal(CKM_HKDF_DATA, parameter(Derivation::HkdfData, salt), base, &object);
    let key = |more: &[Entry]| token.secret(CKK_HKDF, &[3; 32], more);
    let (plain, secret) = (key(&open()), key(&[]));
    assert_eq!(refusal(plain, None), CKR_OK);
    assert_eq!(refusal(secret, None), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(refusal(plain, Some(secret)), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(refusal(key(&[flag(CKA_SENSITIVE, false)]), None), CKR_TEMPLATE_INCONSISTENT);
    let said = key(&[numbers(CKA_ALLOWED_MECHANISMS, &[CKM_HKDF_DATA])]);
    assert_eq!(refusal(said, None), CKR_OK);
    assert_eq!(refusal(said, Some(secret)), CKR_TEMPLATE_INCONSISTENT);
    // What the key demands of others no data object has.
    let demanding = key(&open_and(&[nested(CKA_DERIVE_TEMPLATE, &[flag(CKA_EXTRACTABLE, false)])]));
    assert_eq!(refusal(demanding, None), CKR_TEMPLATE_INCONSISTENT);
    let data = |more: &[Entry]| {
        let entries = [&[number(CKA_VALUE_LEN, 16)], more].concat();
        token.refusal(CKM_HKDF_DATA, parameter(Derivation::HkdfData, None), plain, &entries)
    };
    assert_eq!(data(&[]), CKR_OK);
    assert_eq!(data(&[number(CKA_CLASS, CKO_SECRET_KEY)]), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(data(&[bytes(CKA_VALUE, b"own")]), CKR_ATTRIBUTE_READ_ONLY);
}
