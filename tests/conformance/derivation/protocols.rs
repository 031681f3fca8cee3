//! One case of every mechanism of TLS and IKE.

use std::cell::Cell;

use cryptoki_sys::*;

use super::program::{hmac, tls_prf};
use super::rows::{CONTEXT, LABEL, upwards};
use super::{Bench, OTHER, Row, generic, secret_of};
use crate::parameters::{Ike1Prf, IkePrf, Parameter, Place, TlsKeys, TlsRandom};
use crate::template::{Entry, number};

pub(super) const CLIENT: [u8; 32] = [0xc1; 32];
pub(super) const SERVER: [u8; 32] = [0x5e; 32];
const SESSION_HASH: &[u8] = b"the hash of a session";
const NONCES: (&[u8], &[u8]) = (b"the initiator's nonce", b"the responder's");

pub(super) fn rows(bench: &Bench) -> Vec<Row> {
    let mut rows = tls();
    rows.extend(ike(bench));
    rows
}

pub(super) fn random() -> TlsRandom {
    TlsRandom { client: CLIENT.to_vec(), server: SERVER.to_vec() }
}

/// A premaster secret with the version of TLS 1.2 in it; a master key.
pub(super) fn secret() -> [u8; 48] {
    let mut secret = upwards::<48>();
    secret[..2].copy_from_slice(&[3, 3]);
    secret
}

/// Keys for AES-128, HMAC with SHA-256 and IVs for CBC.
pub(super) fn keys() -> TlsKeys {
    TlsKeys {
        hash: CKM_SHA256,
        random: random(),
        mac_bits: 256,
        key_bits: 128,
        iv_bits: 128,
        export: false,
        keys: Cell::new([0; 4]),
        client_iv: Place::of(&[0; 16]),
        server_iv: Place::of(&[0; 16]),
    }
}

pub(super) fn aes() -> Vec<Entry> {
    vec![number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES)]
}

fn tls() -> Vec<Row> {
    let base = &generic(&secret());
    // Of another length than a premaster secret with a version has.
    let agreed = upwards::<66>();
    let master = |dh: bool| Parameter::TlsMaster {
        hash: CKM_SHA256,
        random: random(),
        version: (!dh).then(|| Cell::new([0; 2])),
    };
    let extended = |dh: bool| Parameter::TlsExtendedMaster {
        hash: CKM_SHA384,
        session_hash: SESSION_HASH.to_vec(),
        version: (!dh).then(|| Cell::new([0; 2])),
    };
    let exporter = |prf, context: Option<&[u8]>| Parameter::TlsKdf {
        prf,
        label: LABEL.to_vec(),
        random: random(),
        context: context.map(<[u8]>::to_vec),
    };
    let master_answer = |secret: &[u8]| tls_prf("SHA256", secret, &[b"master secret", &CLIENT, &SERVER], 48);
    let extended_answer = |secret: &[u8]| tls_prf("SHA384", secret, &[b"extended master secret", SESSION_HASH], 48);
    let block = |len| tls_prf("SHA256", &secret(), &[b"key expansion", &SERVER, &CLIENT], len);
    let old = |context: &[u8]| tls_prf("MD5-SHA1", &secret(), &[LABEL, &CLIENT, &SERVER, &[0, 7], context], 40);
    vec![
        Row::new(CKM_TLS12_MASTER_KEY_DERIVE, base, master(false), &[], move || master_answer(&secret())),
        Row::new(CKM_TLS12_MASTER_KEY_DERIVE_DH, &generic(&agreed), master(true), &[], move || master_answer(&agreed)),
        Row::new(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, base, extended(false), &[], move || extended_answer(&secret())),
        Row::new(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, &generic(&agreed), extended(true), &[], move || {
            extended_answer(&agreed)
        }),
        Row::new(CKM_TLS12_KEY_AND_MAC_DERIVE, base, Parameter::TlsKeys(keys()), &aes(), move || block(128)),
        Row::new(CKM_TLS12_KEY_SAFE_DERIVE, base, Parameter::TlsKeys(keys()), &aes(), move || block(96)),
        Row::new(CKM_TLS_KDF, base, exporter(CKM_SHA256, None), &secret_of(40), || {
            tls_prf("SHA256", &secret(), &[LABEL, &CLIENT, &SERVER], 40)
        }),
        Row::new(CKM_TLS12_KDF, base, exporter(CKM_TLS_PRF, Some(CONTEXT)), &secret_of(40), move || old(CONTEXT)),
    ]
}

/// RFC 2409 §5 and appendix B, RFC 7296 §2.13.
fn ike(bench: &Bench) -> Vec<Row> {
    let key = upwards::<32>();
    let base = &generic(&key);
    let (initiator, responder) = NONCES;
    let first = IkePrf {
        prf: CKM_SHA256_HMAC,
        data_as_key: false,
        rekey: false,
        initiator: initiator.to_vec(),
        responder: responder.to_vec(),
        new_key: 0,
    };
    let session = Ike1Prf {
        prf: CKM_SHA256_HMAC,
        previous: None,
        shared: bench.other,
        initiator: b"cookie i".to_vec(),
        responder: b"cookie r".to_vec(),
        number: 2,
    };
    let generic_type = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)];
    let plus = Parameter::Ike2PrfPlus { prf: CKM_SHA256_HMAC, seed_key: Some(bench.other), seed: b"seed".to_vec() };
    let extended =
        Parameter::Ike1Extended { prf: CKM_SHA256_HMAC, shared: Some(bench.other), extra: b"extra".to_vec() };
    let of = move |parts: &[&[u8]]| hmac("SHA256", &key, parts);
    vec![
        Row::new(CKM_IKE_PRF_DERIVE, base, Parameter::IkePrf(first), &[], move || of(&[initiator, responder])),
        Row::new(CKM_IKE1_PRF_DERIVE, base, Parameter::Ike1Prf(session), &generic_type, move || {
            of(&[OTHER, b"cookie i", b"cookie r", &[2]])
        }),
        Row::new(CKM_IKE2_PRF_PLUS_DERIVE, base, plus, &secret_of(50), move || {
            let one = of(&[OTHER, b"seed", &[1]]);
            let two = of(&[&one, OTHER, b"seed", &[2]]);
            [&one[..], &two[..18]].concat()
        }),
        Row::new(CKM_IKE1_EXTENDED_DERIVE, base, extended, &secret_of(50), move || {
            let one = of(&[OTHER, b"extra"]);
            let two = of(&[&one, OTHER, b"extra"]);
            [&one[..], &two[..18]].concat()
        }),
    ]
}
