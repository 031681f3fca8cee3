//! key unwrap.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cryptoki_sys::*;
use strongroom_core::attribute::{Given, Template};
use strongroom_core::object::schema::Kind;

use super::attributes::{Wanted, entry};
use super::filter::{self, Filter, single};
use super::generate::made;
use super::methods::{Gcm, IV_BYTES, Method, OaepOptions, hex_option};
use super::terms::{Options, named};
use crate::cloudhsm::cli::answer::{Answer, Refused};
use crate::cloudhsm::cli::{Tool, approval, data};

/// key unwrap
#[derive(Subcommand)]
pub(in crate::cloudhsm::cli) enum Unwrap {
    /// With AES-GCM
    AesGcm(WithIv),
    /// With AES-GCM; the IV stands before the wrapped key
    CloudhsmAesGcm(WithGcm),
    /// With AES key wrap without padding (RFC 3394)
    AesNoPad(Key),
    /// With AES key wrap after PKCS#5 padding, which only a CloudHSM does
    AesPkcs5Pad(Key),
    /// With AES key wrap with padding (RFC 5649)
    AesZeroPad(Key),
    /// With an AES key in between, which RSA unwraps
    RsaAes(WithOaep),
    /// With RSA and OAEP
    RsaOaep(WithOaep),
    /// With RSA and PKCS#1 padding
    RsaPkcs(Key),
}

/// The key to unwrap with, the wrapped one, and what it will be.
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct Key {
    /// The key to unwrap with
    #[arg(long, num_args = 1.., required = true, value_name = "FILTER", value_parser = filter::parse)]
    filter: Vec<Filter>,
    /// The class and type of the wrapped key
    #[arg(long, value_name = "KIND")]
    key_type_class: TypeClass,
    /// The wrapped key in base64
    #[arg(long, value_name = "BASE64", required_unless_present = "data_path", conflicts_with = "data_path")]
    data: Option<String>,
    /// The file with the wrapped key
    #[arg(long, value_name = "FILE")]
    data_path: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// A signed quorum token for the key to unwrap with
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
}

/// A method with AES-GCM and an IV beside the wrapped key.
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct WithIv {
    #[command(flatten)]
    with: WithGcm,
    /// The IV, in hexadecimal digits
    #[arg(long, value_name = "HEX")]
    iv: String,
}

/// A method with AES-GCM.
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct WithGcm {
    #[command(flatten)]
    key: Key,
    #[command(flatten)]
    gcm: Gcm,
}

/// A method with OAEP.
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct WithOaep {
    #[command(flatten)]
    key: Key,
    #[command(flatten)]
    oaep: OaepOptions,
}

/// What a wrapped key is.
#[derive(Clone, Copy, ValueEnum)]
enum TypeClass {
    /// An AES key
    Aes,
    /// A triple DES key
    Des3,
    /// The private half of a pair on a curve
    EcPrivate,
    /// A generic secret
    GenericSecret,
    /// The private half of an RSA pair
    RsaPrivate,
}

impl TypeClass {
    fn numbers(self) -> (u64, u64) {
        match self {
            TypeClass::Aes => (CKO_SECRET_KEY, CKK_AES),
            TypeClass::Des3 => (CKO_SECRET_KEY, CKK_DES3),
            TypeClass::GenericSecret => (CKO_SECRET_KEY, CKK_GENERIC_SECRET),
            TypeClass::EcPrivate => (CKO_PRIVATE_KEY, CKK_EC),
            TypeClass::RsaPrivate => (CKO_PRIVATE_KEY, CKK_RSA),
        }
    }
}

impl Unwrap {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        let (key, method) = match self {
            Unwrap::AesGcm(WithIv { with, .. }) | Unwrap::CloudhsmAesGcm(with) => (&with.key, Method::Gcm(&with.gcm)),
            Unwrap::AesNoPad(key) => (key, Method::NoPad),
            Unwrap::AesPkcs5Pad(key) => (key, Method::Pkcs5Pad),
            Unwrap::AesZeroPad(key) => (key, Method::ZeroPad),
            Unwrap::RsaAes(with) => (&with.key, Method::RsaAes(&with.oaep)),
            Unwrap::RsaOaep(with) => (&with.key, Method::RsaOaep(&with.oaep)),
            Unwrap::RsaPkcs(key) => (key, Method::RsaPkcs),
        };
        self.unwrap(tool, key, &method)
    }

    fn unwrap(&self, tool: &Tool, key: &Key, method: &Method<'_>) -> Answer {
        tool.crypto_user()?;
        let unwrapping = single(tool, &key.filter)?.number;
        let (class, key_type) = key.key_type_class.numbers();
        let kind = match class {
            CKO_SECRET_KEY => Kind::secret_key(key_type),
            _ => Kind::pair_half(class, key_type),
        };
        let kind = kind.ok_or_else(|| Refused::said("The HSM does not offer keys of this kind."))?;
        let options = &key.options;
        let wanted = Wanted::read(&options.attributes, kind)?;
        let usual = if class == CKO_SECRET_KEY { wanted.usual(tool.link.policy()?) } else { &[] };
        let people = options.people(tool)?;
        let mut entries = named(&options.label, options.session, &wanted, true)?;
        entries.push(entry(CKA_CLASS, Given::Ulong(class)));
        entries.push(entry(CKA_KEY_TYPE, Given::Ulong(key_type)));
        entries.extend(wanted.entries(kind, usual));
        entries.extend(people.entries());
        let template = Template::from_entries(entries);
        let data = data::given("--data", key.data.as_deref(), key.data_path.as_deref())?;
        let (iv, wrapped) = self.parted(&data)?;
        let (call, aad) = (method.call(&iv)?, method.aad()?);
        approval::bring(tool, key.approval.as_deref())?;
        let session = tool.link.session();
        let number = match aad {
            Some(aad) => session.unwrap_key_authenticated(&call, unwrapping, wrapped, &template, &aad)?,
            None => session.unwrap_key(&call, unwrapping, wrapped, &template)?,
        };
        made(tool, number)
    }

    /// The IV and the wrapped key.
    fn parted<'a>(&self, data: &'a [u8]) -> Result<(Vec<u8>, &'a [u8]), Refused> {
        match self {
            Unwrap::AesGcm(with) => match hex_option("--iv", &with.iv)? {
                iv if iv.len() == IV_BYTES => Ok((iv, data)),
                iv => Err(Refused::Said(format!("--iv: the IV has {IV_BYTES} bytes, not {}.", iv.len()))),
            },
            Unwrap::CloudhsmAesGcm(_) => {
                let parts = data.split_at_checked(IV_BYTES);
                let (iv, rest) = parts.ok_or_else(|| Refused::said("The data is too short to begin with an IV."))?;
                Ok((iv.to_vec(), rest))
            }
            _ => Ok((Vec::new(), data)),
        }
    }
}
