//! The library's RSA key, owned.

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};

use aws_lc_sys::{
    BIGNUM, EVP_PKEY, EVP_PKEY_CTX, EVP_PKEY_CTX_free, EVP_PKEY_CTX_new, EVP_PKEY_CTX_set_rsa_mgf1_md,
    EVP_PKEY_CTX_set_rsa_oaep_md, EVP_PKEY_CTX_set_rsa_padding, EVP_PKEY_CTX_set0_rsa_oaep_label, EVP_PKEY_decrypt,
    EVP_PKEY_decrypt_init, EVP_PKEY_encrypt, EVP_PKEY_encrypt_init, EVP_PKEY_free, EVP_PKEY_new, EVP_PKEY_set1_RSA,
    OPENSSL_free, OPENSSL_memdup, RSA, RSA_FLAG_LARGE_PUBLIC_EXPONENT, RSA_PKCS1_OAEP_PADDING, RSA_bits, RSA_check_key,
    RSA_free, RSA_generate_key_ex, RSA_get0_d, RSA_get0_dmp1, RSA_get0_dmq1, RSA_get0_e, RSA_get0_iqmp, RSA_get0_n,
    RSA_get0_p, RSA_get0_q, RSA_new, RSA_set_flags, RSA_set0_crt_params, RSA_set0_factors, RSA_set0_key,
};
use zeroize::Zeroizing;

use super::bignum::{Number, done, owned, write_padded};
use super::{Component, MODULUS_BYTES_MAX, padding};
use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::hash::Algorithm;
use crate::memory::SecretBytes;

/// As many bytes as the longest modulus, wiped on drop.
pub(super) type Block = Zeroizing<[u8; MODULUS_BYTES_MAX]>;

/// A block of zeros.
pub(super) fn block() -> Block {
    Zeroizing::new([0; MODULUS_BYTES_MAX])
}

/// A public or private key.
pub(super) struct Handle {
    rsa: NonNull<RSA>,
    // The same key again, as OAEP with a choice of hash functions takes it.
    envelope: NonNull<EVP_PKEY>,
    bytes: usize,
}

// SAFETY: the library's keys are bound to no thread.
unsafe impl Send for Handle {}
// SAFETY: after it is made the key is only used in the calls that the library declares safe to run concurrently; what
// they compute for later (Montgomery values, blinding) they guard with a lock of the key's own.
unsafe impl Sync for Handle {}

/// The secret numbers of a key.
pub(super) struct Secrets {
    pub(super) private_exponent: Number,
    pub(super) primes: [Number; 2],
    pub(super) exponents: [Number; 2],
    pub(super) coefficient: Number,
}

impl Handle {
    /// A key of these numbers, not checked here; their sizes are within the library's limits.
    pub(super) fn new(modulus: Number, public_exponent: Number, secrets: Option<Secrets>) -> Result<Handle, Error> {
        // SAFETY: takes nothing, gives an owned key or null.
        let handle = Handle::own(owned(unsafe { RSA_new() })?)?;
        let rsa = handle.as_ptr();
        if public_exponent.bits() > EXPONENT_BITS_ORDINARY {
            // SAFETY: a valid key that nobody else knows yet.
            unsafe { RSA_set_flags(rsa, RSA_FLAG_LARGE_PUBLIC_EXPONENT) };
        }
        // The calls that take numbers over fail only for missing ones, which these are not.
        let (n, e) = (modulus.into_raw(), public_exponent.into_raw());
        let Some(secrets) = secrets else {
            // SAFETY: a valid key that nobody else knows yet; the numbers become its own.
            done(unsafe { RSA_set0_key(rsa, n, e, ptr::null_mut()) }, "RSA_set0_key")?;
            return handle.measured();
        };
        let d = secrets.private_exponent.into_raw();
        let [p, q] = secrets.primes.map(Number::into_raw);
        let [dp, dq] = secrets.exponents.map(Number::into_raw);
        let coefficient = secrets.coefficient.into_raw();
        // SAFETY: a valid key that nobody else knows yet; the numbers become its own.
        unsafe {
            done(RSA_set0_key(rsa, n, e, d), "RSA_set0_key")?;
            done(RSA_set0_factors(rsa, p, q), "RSA_set0_factors")?;
            done(RSA_set0_crt_params(rsa, dp, dq, coefficient), "RSA_set0_crt_params")?;
        }
        handle.measured()
    }

    /// A new key (FIPS 186-5 §A.1.3); the library has checked its sizes.
    pub(super) fn generate(bits: usize, public_exponent: &Number) -> Result<Handle, Error> {
        let bits = c_int::try_from(bits).map_err(|_| Error::Parameter("modulus bits"))?;
        // SAFETY: takes nothing, gives an owned key or null.
        let handle = Handle::own(owned(unsafe { RSA_new() })?)?;
        // SAFETY: valid objects; no progress is reported.
        let code = unsafe { RSA_generate_key_ex(handle.as_ptr(), bits, public_exponent.as_ptr(), ptr::null_mut()) };
        done(code, "RSA_generate_key_ex")?;
        handle.measured()
    }

    fn own(rsa: NonNull<RSA>) -> Result<Handle, Error> {
        // SAFETY: takes nothing, gives an owned object or null.
        let envelope = match owned(unsafe { EVP_PKEY_new() }) {
            Ok(envelope) => envelope,
            Err(error) => {
                // SAFETY: the key is owned and not used again.
                unsafe { RSA_free(rsa.as_ptr()) };
                return Err(error);
            }
        };
        let handle = Handle { rsa, envelope, bytes: 0 };
        // SAFETY: valid objects; the envelope takes a reference of its own.
        done(unsafe { EVP_PKEY_set1_RSA(envelope.as_ptr(), rsa.as_ptr()) }, "EVP_PKEY_set1_RSA")?;
        Ok(handle)
    }

    fn measured(mut self) -> Result<Handle, Error> {
        self.bytes = self.bits().div_ceil(8);
        if self.bytes > MODULUS_BYTES_MAX { Err(Error::KeyLength { got: self.bytes }) } else { Ok(self) }
    }

    /// Bits of the modulus.
    pub(super) fn bits(&self) -> usize {
        // SAFETY: a valid key with a modulus.
        unsafe { RSA_bits(self.as_ptr()) as usize }
    }

    /// Bytes of the modulus, at most [`MODULUS_BYTES_MAX`].
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// For the library's calls, which do not change what others see of the key.
    pub(super) fn as_ptr(&self) -> *mut RSA {
        self.rsa.as_ptr()
    }

    /// One of the numbers, without leading zeros.
    ///
    /// # Errors
    /// [`Error::Library`] for a number the key does not have.
    pub(super) fn component(&self, component: Component) -> Result<SecretBytes, Error> {
        let number = self.number(component)?;
        // SAFETY: the number lives as long as the key.
        let bytes = unsafe { aws_lc_sys::BN_num_bytes(number) as usize };
        let mut out = SecretBytes::zeroed(bytes)?;
        // SAFETY: as above.
        unsafe { write_padded(number, out.expose_mut())? };
        Ok(out)
    }

    /// Writes one of the numbers to `out`, filled up with zeros in front.
    pub(super) fn write_component(&self, component: Component, out: &mut [u8]) -> Result<(), Error> {
        // SAFETY: the number lives as long as the key.
        unsafe { write_padded(self.number(component)?, out) }
    }

    fn number(&self, component: Component) -> Result<*const BIGNUM, Error> {
        let get = match component {
            Component::Modulus => RSA_get0_n,
            Component::PublicExponent => RSA_get0_e,
            Component::PrivateExponent => RSA_get0_d,
            Component::Prime1 => RSA_get0_p,
            Component::Prime2 => RSA_get0_q,
            Component::Exponent1 => RSA_get0_dmp1,
            Component::Exponent2 => RSA_get0_dmq1,
            Component::Coefficient => RSA_get0_iqmp,
        };
        // SAFETY: a valid key; the number stays its own and is never replaced.
        let number = unsafe { get(self.as_ptr()) };
        if number.is_null() { Err(Error::Library("RSA_get0")) } else { Ok(number) }
    }

    /// Whether the numbers belong together: n = p·q, d·e = 1 modulo p − 1 and q − 1, the CRT values those of d.
    pub(super) fn is_consistent(&self) -> bool {
        // SAFETY: a valid key.
        let code = unsafe { RSA_check_key(self.as_ptr()) };
        if code != 1 {
            clear_errors();
        }
        code == 1
    }

    /// Encrypts with OAEP into `out`, which holds a whole block. The plaintext fits.
    pub(super) fn oaep_encrypt(
        &self,
        hash: Algorithm,
        mgf: Algorithm,
        label: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let context = OaepContext::new(self, EVP_PKEY_encrypt_init, hash, mgf, label)?;
        let mut written = out.len();
        // SAFETY: the context is ready for encryption; both buffers are passed with their lengths.
        let code = unsafe {
            EVP_PKEY_encrypt(
                context.context.as_ptr(),
                out.as_mut_ptr(),
                &mut written,
                plaintext.as_ptr(),
                plaintext.len(),
            )
        };
        done(code, "EVP_PKEY_encrypt")?;
        Ok(written)
    }

    /// Decrypts with OAEP into `out`, which holds a whole block.
    ///
    /// # Errors
    /// [`Error::Authentication`] whatever is wrong with the ciphertext.
    pub(super) fn oaep_decrypt(
        &self,
        hash: Algorithm,
        mgf: Algorithm,
        label: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let context = OaepContext::new(self, EVP_PKEY_decrypt_init, hash, mgf, label)?;
        let mut written = out.len();
        // SAFETY: the context is ready for decryption; both buffers are passed with their lengths.
        let code = unsafe {
            EVP_PKEY_decrypt(
                context.context.as_ptr(),
                out.as_mut_ptr(),
                &mut written,
                ciphertext.as_ptr(),
                ciphertext.len(),
            )
        };
        done(code, "EVP_PKEY_decrypt").map_err(|_| Error::Authentication)?;
        Ok(written)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: both references are owned and not used again; with the last one the library wipes the key.
        unsafe {
            EVP_PKEY_free(self.envelope.as_ptr());
            RSA_free(self.rsa.as_ptr());
        }
    }
}

// One OAEP operation.
struct OaepContext {
    context: NonNull<EVP_PKEY_CTX>,
}

impl OaepContext {
    fn new(
        handle: &Handle,
        init: unsafe extern "C" fn(*mut EVP_PKEY_CTX) -> c_int,
        hash: Algorithm,
        mgf: Algorithm,
        label: &[u8],
    ) -> Result<OaepContext, Error> {
        let (hash, mgf) = (padding::method(hash)?, padding::method(mgf)?);
        // SAFETY: a valid key, of which the context takes a reference; gives an owned context or null.
        let context = owned(unsafe { EVP_PKEY_CTX_new(handle.envelope.as_ptr(), ptr::null_mut()) })?;
        let made = OaepContext { context };
        let context = made.context.as_ptr();
        // SAFETY: a valid context; the methods are static.
        unsafe {
            done(init(context), "EVP_PKEY init")?;
            done(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), "EVP_PKEY_CTX_set_rsa_padding")?;
            done(EVP_PKEY_CTX_set_rsa_oaep_md(context, hash), "EVP_PKEY_CTX_set_rsa_oaep_md")?;
            done(EVP_PKEY_CTX_set_rsa_mgf1_md(context, mgf), "EVP_PKEY_CTX_set_rsa_mgf1_md")?;
        }
        if !label.is_empty() {
            // SAFETY: the label is readable for its length; gives an owned copy or null.
            let copy = owned(unsafe { OPENSSL_memdup(label.as_ptr().cast::<c_void>(), label.len()) })?.as_ptr();
            // SAFETY: a valid context, which takes the copy over if the call goes well.
            let code = unsafe { EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy.cast::<u8>(), label.len()) };
            if code != 1 {
                // SAFETY: the copy is still owned here and not used again.
                unsafe { OPENSSL_free(copy) };
            }
            done(code, "EVP_PKEY_CTX_set0_rsa_oaep_label")?;
        }
        Ok(made)
    }
}

impl Drop for OaepContext {
    fn drop(&mut self) {
        // SAFETY: the context is owned and not used again; the library wipes its buffers.
        unsafe { EVP_PKEY_CTX_free(self.context.as_ptr()) };
    }
}

// What the library takes without being told that large exponents are wanted.
const EXPONENT_BITS_ORDINARY: usize = 33;
