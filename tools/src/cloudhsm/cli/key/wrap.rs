//! key wrap.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use strongroom_core::object::Object;
use strongroom_core::session::Output;

use super::filter::{self, Filter, single};
use super::methods::{Gcm, IV_BYTES, Method, OaepOptions};
use super::{reference, view};
use crate::cloudhsm::cli::answer::{Answer, Refused};
use crate::cloudhsm::cli::{Tool, approval, data};
use crate::cloudhsm::files::{self, Target};
use crate::text::hex;

/// key wrap
#[derive(Subcommand)]
pub(in crate::cloudhsm::cli) enum Wrap {
    /// With AES-GCM; the IV stands in the answer
    AesGcm(WithGcm),
    /// With AES-GCM; the IV stands before the wrapped key
    CloudhsmAesGcm(WithGcm),
    /// With AES key wrap without padding (RFC 3394)
    AesNoPad(Keys),
    /// With AES key wrap after PKCS#5 padding, which only a CloudHSM does
    AesPkcs5Pad(Keys),
    /// With AES key wrap with padding (RFC 5649)
    AesZeroPad(Keys),
    /// With an AES key in between, which RSA wraps
    RsaAes(WithOaep),
    /// With RSA and OAEP
    RsaOaep(WithOaep),
    /// With RSA and PKCS#1 padding
    RsaPkcs(Keys),
}

/// The two keys, and where the wrapped one goes.
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct Keys {
    /// The key to wrap, which must be extractable and the user's own
    #[arg(long, num_args = 1.., required = true, value_name = "FILTER", value_parser = filter::parse)]
    payload_filter: Vec<Filter>,
    /// The key to wrap with
    #[arg(long, num_args = 1.., required = true, value_name = "FILTER", value_parser = filter::parse)]
    wrapping_filter: Vec<Filter>,
    /// A file for the wrapped key, which is overwritten; else it stands in the answer
    #[arg(long, value_name = "FILE")]
    path: Option<PathBuf>,
    /// A signed quorum token for the key to wrap with
    #[arg(long, value_name = "FILE")]
    wrapping_approval: Option<PathBuf>,
    /// A signed quorum token for the key to wrap
    #[arg(long, value_name = "FILE")]
    payload_approval: Option<PathBuf>,
}

/// A method with AES-GCM.
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct WithGcm {
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    gcm: Gcm,
}

/// A method with OAEP.
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct WithOaep {
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    oaep: OaepOptions,
}

impl Wrap {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        let (keys, method) = match self {
            Wrap::AesGcm(with) | Wrap::CloudhsmAesGcm(with) => (&with.keys, Method::Gcm(&with.gcm)),
            Wrap::AesNoPad(keys) => (keys, Method::NoPad),
            Wrap::AesPkcs5Pad(keys) => (keys, Method::Pkcs5Pad),
            Wrap::AesZeroPad(keys) => (keys, Method::ZeroPad),
            Wrap::RsaAes(with) => (&with.keys, Method::RsaAes(&with.oaep)),
            Wrap::RsaOaep(with) => (&with.keys, Method::RsaOaep(&with.oaep)),
            Wrap::RsaPkcs(keys) => (keys, Method::RsaPkcs),
        };
        self.wrap(tool, keys, &method)
    }

    fn wrap(&self, tool: &Tool, keys: &Keys, method: &Method<'_>) -> Answer {
        tool.crypto_user()?;
        let payload = single(tool, &keys.payload_filter)?;
        if matches!(method, Method::NoPad) && !value_bytes(&payload)?.is_multiple_of(BLOCK_BYTES) {
            // The core would add zeros, as PKCS#11 has it, and a generic secret would come back longer than it was.
            return Err(Refused::said(
                "aes-no-pad wraps keys of a multiple of 8 bytes; take aes-zero-pad for this one.",
            ));
        }
        let payload = payload.number;
        let wrapping = single(tool, &keys.wrapping_filter)?.number;
        let session = tool.link.session();
        let aad = method.aad()?;
        let mut iv = vec![0; if aad.is_some() { IV_BYTES } else { 0 }];
        session.random(&mut iv)?;
        let call = method.call(&iv)?;
        files::apart(
            ("--path", keys.path.as_ref()),
            &[
                ("--wrapping-approval", keys.wrapping_approval.as_ref()),
                ("--payload-approval", keys.payload_approval.as_ref()),
            ],
        )?;
        let target = keys.path.as_ref().map(Target::open).transpose()?;
        approval::bring(tool, keys.wrapping_approval.as_deref())?;
        approval::bring(tool, keys.payload_approval.as_deref())?;
        let into = |output: Output<'_>| match &aad {
            Some(aad) => session.wrap_key_authenticated(&call, wrapping, payload, aad, output),
            None => session.wrap_key(&call, wrapping, payload, output),
        };
        let mut wrapped = vec![0; into(Output::Length)?];
        let length = into(Output::Buffer(&mut wrapped))?;
        wrapped.truncate(length);
        let iv_before = matches!(self, Wrap::CloudhsmAesGcm(_));
        if iv_before {
            wrapped = [iv.as_slice(), &wrapped].concat();
        }
        let mut answer = Map::new();
        let mut set = |name: &str, value: Value| drop(answer.insert(self.spelled(name), value));
        set("payload_key_reference", json!(reference(payload)));
        set("wrapping_key_reference", json!(reference(wrapping)));
        if !iv.is_empty() && !iv_before {
            set("iv", json!(format!("0x{}", hex(&iv))));
        }
        match target {
            Some(target) => target.write(&wrapped)?,
            None => set("wrapped_key_data", json!(data::base64(&wrapped))),
        }
        Ok(Value::Object(answer))
    }

    /// The name of a field: AWS's tool has hyphens where RSA wraps, and underscores elsewhere.
    fn spelled(&self, name: &str) -> String {
        match self {
            Wrap::RsaAes(_) | Wrap::RsaOaep(_) | Wrap::RsaPkcs(_) => name.replace('_', "-"),
            _ => name.to_owned(),
        }
    }
}

/// Bytes of a key as it is wrapped.
fn value_bytes(key: &Object) -> Result<usize, Refused> {
    match view::secret_bytes(key) {
        Some(bytes) => Ok(bytes as usize),
        None => Ok(key.private_info_bytes()?),
    }
}

/// Half a block of AES: what RFC 3394 wraps a multiple of.
const BLOCK_BYTES: usize = 8;
