//! The `openssl` program.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::differential::{digits, openssl};
use crate::module;

/// The object identifier of P-256.
pub(super) const P_256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn run(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    openssl(&arguments, input)
}

/// `openssl kdf`: options with text, then with bytes, which may be none at all.
pub(super) fn kdf(name: &str, len: usize, options: &[(&str, &str)], values: &[(&str, &[u8])]) -> Vec<u8> {
    let mut arguments = vec!["kdf".to_owned(), "-binary".to_owned(), "-keylen".to_owned(), len.to_string()];
    let texts = options.iter().map(|(name, text)| format!("{name}:{text}"));
    let values = values.iter().filter(|(_, value)| !value.is_empty());
    let values = values.map(|(name, value)| format!("{name}:{}", digits(value)));
    arguments.extend(texts.chain(values).flat_map(|option| ["-kdfopt".to_owned(), option]));
    arguments.push(name.to_owned());
    openssl(&arguments, &[])
}

/// HMAC of the parts, one behind the other.
pub(super) fn hmac(digest: &str, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let key = format!("hexkey:{}", digits(key));
    run(&["mac", "-binary", "-digest", digest, "-macopt", &key, "HMAC"], &parts.concat())
}

/// The PRF of TLS; MD5-SHA1 is that of TLS 1.0.
pub(super) fn tls_prf(digest: &str, secret: &[u8], parts: &[&[u8]], len: usize) -> Vec<u8> {
    kdf("TLS1-PRF", len, &[("digest", digest)], &[("hexsecret", secret), ("hexseed", &parts.concat())])
}

/// HKDF in the mode that the program calls so.
pub(super) fn hkdf(mode: &str, key: &[u8], salt: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    let options = [("digest", "SHA256"), ("mode", mode)];
    kdf("HKDF", len, &options, &[("hexkey", key), ("hexsalt", salt), ("hexinfo", info)])
}

/// SP 800-108 with a counter of 32 bits, a zero byte between label and context, and the length in 32 bits.
pub(super) fn kbkdf(
    function: &[(&str, &str)],
    key: &[u8],
    iv: &[u8],
    (label, context): (&[u8], &[u8]),
    len: usize,
) -> Vec<u8> {
    kdf("KBKDF", len, function, &[("hexkey", key), ("hexseed", iv), ("hexsalt", label), ("hexinfo", context)])
}

/// A digest; the length is that of one that has none of its own.
pub(super) fn digest(name: &str, len: Option<usize>, data: &[u8]) -> Vec<u8> {
    let (name, len) = (format!("-{name}"), len.map(|len| len.to_string()));
    let mut arguments = vec!["dgst", "-binary", &name];
    if let Some(len) = &len {
        arguments.extend(["-xoflen", len]);
    }
    run(&arguments, data)
}

/// A cipher without padding.
pub(super) fn enc(name: &str, key: &[u8], iv: Option<&[u8]>, data: &[u8]) -> Vec<u8> {
    let (name, key, iv) = (format!("-{name}"), digits(key), iv.map(digits));
    let mut arguments = vec!["enc", &name, "-nopad", "-provider", "legacy", "-provider", "default", "-K", &key];
    if let Some(iv) = &iv {
        arguments.extend(["-iv", iv]);
    }
    run(&arguments, data)
}

/// The secret that a private and a public number agree on in a prime field, as long as the prime.
pub(super) fn dh(p: &[u8], g: &[u8], private: &[u8], public: &[u8]) -> Vec<u8> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = |kind| {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        module::directory().join(format!("dh-{kind}-{count}")).to_str().unwrap().to_owned()
    };
    // PKCS #3: dhKeyAgreement with its parameters.
    let oid: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01];
    let algorithm = der(0x30, &[oid, &der(0x30, &[&integer(p), &integer(g)])]);
    let private = der(0x30, &[&integer(&[0]), &algorithm, &der(4, &[&integer(private)])]);
    let public = der(0x30, &[&algorithm, &der(3, &[&[0], &integer(public)])]);
    let (key, peer) = (name("key"), name("peer"));
    std::fs::write(&key, private).unwrap();
    std::fs::write(&peer, public).unwrap();
    let whole = ["-pkeyopt", "dh_pad:1"];
    let arguments = ["pkeyutl", "-derive", "-inkey", &key, "-keyform", "DER", "-peerkey", &peer, "-peerform", "DER"];
    run(&[&arguments[..], &whole].concat(), &[])
}

fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take(number.len() - 1).take_while(|byte| **byte == 0).count();
    let number = &number[zeros..];
    der(2, &[&[0][..usize::from(number[0] >> 7)], number])
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let len = content.len().to_be_bytes();
    let len = match content.len() {
        0..128 => vec![len[7]],
        128..256 => vec![0x81, len[7]],
        _ => vec![0x82, len[6], len[7]],
    };
    [&[tag], &len[..], &content].concat()
}
