//! No key that is given away for a confidential one shows a part of it: for every derivation of the catalogue, with the
//! parameters that change least.

use cryptoki_sys::*;
use strongroom_core::mechanism::{CATALOGUE, Derivation, Ike, Parameter, Work};

use crate::fixture::*;
use crate::inheritance::{derivations, is_agreement, parameter_of};

/// Bytes that a derived key and its base key may share by chance.
const CHANCE: usize = 4;

/// Of every type that a derivation takes; odd parity, as DES keys have it.
fn bases() -> [(u64, &'static [u8]); 5] {
    const BYTES: &[u8; 48] = &[
        0x01, 0x02, 0x04, 0x07, 0x08, 0x0b, 0x0d, 0x0e, 0x10, 0x13, 0x15, 0x16, 0x19, 0x1a, 0x1c, 0x1f, 0x20, 0x23,
        0x25, 0x26, 0x29, 0x2a, 0x2c, 0x2f, 0x31, 0x32, 0x34, 0x37, 0x38, 0x3b, 0x3d, 0x3e, 0x40, 0x43, 0x45, 0x46,
        0x49, 0x4a, 0x4c, 0x4f, 0x51, 0x52, 0x54, 0x57, 0x58, 0x5b, 0x5d, 0x5e,
    ];
    [
        (CKK_GENERIC_SECRET, BYTES),
        (CKK_HKDF, BYTES),
        (CKK_AES, &BYTES[..32]),
        (CKK_DES3, &BYTES[..24]),
        (CKK_DES, &BYTES[..8]),
    ]
}

/// Parameters with as little data of their own as the mechanism takes, and the usual ones.
fn parameters(mechanism: u64, derivation: Derivation, other: u64) -> Vec<Parameter<'static>> {
    let mut all = match derivation {
        Derivation::ConcatenateData | Derivation::ConcatenateBefore => {
            vec![Parameter::Bytes(&[]), Parameter::Bytes(&[0; 1]), Parameter::Bytes(&[0; 15])]
        }
        Derivation::Xor => [1, 8, 16, 24, 31, 32, 48].map(|bytes| Parameter::Bytes(&[0; 48][..bytes])).to_vec(),
        Derivation::Extract => [0, 8, 128].map(Parameter::Extract).to_vec(),
        Derivation::Ike1Extended => [CKM_SHA_1_HMAC, CKM_SHA384_HMAC, CKM_SHA512_HMAC]
            .map(|prf| Parameter::Ike(Ike::Extended1 { prf, shared: None, extra: &[] }))
            .to_vec(),
        Derivation::Ike2PrfPlus => {
            vec![Parameter::Ike(Ike::Prf2Plus { prf: CKM_SHA256_HMAC, seed_key: None, seed: b"" })]
        }
        _ => Vec::new(),
    };
    let row = CATALOGUE.iter().find(|row| row.id == mechanism).unwrap();
    let needs = matches!(derivation, Derivation::ConcatenateKey | Derivation::Ike1Prf);
    all.push(parameter_of(row, derivation, needs.then_some(other)));
    all
}

/// What a caller may ask for: every type of key, and every length where it is free.
fn wanted() -> Vec<Vec<Entry>> {
    let fixed = [CKK_DES, CKK_DES2, CKK_DES3].map(|key_type| vec![number(CKA_KEY_TYPE, key_type)]);
    let free = [CKK_GENERIC_SECRET, CKK_AES, CKK_RC4, CKK_SHA256_HMAC, CKK_HKDF];
    let sized = free.into_iter().flat_map(|key_type| {
        (1..=56).map(move |bytes| vec![number(CKA_KEY_TYPE, key_type), number(CKA_VALUE_LEN, bytes)])
    });
    let silent = free.map(|key_type| vec![number(CKA_KEY_TYPE, key_type)]);
    fixed.into_iter().chain(sized).chain(silent).collect()
}

/// The most bytes of `base` that follow one another in `value` too.
fn shared(base: &[u8], value: &[u8]) -> usize {
    (1..=base.len().min(value.len()))
        .rev()
        .find(|bytes| base.windows(*bytes).any(|part| value.windows(*bytes).any(|own| own == part)))
        .unwrap_or_default()
}

#[test]
fn no_derivation_of_a_confidential_key_gives_a_part_of_it() {
    let token = token();
    let (mut given, mut cut) = (0, 0);
    for (mechanism, key_types, derivation) in derivations() {
        if is_agreement(derivation) || derivation == Derivation::HkdfData {
            continue;
        }
        let any = key_types.is_empty() || key_types.contains(&CKK_GENERIC_SECRET);
        let types = bases().into_iter().filter(|(own, _)| key_types.contains(own) || (any && key_types.is_empty()));
        for (key_type, base_value) in types {
            let closed = token.secret(key_type, base_value, &[]);
            let twin = token.secret(key_type, base_value, &open());
            let other = token.generic(&[0xf1; 16]);
            for parameter in parameters(mechanism.id, derivation, other) {
                for asked in wanted() {
                    if token.refusal(mechanism.id, parameter.clone(), closed, &asked) != CKR_OK {
                        continue;
                    }
                    given += 1;
                    let derived = token.derive(mechanism.id, parameter.clone(), twin, &open_and(&asked)).unwrap();
                    let key = derived.tls.map_or(derived.key, |keys| keys.client_key);
                    let (value, own_type) = (token.value(key), token.number(key, CKA_KEY_TYPE));
                    let part = shared(base_value, &value);
                    // IKE cuts cipher keys out of SKEYID_e (RFC 2409, appendix B), as long as a hash.
                    let ike = derivation == Derivation::Ike1Extended && own_type == CKK_AES;
                    assert!(part < CHANCE || ike, "{mechanism}: {part} bytes of {value:02x?}");
                    cut += usize::from(ike && part >= CHANCE);
                }
            }
        }
    }
    assert!(given > 1000 && cut > 0, "{given} keys, {cut} cut out of the base key");
}

/// A key of few bytes says them all by its check value.
#[test]
fn no_derivation_of_a_confidential_key_gives_a_short_key() {
    let token = token();
    let mut refused = 0;
    for mechanism in CATALOGUE {
        let Work::Derive { key_types, derivation } = mechanism.work else { continue };
        if is_agreement(derivation)
            || matches!(derivation, Derivation::HkdfData | Derivation::Pbkdf2 | Derivation::PublicFromPrivate)
        {
            continue;
        }
        for (key_type, value) in bases().into_iter().filter(|(own, _)| key_types.is_empty() || key_types.contains(own))
        {
            let other = token.generic(&[0xf1; 16]);
            let refusals = |base: u64| -> usize {
                let all = parameters(mechanism.id, derivation, other);
                let asked =
                    [1, 7, 15].map(|bytes| [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, bytes)]);
                let answers = all.iter().flat_map(|parameter| {
                    asked.iter().map(|asked| token.refusal(mechanism.id, parameter.clone(), base, asked))
                });
                answers.filter(|answer| *answer != CKR_OK).count()
            };
            let least = if value.len() == 8 { 2 } else { 3 } * parameters(mechanism.id, derivation, other).len();
            let count = refusals(token.secret(key_type, value, &[]));
            assert!(count >= least, "{mechanism} of {key_type:#x}: {count} of {least} refused");
            refused += count;
        }
    }
    assert!(refused > 300, "{refused}");
}
