//! What somebody may have meant who typed a type that is none.

use super::types::{KeyType, name_of, parse_curve};

/// What may be meant by `name`, as words for a refusal.
pub(super) fn suggest(name: &str) -> Option<String> {
    let typed = folded(name);
    if let Some(curve) = curve(&typed) {
        return Some(format!("{curve} is a curve; did you mean --type ec --curve {curve}?"));
    }
    let meant = same(&typed).or_else(|| sized(&typed)).or_else(|| alias(&typed)).or_else(|| near(&typed))?;
    Some(format!("did you mean {meant}?"))
}

/// A name as everybody writes it: small letters and digits, nothing between them.
fn folded(name: &str) -> String {
    name.chars().filter(|letter| letter.is_ascii_alphanumeric()).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// A name that is written differently.
fn same(typed: &str) -> Option<String> {
    names().find(|name| folded(name) == typed).map(str::to_owned)
}

/// A name with a size: "rsa4096", "aes256". The longest name that fits, as some end with digits themselves.
fn sized(typed: &str) -> Option<String> {
    let fits = |name: &&str| {
        let bits = typed.strip_prefix(folded(name).as_str());
        bits.is_some_and(|bits| (3..=5).contains(&bits.len()) && bits.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let name = names().filter(|name| KeyType::takes_bits(name)).filter(fits).max_by_key(|name| name.len())?;
    let bits = typed.strip_prefix(folded(name).as_str())?;
    Some(format!("{name}-{bits}")).filter(|name| KeyType::parse(name).is_ok())
}

/// A name that the type has elsewhere.
fn alias(typed: &str) -> Option<String> {
    ALIASES.iter().find(|(alias, _)| *alias == typed).map(|(_, name)| (*name).to_owned())
}

/// A name with one letter wrong, too many, too few, or two where the name is long.
fn near(typed: &str) -> Option<String> {
    let allowed = if typed.len() < LONG { 1 } else { 2 };
    let distances = names().map(|name| (distance(typed, &folded(name)), name));
    let (nearest, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (typed.len() >= SHORTEST && nearest <= allowed).then(|| name.to_owned())
}

/// The name of a curve of the type ec.
fn curve(typed: &str) -> Option<&'static str> {
    let nist = typed.strip_prefix("nist").unwrap_or(typed).strip_prefix('p').map(|bits| format!("P-{bits}"));
    let brainpool = typed.strip_prefix("brainpoolp").map(|rest| format!("brainpoolP{rest}"));
    let names = [Some(typed.to_owned()), nist, brainpool];
    names.into_iter().flatten().find_map(|name| parse_curve(&name).ok()).map(name_of)
}

fn names() -> impl Iterator<Item = &'static str> {
    let (secret, pairs) = KeyType::names();
    secret.into_iter().chain(pairs)
}

/// How many letters must be put in, taken out or changed to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.bytes().enumerate() {
        let mut last = at + 1;
        let above = std::mem::replace(&mut row, vec![last]);
        for (pair, other) in above.windows(2).zip(other.bytes()) {
            let [before, over] = pair else { break };
            last = (before + usize::from(letter != other)).min(over + 1).min(last + 1);
            row.push(last);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// What types are called elsewhere, folded. Of a family with several the one is named that is right for most.
const ALIASES: &[(&str, &str)] = &[
    ("ecdsa", "ec"),
    ("ecdh", "ec"),
    ("ecc", "ec"),
    ("elliptic", "ec"),
    ("eddsa", "ed25519"),
    ("edwards", "ed25519"),
    ("curve25519", "x25519"),
    ("montgomery", "x25519"),
    ("curve448", "x448"),
    ("mldsa", "ml-dsa-65"),
    ("dilithium", "ml-dsa-65"),
    ("dilithium2", "ml-dsa-44"),
    ("dilithium3", "ml-dsa-65"),
    ("dilithium5", "ml-dsa-87"),
    ("mlkem", "ml-kem-768"),
    ("kyber", "ml-kem-768"),
    ("kyber512", "ml-kem-512"),
    ("kyber768", "ml-kem-768"),
    ("kyber1024", "ml-kem-1024"),
    ("slhdsa", "slh-dsa-sha2-128f"),
    ("sphincs", "slh-dsa-sha2-128f"),
    ("sphincsplus", "slh-dsa-sha2-128f"),
    ("3des", "des3"),
    ("tripledes", "des3"),
    ("desede", "des3"),
    ("arcfour", "rc4"),
    ("chacha", "chacha20"),
    ("chacha20poly1305", "chacha20"),
    ("hmac", "sha256-hmac"),
    ("hmacsha1", "sha1-hmac"),
    ("hmacsha256", "sha256-hmac"),
    ("hmacsha384", "sha384-hmac"),
    ("hmacsha512", "sha512-hmac"),
    ("sha1", "sha1-hmac"),
    ("sha256", "sha256-hmac"),
    ("sha384", "sha384-hmac"),
    ("sha512", "sha512-hmac"),
    ("secret", "generic"),
    ("genericsecret", "generic"),
    ("diffiehellman", "dh"),
];

/// Shorter words are near too many names.
const SHORTEST: usize = 3;
/// From here on two letters may be wrong.
const LONG: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_leads_to_what_there_is() {
        for (typed, meant) in [
            ("rsa4096", "did you mean rsa-4096?"),
            ("RSA_2048", "did you mean rsa-2048?"),
            ("RSA-2048", "did you mean rsa-2048?"),
            ("AES", "did you mean aes?"),
            ("aes256", "did you mean aes-256?"),
            ("p-256", "P-256 is a curve; did you mean --type ec --curve P-256?"),
            ("P256", "P-256 is a curve; did you mean --type ec --curve P-256?"),
            ("secp384r1", "P-384 is a curve; did you mean --type ec --curve P-384?"),
            ("prime256v1", "P-256 is a curve; did you mean --type ec --curve P-256?"),
            ("secp256k1", "secp256k1 is a curve; did you mean --type ec --curve secp256k1?"),
            ("brainpoolP256r1", "brainpoolP256r1 is a curve; did you mean --type ec --curve brainpoolP256r1?"),
            ("ecdsa", "did you mean ec?"),
            ("ed-25519", "did you mean ed25519?"),
            ("ed2551", "did you mean ed25519?"),
            ("ml-dsa", "did you mean ml-dsa-65?"),
            ("mldsa87", "did you mean ml-dsa-87?"),
            ("ml-kem", "did you mean ml-kem-768?"),
            ("kyber", "did you mean ml-kem-768?"),
            ("dilithium", "did you mean ml-dsa-65?"),
            ("hmac-sha512", "did you mean sha512-hmac?"),
            ("3des", "did you mean des3?"),
            ("genric", "did you mean generic?"),
            ("generic512", "did you mean generic-512?"),
        ] {
            assert_eq!(suggest(typed).as_deref(), Some(meant), "{typed}");
        }
    }

    #[test]
    fn nothing_is_made_up() {
        for typed in ["x509", "", "-", "e", "strawberry", "P-1", "rsa-big", "aes100"] {
            assert_eq!(suggest(typed), None, "{typed}");
        }
    }

    #[test]
    fn every_alias_leads_to_a_type() {
        for (alias, name) in ALIASES {
            assert!(KeyType::parse(name).is_ok() && *alias == folded(alias), "{alias}");
        }
    }

    #[test]
    fn letters_are_counted() {
        assert_eq!((distance("aes", "aes"), distance("", "abc"), distance("kitten", "sitting")), (0, 3, 3));
    }
}
