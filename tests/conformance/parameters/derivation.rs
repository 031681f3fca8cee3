//! The parameters of derivations.

use std::cell::Cell;
use std::ptr;

use cryptoki_sys::*;

use super::{Parameter, Place, len, lend, start};
use crate::template::{self, Entry};

/// A place for a `CK_VERSION`.
pub(crate) type Version = Cell<[u8; 2]>;

/// `CK_SSL3_RANDOM_DATA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsRandom {
    pub(crate) client: Vec<u8>,
    pub(crate) server: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hkdf {
    pub(crate) extract: bool,
    pub(crate) expand: bool,
    pub(crate) hash: CK_ULONG,
    pub(crate) salt_type: CK_ULONG,
    pub(crate) salt: Vec<u8>,
    pub(crate) salt_key: CK_OBJECT_HANDLE,
    pub(crate) info: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pbkdf2 {
    pub(crate) salt_source: CK_ULONG,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: CK_ULONG,
    pub(crate) prf: CK_ULONG,
    pub(crate) prf_data: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

/// `CK_SP800_108_KDF_PARAMS`, and with an IV `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kdf108 {
    pub(crate) prf: CK_ULONG,
    pub(crate) fields: Vec<Kdf108Field>,
    pub(crate) iv: Option<Vec<u8>>,
    pub(crate) additional: Vec<AdditionalKey>,
}

/// `CK_PRF_DATA_PARAM`. A counter is whether the least significant byte comes first, and its bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kdf108Field {
    /// NULL where it is no counter.
    Iteration(Option<(bool, CK_ULONG)>),
    Counter(bool, CK_ULONG),
    Length {
        method: CK_ULONG,
        little_endian: bool,
        bits: CK_ULONG,
    },
    Bytes(Vec<u8>),
    Key(CK_OBJECT_HANDLE),
    /// Of another type, with bytes for a value.
    Other(CK_ULONG, Vec<u8>),
}

/// `CK_DERIVED_KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AdditionalKey {
    pub(crate) template: Vec<Entry>,
    pub(crate) key: Cell<CK_OBJECT_HANDLE>,
}

/// `CK_TLS12_KEY_MAT_PARAMS` and the `CK_SSL3_KEY_MAT_OUT` it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsKeys {
    pub(crate) hash: CK_ULONG,
    pub(crate) random: TlsRandom,
    pub(crate) mac_bits: CK_ULONG,
    pub(crate) key_bits: CK_ULONG,
    pub(crate) iv_bits: CK_ULONG,
    pub(crate) export: bool,
    /// Client and server MAC keys, client and server write keys.
    pub(crate) keys: Cell<[CK_OBJECT_HANDLE; 4]>,
    pub(crate) client_iv: Place,
    pub(crate) server_iv: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IkePrf {
    pub(crate) prf: CK_ULONG,
    pub(crate) data_as_key: bool,
    pub(crate) rekey: bool,
    pub(crate) initiator: Vec<u8>,
    pub(crate) responder: Vec<u8>,
    pub(crate) new_key: CK_OBJECT_HANDLE,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ike1Prf {
    pub(crate) prf: CK_ULONG,
    pub(crate) previous: Option<CK_OBJECT_HANDLE>,
    pub(crate) shared: CK_OBJECT_HANDLE,
    pub(crate) initiator: Vec<u8>,
    pub(crate) responder: Vec<u8>,
    pub(crate) number: u8,
}

impl Parameter {
    pub(super) fn lend_tls<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        let place = |version: &Option<Version>| version.as_ref().map_or(ptr::null_mut(), |place| place.as_ptr().cast());
        match self {
            Parameter::TlsMaster { hash, random, version } => lend(
                CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
                    RandomInfo: random.raw(),
                    pVersion: place(version),
                    prfHashMechanism: *hash,
                },
                run,
            ),
            Parameter::TlsExtendedMaster { hash, session_hash, version } => lend(
                CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
                    prfHashMechanism: *hash,
                    pSessionHash: start(session_hash),
                    ulSessionHashLen: len(session_hash),
                    pVersion: place(version),
                },
                run,
            ),
            Parameter::TlsMac { hash, mac_len, server_or_client } => lend(
                CK_TLS_MAC_PARAMS {
                    prfHashMechanism: *hash,
                    ulMacLength: *mac_len,
                    ulServerOrClient: *server_or_client,
                },
                run,
            ),
            Parameter::TlsKdf { prf, label, random, context } => lend(
                CK_TLS_KDF_PARAMS {
                    prfMechanism: *prf,
                    pLabel: start(label),
                    ulLabelLength: len(label),
                    RandomInfo: random.raw(),
                    pContextData: context.as_deref().map_or(ptr::null_mut(), start),
                    ulContextDataLength: context.as_deref().map_or(0, len),
                },
                run,
            ),
            other => panic!("{other:?} is not of TLS"),
        }
    }

    pub(super) fn lend_ike<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        match self {
            Parameter::Ike2PrfPlus { prf, seed_key, seed } => lend(
                CK_IKE2_PRF_PLUS_DERIVE_PARAMS {
                    prfMechanism: *prf,
                    bHasSeedKey: CK_BBOOL::from(seed_key.is_some()),
                    hSeedKey: seed_key.unwrap_or(0),
                    pSeedData: start(seed),
                    ulSeedDataLen: len(seed),
                },
                run,
            ),
            Parameter::IkePrf(ike) => lend(
                CK_IKE_PRF_DERIVE_PARAMS {
                    prfMechanism: ike.prf,
                    bDataAsKey: CK_BBOOL::from(ike.data_as_key),
                    bRekey: CK_BBOOL::from(ike.rekey),
                    pNi: start(&ike.initiator),
                    ulNiLen: len(&ike.initiator),
                    pNr: start(&ike.responder),
                    ulNrLen: len(&ike.responder),
                    hNewKey: ike.new_key,
                },
                run,
            ),
            Parameter::Ike1Prf(ike) => lend(
                CK_IKE1_PRF_DERIVE_PARAMS {
                    prfMechanism: ike.prf,
                    bHasPrevKey: CK_BBOOL::from(ike.previous.is_some()),
                    hKeygxy: ike.shared,
                    hPrevKey: ike.previous.unwrap_or(0),
                    pCKYi: start(&ike.initiator),
                    ulCKYiLen: len(&ike.initiator),
                    pCKYr: start(&ike.responder),
                    ulCKYrLen: len(&ike.responder),
                    keyNumber: ike.number,
                },
                run,
            ),
            Parameter::Ike1Extended { prf, shared, extra } => lend(
                CK_IKE1_EXTENDED_DERIVE_PARAMS {
                    prfMechanism: *prf,
                    bHasKeygxy: CK_BBOOL::from(shared.is_some()),
                    hKeygxy: shared.unwrap_or(0),
                    pExtraData: start(extra),
                    ulExtraDataLen: len(extra),
                },
                run,
            ),
            other => panic!("{other:?} is not of IKE"),
        }
    }
}

impl TlsRandom {
    fn raw(&self) -> CK_SSL3_RANDOM_DATA {
        CK_SSL3_RANDOM_DATA {
            pClientRandom: start(&self.client),
            ulClientRandomLen: len(&self.client),
            pServerRandom: start(&self.server),
            ulServerRandomLen: len(&self.server),
        }
    }
}

impl Hkdf {
    pub(super) fn lend<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        let params = CK_HKDF_PARAMS {
            bExtract: CK_BBOOL::from(self.extract),
            bExpand: CK_BBOOL::from(self.expand),
            prfHashMechanism: self.hash,
            ulSaltType: self.salt_type,
            pSalt: start(&self.salt),
            ulSaltLen: len(&self.salt),
            hSaltKey: self.salt_key,
            pInfo: start(&self.info),
            ulInfoLen: len(&self.info),
        };
        lend(params, run)
    }
}

impl Pbkdf2 {
    pub(super) fn lend<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        let params = CK_PKCS5_PBKD2_PARAMS2 {
            saltSource: self.salt_source,
            pSaltSourceData: start(&self.salt).cast(),
            ulSaltSourceDataLen: len(&self.salt),
            iterations: self.iterations,
            prf: self.prf,
            pPrfData: start(&self.prf_data).cast(),
            ulPrfDataLen: len(&self.prf_data),
            pPassword: start(&self.password),
            ulPasswordLen: len(&self.password),
        };
        lend(params, run)
    }
}

impl Kdf108Field {
    /// The type, and the bytes of the value; none for NULL.
    fn raw(&self) -> (CK_ULONG, Option<Vec<u8>>) {
        // A CK_BBOOL and what lies between it and the width.
        let width = |little_endian: bool, bits: CK_ULONG| {
            let order = [u8::from(little_endian), 0, 0, 0, 0, 0, 0, 0];
            [order, bits.to_ne_bytes()].concat()
        };
        match self {
            Kdf108Field::Iteration(None) => (CK_SP800_108_ITERATION_VARIABLE, None),
            Kdf108Field::Iteration(Some((order, bits))) => {
                (CK_SP800_108_ITERATION_VARIABLE, Some(width(*order, *bits)))
            }
            Kdf108Field::Counter(order, bits) => (CK_SP800_108_COUNTER, Some(width(*order, *bits))),
            Kdf108Field::Length { method, little_endian, bits } => {
                let method = method.to_ne_bytes();
                (CK_SP800_108_DKM_LENGTH, Some([&method[..], &width(*little_endian, *bits)].concat()))
            }
            Kdf108Field::Bytes(bytes) => (CK_SP800_108_BYTE_ARRAY, Some(bytes.clone())),
            Kdf108Field::Key(key) => (CK_SP800_108_KEY_HANDLE, Some(key.to_ne_bytes().to_vec())),
            Kdf108Field::Other(other, bytes) => (*other, Some(bytes.clone())),
        }
    }
}

impl Kdf108 {
    pub(super) fn lend<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        let values: Vec<_> = self.fields.iter().map(Kdf108Field::raw).collect();
        let mut fields: Vec<_> = values
            .iter()
            .map(|(kind, value)| CK_PRF_DATA_PARAM {
                type_: *kind,
                pValue: value.as_deref().map_or(ptr::null_mut(), start).cast(),
                ulValueLen: value.as_deref().map_or(0, len),
            })
            .collect();
        lend_templates(&self.additional, &mut Vec::new(), |additional| {
            let (data, data_count) = (fields.as_mut_ptr(), fields.len() as CK_ULONG);
            let (keys, key_count) = (additional.as_mut_ptr(), additional.len() as CK_ULONG);
            match &self.iv {
                None => lend(
                    CK_SP800_108_KDF_PARAMS {
                        prfType: self.prf,
                        ulNumberOfDataParams: data_count,
                        pDataParams: data,
                        ulAdditionalDerivedKeys: key_count,
                        pAdditionalDerivedKeys: keys,
                    },
                    run,
                ),
                Some(iv) => lend(
                    CK_SP800_108_FEEDBACK_KDF_PARAMS {
                        prfType: self.prf,
                        ulNumberOfDataParams: data_count,
                        pDataParams: data,
                        ulIVLen: len(iv),
                        pIV: start(iv),
                        ulAdditionalDerivedKeys: key_count,
                        pAdditionalDerivedKeys: keys,
                    },
                    run,
                ),
            }
        })
    }
}

/// Lends the C form of the keys, whose templates are lent one inside the other.
fn lend_templates<R>(
    keys: &[AdditionalKey],
    lent: &mut Vec<CK_DERIVED_KEY>,
    run: impl FnOnce(&mut Vec<CK_DERIVED_KEY>) -> R,
) -> R {
    let mut run = Some(run);
    let mut result = None;
    lend_each(keys, lent, &mut |lent| result = Some(run.take().expect("lent once")(lent)));
    result.expect("lent")
}

fn lend_each(keys: &[AdditionalKey], lent: &mut Vec<CK_DERIVED_KEY>, run: &mut dyn FnMut(&mut Vec<CK_DERIVED_KEY>)) {
    let [first, rest @ ..] = keys else { return run(lent) };
    template::lend(&first.template, |start, count| {
        lent.push(CK_DERIVED_KEY { pTemplate: start, ulAttributeCount: count, phKey: first.key.as_ptr() });
        lend_each(rest, lent, run);
    });
}

impl TlsKeys {
    pub(super) fn lend<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        let [client_mac, server_mac, client_key, server_key] = self.keys.get();
        let mut output = CK_SSL3_KEY_MAT_OUT {
            hClientMacSecret: client_mac,
            hServerMacSecret: server_mac,
            hClientKey: client_key,
            hServerKey: server_key,
            pIVClient: self.client_iv.start(),
            pIVServer: self.server_iv.start(),
        };
        let params = CK_TLS12_KEY_MAT_PARAMS {
            ulMacSizeInBits: self.mac_bits,
            ulKeySizeInBits: self.key_bits,
            ulIVSizeInBits: self.iv_bits,
            bIsExport: CK_BBOOL::from(self.export),
            RandomInfo: self.random.raw(),
            pReturnedKeyMaterial: &raw mut output,
            prfHashMechanism: self.hash,
        };
        let result = lend(params, run);
        self.keys.set([output.hClientMacSecret, output.hServerMacSecret, output.hClientKey, output.hServerKey]);
        result
    }
}
