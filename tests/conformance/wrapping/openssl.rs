//! The `openssl` program opens what was wrapped here, and wraps what is opened here.

use std::path::{Path, PathBuf};

use cryptoki_sys::*;

use super::{MODULUS, ecdh_aes, oaep, secret, unwrapped, unwrapped_secret, value};
use crate::differential::{digits, openssl};
use crate::module::{Token, directory};
use crate::pair_samples::{PAIRS, PairSample, open, pair_sample};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::samples::Random;
use crate::session::Session;
use crate::template::{flag, with};

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(String::from).collect()
}

/// A file that `openssl` reads.
struct File(PathBuf);

impl File {
    fn with(content: &[u8]) -> File {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = directory().join(format!("wrapping-{number}.der"));
        std::fs::write(&path, content).unwrap();
        File(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

/// `openssl enc` with a mode of AES key wrap; `d` decrypts.
fn key_wrap(kek: &[u8], padded: bool, d: bool, data: &[u8]) -> Vec<u8> {
    let (mode, iv) = if padded { ("-wrap-pad", "A65959A6") } else { ("-wrap", "A6A6A6A6A6A6A6A6") };
    let direction = if d { "-d" } else { "-e" };
    let command = format!("enc {direction} -id-aes{}{mode} -K {} -iv {iv}", kek.len() * 8, digits(kek));
    openssl(&words(&command), data)
}

fn kek(session: Session, value: &[u8]) -> CK_OBJECT_HANDLE {
    session.create(&with(&secret(CKK_AES, value), &[flag(CKA_WRAP, true), flag(CKA_UNWRAP, true)])).unwrap()
}

/// The PKCS#8 structure of a private key: out of the module under AES key wrap, opened by `openssl`.
fn private_key_info(session: Session, private: CK_OBJECT_HANDLE) -> Vec<u8> {
    let bytes = [0x51; 32];
    let kek = kek(session, &bytes);
    let wrapped = session.wrap(&plain(CKM_AES_KEY_WRAP_KWP), kek, private).unwrap();
    session.destroy(kek).unwrap();
    key_wrap(&bytes, true, true, &wrapped)
}

#[test]
fn aes_key_wrap_both_ways() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(5);
    for bits in [128, 192, 256] {
        let bytes = random.bytes(bits / 8);
        let kek = kek(session, &bytes);
        for len in [1, 5, 8, 9, 15, 16, 17, 24, 32, 40, 100, 1000] {
            let data = value(CKK_GENERIC_SECRET, len, bits as u64);
            let key = session.create(&secret(CKK_GENERIC_SECRET, &data)).unwrap();
            let template = unwrapped_secret(CKK_GENERIC_SECRET, len);
            for (id, padded) in [(CKM_AES_KEY_WRAP, false), (CKM_AES_KEY_WRAP_KWP, true)] {
                if !padded && (len < 16 || len % 8 != 0) {
                    continue;
                }
                let wrapped = session.wrap(&plain(id), kek, key).unwrap();
                assert_eq!(key_wrap(&bytes, padded, false, &data), wrapped, "AES-{bits}, {len} bytes");
                assert_eq!(key_wrap(&bytes, padded, true, &wrapped), data, "AES-{bits}, {len} bytes");
                let back = session.unwrap(&plain(id), kek, &wrapped, &template).unwrap();
                assert_eq!(session.get(back, CKA_VALUE).as_ref(), Ok(&data));
            }
        }
    }
}

/// What `openssl` 3.0 knows.
fn known(sample: &PairSample) -> bool {
    !matches!(sample.key_type, CKK_ML_KEM | CKK_ML_DSA | CKK_SLH_DSA)
}

/// Each private key is a PKCS#8 structure that `openssl` reads, checks, and finds to have our public key.
#[test]
fn private_keys_are_read_and_checked() {
    let token = Token::new();
    let session = token.user();
    for sample in PAIRS.iter().filter(|sample| known(sample)) {
        let (public, private) = sample.pair(session, &[], &open()).unwrap();
        let der = private_key_info(session, private);
        // `-check` knows no DSA and DH keys whose groups it did not make, and no X9.42 parameters without a seed.
        if !matches!(sample.key_type, CKK_DSA | CKK_DH | CKK_X9_42_DH) {
            openssl(&words("pkey -inform DER -check -noout"), &der);
        }
        let told = openssl(&words("pkey -inform DER -pubout -outform DER"), &der);
        assert_eq!(session.get(public, CKA_PUBLIC_KEY_INFO), Ok(told.clone()), "{}", sample.name);
        assert_eq!(session.get(private, CKA_PUBLIC_KEY_INFO), Ok(told), "{}", sample.name);
    }
}

/// Keys that `openssl` made come in, and sign for the public key it tells.
#[test]
fn private_keys_of_openssl_come_in() {
    let token = Token::new();
    let session = token.user();
    let bytes = [0x61; 32];
    let kek = kek(session, &bytes);
    let mut commands: Vec<(CK_KEY_TYPE, String)> = Vec::new();
    for bits in [1024, 2048, 3072] {
        commands.push((CKK_RSA, format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}")));
    }
    for curve in ["P-224", "P-256", "P-384", "P-521", "secp256k1", "brainpoolP256r1", "brainpoolP384r1"] {
        for encoding in ["named_curve", "explicit"] {
            let options = format!("-pkeyopt ec_paramgen_curve:{curve} -pkeyopt ec_param_enc:{encoding}");
            commands.push((CKK_EC, format!("-algorithm EC {options}")));
        }
    }
    for (key_type, name) in [
        (CKK_EC_EDWARDS, "ED25519"),
        (CKK_EC_EDWARDS, "ED448"),
        (CKK_EC_MONTGOMERY, "X25519"),
        (CKK_EC_MONTGOMERY, "X448"),
        (CKK_DH, "DH -pkeyopt group:ffdhe2048"),
        (CKK_DH, "DH -pkeyopt group:modp_2048"),
    ] {
        commands.push((key_type, format!("-algorithm {name}")));
    }
    for (key_type, command) in commands {
        let pem = openssl(&words(&format!("genpkey {command}")), b"");
        let der = openssl(&words("pkcs8 -topk8 -nocrypt -outform DER"), &pem);
        let info = openssl(&words("pkey -inform DER -pubout -outform DER"), &der);
        for padded in [true, false] {
            let (mechanism, plaintext) = match padded {
                true => (plain(CKM_AES_KEY_WRAP_KWP), der.clone()),
                // CKM_AES_KEY_WRAP puts zeros behind the structure (§6.14.3).
                false => {
                    let mut plaintext = der.clone();
                    plaintext.resize(der.len().next_multiple_of(8), 0);
                    (plain(CKM_AES_KEY_WRAP), plaintext)
                }
            };
            let blob = key_wrap(&bytes, padded, false, &plaintext);
            let back = session.unwrap(&mechanism, kek, &blob, &unwrapped(CKO_PRIVATE_KEY, key_type));
            let back = back.unwrap_or_else(|code| panic!("{command}: {code:?}"));
            if !command.contains("explicit") {
                assert_eq!(session.get(back, CKA_PUBLIC_KEY_INFO).as_ref(), Ok(&info), "{command}");
                let again = openssl(&words("pkey -inform DER -pubout -outform DER"), &private_key_info(session, back));
                assert_eq!(again, info, "{command}");
            }
            session.destroy(back).unwrap();
        }
    }
}

/// OAEP of an AES key, both ways, with every hash; and what follows it in `CKM_RSA_AES_KEY_WRAP`.
#[test]
fn rsa_oaep_both_ways() {
    let token = Token::new();
    let session = token.user();
    let usages = ([flag(CKA_WRAP, true)], with(&open(), &[flag(CKA_UNWRAP, true)]));
    let (public, private) = pair_sample("RSA 2048").pair(session, &usages.0, &usages.1).unwrap();
    let private_file = File::with(&private_key_info(session, private));
    let public_file = File::with(&session.get(public, CKA_PUBLIC_KEY_INFO).unwrap());
    let bytes = value(CKK_AES, 32, 7);
    let key = session.create(&secret(CKK_AES, &bytes)).unwrap();
    let template = unwrapped_secret(CKK_AES, 32);
    let target = pair_sample("secp384r1").pair(session, &[], &open()).unwrap().1;
    for (hash, mgf, name, mgf_name, label) in [
        (CKM_SHA_1, CKG_MGF1_SHA1, "sha1", "sha1", &b""[..]),
        (CKM_SHA224, CKG_MGF1_SHA224, "sha224", "sha224", b""),
        (CKM_SHA256, CKG_MGF1_SHA256, "sha256", "sha256", b"a label"),
        (CKM_SHA256, CKG_MGF1_SHA1, "sha256", "sha1", b""),
        (CKM_SHA384, CKG_MGF1_SHA384, "sha384", "sha384", b""),
        (CKM_SHA512, CKG_MGF1_SHA512, "sha512", "sha512", b"l"),
    ] {
        let options = |direction: &str, file: &File, public: bool| {
            let mut command = words(&format!("pkeyutl -{direction} -keyform DER -pkeyopt rsa_padding_mode:oaep"));
            command.extend(words(&format!("-pkeyopt rsa_oaep_md:{name} -pkeyopt rsa_mgf1_md:{mgf_name} -inkey")));
            command.push(file.path().display().to_string());
            if public {
                command.push("-pubin".into());
            }
            if !label.is_empty() {
                command.extend(["-pkeyopt".into(), format!("rsa_oaep_label:{}", digits(label))]);
            }
            command
        };
        let parameter = Parameter::Oaep(oaep(hash, mgf, label));
        let mechanism = Mechanism { id: CKM_RSA_PKCS_OAEP, parameter };
        let wrapped = session.wrap(&mechanism, public, key).unwrap();
        assert_eq!(openssl(&options("decrypt", &private_file, false), &wrapped), bytes, "{name}");
        let theirs = openssl(&options("encrypt", &public_file, true), &bytes);
        let back = session.unwrap(&mechanism, private, &theirs, &template).unwrap();
        assert_eq!(session.get(back, CKA_VALUE).as_ref(), Ok(&bytes), "{name}");

        for key_bits in [128, 192, 256] {
            let parameter = Parameter::RsaAes { key_bits, oaep: Some(oaep(hash, mgf, label)) };
            let mechanism = Mechanism { id: CKM_RSA_AES_KEY_WRAP, parameter };
            let wrapped = session.wrap(&mechanism, public, target).unwrap();
            let between = openssl(&options("decrypt", &private_file, false), &wrapped[..MODULUS]);
            assert_eq!(between.len() as CK_ULONG * 8, key_bits);
            let der = key_wrap(&between, true, true, &wrapped[MODULUS..]);
            openssl(&words("pkey -inform DER -check -noout"), &der);
            let between = vec![0x71; key_bits as usize / 8];
            let first = openssl(&options("encrypt", &public_file, true), &between);
            let theirs = [first, key_wrap(&between, true, false, &der)].concat();
            let back = session.unwrap(&mechanism, private, &theirs, &unwrapped(CKO_PRIVATE_KEY, CKK_EC)).unwrap();
            assert_eq!(session.get(back, CKA_VALUE), session.get(target, CKA_VALUE));
        }
    }
    for (id, padding) in [(CKM_RSA_PKCS, "pkcs1"), (CKM_RSA_X_509, "none")] {
        let path = private_file.path().display();
        let command = format!("pkeyutl -decrypt -keyform DER -inkey {path} -pkeyopt rsa_padding_mode:{padding}");
        let wrapped = session.wrap(&plain(id), public, key).unwrap();
        let opened = openssl(&words(&command), &wrapped);
        assert_eq!(opened[opened.len() - 32..], bytes, "{padding}");
        assert!(opened[..opened.len() - 32].iter().all(|byte| *byte == 0), "{padding}");
        let path = public_file.path().display();
        let command = format!("pkeyutl -encrypt -pubin -keyform DER -inkey {path} -pkeyopt rsa_padding_mode:{padding}");
        let theirs = openssl(&words(&command), &opened);
        let back = session.unwrap(&plain(id), private, &theirs, &template).unwrap();
        assert_eq!(session.get(back, CKA_VALUE).as_ref(), Ok(&bytes), "{padding}");
    }
}

/// The public key before the wrapped one agrees with the private key; its secret, or what X9.63's KDF makes of it,
/// opens the rest.
#[test]
fn agreed_keys_open_what_follows() {
    let token = Token::new();
    let session = token.user();
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 32, 8))).unwrap();
    for (name, id, point_len, spki_len) in [
        ("secp256r1", CKM_ECDH_AES_KEY_WRAP, 65, 91),
        ("secp256k1", CKM_ECDH_COF_AES_KEY_WRAP, 65, 88),
        ("secp384r1", CKM_ECDH_COF_AES_KEY_WRAP, 97, 120),
        ("secp521r1", CKM_ECDH_COF_AES_KEY_WRAP, 133, 158),
        ("X25519", CKM_ECDH_X_AES_KEY_WRAP, 32, 44),
        ("X448", CKM_ECDH_X_AES_KEY_WRAP, 56, 68),
        ("X25519", CKM_ECDH_AES_KEY_WRAP, 32, 44),
    ] {
        let (public, private) = pair_sample(name)
            .pair(session, &[flag(CKA_WRAP, true)], &with(&open(), &[flag(CKA_UNWRAP, true)]))
            .unwrap();
        let own = File::with(&private_key_info(session, private));
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        assert_eq!(info.len(), spki_len, "{name}");
        for (kdf, hash, shared, key_bits) in [
            (CKD_NULL, "", &b""[..], 256),
            (CKD_SHA1_KDF, "sha1", b"", 128),
            (CKD_SHA256_KDF, "sha256", b"shared info", 256),
            (CKD_SHA512_KDF, "sha512", b"", 192),
        ] {
            let mechanism = ecdh_aes(id, key_bits, kdf, shared);
            let wrapped = session.wrap(&mechanism, public, target).unwrap();
            let (point, rest) = wrapped.split_at(point_len);
            // A structure for the other public key: that of our own, with another point.
            let peer = File::with(&[&info[..spki_len - point_len], point].concat());
            let (own, peer) = (own.path().display(), peer.path().display());
            let command = format!("pkeyutl -derive -keyform DER -inkey {own} -peerform DER -peerkey {peer}");
            let agreed = openssl(&words(&command), b"");
            let between = if hash.is_empty() {
                agreed[..key_bits as usize / 8].to_vec()
            } else {
                let mut command = words(&format!("kdf -keylen {} -binary -kdfopt digest:{hash}", key_bits / 8));
                command.extend(words(&format!("-kdfopt hexsecret:{}", digits(&agreed))));
                if !shared.is_empty() {
                    command.extend(words(&format!("-kdfopt hexinfo:{}", digits(shared))));
                }
                command.push("X963KDF".into());
                openssl(&command, b"")
            };
            let expected = key_wrap(&between, true, false, &value(CKK_AES, 32, 8));
            assert_eq!(digits(rest), digits(&expected), "{name}, kdf {kdf}, agreed {}", digits(&agreed));
        }
    }
}
