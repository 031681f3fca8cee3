//! exSymKey, exportPrivateKey, exportPubKey: keys for other programs.

use cryptoki_sys::*;

use super::Tool;
use super::commands::{Command, TRANSPORT};
use super::find::key;
use super::host::{WRAP, take_out};
use crate::cloudhsm::attributes::bytes;
use crate::cloudhsm::files::{self, Target};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};
use crate::pem;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "exSymKey",
        group: TRANSPORT,
        call: WRAP,
        description: "Writes a symmetric key, as it is, to a file.",
        flags: &[OUT],
        needs_user: true,
        status: false,
        run: symmetric,
    },
    Command {
        name: "exportPrivateKey",
        group: TRANSPORT,
        call: WRAP,
        description: "Writes a private key, as it is, to a PEM file.",
        flags: &[OUT],
        needs_user: true,
        status: false,
        run: private,
    },
    Command {
        name: "exportPubKey",
        group: TRANSPORT,
        call: PUBLIC,
        description: "Writes a public key to a PEM file.",
        flags: &[&[
            Flag::required("-k", "key-handle", "Key handle", "the public key"),
            Flag::required("-out", "file", "Output file", "the file, which is overwritten"),
        ]],
        needs_user: true,
        status: false,
        run: public,
    },
];

static OUT: &[Flag] = &[
    Flag::required("-k", "key-handle", "Key handle", "the key, which must be extractable and the user's own"),
    Flag::required("-w", "wrapping-key-handle", "Wrapping key handle", "an AES key that the key leaves the HSM under"),
    Flag::required("-out", "file", "Output file", "the file, which is overwritten"),
    Flag::optional("-m", "4", "the mechanism: 4"),
    Flag::optional("-wk", "file", "a file with the same AES key, to unwrap outside the HSM"),
];

fn symmetric(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (number, file) = (tool.handle(options, "-k")?, options.needed("-out")?);
    let wrapping = wrapping(tool, options)?;
    if key(tool, number)?.kind.class != CKO_SECRET_KEY {
        return Err(Refusal::Said(format!("{number} is not a symmetric key")));
    }
    files::apart(("-out", Some(file)), &[("-wk", options.text("-wk"))])?;
    let target = Target::secret(file)?;
    let value = take_out(tool, wrapping, number, options.text("-wk"))?;
    target.write(value.expose())?;
    tool.screen.paragraph(&[format!("Wrapped Symmetric Key written to file \"{file}\"")]);
    Ok(())
}

fn private(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (number, file) = (tool.handle(options, "-k")?, options.needed("-out")?);
    let wrapping = wrapping(tool, options)?;
    if key(tool, number)?.kind.class != CKO_PRIVATE_KEY {
        return Err(Refusal::Said(format!("{number} is not a private key")));
    }
    files::apart(("-out", Some(file)), &[("-wk", options.text("-wk"))])?;
    let target = Target::secret(file)?;
    let value = take_out(tool, wrapping, number, options.text("-wk"))?;
    target.write(pem::encode_secret("PRIVATE KEY", value.expose()).as_bytes())?;
    tool.screen.paragraph(&[format!("PEM formatted private key is written to {file}")]);
    Ok(())
}

fn public(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (number, file) = (tool.handle(options, "-k")?, options.needed("-out")?);
    let key = key(tool, number)?;
    let info = bytes(&key, CKA_PUBLIC_KEY_INFO).filter(|_| key.kind.class == CKO_PUBLIC_KEY);
    let info = info.ok_or_else(|| Refusal::Said(format!("{number} is not a public key")))?;
    files::write(file, pem::encode("PUBLIC KEY", info).as_bytes())?;
    tool.screen.paragraph(&[format!("PEM formatted public key is written to {file}")]);
    tool.screen.result(PUBLIC, Code::SUCCESS);
    Ok(())
}

/// The handle of the wrapping key. The mechanism has one possible value.
fn wrapping(tool: &Tool, options: &Options<'_>) -> Result<u64, Refusal> {
    match options.number("-m")? {
        None | Some(4) => tool.handle(options, "-w"),
        Some(other) => Err(Refusal::value("-m", "4", other)),
    }
}

const PUBLIC: &str = "Cfm3ExportPubKey";
