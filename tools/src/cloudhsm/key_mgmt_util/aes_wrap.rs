//! aesWrapUnwrap: the data of a file, wrapped or unwrapped with an AES key.

use cryptoki_sys::CKM_AES_KEY_WRAP_PKCS7;
use strongroom_core::error::Error;
use strongroom_core::mechanism::Parameter;
use strongroom_core::session::Output;
use strongroom_crypto::memory::SecretBytes;
use zeroize::Zeroizing;

use super::Tool;
use super::commands::{CRYPTOGRAPHY, Command};
use super::host::{UNWRAP_HOST, WRAP_HOST, with};
use crate::cloudhsm::files::{self, Target};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};
use crate::text::{hex, parse_hex, quoted};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "aesWrapUnwrap",
    group: CRYPTOGRAPHY,
    call: WRAP_HOST,
    description: "Wraps or unwraps the data in a file with an AES key (RFC 3394 with the padding of PKCS #7).",
    flags: &[&[
        Flag::required("-m", "1|0", "Mode", "1 to wrap, 0 to unwrap"),
        Flag::required("-f", "file", "Input file", "the file, of less than 4096 bytes"),
        Flag::required("-w", "wrapping-key-handle", "Wrapping key handle", "the AES key"),
        Flag::optional(
            "-i",
            "IV",
            "the initial value: eight bytes in hexadecimal digits\n(default: 0xA6A6A6A6A6A6A6A6)",
        ),
        Flag::optional("-out", "file", "the file for the result\n(default: wrapped_key, unwrapped_key)"),
    ]],
    needs_user: true,
    status: false,
    run,
}];

fn run(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (call_name, default_file) = match options.needed_number("-m")? {
        1 => (WRAP_HOST, "wrapped_key"),
        0 => (UNWRAP_HOST, "unwrapped_key"),
        other => return Err(Refusal::value("-m", "1 to wrap or 0 to unwrap", other)),
    };
    let key = tool.handle(options, "-w")?;
    let eight = |iv: &str| {
        let bytes = parse_hex(iv).ok().filter(|bytes| bytes.len() == 8);
        bytes.ok_or_else(|| Refusal::value("-i", "eight bytes in hexadecimal digits", quoted(iv)))
    };
    let iv = options.text("-i").map(eight).transpose()?;
    let input = options.needed("-f")?;
    let data = files::read(input)?;
    if data.len() >= DATA_BYTES_END {
        return Err(Refusal::Said(format!("Error: {input} has {} bytes, fewer than 4096 are taken", data.len())));
    }
    if iv.is_none() {
        tool.screen.paragraph(&[
            "\tWarning: IV (-i) is missing.",
            "\t         0xA6A6A6A6A6A6A6A6 is considered as default IV",
        ]);
    }
    let parameter = iv.as_deref().map_or(Parameter::None, Parameter::Bytes);
    let call = with(CKM_AES_KEY_WRAP_PKCS7, parameter)?;
    let file = options.text("-out").unwrap_or(default_file);
    files::apart(("-out", Some(file)), &[("-f", Some(input))])?;
    let target = Target::secret(file)?;
    let session = tool.link.session();
    let mut result = SecretBytes::zeroed(data.len() + 16).map_err(Error::from)?;
    let done = match call_name {
        WRAP_HOST => {
            session.encrypt_init(&call, key).and_then(|_| session.encrypt(&data, Output::Buffer(result.expose_mut())))
        }
        _ => {
            session.decrypt_init(&call, key).and_then(|()| session.decrypt(&data, Output::Buffer(result.expose_mut())))
        }
    };
    let length = done.map_err(|error| Refusal::from(error).of(call_name))?;
    let result = result.expose().get(..length).unwrap_or_default();
    target.write(result)?;
    let lines: Vec<Zeroizing<String>> = result.chunks(8).map(row).collect();
    tool.screen.paragraph(&["result data:"]);
    lines.iter().for_each(|line| tool.screen.lines(&[line.as_str()]));
    tool.screen.paragraph(&[format!("result written to file {file}")]);
    tool.screen.result(call_name, Code::SUCCESS);
    Ok(())
}

/// Bytes as pairs of digits with blanks between.
fn row(bytes: &[u8]) -> Zeroizing<String> {
    let digits: Zeroizing<Vec<String>> =
        Zeroizing::new(bytes.iter().map(|byte| hex(&[*byte]).to_uppercase()).collect());
    Zeroizing::new(digits.join(" "))
}

const DATA_BYTES_END: usize = 4096;
