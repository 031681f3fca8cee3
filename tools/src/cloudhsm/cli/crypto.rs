//! crypto sign, crypto verify.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cryptoki_sys::*;
use serde_json::json;
use strongroom_core::error::Error;
use strongroom_core::mechanism::{Call, Parameter};
use strongroom_core::session::Output;
use strongroom_crypto::hash;
use zeroize::Zeroizing;

use super::answer::{Answer, Refused};
use super::key::filter::{self, Filter, single};
use super::key::methods::{Hash, Mgf, mgf};
use super::key::{call, reference};
use super::{Tool, approval, data};

/// crypto
#[derive(Subcommand)]
pub(super) enum Command {
    /// Sign with a private key
    #[command(subcommand)]
    Sign(Sign),
    /// Verify with a public key
    #[command(subcommand)]
    Verify(Verify),
}

/// crypto sign
#[derive(Subcommand)]
pub(super) enum Sign {
    /// ECDSA; the signature is the two numbers one after the other
    Ecdsa(SignOptions),
    /// RSASSA-PKCS1-v1_5
    RsaPkcs(SignOptions),
    /// RSASSA-PSS
    RsaPkcsPss(SignPss),
}

/// crypto verify
#[derive(Subcommand)]
pub(super) enum Verify {
    /// ECDSA; the signature is the two numbers one after the other
    Ecdsa(VerifyOptions),
    /// RSASSA-PKCS1-v1_5
    RsaPkcs(VerifyOptions),
    /// RSASSA-PSS
    RsaPkcsPss(VerifyPss),
}

/// The key and the data.
#[derive(Args)]
struct What {
    /// Which key: key-reference=0x..., or attr.NAME=VALUE, all of which must fit
    #[arg(long, num_args = 1.., required = true, value_name = "FILTER", value_parser = filter::parse)]
    key_filter: Vec<Filter>,
    /// The hash
    #[arg(long)]
    hash_function: Hash,
    /// The data in base64
    #[arg(long, value_name = "BASE64", required_unless_present = "data_path", conflicts_with = "data_path")]
    data: Option<String>,
    /// The file with the data
    #[arg(long, value_name = "FILE")]
    data_path: Option<PathBuf>,
    /// Whether the data is a message, or its digest
    #[arg(long, default_value = "raw")]
    data_type: DataType,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DataType {
    /// A message
    Raw,
    /// The digest of one
    Digest,
}

/// crypto sign METHOD
#[derive(Args)]
pub(super) struct SignOptions {
    #[command(flatten)]
    what: What,
    /// A signed quorum token
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
}

/// crypto sign rsa-pkcs-pss
#[derive(Args)]
pub(super) struct SignPss {
    #[command(flatten)]
    options: SignOptions,
    #[command(flatten)]
    pss: Pss,
}

/// crypto verify METHOD
#[derive(Args)]
pub(super) struct VerifyOptions {
    #[command(flatten)]
    what: What,
    /// The signature in base64
    #[arg(long, value_name = "BASE64", required_unless_present = "signature_path", conflicts_with = "signature_path")]
    signature: Option<String>,
    /// The file with the signature
    #[arg(long, value_name = "FILE")]
    signature_path: Option<PathBuf>,
}

/// crypto verify rsa-pkcs-pss
#[derive(Args)]
pub(super) struct VerifyPss {
    #[command(flatten)]
    options: VerifyOptions,
    #[command(flatten)]
    pss: Pss,
}

/// What PSS needs besides.
#[derive(Args)]
struct Pss {
    /// The mask generation function: mgf1-sha256 and so on
    #[arg(long, value_name = "MGF", value_parser = mgf)]
    mgf: Mgf,
    /// The bytes of the salt
    #[arg(long, value_name = "N")]
    salt_length: u64,
}

/// How it is signed.
enum Method<'a> {
    Ecdsa,
    RsaPkcs,
    Pss(&'a Pss),
}

impl Command {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        tool.crypto_user()?;
        match self {
            Command::Sign(Sign::Ecdsa(options)) => options.run(tool, &Method::Ecdsa),
            Command::Sign(Sign::RsaPkcs(options)) => options.run(tool, &Method::RsaPkcs),
            Command::Sign(Sign::RsaPkcsPss(sign)) => sign.options.run(tool, &Method::Pss(&sign.pss)),
            Command::Verify(Verify::Ecdsa(options)) => options.run(tool, &Method::Ecdsa),
            Command::Verify(Verify::RsaPkcs(options)) => options.run(tool, &Method::RsaPkcs),
            Command::Verify(Verify::RsaPkcsPss(verify)) => verify.options.run(tool, &Method::Pss(&verify.pss)),
        }
    }
}

impl SignOptions {
    fn run(&self, tool: &Tool, method: &Method<'_>) -> Answer {
        let (call, data) = self.what.signed(method)?;
        let key = single(tool, &self.what.key_filter)?.number;
        approval::bring(tool, self.approval.as_deref())?;
        let session = tool.link.session();
        session.sign_init(&call, key)?;
        let mut signature = vec![0; SIGNATURE_BYTES_MAX];
        let length = session.sign(&data, Output::Buffer(&mut signature))?;
        signature.truncate(length);
        Ok(json!({ "key-reference": reference(key), "signature": data::base64(&signature) }))
    }
}

impl VerifyOptions {
    fn run(&self, tool: &Tool, method: &Method<'_>) -> Answer {
        let (call, data) = self.what.signed(method)?;
        let signature = data::given("--signature", self.signature.as_deref(), self.signature_path.as_deref())?;
        let key = single(tool, &self.what.key_filter)?.number;
        let session = tool.link.session();
        session.verify_init(&call, key)?;
        session.verify(&data, &signature).map_err(|error| match error {
            Error::SignatureInvalid | Error::SignatureLength => Refused::said("Signature verification failed"),
            other => other.into(),
        })?;
        Ok(json!({ "message": "Signature verified successfully" }))
    }
}

impl What {
    /// The call, and what it signs: the message, or what stands for a digest that is ready.
    fn signed(&self, method: &Method<'_>) -> Result<(Call<'static>, Zeroizing<Vec<u8>>), Refused> {
        let data = data::given("--data", self.data.as_deref(), self.data_path.as_deref())?;
        let at = self.hash_function;
        let row = ROWS.iter().find(|row| row.hash == at);
        let row = row.ok_or_else(|| Refused::said("The HSM does not offer this hash."))?;
        let ready = self.data_type == DataType::Digest;
        let bytes = row.algorithm.output_bytes();
        if ready && data.len() != bytes {
            let length = data.len();
            return Err(Refused::Said(format!("A digest of this hash has {bytes} bytes, the data has {length}.")));
        }
        let parameter = match method {
            Method::Pss(pss) => {
                Parameter::Pss { hash: at.mechanism(), mgf: pss.mgf.number(), salt_bytes: pss.salt_length }
            }
            Method::Ecdsa | Method::RsaPkcs => Parameter::None,
        };
        let (mechanism, data) = match (method, ready) {
            (Method::Ecdsa, false) => (row.ecdsa, data),
            (Method::Ecdsa, true) => (CKM_ECDSA, data),
            (Method::RsaPkcs, false) => (row.pkcs, data),
            (Method::RsaPkcs, true) => (CKM_RSA_PKCS, Zeroizing::new([row.digest_info, &data].concat())),
            (Method::Pss(_), false) => (row.pss, data),
            (Method::Pss(_), true) => (CKM_RSA_PKCS_PSS, data),
        };
        Ok((call(mechanism, parameter)?, data))
    }
}

/// What a hash is called in the mechanisms.
struct Row {
    hash: Hash,
    algorithm: hash::Algorithm,
    ecdsa: u64,
    pkcs: u64,
    pss: u64,
    /// What stands before the digest in a DigestInfo (RFC 8017 §9.2, note 1).
    digest_info: &'static [u8],
}

static ROWS: &[Row] = &[
    Row {
        hash: Hash::Sha1,
        algorithm: hash::Algorithm::Sha1,
        ecdsa: CKM_ECDSA_SHA1,
        pkcs: CKM_SHA1_RSA_PKCS,
        pss: CKM_SHA1_RSA_PKCS_PSS,
        digest_info: &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14],
    },
    Row {
        hash: Hash::Sha224,
        algorithm: hash::Algorithm::Sha224,
        ecdsa: CKM_ECDSA_SHA224,
        pkcs: CKM_SHA224_RSA_PKCS,
        pss: CKM_SHA224_RSA_PKCS_PSS,
        digest_info: &sha2(0x2d, 0x04, 0x1c),
    },
    Row {
        hash: Hash::Sha256,
        algorithm: hash::Algorithm::Sha256,
        ecdsa: CKM_ECDSA_SHA256,
        pkcs: CKM_SHA256_RSA_PKCS,
        pss: CKM_SHA256_RSA_PKCS_PSS,
        digest_info: &sha2(0x31, 0x01, 0x20),
    },
    Row {
        hash: Hash::Sha384,
        algorithm: hash::Algorithm::Sha384,
        ecdsa: CKM_ECDSA_SHA384,
        pkcs: CKM_SHA384_RSA_PKCS,
        pss: CKM_SHA384_RSA_PKCS_PSS,
        digest_info: &sha2(0x41, 0x02, 0x30),
    },
    Row {
        hash: Hash::Sha512,
        algorithm: hash::Algorithm::Sha512,
        ecdsa: CKM_ECDSA_SHA512,
        pkcs: CKM_SHA512_RSA_PKCS,
        pss: CKM_SHA512_RSA_PKCS_PSS,
        digest_info: &sha2(0x51, 0x03, 0x40),
    },
];

/// A hash of the SHA-2 family: bytes of the whole, the last number of its identifier, bytes of the digest.
const fn sha2(whole: u8, identifier: u8, digest: u8) -> [u8; 19] {
    [
        0x30, whole, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, identifier, 0x05, 0x00,
        0x04, digest,
    ]
}

/// More than a signature with an RSA key of 16384 bits has.
const SIGNATURE_BYTES_MAX: usize = 4096;
