//! Keys in DER: files of OpenSSL, examples of the RFCs, AWS-LC as a second reader, and malformed input.

mod common;

use std::path::PathBuf;
use std::ptr;

use aws_lc_sys::{
    CBS, CBS_init, EVP_PKEY_free, EVP_PKEY_get_raw_private_key, EVP_PKEY_get_raw_public_key, EVP_parse_private_key,
};
use common::{Random, hex};
use strongroom_crypto::encoding::{
    Edwards, MlDsa, MlKem, Montgomery, PrivateKeyInfo, PublicKeyInfo, RsaPrivate, SlhDsa, StoredPublic,
    as_octet_string, octet_string,
};
use strongroom_crypto::hash::{Algorithm, Hash};
use strongroom_crypto::{Error, sign};

/// The files of tests/data/keys, without their endings.
const KEYS: [&str; 23] = [
    "dh-ffdhe2048",
    "dh-modp2048",
    "dhx-2048-256",
    "dsa-1024",
    "dsa-2048",
    "ec-brainpoolP224r1",
    "ec-brainpoolP256r1",
    "ec-brainpoolP320r1",
    "ec-brainpoolP384r1",
    "ec-brainpoolP512r1",
    "ec-prime256v1",
    "ec-prime256v1-explicit",
    "ec-secp224r1",
    "ec-secp256k1",
    "ec-secp384r1",
    "ec-secp521r1",
    "ed25519",
    "ed448",
    "rsa-1024",
    "rsa-2048",
    "rsa-2048-e3",
    "x25519",
    "x448",
];

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn private_file(name: &str) -> Vec<u8> {
    file(&format!("{name}.pkcs8.der"))
}

fn public_file(name: &str) -> Vec<u8> {
    file(&format!("{name}.spki.der"))
}

#[test]
fn files_of_openssl_are_read_and_written_alike() {
    for name in KEYS {
        let (private_der, public_der) = (private_file(name), public_file(name));
        let private = PrivateKeyInfo::decode(&private_der).unwrap_or_else(|error| panic!("{name}: {error}"));
        let public = PublicKeyInfo::decode(&public_der).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(private.encode().expect(name).expose(), private_der, "{name}");
        assert_eq!(public.encode().expect(name), public_der, "{name}");
        check_pair(name, &private, &public);
    }
}

/// The two files agree on all that both have, and each has the lengths its name promises.
fn check_pair(name: &str, private: &PrivateKeyInfo<'_>, public: &PublicKeyInfo<'_>) {
    match (*private, *public) {
        (PrivateKeyInfo::Rsa(key), PublicKeyInfo::Rsa { modulus, public_exponent }) => {
            assert_eq!((key.modulus, key.public_exponent), (modulus, public_exponent), "{name}");
            assert_eq!(modulus.len(), if name == "rsa-1024" { 128 } else { 256 });
            assert_eq!(public_exponent, if name == "rsa-2048-e3" { &[3][..] } else { &[1, 0, 1] });
            let primes = [key.prime_1, key.prime_2, key.exponent_1, key.exponent_2, key.coefficient];
            assert!(primes.iter().all(|number| number.is_some_and(|number| number.len() <= modulus.len() / 2)));
        }
        (PrivateKeyInfo::Ec { params, scalar, public }, PublicKeyInfo::Ec { params: also, point }) => {
            assert_eq!((params, public), (also, Some(point)), "{name}");
            assert_eq!(point.len(), 2 * scalar.len() + 1, "{name}");
            assert_eq!(params[0], if name.ends_with("explicit") { 0x30 } else { 6 });
        }
        (PrivateKeyInfo::Edwards { curve, seed }, PublicKeyInfo::Edwards { curve: also, bytes }) => {
            assert_eq!((curve, seed.len(), name), (also, bytes.len(), edwards_name(curve)));
            if curve == Edwards::Ed25519 {
                let key = sign::SigningKey::from_seed(seed.try_into().expect("32 bytes")).expect("memory");
                assert_eq!(key.verifying_key(), bytes);
            }
        }
        (PrivateKeyInfo::Montgomery { curve, bytes }, PublicKeyInfo::Montgomery { curve: also, bytes: public }) => {
            assert_eq!((curve, bytes.len()), (also, public.len()));
            assert_eq!(name, if curve == Montgomery::X25519 { "x25519" } else { "x448" });
        }
        (PrivateKeyInfo::Dsa { p, q, g, x }, PublicKeyInfo::Dsa { p: p2, q: q2, g: g2, y }) => {
            assert_eq!((p, q, g), (p2, q2, g2), "{name}");
            assert_eq!((p.len(), q.len()), if name == "dsa-1024" { (128, 20) } else { (256, 32) });
            assert!(x.len() <= q.len() && y.len() <= p.len());
        }
        (PrivateKeyInfo::Dh { p, g, x }, PublicKeyInfo::Dh { p: p2, g: g2, y }) => {
            assert_eq!((p, g), (p2, g2), "{name}");
            assert_eq!((p.len(), g), (256, &[2][..]));
            assert!(x.len() < 32 && y.len() <= 256);
        }
        (PrivateKeyInfo::X942Dh { p, q, g, x }, PublicKeyInfo::X942Dh { p: p2, q: q2, g: g2, y }) => {
            assert_eq!((p, q, g), (p2, q2, g2), "{name}");
            assert_eq!((p.len(), q.len(), g.len()), (256, 32, 256));
            assert!(x.len() <= 32 && y.len() <= 256);
        }
        (private, public) => panic!("{name}: {private:?} and {public:?}"),
    }
}

fn edwards_name(curve: Edwards) -> &'static str {
    match curve {
        Edwards::Ed25519 => "ed25519",
        Edwards::Ed448 => "ed448",
    }
}

/// RFC 8410 §10.3: version 1, with an attribute and the public key.
const VERSION_1: &str = "3072020101300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f4475
    5842a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273812100
    19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

#[test]
fn version_1_with_attributes_and_a_public_key_is_read() {
    let der = hex(VERSION_1);
    let Ok(PrivateKeyInfo::Edwards { curve: Edwards::Ed25519, seed }) = PrivateKeyInfo::decode(&der) else {
        panic!("not read");
    };
    let key = sign::SigningKey::from_seed(seed.try_into().expect("32 bytes")).expect("memory");
    assert_eq!(key.verifying_key(), der[der.len() - 32..]);
    // Written again, it is version 0 without them: the 48 bytes that OpenSSL writes too.
    let written = PrivateKeyInfo::Edwards { curve: Edwards::Ed25519, seed }.encode().expect("written");
    assert_eq!(written.expose(), [&hex("302e020100300506032b657004220420"), seed].concat());
    // Without the attribute, and with the attribute but no public key.
    for (start, end) in [(48, 81), (81, 116)] {
        let mut shorter = [&der[..start], &der[end..]].concat();
        shorter[1] = shorter.len() as u8 - 2;
        PrivateKeyInfo::decode(&shorter).expect("read");
    }
}

/// An example of RFC 9881 appendix C.1 or RFC 9935 appendix C.1, whose seed is 0, 1, 2, ...: how to build it, and the
/// SHA-256 of its four files.
struct LatticeExample {
    private: FromSeedAndExpanded,
    public: for<'a> fn(&'a [u8]) -> PublicKeyInfo<'a>,
    seed_bytes: usize,
    expanded_bytes: usize,
    public_bytes: usize,
    public_digest: &'static str,
    seed_digest: &'static str,
    expanded_digest: &'static str,
    both_digest: &'static str,
}

type FromSeedAndExpanded = for<'a> fn(Option<&'a [u8]>, Option<&'a [u8]>) -> PrivateKeyInfo<'a>;

const LATTICE_EXAMPLES: [LatticeExample; 6] = [
    LatticeExample {
        private: |seed, expanded| PrivateKeyInfo::MlDsa { set: MlDsa::MlDsa44, seed, expanded },
        public: |bytes| PublicKeyInfo::MlDsa { set: MlDsa::MlDsa44, bytes },
        seed_bytes: MlDsa::SEED_BYTES,
        expanded_bytes: MlDsa::MlDsa44.expanded_bytes(),
        public_bytes: MlDsa::MlDsa44.public_bytes(),
        public_digest: "837832708c5236d951581f1fddf2b79991b3424a0486d16da1ddad0fd69701be",
        seed_digest: "c823cb6a31172daa8af670a22c0f049af972bf1cb39a4a95971aa8c0c659dff4",
        expanded_digest: "35cb529103b3a9ed502fecb438a671ff11bb05fb4afa99301d06240883a74106",
        both_digest: "e355e29f28e537fcf3aff28354016415146d7f801a57136c241bb6e9addfaa30",
    },
    LatticeExample {
        private: |seed, expanded| PrivateKeyInfo::MlDsa { set: MlDsa::MlDsa65, seed, expanded },
        public: |bytes| PublicKeyInfo::MlDsa { set: MlDsa::MlDsa65, bytes },
        seed_bytes: MlDsa::SEED_BYTES,
        expanded_bytes: MlDsa::MlDsa65.expanded_bytes(),
        public_bytes: MlDsa::MlDsa65.public_bytes(),
        public_digest: "b8b62131bfbe84433efb2273d7f5b87f7a22854a2cfd366fc2aead86d837c52d",
        seed_digest: "af965903772933b6acc59764f335fcad9b5c61cdab2b368eabf224e7c29e31ac",
        expanded_digest: "fae10810e47ed4b41851065b40bb60547e816ebf31b0738b4ed4af57337706ec",
        both_digest: "5259463f8ec68e21b8c179a7e49dba184fd24280080bd5bb78af94d7a2a0ac81",
    },
    LatticeExample {
        private: |seed, expanded| PrivateKeyInfo::MlDsa { set: MlDsa::MlDsa87, seed, expanded },
        public: |bytes| PublicKeyInfo::MlDsa { set: MlDsa::MlDsa87, bytes },
        seed_bytes: MlDsa::SEED_BYTES,
        expanded_bytes: MlDsa::MlDsa87.expanded_bytes(),
        public_bytes: MlDsa::MlDsa87.public_bytes(),
        public_digest: "07e57c4f14dbad1267f621ec3777b4e2e6c4fbc4c22fbb87510ff8e0b3c6a642",
        seed_digest: "72cc4260a8d3d7622801ea98636123866d00e236d5f77221039c862325e02754",
        expanded_digest: "8e2e40f141d1d6788d074de4124a744ee3106697ae6c01faccf855510079ecb3",
        both_digest: "c71913419ea426e99da06330e3b06b2ab47448f1aff520479358e3cb71f5c1d6",
    },
    LatticeExample {
        private: |seed, expanded| PrivateKeyInfo::MlKem { set: MlKem::MlKem512, seed, expanded },
        public: |bytes| PublicKeyInfo::MlKem { set: MlKem::MlKem512, bytes },
        seed_bytes: MlKem::SEED_BYTES,
        expanded_bytes: MlKem::MlKem512.expanded_bytes(),
        public_bytes: MlKem::MlKem512.public_bytes(),
        public_digest: "0e3c8b89b54202d2545f7aba2e2aaa3cffa7b6191919ad738fab35b4f313cf71",
        seed_digest: "0fc934e3fb800359c219f4ede9fe4a1ae14018a20db779dcbaf2c8aba4fd6156",
        expanded_digest: "38be7feecbbe6e6e466a0d7b5bb53e09040c3678e22fb2c0772c701c2372c858",
        both_digest: "8426d7497a2ff1a4854b7d1ece4e8f976c721f314c3f653189f8e4b2a2bc5b0d",
    },
    LatticeExample {
        private: |seed, expanded| PrivateKeyInfo::MlKem { set: MlKem::MlKem768, seed, expanded },
        public: |bytes| PublicKeyInfo::MlKem { set: MlKem::MlKem768, bytes },
        seed_bytes: MlKem::SEED_BYTES,
        expanded_bytes: MlKem::MlKem768.expanded_bytes(),
        public_bytes: MlKem::MlKem768.public_bytes(),
        public_digest: "c23e23dd3d485a9256cda09358a4a286e00b373db10761eadf99f710649ca31c",
        seed_digest: "67d4dc57d8f9e28816f4a3495abc48dd416b0da9bd1e1de4716ad0883b9ad6b8",
        expanded_digest: "994f7473b34fad03c2b36a500af9002dad15afa50473cef5ea217325c7156f9e",
        both_digest: "95738d2a0b7252a16b1474b9fb4e0c8ddaa6fe70db7903ade4a385909ee0d165",
    },
    LatticeExample {
        private: |seed, expanded| PrivateKeyInfo::MlKem { set: MlKem::MlKem1024, seed, expanded },
        public: |bytes| PublicKeyInfo::MlKem { set: MlKem::MlKem1024, bytes },
        seed_bytes: MlKem::SEED_BYTES,
        expanded_bytes: MlKem::MlKem1024.expanded_bytes(),
        public_bytes: MlKem::MlKem1024.public_bytes(),
        public_digest: "d2b7480ae006a14b37c1e8a8e45ea39022e32a9b1a7b90d594c84d869c6ac420",
        seed_digest: "2c19d9d89d8c36ffb9eab0f3bb18dd90a47aaca3653bede67953173514d61234",
        expanded_digest: "9cded660a340a6e7fdb93a4984e1e67764ade8e59be4db48b6921aeee5e6c795",
        both_digest: "91004b1817d798dd3972439b8332a3a1b862f89c4e98b4ca2accd4f21afb9abb",
    },
];

#[test]
fn the_lattice_examples_of_the_rfcs_are_written_and_read() {
    let numbers: Vec<u8> = (0..64).collect();
    for example in LATTICE_EXAMPLES {
        let seed = &numbers[..example.seed_bytes];
        let from_seed = (example.private)(Some(seed), None).encode().expect("written");
        let (expanded, public) = raw_keys(from_seed.expose(), example.expanded_bytes, example.public_bytes);
        let public = (example.public)(&public);
        let public_der = public.encode().expect("written");
        assert_eq!(sha256(&public_der), hex(example.public_digest));
        assert_eq!(PublicKeyInfo::decode(&public_der), Ok(public));
        for (seed, expanded, digest) in [
            (Some(seed), None, example.seed_digest),
            (None, Some(&expanded[..]), example.expanded_digest),
            (Some(seed), Some(&expanded[..]), example.both_digest),
        ] {
            let der = (example.private)(seed, expanded).encode().expect("written");
            assert_eq!(sha256(der.expose()), hex(digest));
            let read = PrivateKeyInfo::decode(der.expose()).expect("read");
            let (PrivateKeyInfo::MlKem { seed: read_seed, expanded: read_expanded, .. }
            | PrivateKeyInfo::MlDsa { seed: read_seed, expanded: read_expanded, .. }) = read
            else {
                panic!("{read:?}");
            };
            assert_eq!((read_seed, read_expanded), (seed, expanded));
            assert_eq!(read.encode().expect("written").expose(), der.expose());
        }
    }
}

/// AWS-LC reads the PKCS#8 and gives the expanded private key and the public key.
fn raw_keys(pkcs8: &[u8], private_bytes: usize, public_bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut private, mut public) = (vec![0; private_bytes], vec![0; public_bytes]);
    // SAFETY: the reader borrows the DER for the call; each buffer is passed with its length; the key is freed once.
    unsafe {
        let mut reader = std::mem::zeroed::<CBS>();
        CBS_init(&mut reader, pkcs8.as_ptr(), pkcs8.len());
        let key = EVP_parse_private_key(&mut reader);
        assert!(!ptr::eq(key, ptr::null()), "AWS-LC reads it");
        let (mut private_len, mut public_len) = (private.len(), public.len());
        assert_eq!(EVP_PKEY_get_raw_private_key(key, private.as_mut_ptr(), &mut private_len), 1);
        assert_eq!(EVP_PKEY_get_raw_public_key(key, public.as_mut_ptr(), &mut public_len), 1);
        assert_eq!((private_len, public_len), (private_bytes, public_bytes));
        EVP_PKEY_free(key);
    }
    (private, public)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let mut hash = Hash::new(Algorithm::Sha256);
    hash.update(bytes);
    let mut digest = vec![0; 32];
    hash.finish(&mut digest).expect("32 bytes");
    digest
}

/// RFC 9909 appendices C.1 and C.2.
#[test]
fn the_hash_based_examples_of_the_rfc_are_written_and_read() {
    let private_der = hex("3052020100300b06096086480165030403140440
        a2263bca4586083652316004952 3d621677fad90d51eb6067a327e0d1e64a501
        2b8109ec777caa4e1f024ccfcf9497d99180509280f4256af2b07af80289b494");
    let public_der = hex("3030300b060960864801650304031403 2100
        2b8109ec777caa4e1f024ccfcf9497d99180509280f4256af2b07af80289b494");
    let set = SlhDsa::Sha2_128s;
    let Ok(PrivateKeyInfo::SlhDsa { set: SlhDsa::Sha2_128s, bytes }) = PrivateKeyInfo::decode(&private_der) else {
        panic!("not read");
    };
    let public = PublicKeyInfo::SlhDsa { set, bytes: &bytes[32..] };
    assert_eq!(PublicKeyInfo::decode(&public_der), Ok(public));
    assert_eq!(PrivateKeyInfo::SlhDsa { set, bytes }.encode().expect("written").expose(), private_der);
    assert_eq!(public.encode(), Ok(public_der));
}

#[test]
fn every_hash_based_set_has_its_identifier_and_lengths() {
    for (index, set) in SlhDsa::ALL.into_iter().enumerate() {
        let (private, public) = (vec![0x5a; set.private_bytes()], vec![0xa5; set.public_bytes()]);
        let der = PrivateKeyInfo::SlhDsa { set, bytes: &private }.encode().expect("written");
        // NIST's arc for signatures: 20 is the first of the twelve.
        let identifier = hex(&format!("300b060960864801650304 03{:02x}04", 20 + index));
        assert!(der.expose().windows(identifier.len()).any(|window| window == identifier), "{set:?}");
        let Ok(PrivateKeyInfo::SlhDsa { set: read, bytes }) = PrivateKeyInfo::decode(der.expose()) else {
            panic!("{set:?}");
        };
        assert_eq!((read, bytes), (set, &private[..]));
        let info = PublicKeyInfo::SlhDsa { set, bytes: &public };
        let der = info.encode().expect("written");
        assert_eq!(PublicKeyInfo::decode(&der), Ok(info));
    }
}

#[test]
fn other_lengths_than_the_algorithms_are_refused() {
    let bytes = [7; 5000];
    for len in (0..bytes.len()).step_by(8).chain([31, 33, 57]) {
        let key = &bytes[..len];
        let refused = Some(Error::KeyLength { got: len });
        let expected = |right: usize| if len == right { None } else { refused };
        for curve in [Edwards::Ed25519, Edwards::Ed448] {
            assert_eq!(PublicKeyInfo::Edwards { curve, bytes: key }.encode().err(), expected(curve.bytes()));
            assert_eq!(PrivateKeyInfo::Edwards { curve, seed: key }.encode().err(), expected(curve.bytes()));
        }
        for curve in [Montgomery::X25519, Montgomery::X448] {
            assert_eq!(PublicKeyInfo::Montgomery { curve, bytes: key }.encode().err(), expected(curve.bytes()));
            assert_eq!(PrivateKeyInfo::Montgomery { curve, bytes: key }.encode().err(), expected(curve.bytes()));
        }
        for example in LATTICE_EXAMPLES {
            assert_eq!((example.public)(key).encode().err(), expected(example.public_bytes));
            assert_eq!((example.private)(Some(key), None).encode().err(), expected(example.seed_bytes));
            assert_eq!((example.private)(None, Some(key)).encode().err(), expected(example.expanded_bytes));
        }
        for set in SlhDsa::ALL {
            assert_eq!(PublicKeyInfo::SlhDsa { set, bytes: key }.encode().err(), expected(set.public_bytes()));
            assert_eq!(PrivateKeyInfo::SlhDsa { set, bytes: key }.encode().err(), expected(set.private_bytes()));
        }
    }
    // The same on reading: one byte of the key dropped, and all the lengths around it made right.
    let short = hex(&format!("302d020100300506032b6570042104 1f{}", "07".repeat(31)));
    assert_eq!(PrivateKeyInfo::decode(&short).err(), Some(Error::KeyLength { got: 31 }));
    let short = hex(&format!("3029300506032b6570032000{}", "07".repeat(31)));
    assert_eq!(PublicKeyInfo::decode(&short), Err(Error::KeyLength { got: 31 }));
}

#[test]
fn keys_without_what_the_format_needs_are_not_written() {
    for example in LATTICE_EXAMPLES {
        let outcome = (example.private)(None, None).encode().err();
        assert_eq!(outcome, Some(Error::KeyValue("neither a seed nor an expanded key")));
    }
    let rsa_der = private_file("rsa-1024");
    let Ok(PrivateKeyInfo::Rsa(rsa)) = PrivateKeyInfo::decode(&rsa_der) else { panic!("not read") };
    for incomplete in [
        RsaPrivate { prime_1: None, ..rsa },
        RsaPrivate { prime_2: None, ..rsa },
        RsaPrivate { exponent_1: None, ..rsa },
        RsaPrivate { exponent_2: None, ..rsa },
        RsaPrivate { coefficient: None, ..rsa },
    ] {
        let outcome = PrivateKeyInfo::Rsa(incomplete).encode().err();
        assert_eq!(outcome, Some(Error::KeyValue("an RSA key without its primes")));
    }
    // PrintableString, NULL, nothing, and a name with something behind it.
    for params in ["1309736563703235367231", "0500", "", "06082a8648ce3d03010700"] {
        let params = hex(params);
        assert!(matches!(PublicKeyInfo::Ec { params: &params, point: &[4; 65] }.encode(), Err(Error::Encoding(_))));
        let private = PrivateKeyInfo::Ec { params: &params, scalar: &[1; 32], public: None };
        assert!(matches!(private.encode(), Err(Error::Encoding(_))));
    }
}

#[test]
fn leading_zeros_of_numbers_do_not_matter() {
    let der = public_file("rsa-2048");
    let Ok(PublicKeyInfo::Rsa { modulus, public_exponent }) = PublicKeyInfo::decode(&der) else { panic!("not read") };
    let (modulus, public_exponent) = ([&[0, 0], modulus].concat(), [&[0; 9], public_exponent].concat());
    let padded = PublicKeyInfo::Rsa { modulus: &modulus, public_exponent: &public_exponent };
    assert_eq!(padded.encode(), Ok(der));
    // No bytes, or only zeros, are the number zero.
    for zero in [&[][..], &[0], &[0, 0]] {
        let der = PublicKeyInfo::Dh { p: zero, g: zero, y: zero }.encode().expect("written");
        assert_eq!(PublicKeyInfo::decode(&der), Ok(PublicKeyInfo::Dh { p: &[0], g: &[0], y: &[0] }));
    }
}

#[test]
fn an_rsa_key_with_zeros_for_its_primes_has_none() {
    let key = der(0x30, &["020100", "020125", "020103", "02011b", "020100", "020100", "020100", "020100", "020100"]);
    let info = der(0x30, &["020100", "300d06092a864886f70d0101010500", &der(4, &[&key])]);
    let info = hex(&info);
    let Ok(PrivateKeyInfo::Rsa(rsa)) = PrivateKeyInfo::decode(&info) else { panic!("not read") };
    assert_eq!((rsa.modulus, rsa.public_exponent, rsa.private_exponent), (&[0x25][..], &[3][..], &[0x1b][..]));
    assert!([rsa.prime_1, rsa.prime_2, rsa.exponent_1, rsa.exponent_2, rsa.coefficient].iter().all(Option::is_none));
}

/// A field in hexadecimal, with a content of less than 128 bytes.
fn der(tag: u8, content: &[&str]) -> String {
    let content = content.concat();
    assert!(content.len() < 256);
    format!("{tag:02x}{:02x}{content}", content.len() / 2)
}

const RSA: &str = "300d06092a864886f70d0101010500";
const ED25519: &str = "300506032b6570";
const P256: &str = "301306072a8648ce3d020106082a8648ce3d030107";

#[test]
fn the_public_half_beside_a_private_key_is_told() {
    let seed = der(4, &[&der(4, &[&"07".repeat(32)])]);
    let scalar = der(4, &[&"07".repeat(32)]);
    let stored = |structure: &str| {
        let der = hex(structure);
        let (_, public) = PrivateKeyInfo::decode_with_public(&der).expect("read");
        public.map(|public| match public {
            StoredPublic::Bits(bits) => bits.to_vec(),
            StoredPublic::Number(_) => panic!("a number"),
        })
    };
    assert_eq!(stored(&der(0x30, &["020100", ED25519, &seed])), None);
    assert_eq!(stored(&der(0x30, &["020101", ED25519, &seed, "8103000809"])), Some(vec![8, 9]));
    let (bare, inner) = (der(0x30, &["020101", &scalar]), der(0x30, &["020101", &scalar, "a10403020004"]));
    assert_eq!(stored(&der(0x30, &["020101", P256, &der(4, &[&bare]), "81020004"])), Some(vec![4]));
    assert_eq!(stored(&der(0x30, &["020100", P256, &der(4, &[&inner])])), Some(vec![4]));
    assert_eq!(stored(&der(0x30, &["020101", P256, &der(4, &[&inner]), "81020004"])), Some(vec![4]));
}

#[test]
fn what_is_not_strict_der_of_a_key_is_refused() {
    let seed = der(4, &[&der(4, &[&"07".repeat(32)])]);
    let scalar = der(4, &[&"07".repeat(32)]);
    let rsa = |numbers: &[&str]| der(4, &[&der(0x30, numbers)]);
    let good = [
        der(0x30, &["020100", ED25519, &seed]),
        der(0x30, &["020100", ED25519, &seed, "a000"]),
        der(0x30, &["020101", ED25519, &seed, "810100"]),
        der(0x30, &["020100", RSA, &rsa(&["020100"; 9])]),
        der(0x30, &["020100", P256, &der(4, &[&der(0x30, &["020101", &scalar])])]),
        der(0x30, &["020100", P256, &der(4, &[&der(0x30, &["020101", &scalar, "a00a06082a8648ce3d030107"])])]),
        der(0x30, &["020100", P256, &der(4, &[&der(0x30, &["020101", &scalar, "a1040302 0004"])])]).replace(' ', ""),
    ];
    for der in &good {
        assert!(PrivateKeyInfo::decode(&hex(der)).is_ok(), "{der}");
    }
    let bad = [
        ("bytes behind the end", der(0x30, &["020100", ED25519, &seed]) + "00"),
        ("a field behind the last", der(0x30, &["020100", ED25519, &seed, "0500"])),
        ("version 2", der(0x30, &["020102", ED25519, &seed])),
        ("a negative version", der(0x30, &["0201ff", ED25519, &seed])),
        ("a long version", der(0x30, &["02020000", ED25519, &seed])),
        ("no version", der(0x30, &[ED25519, &seed])),
        ("a public key in version 0", der(0x30, &["020100", ED25519, &seed, "810100"])),
        ("a public key of half a byte", der(0x30, &["020101", ED25519, &seed, "81020400"])),
        ("an empty public key", der(0x30, &["020101", ED25519, &seed, "8100"])),
        ("fields in the wrong order", der(0x30, &["020101", ED25519, &seed, "810100", "a000"])),
        ("an unknown algorithm", der(0x30, &["020100", "300506032b6572", &seed])),
        ("parameters for Ed25519", der(0x30, &["020100", "300706032b65700500", &seed])),
        ("a seed without its own tag", der(0x30, &["020100", ED25519, &scalar])),
        ("bytes behind the seed", der(0x30, &["020100", ED25519, &der(4, &[&scalar, "00"])])),
        ("RSA without NULL", der(0x30, &["020100", "300b06092a864886f70d010101", &rsa(&["020100"; 9])])),
        ("RSA-PSS", der(0x30, &["020100", "300b06092a864886f70d01010a", &rsa(&["020100"; 9])])),
        ("a NULL with content", der(0x30, &["020100", "300e06092a864886f70d010101050100", &rsa(&["020100"; 9])])),
        ("many primes", der(0x30, &["020100", RSA, &rsa(&[&["020101"], &["020100"; 8][..]].concat())])),
        ("a number missing", der(0x30, &["020100", RSA, &rsa(&["020100"; 8])])),
        ("a number too many", der(0x30, &["020100", RSA, &rsa(&["020100"; 10])])),
        ("a negative number", der(0x30, &["020100", RSA, &rsa(&[&["020100"; 8][..], &["020180"]].concat())])),
        ("a padded number", der(0x30, &["020100", RSA, &rsa(&[&["020100"; 8][..], &["02020001"]].concat())])),
        ("an empty number", der(0x30, &["020100", RSA, &rsa(&[&["020100"; 8][..], &["0200"]].concat())])),
        ("EC version 0", der(0x30, &["020100", P256, &der(4, &[&der(0x30, &["020100", &scalar])])])),
        ("no curve", der(0x30, &["020100", "300906072a8648ce3d0201", &der(4, &[&der(0x30, &["020101", &scalar])])])),
        (
            "the curve of somebody's certificate",
            der(0x30, &["020100", "300b06072a8648ce3d02010500", &der(4, &[&der(0x30, &["020101", &scalar])])]),
        ),
        (
            "two curves",
            der(0x30, &["020100", P256, &der(4, &[&der(0x30, &["020101", &scalar, "a00706052b8104000a"])])]),
        ),
        (
            "two points",
            der(0x30, &["020101", P256, &der(4, &[&der(0x30, &["020101", &scalar, "a10403020004"])]), "81020005"]),
        ),
        (
            "half a byte in the point",
            der(0x30, &["020100", P256, &der(4, &[&der(0x30, &["020101", &scalar, "a1040302 0404"])])])
                .replace(' ', ""),
        ),
        ("a length in too many bytes", format!("308130{}", &der(0x30, &["020100", ED25519, &seed])[4..])),
        ("a length to be found out", format!("3080{}0000", &der(0x30, &["020100", ED25519, &seed])[4..])),
        ("a set", format!("31{}", &der(0x30, &["020100", ED25519, &seed])[2..])),
        ("a primitive sequence", format!("10{}", &der(0x30, &["020100", ED25519, &seed])[2..])),
        ("nothing", String::new()),
    ];
    for (what, der) in &bad {
        let der = hex(der);
        let outcome = PrivateKeyInfo::decode(&der);
        assert!(matches!(outcome, Err(Error::Encoding(_))), "{what}: {outcome:?}");
    }
    let key = der(3, &["00", &"07".repeat(32)]);
    assert!(PublicKeyInfo::decode(&hex(&der(0x30, &[ED25519, &key]))).is_ok());
    for (what, der) in [
        ("bytes behind the end", der(0x30, &[ED25519, &key]) + "00"),
        ("a field behind the last", der(0x30, &[ED25519, &key, "0500"])),
        ("half a byte", der(0x30, &[ED25519, &der(3, &["01", &"06".repeat(32)])])),
        ("an octet string", der(0x30, &[ED25519, &der(4, &["00", &"07".repeat(32)])])),
        ("an empty bit string", der(0x30, &[ED25519, "0300"])),
        ("inherited DSA parameters", der(0x30, &["300906072a8648ce380401", &der(3, &["00020103"])])),
        ("a private key", der(0x30, &["020100", ED25519, &seed])),
    ] {
        let der = hex(&der);
        let outcome = PublicKeyInfo::decode(&der);
        assert!(matches!(outcome, Err(Error::Encoding(_))), "{what}: {outcome:?}");
    }
}

/// X9.42 keys may come with a cofactor, and with the seed and counter their group was made from.
#[test]
fn cofactor_and_validation_parameters_are_skipped() {
    let algorithm = "06072a8648ce3e0201";
    let bare = der(0x30, &["020117", "020104", "02010b"]);
    for group in [
        bare.clone(),
        der(0x30, &["020117", "020104", "02010b", "020102"]),
        der(0x30, &["020117", "020104", "02010b", "020102", "30070302000502 0105"]).replace(' ', ""),
        der(0x30, &["020117", "020104", "02010b", "3007030200050201 05"]).replace(' ', ""),
    ] {
        let public = hex(&der(0x30, &[&der(0x30, &[algorithm, &group]), "030400020102"]));
        let expected = PublicKeyInfo::X942Dh { p: &[0x17], q: &[0x0b], g: &[4], y: &[2] };
        assert_eq!(PublicKeyInfo::decode(&public), Ok(expected), "{group}");
        let private = hex(&der(0x30, &["020100", &der(0x30, &[algorithm, &group]), "0403020103"]));
        let Ok(PrivateKeyInfo::X942Dh { p: [0x17], q: [0x0b], g: [4], x: [3] }) = PrivateKeyInfo::decode(&private)
        else {
            panic!("{group}");
        };
        let written = PublicKeyInfo::decode(&public).and_then(|key| key.encode()).expect("written");
        assert_eq!(written, hex(&der(0x30, &[&der(0x30, &[algorithm, &bare]), "030400020102"])));
    }
    // PKCS#3 may tell the length of private values.
    let public = hex(&der(0x30, &["301706092a864886f70d010301300a020117020105020200ff", "030400020102"]));
    assert_eq!(PublicKeyInfo::decode(&public), Ok(PublicKeyInfo::Dh { p: &[0x17], g: &[5], y: &[2] }));
}

/// Each file, and the SLH-DSA and ML-KEM forms that no file has.
fn all_private() -> Vec<Vec<u8>> {
    let numbers: Vec<u8> = (0..64).collect();
    let mut keys: Vec<Vec<u8>> = KEYS.iter().map(|name| private_file(name)).collect();
    keys.push(hex(VERSION_1));
    let slh_dsa = PrivateKeyInfo::SlhDsa { set: SlhDsa::Shake128f, bytes: &numbers };
    let expanded = vec![1; MlKem::MlKem512.expanded_bytes()];
    let ml_kem = |seed, expanded| PrivateKeyInfo::MlKem { set: MlKem::MlKem512, seed, expanded };
    for key in [
        slh_dsa,
        ml_kem(Some(&numbers[..]), None),
        ml_kem(None, Some(&expanded)),
        ml_kem(Some(&numbers[..]), Some(&expanded)),
    ] {
        keys.push(key.encode().expect("written").expose().to_vec());
    }
    keys
}

/// What was read must be just what was there: written again it is the same file, unless the file is of version 1.
fn check_private(der: &[u8]) {
    if let Ok(key) = PrivateKeyInfo::decode(der) {
        let written = key.encode().expect("what was read can be written");
        assert!(written.expose() == der || is_version_1(der), "{key:?}");
    }
}

fn is_version_1(der: &[u8]) -> bool {
    der.windows(4).take(8).any(|bytes| bytes == [2, 1, 1, 0x30])
}

fn check_public(der: &[u8]) {
    if let Ok(key) = PublicKeyInfo::decode(der) {
        assert_eq!(key.encode().as_deref(), Ok(der));
    }
}

#[test]
fn every_truncation_is_refused() {
    for der in all_private() {
        for len in 0..der.len() {
            assert!(PrivateKeyInfo::decode(&der[..len]).is_err());
        }
    }
    for name in KEYS {
        let der = public_file(name);
        for len in 0..der.len() {
            assert!(PublicKeyInfo::decode(&der[..len]).is_err(), "{name}");
        }
    }
}

#[test]
fn every_changed_byte_is_refused_or_gives_another_key() {
    for der in all_private() {
        let mut changed = der.clone();
        for index in 0..der.len() {
            for value in (0..=255).filter(|value| *value != der[index]) {
                changed[index] = value;
                check_private(&changed);
            }
            changed[index] = der[index];
        }
    }
    for name in KEYS {
        let der = public_file(name);
        let mut changed = der.clone();
        for index in 0..der.len() {
            for value in (0..=255).filter(|value| *value != der[index]) {
                changed[index] = value;
                check_public(&changed);
            }
            changed[index] = der[index];
        }
    }
}

#[test]
fn random_bytes_and_random_changes_do_no_harm() {
    let mut random = Random::new(8);
    let keys = all_private();
    for _ in 0..50_000 {
        let mut der = keys[random.below(keys.len())].clone();
        for _ in 0..1 + random.below(4) {
            let index = random.below(der.len().min(60));
            match random.below(3) {
                0 => der[index] = random.next() as u8,
                1 => drop(der.remove(index)),
                _ => der.insert(index, random.next() as u8),
            }
        }
        _ = PrivateKeyInfo::decode(&der).map(|key| key.encode());
        _ = PublicKeyInfo::decode(&der).map(|key| key.encode());
        let len = random.below(40);
        let noise = random.bytes(len);
        assert!(PrivateKeyInfo::decode(&noise).is_err() && PublicKeyInfo::decode(&noise).is_err());
        _ = octet_string(&noise);
    }
}

#[test]
fn private_keys_are_never_shown() {
    for der in all_private() {
        let shown = format!("{:?}", PrivateKeyInfo::decode(&der).expect("read"));
        assert!(shown.starts_with("PrivateKeyInfo::") && shown.len() < 30, "{shown}");
    }
}

#[test]
fn octet_strings_are_packed_and_unpacked() {
    for (len, header) in [
        (0, "0400"),
        (1, "0401"),
        (127, "047f"),
        (128, "048180"),
        (255, "0481ff"),
        (256, "04820100"),
        (65_535, "0482ffff"),
        (65_536, "0483010000"),
    ] {
        let bytes = vec![0x61; len];
        let der = as_octet_string(&bytes);
        assert_eq!(der, [hex(header), bytes.clone()].concat());
        assert_eq!(octet_string(&der), Some(&bytes[..]));
        assert_eq!(octet_string(&der[..der.len() - 1]), None);
        assert_eq!(octet_string(&[&der[..], &[0]].concat()), None);
    }
    for other in ["", "04", "040200", "048101ff", "04800000", "240304 0161", "030200ff", "0201ff"] {
        assert_eq!(octet_string(&hex(other)), None, "{other}");
    }
}
