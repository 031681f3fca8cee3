//! The calls with key pairs, and those that make a key of another one.

use cryptoki_sys::{
    CK_FUNCTION_LIST_3_2, CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CK_ULONG, CKR_FUNCTION_NOT_SUPPORTED, CKR_OK,
};

use super::{CallError, Mechanism, Session, input};
use crate::template::Template;

/// The handles of a key pair.
#[derive(Clone, Copy)]
pub(crate) struct PairHandles {
    pub(crate) public: CK_OBJECT_HANDLE,
    pub(crate) private: CK_OBJECT_HANDLE,
}

/// As `call!`, for a function that came with PKCS#11 3.2.
macro_rules! call_3_2 {
    ($module:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let function = $module.functions_3_2.as_ref().and_then(|list: &CK_FUNCTION_LIST_3_2| list.$function);
        let code = match function {
            // SAFETY: as in `call!`.
            Some(function) => unsafe { function($($argument),*) },
            None => CKR_FUNCTION_NOT_SUPPORTED,
        };
        if code == CKR_OK { Ok(()) } else { Err(CallError { function: stringify!($function), code }) }
    }};
}

impl Session {
    /// `C_GenerateKeyPair` by a mechanism that takes no parameter.
    #[inline]
    pub(crate) fn generate_pair(
        &self,
        mechanism: CK_MECHANISM_TYPE,
        public: &Template,
        private: &Template,
    ) -> Result<PairHandles, CallError> {
        let ((public, public_count), (private, private_count)) = (public.as_raw(), private.as_raw());
        let mut pair = PairHandles { public: 0, private: 0 };
        let (first, second) = (&mut pair.public, &mut pair.private);
        Mechanism::Plain(mechanism).with_raw(|mechanism| {
            call!(
                self.module,
                C_GenerateKeyPair(self.handle, mechanism, public, public_count, private, private_count, first, second)
            )
        })?;
        Ok(pair)
    }

    /// `C_DestroyObject` for both.
    pub(crate) fn destroy_pair(&self, pair: PairHandles) -> Result<(), CallError> {
        self.destroy(pair.public)?;
        self.destroy(pair.private)
    }

    /// `C_VerifyInit` and `C_Verify`.
    #[inline]
    pub(crate) fn verify(
        &self,
        mechanism: Mechanism<'_>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), CallError> {
        mechanism.with_raw(|mechanism| call!(self.module, C_VerifyInit(self.handle, mechanism, key)))?;
        let (length, signature_length) = (data.len() as CK_ULONG, signature.len() as CK_ULONG);
        call!(self.module, C_Verify(self.handle, input(data), length, input(signature), signature_length))
    }

    /// `C_DeriveKey`.
    #[inline]
    pub(crate) fn derive(
        &self,
        mechanism: Mechanism<'_>,
        base: CK_OBJECT_HANDLE,
        template: &Template,
    ) -> Result<CK_OBJECT_HANDLE, CallError> {
        let (attributes, count) = template.as_raw();
        let mut key = 0;
        mechanism.with_raw(|mechanism| {
            call!(self.module, C_DeriveKey(self.handle, mechanism, base, attributes, count, &mut key))
        })?;
        Ok(key)
    }

    /// `C_WrapKey`; gives the length of the wrapped key.
    #[inline]
    pub(crate) fn wrap(
        &self,
        mechanism: Mechanism<'_>,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        output: &mut [u8],
    ) -> Result<usize, CallError> {
        let mut length = output.len() as CK_ULONG;
        mechanism.with_raw(|mechanism| {
            let (start, room) = (output.as_mut_ptr(), &mut length);
            call!(self.module, C_WrapKey(self.handle, mechanism, wrapping, key, start, room))
        })?;
        Ok(length as usize)
    }

    /// `C_UnwrapKey`.
    #[inline]
    pub(crate) fn unwrap(
        &self,
        mechanism: Mechanism<'_>,
        unwrapping: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: &Template,
    ) -> Result<CK_OBJECT_HANDLE, CallError> {
        let ((attributes, count), length) = (template.as_raw(), wrapped.len() as CK_ULONG);
        let mut key = 0;
        mechanism.with_raw(|mechanism| {
            let (start, place) = (input(wrapped), &mut key);
            call!(self.module, C_UnwrapKey(self.handle, mechanism, unwrapping, start, length, attributes, count, place))
        })?;
        Ok(key)
    }

    /// `C_EncapsulateKey` into a place that is as long as the ciphertext.
    #[inline]
    pub(crate) fn encapsulate(
        &self,
        mechanism: CK_MECHANISM_TYPE,
        public: CK_OBJECT_HANDLE,
        template: &Template,
        ciphertext: &mut [u8],
    ) -> Result<CK_OBJECT_HANDLE, CallError> {
        let ((attributes, count), mut length) = (template.as_raw(), ciphertext.len() as CK_ULONG);
        let mut key = 0;
        Mechanism::Plain(mechanism).with_raw(|mechanism| {
            let (start, room) = (ciphertext.as_mut_ptr(), &mut length);
            call_3_2!(
                self.module,
                C_EncapsulateKey(self.handle, mechanism, public, attributes, count, start, room, &mut key)
            )
        })?;
        Ok(key)
    }

    /// `C_DecapsulateKey`.
    #[inline]
    pub(crate) fn decapsulate(
        &self,
        mechanism: CK_MECHANISM_TYPE,
        private: CK_OBJECT_HANDLE,
        template: &Template,
        ciphertext: &[u8],
    ) -> Result<CK_OBJECT_HANDLE, CallError> {
        let ((attributes, count), length) = (template.as_raw(), ciphertext.len() as CK_ULONG);
        let mut key = 0;
        Mechanism::Plain(mechanism).with_raw(|mechanism| {
            let (start, place) = (input(ciphertext), &mut key);
            call_3_2!(
                self.module,
                C_DecapsulateKey(self.handle, mechanism, private, attributes, count, start, length, place)
            )
        })?;
        Ok(key)
    }
}
