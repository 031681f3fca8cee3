//! Mechanisms with parameters of their own, and the C form of them for the time of a call.

use std::ptr;

use cryptoki_sys::*;

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
    Ctr { bits: CK_ULONG, block: [u8; 16] },
    Gcm { iv: Vec<u8>, aad: Vec<u8>, tag_bits: CK_ULONG },
    Ccm { data_len: CK_ULONG, nonce: Vec<u8>, aad: Vec<u8>, mac_len: CK_ULONG },
    ChaCha20 { counter: Vec<u8>, counter_bits: CK_ULONG, nonce: Vec<u8>, nonce_bits: CK_ULONG },
    Poly1305 { nonce: Vec<u8>, aad: Vec<u8> },
    MacLength(CK_ULONG),
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

impl Parameter {
    /// Lends the C form: where it starts and how many bytes it has.
    pub(crate) fn lend<R>(&self, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
        fn lend<T, R>(mut parameter: T, run: impl FnOnce(*mut u8, CK_ULONG) -> R) -> R {
            run(ptr::from_mut(&mut parameter).cast(), size_of::<T>() as CK_ULONG)
        }
        let start = |bytes: &Vec<u8>| bytes.as_ptr().cast_mut();
        let len = |bytes: &Vec<u8>| bytes.len() as CK_ULONG;
        match self {
            Parameter::None => run(ptr::null_mut(), 0),
            Parameter::Bytes(bytes) => run(start(bytes), len(bytes)),
            Parameter::MacLength(bytes) => lend(*bytes, run),
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
        }
    }
}
