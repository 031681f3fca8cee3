//! What to do about files that hold no one thing that can be imported.

use strongroom_crypto::encoding::Traditional;

use super::file::Input;
use crate::pem::Block;
use crate::text::{counted, one_line};

/// Of a file with several structures: how to take them out one by one.
pub(super) fn several(input: &Input, blocks: &[Block<'_>]) -> String {
    let names: Vec<String> = blocks.iter().map(|block| one_line(block.label)).collect();
    let count = |is: fn(&str) -> bool| blocks.iter().filter(|block| is(block.label)).count();
    let (private, certificates) = (count(is_private), count(is_certificate));
    let others = blocks.len() - private - certificates;
    let path = &input.path;
    let by_openssl = private == 1 && count(is_readable) == 1;
    let mut ways = Vec::new();
    if by_openssl {
        ways.push(format!("strongroom key import <(openssl pkey -in {path}) takes the private key alone"));
    }
    if certificates > 0 {
        let which = if certificates == 1 { "the certificate" } else { "the first certificate" };
        ways.push(format!("strongroom key import <(openssl x509 -in {path}) {which}"));
    }
    // The public key of a private one comes with it.
    let is_all = certificates <= 1 && (by_openssl || private == 0) && (others == 0 || (by_openssl && others == 1));
    if !is_all {
        ways.push(format!(
            "(umask 077; csplit -zs -f part- -b %02d.pem {path} '/^-----BEGIN /' '{{*}}') makes a file of each, \
             part-00.pem and so on; delete them when they are imported"
        ));
    }
    format!(
        " has {} ({}); import one at a time: {}",
        counted(blocks.len(), "structure"),
        names.join(", "),
        ways.join(", ")
    )
}

/// Of a structure with a name that is not imported.
pub(super) fn other_form(input: &Input, block: &Block<'_>) -> String {
    let path = &input.path;
    let advice = match block.label {
        "OPENSSH PRIVATE KEY" => openssh(block),
        "RSA PUBLIC KEY" => format!("openssl rsa -RSAPublicKey_in -in {path} -pubout makes one"),
        "TRUSTED CERTIFICATE" => format!("openssl x509 -in {path} makes a plain one"),
        "PKCS7" => pkcs7(path, ""),
        "SSH2 PUBLIC KEY" => {
            "ssh-keygen -i -f FILE makes one line of it, and ssh-keygen -e -m PKCS8 -f LINE what can be \
                              imported"
                .to_owned()
        }
        _ => "PRIVATE KEY, PUBLIC KEY and CERTIFICATE can be imported".to_owned(),
    };
    format!(" has the form \"{}\"; {advice}", one_line(block.label))
}

/// Of the certificates of a PKCS#7 structure (a `.p7b` file).
pub(super) fn pkcs7(path: &str, form: &str) -> String {
    format!(
        "openssl pkcs7 {form}-print_certs -in {path} writes its certificates in PEM; where it has one: \
         strongroom key import <(openssl pkcs7 {form}-print_certs -in {path})"
    )
}

/// Of a PKCS#12 file.
pub(super) fn pkcs12(path: &str) -> String {
    format!(
        "openssl asks for its password and takes out what is in it: strongroom key import <(openssl pkcs12 -in {path} \
         -nocerts -nodes) has the private key, strongroom key import <(openssl pkcs12 -in {path} -nokeys -clcerts) its \
         certificate; where openssl says \"unsupported\" the file is of an old kind: add -legacy to openssl pkcs12"
    )
}

/// Of a public key in the one line that OpenSSH has for it, where `text` is that.
pub(super) fn ssh_public(text: &str, path: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    let (name, digits) = (words.next()?, words.next()?);
    if !SSH_PUBLIC.iter().any(|known| name.starts_with(known)) || !digits.starts_with(SSH_DIGITS) {
        return None;
    }
    Some(match is_convertible(name) {
        true => format!("strongroom key import <(ssh-keygen -e -m PKCS8 -f {path}) imports it"),
        false => format!("ssh-keygen writes no {} keys in the form that can be imported", one_line(name)),
    })
}

/// Of a key for an algorithm that is not known; `oid` is its object identifier.
pub(super) fn unknown_algorithm(input: &Input, oid: &str) -> String {
    if oid != RSASSA_PSS {
        return format!(
            " has a key for the algorithm {oid}, which is not known here; 'strongroom key generate --help' \
                        lists the types of keys there are"
        );
    }
    let path = &input.path;
    format!(
        " has an RSA key that says it is for RSASSA-PSS ({oid}) alone, which keys here do not say; openssl writes it \
         without it: strongroom key import <(openssl rsa -in {path} -traditional -outform DER); of a public key: \
         strongroom key import <(openssl rsa -pubin -in {path} -RSAPublicKey_out -outform \
         DER | openssl rsa -RSAPublicKey_in -inform DER -pubout)"
    )
}

/// Of a private key in OpenSSH's own form. ssh-keygen changes those of some types to PKCS#8; others it leaves as they
/// are, and says nothing.
fn openssh(block: &Block<'_>) -> String {
    let der = block.decode().unwrap_or_default();
    match openssh_type(&der) {
        Some(name) if name == ED25519 => format!(
            "ssh-keygen cannot change {name} keys to a form that can be imported; make a new key in the token instead: \
             strongroom key generate --type ed25519; to log in with ssh, --type ec: OpenSSH 9.2 uses no Ed25519 keys of \
             tokens, and ssh-keygen -D MODULE writes the line of an ec key for authorized_keys"
        ),
        Some(name) if !is_convertible(&name) => format!(
            "ssh-keygen cannot change {name} keys to a form that can be imported; make a new key in the token instead: \
             strongroom key generate --type ec"
        ),
        _ => {
            "PKCS#8 is needed: ssh-keygen -p -m PKCS8 -N '' -f COPY changes a copy of the file to it, and asks for its \
              passphrase where it has one; delete the copy when it is imported"
                .to_owned()
        }
    }
}

/// The type of the key in OpenSSH's own form, which is not encrypted (PROTOCOL.key): names of cipher and KDF, options
/// of the KDF, the number of keys, and the public key, which begins with it.
fn openssh_type(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes.strip_prefix(OPENSSH_MAGIC)?;
    for _ in 0..3 {
        (_, rest) = ssh_string(rest)?;
    }
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let (public, _) = ssh_string(rest)?;
    let (name, _) = ssh_string(public)?;
    std::str::from_utf8(name).ok().map(one_line)
}

/// A string of RFC 4251 §5, and what is behind it.
fn ssh_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Whether ssh-keygen writes PKCS#8 of keys of this type.
fn is_convertible(name: &str) -> bool {
    matches!(name, "ssh-rsa" | "ssh-dss") || name.starts_with("ecdsa-sha2-")
}

fn is_private(label: &str) -> bool {
    label.ends_with("PRIVATE KEY")
}

/// A private key that `openssl pkey` reads.
fn is_readable(label: &str) -> bool {
    matches!(label, "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY") || Traditional::labelled(label).is_some()
}

fn is_certificate(label: &str) -> bool {
    matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE")
}

const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
const ED25519: &str = "ssh-ed25519";
const OPENSSH_MAGIC: &[u8] = b"openssh-key-v1\0";
/// How the names of types begin in public keys of OpenSSH.
const SSH_PUBLIC: &[&str] = &["ssh-", "ecdsa-sha2-", "sk-"];
/// The length of a name, which has fewer than 256 bytes, in base64.
const SSH_DIGITS: &str = "AAAA";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_key_of_openssh_is_found() {
        let string = |content: &[u8]| [&(content.len() as u32).to_be_bytes()[..], content].concat();
        let public = string(&[string(b"ssh-ed25519"), string(&[7; 32])].concat());
        let key =
            [OPENSSH_MAGIC.to_vec(), string(b"none"), string(b"none"), string(b""), vec![0, 0, 0, 1], public].concat();
        assert_eq!(openssh_type(&key).as_deref(), Some("ssh-ed25519"));
        for end in 0..key.len() {
            assert_eq!(openssh_type(&key[..end]), None, "{end}");
        }
        let long = [OPENSSH_MAGIC, &[0xff; 40]].concat();
        assert_eq!(openssh_type(&long), None);
    }

    #[test]
    fn a_public_key_of_openssh_is_known_by_its_first_words() {
        let hint = |text| ssh_public(text, "x.pub");
        assert!(hint("ssh-rsa AAAAB3Nza me@here\n").unwrap().contains("<(ssh-keygen -e -m PKCS8 -f x.pub)"));
        assert!(hint("ssh-ed25519 AAAAC3Nza\n").unwrap().contains("no ssh-ed25519 keys"));
        assert!(hint("ssh-rsa is fine").is_none() && hint("ssh-rsa").is_none() && hint("").is_none());
    }
}
