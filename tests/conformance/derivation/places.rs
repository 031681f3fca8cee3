//! Where handles, versions and IVs go, and what is in their places after a failure.

use std::cell::Cell;
use std::ptr;

use cryptoki_sys::*;

use super::program::tls_prf;
use super::protocols::{CLIENT, SERVER, aes, keys, random, secret};
use super::rows::upwards;
use super::{Bench, open, rows, secret_of};
use crate::module::{Outcome, refused};
use crate::parameters::{AdditionalKey, Kdf108, Kdf108Field, Mechanism, Parameter, Place, TlsKeys};
use crate::session::Session;
use crate::template::{self, Entry, number, with, without};

/// What a place holds before a call.
const BEFORE: CK_OBJECT_HANDLE = 0x5555;

/// `C_DeriveKey`, and what is then where `phKey` points to.
fn into_place(
    session: Session,
    mechanism: &Mechanism,
    base: CK_OBJECT_HANDLE,
    template: &[Entry],
) -> (Outcome, CK_OBJECT_HANDLE) {
    let mut key = BEFORE;
    let outcome = mechanism.lend(|mechanism| {
        template::lend(template, |start, count| call!(C_DeriveKey(session.0, mechanism, base, start, count, &mut key)))
    });
    (outcome, key)
}

#[test]
fn a_place_for_the_handle_is_needed_but_for_the_keys_of_a_connection() {
    let bench = Bench::new();
    let session = bench.session;
    for row in rows(&bench) {
        let base = row.base(session, &open());
        let before = bench.count();
        let outcome = session.derive_apart(&row.mechanism, base, &row.template);
        if matches!(row.id(), CKM_TLS12_KEY_AND_MAC_DERIVE | CKM_TLS12_KEY_SAFE_DERIVE) {
            assert_eq!(outcome, Ok(()), "{:x}", row.id());
            assert_eq!(bench.count(), before + 4);
            // It is "unnecessary", and nothing is stored there.
            assert_eq!(into_place(session, &row.mechanism, base, &row.template), (Ok(()), BEFORE));
        } else {
            assert_eq!(outcome, refused(CKR_ARGUMENTS_BAD), "{:x}", row.id());
            assert_eq!(bench.count(), before);
        }
    }
}

#[test]
fn a_failure_leaves_the_place_of_a_single_key_alone() {
    let bench = Bench::new();
    let session = bench.session;
    let mut count = 0;
    for row in rows(&bench).iter().filter(|row| row.makes_secret_keys()) {
        let base = row.base(session, &open());
        let before = bench.count();
        let bad = with(&row.template, &[number(CKA_MODULUS_BITS, 1024)]);
        let (outcome, place) = into_place(session, &row.mechanism, base, &bad);
        assert_eq!(outcome, refused(CKR_TEMPLATE_INCONSISTENT), "{:x}", row.id());
        let several = matches!(row.mechanism.parameter, Parameter::Kdf108(_));
        assert_eq!(place, if several { CK_INVALID_HANDLE } else { BEFORE }, "{:x}", row.id());
        assert_eq!(bench.count(), before, "{:x}", row.id());
        count += 1;
    }
    println!("{count} failures");
}

fn additional(template: &[Entry]) -> AdditionalKey {
    AdditionalKey { template: template.to_vec(), key: Cell::new(BEFORE) }
}

/// "none of the keys shall be derived": whichever template is at fault, no handle is left.
#[test]
fn after_a_failure_of_one_of_several_keys_no_handle_is_one() {
    let bench = Bench::new();
    let session = bench.session;
    let base = bench.secret(&upwards::<32>());
    let good = with(&secret_of(16), &open());
    let mut count = 0;
    for (bad, code) in [
        (without(&good, CKA_VALUE_LEN), CKR_TEMPLATE_INCOMPLETE),
        (with(&good, &[number(CKA_VALUE_LEN, 0)]), CKR_ATTRIBUTE_VALUE_INVALID),
        (with(&good, &[number(CKA_KEY_TYPE, CKK_AES), number(CKA_VALUE_LEN, 17)]), CKR_ATTRIBUTE_VALUE_INVALID),
        (with(&good, &[number(CKA_KEY_TYPE, CKK_RSA)]), CKR_ATTRIBUTE_VALUE_INVALID),
        (with(&good, &[number(CKA_CLASS, CKO_DATA)]), CKR_TEMPLATE_INCONSISTENT),
        (with(&good, &[number(CKA_MODULUS_BITS, 1024)]), CKR_TEMPLATE_INCONSISTENT),
        (with(&good, &[template::flag(CKA_LOCAL, true)]), CKR_ATTRIBUTE_READ_ONLY),
    ] {
        for at in 0..4 {
            let templates: Vec<_> = (0..4).map(|own| if own == at { &bad } else { &good }).collect();
            for (id, first, iv) in [
                (CKM_SP800_108_COUNTER_KDF, Kdf108Field::Iteration(Some((false, 32))), None),
                (CKM_SP800_108_FEEDBACK_KDF, Kdf108Field::Iteration(None), Some(vec![])),
                (CKM_SP800_108_DOUBLE_PIPELINE_KDF, Kdf108Field::Iteration(None), None),
            ] {
                let additional = templates[1..].iter().map(|template| additional(template)).collect();
                let kdf = Kdf108 { prf: CKM_SHA256_HMAC, fields: vec![first], iv, additional };
                let mechanism = Mechanism { id, parameter: Parameter::Kdf108(kdf) };
                let before = bench.count();
                let (outcome, place) = into_place(session, &mechanism, base, templates[0]);
                assert_eq!(outcome, refused(code), "{bad:?}");
                let Parameter::Kdf108(kdf) = &mechanism.parameter else { unreachable!() };
                assert!(kdf.additional.iter().all(|additional| additional.key.get() == CK_INVALID_HANDLE));
                assert_eq!((place, bench.count()), (CK_INVALID_HANDLE, before));
                count += 1;
            }
        }
    }
    println!("{count} failures of one key of four");
}

/// `CKM_SP800_108_COUNTER_KDF` with these keys besides the first.
fn derive_with(
    bench: &Bench,
    base: CK_OBJECT_HANDLE,
    additional: &mut [CK_DERIVED_KEY],
) -> (Outcome, CK_OBJECT_HANDLE) {
    let mut format = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_FALSE, ulWidthInBits: 32 };
    let mut field = CK_PRF_DATA_PARAM {
        type_: CK_SP800_108_ITERATION_VARIABLE,
        pValue: (&raw mut format).cast(),
        ulValueLen: size_of_val(&format) as CK_ULONG,
    };
    let mut parameter = CK_SP800_108_KDF_PARAMS {
        prfType: CKM_SHA256_HMAC,
        ulNumberOfDataParams: 1,
        pDataParams: &raw mut field,
        ulAdditionalDerivedKeys: additional.len() as CK_ULONG,
        pAdditionalDerivedKeys: additional.as_mut_ptr(),
    };
    let mut mechanism = CK_MECHANISM {
        mechanism: CKM_SP800_108_COUNTER_KDF,
        pParameter: (&raw mut parameter).cast(),
        ulParameterLen: size_of_val(&parameter) as CK_ULONG,
    };
    let mut key = BEFORE;
    let outcome = template::lend(&secret_of(16), |start, count| {
        call!(C_DeriveKey(bench.session.0, &mut mechanism, base, start, count, &mut key))
    });
    (outcome, key)
}

#[test]
fn additional_keys_need_a_template_and_a_place_each() {
    let bench = Bench::new();
    let base = bench.secret(&upwards::<32>());
    let before = bench.count();
    let mut place = BEFORE;
    template::lend(&secret_of(16), |start, count| {
        let good = CK_DERIVED_KEY { pTemplate: start, ulAttributeCount: count, phKey: &raw mut place };
        for bad in [
            CK_DERIVED_KEY { phKey: ptr::null_mut(), ..good },
            CK_DERIVED_KEY { pTemplate: ptr::null_mut(), ..good },
            CK_DERIVED_KEY { ulAttributeCount: CK_ULONG::MAX, ..good },
        ] {
            let (outcome, _) = derive_with(&bench, base, &mut [bad]);
            assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID));
        }
        assert_eq!(bench.count(), before);
        let (outcome, key) = derive_with(&bench, base, &mut [good]);
        assert_eq!(outcome, Ok(()));
        assert!(key != BEFORE && key != 0);
    });
    assert!(place != BEFORE && place != 0);
    assert_eq!(bench.count(), before + 2);
}

/// "The pVersion field of the structure must be set to NULL_PTR" where Diffie-Hellman agreed on the secret.
#[test]
fn versions_go_where_there_is_one() {
    let bench = Bench::new();
    let session = bench.session;
    let mut premaster = secret();
    premaster[..2].copy_from_slice(&[3, 1]);
    let base = bench.secret(&premaster);
    for (id, extended, dh) in [
        (CKM_TLS12_MASTER_KEY_DERIVE, false, false),
        (CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, true, false),
        (CKM_TLS12_MASTER_KEY_DERIVE_DH, false, true),
        (CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, true, true),
    ] {
        let derive = |place: Option<[u8; 2]>| {
            let version = place.map(Cell::new);
            let hash = CKM_SHA256;
            let parameter = match extended {
                true => Parameter::TlsExtendedMaster { hash, session_hash: vec![1; 32], version },
                false => Parameter::TlsMaster { hash, random: random(), version },
            };
            let mechanism = Mechanism { id, parameter };
            let outcome = session.derive(&mechanism, base, &[]).map(drop);
            let (Parameter::TlsExtendedMaster { version, .. } | Parameter::TlsMaster { version, .. }) =
                mechanism.parameter
            else {
                unreachable!()
            };
            (outcome, version.map(Cell::into_inner))
        };
        assert_eq!(derive(None), (Ok(()), None), "{id:x}");
        let before = bench.count();
        if dh {
            assert_eq!(derive(Some([9, 9])), (refused(CKR_MECHANISM_PARAM_INVALID), Some([9, 9])), "{id:x}");
            assert_eq!(bench.count(), before);
        } else {
            assert_eq!(derive(Some([9, 9])), (Ok(()), Some([3, 1])), "{id:x}");
        }
    }
}

/// The keys of a connection, with a struct that the test fills in.
fn connect(
    bench: &Bench,
    id: CK_MECHANISM_TYPE,
    base: CK_OBJECT_HANDLE,
    bits: [CK_ULONG; 3],
    output: *mut CK_SSL3_KEY_MAT_OUT,
) -> Outcome {
    let (mut client, mut server) = (CLIENT, SERVER);
    connect_with(bench, id, base, bits, (client.as_mut_ptr(), server.as_mut_ptr()), output)
}

/// The same with random bytes of the client and the server that lie somewhere.
fn connect_with(
    bench: &Bench,
    id: CK_MECHANISM_TYPE,
    base: CK_OBJECT_HANDLE,
    bits: [CK_ULONG; 3],
    (client, server): (*mut u8, *mut u8),
    output: *mut CK_SSL3_KEY_MAT_OUT,
) -> Outcome {
    let mut parameter = CK_TLS12_KEY_MAT_PARAMS {
        ulMacSizeInBits: bits[0],
        ulKeySizeInBits: bits[1],
        ulIVSizeInBits: bits[2],
        bIsExport: CK_FALSE,
        RandomInfo: CK_SSL3_RANDOM_DATA {
            pClientRandom: client,
            ulClientRandomLen: 32,
            pServerRandom: server,
            ulServerRandomLen: 32,
        },
        pReturnedKeyMaterial: output,
        prfHashMechanism: CKM_SHA256,
    };
    let mut mechanism = CK_MECHANISM {
        mechanism: id,
        pParameter: (&raw mut parameter).cast(),
        ulParameterLen: size_of_val(&parameter) as CK_ULONG,
    };
    template::lend(&aes(), |start, count| {
        call!(C_DeriveKey(bench.session.0, &mut mechanism, base, start, count, ptr::null_mut()))
    })
}

#[test]
fn keys_of_a_connection_need_their_struct_and_ivs_their_room() {
    let bench = Bench::new();
    let base = bench.secret(&secret());
    let (mut client_iv, mut server_iv) = ([0xee; 20], [0xee; 20]);
    let nowhere = CK_SSL3_KEY_MAT_OUT {
        hClientMacSecret: BEFORE,
        hServerMacSecret: BEFORE,
        hClientKey: BEFORE,
        hServerKey: BEFORE,
        pIVClient: ptr::null_mut(),
        pIVServer: ptr::null_mut(),
    };
    let room = CK_SSL3_KEY_MAT_OUT { pIVClient: client_iv.as_mut_ptr(), pIVServer: server_iv.as_mut_ptr(), ..nowhere };
    let handles = |output: &CK_SSL3_KEY_MAT_OUT| {
        [output.hClientMacSecret, output.hServerMacSecret, output.hClientKey, output.hServerKey]
    };
    let before = bench.count();
    let both = [CKM_TLS12_KEY_AND_MAC_DERIVE, CKM_TLS12_KEY_SAFE_DERIVE];
    for id in both {
        let outcome = connect(&bench, id, base, [256, 128, 0], ptr::null_mut());
        assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID));
    }
    for mut output in [
        nowhere,
        CK_SSL3_KEY_MAT_OUT { pIVClient: ptr::null_mut(), ..room },
        CK_SSL3_KEY_MAT_OUT { pIVServer: ptr::null_mut(), ..room },
    ] {
        let outcome = connect(&bench, CKM_TLS12_KEY_AND_MAC_DERIVE, base, [256, 128, 96], &raw mut output);
        assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID));
        assert_eq!(handles(&output), [BEFORE; 4]);
    }
    assert_eq!(bench.count(), before);
    // Without IVs there need be no room for them, and without MACs there are no handles of theirs.
    let mut output = nowhere;
    connect(&bench, CKM_TLS12_KEY_AND_MAC_DERIVE, base, [0, 128, 0], &raw mut output).unwrap();
    let [client_mac, server_mac, client_key, server_key] = handles(&output);
    assert_eq!((client_mac, server_mac), (0, 0));
    assert!(client_key != server_key && ![0, BEFORE].contains(&client_key) && ![0, BEFORE].contains(&server_key));
    assert_eq!(bench.count(), before + 2);
    // "ulIvSizeInBits is ignored and treated as 0."
    for bits in [96, 128, 13, CK_ULONG::MAX] {
        let mut output = nowhere;
        connect(&bench, CKM_TLS12_KEY_SAFE_DERIVE, base, [256, 128, bits], &raw mut output).unwrap();
        assert!(handles(&output).iter().all(|handle| ![0, BEFORE].contains(handle)));
    }
    let mut output = room;
    connect(&bench, CKM_TLS12_KEY_SAFE_DERIVE, base, [256, 128, 96], &raw mut output).unwrap();
    assert_eq!((client_iv, server_iv), ([0xee; 20], [0xee; 20]));
    connect(&bench, CKM_TLS12_KEY_AND_MAC_DERIVE, base, [256, 128, 96], &raw mut output).unwrap();
    assert!(client_iv[..12] != [0xee; 12] && server_iv[..12] != [0xee; 12] && client_iv[..12] != server_iv[..12]);
    assert_eq!((&client_iv[12..], &server_iv[12..]), (&[0xee; 8][..], &[0xee; 8][..]));
}

/// A pointer of a parameter is NULL while its length is not, or there is no array, or nothing to write to.
#[test]
fn parameters_that_lead_nowhere_are_refused() {
    let bench = Bench::new();
    let session = bench.session;
    let mut count = 0;
    for row in rows(&bench) {
        // Words of bytes, and of a version that nobody need ask for.
        let skipped = match row.mechanism.parameter {
            Parameter::Bytes(_) => continue,
            Parameter::AesCbcData { .. } => 0..2,
            Parameter::DesCbcData { .. } => 0..1,
            Parameter::TlsMaster { .. } => 4..5,
            Parameter::TlsExtendedMaster { .. } => 3..4,
            // A boolean, with whatever pads it to a word.
            Parameter::TlsKeys { .. } => 3..4,
            _ => 0..0,
        };
        let base = row.base(session, &open());
        let before = bench.count();
        row.mechanism.lend(|mechanism| {
            let raw = unsafe { &mut *mechanism };
            let words = raw.ulParameterLen as usize / size_of::<CK_ULONG>();
            for at in (0..words).filter(|at| !skipped.contains(at)) {
                let word = unsafe { &mut *raw.pParameter.cast::<CK_ULONG>().add(at) };
                // Numbers and handles are smaller than any address here.
                if *word < 1 << 32 {
                    continue;
                }
                let pointer = std::mem::take(word);
                let mut key = BEFORE;
                let outcome = template::lend(&row.template, |start, entries| {
                    call!(C_DeriveKey(session.0, &mut *raw, base, start, entries, &mut key))
                });
                assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID), "{:x} word {at}", row.id());
                unsafe { raw.pParameter.cast::<CK_ULONG>().add(at).write(pointer) };
                count += 1;
            }
        });
        assert_eq!(bench.count(), before);
    }
    println!("{count} pointers that are NULL");
    assert!(count > 30);
}

/// IVs may be written where the random bytes were.
#[test]
fn outputs_may_lie_where_inputs_do() {
    let bench = Bench::new();
    let base = bench.secret(&secret());
    let (mut client, mut server) = (CLIENT, SERVER);
    let mut output = CK_SSL3_KEY_MAT_OUT {
        pIVClient: server.as_mut_ptr(),
        pIVServer: client.as_mut_ptr(),
        ..CK_SSL3_KEY_MAT_OUT::default()
    };
    let random = (client.as_mut_ptr(), server.as_mut_ptr());
    connect_with(&bench, CKM_TLS12_KEY_AND_MAC_DERIVE, base, [256, 128, 128], random, &raw mut output).unwrap();
    let block = tls_prf("SHA256", &secret(), &[b"key expansion", &SERVER, &CLIENT], 128);
    assert_eq!((&server[..16], &client[..16]), (&block[96..112], &block[112..]));
}

/// "none of the four keys will be created".
#[test]
fn keys_of_a_connection_are_made_all_or_not() {
    let bench = Bench::new();
    let session = bench.session;
    let base = bench.secret(&secret());
    let before = bench.count();
    let places = || Cell::new([BEFORE; 4]);
    for (keys, template, code) in [
        (TlsKeys { key_bits: 136, keys: places(), ..keys() }, aes(), CKR_KEY_SIZE_RANGE),
        (TlsKeys { key_bits: 0, keys: places(), ..keys() }, aes(), CKR_MECHANISM_PARAM_INVALID),
        (TlsKeys { mac_bits: 12, keys: places(), ..keys() }, aes(), CKR_MECHANISM_PARAM_INVALID),
        (TlsKeys { export: true, keys: places(), ..keys() }, aes(), CKR_MECHANISM_PARAM_INVALID),
        (
            TlsKeys {
                iv_bits: 136,
                keys: places(),
                client_iv: Place::of(&[0; 17]),
                server_iv: Place::of(&[0; 17]),
                ..keys()
            },
            aes(),
            CKR_MECHANISM_PARAM_INVALID,
        ),
        (TlsKeys { keys: places(), ..keys() }, with(&aes(), &[number(CKA_VALUE_LEN, 32)]), CKR_TEMPLATE_INCONSISTENT),
        (
            TlsKeys { keys: places(), ..keys() },
            with(&aes(), &[number(CKA_KEY_TYPE, CKK_RSA)]),
            CKR_ATTRIBUTE_VALUE_INVALID,
        ),
    ] {
        let mechanism = Mechanism { id: CKM_TLS12_KEY_AND_MAC_DERIVE, parameter: Parameter::TlsKeys(keys) };
        assert_eq!(session.derive_apart(&mechanism, base, &template), refused(code), "{mechanism:?}");
        let Parameter::TlsKeys(keys) = &mechanism.parameter else { unreachable!() };
        assert_eq!((keys.keys.get(), bench.count()), ([BEFORE; 4], before));
        assert!(keys.client_iv.bytes().iter().all(|byte| *byte == 0));
    }
}
