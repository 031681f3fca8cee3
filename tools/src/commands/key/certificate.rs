//! `strongroom key certificate`: a certificate as a whole, for other programs.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use cryptoki_sys::*;
use serde_json::json;
use strongroom_core::object::Object;
use strongroom_core::session::Session;

use super::find::{meant, only, with_public_key};
use super::public::{public_key_info, with_or_without_login};
use super::types::bytes;
use super::view::named;
use crate::failure::Failure;
use crate::output::{self, Answer};
use crate::pem;
use crate::place::{AsUser, Context};
use crate::text::quoted;

/// Options of `key certificate`.
#[derive(Debug, Args)]
pub(crate) struct CertificateArgs {
    /// Which certificate: its number, its label, label=TEXT or id=HEX; or those of a key it belongs to
    key: String,
    /// As PEM, with "BEGIN CERTIFICATE" (the default)
    #[arg(long, group = "form")]
    pem: bool,
    /// As DER, for a file or another program
    #[arg(long, group = "form", conflicts_with = "json")]
    der: bool,
    /// Write it to this file, which must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Whose certificate; asked for only where it cannot be found without login.
    #[command(flatten)]
    user: AsUser,
}

/// Writes a certificate.
///
/// # Errors
/// What it refuses or fails with.
pub(super) fn run(context: &Context, args: &CertificateArgs) -> Result<Answer, Failure> {
    if args.der && args.out.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage(
            "--der writes bytes that garble a terminal; send them to a file or another program",
        ));
    }
    let hsm = context.hsm()?;
    let (certificate, value) = with_or_without_login(context, &hsm, &args.user, |session| chosen(session, &args.key))?;
    let text = pem::encode("CERTIFICATE", &value);
    let content = if args.der { value.as_slice() } else { text.as_bytes() };
    let json = |file: Option<&Path>| {
        let file = file.map(|file| file.display().to_string());
        json!({ "certificate": { "number": certificate.number, "pem": text, "file": file } })
    };
    match &args.out {
        Some(file) => {
            output::write_new(file, content)?;
            let told = format!("Wrote the {} to {}.\n", named(&certificate), file.display());
            Ok(Answer::new(told, json(Some(file))))
        }
        None if args.der => {
            output::write(content)?;
            Ok(Answer::written())
        }
        None => Ok(Answer::new(text.clone(), json(None))),
    }
}

/// The certificate that is meant, or that of the key that is meant, and its value.
fn chosen(session: &Session, wanted: &str) -> Result<(Arc<Object>, Vec<u8>), Failure> {
    let found = meant(session, wanted, None)?;
    let of_class = |class| found.iter().filter(move |object| object.kind.class == class).cloned();
    let mut certificates: Vec<Arc<Object>> = of_class(CKO_CERTIFICATE).collect();
    if certificates.is_empty() {
        let keys = of_class(CKO_PUBLIC_KEY).chain(of_class(CKO_PRIVATE_KEY));
        let infos = keys.map(|key| public_key_info(&key)).collect::<Result<Vec<_>, _>>()?;
        if let Some((info, others)) = infos.split_first()
            && others.iter().all(|other| other == info)
        {
            certificates = with_public_key(session, CKO_CERTIFICATE, info)?;
        }
    }
    if certificates.is_empty() {
        return Err(Failure::refused(
            CKR_OBJECT_HANDLE_INVALID,
            format!(
                "there is no certificate {} for this user; 'strongroom key list --class certificate' shows those there \
                 are",
                quoted(wanted)
            ),
        ));
    }
    let certificate = only(wanted, certificates, "")?;
    let value = bytes(&certificate, CKA_VALUE).map(<[u8]>::to_vec).ok_or_else(|| {
        let what = named(&certificate);
        Failure::refused(CKR_DATA_INVALID, format!("the {what} has no value, only an address (CKA_URL)"))
    })?;
    Ok((certificate, value))
}

pub(super) const EXAMPLES: &str = "\
This is the certificate as a whole, as \"BEGIN CERTIFICATE\"; 'strongroom key public' writes the public key in it \
alone. The PIN is asked for only where the certificate cannot be found without login.

Examples:
  strongroom key certificate tls > tls.crt
  strongroom key certificate tls --out tls.crt
  strongroom key certificate id=0a01 --der --out tls.der
  strongroom key certificate 17 | openssl x509 -noout -dates";
