//! genSymKey: secret keys.

use cryptoki_sys::*;
use strongroom_core::attribute::{Flag as Attribute, Given, Template};
use strongroom_core::mechanism::{CATALOGUE, Call, Mechanism, Parameter, Work};
use strongroom_core::object::schema::{Kind, Lengths};
use strongroom_core::policy::Policy;

use super::Tool;
use super::commands::{Command, SYMMETRIC};
use super::creation::{
    ATTESTED, Creation, Half, NAMED, NOT_EXTRACTABLE, QUORUM, SERVERS, SESSION, SHARED, entry, usages,
};
use crate::cloudhsm::link::fips_mode;
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "genSymKey",
    group: SYMMETRIC,
    call: CALL,
    description: "Generates a symmetric key.",
    flags: &[KIND, NAMED, SERVERS, QUORUM, NOT_EXTRACTABLE, SESSION, SHARED, ATTESTED],
    needs_user: true,
    status: true,
    run: generate,
}];

static KIND: &[Flag] = &[
    Flag::required(
        "-t",
        "key-type",
        "Key type",
        "the type\n(16 = generic secret, 18 = RC4, 21 = triple DES, 31 = AES)",
    ),
    Flag::required(
        "-s",
        "key-size",
        "Key size",
        "the size in bytes\n(AES 16, 24 or 32; triple DES 24; RC4 below 256; generic secret below 3584)",
    ),
];

fn generate(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let key_type = options.needed_number("-t")?;
    let size = options.needed_number("-s")?;
    let none = || Refusal::value("-t", "16, 18, 21 or 31", key_type);
    let wanted = secret_usages(key_type).ok_or_else(none)?;
    let kind = Kind::secret_key(key_type).ok_or_else(none)?;
    let mechanism = generator(key_type).ok_or_else(none)?;
    let creation = Creation::read(tool, options)?;
    let policy = tool.link.policy()?;
    if !usize::try_from(size).is_ok_and(|size| kind.lengths.allow(size)) {
        return Err(Refusal::code(Code::KEY_SIZE, format!("{}, not {size}", sizes(kind))));
    }
    // The HSM refuses what a policy leaves out; of RC4 CloudHSM's tool says more.
    if key_type == CKK_RC4 && policy == Policy::Fips {
        tool.screen.paragraph(&["\tRC4 is not allowed in FIPS mode"]);
        tool.screen.paragraph(&[format!("\tCurrent FIPS mode is: {:08x}", fips_mode(policy))]);
    }
    let mut entries = creation.entries(Half::Confidential);
    entries.push(entry(CKA_VALUE_LEN, Given::Ulong(size)));
    entries.extend(usages(policy, kind, wanted));
    let call = Call { mechanism, parameter: Parameter::None };
    let key = tool.link.session().generate_key(&call, &Template::from_entries(entries))?;
    tool.screen.result(CALL, Code::SUCCESS);
    tool.screen.made(&format!("Symmetric Key Created.  Key Handle: {key}"));
    creation.conclude(tool);
    Ok(())
}

/// Which sizes keys of this kind have.
fn sizes(kind: &Kind) -> String {
    let names = match kind.subtype {
        Some(CKK_AES) => "AES keys",
        Some(CKK_DES3) => "triple DES keys",
        Some(CKK_RC4) => "RC4 keys",
        _ => "generic secrets",
    };
    match kind.lengths {
        Lengths::OneOf([few @ .., last]) if !few.is_empty() => {
            let few: Vec<String> = few.iter().map(usize::to_string).collect();
            format!("{names} have {} or {last} bytes", few.join(", "))
        }
        Lengths::OneOf(only) => format!("{names} have {} bytes", only.iter().sum::<usize>()),
        Lengths::Between(min, max) => format!("{names} have {min} to {max} bytes"),
        Lengths::None => format!("{names} have no size"),
    }
}

/// What secret keys of this type are for; nothing for types that are not offered here.
pub(super) fn secret_usages(key_type: u64) -> Option<&'static [Attribute]> {
    USAGES.iter().find(|(known, _)| *known == key_type).map(|(_, usages)| *usages)
}

/// The mechanism that generates keys of this type.
fn generator(key_type: u64) -> Option<&'static Mechanism> {
    CATALOGUE.iter().find(|mechanism| matches!(mechanism.work, Work::GenerateSecret(made) if made == key_type))
}

const CALL: &str = "Cfm3GenerateSymmetricKey";

const CIPHER: &[Attribute] = &[Attribute::Encrypt, Attribute::Decrypt, Attribute::Wrap, Attribute::Unwrap];
/// What keys of each type are for. Those of AES and 3DES encrypt and wrap and do not sign; generic secrets are for
/// HMAC.
const USAGES: &[(u64, &[Attribute])] = &[
    (CKK_GENERIC_SECRET, &[Attribute::Sign, Attribute::Verify]),
    (CKK_RC4, &[Attribute::Encrypt, Attribute::Decrypt]),
    (CKK_DES3, CIPHER),
    (CKK_AES, CIPHER),
];
