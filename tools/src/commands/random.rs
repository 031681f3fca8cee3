//! `strongroom random`: random bytes from the generator that makes the keys. It needs no token.

use base64ct::{Base64, Encoding};
use clap::Args;
use serde_json::json;
use std::io::IsTerminal;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::{self, Answer};
use crate::place::Context;
use crate::text::hex;

/// Options of `random`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct RandomArgs {
    /// How many bytes: 1 to 1073741824
    #[arg(value_name = "BYTES", value_parser = parse_count)]
    bytes: u64,
    /// As hexadecimal digits (the default)
    #[arg(long, group = "form")]
    hex: bool,
    /// In base64
    #[arg(long, group = "form")]
    base64: bool,
    /// As they are, for a file or another program
    #[arg(long, group = "form", conflicts_with = "json")]
    raw: bool,
}

/// Writes random bytes.
///
/// # Errors
/// The generator's; standard output's.
pub(crate) fn run(context: &Context, args: &RandomArgs) -> Result<Answer, Failure> {
    if context.json() {
        return as_json(args);
    }
    if args.raw && std::io::stdout().is_terminal() {
        return Err(Failure::usage(
            "--raw writes bytes that garble a terminal; send them to a file or another program",
        ));
    }
    let mut block = Zeroizing::new(vec![0; BLOCK_BYTES]);
    let mut left = args.bytes;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        let part = block.get_mut(..length).unwrap_or_default();
        fill(part)?;
        if args.raw {
            output::write(part)?;
        } else {
            output::write(Zeroizing::new(encode(args, part)).as_bytes())?;
        }
        left -= length as u64;
    }
    if !args.raw {
        output::write(b"\n")?;
    }
    Ok(Answer::written())
}

fn parse_count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err(format!("there is nothing to write; 1 to {BYTES_MAX} bytes can be had")),
        Ok(count @ 1..=BYTES_MAX) => Ok(count),
        Err(_) if text.is_empty() => Err(format!("no number of bytes is given; 1 to {BYTES_MAX} bytes can be had")),
        Err(_) if !text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(format!("that is no number of bytes; a whole number from 1 to {BYTES_MAX} is needed"))
        }
        Ok(_) | Err(_) => Err(format!("that is too much for one call; 1 to {BYTES_MAX} bytes can be had")),
    }
}

fn as_json(args: &RandomArgs) -> Result<Answer, Failure> {
    let length = usize::try_from(args.bytes).ok().filter(|length| *length <= JSON_BYTES_MAX).ok_or_else(|| {
        Failure::usage(format!(
            "{} bytes are too many for JSON; {JSON_BYTES_MAX} are allowed, without --json more",
            args.bytes
        ))
    })?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    fill(&mut bytes)?;
    let form = if args.base64 { "base64" } else { "hex" };
    Ok(Answer::new("", json!({ "random": { "bytes": length, form: encode(args, &bytes) } })))
}

fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    strongroom_crypto::random::fill(bytes).map_err(|error| strongroom_core::error::Error::from(error).into())
}

fn encode(args: &RandomArgs, bytes: &[u8]) -> String {
    if args.base64 { Base64::encode_string(bytes) } else { hex(bytes) }
}

const BYTES_MAX: u64 = 1 << 30;
const JSON_BYTES_MAX: usize = 1 << 20;
/// A multiple of three, so that blocks in base64 join without padding between them.
const BLOCK_BYTES: usize = 3 << 14;

const EXAMPLES: &str = "\
Examples:
  strongroom random 32
  strongroom random 24 --base64
  strongroom random 1048576 --raw > noise.bin";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_count_is_said() {
        let problem = |text| parse_count(text).unwrap_err();
        assert_eq!((parse_count("1"), parse_count("1073741824")), (Ok(1), Ok(1 << 30)));
        assert!(problem("").contains("no number of bytes is given"));
        assert!(problem("0").contains("nothing to write"));
        assert!(problem("-1").contains("no number") && problem("x").contains("no number"));
        assert!(problem("1073741825").contains("too much") && problem(&"9".repeat(40)).contains("too much"));
    }
}
