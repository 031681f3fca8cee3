//! Keys from other keys, shared secrets and passwords.
//!
//! Each function fills the whole of its output. Where AWS-LC has the function it is called; where it has not, the
//! iteration is here and the hash or MAC under it is the one of [`hash`](crate::hash) or [`mac`](crate::mac). An
//! output longer than the function can give is [`Error::KeyLength`], and an output of no bytes where that is no key.
//!
//! | function | what for |
//! | --- | --- |
//! | [`x963`], [`sp800_56c`] | keys from the secret of a key agreement |
//! | [`hkdf_extract`], [`hkdf_expand`] | HKDF, RFC 5869 |
//! | [`pbkdf2`] | keys from passwords, RFC 8018 |
//! | [`tls12_prf`], [`tls10_prf`] | the pseudo-random functions of TLS |
//! | [`sp800_108`] | NIST SP 800-108 as PKCS#11 lays out its input |
//! | [`ike`] | the key derivations of IKEv1 and IKEv2 |

mod hkdf;
pub mod ike;
mod pbkdf2;
pub mod sp800_108;
mod tls;
mod x963;

use std::sync::Arc;

use aws_lc_sys::{
    EVP_MD, EVP_md5, EVP_sha1, EVP_sha3_224, EVP_sha3_256, EVP_sha3_384, EVP_sha3_512, EVP_sha224, EVP_sha256,
    EVP_sha384, EVP_sha512, EVP_sha512_224, EVP_sha512_256,
};

pub use self::hkdf::{hkdf_expand, hkdf_extract};
pub use self::pbkdf2::pbkdf2;
pub use self::tls::{tls10_prf, tls12_prf};
pub use self::x963::{sp800_56c, x963};
use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::hash::Algorithm;
use crate::mac::{Key, Mac};
use crate::memory::wipe;

// A keyed function called again and again, each time over the concatenation of some parts.
struct Keyed {
    mac: Mac,
}

impl Keyed {
    fn new(key: Key) -> Result<Keyed, Error> {
        Ok(Keyed { mac: Mac::start(&Arc::new(key), &[])? })
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.mac.restart(&[])
    }

    fn update(&mut self, part: &[u8]) -> Result<(), Error> {
        self.mac.update(part)
    }

    // Fills `out`, which is no longer than the function's output, with its leftmost bytes.
    fn finish(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.mac.finish(out).map(|_| ())
    }

    fn call(&mut self, parts: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
        self.begin()?;
        for part in parts {
            self.update(part)?;
        }
        self.finish(out)
    }
}

// Runs a derivation that may stop half-way, and then leaves nothing in the output.
fn all_or_nothing(out: &mut [u8], derive: impl FnOnce(&mut [u8]) -> Result<(), Error>) -> Result<(), Error> {
    let outcome = derive(out);
    if outcome.is_err() {
        wipe(out);
    }
    outcome
}

// Whether `out` is at most `blocks` outputs of `block_bytes` each.
fn check_length(out: &[u8], block_bytes: usize, blocks: u32) -> Result<(), Error> {
    if out.len().div_ceil(block_bytes) > blocks as usize {
        return Err(Error::KeyLength { got: out.len() });
    }
    Ok(())
}

// What a call of the library that cannot fail for its arguments returned.
fn done(status: i32, call: &'static str) -> Result<(), Error> {
    if status == 1 {
        return Ok(());
    }
    clear_errors();
    Err(Error::Library(call))
}

// The library's method for a hash it can key.
fn method(hash: Algorithm) -> Result<*const EVP_MD, Error> {
    type Method = unsafe extern "C" fn() -> *const EVP_MD;
    const METHODS: [(Algorithm, Method); 12] = [
        (Algorithm::Md5, EVP_md5),
        (Algorithm::Sha1, EVP_sha1),
        (Algorithm::Sha224, EVP_sha224),
        (Algorithm::Sha256, EVP_sha256),
        (Algorithm::Sha384, EVP_sha384),
        (Algorithm::Sha512, EVP_sha512),
        (Algorithm::Sha512_224, EVP_sha512_224),
        (Algorithm::Sha512_256, EVP_sha512_256),
        (Algorithm::Sha3_224, EVP_sha3_224),
        (Algorithm::Sha3_256, EVP_sha3_256),
        (Algorithm::Sha3_384, EVP_sha3_384),
        (Algorithm::Sha3_512, EVP_sha3_512),
    ];
    let (_, method) = METHODS.iter().find(|(other, _)| *other == hash).ok_or(Error::Parameter("no HMAC hash"))?;
    // SAFETY: returns a static.
    Ok(unsafe { method() })
}
