//! RSA against the `openssl` program, both ways: what one makes the other accepts.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use cryptoki_sys::*;

use super::{HASHES, Hash, generate, oaep, pss, wrapped_in, wrapped_out};
use crate::module::{self, Token, refused};
use crate::parameters::{Mechanism, plain};
use crate::samples::Random;
use crate::session::{Session, Work};
use crate::template::{bytes, flag, number, with};

/// A pair that both know: in the module by handles, in `openssl` by files.
struct Shared {
    session: Session,
    public: CK_OBJECT_HANDLE,
    private: CK_OBJECT_HANDLE,
    files: Files,
}

/// A directory for one test, removed at its end.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Files {
        let directory = module::directory().join(format!("openssl-{name}"));
        std::fs::create_dir_all(&directory).unwrap();
        Files(directory)
    }

    /// Writes a file and returns its path.
    fn put(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `openssl` says to `input`.
fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    let mut stdin = child.stdin.take().unwrap();
    // A program that refuses its arguments does not read.
    _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// What `openssl` makes of `input`.
fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let output = run(arguments, input);
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl Shared {
    /// A pair of this size that the module makes.
    fn new(session: Session, name: &str, bits: CK_ULONG) -> Shared {
        let private = [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true)];
        let (public, private) = generate(session, &[number(CKA_MODULUS_BITS, bits)], &private).unwrap();
        let shared = Shared { session, public, private, files: Files::new(name) };
        shared.files.put("public", &session.get(public, CKA_PUBLIC_KEY_INFO).unwrap());
        shared.files.put("private", &wrapped_out(session, private).unwrap());
        shared
    }

    fn public_file(&self) -> String {
        self.files.0.join("public").to_str().unwrap().to_owned()
    }

    fn private_file(&self) -> String {
        self.files.0.join("private").to_str().unwrap().to_owned()
    }

    /// `openssl dgst`: its own signature is good here, and the one made here is good there.
    fn check_dgst(&self, mechanism: &Mechanism, hash: &Hash, options: &[&str], data: &[u8]) -> Vec<u8> {
        let digest = format!("-{}", hash.openssl);
        let options: Vec<&str> = options.iter().flat_map(|option| ["-sigopt", option]).collect();
        let key = self.private_file();
        let arguments = [&["dgst", &digest, "-sign", &key, "-keyform", "DER"][..], &options].concat();
        let theirs = openssl(&arguments, data);
        self.session.check(mechanism, self.public, data, &theirs).unwrap_or_else(|code| panic!("{hash:?} {code:?}"));
        let ours = self.session.sign(mechanism, self.private, data).unwrap();
        let (signature, key) = (self.files.put("signature", &ours), self.public_file());
        let verify = [&["dgst", &digest, "-verify", &key, "-keyform", "DER", "-signature", &signature][..], &options];
        assert_eq!(openssl(&verify.concat(), data), b"Verified OK\n", "{mechanism:?}");
        let other = [data, b"!"].concat();
        assert_eq!(self.session.check(mechanism, self.public, &other, &theirs), refused(CKR_SIGNATURE_INVALID));
        assert!(!run(&verify.concat(), &other).status.success());
        theirs
    }

    /// `openssl pkeyutl` with the private key or the public one.
    fn pkeyutl(&self, what: &str, options: &[&str], input: &[u8]) -> Vec<u8> {
        let key = if ["-sign", "-decrypt"].contains(&what) { self.private_file() } else { self.public_file() };
        let mut arguments = vec!["pkeyutl", what, "-inkey", &key, "-keyform", "DER"];
        if key.ends_with("public") {
            arguments.push("-pubin");
        }
        arguments.extend(options.iter().flat_map(|option| ["-pkeyopt", option]));
        openssl(&arguments, input)
    }

    /// `openssl pkeyutl -verify`, which wants the signature in a file.
    fn pkeyutl_verify(&self, options: &[&str], data: &[u8], signature: &[u8]) {
        let (file, key) = (self.files.put("signature", signature), self.public_file());
        let mut arguments = vec!["pkeyutl", "-verify", "-inkey", &key, "-keyform", "DER", "-pubin", "-sigfile", &file];
        arguments.extend(options.iter().flat_map(|option| ["-pkeyopt", option]));
        openssl(&arguments, data);
    }

    /// Encrypted here and decrypted there, and the other way round.
    fn check_encryption(&self, mechanism: &Mechanism, options: &[&str], data: &[u8]) {
        let ours = self.session.run(Work::Encrypt, mechanism, self.public, data).unwrap();
        assert_eq!(self.pkeyutl("-decrypt", options, &ours), data, "{mechanism:?}");
        let theirs = self.pkeyutl("-encrypt", options, data);
        let back = self.session.run(Work::Decrypt, mechanism, self.private, &theirs);
        assert_eq!(back.as_deref(), Ok(data), "{mechanism:?}");
    }
}

#[test]
fn openssl_reads_rsa_keys_of_the_module_and_finds_them_sound() {
    let token = Token::new();
    let session = token.user();
    let files = Files::new("keys");
    for (size, exponent) in [(1024, &[3][..]), (2048, &[1, 0, 1]), (2048, &[17]), (3072, &[1, 0, 1])] {
        let public = [number(CKA_MODULUS_BITS, size), bytes(CKA_PUBLIC_EXPONENT, exponent)];
        let (public, private) = generate(session, &public, &[flag(CKA_EXTRACTABLE, true)]).unwrap();
        let modulus = session.get(public, CKA_MODULUS).unwrap();
        let line: String = modulus.iter().map(|byte| format!("{byte:02X}")).collect();
        for half in [public, private] {
            let info = session.get(half, CKA_PUBLIC_KEY_INFO).unwrap();
            let said = openssl(&["rsa", "-pubin", "-inform", "DER", "-noout", "-modulus"], &info);
            assert_eq!(String::from_utf8(said).unwrap().trim(), format!("Modulus={line}"));
            // And what it writes is byte for byte the same.
            assert_eq!(openssl(&["rsa", "-pubin", "-inform", "DER", "-outform", "DER"], &info), info);
        }
        let structure = wrapped_out(session, private).unwrap();
        let said = run(&["rsa", "-inform", "DER", "-check", "-noout"], &structure);
        let said = [said.stdout, said.stderr].concat();
        assert!(said.starts_with(b"RSA key ok"), "{}", String::from_utf8_lossy(&said));
        // The program writes the same structure.
        let path = files.put("private", &structure);
        let convert = ["pkcs8", "-topk8", "-nocrypt", "-in", &path, "-inform", "DER", "-outform", "DER"];
        assert_eq!(openssl(&convert, b""), structure);
        // It comes back as the key it was.
        let back = wrapped_in(session, &structure).unwrap();
        let sign = |key| session.sign(&plain(CKM_SHA256_RSA_PKCS), key, b"data").unwrap();
        assert_eq!(sign(back), sign(private));
    }
}

#[test]
fn rsa_keys_of_openssl_come_in() {
    let token = Token::new();
    let session = token.user();
    let files = Files::new("generated");
    for (bits, exponent) in [("1024", "65537"), ("2048", "3"), ("2049", "65537"), ("3000", "17")] {
        let bits = format!("rsa_keygen_bits:{bits}");
        let exponent = format!("rsa_keygen_pubexp:{exponent}");
        let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", &bits, "-pkeyopt", &exponent, "-outform", "DER"];
        let path = files.put("generated", &openssl(&arguments, b""));
        let convert = ["pkcs8", "-topk8", "-nocrypt", "-in", &path, "-inform", "DER", "-outform", "DER"];
        let structure = openssl(&convert, b"");
        let private = wrapped_in(session, &structure).unwrap();
        assert_eq!(wrapped_out(session, private).unwrap(), structure);
        let info = openssl(&["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], &structure);
        assert_eq!(session.get(private, CKA_PUBLIC_KEY_INFO).unwrap(), info);
        let [modulus, exponent] = [CKA_MODULUS, CKA_PUBLIC_EXPONENT].map(|part| session.get(private, part).unwrap());
        let public = session.create(&super::public_template(&modulus, &exponent)).unwrap();
        assert_eq!(session.get(public, CKA_PUBLIC_KEY_INFO).unwrap(), info);
        let mechanism = pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let signature = session.sign(&mechanism, private, b"data").unwrap();
        session.check(&mechanism, public, b"data", &signature).unwrap();
    }
}

#[test]
fn pkcs1_signatures_agree_with_openssl() {
    let token = Token::new();
    let shared = Shared::new(token.user(), "pkcs1", 2048);
    let mut count = 0;
    for hash in HASHES {
        let Some(id) = hash.pkcs1 else { continue };
        let data = Random(count).bytes(700);
        let theirs = shared.check_dgst(&plain(id), &hash, &[], &data);
        // There is one signature only.
        assert_eq!(shared.session.sign(&plain(id), shared.private, &data).unwrap(), theirs);
        let cuts = [1, 64, 64, 500];
        let parts = shared.session.run_in_parts(Work::Sign, &plain(id), shared.private, &data, &cuts).unwrap();
        assert_eq!(parts, theirs);
        shared.session.check_in_parts(&plain(id), shared.public, &data, &theirs, &cuts).unwrap();
        count += 1;
    }
    println!("{count} hash functions");
    // The block without a hash: any bytes, such as those TLS 1.1 signs.
    let padding = ["rsa_padding_mode:pkcs1"];
    for len in [1, 36, 64] {
        let data = Random(len as u64).bytes(len);
        let theirs = shared.pkeyutl("-sign", &padding, &data);
        assert_eq!(shared.session.sign(&plain(CKM_RSA_PKCS), shared.private, &data).unwrap(), theirs);
        shared.session.check(&plain(CKM_RSA_PKCS), shared.public, &data, &theirs).unwrap();
        shared.pkeyutl_verify(&padding, &data, &theirs);
        assert_eq!(shared.pkeyutl("-verifyrecover", &padding, &theirs), data);
        let recovered = shared.session.verify_recover(&plain(CKM_RSA_PKCS), shared.public, &theirs).unwrap();
        assert_eq!(recovered, data);
        assert_eq!(shared.session.sign_recover(&plain(CKM_RSA_PKCS), shared.private, &data).unwrap(), theirs);
    }
    // The program signs no more than a hash has, but reads it.
    let data = Random(245).bytes(245);
    let ours = shared.session.sign(&plain(CKM_RSA_PKCS), shared.private, &data).unwrap();
    assert_eq!(shared.pkeyutl("-verifyrecover", &padding, &ours), data);
}

#[test]
fn raw_signatures_agree_with_openssl() {
    let token = Token::new();
    let shared = Shared::new(token.user(), "raw", 2048);
    let padding = ["rsa_padding_mode:none"];
    let raw = plain(CKM_RSA_X_509);
    for seed in 0..4 {
        // Below the modulus, whose highest bit is set.
        let mut data = Random(seed).bytes(256);
        data[0] &= 0x7f;
        // The program signs no more than a hash has. Without padding decryption is the same operation.
        let theirs = shared.pkeyutl("-decrypt", &padding, &data);
        assert_eq!(shared.session.sign(&raw, shared.private, &data).unwrap(), theirs);
        shared.session.check(&raw, shared.public, &data, &theirs).unwrap();
        assert_eq!(shared.session.sign_recover(&raw, shared.private, &data).unwrap(), theirs);
        assert_eq!(shared.pkeyutl("-verifyrecover", &padding, &theirs), data);
        assert_eq!(shared.session.verify_recover(&raw, shared.public, &theirs).unwrap(), data);
        // Shorter data has zeros in front.
        let short = shared.session.sign(&raw, shared.private, &data[200..]).unwrap();
        let long = [vec![0; 200], data[200..].to_vec()].concat();
        assert_eq!(shared.pkeyutl("-decrypt", &padding, &long), short);
        shared.session.check(&raw, shared.public, &data[200..], &short).unwrap();
    }
}

#[test]
fn pss_signatures_agree_with_openssl() {
    let token = Token::new();
    let shared = Shared::new(token.user(), "pss", 2048);
    let data = Random(2001).bytes(300);
    let masks: Vec<&Hash> = HASHES.iter().filter(|hash| hash.mgf.is_some()).collect();
    let mut count = 0;
    for (place, hash) in masks.iter().enumerate() {
        let id = hash.pss.unwrap();
        // The mask's function is the hash, or another.
        for mask in [hash, &masks[(place + 1) % masks.len()], &masks[(place + 4) % masks.len()]] {
            for salt in [0, 11, hash.bytes, 256 - 2 - hash.bytes] {
                let mechanism = pss(id, hash.digest, mask.mgf.unwrap(), salt);
                let (salt_option, mgf) = (format!("rsa_pss_saltlen:{salt}"), format!("rsa_mgf1_md:{}", mask.openssl));
                let options = ["rsa_padding_mode:pss", &salt_option, &mgf];
                let theirs = shared.check_dgst(&mechanism, hash, &options, &data);
                count += 1;

                // The same with a hash the caller makes.
                let digest = shared.session.run(Work::Digest, &plain(hash.digest), 0, &data).unwrap();
                let mechanism = pss(CKM_RSA_PKCS_PSS, hash.digest, mask.mgf.unwrap(), salt);
                shared.session.check(&mechanism, shared.public, &digest, &theirs).unwrap();
                if salt == hash.bytes {
                    let ours = shared.session.sign(&mechanism, shared.private, &digest).unwrap();
                    let digest_option = format!("digest:{}", hash.openssl);
                    let options = ["rsa_padding_mode:pss", &digest_option, &salt_option, &mgf];
                    shared.pkeyutl_verify(&options, &digest, &ours);
                    let theirs = shared.pkeyutl("-sign", &options, &digest);
                    shared.session.check(&mechanism, shared.public, &digest, &theirs).unwrap();
                }
            }
        }
    }
    println!("{count} combinations of hash, mask and salt");
}

#[test]
fn encryption_agrees_with_openssl() {
    let token = Token::new();
    let shared = Shared::new(token.user(), "encryption", 2048);
    for len in [0, 1, 48, 245] {
        let data = Random(len as u64).bytes(len);
        shared.check_encryption(&plain(CKM_RSA_PKCS), &["rsa_padding_mode:pkcs1"], &data);
    }
    let mut number = Random(9).bytes(256);
    number[0] = 0x12;
    shared.check_encryption(&plain(CKM_RSA_X_509), &["rsa_padding_mode:none"], &number);
    let mut count = 0;
    for (place, hash) in HASHES.iter().enumerate() {
        let own = hash.mgf.map(|_| hash);
        let other = &HASHES[[1, 3, 5][place % 3]];
        for mask in own.into_iter().chain([other]) {
            for (label, len) in [(&b""[..], 256 - 2 - 2 * hash.bytes), (b"a label", 32)] {
                let mechanism = oaep(hash.digest, mask.mgf.unwrap(), label);
                let digits: String = label.iter().map(|byte| format!("{byte:02x}")).collect();
                let options = [
                    "rsa_padding_mode:oaep".to_owned(),
                    format!("rsa_oaep_md:{}", hash.openssl),
                    format!("rsa_mgf1_md:{}", mask.openssl),
                    format!("rsa_oaep_label:{digits}"),
                ];
                let mut options: Vec<&str> = options.iter().map(String::as_str).collect();
                if label.is_empty() {
                    options.pop();
                }
                shared.check_encryption(&mechanism, &options, &Random(len as u64).bytes(len));
                count += 1;
            }
        }
    }
    println!("{count} combinations of hash, mask and label");
}

#[test]
fn keys_wrapped_by_openssl_unwrap_and_the_other_way_round() {
    let token = Token::new();
    let shared = Shared::new(token.user(), "wrap", 2048);
    let session = shared.session;
    let open = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    for (mechanism, options) in [
        (plain(CKM_RSA_PKCS), &["rsa_padding_mode:pkcs1"][..]),
        (oaep(CKM_SHA_1, CKG_MGF1_SHA1, b""), &["rsa_padding_mode:oaep"]),
        (
            oaep(CKM_SHA256, CKG_MGF1_SHA256, b""),
            &["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"],
        ),
    ] {
        for len in [16, 24, 32] {
            let value = Random(len as u64).bytes(len);
            let template = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES)];
            let template = with(&template, &open);
            let theirs = shared.pkeyutl("-encrypt", options, &value);
            let sized = with(&template, &[number(CKA_VALUE_LEN, len as CK_ULONG)]);
            for template in [&template, &sized] {
                let key = session.unwrap(&mechanism, shared.private, &theirs, template).unwrap();
                assert_eq!(session.get(key, CKA_VALUE).unwrap(), value);
                assert!(!session.flag(key, CKA_LOCAL) && !session.flag(key, CKA_ALWAYS_SENSITIVE));
                let ours = session.wrap(&mechanism, shared.public, key).unwrap();
                assert_eq!(shared.pkeyutl("-decrypt", options, &ours), value);
            }
        }
    }
}

#[test]
fn two_hundred_messages_are_signed_as_openssl_signs_them() {
    let token = Token::new();
    let shared = Shared::new(token.user(), "messages", 2048);
    let mut random = Random(2002);
    let (key, mechanism) = (shared.private_file(), plain(CKM_SHA256_RSA_PKCS));
    for _ in 0..200 {
        let len = random.below(3000);
        let data = random.bytes(len);
        let theirs = openssl(&["dgst", "-sha256", "-sign", &key, "-keyform", "DER"], &data);
        let ours = shared.session.run_in_parts(Work::Sign, &mechanism, shared.private, &data, &random.cuts(len));
        assert_eq!(ours.as_deref(), Ok(&theirs[..]), "{len} bytes");
        shared.session.check_in_parts(&mechanism, shared.public, &data, &theirs, &random.cuts(len)).unwrap();
    }
    println!("200 messages");
}
