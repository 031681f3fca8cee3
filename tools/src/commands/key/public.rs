//! `strongroom key public`: the public key of a pair or of a certificate, for other programs.

use std::io::IsTerminal;
use std::sync::Arc;

use clap::Args;
use cryptoki_sys::*;
use serde_json::json;
use strongroom_core::hsm::Hsm;
use strongroom_core::object::Object;
use strongroom_core::session::Session;
use strongroom_crypto::encoding::Certificate;

use super::find::{meant, only};
use super::types::bytes;
use super::view::{described, named_label};
use crate::failure::Failure;
use crate::output::{self, Answer};
use crate::pem;
use crate::place::{AsUser, Context};

/// Options of `key public`.
#[derive(Debug, Args)]
pub(crate) struct PublicArgs {
    /// Which key or certificate: its number, its label, label=TEXT or id=HEX
    key: String,
    /// As PEM, with "BEGIN PUBLIC KEY" (the default)
    #[arg(long, group = "form")]
    pem: bool,
    /// As DER, for a file or another program
    #[arg(long, group = "form", conflicts_with = "json")]
    der: bool,
    /// Whose key; asked for only where it cannot be found without login.
    #[command(flatten)]
    user: AsUser,
}

/// Writes the SubjectPublicKeyInfo.
///
/// # Errors
/// What it refuses or fails with.
pub(super) fn run(context: &Context, args: &PublicArgs) -> Result<Answer, Failure> {
    if args.der && std::io::stdout().is_terminal() {
        return Err(Failure::usage(
            "--der writes bytes that garble a terminal; send them to a file or another program",
        ));
    }
    let hsm = context.hsm()?;
    let (key, info) = with_or_without_login(context, &hsm, &args.user, |session| chosen(session, &args.key))?;
    if args.der {
        output::write(&info)?;
        return Ok(Answer::written());
    }
    let text = pem::encode("PUBLIC KEY", &info);
    let json = json!({ "public_key": { "number": key.number, "pem": text } });
    Ok(Answer::new(text, json))
}

/// Looks without login first: what anyone may see needs no PIN.
///
/// # Errors
/// Those of the login, and of the search after it.
pub(super) fn with_or_without_login<T>(
    context: &Context,
    hsm: &Hsm,
    user: &AsUser,
    look: impl Fn(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let open = hsm.session(hsm.open_session(context.application(hsm)?.slot, false)?)?;
    match look(&open) {
        Ok(found) => Ok(found),
        // What a login shows may be it.
        Err(_) => look(&*user.session(context, hsm, false)?),
    }
}

/// One of the objects that are meant, and the public key they all have.
fn chosen(session: &Session, wanted: &str) -> Result<(Arc<Object>, Vec<u8>), Failure> {
    let found = meant(session, wanted, None)?;
    let infos = found.iter().map(|object| public_key_info(object)).collect::<Result<Vec<_>, _>>();
    let (Some(first), Ok(infos)) = (found.first(), &infos) else {
        let only = only(wanted, found, "")?;
        return public_key_info(&only).map(|info| (only, info));
    };
    match infos.split_first() {
        Some((info, others)) if others.iter().all(|other| other == info) => Ok((Arc::clone(first), info.clone())),
        _ => {
            let only = only(wanted, found, "")?;
            public_key_info(&only).map(|info| (only, info))
        }
    }
}

/// The public key of an object.
///
/// # Errors
/// One that has none.
pub(super) fn public_key_info(object: &Object) -> Result<Vec<u8>, Failure> {
    let what = || format!("{} {}{}", described(object), object.number, named_label(object));
    if let Some(info) = bytes(object, CKA_PUBLIC_KEY_INFO) {
        return Ok(info.to_vec());
    }
    match (object.kind.class, bytes(object, CKA_VALUE)) {
        (CKO_CERTIFICATE, Some(value)) => match Certificate::decode(value) {
            Ok(certificate) => Ok(certificate.public_key_info.to_vec()),
            Err(error) => Err(Failure::refused(CKR_DATA_INVALID, format!("{}: {error}", what()))),
        },
        (CKO_SECRET_KEY, _) => Err(Failure::refused(
            CKR_KEY_TYPE_INCONSISTENT,
            format!("{} is a secret key, which has no public one", what()),
        )),
        _ => Err(Failure::refused(CKR_KEY_TYPE_INCONSISTENT, format!("{} has no public key", what()))),
    }
}

pub(super) const EXAMPLES: &str = "\
This is the key alone, as \"BEGIN PUBLIC KEY\"; 'strongroom key certificate' writes a certificate as a \
whole. The PIN is asked for only where the key cannot be found without login.

Examples:
  strongroom key public code-signing > code-signing.pub
  strongroom key public id=0a01 --der > key.der
  strongroom key public 17 | openssl pkey -pubin -noout -text";
