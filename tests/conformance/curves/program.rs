//! The `openssl` program, with the DER it wants.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use cryptoki_sys::*;

use super::Curve;
use crate::module;

/// A directory for one test's files.
pub(super) struct Desk {
    directory: PathBuf,
}

/// A key that `openssl` made.
pub(super) struct Theirs {
    /// PKCS#8.
    pub(super) private: Vec<u8>,
    /// SubjectPublicKeyInfo.
    pub(super) info: Vec<u8>,
    /// The private key as `CKA_VALUE` has it.
    pub(super) value: Vec<u8>,
    /// The public key without its OCTET STRING.
    pub(super) point: Vec<u8>,
}

impl Desk {
    pub(super) fn new() -> Desk {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("openssl-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = module::directory().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Desk { directory }
    }

    /// Runs `openssl` with these files beside it.
    fn run(&self, arguments: &[&str], files: &[(&str, &[u8])]) -> Output {
        for (name, content) in files {
            std::fs::write(self.directory.join(name), content).unwrap();
        }
        Command::new("openssl").args(arguments).current_dir(&self.directory).output().expect("openssl is installed")
    }

    /// What `openssl` prints where it must not fail.
    pub(super) fn made(&self, arguments: &[&str], files: &[(&str, &[u8])]) -> Vec<u8> {
        let output = self.run(arguments, files);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A new key of this curve.
    pub(super) fn key(&self, curve: &Curve) -> Theirs {
        let group = format!("ec_paramgen_curve:{}", curve.name);
        let mut arguments = vec!["genpkey", "-outform", "DER", "-algorithm"];
        match curve.key_type {
            CKK_EC => arguments.extend(["EC", "-pkeyopt", &group, "-pkeyopt", "ec_param_enc:named_curve"]),
            _ => arguments.push(curve.name),
        }
        let made = self.made(&arguments, &[]);
        let arguments = ["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-in", "k", "-outform", "DER"];
        let private = self.made(&arguments, &[("k", &made)]);
        let info = self.made(&["pkey", "-inform", "DER", "-in", "k", "-pubout", "-outform", "DER"], &[("k", &private)]);
        Theirs { value: private_value(&private), point: point_of(&info), private, info }
    }

    /// The public key info as `openssl` writes it after reading it.
    pub(super) fn read_info(&self, info: &[u8]) -> Vec<u8> {
        let arguments = ["pkey", "-pubin", "-inform", "DER", "-in", "p", "-pubout", "-outform", "DER"];
        self.made(&arguments, &[("p", info)])
    }

    /// A signature of `message`, hashed with `hash`; without one `message` is the digest, or it is EdDSA.
    pub(super) fn sign(&self, curve: &Curve, private: &[u8], hash: Option<&str>, message: &[u8]) -> Vec<u8> {
        let files: [(&str, &[u8]); 2] = [("k", private), ("m", message)];
        let hash = hash.map(|hash| format!("-{hash}"));
        let made = match (&hash, curve.key_type) {
            (Some(hash), _) => self.made(&["dgst", hash, "-sign", "k", "-keyform", "DER", "m"], &files),
            (None, CKK_EC) => self.made(&["pkeyutl", "-sign", "-inkey", "k", "-keyform", "DER", "-in", "m"], &files),
            _ => self.made(&["pkeyutl", "-sign", "-rawin", "-inkey", "k", "-keyform", "DER", "-in", "m"], &files),
        };
        if curve.key_type == CKK_EC { from_der(&made, curve.bytes) } else { made }
    }

    /// Whether `openssl` takes a signature of `message`, as in [`Desk::sign`].
    pub(super) fn verifies(
        &self,
        curve: &Curve,
        info: &[u8],
        hash: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let der = if curve.key_type == CKK_EC { to_der(signature) } else { signature.to_vec() };
        let files: [(&str, &[u8]); 3] = [("p", info), ("m", message), ("s", &der)];
        let hash = hash.map(|hash| format!("-{hash}"));
        let mut arguments = vec!["pkeyutl", "-verify", "-pubin", "-inkey", "p", "-keyform", "DER", "-sigfile", "s"];
        match (&hash, curve.key_type) {
            (Some(hash), _) => {
                arguments = vec!["dgst", hash, "-verify", "p", "-keyform", "DER", "-signature", "s", "m"];
            }
            (None, CKK_EC) => arguments.extend(["-in", "m"]),
            _ => arguments.extend(["-rawin", "-in", "m"]),
        }
        let output = self.run(&arguments, &files);
        // A failure must be that of the signature, not of the files.
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success() || said.contains("erification"), "{arguments:?}: {said}");
        output.status.success()
    }

    /// The secret that a private key and a public key info agree on.
    pub(super) fn agree(&self, private: &[u8], info: &[u8]) -> Vec<u8> {
        let arguments = ["pkeyutl", "-derive", "-inkey", "k", "-keyform", "DER", "-peerkey", "p", "-peerform", "DER"];
        self.made(&arguments, &[("k", private), ("p", info)])
    }
}

/// One element: its tag, its content, and what follows.
pub(super) fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (len, header) = match der[1] {
        0x82 => (usize::from(u16::from_be_bytes([der[2], der[3]])), 4),
        0x81 => (usize::from(der[2]), 3),
        len => (usize::from(len), 2),
    };
    (der[0], &der[header..header + len], &der[header + len..])
}

/// One element of these bytes.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = match content.len() {
        len @ 0..=0x7f => vec![len as u8],
        len @ 0x80..=0xff => vec![0x81, len as u8],
        len => vec![0x82, (len >> 8) as u8, len as u8],
    };
    [&[tag], &len[..], content].concat()
}

fn private_value(pkcs8: &[u8]) -> Vec<u8> {
    let (_, info, _) = element(pkcs8);
    let (_, _, rest) = element(info);
    let (_, _, rest) = element(rest);
    let (tag, key, _) = element(rest);
    assert_eq!(tag, 4);
    match element(key) {
        (4, bytes, _) => bytes.to_vec(),
        (_, key, _) => element(element(key).2).1.to_vec(),
    }
}

/// The public key of a SubjectPublicKeyInfo.
pub(super) fn point_of(info: &[u8]) -> Vec<u8> {
    let (_, info, _) = element(info);
    let (tag, bits, _) = element(element(info).2);
    assert_eq!((tag, bits[0]), (3, 0));
    bits[1..].to_vec()
}

/// r and s one after the other, as the DER that everybody else uses.
pub(super) fn to_der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let numbers = [r, s].map(|number| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count().min(number.len() - 1);
        let mut number = number[zeros..].to_vec();
        if number[0] >= 0x80 {
            number.insert(0, 0);
        }
        tagged(2, &number)
    });
    tagged(0x30, &numbers.concat())
}

/// The reverse, each number of so many bytes.
pub(super) fn from_der(der: &[u8], bytes: usize) -> Vec<u8> {
    let (_, numbers, _) = element(der);
    let (_, r, rest) = element(numbers);
    let (_, s, _) = element(rest);
    let widths = [r, s].map(|number| {
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        [&vec![0; bytes - number.len()][..], number].concat()
    });
    widths.concat()
}
