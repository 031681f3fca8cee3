//! The methods of wrapping, as mechanisms.

use clap::{Args, ValueEnum};
use cryptoki_sys::*;
use strongroom_core::mechanism::{Call, Oaep, Parameter};

use super::call;
use crate::cloudhsm::cli::answer::Refused;
use crate::text::parse_hex;

/// The options of the methods with AES-GCM.
#[derive(Args)]
pub(super) struct Gcm {
    /// The bits of the tag: 64 to 128, in steps of 8
    #[arg(long, value_name = "N")]
    tag_length_bits: u64,
    /// What is authenticated too, in hexadecimal digits
    #[arg(long, value_name = "HEX")]
    aad: Option<String>,
}

/// The options of the methods with OAEP.
#[derive(Args)]
pub(super) struct OaepOptions {
    /// The hash
    #[arg(long)]
    hash_function: Hash,
    /// The mask generation function, of the same hash
    #[arg(long, value_name = "MGF", value_parser = mgf)]
    mgf: Mgf,
}

/// A hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // each is the hash of that name
pub(in crate::cloudhsm::cli) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// MGF1 with a hash.
#[derive(Debug, Clone, Copy)]
pub(in crate::cloudhsm::cli) struct Mgf(Hash);

/// Reads `mgf1-HASH`.
///
/// # Errors
/// Words for anything else.
pub(in crate::cloudhsm::cli) fn mgf(text: &str) -> Result<Mgf, String> {
    let hash = text.strip_prefix("mgf1-").and_then(|hash| Hash::from_str(hash, false).ok());
    hash.map(Mgf).ok_or_else(|| "it is mgf1-sha1, -sha224, -sha256, -sha384 or -sha512".to_owned())
}

/// A method with what it needs.
pub(super) enum Method<'a> {
    /// AES-GCM, with an IV beside the wrapped key, or before it.
    Gcm(&'a Gcm),
    /// RFC 3394.
    NoPad,
    /// RFC 3394 after PKCS#7 padding, which is CloudHSM's own.
    Pkcs5Pad,
    /// RFC 5649.
    ZeroPad,
    /// An AES key in between, itself wrapped by RSA.
    RsaAes(&'a OaepOptions),
    /// RSA with OAEP.
    RsaOaep(&'a OaepOptions),
    /// RSA with PKCS#1 padding.
    RsaPkcs,
}

impl<'a> Method<'a> {
    /// The call; `iv` is that of AES-GCM.
    ///
    /// # Errors
    /// Options that do not go together.
    pub(super) fn call(&self, iv: &'a [u8]) -> Result<Call<'a>, Refused> {
        match self {
            Method::Gcm(gcm) => {
                let tag_bits = gcm.tag_length_bits;
                if !(64..=128).contains(&tag_bits) || !tag_bits.is_multiple_of(8) {
                    return Err(Refused::Said(format!("A tag has 64 to 128 bits, in steps of 8, not {tag_bits}.")));
                }
                call(CKM_AES_GCM, Parameter::Gcm { iv, aad: &[], tag_bits })
            }
            Method::NoPad => call(CKM_AES_KEY_WRAP, Parameter::None),
            Method::Pkcs5Pad => call(CKM_AES_KEY_WRAP_PKCS7, Parameter::None),
            Method::ZeroPad => call(CKM_AES_KEY_WRAP_KWP, Parameter::None),
            Method::RsaAes(options) => {
                call(CKM_RSA_AES_KEY_WRAP, Parameter::RsaAes { key_bits: 256, oaep: options.parameter()? })
            }
            Method::RsaOaep(options) => call(CKM_RSA_PKCS_OAEP, Parameter::Oaep(options.parameter()?)),
            Method::RsaPkcs => call(CKM_RSA_PKCS, Parameter::None),
        }
    }

    /// What is authenticated too; nothing where the method authenticates nothing else.
    ///
    /// # Errors
    /// What is no hexadecimal digits.
    pub(super) fn aad(&self) -> Result<Option<Vec<u8>>, Refused> {
        let Method::Gcm(gcm) = self else { return Ok(None) };
        let bytes = gcm.aad.as_deref().map(|digits| hex_option("--aad", digits)).transpose()?;
        Ok(Some(bytes.unwrap_or_default()))
    }
}

impl OaepOptions {
    fn parameter(&self) -> Result<Oaep<'static>, Refused> {
        if self.mgf.0 != self.hash_function {
            return Err(Refused::said("--mgf is that of --hash-function: sha256 goes with mgf1-sha256."));
        }
        Ok(Oaep {
            hash: self.hash_function.mechanism(),
            mgf: self.mgf.number(),
            source: CKZ_DATA_SPECIFIED,
            label: &[],
        })
    }
}

impl Hash {
    /// `CKM_*` of it.
    pub(in crate::cloudhsm::cli) fn mechanism(self) -> u64 {
        match self {
            Hash::Sha1 => CKM_SHA_1,
            Hash::Sha224 => CKM_SHA224,
            Hash::Sha256 => CKM_SHA256,
            Hash::Sha384 => CKM_SHA384,
            Hash::Sha512 => CKM_SHA512,
        }
    }
}

impl Mgf {
    /// `CKG_MGF1_*`.
    pub(in crate::cloudhsm::cli) fn number(self) -> u64 {
        match self.0 {
            Hash::Sha1 => CKG_MGF1_SHA1,
            Hash::Sha224 => CKG_MGF1_SHA224,
            Hash::Sha256 => CKG_MGF1_SHA256,
            Hash::Sha384 => CKG_MGF1_SHA384,
            Hash::Sha512 => CKG_MGF1_SHA512,
        }
    }
}

/// The bytes of an option in hexadecimal digits.
///
/// # Errors
/// Anything else.
pub(super) fn hex_option(option: &str, digits: &str) -> Result<Vec<u8>, Refused> {
    parse_hex(digits).map_err(|problem| Refused::Said(format!("{option}: {problem}")))
}

/// Bytes of the IV of AES-GCM that the HSM makes.
pub(super) const IV_BYTES: usize = 12;
