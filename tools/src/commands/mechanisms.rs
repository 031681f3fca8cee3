//! `strongroom mechanisms`: the mechanism catalogue as a table, as JSON, and as the page of the manual.

use clap::Args;
use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::mechanism::{CATALOGUE, Grade, Mechanism, Work};
use strongroom_core::object::schema::{Kind, Lengths};
use strongroom_core::policy::Policy;

use crate::failure::Failure;
use crate::output::Answer;
use crate::place::Context;
use crate::table::{Column, Table};
use crate::text::counted;

/// Options of `mechanisms`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct MechanismsArgs {
    /// Only what tokens under this policy offer: standard, strict or fips
    #[arg(long, value_name = "POLICY")]
    policy: Option<Policy>,
    /// Print the page of the manual
    #[arg(long, conflicts_with_all = ["json", "policy"])]
    markdown: bool,
}

/// Lists the mechanisms.
///
/// # Errors
/// None of its own.
pub(crate) fn run(_: &Context, args: &MechanismsArgs) -> Result<Answer, Failure> {
    let offered = |mechanism: &&Mechanism| args.policy.is_none_or(|policy| mechanism.is_offered(policy));
    let mechanisms: Vec<&Mechanism> = CATALOGUE.iter().filter(offered).collect();
    if args.markdown {
        return Ok(Answer::new(page(&mechanisms), json!({})));
    }
    let text = format!("{}\n{}.\n{GRADES}", table(&mechanisms).text(), counted(mechanisms.len(), "mechanism"));
    Ok(Answer::new(text, json!({ "mechanisms": mechanisms.iter().map(|one| mechanism_json(one)).collect::<Vec<_>>() })))
}

fn table(mechanisms: &[&Mechanism]) -> Table {
    let mut table = Table::new(&[
        Column::Text("NAME"),
        Column::Text("NUMBER"),
        Column::Text("KEY SIZE"),
        Column::Text("FUNCTIONS"),
        Column::Text("GRADE"),
    ]);
    for mechanism in mechanisms {
        table.row(vec![
            mechanism.name.to_owned(),
            format!("0x{:08x}", mechanism.id),
            key_sizes(mechanism),
            function_names(mechanism).join(", "),
            grade_name(mechanism.grade).to_owned(),
        ]);
    }
    table
}

fn page(mechanisms: &[&Mechanism]) -> String {
    format!(
        "# Mechanisms\n\n\
         This page is the output of `strongroom mechanisms --markdown`, from the catalogue the module works with.\n\
         Key sizes are in the unit the standard defines for the mechanism (`ulMinKeySize`, `ulMaxKeySize`).\n\n\
         {GRADES}\n{}",
        table(mechanisms).markdown()
    )
}

fn mechanism_json(mechanism: &Mechanism) -> Value {
    let policies = [Policy::Standard, Policy::Strict, Policy::Fips].into_iter();
    json!({
        "name": mechanism.name,
        "number": mechanism.id,
        "key_size_min": mechanism.min_key,
        "key_size_max": mechanism.max_key,
        "key_size_unit": size_unit(mechanism),
        "functions": function_names(mechanism),
        "grade": grade_name(mechanism.grade),
        "policies": policies.filter(|policy| mechanism.is_offered(*policy)).map(|policy| policy.to_string())
            .collect::<Vec<_>>(),
    })
}

fn key_sizes(mechanism: &Mechanism) -> String {
    let Some(unit) = size_unit(mechanism) else { return "-".to_owned() };
    match (mechanism.min_key, mechanism.max_key) {
        (min, max) if min == max => format!("{min} {unit}"),
        (min, max) => format!("{min}-{max} {unit}"),
    }
}

/// The unit of the mechanism's key sizes: that in which its largest size is one the type of key can have.
fn size_unit(mechanism: &Mechanism) -> Option<&'static str> {
    let key_type = match mechanism.work {
        Work::GenerateSecret(key_type) => key_type,
        Work::Cipher { key_types, .. } | Work::Mac { key_types, .. } => *key_types.first()?,
        Work::Digest(_) => return None,
    };
    let max = usize::try_from(mechanism.max_key).ok().filter(|max| *max > 0)?;
    let longest = match Kind::secret_key(key_type)?.lengths {
        Lengths::OneOf(lengths) => lengths.iter().copied().max()?,
        Lengths::Between(_, longest) => longest,
        Lengths::None => return None,
    };
    Some(if max == longest * 8 { "bits" } else { "bytes" })
}

fn function_names(mechanism: &Mechanism) -> Vec<&'static str> {
    FUNCTIONS.iter().filter(|(flag, _)| mechanism.does(*flag)).map(|(_, name)| *name).collect()
}

fn grade_name(grade: Grade) -> &'static str {
    match grade {
        Grade::Approved => "approved",
        Grade::Sound => "sound",
        Grade::Legacy => "legacy",
    }
}

const FUNCTIONS: &[(u64, &str)] = &[
    (CKF_ENCRYPT, "encrypt"),
    (CKF_DECRYPT, "decrypt"),
    (CKF_DIGEST, "digest"),
    (CKF_SIGN, "sign"),
    (CKF_VERIFY, "verify"),
    (CKF_GENERATE, "generate"),
    (CKF_GENERATE_KEY_PAIR, "generate pair"),
    (CKF_WRAP, "wrap"),
    (CKF_UNWRAP, "unwrap"),
    (CKF_DERIVE, "derive"),
];

const GRADES: &str = "\
Grades: approved (by FIPS 140-3): offered under every policy; sound: not under fips; legacy: under standard only.
";

const EXAMPLES: &str = "\
Examples:
  strongroom mechanisms
  strongroom mechanisms --policy fips
  strongroom mechanisms --json
  strongroom mechanisms --markdown > docs/mechanisms.md";

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_core::mechanism::named;

    #[test]
    fn sizes_have_the_units_of_the_standard() {
        let sizes = |name| key_sizes(named(name).unwrap());
        assert_eq!(sizes("AES_GCM"), "16-32 bytes");
        assert_eq!(sizes("AES_XTS"), "32-64 bytes");
        assert_eq!(sizes("RC4"), "8-2040 bits");
        assert_eq!(sizes("CHACHA20"), "256 bits");
        assert_eq!(sizes("GENERIC_SECRET_KEY_GEN"), "8-28664 bits");
        assert_eq!(sizes("SHA256_HMAC"), "1-3583 bytes");
        assert_eq!(sizes("SHA256"), "-");
        assert_eq!(sizes("DES3_CBC"), "-");
    }

    #[test]
    fn every_function_has_a_name() {
        for mechanism in CATALOGUE {
            let flags: u64 = FUNCTIONS.iter().filter(|(flag, _)| mechanism.does(*flag)).map(|(flag, _)| flag).sum();
            assert_eq!(flags, mechanism.functions, "{mechanism}");
        }
    }
}
