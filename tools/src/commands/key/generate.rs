//! `strongroom key generate`: secret keys and pairs.

use clap::Args;
use cryptoki_sys::*;
use serde_json::json;
use strongroom_core::attribute::{Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::mechanism::{CATALOGUE, Call, Mechanism, Parameter, Work};
use strongroom_core::object::Object;
use strongroom_core::object::schema::{Kind, Lengths};
use strongroom_core::policy::FIPS_RSA_BITS_MIN;
use strongroom_core::session::Session;
use strongroom_crypto::ec;
use strongroom_crypto::rsa::{GENERATED_BITS_STEP, MODULUS_BITS_MAX, MODULUS_BITS_MIN};

use super::find::entry;
use super::namesakes;
use super::types::{Form, KeyType, bytes, name_of, parse_curve, possible_bits, rsa_sizes, size_bits};
use super::view::{check_value, key_json, long_type, named_label};
use super::wanted::{Unsaid, Wanted};
use crate::commands::policy::{Limit, Reason, limit};
use crate::failure::Failure;
use crate::output::Answer;
use crate::place::{AsUser, Context};

/// Options of `key generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Type of key: aes, aes-256, generic, des3, chacha20, sha256-hmac, ...; of pair: rsa, rsa-2048, ec, ed25519,
    /// x25519, ml-kem-768, ml-dsa-65, slh-dsa-sha2-128f, ...; --help lists all
    #[arg(long = "type", value_name = "TYPE", value_parser = KeyType::parse)]
    kind: KeyType,
    /// Size in bits [default: the type's only or largest one; 256 where any is possible; rsa 3072, dsa and dh 2048]
    #[arg(long, visible_alias = "bits", value_name = "BITS")]
    size: Option<usize>,
    /// Curve of a pair of type ec: P-224, P-256, P-384, P-521, secp256k1, brainpoolP256r1, ... [default: P-256]
    #[arg(long, value_name = "NAME", value_parser = parse_curve)]
    curve: Option<ec::Curve>,
    /// What it is to be.
    #[command(flatten)]
    wanted: Wanted,
    /// Who will own it.
    #[command(flatten)]
    user: AsUser,
}

/// Generates a key or a pair.
///
/// # Errors
/// What it refuses or fails with.
pub(super) fn run(context: &Context, args: &GenerateArgs) -> Result<Answer, Failure> {
    let mechanism = args.kind.generator().ok_or_else(|| Failure::usage("keys of this type cannot be generated"))?;
    if args.curve.is_some() && !matches!(args.kind, KeyType::Pair { form: Form::Curve, .. }) {
        return Err(Failure::usage("--curve: only pairs of type ec have a choice of curves"));
    }
    match args.kind {
        KeyType::Secret { key_type, bits } => secret(context, args, (key_type, bits), mechanism),
        KeyType::Pair { name, key_type, form, bits } => {
            let bits = bits_of(name, form, bits, args.size)?;
            pair(context, args, &PairWanted { name, key_type, form, bits }, mechanism)
        }
    }
}

fn secret(
    context: &Context,
    args: &GenerateArgs,
    (key_type, named_bits): (u64, Option<usize>),
    mechanism: &'static Mechanism,
) -> Result<Answer, Failure> {
    let kind = Kind::secret_key(key_type).ok_or_else(|| Failure::usage("there are no such keys"))?;
    let length = length_bytes(kind, one_size(kind.name, named_bits, args.size)?)?;
    args.wanted.check(&[kind])?;
    let hsm = context.hsm()?;
    let session = args.user.session(context, &hsm, true)?;
    offered(&session, kind.name, mechanism)?;
    let mut entries = args.wanted.entries(kind, Unsaid::default());
    entries.push(entry(CKA_VALUE_LEN, Given::Ulong(length as u64)));
    let call = Call { mechanism, parameter: Parameter::None };
    let number = session.generate_key(&call, &Template::from_entries(entries))?;
    let key = session.object(number)?;
    note_namesakes(context, &session, args, &[&key])?;
    let text = format!(
        "Generated {} key {number}{}, {} bits{}.\n",
        key.kind.name,
        named_label(&key),
        length * 8,
        check_value(&key).map_or_else(String::new, |kcv| format!(", KCV {kcv}")),
    );
    Ok(Answer::new(text, json!({ "key": key_json(&key) })))
}

/// A pair that is asked for.
struct PairWanted {
    name: &'static str,
    key_type: u64,
    form: Form,
    bits: u64,
}

fn pair(
    context: &Context,
    args: &GenerateArgs,
    pair: &PairWanted,
    mechanism: &'static Mechanism,
) -> Result<Answer, Failure> {
    let half = |class| {
        Kind::pair_half(class, pair.key_type).ok_or_else(|| Failure::usage(format!("there are no {} pairs", pair.name)))
    };
    let (private_kind, public_kind) = (half(CKO_PRIVATE_KEY)?, half(CKO_PUBLIC_KEY)?);
    args.wanted.check(&[private_kind, public_kind])?;
    args.wanted.check_private_half(private_kind)?;
    let hsm = context.hsm()?;
    let session = args.user.session(context, &hsm, true)?;
    offered(&session, pair.name, mechanism)?;
    let mut id = [0; ID_BYTES];
    strongroom_crypto::random::fill(&mut id).map_err(Error::from)?;
    let unsaid = Unsaid { id: &id, ..Unsaid::default() };
    let group;
    let mut public = args.wanted.entries(public_kind, unsaid);
    public.extend(match pair.form {
        Form::Modulus => vec![entry(CKA_MODULUS_BITS, Given::Ulong(pair.bits))],
        Form::Curve => vec![entry(CKA_EC_PARAMS, Given::Bytes(args.curve.unwrap_or(ec::Curve::P256).oid()))],
        Form::Only(oid) => vec![entry(CKA_EC_PARAMS, Given::Bytes(oid))],
        Form::Set(set) => vec![entry(CKA_PARAMETER_SET, Given::Ulong(set))],
        Form::Group => {
            group = group_of(&session, pair)?;
            group.iter().map(|(attribute, value)| entry(*attribute, Given::Bytes(value))).collect()
        }
    });
    let private = args.wanted.entries(private_kind, unsaid);
    let call = Call { mechanism, parameter: Parameter::None };
    let (public, private) = session
        .generate_key_pair(&call, &Template::from_entries(public), &Template::from_entries(private))
        .map_err(|error| explain(error.into(), &session, pair, args.curve))?;
    let (public, private) = (session.object(public)?, session.object(private)?);
    note_namesakes(context, &session, args, &[&private, &public])?;
    let text = format!(
        "Generated {} key pair{}: private key {}, public key {}{}{}.\n",
        long_type(&private),
        named_label(&private),
        private.number,
        public.number,
        size_bits(&private).map_or_else(String::new, |bits| format!(", {bits} bits")),
        check_value(&private).map_or_else(String::new, |kcv| format!(", KCV {kcv}")),
    );
    Ok(Answer::new(text, json!({ "key": key_json(&private), "public_key": key_json(&public) })))
}

/// The domain parameters of a new pair, from an object that is gone with the session.
fn group_of(session: &Session, pair: &PairWanted) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
    let generates = |mechanism: &&Mechanism| match mechanism.work {
        Work::GenerateParameters(key_type) => key_type == pair.key_type,
        _ => false,
    };
    let mechanism = CATALOGUE
        .iter()
        .find(generates)
        .ok_or_else(|| Failure::usage(format!("there are no domain parameters of type {}", pair.name)))?;
    let template: Vec<Entry<'_>> =
        vec![entry(CKA_TOKEN, Given::Flag(Flag::Token, false)), entry(CKA_PRIME_BITS, Given::Ulong(pair.bits))];
    let call = Call { mechanism, parameter: Parameter::None };
    let policy = session.application().token().meta()?.policy;
    if !mechanism.is_offered(policy) {
        return Err(Failure::refused(
            CKR_MECHANISM_INVALID,
            format!(
                "the token's policy is \"{policy}\", which finds no domain parameters ({mechanism}), and a {} pair \
                 needs some; programs can give parameters that they have",
                pair.name
            ),
        ));
    }
    let number = session
        .generate_key(&call, &Template::from_entries(template))
        .map_err(|error| explain(error.into(), session, pair, None))?;
    let parameters = session.object(number)?;
    let values = [CKA_PRIME, CKA_SUBPRIME, CKA_BASE]
        .into_iter()
        .filter_map(|attribute| Some((attribute, bytes(&parameters, attribute)?.to_vec())))
        .collect();
    session.destroy_object(number)?;
    Ok(values)
}

/// The size that is asked for, by the type's name, by `--size`, or by nobody.
fn bits_of(name: &str, form: Form, named: Option<usize>, given: Option<usize>) -> Result<u64, Failure> {
    let usual = match form {
        Form::Modulus => RSA_BITS,
        Form::Group => GROUP_BITS,
        Form::Curve if given.is_some() => {
            return Err(Failure::usage("--size: the size of ec pairs is that of their curve; --curve chooses it"));
        }
        Form::Only(_) | Form::Set(_) if given.is_some() => {
            return Err(Failure::usage(format!("--size: {name} keys have only one size")));
        }
        Form::Curve | Form::Only(_) | Form::Set(_) => 0,
    };
    let bits = one_size(name, named, given)?.unwrap_or(usual);
    match possible_pair_bits(name, form, bits) {
        None => Ok(bits as u64),
        Some(possible) => Err(Failure::usage(format!("--size {bits}: {possible}"))),
    }
}

/// What sizes there are, where a pair cannot have this one under any policy.
fn possible_pair_bits(name: &str, form: Form, bits: usize) -> Option<String> {
    let is_possible = match (form, name) {
        (Form::Modulus, _) => {
            (MODULUS_BITS_MIN..=MODULUS_BITS_MAX).contains(&bits) && bits.is_multiple_of(GENERATED_BITS_STEP)
        }
        (Form::Group, DH) => DH_BITS.contains(&bits),
        (Form::Group, _) => GROUP_SIZES_BITS.contains(&bits),
        _ => true,
    };
    (!is_possible).then(|| match (form, name) {
        (Form::Modulus, _) => {
            format!("{}, in steps of {GENERATED_BITS_STEP}; the policies allow fewer", rsa_sizes())
        }
        (_, DH) => format!("DH pairs are of the groups of RFC 7919: {} bits", either(DH_BITS)),
        _ => format!("the primes have {} bits", either(GROUP_SIZES_BITS)),
    })
}

/// Numbers, with "or" before the last.
fn either(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => words.concat(),
    }
}

/// The size that the type's name and `--size` say, which must be the same where both do.
fn one_size(name: &str, named: Option<usize>, given: Option<usize>) -> Result<Option<usize>, Failure> {
    match (named, given) {
        (Some(named), Some(given)) if named != given => {
            Err(Failure::usage(format!("--size {given}: the type {name}-{named} says another size; leave one out")))
        }
        _ => Ok(named.or(given)),
    }
}

/// The length of the key that is asked for.
fn length_bytes(kind: &Kind, bits: Option<usize>) -> Result<usize, Failure> {
    let Some(bits) = bits else {
        return Ok(match kind.lengths {
            Lengths::OneOf(lengths) => lengths.iter().copied().max().unwrap_or(DEFAULT_KEY_BYTES),
            Lengths::Between(..) | Lengths::None => DEFAULT_KEY_BYTES,
        });
    };
    if bits % 8 == 0 && kind.lengths.allow(bits / 8) {
        return Ok(bits / 8);
    }
    Err(Failure::usage(format!("--size {bits}: {} keys have {} bits", kind.name, possible_bits(kind))))
}

/// Whether the token's policy offers keys of the type that this mechanism generates.
///
/// # Errors
/// Where it does not: the policy, by name.
fn offered(session: &Session, name: &str, mechanism: &Mechanism) -> Result<(), Failure> {
    let policy = session.application().token().meta()?.policy;
    if mechanism.is_offered(policy) {
        return Ok(());
    }
    Err(Failure::refused(
        CKR_MECHANISM_INVALID,
        format!(
            "the token's policy is \"{policy}\", which offers no {name} keys ({mechanism}); \
             'strongroom mechanisms --policy {policy}' lists what it offers"
        ),
    ))
}

/// Warns where the label or the identifier alone does not mean the new key.
fn note_namesakes(context: &Context, session: &Session, args: &GenerateArgs, made: &[&Object]) -> Result<(), Failure> {
    for warning in namesakes::warnings(session, &args.wanted, made)? {
        context.warn(&warning);
    }
    Ok(())
}

/// Why there is no such pair: what the policy does not take.
fn explain(failure: Failure, session: &Session, pair: &PairWanted, curve: Option<ec::Curve>) -> Failure {
    let policy = session.application().token().meta().map(|meta| meta.policy).unwrap_or_default();
    let kind = Kind::pair_half(CKO_PRIVATE_KEY, pair.key_type);
    match kind.and_then(|kind| limit(policy, kind, Some(pair.bits), curve)) {
        Some(Limit::Useless(Reason::Bits(bits))) if failure.is(CKR_KEY_SIZE_RANGE) => Failure::refused(
            CKR_KEY_SIZE_RANGE,
            format!(
                "--size {bits}: the token's policy \"{policy}\" needs {FIPS_RSA_BITS_MIN} bits or more; \
                     --type rsa-{FIPS_RSA_BITS_MIN} has them, and --type rsa has {RSA_BITS}"
            ),
        ),
        Some(Limit::Useless(Reason::Curve)) if failure.is(CKR_CURVE_NOT_SUPPORTED) => {
            let name = curve.map(name_of).unwrap_or_default();
            Failure::refused(
                CKR_CURVE_NOT_SUPPORTED,
                format!(
                    "--curve {name}: the token's policy \"{policy}\" does not approve of it; the others are offered"
                ),
            )
        }
        _ => failure,
    }
}

/// The size of a key where any is possible and none is asked for.
const DEFAULT_KEY_BYTES: usize = 32;
/// The size of an RSA key where none is asked for: as strong as P-256 (SP 800-57 part 1, table 2).
const RSA_BITS: usize = 3072;
/// The size of a prime where none is asked for.
const GROUP_BITS: usize = 2048;
/// The name of the type whose groups are those of RFC 7919.
const DH: &str = "dh";
const DH_BITS: &[usize] = &[2048, 3072, 4096, 6144, 8192];
/// The sizes of primes that domain parameters are made for (FIPS 186-4 §4.2).
const GROUP_SIZES_BITS: &[usize] = &[1024, 2048, 3072];
/// Bytes of the identifier of a pair for which none is asked for.
const ID_BYTES: usize = 8;

/// What stands below the options: all types, and examples.
pub(super) fn more_help() -> String {
    let (secret, pairs) = KeyType::names();
    format!(
        "Types of secret key: {}. Where a type has several sizes its name may say one: aes-128, generic-512.\n\n\
         Types of pair: {}. Of rsa, dsa, dh and x942-dh the name may say the size: rsa-2048.\n\n{NOTES}",
        secret.join(", "),
        pairs.join(", "),
    )
}

const NOTES: &str = "\
Sizes are in bits: AES 128, 192 or 256; DES3 192 and DES2 128, with their parity bits; generic secrets and HMAC keys \
8 to 28664, RC4 8 to 2040, in steps of 8. A key stays in the token, sensitive and not extractable, unless an option \
says otherwise.

Of a pair the private half is what the options say, and the public half can be seen and used without login. Both have \
the label and the identifier, by which other programs know that they belong together.

Examples:
  strongroom key generate --type aes-256 --label orders
  strongroom key generate --type aes --label backup --usage wrap,unwrap --id 0a01
  strongroom key generate --type sha256-hmac --label sessions --pin-file user.pin
  strongroom key generate --type generic --size 512 --extractable --label secret
  strongroom key generate --type rsa-3072 --label code-signing
  strongroom key generate --type ec --curve P-384 --label tls --usage sign,verify
  strongroom key generate --type ed25519 --label ssh
  strongroom key generate --type ml-dsa-65 --label firmware";

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
        result.unwrap_err().message().to_owned()
    }

    #[test]
    fn sizes_are_bits_of_the_type() {
        let bytes = |name, bits| length_bytes(Kind::named(name).unwrap(), bits);
        assert_eq!(bytes("aes", Some(128)).unwrap(), 16);
        assert_eq!(bytes("aes", None).unwrap(), 32);
        assert_eq!(bytes("des3", None).unwrap(), 24);
        assert_eq!(bytes("generic", None).unwrap(), 32);
        assert_eq!(message(bytes("aes", Some(100))), "--size 100: aes keys have 128, 192, 256 bits");
        assert!(bytes("aes", Some(16)).is_err(), "16 bytes are not 16 bits");
        assert!(message(bytes("generic", Some(28672))).contains("8 to 28664"));
    }

    #[test]
    fn a_pair_has_one_size() {
        assert_eq!(bits_of("rsa", Form::Modulus, None, None).unwrap(), 3072);
        assert_eq!(bits_of("rsa", Form::Modulus, Some(2048), None).unwrap(), 2048);
        assert_eq!(bits_of("rsa", Form::Modulus, Some(2048), Some(2048)).unwrap(), 2048);
        assert!(message(bits_of("rsa", Form::Modulus, Some(2048), Some(4096))).contains("rsa-2048"));
        assert_eq!(bits_of("dh", Form::Group, None, Some(4096)).unwrap(), 4096);
        assert!(message(bits_of("ec", Form::Curve, None, Some(256))).contains("--curve"));
        assert!(message(bits_of("ed25519", Form::Only(&[]), None, Some(256))).contains("only one size"));
    }
}
