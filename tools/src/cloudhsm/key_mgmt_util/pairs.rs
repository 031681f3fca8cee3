//! genRSAKeyPair, genECCKeyPair, genDSAKeyPair.

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Entry, Flag as Attribute, Given, Template};
use strongroom_core::mechanism::{CATALOGUE, Call, Mechanism, Parameter, Work};
use strongroom_core::object::AttributeValue;
use strongroom_core::object::schema::Kind;
use strongroom_core::session::Session;
use strongroom_crypto::ec;

use super::Tool;
use super::commands::{ASYMMETRIC, Command};
use super::creation::{
    ATTESTED, Creation, Half, NAMED, NOT_EXTRACTABLE, QUORUM, SERVERS, SESSION, SHARED, entry, flag, usages,
};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "genRSAKeyPair",
        group: ASYMMETRIC,
        call: CALL,
        description: "Generates an RSA key pair.",
        flags: &[RSA, NAMED, SERVERS, QUORUM, NOT_EXTRACTABLE, SESSION, SHARED, ATTESTED],
        needs_user: true,
        status: true,
        run: rsa,
    },
    Command {
        name: "genECCKeyPair",
        group: ASYMMETRIC,
        call: CALL,
        description: "Generates a key pair on an elliptic curve.",
        flags: &[CURVE, NAMED, SERVERS, QUORUM, NOT_EXTRACTABLE, SESSION, SHARED, ATTESTED],
        needs_user: true,
        status: true,
        run: curve,
    },
    Command {
        name: "genDSAKeyPair",
        group: ASYMMETRIC,
        call: CALL,
        description: "Generates a DSA key pair, with domain parameters of its own.",
        flags: &[DSA, NAMED, SERVERS, QUORUM, NOT_EXTRACTABLE, SESSION, SHARED, ATTESTED],
        needs_user: true,
        status: true,
        run: dsa,
    },
];

static RSA: &[Flag] = &[
    Flag::required("-m", "modulus", "Modulus length", "the bits of the modulus\n(2048 to 4096, in steps of 256)"),
    Flag::required("-e", "public-exponent", "Public exponent", "the public exponent\n(odd, 65537 or more)"),
];
static CURVE: &[Flag] = &[Flag::required(
    "-i",
    "curve-id",
    "Curve id",
    "the curve\n(2 = prime256v1, 13 = secp224r1, 14 = secp384r1, 15 = secp521r1, 16 = secp256k1)",
)];
static DSA: &[Flag] = &[Flag::required("-m", "modulus", "Modulus length", "the bits of the prime: 2048")];

fn rsa(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let bits = options.needed_number("-m")?;
    let exponent = options.needed_number("-e")?;
    let creation = Creation::read(tool, options)?;
    if !RSA_BITS.contains(&bits) || !bits.is_multiple_of(RSA_STEP) {
        return Err(Refusal::code(Code::KEY_SIZE, format!("-m {bits}: an RSA modulus has 2048, 2304, ... 4096 bits")));
    }
    if exponent < EXPONENT_MIN || exponent.is_multiple_of(2) {
        return Err(Refusal::code(Code::POLICY, format!("-e {exponent}: a public exponent is odd, 65537 or more")));
    }
    let bytes = exponent.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let exponent = bytes.get(zeros..).unwrap_or_default();
    let parts = vec![entry(CKA_MODULUS_BITS, Given::Ulong(bits)), entry(CKA_PUBLIC_EXPONENT, Given::Bytes(exponent))];
    generate(tool, &creation, CKK_RSA, parts)
}

fn curve(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let id = options.needed_number("-i")?;
    if !(1..=CURVE_IDS).contains(&id) {
        return Err(Refusal::value("-i", "2, 13, 14, 15 or 16", id));
    }
    let creation = Creation::read(tool, options)?;
    let curve = CURVES.iter().find(|(known, _)| *known == id).map(|(_, curve)| *curve);
    let curve = curve.ok_or_else(|| {
        Refusal::code(Code::POLICY, format!("-i {id}: this curve is not offered; 2, 13, 14, 15 and 16 are"))
    })?;
    generate(tool, &creation, CKK_EC, vec![entry(CKA_EC_PARAMS, Given::Bytes(curve.oid()))])
}

fn dsa(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let bits = options.needed_number("-m")?;
    let creation = Creation::read(tool, options)?;
    if bits != DSA_BITS {
        return Err(Refusal::code(Code::KEY_SIZE, format!("-m {bits}: DSA pairs have {DSA_BITS} bits")));
    }
    let group = domain_parameters(tool.link.session(), bits)?;
    let parts = group.iter().map(|(attribute, value)| entry(*attribute, Given::Bytes(value))).collect();
    generate(tool, &creation, CKK_DSA, parts)
}

fn generate(tool: &mut Tool, creation: &Creation<'_>, key_type: u64, parts: Vec<Entry<'_>>) -> Result<(), Refusal> {
    let kind = |class| Kind::pair_half(class, key_type).ok_or_else(not_offered);
    let (public_kind, private_kind) = (kind(CKO_PUBLIC_KEY)?, kind(CKO_PRIVATE_KEY)?);
    let (public_usages, private_usages) = pair_usages(key_type);
    let policy = tool.link.policy()?;
    let mut public = creation.entries(Half::Public);
    public.extend(parts);
    public.extend(usages(policy, public_kind, public_usages));
    let mut private = creation.entries(Half::Confidential);
    private.extend(usages(policy, private_kind, private_usages));
    let mechanism = generator(|work| matches!(work, Work::GeneratePair(made) if *made == key_type))?;
    let call = Call { mechanism, parameter: Parameter::None };
    let session = tool.link.session();
    let (public, private) =
        session.generate_key_pair(&call, &Template::from_entries(public), &Template::from_entries(private))?;
    tool.screen.result(CALL, Code::SUCCESS);
    tool.screen.made(&format!("{CALL}:    public key handle: {public}    private key handle: {private}"));
    creation.conclude(tool);
    Ok(())
}

/// What the halves of a pair are for: the public one, the private one.
pub(super) fn pair_usages(key_type: u64) -> (&'static [Attribute], &'static [Attribute]) {
    match key_type {
        CKK_RSA => (
            &[Attribute::Encrypt, Attribute::Wrap, Attribute::Verify],
            &[Attribute::Decrypt, Attribute::Unwrap, Attribute::Sign],
        ),
        _ => (&[Attribute::Verify], &[Attribute::Sign]),
    }
}

/// Fresh domain parameters, from an object that is gone at once.
fn domain_parameters(session: &Session, bits: u64) -> Result<Vec<(u64, Vec<u8>)>, Refusal> {
    let mechanism = generator(|work| matches!(work, Work::GenerateParameters(CKK_DSA)))?;
    let template = vec![flag(CKA_TOKEN, Attribute::Token, false), entry(CKA_PRIME_BITS, Given::Ulong(bits))];
    let call = Call { mechanism, parameter: Parameter::None };
    let number = session.generate_key(&call, &Template::from_entries(template))?;
    let parameters = session.object(number)?;
    session.destroy_object(number)?;
    let value = |attribute| match parameters.attribute(AttributeType(attribute)) {
        Ok(AttributeValue::Bytes(bytes)) => Some((attribute, bytes.to_vec())),
        _ => None,
    };
    Ok([CKA_PRIME, CKA_SUBPRIME, CKA_BASE].into_iter().filter_map(value).collect())
}

fn generator(makes: impl Fn(&Work) -> bool) -> Result<&'static Mechanism, Refusal> {
    CATALOGUE.iter().find(|mechanism| makes(&mechanism.work)).ok_or_else(not_offered)
}

fn not_offered() -> Refusal {
    Refusal::code(Code::MECHANISM, "such pairs are not offered")
}

const CALL: &str = "Cfm3GenerateKeyPair";
const RSA_BITS: std::ops::RangeInclusive<u64> = 2048..=4096;
const RSA_STEP: u64 = 256;
const EXPONENT_MIN: u64 = 65_537;
const DSA_BITS: u64 = 2048;
/// Numbers that listECCCurveIds lists.
const CURVE_IDS: u64 = 16;
const CURVES: &[(u64, ec::Curve)] = &[
    (2, ec::Curve::P256),
    (13, ec::Curve::P224),
    (14, ec::Curve::P384),
    (15, ec::Curve::P521),
    (16, ec::Curve::Secp256k1),
];
