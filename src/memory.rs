//! The caller's memory: the only module of this crate with `unsafe` code.
//!
//! A C function cannot check a pointer, it can only be promised that the pointer is right (PKCS#11 3.2 §5.1: what the
//! functions' parameters mean). [`Argument::vouched`] takes that promise once, where a call enters. Everything built
//! from it ([`Pointer`], [`Input`], [`Space`], [`Attributes`], ...) has safe methods that check what can be checked:
//! NULL, lengths that no memory has, counts that overflow, structs that are not aligned, outputs that overlap inputs.
//! Which pointer goes with which length is what `exports` says, in one line per function.
//!
//! [`door`] is about the module's own memory: the instance that calls use while another thread may finalise it.

// The reason for this module.
#![allow(unsafe_code)]

mod attributes;
mod buffers;
pub(crate) mod door;
mod lists;
mod structures;

use std::fmt;

use cryptoki_sys::*;
use strongroom_core::error::Error;

pub(crate) use attributes::{Answer, Attributes};
pub(crate) use buffers::{Input, Room, Space};
pub(crate) use lists::{Handles, List};
pub(crate) use structures::*;

use crate::vendor::{SR_QUORUM_TOKEN_INFO, SR_USER_INFO};

/// Defines exported functions: each takes the caller's promise about its pointers and goes through [`crate::entry`].
///
/// `fn C_Name(argument: type, ...) => kind_of_entry(closure);`, where the closure sees the checked arguments.
macro_rules! exported {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($argument:ident: $type:ty),* $(,)?) => $entry:ident($body:expr);
    )*) => {$(
        $(#[$meta])*
        ///
        /// # Safety
        ///
        /// Each pointer is NULL or leads to what the standard says of its parameter (PKCS#11 3.2 §5.1), for `SR_*` what
        /// `strongroom.h` says, and stays so for the time of the call.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> CK_RV {
            // SAFETY: the C caller vouches for its pointers, as this function's contract says.
            $(let $argument = unsafe { $crate::memory::Argument::vouched($argument) };)*
            $crate::entry::$entry(
                stringify!($name),
                || [$((stringify!($argument), $crate::memory::Vouched::traced($argument))),*],
                $body,
            )
        }
    )*};
}
pub(crate) use exported;

/// A parameter of an exported function, as C passes it.
pub(crate) trait Argument {
    /// The same with the caller's promise attached.
    type Vouched: Vouched;

    /// Takes the caller's promise.
    ///
    /// # Safety
    ///
    /// A pointer is NULL, or leads to what the standard says of the parameter, as do the pointers and lengths found
    /// there (`CK_ATTRIBUTE`, `CK_MECHANISM` and parameters), until the call returns.
    unsafe fn vouched(self) -> Self::Vouched;
}

/// A parameter for which the caller has given its promise.
pub(crate) trait Vouched: Copy {
    /// How the trace shows it.
    fn traced(self) -> Traced;
}

/// What the trace knows of a parameter. It shows no data: bytes are only counted.
#[derive(Clone, Copy)]
pub(crate) enum Traced {
    /// A number.
    Number(u64),
    /// Bytes; their number follows in the next parameter.
    Bytes(Pointer<u8>),
    /// A number the function reads or writes.
    Word(Pointer<CK_ULONG>),
    /// A mechanism.
    Mechanism(Pointer<CK_MECHANISM>),
    /// A template; the number of its entries follows in the next parameter.
    Template(Pointer<CK_ATTRIBUTE>),
    /// Something of which only matters whether it is there.
    Present(bool),
}

/// A pointer of the caller: NULL, or to a `T` that need not be aligned.
#[repr(transparent)]
pub(crate) struct Pointer<T>(*mut T);

/// A C struct for which any bytes are a valid value, so that reading one from the caller's memory can do no harm.
///
/// # Safety
///
/// The type must hold only integers, raw pointers and arrays of them.
pub(crate) unsafe trait AnyBytes: Copy {}

impl<T> Pointer<T> {
    /// Whether it is NULL.
    #[inline]
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// Itself, if it is not NULL.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD`.
    #[inline]
    pub(crate) fn required(self) -> Result<Self, Error> {
        if self.is_null() { Err(Error::Arguments("a pointer that is needed is NULL")) } else { Ok(self) }
    }

    /// The value it leads to.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for NULL.
    #[inline]
    pub(crate) fn read(self) -> Result<T, Error>
    where
        T: AnyBytes,
    {
        self.required()?;
        // SAFETY: not NULL, so vouched for; any bytes are a `T`, aligned or not.
        Ok(unsafe { self.0.read_unaligned() })
    }

    /// Stores a value where it leads to.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for NULL.
    #[inline]
    pub(crate) fn write(self, value: T) -> Result<(), Error>
    where
        T: Copy,
    {
        self.required()?;
        // SAFETY: not NULL, so vouched for; alignment does not matter and nothing needs dropping.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }
}

impl Pointer<u8> {
    /// The pointer as that of a token's label, which has 32 bytes and no end mark (`C_InitToken`).
    pub(crate) fn label(self) -> Pointer<[u8; 32]> {
        Pointer(self.0.cast())
    }
}

impl Pointer<std::ffi::c_void> {
    /// The pointer as that of bytes: a parameter of which only its length tells what it is.
    pub(crate) fn bytes(self) -> Pointer<u8> {
        Pointer(self.0.cast())
    }
}

impl<T> Clone for Pointer<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Pointer<T> {}

impl<T> fmt::Debug for Pointer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_null() { "NULL" } else { "set" })
    }
}

impl<T> Argument for *mut T
where
    Pointer<T>: Vouched,
{
    type Vouched = Pointer<T>;

    unsafe fn vouched(self) -> Pointer<T> {
        Pointer(self)
    }
}

macro_rules! plain_arguments {
    ($($type:ty: $value:ident => $traced:expr;)*) => {$(
        impl Argument for $type {
            type Vouched = $type;

            unsafe fn vouched(self) -> $type {
                self
            }
        }

        impl Vouched for $type {
            fn traced(self) -> Traced {
                let $value = self;
                $traced
            }
        }
    )*};
}

plain_arguments! {
    CK_ULONG: value => Traced::Number(value);
    CK_BBOOL: value => Traced::Number(value.into());
    CK_NOTIFY: value => Traced::Present(value.is_some());
}

macro_rules! pointers {
    ($($type:ty: $pointer:ident => $traced:expr;)*) => {$(
        impl Vouched for Pointer<$type> {
            fn traced(self) -> Traced {
                let $pointer = self;
                $traced
            }
        }
    )*};
}

pointers! {
    u8: pointer => Traced::Bytes(pointer);
    CK_ULONG: pointer => Traced::Word(pointer);
    CK_MECHANISM: pointer => Traced::Mechanism(pointer);
    CK_ATTRIBUTE: pointer => Traced::Template(pointer);
    std::ffi::c_void: pointer => Traced::Present(!pointer.is_null());
    CK_INFO: pointer => Traced::Present(!pointer.is_null());
    CK_SLOT_INFO: pointer => Traced::Present(!pointer.is_null());
    CK_TOKEN_INFO: pointer => Traced::Present(!pointer.is_null());
    CK_SESSION_INFO: pointer => Traced::Present(!pointer.is_null());
    CK_MECHANISM_INFO: pointer => Traced::Present(!pointer.is_null());
    CK_VERSION: pointer => Traced::Present(!pointer.is_null());
    CK_INTERFACE: pointer => Traced::Present(!pointer.is_null());
    CK_ASYNC_DATA: pointer => Traced::Present(!pointer.is_null());
    *mut CK_INTERFACE: pointer => Traced::Present(!pointer.is_null());
    *mut CK_FUNCTION_LIST: pointer => Traced::Present(!pointer.is_null());
    SR_USER_INFO: pointer => Traced::Present(!pointer.is_null());
    SR_QUORUM_TOKEN_INFO: pointer => Traced::Present(!pointer.is_null());
}

macro_rules! any_bytes {
    ($($type:ty,)*) => {$(
        // SAFETY: integers, raw pointers and arrays of them.
        unsafe impl AnyBytes for $type {}
    )*};
}

any_bytes! {
    u8, CK_ULONG, CK_VERSION, CK_MECHANISM, CK_ATTRIBUTE, CK_GCM_PARAMS, CK_CCM_PARAMS, CK_AES_CTR_PARAMS,
    CK_CHACHA20_PARAMS, CK_SALSA20_CHACHA20_POLY1305_PARAMS, [u8; 32], CK_RSA_PKCS_PSS_PARAMS,
    CK_RSA_PKCS_OAEP_PARAMS, CK_RSA_AES_KEY_WRAP_PARAMS, CK_ECDH1_DERIVE_PARAMS, CK_X9_42_DH1_DERIVE_PARAMS,
    CK_ECDH_AES_KEY_WRAP_PARAMS, CK_EDDSA_PARAMS, CK_SIGN_ADDITIONAL_CONTEXT, CK_HASH_SIGN_ADDITIONAL_CONTEXT,
    CK_KEY_DERIVATION_STRING_DATA, CK_AES_CBC_ENCRYPT_DATA_PARAMS, CK_DES_CBC_ENCRYPT_DATA_PARAMS, CK_HKDF_PARAMS,
    CK_PKCS5_PBKD2_PARAMS2, CK_SP800_108_KDF_PARAMS, CK_SP800_108_FEEDBACK_KDF_PARAMS, CK_PRF_DATA_PARAM,
    CK_DERIVED_KEY, CK_SP800_108_COUNTER_FORMAT, CK_SP800_108_DKM_LENGTH_FORMAT, CK_SSL3_RANDOM_DATA,
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS, CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS, CK_TLS12_KEY_MAT_PARAMS,
    CK_SSL3_KEY_MAT_OUT, CK_TLS_MAC_PARAMS, CK_TLS_KDF_PARAMS, CK_IKE2_PRF_PLUS_DERIVE_PARAMS,
    CK_IKE_PRF_DERIVE_PARAMS, CK_IKE1_PRF_DERIVE_PARAMS, CK_IKE1_EXTENDED_DERIVE_PARAMS, CK_GCM_MESSAGE_PARAMS,
    CK_CCM_MESSAGE_PARAMS, CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS, CK_GCM_WRAP_PARAMS, CK_CCM_WRAP_PARAMS,
}

/// How many bytes a pair of pointer and length covers.
///
/// # Errors
/// `CKR_ARGUMENTS_BAD` where no memory can be meant: NULL or an address next to it with a length, or a length that
/// reaches over the end of the address space.
#[inline]
fn pair_len(start: *const u8, len: CK_ULONG) -> Result<usize, Error> {
    if len == 0 {
        return Ok(0);
    }
    if start.addr() < ADDRESS_SPACE_START {
        return Err(Error::Arguments("a pointer is NULL but its length is not 0"));
    }
    match usize::try_from(len) {
        Ok(len) if start.addr().checked_add(len).is_some_and(|end| end <= ADDRESS_SPACE_END) => Ok(len),
        _ => Err(Error::Arguments("a length is longer than any memory")),
    }
}

/// No process has memory below: the first page is left empty so that NULL and its like lead nowhere.
const ADDRESS_SPACE_START: usize = 4096;

/// No process has memory from here on: 52 bits of addresses are the most that 64-bit Linux gives without being asked
/// for more. On smaller machines no slice reaches further than this.
const ADDRESS_SPACE_END: usize = if usize::BITS == 64 { 1 << 52 } else { isize::MAX as usize };

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The promise, given by a test for its own variables.
    pub(crate) fn pointer<T>(target: *mut T) -> Pointer<T> {
        Pointer(target)
    }

    #[test]
    fn null_is_refused() {
        let null = pointer(std::ptr::null_mut::<CK_ULONG>());
        assert_eq!(null.read().unwrap_err().rv(), CKR_ARGUMENTS_BAD);
        assert_eq!(null.write(1).unwrap_err().rv(), CKR_ARGUMENTS_BAD);
        assert!(null.required().is_err());
    }

    #[test]
    fn words_need_no_alignment() {
        let mut bytes = [0u8; 24];
        for offset in 0..8 {
            let word = pointer(bytes[offset..].as_mut_ptr().cast::<CK_ULONG>());
            word.write(0x0102_0304_0506_0708).unwrap();
            assert_eq!(word.read().unwrap(), 0x0102_0304_0506_0708);
            assert_eq!(bytes[offset..offset + 8], 0x0102_0304_0506_0708u64.to_ne_bytes());
        }
    }

    #[test]
    fn impossible_pairs_are_refused() {
        let byte = 0u8;
        let start = &raw const byte;
        assert_eq!(pair_len(std::ptr::null(), 0).unwrap(), 0);
        assert_eq!(pair_len(start, 0).unwrap(), 0);
        assert_eq!(pair_len(start, 1).unwrap(), 1);
        assert_eq!(pair_len(start, 1 << 40).unwrap(), 1 << 40);
        for len in [1, 5, 1 << 62, 1 << 63, CK_ULONG::MAX] {
            assert!(pair_len(std::ptr::null(), len).is_err());
        }
        for len in [1 << 63, (1 << 63) + 1, CK_ULONG::MAX - 1, CK_ULONG::MAX] {
            assert!(pair_len(start, len).is_err());
        }
        let last = std::ptr::without_provenance::<u8>(usize::MAX);
        assert!(pair_len(last, 2).is_err());
        for address in [1, 16, 4095] {
            assert!(pair_len(std::ptr::without_provenance(address), 1).is_err());
        }
    }
}
