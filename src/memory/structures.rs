//! The structs a caller's pointers lead to, read whole and with their inner pointers as pairs.

mod asymmetric;
mod derivation;
mod messages;
mod tls;

use cryptoki_sys::*;
use strongroom_core::error::Error;

use super::{AnyBytes, Attributes, Input, Pointer, pair_len};

pub(crate) use asymmetric::{Agreement, EdDsa, Oaep, Pss, RsaAes, SignContext};
pub(crate) use derivation::{
    CounterFormat, DerivedKey, EncryptData, Hkdf, Ike1Extended, Ike1Prf, Ike2PrfPlus, IkePrf, Kdf108, Kdf108Field,
    Pbkdf2, string_data,
};
pub(crate) use messages::{CallerMessage, OwnMessage};
pub(crate) use tls::{TlsExtendedMaster, TlsKdf, TlsKeys, TlsMac, TlsMaster, TlsOutput, TlsRandom};

/// A `CK_MECHANISM`: its number and, still unread, its parameter.
#[derive(Clone, Copy)]
pub(crate) struct CallerMechanism {
    pub(crate) id: CK_MECHANISM_TYPE,
    pub(crate) parameter: Input,
}

impl CallerMechanism {
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for NULL.
    pub(crate) fn read(pointer: Pointer<CK_MECHANISM>) -> Result<CallerMechanism, Error> {
        let CK_MECHANISM { mechanism, pParameter, ulParameterLen } = pointer.read()?;
        Ok(CallerMechanism { id: mechanism, parameter: Input::new(Pointer(pParameter.cast()), ulParameterLen) })
    }
}

/// A `CK_ULONG` as a mechanism's parameter; none if that is not what the bytes are.
pub(crate) fn ulong(parameter: &Input) -> Option<CK_ULONG> {
    read_struct(parameter)
}

/// `CK_AES_CTR_PARAMS`.
pub(crate) struct Ctr {
    pub(crate) counter_bits: CK_ULONG,
    pub(crate) block: [u8; 16],
}

impl Ctr {
    pub(crate) fn read(parameter: &Input) -> Option<Ctr> {
        let CK_AES_CTR_PARAMS { ulCounterBits, cb } = read_struct(parameter)?;
        Some(Ctr { counter_bits: ulCounterBits, block: cb })
    }
}

/// `CK_GCM_PARAMS`.
pub(crate) struct Gcm {
    pub(crate) iv: Input,
    pub(crate) aad: Input,
    pub(crate) tag_bits: CK_ULONG,
}

/// The struct before `ulIvBits` was put into it; NSS and programs built with old headers still pass it.
#[repr(C)]
#[derive(Clone, Copy)]
struct OldGcmParams {
    iv: *mut u8,
    iv_len: CK_ULONG,
    aad: *mut u8,
    aad_len: CK_ULONG,
    tag_bits: CK_ULONG,
}

// SAFETY: integers and raw pointers.
unsafe impl AnyBytes for OldGcmParams {}

impl Gcm {
    /// Reads the struct of today, or by its length the older one without `ulIvBits`. That field says nothing `ulIvLen`
    /// does not, and callers fill it in many ways: it is ignored.
    pub(crate) fn read(parameter: &Input) -> Option<Gcm> {
        if let Some(CK_GCM_PARAMS { pIv, ulIvLen, pAAD, ulAADLen, ulTagBits, .. }) = read_struct(parameter) {
            return Some(Gcm {
                iv: Input::new(Pointer(pIv), ulIvLen),
                aad: Input::new(Pointer(pAAD), ulAADLen),
                tag_bits: ulTagBits,
            });
        }
        let OldGcmParams { iv, iv_len, aad, aad_len, tag_bits } = read_struct(parameter)?;
        Some(Gcm { iv: Input::new(Pointer(iv), iv_len), aad: Input::new(Pointer(aad), aad_len), tag_bits })
    }

    /// Stores an IV that was made in the module where the caller's is.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` where the caller's IV is not of the same length: who decrypts with the struct as
    /// it is then must get the same IV.
    pub(crate) fn write_iv(&self, iv: &[u8]) -> Result<(), Error> {
        if self.iv.is_null() || self.iv.len() != iv.len() as CK_ULONG {
            return Err(Error::MechanismParameter("the IV is made in the module and has 12 bytes: so must pIv"));
        }
        // SAFETY: not NULL, and vouched for as `ulIvLen` bytes.
        unsafe { std::ptr::copy(iv.as_ptr(), self.iv.start().0, iv.len()) };
        Ok(())
    }
}

/// `CK_CCM_PARAMS`.
pub(crate) struct Ccm {
    pub(crate) data_bytes: CK_ULONG,
    pub(crate) nonce: Input,
    pub(crate) aad: Input,
    pub(crate) mac_bytes: CK_ULONG,
}

impl Ccm {
    pub(crate) fn read(parameter: &Input) -> Option<Ccm> {
        let CK_CCM_PARAMS { ulDataLen, pNonce, ulNonceLen, pAAD, ulAADLen, ulMACLen } = read_struct(parameter)?;
        Some(Ccm {
            data_bytes: ulDataLen,
            nonce: Input::new(Pointer(pNonce), ulNonceLen),
            aad: Input::new(Pointer(pAAD), ulAADLen),
            mac_bytes: ulMACLen,
        })
    }
}

/// `CK_CHACHA20_PARAMS`.
pub(crate) struct ChaCha20 {
    /// Little-endian.
    pub(crate) counter: Input,
    pub(crate) counter_bits: CK_ULONG,
    pub(crate) nonce: Input,
    pub(crate) nonce_bits: CK_ULONG,
}

impl ChaCha20 {
    pub(crate) fn read(parameter: &Input) -> Option<ChaCha20> {
        let CK_CHACHA20_PARAMS { pBlockCounter, blockCounterBits, pNonce, ulNonceBits } = read_struct(parameter)?;
        Some(ChaCha20 {
            counter: Input::new(Pointer(pBlockCounter), blockCounterBits / 8),
            counter_bits: blockCounterBits,
            nonce: Input::new(Pointer(pNonce), ulNonceBits / 8),
            nonce_bits: ulNonceBits,
        })
    }
}

/// `CK_SALSA20_CHACHA20_POLY1305_PARAMS`.
pub(crate) struct ChaCha20Poly1305 {
    pub(crate) nonce: Input,
    pub(crate) aad: Input,
}

impl ChaCha20Poly1305 {
    pub(crate) fn read(parameter: &Input) -> Option<ChaCha20Poly1305> {
        let CK_SALSA20_CHACHA20_POLY1305_PARAMS { pNonce, ulNonceLen, pAAD, ulAADLen } = read_struct(parameter)?;
        let (nonce, aad) = (Input::new(Pointer(pNonce), ulNonceLen), Input::new(Pointer(pAAD), ulAADLen));
        Some(ChaCha20Poly1305 { nonce, aad })
    }
}

/// `CK_C_INITIALIZE_ARGS`.
pub(crate) struct InitializeArguments {
    /// How many of the four mutex callbacks are there.
    pub(crate) callbacks: usize,
    pub(crate) flags: CK_FLAGS,
    reserved: Pointer<u8>,
}

/// The struct with callbacks as numbers: they are never called.
#[repr(C)]
#[derive(Clone, Copy)]
struct InitializeWords {
    callbacks: [usize; 4],
    flags: CK_FLAGS,
    reserved: *mut u8,
}

// SAFETY: integers and a raw pointer.
unsafe impl AnyBytes for InitializeWords {}

const _: () = assert!(size_of::<InitializeWords>() == size_of::<CK_C_INITIALIZE_ARGS>());

impl InitializeArguments {
    /// The arguments; none for NULL.
    pub(crate) fn read(pointer: Pointer<std::ffi::c_void>) -> Option<InitializeArguments> {
        let words: InitializeWords = Pointer(pointer.0.cast()).read().ok()?;
        Some(InitializeArguments {
            callbacks: words.callbacks.iter().filter(|callback| **callback != 0).count(),
            flags: words.flags,
            reserved: Pointer(words.reserved),
        })
    }

    /// The NUL-terminated string in `pReserved`; none for NULL.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` where it has more than `max` bytes.
    pub(crate) fn reserved(&self, max: usize) -> Result<Option<Vec<u8>>, Error> {
        if self.reserved.is_null() {
            return Ok(None);
        }
        let mut string = Vec::new();
        loop {
            // SAFETY: vouched for up to and including its NUL, which has not been seen yet.
            match unsafe { self.reserved.0.add(string.len()).read() } {
                0 => return Ok(Some(string)),
                _ if string.len() == max => return Err(Error::Arguments("pReserved has no end")),
                byte => {
                    string.try_reserve(1).map_err(|_| Error::HostMemory)?;
                    string.push(byte);
                }
            }
        }
    }
}

/// Whether a pointer leads to exactly this string, NUL-terminated. Reads no byte behind the first that differs.
pub(crate) fn is_c_string(pointer: Pointer<u8>, expected: &[u8]) -> bool {
    let bytes = expected.iter().copied().chain([0]);
    // SAFETY: vouched for up to and including its NUL. No byte after it is read: it differs, or is the last compared.
    !pointer.is_null() && bytes.enumerate().all(|(at, byte)| unsafe { pointer.0.add(at).read() } == byte)
}

/// A `CK_INTERFACE` that is never written.
#[repr(transparent)]
pub(crate) struct Interface(CK_INTERFACE);

// SAFETY: its pointers lead to statics, and nobody writes to it or them.
unsafe impl Sync for Interface {}

impl Interface {
    /// The interface `name` (NUL-terminated) with this function list, a struct that begins with its version.
    pub(crate) const fn new<T>(name: &'static std::ffi::CStr, list: &'static T) -> Interface {
        Interface(CK_INTERFACE {
            pInterfaceName: name.as_ptr().cast_mut().cast(),
            pFunctionList: (&raw const *list).cast_mut().cast(),
            flags: 0,
        })
    }

    /// The struct, to be copied to a caller.
    pub(crate) fn value(&self) -> CK_INTERFACE {
        self.0
    }

    /// The struct's address, to be passed to a caller, who may only read there.
    pub(crate) fn address(&'static self) -> *mut CK_INTERFACE {
        (&raw const self.0).cast_mut()
    }
}

/// The struct at the parameter, if the parameter has its length.
fn read_struct<T: AnyBytes>(parameter: &Input) -> Option<T> {
    parameter.as_struct::<T>()?.read().ok()
}

/// A pointer and a length found in a struct.
fn pair<T>(start: *mut T, len: CK_ULONG) -> Input {
    Input::new(Pointer(start.cast()), len)
}

/// The structs of an array found in a struct.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` for an array at NULL, of more than `max` structs, or that can mean no memory;
/// `CKR_HOST_MEMORY`.
fn array<T: AnyBytes>(start: *mut T, count: CK_ULONG, max: usize) -> Result<Vec<T>, Error> {
    let count = usize::try_from(count).ok().filter(|count| *count <= max);
    let count = count.ok_or(Error::MechanismParameter("an array in it is too long"))?;
    pair_len(start.cast(), count.saturating_mul(size_of::<T>()) as CK_ULONG)
        .map_err(|_| Error::MechanismParameter("an array in it can mean no memory"))?;
    let mut structs = Vec::new();
    structs.try_reserve_exact(count).map_err(|_| Error::HostMemory)?;
    for index in 0..count {
        // SAFETY: not NULL and of possible length, so vouched for as `count` structs; any bytes are a `T`.
        structs.push(unsafe { start.add(index).read_unaligned() });
    }
    Ok(structs)
}

#[cfg(test)]
mod tests {
    use super::super::tests::pointer;
    use super::*;

    /// The first `len` bytes of `words` as a parameter.
    pub(super) fn parameter(words: &mut [CK_ULONG], len: CK_ULONG) -> Input {
        assert!(len as usize <= size_of_val(words));
        Input::new(pointer(words.as_mut_ptr().cast()), len)
    }

    #[test]
    fn structs_are_read_by_their_exact_length() {
        let mut words = [1 as CK_ULONG, 2, 3, 4, 5, 6];
        let start = pointer(words.as_mut_ptr().cast::<u8>());
        let parameter = |len| Input::new(start, len);
        assert_eq!(ulong(&parameter(8)), Some(1));
        assert_eq!(ulong(&parameter(4)), None);
        assert_eq!(ulong(&Input::new(pointer(std::ptr::null_mut()), 8)), None);
        assert_eq!(Gcm::read(&parameter(48)).unwrap().tag_bits, 6);
        let old = Gcm::read(&parameter(40)).unwrap();
        assert_eq!((old.tag_bits, old.iv.len(), old.aad.len()), (5, 2, 4));
        assert!(Gcm::read(&parameter(47)).is_none());
        assert_eq!(Ctr::read(&parameter(24)).unwrap().counter_bits, 1);
        assert!(Ctr::read(&parameter(16)).is_none());
        assert_eq!(Ccm::read(&parameter(48)).unwrap().mac_bytes, 6);
        assert_eq!(ChaCha20::read(&parameter(32)).unwrap().nonce_bits, 4);
        assert_eq!(ChaCha20Poly1305::read(&parameter(32)).unwrap().aad.len(), 4);
    }

    #[test]
    fn initialize_arguments() {
        assert!(InitializeArguments::read(pointer(std::ptr::null_mut())).is_none());
        let mut text = *b"dir='x'\0";
        let mut words = [0, 1, 1, 0, CKF_OS_LOCKING_OK as usize, text.as_mut_ptr().addr()];
        words[5] = text.as_mut_ptr().expose_provenance();
        let arguments = InitializeArguments::read(pointer(words.as_mut_ptr().cast())).unwrap();
        assert_eq!((arguments.callbacks, arguments.flags), (2, CKF_OS_LOCKING_OK));
        assert_eq!(arguments.reserved(7).unwrap().unwrap(), b"dir='x'");
        assert_eq!(arguments.reserved(6).unwrap_err().rv(), CKR_ARGUMENTS_BAD);
    }

    #[test]
    fn strings_are_compared_to_their_end() {
        let equal = |mut bytes: Vec<u8>| is_c_string(pointer(bytes.as_mut_ptr()), b"PKCS 11");
        assert!(equal(b"PKCS 11\0".to_vec()));
        assert!(!equal(b"PKCS 1\0".to_vec()));
        assert!(!equal(b"PKCS 111\0".to_vec()));
        assert!(!equal(b"\0".to_vec()));
        assert!(!is_c_string(pointer(std::ptr::null_mut()), b""));
    }

    #[test]
    fn a_made_iv_needs_room() {
        let mut iv = [0u8; 16];
        let gcm = |start: *mut u8, len| Gcm {
            iv: Input::new(pointer(start), len),
            aad: Input::new(pointer(std::ptr::null_mut()), 0),
            tag_bits: 128,
        };
        assert!(gcm(std::ptr::null_mut(), 12).write_iv(&[1; 12]).is_err());
        assert!(gcm(iv.as_mut_ptr(), 11).write_iv(&[1; 12]).is_err());
        assert!(gcm(iv.as_mut_ptr(), 16).write_iv(&[1; 12]).is_err());
        gcm(iv.as_mut_ptr(), 12).write_iv(&[1; 12]).unwrap();
        assert_eq!(iv, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    }
}
