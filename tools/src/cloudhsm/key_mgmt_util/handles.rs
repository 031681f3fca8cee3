//! getCaviumPrivKey, IsValidKeyHandlefile: files that look like private keys and hold the handle of one instead, for
//! programs that want a file.
//!
//! The public numbers are the key's own. Where the private number stands, a 32-bit word is repeated, and the handle, in
//! eight big-endian bytes, takes the place of two of them.

use cryptoki_sys::*;
use strongroom_core::attribute::Flag as Attribute;
use strongroom_core::error::Error;
use strongroom_crypto::encoding::{PrivateKeyInfo, RsaPrivate};

use super::Tool;
use super::commands::{Command, HELPERS, TRANSPORT};
use super::find::key;
use crate::cloudhsm::attributes::{bytes, curve, modulus};
use crate::cloudhsm::files;
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};
use crate::pem;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "getCaviumPrivKey",
        group: TRANSPORT,
        call: CALL,
        description: "Writes the handle of a private key to a file that looks like a private key.",
        flags: &[&[
            Flag::required("-k", "private-key-handle", "Key handle", "the private key: RSA or EC"),
            Flag::required("-out", "file", "Output file", "the file, which is overwritten"),
        ]],
        needs_user: true,
        status: false,
        run: write,
    },
    Command {
        name: "IsValidKeyHandlefile",
        group: HELPERS,
        call: "",
        description: "Says whether a file holds a private key or the handle of one.",
        flags: &[&[Flag::required("-f", "file", "Key file", "the PEM file")]],
        needs_user: true,
        status: false,
        run: read,
    },
];

fn write(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (number, file) = (tool.handle(options, "-k")?, options.needed("-out")?);
    let key = key(tool, number)?;
    if key.kind.class != CKO_PRIVATE_KEY {
        return Err(Refusal::Said(format!("{number} is not a private key")));
    }
    let word = if key.has(Attribute::Local) { GENERATED } else { IMPORTED };
    let public = modulus(&key).unwrap_or_default();
    let der = match (key.kind.subtype, curve(&key)) {
        (Some(CKK_RSA), _) => {
            let half = filled(word, public.len().div_ceil(2), None);
            let private_exponent = filled(word, public.len(), Some((RSA_OFFSET, number)));
            let public_exponent = bytes(&key, CKA_PUBLIC_EXPONENT).unwrap_or_default();
            PrivateKeyInfo::Rsa(RsaPrivate {
                modulus: &public,
                public_exponent,
                private_exponent: &private_exponent,
                prime_1: Some(&half),
                prime_2: Some(&half),
                exponent_1: Some(&half),
                exponent_2: Some(&half),
                coefficient: Some(&half),
            })
            .encode()
        }
        (_, Some(curve)) => {
            let scalar = filled(word, curve.order_bytes(), Some((EC_OFFSET, number)));
            PrivateKeyInfo::Ec { params: curve.oid(), scalar: &scalar, public: Some(&public) }.encode()
        }
        _ => return Err(Refusal::Said(format!("{number} is neither an RSA nor an EC key"))),
    };
    files::write(file, pem::encode("PRIVATE KEY", der.map_err(Error::from)?.expose()).as_bytes())?;
    tool.screen.paragraph(&[format!("Private Key Handle is written to {file} in fake PEM format")]);
    tool.screen.result(CALL, Code::SUCCESS);
    Ok(())
}

fn read(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let der = files::private_key(options.needed("-f")?)?;
    let (number, offset) = match PrivateKeyInfo::decode(der.expose()).map_err(Error::from)? {
        PrivateKeyInfo::Rsa(key) => (key.private_exponent, RSA_OFFSET),
        PrivateKeyInfo::Ec { scalar, .. } => (scalar, EC_OFFSET),
        _ => (&[][..], 0),
    };
    let line = match held(number, offset) {
        None => "Input key file has real private key".to_owned(),
        Some(handle) if key(tool, handle).is_ok() => format!("Input file has key handle: {handle}"),
        Some(handle) => format!("Input file has invalid key handle: {handle}"),
    };
    tool.screen.paragraph(&[line]);
    Ok(())
}

/// The word over and over, with the handle at an offset.
fn filled(word: [u8; 4], length: usize, handle: Option<(usize, u64)>) -> Vec<u8> {
    let mut number: Vec<u8> = word.iter().copied().cycle().take(length).collect();
    if let Some((offset, handle)) = handle
        && let Some(place) = number.get_mut(offset..offset + 8)
    {
        place.copy_from_slice(&handle.to_be_bytes());
    }
    number
}

/// The handle in a number that is filled as [`filled`] does it.
fn held(number: &[u8], offset: usize) -> Option<u64> {
    let handle = u64::from_be_bytes(number.get(offset..offset + 8)?.try_into().ok()?);
    let is_filled = |word| filled(word, number.len(), Some((offset, handle))) == number;
    (is_filled(GENERATED) || is_filled(IMPORTED)).then_some(handle)
}

const CALL: &str = "getCaviumPrivKey";
/// The word in files for keys that were generated in the HSM.
const GENERATED: [u8; 4] = [0xee, 0xfc, 0xfc, 0xea];
/// The word in files for keys that came from elsewhere.
const IMPORTED: [u8; 4] = [0xca, 0xfe, 0xfe, 0xed];
const RSA_OFFSET: usize = 8;
const EC_OFFSET: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_told_from_a_number() {
        for (word, length, offset) in [(GENERATED, 256, RSA_OFFSET), (IMPORTED, 32, EC_OFFSET), (GENERATED, 66, 4)] {
            let mut number = filled(word, length, Some((offset, 0x8000_0001)));
            assert_eq!(held(&number, offset), Some(0x8000_0001));
            number[length - 1] ^= 1;
            assert_eq!(held(&number, offset), None);
        }
        assert_eq!(held(&[], 4), None);
    }
}
