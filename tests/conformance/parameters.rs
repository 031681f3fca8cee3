//! Mechanisms with parameters of their own, and the C form of them for the time of a call.

mod derivation;

use std::cell::Cell;
use std::ptr;

use cryptoki_sys::*;

pub(crate) use derivation::{
    AdditionalKey, Hkdf, Ike1Prf, IkePrf, Kdf108, Kdf108Field, Pbkdf2, TlsKeys, TlsRandom, Version,
};

/// A mechanism with its parameter.
#[derive(Debug, Clone)]
pub(crate) struct Mechanism {
    pub(crate) id: CK_MECHANISM_TYPE,
    pub(crate) parameter: Parameter,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parameter {
    None,
    Bytes(Vec<u8>),
    Ctr {
        bits: CK_ULONG,
        block: [u8; 16],
    },
    Gcm {
        iv: Vec<u8>,
        aad: Vec<u8>,
        tag_bits: CK_ULONG,
    },
    Ccm {
        data_len: CK_ULONG,
        nonce: Vec<u8>,
        aad: Vec<u8>,
        mac_len: CK_ULONG,
    },
    ChaCha20 {
        counter: Vec<u8>,
        counter_bits: CK_ULONG,
        nonce: Vec<u8>,
        nonce_bits: CK_ULONG,
    },
    Poly1305 {
        nonce: Vec<u8>,
        aad: Vec<u8>,
    },
    MacLength(CK_ULONG),
    /// `CK_EXTRACT_PARAMS`, `CK_OBJECT_HANDLE`.
    Number(CK_ULONG),
    Pss {
        hash: CK_ULONG,
        mgf: CK_ULONG,
        salt_len: CK_ULONG,
    },
    Oaep(Oaep),
    /// Without `oaep`, `pOAEPParams` is NULL.
    RsaAes {
        key_bits: CK_ULONG,
        oaep: Option<Oaep>,
    },
    Ecdh {
        kdf: CK_ULONG,
        shared: Vec<u8>,
        public: Vec<u8>,
    },
    EcdhAes {
        key_bits: CK_ULONG,
        kdf: CK_ULONG,
        shared: Vec<u8>,
    },
    X942Dh {
        kdf: CK_ULONG,
        other: Vec<u8>,
        public: Vec<u8>,
    },
    EdDsa {
        prehash: bool,
        context: Vec<u8>,
    },
    SignContext {
        hedge: CK_ULONG,
        context: Vec<u8>,
    },
    HashSignContext {
        hedge: CK_ULONG,
        context: Vec<u8>,
        hash: CK_ULONG,
    },
    /// `CK_KEY_DERIVATION_STRING_DATA`.
    StringData(Vec<u8>),
    AesCbcData {
        iv: [u8; 16],
        data: Vec<u8>,
    },
    DesCbcData {
        iv: [u8; 8],
        data: Vec<u8>,
    },
    Hkdf(Hkdf),
    Pbkdf2(Pbkdf2),
    Kdf108(Kdf108),
    TlsMaster {
        hash: CK_ULONG,
        random: TlsRandom,
        version: Option<Version>,
    },
    TlsExtendedMaster {
        hash: CK_ULONG,
        session_hash: Vec<u8>,
        version: Option<Version>,
    },
    TlsKeys(TlsKeys),
    TlsMac {
        hash: CK_ULONG,
        mac_len: CK_ULONG,
        server_or_client: CK_ULONG,
    },
    /// Without `context`, `pContextData` is NULL.
    TlsKdf {
        prf: CK_ULONG,
        label: Vec<u8>,
        random: TlsRandom,
        context: Option<Vec<u8>>,
    },
    Ike2PrfPlus {
        prf: CK_ULONG,
        seed_key: Option<CK_OBJECT_HANDLE>,
        seed: Vec<u8>,
    },
    IkePrf(IkePrf),
    Ike1Prf(Ike1Prf),
    Ike1Extended {
        prf: CK_ULONG,
        shared: Option<CK_OBJECT_HANDLE>,
        extra: Vec<u8>,
    },
    GcmMessage {
        iv: Place,
        fixed_bits: CK_ULONG,
        generator: CK_ULONG,
        tag: Place,
    },
    CcmMessage {
        data_len: CK_ULONG,
        nonce: Place,
        fixed_bits: CK_ULONG,
        generator: CK_ULONG,
        mac: Place,
    },
    Poly1305Message {
        nonce: Place,
        tag: Place,
    },
    GcmWrap {
        iv: Place,
        fixed_bits: CK_ULONG,
        generator: CK_ULONG,
        aad: Vec<u8>,
        tag_bits: CK_ULONG,
    },
    CcmWrap {
        data_len: CK_ULONG,
        nonce: Place,
        fixed_bits: CK_ULONG,
        generator: CK_ULONG,
        aad: Vec<u8>,
        mac_len: CK_ULONG,
    },
}

/// Bytes of a parameter that the module may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(Vec<Cell<u8>>);

impl Place {
    pub(crate) fn of(bytes: &[u8]) -> Place {
        Place(bytes.iter().copied().map(Cell::new).collect())
    }

    /// What is there now.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.iter().map(Cell::get).collect()
    }

    fn start(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut().cast()
    }

    fn len(&self) -> CK_ULONG {
        self.0.len() as CK_ULONG
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Oaep {
    pub(crate) hash: CK_ULONG,
    pub(crate) mgf: CK_ULONG,
    pub(crate) source: CK_ULONG,
    pub(crate) label: Vec<u8>,
}

/// A mechanism without a parameter.
pub(crate) fn plain(id: CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism { id, parameter: Parameter::None }
}

/// A mechanism with bytes for a parameter.
pub(crate) fn with_iv(id: CK_MECHANISM_TYPE, iv: &[u8]) -> Mechanism {
    Mechanism { id, parameter: Parameter::Bytes(iv.to_vec()) }
}

impl Mechanism {
    /// Lends the C form.
    pub(crate) fn lend<R>(&self, run: impl FnOnce(*mut CK_MECHANISM) -> R) -> R {
        self.parameter.lend(|start, len| {
            let mut mechanism = CK_MECHANISM { mechanism: self.id, pParameter: start.cast(), ulParameterLen: len };
            run(&mut mechanism)
        })
    }
}

/// Lends a C struct: where it starts and how many bytes it has.
fn lend<T, R>(mut parameter: T, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
    run(ptr::from_mut(&mut parameter).cast(), size_of::<T>() as CK_ULONG)
}

fn start(bytes: &[u8]) -> *mut u8 {
    bytes.as_ptr().cast_mut()
}

fn len(bytes: &[u8]) -> CK_ULONG {
    bytes.len() as CK_ULONG
}

impl Parameter {
    /// Lends the C form: where it starts and how many bytes it has.
    pub(crate) fn lend<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        match self {
            Parameter::None => run(ptr::null_mut(), 0),
            Parameter::Bytes(bytes) => run(start(bytes), len(bytes)),
            Parameter::MacLength(number) | Parameter::Number(number) => lend(*number, run),
            Parameter::Ctr { .. }
            | Parameter::Gcm { .. }
            | Parameter::Ccm { .. }
            | Parameter::ChaCha20 { .. }
            | Parameter::Poly1305 { .. } => self.lend_cipher(run),
            Parameter::GcmMessage { .. }
            | Parameter::CcmMessage { .. }
            | Parameter::Poly1305Message { .. }
            | Parameter::GcmWrap { .. }
            | Parameter::CcmWrap { .. } => self.lend_message(run),
            Parameter::Pss { .. }
            | Parameter::Oaep(_)
            | Parameter::RsaAes { .. }
            | Parameter::Ecdh { .. }
            | Parameter::EcdhAes { .. }
            | Parameter::X942Dh { .. }
            | Parameter::EdDsa { .. }
            | Parameter::SignContext { .. }
            | Parameter::HashSignContext { .. } => self.lend_asymmetric(run),
            Parameter::StringData(data) => {
                lend(CK_KEY_DERIVATION_STRING_DATA { pData: start(data), ulLen: len(data) }, run)
            }
            Parameter::AesCbcData { iv, data } => {
                lend(CK_AES_CBC_ENCRYPT_DATA_PARAMS { iv: *iv, pData: start(data), length: len(data) }, run)
            }
            Parameter::DesCbcData { iv, data } => {
                lend(CK_DES_CBC_ENCRYPT_DATA_PARAMS { iv: *iv, pData: start(data), length: len(data) }, run)
            }
            Parameter::Hkdf(hkdf) => hkdf.lend(run),
            Parameter::Pbkdf2(pbkdf2) => pbkdf2.lend(run),
            Parameter::Kdf108(kdf) => kdf.lend(run),
            Parameter::TlsMaster { .. }
            | Parameter::TlsExtendedMaster { .. }
            | Parameter::TlsMac { .. }
            | Parameter::TlsKdf { .. } => self.lend_tls(run),
            Parameter::TlsKeys(keys) => keys.lend(run),
            Parameter::Ike2PrfPlus { .. }
            | Parameter::IkePrf(_)
            | Parameter::Ike1Prf(_)
            | Parameter::Ike1Extended { .. } => self.lend_ike(run),
        }
    }

    fn lend_cipher<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        match self {
            Parameter::Ctr { bits, block } => lend(CK_AES_CTR_PARAMS { ulCounterBits: *bits, cb: *block }, run),
            Parameter::Gcm { iv, aad, tag_bits } => lend(
                CK_GCM_PARAMS {
                    pIv: start(iv),
                    ulIvLen: len(iv),
                    ulIvBits: len(iv) * 8,
                    pAAD: start(aad),
                    ulAADLen: len(aad),
                    ulTagBits: *tag_bits,
                },
                run,
            ),
            Parameter::Ccm { data_len, nonce, aad, mac_len } => lend(
                CK_CCM_PARAMS {
                    ulDataLen: *data_len,
                    pNonce: start(nonce),
                    ulNonceLen: len(nonce),
                    pAAD: start(aad),
                    ulAADLen: len(aad),
                    ulMACLen: *mac_len,
                },
                run,
            ),
            Parameter::ChaCha20 { counter, counter_bits, nonce, nonce_bits } => lend(
                CK_CHACHA20_PARAMS {
                    pBlockCounter: start(counter),
                    blockCounterBits: *counter_bits,
                    pNonce: start(nonce),
                    ulNonceBits: *nonce_bits,
                },
                run,
            ),
            Parameter::Poly1305 { nonce, aad } => lend(
                CK_SALSA20_CHACHA20_POLY1305_PARAMS {
                    pNonce: start(nonce),
                    ulNonceLen: len(nonce),
                    pAAD: start(aad),
                    ulAADLen: len(aad),
                },
                run,
            ),
            other => panic!("{other:?} is for no cipher"),
        }
    }

    fn lend_message<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        match self {
            Parameter::GcmMessage { iv, fixed_bits, generator, tag } => lend(
                CK_GCM_MESSAGE_PARAMS {
                    pIv: iv.start(),
                    ulIvLen: iv.len(),
                    ulIvFixedBits: *fixed_bits,
                    ivGenerator: *generator,
                    pTag: tag.start(),
                    ulTagBits: tag.len() * 8,
                },
                run,
            ),
            Parameter::CcmMessage { data_len, nonce, fixed_bits, generator, mac } => lend(
                CK_CCM_MESSAGE_PARAMS {
                    ulDataLen: *data_len,
                    pNonce: nonce.start(),
                    ulNonceLen: nonce.len(),
                    ulNonceFixedBits: *fixed_bits,
                    nonceGenerator: *generator,
                    pMAC: mac.start(),
                    ulMACLen: mac.len(),
                },
                run,
            ),
            Parameter::Poly1305Message { nonce, tag } => lend(
                CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
                    pNonce: nonce.start(),
                    ulNonceLen: nonce.len(),
                    pTag: tag.start(),
                },
                run,
            ),
            Parameter::GcmWrap { iv, fixed_bits, generator, aad, tag_bits } => lend(
                CK_GCM_WRAP_PARAMS {
                    pIv: iv.start(),
                    ulIvLen: iv.len(),
                    ulIvFixedBits: *fixed_bits,
                    ivGenerator: *generator,
                    pAAD: start(aad),
                    ulAADLen: len(aad),
                    ulTagBits: *tag_bits,
                },
                run,
            ),
            Parameter::CcmWrap { data_len, nonce, fixed_bits, generator, aad, mac_len } => lend(
                CK_CCM_WRAP_PARAMS {
                    ulDataLen: *data_len,
                    pNonce: nonce.start(),
                    ulNonceLen: nonce.len(),
                    ulNonceFixedBits: *fixed_bits,
                    nonceGenerator: *generator,
                    pAAD: start(aad),
                    ulAADLen: len(aad),
                    ulMACLen: *mac_len,
                },
                run,
            ),
            other => panic!("{other:?} is for no message"),
        }
    }

    fn lend_asymmetric<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        match self {
            Parameter::Pss { hash, mgf, salt_len } => {
                lend(CK_RSA_PKCS_PSS_PARAMS { hashAlg: *hash, mgf: *mgf, sLen: *salt_len }, run)
            }
            Parameter::Oaep(oaep) => lend(oaep.raw(), run),
            Parameter::RsaAes { key_bits, oaep } => {
                let mut oaep = oaep.as_ref().map(Oaep::raw);
                let oaep = oaep.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
                lend(CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: *key_bits, pOAEPParams: oaep }, run)
            }
            Parameter::Ecdh { kdf, shared, public } => lend(
                CK_ECDH1_DERIVE_PARAMS {
                    kdf: *kdf,
                    ulSharedDataLen: len(shared),
                    pSharedData: start(shared),
                    ulPublicDataLen: len(public),
                    pPublicData: start(public),
                },
                run,
            ),
            Parameter::EcdhAes { key_bits, kdf, shared } => lend(
                CK_ECDH_AES_KEY_WRAP_PARAMS {
                    ulAESKeyBits: *key_bits,
                    kdf: *kdf,
                    ulSharedDataLen: len(shared),
                    pSharedData: start(shared),
                },
                run,
            ),
            Parameter::X942Dh { kdf, other, public } => lend(
                CK_X9_42_DH1_DERIVE_PARAMS {
                    kdf: *kdf,
                    ulOtherInfoLen: len(other),
                    pOtherInfo: start(other),
                    ulPublicDataLen: len(public),
                    pPublicData: start(public),
                },
                run,
            ),
            Parameter::EdDsa { prehash, context } => lend(
                CK_EDDSA_PARAMS {
                    phFlag: CK_BBOOL::from(*prehash),
                    ulContextDataLen: len(context),
                    pContextData: start(context),
                },
                run,
            ),
            Parameter::SignContext { hedge, context } => lend(
                CK_SIGN_ADDITIONAL_CONTEXT {
                    hedgeVariant: *hedge,
                    pContext: start(context),
                    ulContextLen: len(context),
                },
                run,
            ),
            Parameter::HashSignContext { hedge, context, hash } => lend(
                CK_HASH_SIGN_ADDITIONAL_CONTEXT {
                    hedgeVariant: *hedge,
                    pContext: start(context),
                    ulContextLen: len(context),
                    hash: *hash,
                },
                run,
            ),
            other => panic!("{other:?} is for no key pair"),
        }
    }
}

impl Oaep {
    fn raw(&self) -> CK_RSA_PKCS_OAEP_PARAMS {
        CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: self.hash,
            mgf: self.mgf,
            source: self.source,
            pSourceData: start(&self.label).cast(),
            ulSourceDataLen: len(&self.label),
        }
    }
}
