//! key generate-symmetric, key generate-asymmetric-pair.

use clap::{Args, Subcommand};
use cryptoki_sys::*;
use serde_json::json;
use strongroom_core::attribute::{Entry, Given, Template};
use strongroom_core::mechanism::Parameter;
use strongroom_core::object::schema::Kind;

use super::attributes::{Typed, Wanted, entry, parse};
use super::call;
use super::filter::{P256, P256_TOO};
use super::terms::{Options, People, named};
use super::view::{self, CURVES};
use crate::cloudhsm::cli::Tool;
use crate::cloudhsm::cli::answer::{Answer, Refused};

/// key generate-symmetric
#[derive(Subcommand)]
pub(in crate::cloudhsm::cli) enum Symmetric {
    /// An AES key
    Aes(Secret),
    /// A generic secret, for HMAC
    GenericSecret(Secret),
}

/// The options of both.
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct Secret {
    #[command(flatten)]
    options: Options,
    /// The length: of AES 16, 24 or 32 bytes, of generic secrets 1 to 800
    #[arg(long, value_name = "N")]
    key_length_bytes: u64,
}

/// key generate-asymmetric-pair
#[derive(Subcommand)]
pub(in crate::cloudhsm::cli) enum Pair {
    /// An RSA pair
    Rsa(Rsa),
    /// A pair on an elliptic curve
    Ec(Ec),
}

/// key generate-asymmetric-pair rsa
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct Rsa {
    #[command(flatten)]
    options: PairOptions,
    /// The public exponent: odd, 65537 or more
    #[arg(long, value_name = "N")]
    public_exponent: u64,
    /// The bits of the modulus: 2048 to 4096, in steps of 256
    #[arg(long, value_name = "N")]
    modulus_size_bits: u64,
}

/// key generate-asymmetric-pair ec
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct Ec {
    #[command(flatten)]
    options: PairOptions,
    /// The curve
    #[arg(long, value_parser = [P256, P256_TOO, "secp224r1", "secp384r1", "secp256k1", "secp521r1"])]
    curve: String,
}

/// The options of both.
#[derive(Args)]
struct PairOptions {
    /// The label of the public key
    #[arg(long, value_name = "LABEL")]
    public_label: String,
    /// The label of the private key
    #[arg(long, value_name = "LABEL")]
    private_label: String,
    /// Keys that are gone when the session ends
    #[arg(long)]
    session: bool,
    /// What the public key may be used for and so on: verify=true
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE", value_parser = parse)]
    public_attributes: Vec<Typed>,
    /// What the private key may be used for and so on: sign=true
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE", value_parser = parse)]
    private_attributes: Vec<Typed>,
    /// Crypto users to share the private key with
    #[arg(long, num_args = 1.., value_name = "USER")]
    share_crypto_users: Vec<String>,
    /// How many of its users must approve of sharing, changing, wrapping and so on
    #[arg(long, value_name = "N", default_value_t = 0)]
    manage_private_key_quorum_value: u64,
    /// How many of its users must approve of each use
    #[arg(long, value_name = "N", default_value_t = 0)]
    use_private_key_quorum_value: u64,
}

impl Symmetric {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        tool.crypto_user()?;
        let (secret, key_type, mechanism) = match self {
            Symmetric::Aes(secret) => (secret, CKK_AES, CKM_AES_KEY_GEN),
            Symmetric::GenericSecret(secret) => (secret, CKK_GENERIC_SECRET, CKM_GENERIC_SECRET_KEY_GEN),
        };
        let length = secret.key_length_bytes;
        let is_possible = match key_type {
            CKK_AES => matches!(length, 16 | 24 | 32),
            _ => (1..=GENERIC_SECRET_BYTES_MAX).contains(&length),
        };
        if !is_possible {
            return Err(Refused::Said(match key_type {
                CKK_AES => format!("AES keys have 16, 24 or 32 bytes, not {length}."),
                _ => format!("Generic secrets have 1 to {GENERIC_SECRET_BYTES_MAX} bytes, not {length}."),
            }));
        }
        let kind = Kind::secret_key(key_type).ok_or_else(unknown)?;
        let Options { label, session, attributes, .. } = &secret.options;
        let wanted = Wanted::read(attributes, kind)?;
        let people = secret.options.people(tool)?;
        let mut entries = named(label, *session, &wanted, true)?;
        entries.push(entry(CKA_VALUE_LEN, Given::Ulong(length)));
        entries.extend(wanted.entries(kind, wanted.usual(tool.link.policy()?)));
        entries.extend(people.entries());
        let call = call(mechanism, Parameter::None)?;
        let number = tool.link.session().generate_key(&call, &Template::from_entries(entries))?;
        made(tool, number)
    }
}

impl Pair {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        tool.crypto_user()?;
        match self {
            Pair::Rsa(rsa) => rsa.run(tool),
            Pair::Ec(ec) => ec.run(tool),
        }
    }
}

impl Rsa {
    fn run(&self, tool: &Tool) -> Answer {
        let (bits, exponent) = (self.modulus_size_bits, self.public_exponent);
        if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) || !bits.is_multiple_of(RSA_STEP) {
            return Err(Refused::Said(format!("An RSA modulus has 2048, 2304, ... 4096 bits, not {bits}.")));
        }
        if exponent < EXPONENT_MIN || exponent.is_multiple_of(2) {
            return Err(Refused::Said(format!(
                "A public exponent is odd, and {EXPONENT_MIN} or more, not {exponent}."
            )));
        }
        let bytes = exponent.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let exponent = bytes.get(zeros..).unwrap_or_default();
        let parts =
            vec![entry(CKA_MODULUS_BITS, Given::Ulong(bits)), entry(CKA_PUBLIC_EXPONENT, Given::Bytes(exponent))];
        self.options.generate(tool, CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, parts)
    }
}

impl Ec {
    fn run(&self, tool: &Tool) -> Answer {
        let name = if self.curve == P256_TOO { P256 } else { self.curve.as_str() };
        let curve = CURVES.iter().find(|(known, _)| *known == name).map(|(_, curve)| *curve).ok_or_else(unknown)?;
        let parts = vec![entry(CKA_EC_PARAMS, Given::Bytes(curve.oid()))];
        self.options.generate(tool, CKK_EC, CKM_EC_KEY_PAIR_GEN, parts)
    }
}

impl PairOptions {
    fn generate(&self, tool: &Tool, key_type: u64, mechanism: u64, parts: Vec<Entry<'_>>) -> Answer {
        let kind = |class| Kind::pair_half(class, key_type).ok_or_else(unknown);
        let (public_kind, private_kind) = (kind(CKO_PUBLIC_KEY)?, kind(CKO_PRIVATE_KEY)?);
        let public_wanted = Wanted::read(&self.public_attributes, public_kind)?;
        let private_wanted = Wanted::read(&self.private_attributes, private_kind)?;
        let people = People::read(
            tool,
            &self.share_crypto_users,
            self.manage_private_key_quorum_value,
            self.use_private_key_quorum_value,
        )?;
        let mut public = named(&self.public_label, self.session, &public_wanted, false)?;
        public.extend(parts);
        public.extend(public_wanted.entries(public_kind, &[]));
        let mut private = named(&self.private_label, self.session, &private_wanted, true)?;
        private.extend(private_wanted.entries(private_kind, &[]));
        private.extend(people.entries());
        let call = call(mechanism, Parameter::None)?;
        let (public, private) = (Template::from_entries(public), Template::from_entries(private));
        let session = tool.link.session();
        let (public, private) = session.generate_key_pair(&call, &public, &private)?;
        let users = tool.link.token().users()?;
        Ok(json!({
            "public_key": view::key(&*session.object(public)?, &users),
            "private_key": view::key(&*session.object(private)?, &users),
        }))
    }
}

/// The answer of a command that made a key.
pub(super) fn made(tool: &Tool, number: u64) -> Answer {
    let key = tool.link.session().object(number)?;
    Ok(json!({ "key": view::key(&key, &tool.link.token().users()?) }))
}

fn unknown() -> Refused {
    Refused::said("The HSM does not offer keys of this kind.")
}

/// The longest generic secret, as in AWS's tool.
const GENERIC_SECRET_BYTES_MAX: u64 = 800;
const RSA_BITS_MIN: u64 = 2048;
const RSA_BITS_MAX: u64 = 4096;
const RSA_STEP: u64 = 256;
const EXPONENT_MIN: u64 = 65_537;
