//! `strongroom mechanisms`: the mechanism catalogue as a table, as JSON, and as the page of the manual.

mod families;
mod left_out;

use clap::Args;
use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::mechanism::{CATALOGUE, Grade, Mechanism};
use strongroom_core::policy::Policy;

use families::{FAMILIES, family, size_unit};
use left_out::LEFT_OUT;

use crate::failure::Failure;
use crate::output::Answer;
use crate::place::Context;
use crate::table::{Column, Table};
use crate::text::{any_case, counted};

/// Options of `mechanisms`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct MechanismsArgs {
    /// Only what tokens under this policy offer, with the functions that are left: standard, strict or fips
    #[arg(long, value_name = "POLICY", value_parser = any_case::<Policy>)]
    policy: Option<Policy>,
    /// Only one family: aes, rsa, ec, ml-dsa, digest, ...
    #[arg(long, value_name = "FAMILY", value_parser = parse_family)]
    family: Option<&'static str>,
    /// Print the page of the manual
    #[arg(long, conflicts_with_all = ["json", "policy", "family"])]
    markdown: bool,
}

/// Lists the mechanisms.
///
/// # Errors
/// None of its own.
pub(crate) fn run(_: &Context, args: &MechanismsArgs) -> Result<Answer, Failure> {
    let offered = |mechanism: &&Mechanism| {
        args.policy.is_none_or(|policy| mechanism.is_offered(policy))
            && !function_names(functions(mechanism, args.policy)).is_empty()
    };
    let related = |mechanism: &&Mechanism| args.family.is_none_or(|wanted| family(mechanism) == wanted);
    let mechanisms: Vec<&Mechanism> = CATALOGUE.iter().filter(offered).filter(related).collect();
    if args.markdown {
        return Ok(Answer::new(page(&mechanisms), json!({})));
    }
    let listed = table(&mechanisms, args.policy).text();
    // What the sizes in the table do not say.
    let rules = args.policy.and_then(|policy| Some(format!("Under {policy}, {}.\n", policy.key_rules()?)));
    let keys = rules.unwrap_or_default();
    let text = format!("{listed}\n{}.\n{GRADES}{keys}", counted(mechanisms.len(), "mechanism"));
    let json = mechanisms.iter().map(|mechanism| mechanism_json(mechanism, args.policy)).collect::<Vec<_>>();
    Ok(Answer::new(text, json!({ "mechanisms": json })))
}

/// What the mechanism does, under a policy where one is asked for.
fn functions(mechanism: &Mechanism, policy: Option<Policy>) -> u64 {
    policy.map_or(mechanism.functions, |policy| mechanism.functions_under(policy))
}

fn table(mechanisms: &[&Mechanism], policy: Option<Policy>) -> Table {
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
            function_names(functions(mechanism, policy)).join(", "),
            grade_name(mechanism.grade).to_owned(),
        ]);
    }
    table
}

fn page(mechanisms: &[&Mechanism]) -> String {
    let mut page = format!(
        "# Mechanisms\n\n\
         This page is the output of `strongroom mechanisms --markdown`, from the catalogue the module works with.\n\
         Key sizes are in the unit the standard defines for the mechanism (`ulMinKeySize`, `ulMaxKeySize`); of ML-KEM,\n\
         ML-DSA and SLH-DSA they are those of the public key. Which curves there are is on [a page of its own](curves.md).\n\n\
         {GRADES}\n\
         Under `fips`, `CKM_RSA_PKCS` only signs and verifies, signatures with SHA-1 are only verified, and keys are used\n\
         only if FIPS 140-3 approves of their size and curve. Under `strict` and `fips`, `CKM_RSA_PKCS`, ECB and CBC wrap\n\
         nothing; under `strict`, GCM and CCM neither. What else they demand is on [a page of its own](policies.md).\n"
    );
    for (name, title) in FAMILIES {
        let own: Vec<&Mechanism> = mechanisms.iter().copied().filter(|mechanism| family(mechanism) == *name).collect();
        page.push_str(&format!("\n## {title}\n\n{}", table(&own, None).markdown()));
    }
    let mut left_out = Table::new(&[Column::Text("WHAT"), Column::Text("MECHANISMS"), Column::Text("WHY")]);
    for row in LEFT_OUT {
        let names: Vec<String> = row.names.iter().map(|start| format!("`{start}...`")).collect();
        left_out.row(vec![row.what.to_owned(), names.join(", "), row.why.to_owned()]);
    }
    page.push_str(&format!(
        "\n## What is left out\n\n\
         The standard defines more. A mechanism is here only where a well-kept library computes it: Strongroom has no\n\
         cipher, hash or curve arithmetic of its own. KMAC and composite keys are not in the list: drafts after PKCS#11 3.2\n\
         describe them, its headers have no numbers for them.\n\n{}",
        left_out.markdown()
    ));
    page
}

fn mechanism_json(mechanism: &Mechanism, policy: Option<Policy>) -> Value {
    let policies = [Policy::Standard, Policy::Strict, Policy::Fips].into_iter();
    json!({
        "name": mechanism.name,
        "number": mechanism.id,
        "key_size_min": mechanism.min_key,
        "key_size_max": mechanism.max_key,
        "key_size_unit": size_unit(mechanism),
        "family": family(mechanism),
        "functions": function_names(functions(mechanism, policy)),
        "curves": curve_forms(mechanism),
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

fn function_names(functions: u64) -> Vec<&'static str> {
    FUNCTIONS.iter().filter(|(flag, _)| functions & flag != 0).map(|(_, name)| *name).collect()
}

/// What the mechanism says of curves: that they are over prime fields, how they are named, which points it reads.
fn curve_forms(mechanism: &Mechanism) -> Vec<&'static str> {
    CURVES.iter().filter(|(flag, _)| mechanism.does(*flag)).map(|(_, name)| *name).collect()
}

fn parse_family(name: &str) -> Result<&'static str, String> {
    FAMILIES.iter().find(|(known, _)| *known == name).map(|(known, _)| *known).ok_or_else(|| {
        let names: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
        format!("the families are {}", names.join(", "))
    })
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
    (CKF_SIGN_RECOVER, "sign recover"),
    (CKF_VERIFY_RECOVER, "verify recover"),
    (CKF_ENCAPSULATE, "encapsulate"),
    (CKF_DECAPSULATE, "decapsulate"),
    (CKF_MESSAGE_ENCRYPT, "message encrypt"),
    (CKF_MESSAGE_DECRYPT, "message decrypt"),
    (CKF_MESSAGE_SIGN, "message sign"),
    (CKF_MESSAGE_VERIFY, "message verify"),
    (CKF_MULTI_MESSAGE, "multi-part messages"),
];

const CURVES: &[(u64, &str)] = &[
    (CKF_EC_F_P, "prime fields"),
    (CKF_EC_F_2M, "binary fields"),
    (CKF_EC_OID, "object identifiers"),
    (CKF_EC_CURVENAME, "names"),
    (CKF_EC_ECPARAMETERS, "explicit parameters"),
    (CKF_EC_UNCOMPRESS, "uncompressed points"),
    (CKF_EC_COMPRESS, "compressed points"),
];

const GRADES: &str = "\
Grades: approved (by FIPS 140-3): offered under every policy; sound: not under fips; legacy: under standard only.
";

const EXAMPLES: &str = "\
Examples:
  strongroom mechanisms
  strongroom mechanisms --policy fips
  strongroom mechanisms --family ml-dsa
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
        assert_eq!(sizes("RSA_PKCS"), "1024-16384 bits");
        assert_eq!(sizes("ECDSA"), "224-521 bits");
        assert_eq!(sizes("ML_KEM"), "800-1568 bytes");
        assert_eq!(sizes("AES_KEY_WRAP_KWP"), "16-32 bytes");
        assert_eq!(sizes("ECDH1_DERIVE"), "224-521 bits");
        assert_eq!(sizes("HKDF_DERIVE"), "1-3583 bytes");
        assert_eq!(sizes("SP800_108_COUNTER_KDF"), "8-28664 bits");
        assert_eq!(sizes("TLS12_MAC"), "48 bytes");
    }

    #[test]
    fn every_function_has_a_name() {
        for mechanism in CATALOGUE {
            let all = FUNCTIONS.iter().chain(CURVES);
            let flags: u64 = all.filter(|(flag, _)| mechanism.does(*flag)).map(|(flag, _)| flag).sum();
            assert_eq!(flags, mechanism.functions, "{mechanism}");
        }
    }

    #[test]
    fn the_page_has_every_mechanism_once() {
        let page = page(&CATALOGUE.iter().collect::<Vec<_>>());
        let listed = page.lines().filter(|line| line.starts_with("| CKM_")).count();
        assert_eq!(listed, CATALOGUE.len());
        assert!(CATALOGUE.iter().all(|mechanism| page.contains(&format!("\n| {mechanism} |"))));
        assert!(page.lines().filter(|line| !line.starts_with('|')).all(|line| line.chars().count() <= 120));
    }
}
