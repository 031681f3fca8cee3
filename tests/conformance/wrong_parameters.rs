//! Parameters that are wrong for a mechanism: missing, of another length, with values out of range.

use cryptoki_sys::*;

use crate::parameters::{Hkdf, Ike1Prf, IkePrf, Kdf108, Kdf108Field, Oaep, Parameter, Place, TlsKeys};
use crate::samples::{Bench, Kind, Sample, Use};

/// Bytes of every length but those.
fn lens(except: &[usize]) -> Vec<Parameter> {
    let lens = [0, 1, 7, 8, 9, 12, 15, 16, 17, 24, 32, 40, 48, 56, 64, 72, 80];
    lens.into_iter().filter(|len| !except.contains(len)).map(|len| Parameter::Bytes(vec![0; len])).collect()
}

/// Who verifies makes nothing random: the variant counts for signatures only.
fn hedges(work: Use) -> bool {
    matches!(work, Use::Sign | Use::MessageSign)
}

/// Parameters that are wrong for this use of the mechanism with the keys of `bench`.
pub(crate) fn wrong_parameters(bench: &Bench, sample: &Sample, work: Use) -> Vec<Parameter> {
    match bench.mechanism(sample, work).parameter {
        Parameter::None if matches!(sample.kind, Kind::KeyWrap) => {
            match sample.id {
                CKM_AES_KEY_WRAP | CKM_AES_KEY_WRAP_PKCS7 => lens(&[0, 8]),
                CKM_AES_KEY_WRAP_PAD | CKM_AES_KEY_WRAP_KWP => lens(&[0, 4]),
                // CloudHSM's take no initial value.
                _ => lens(&[0]),
            }
        }
        Parameter::None => lens(&[0]),
        // A public value that is none is an error of its own.
        Parameter::Bytes(_) if sample.id == CKM_DH_PKCS_DERIVE => Vec::new(),
        Parameter::Bytes(iv) => lens(&[iv.len()]).into_iter().chain([Parameter::None]).collect(),
        Parameter::Ctr { block, .. } => {
            let bits = [0, 129, 1 << 32, !0].map(|bits| Parameter::Ctr { bits, block });
            lens(&[24]).into_iter().chain(bits).chain([Parameter::None]).collect()
        }
        Parameter::MacLength(_) => {
            let Kind::Mac { longest: Some(longest), .. } = sample.kind else { panic!("{}", sample.name) };
            let lengths = [0, longest as CK_ULONG + 1, 1 << 32, !0].map(Parameter::MacLength);
            lens(&[8]).into_iter().chain(lengths).chain([Parameter::None]).collect()
        }
        Parameter::Gcm { iv, aad, tag_bits } => gcm(&iv, &aad, tag_bits),
        Parameter::Ccm { data_len, nonce, aad, mac_len } => ccm(data_len, &nonce, &aad, mac_len, work),
        Parameter::ChaCha20 { .. } => chacha20(),
        Parameter::Poly1305 { aad, .. } => {
            let nonces =
                [0, 1, 7, 11, 13, 16, 24].map(|len| Parameter::Poly1305 { nonce: vec![0; len], aad: aad.clone() });
            lens(&[32]).into_iter().chain(nonces).chain([Parameter::None]).collect()
        }
        Parameter::Pss { hash, mgf, salt_len } => {
            let pss = |hash, mgf, salt_len| Parameter::Pss { hash, mgf, salt_len };
            let mut bad = lens(&[24]);
            bad.extend([0, CKM_AES_CBC, CKM_RSA_PKCS, !0].map(|other| pss(other, mgf, salt_len)));
            bad.extend([0, 10, 1 << 32, !0].map(|other| pss(hash, other, salt_len)));
            // More salt than the modulus of 2048 bits has room for.
            bad.extend([256, 1 << 32, !0].map(|other| pss(hash, mgf, other)));
            if sample.id != CKM_RSA_PKCS_PSS {
                let other = if hash == CKM_SHA384 { CKM_SHA512 } else { CKM_SHA384 };
                bad.push(pss(other, mgf, salt_len));
            }
            bad.push(Parameter::None);
            bad
        }
        Parameter::Oaep(good) => {
            let bad = bad_oaep(&good).into_iter().map(Parameter::Oaep);
            lens(&[40]).into_iter().chain(bad).chain([Parameter::None]).collect()
        }
        Parameter::RsaAes { key_bits, oaep } => {
            let good = oaep.expect("a good parameter");
            let mut bad = lens(&[16]);
            bad.extend(bad_oaep(&good).into_iter().map(|oaep| Parameter::RsaAes { key_bits, oaep: Some(oaep) }));
            bad.extend(AES_BITS.map(|key_bits| Parameter::RsaAes { key_bits, oaep: Some(good.clone()) }));
            bad.extend([Parameter::RsaAes { key_bits, oaep: None }, Parameter::None]);
            bad
        }
        Parameter::EcdhAes { key_bits, kdf, shared } => {
            let mut bad = lens(&[32]);
            bad.extend(AES_BITS.map(|key_bits| Parameter::EcdhAes { key_bits, kdf, shared: shared.clone() }));
            bad.extend(KDFS.map(|kdf| Parameter::EcdhAes { key_bits, kdf, shared: shared.clone() }));
            bad.push(Parameter::None);
            bad
        }
        Parameter::EdDsa { .. } => {
            let long = [256, 1000].map(|len| Parameter::EdDsa { prehash: false, context: vec![0; len] });
            lens(&[0, 24]).into_iter().chain(long).collect()
        }
        Parameter::SignContext { hedge, .. } => {
            let mut bad = lens(&[0, 24]);
            bad.extend([256, 1000].map(|len| Parameter::SignContext { hedge, context: vec![0; len] }));
            if hedges(work) {
                bad.extend([3, 1 << 32, !0].map(|hedge| Parameter::SignContext { hedge, context: Vec::new() }));
            }
            bad
        }
        Parameter::HashSignContext { hedge, hash, .. } => {
            let context = |hedge, len, hash| Parameter::HashSignContext { hedge, context: vec![0; len], hash };
            let mut bad = lens(&[32]);
            bad.extend([256, 1000].map(|len| context(hedge, len, hash)));
            if hedges(work) {
                bad.extend([3, 1 << 32, !0].map(|hedge| context(hedge, 0, hash)));
            }
            bad.extend([0, CKM_AES_CBC, CKM_SHA256_HMAC, !0].map(|hash| context(hedge, 0, hash)));
            bad.push(Parameter::None);
            bad
        }
        Parameter::TlsMac { hash, mac_len, server_or_client } => {
            let mac = |hash, mac_len, server_or_client| Parameter::TlsMac { hash, mac_len, server_or_client };
            let mut bad = lens(&[24]);
            bad.extend([0, CKM_AES_CBC, !0].map(|hash| mac(hash, mac_len, server_or_client)));
            bad.extend([0, 1 << 32, !0].map(|mac_len| mac(hash, mac_len, server_or_client)));
            bad.extend([0, 3, !0].map(|who| mac(hash, mac_len, who)));
            bad.push(Parameter::None);
            bad
        }
        Parameter::Pbkdf2(good) => {
            let mut bad = lens(&[72]);
            let mut change = |change: &dyn Fn(&mut crate::parameters::Pbkdf2)| {
                let mut other = good.clone();
                change(&mut other);
                bad.push(Parameter::Pbkdf2(other));
            };
            for other in [0, 2, !0] {
                change(&|pbkdf2| pbkdf2.salt_source = other);
            }
            for other in [0, 2, 9, !0] {
                change(&|pbkdf2| pbkdf2.prf = other);
            }
            for other in [0, !0] {
                change(&|pbkdf2| pbkdf2.iterations = other);
            }
            change(&|pbkdf2| pbkdf2.prf_data = vec![1]);
            bad.push(Parameter::None);
            bad
        }
        Parameter::GcmMessage { iv, fixed_bits, generator, tag } => {
            let mut bad = lens(&[48]);
            let message = |iv: &Place, fixed_bits, generator, tag: &Place| Parameter::GcmMessage {
                iv: iv.clone(),
                fixed_bits,
                generator,
                tag: tag.clone(),
            };
            bad.push(message(&Place::of(&[]), fixed_bits, generator, &tag));
            bad.extend([0, 3, 5, 17].map(|len| message(&iv, fixed_bits, generator, &Place::of(&vec![0; len]))));
            // Nothing is generated for a key that comes back.
            if work == Use::WrapAuthenticated {
                bad.extend([5, 1 << 32, !0].map(|generator| message(&iv, fixed_bits, generator, &tag)));
                bad.extend([97, !0].map(|fixed_bits| message(&iv, fixed_bits, CKG_GENERATE_COUNTER, &tag)));
            }
            bad.push(Parameter::None);
            bad
        }
        Parameter::CcmMessage { data_len, nonce, fixed_bits, generator, mac } => {
            let mut bad = lens(&[56]);
            let message = |nonce: &Place, fixed_bits, generator, mac: &Place| Parameter::CcmMessage {
                data_len,
                nonce: nonce.clone(),
                fixed_bits,
                generator,
                mac: mac.clone(),
            };
            bad.extend([0, 6, 14].map(|len| message(&Place::of(&vec![0; len]), fixed_bits, generator, &mac)));
            if work == Use::WrapAuthenticated {
                bad.extend([5, 1 << 32, !0].map(|generator| message(&nonce, fixed_bits, generator, &mac)));
            }
            bad.extend([0, 3, 5, 17].map(|len| message(&nonce, fixed_bits, generator, &Place::of(&vec![0; len]))));
            bad.push(Parameter::None);
            bad
        }
        other => of_derivation(sample, other),
    }
}

/// Those of the mechanisms that derive keys.
fn of_derivation(sample: &Sample, good: Parameter) -> Vec<Parameter> {
    let hashes = [0, CKM_AES_CBC, CKM_SHA256_RSA_PKCS, !0];
    let mut bad = vec![Parameter::None];
    match good {
        // Keys are named, which may not be there: that is another error. A first bit is one of the base key.
        Parameter::Number(_) => {
            bad.extend(lens(&[8]));
            if sample.id == CKM_EXTRACT_KEY_FROM_KEY {
                bad.extend([128, 1 << 32, !0].map(Parameter::Number));
            }
        }
        Parameter::StringData(_) => {
            bad.extend(lens(&[16]));
            if matches!(sample.id, CKM_DES_ECB_ENCRYPT_DATA | CKM_DES3_ECB_ENCRYPT_DATA | CKM_AES_ECB_ENCRYPT_DATA) {
                bad.extend([9, 15, 17].map(|len| Parameter::StringData(vec![0; len])));
            }
        }
        Parameter::AesCbcData { iv, .. } => {
            bad.extend(lens(&[32]));
            bad.extend([9, 15, 17].map(|len| Parameter::AesCbcData { iv, data: vec![0; len] }));
        }
        Parameter::DesCbcData { iv, .. } => {
            bad.extend(lens(&[24]));
            bad.extend([9, 15, 17].map(|len| Parameter::DesCbcData { iv, data: vec![0; len] }));
        }
        Parameter::Ecdh { kdf, shared, public } => {
            bad.extend(lens(&[40]));
            bad.extend(KDFS.map(|kdf| Parameter::Ecdh { kdf, shared: shared.clone(), public: public.clone() }));
            bad.push(Parameter::Ecdh { kdf: CKD_NULL, shared, public });
            _ = kdf;
        }
        Parameter::X942Dh { other, public, .. } => {
            bad.extend(lens(&[40]));
            bad.extend(KDFS.map(|kdf| Parameter::X942Dh { kdf, other: other.clone(), public: public.clone() }));
            bad.push(Parameter::X942Dh { kdf: CKD_NULL, other: b"other".to_vec(), public });
        }
        Parameter::Hkdf(good) => {
            bad.extend(lens(&[64]));
            bad.push(Parameter::Hkdf(Hkdf { extract: false, expand: false, ..good.clone() }));
            bad.extend(hashes.map(|hash| Parameter::Hkdf(Hkdf { hash, ..good.clone() })));
            bad.extend([0, 3, 8, !0].map(|salt_type| Parameter::Hkdf(Hkdf { salt_type, ..good.clone() })));
        }
        Parameter::Kdf108(good) => bad.extend(kdf108(&good)),
        Parameter::TlsMaster { random, version, .. } => {
            bad.extend(lens(&[48]));
            bad.extend(hashes.map(|hash| Parameter::TlsMaster {
                hash,
                random: random.clone(),
                version: version.clone(),
            }));
        }
        Parameter::TlsExtendedMaster { hash, session_hash, version } => {
            bad.extend(lens(&[32]));
            let master =
                |hash, session_hash| Parameter::TlsExtendedMaster { hash, session_hash, version: version.clone() };
            bad.extend(hashes.map(|hash| master(hash, session_hash.clone())));
            bad.push(master(hash, Vec::new()));
        }
        Parameter::TlsKeys(good) => {
            bad.extend(lens(&[80]));
            bad.extend(hashes.map(|hash| Parameter::TlsKeys(TlsKeys { hash, ..good.clone() })));
            bad.extend([1, 1 << 32, !0].map(|mac_bits| Parameter::TlsKeys(TlsKeys { mac_bits, ..good.clone() })));
            bad.extend([0, 1, 1 << 32, !0].map(|key_bits| Parameter::TlsKeys(TlsKeys { key_bits, ..good.clone() })));
            bad.push(Parameter::TlsKeys(TlsKeys { export: true, ..good }));
        }
        Parameter::TlsKdf { label, random, context, .. } => {
            bad.extend(lens(&[72]));
            bad.extend(hashes.map(|prf| Parameter::TlsKdf {
                prf,
                label: label.clone(),
                random: random.clone(),
                context: context.clone(),
            }));
        }
        Parameter::Ike2PrfPlus { seed_key, seed, .. } => {
            bad.extend(lens(&[40]));
            bad.extend(hashes.map(|prf| Parameter::Ike2PrfPlus { prf, seed_key, seed: seed.clone() }));
        }
        Parameter::IkePrf(good) => {
            bad.extend(lens(&[56]));
            bad.extend(hashes.map(|prf| Parameter::IkePrf(IkePrf { prf, ..good.clone() })));
        }
        Parameter::Ike1Prf(good) => {
            bad.extend(lens(&[72]));
            bad.extend(hashes.map(|prf| Parameter::Ike1Prf(Ike1Prf { prf, ..good.clone() })));
        }
        Parameter::Ike1Extended { shared, extra, .. } => {
            bad.extend(lens(&[40]));
            bad.extend(hashes.map(|prf| Parameter::Ike1Extended { prf, shared, extra: extra.clone() }));
        }
        other => panic!("{}: {other:?} has no wrong forms", sample.name),
    }
    bad
}

fn kdf108(good: &Kdf108) -> Vec<Parameter> {
    let size = if good.iv.is_some() { size_of::<CK_SP800_108_FEEDBACK_KDF_PARAMS>() } else { 40 };
    let mut bad = lens(&[size]);
    let change = |fields: Vec<Kdf108Field>| Parameter::Kdf108(Kdf108 { fields, ..good.clone() });
    let behind = |field: Kdf108Field| change([&good.fields[..], &[field]].concat());
    bad.extend([0, CKM_AES_CBC, CKM_SHA256, !0].map(|prf| Parameter::Kdf108(Kdf108 { prf, ..good.clone() })));
    // Every mode has its iteration, once, in its own form.
    bad.extend([change(Vec::new()), change(good.fields[1..].to_vec()), behind(good.fields[0].clone())]);
    bad.push(match good.fields[0] {
        Kdf108Field::Iteration(None) => behind(Kdf108Field::Iteration(Some((false, 32)))),
        _ => behind(Kdf108Field::Counter(false, 32)),
    });
    bad.extend([0, 7, 9, 65, 128, !0].map(|bits| match good.fields[0] {
        Kdf108Field::Iteration(None) => behind(Kdf108Field::Counter(false, bits)),
        _ => change([&[Kdf108Field::Iteration(Some((false, bits)))], &good.fields[1..]].concat()),
    }));
    let length = |method, bits| {
        change([&good.fields[..2], &[Kdf108Field::Length { method, little_endian: true, bits }]].concat())
    };
    bad.extend([0, 3, !0].map(|method| length(method, 32)));
    bad.extend([0, 7, 65, !0].map(|bits| length(CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, bits)));
    bad.extend([0, 6, !0].map(|other| behind(Kdf108Field::Other(other, vec![0; 16]))));
    bad
}

/// Bits no AES key has.
const AES_BITS: [CK_ULONG; 6] = [0, 16, 127, 129, 512, !0];
/// Numbers of no key derivation function.
const KDFS: [CK_ULONG; 4] = [0, 99, 1 << 32, !0];

fn bad_oaep(good: &Oaep) -> Vec<Oaep> {
    let mut bad = Vec::new();
    bad.extend([0, CKM_AES_CBC, CKM_SHA256_RSA_PKCS, !0].map(|hash| Oaep { hash, ..good.clone() }));
    bad.extend([0, 10, 1 << 32, !0].map(|mgf| Oaep { mgf, ..good.clone() }));
    bad.extend([0, 2, !0].map(|source| Oaep { source, ..good.clone() }));
    bad
}

fn gcm(iv: &[u8], aad: &[u8], tag_bits: CK_ULONG) -> Vec<Parameter> {
    let gcm = |iv: &[u8], tag_bits| Parameter::Gcm { iv: iv.to_vec(), aad: aad.to_vec(), tag_bits };
    let mut bad = lens(&[40, 48]);
    let odd = [0, 1, 8, 16, 24, 31, 33, 40, 95, 100, 127, 129, 136, !0];
    bad.extend(odd.map(|tag_bits| gcm(iv, tag_bits)));
    bad.extend([gcm(&[], tag_bits), Parameter::None]);
    bad
}

fn ccm(data_len: CK_ULONG, nonce: &[u8], aad: &[u8], mac_len: CK_ULONG, work: Use) -> Vec<Parameter> {
    let ccm = |data_len, nonce: &[u8], mac_len| Parameter::Ccm {
        data_len,
        nonce: nonce.to_vec(),
        aad: aad.to_vec(),
        mac_len,
    };
    let mut bad = lens(&[48]);
    bad.extend([0, 1, 6, 14, 16].map(|len| ccm(data_len, &vec![0; len], mac_len)));
    bad.extend([0, 1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 18, !0].map(|mac_len| ccm(data_len, nonce, mac_len)));
    bad.push(Parameter::None);
    // A nonce of 13 bytes leaves two for the length of the data; how long a key is nobody need say.
    if !matches!(work, Use::Wrap | Use::Unwrap) {
        bad.push(ccm(65536, &[0; 13], mac_len));
    }
    bad
}

fn chacha20() -> Vec<Parameter> {
    let chacha = |(counter, counter_bits, nonce, nonce_bits): (usize, CK_ULONG, usize, CK_ULONG)| Parameter::ChaCha20 {
        counter: vec![0; counter],
        counter_bits,
        nonce: vec![0; nonce],
        nonce_bits,
    };
    let forms = [(4, 16, 12, 96), (4, 0, 12, 96), (8, 128, 12, 96), (4, 32, 12, 95), (4, 32, 12, 0), (4, 32, 24, 192)];
    lens(&[32]).into_iter().chain(forms.map(chacha)).chain([Parameter::None]).collect()
}
