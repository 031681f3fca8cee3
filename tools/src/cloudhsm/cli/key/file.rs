//! key generate-file, key import pem.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::attribute::Template;
use strongroom_core::object::birth::public_key_entries;
use strongroom_core::object::schema::Kind;
use strongroom_crypto::encoding::PublicKeyInfo;

use super::attributes::{Typed, Wanted, parse};
use super::filter::{self, Filter, single};
use super::generate::made;
use super::terms::named;
use crate::cloudhsm::attributes::bytes;
use crate::cloudhsm::cli::Tool;
use crate::cloudhsm::cli::answer::{Answer, Refused};
use crate::cloudhsm::files;
use crate::pem;

/// key generate-file
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct GenerateFile {
    /// What the file holds
    #[arg(long)]
    encoding: Encoding,
    /// The file, which is overwritten
    #[arg(long, value_name = "FILE")]
    path: PathBuf,
    /// Which key: key-reference=0x..., or attr.NAME=VALUE, all of which must fit
    #[arg(long, num_args = 1.., required = true, value_name = "FILTER", value_parser = filter::parse)]
    filter: Vec<Filter>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Encoding {
    /// A public key in PEM
    Pem,
    #[value(hide = true)]
    ReferencePem,
    #[value(hide = true)]
    KspKeyReference,
}

/// key import
#[derive(Subcommand)]
pub(in crate::cloudhsm::cli) enum Import {
    /// A public key from a PEM file
    Pem(Pem),
}

/// key import pem
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct Pem {
    /// The file
    #[arg(long, value_name = "FILE")]
    path: PathBuf,
    /// The label
    #[arg(long)]
    label: String,
    /// What the file holds
    #[arg(long, value_name = "KIND")]
    key_type_class: PublicClass,
    /// What the key may be used for and so on: verify=true
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE", value_parser = parse)]
    attributes: Vec<Typed>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PublicClass {
    /// A point on a curve
    EcPublic,
    /// An RSA key
    RsaPublic,
}

impl GenerateFile {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        tool.crypto_user()?;
        if !matches!(self.encoding, Encoding::Pem) {
            return Err(Refused::said(
                "--encoding pem is what is offered: programs use private keys here through PKCS#11, not through files.",
            ));
        }
        let key = single(tool, &self.filter)?;
        let info = match key.kind.class {
            CKO_PUBLIC_KEY => bytes(&key, CKA_PUBLIC_KEY_INFO),
            _ => return Err(Refused::said("--encoding pem is for public keys.")),
        };
        let info = info.ok_or_else(|| Refused::said("This public key has no SubjectPublicKeyInfo."))?;
        files::write(&self.path, pem::encode("PUBLIC KEY", info).as_bytes())?;
        Ok(json!({ "message": "Successfully generated key file" }))
    }
}

impl Import {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        let Import::Pem(pem) = self;
        pem.run(tool)
    }
}

impl Pem {
    fn run(&self, tool: &Tool) -> Answer {
        tool.crypto_user()?;
        let name = self.path.display();
        let der = files::public_key(&self.path)?;
        let info = PublicKeyInfo::decode(&der).map_err(|error| Refused::Said(format!("{name}: {error}")))?;
        let mut entries = public_key_entries(&info);
        let held = Template::from_entries(entries.clone()).ulong(CKA_KEY_TYPE).unwrap_or_default();
        let (key_type, noun) = match self.key_type_class {
            PublicClass::EcPublic => (CKK_EC, "public key of a curve"),
            PublicClass::RsaPublic => (CKK_RSA, "RSA public key"),
        };
        if held != key_type {
            return Err(Refused::Said(format!("{name} holds no {noun}.")));
        }
        let kind = Kind::pair_half(CKO_PUBLIC_KEY, key_type);
        let kind = kind.ok_or_else(|| Refused::said("The HSM does not offer keys of this kind."))?;
        let wanted = Wanted::read(&self.attributes, kind)?;
        entries.extend(named(&self.label, false, &wanted, false)?);
        entries.extend(wanted.entries(kind, &[]));
        let number = tool.link.session().create_object(&Template::from_entries(entries))?;
        let mut answer = made(tool, number)?;
        if let Value::Object(fields) = &mut answer {
            fields.insert("message".to_owned(), json!("Successfully imported key"));
        }
        Ok(answer)
    }
}
