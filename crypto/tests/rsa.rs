//! RSA: what keys are taken and refused, and operations of both keys against each other.

mod common;

use common::{Random, hex};
use strongroom_crypto::Error;
use strongroom_crypto::hash::Algorithm;
use strongroom_crypto::rsa::{
    Check, Component, Components, EncryptionPadding, PrivateKey, PublicKey, SignaturePadding, is_roca,
};

#[test]
fn generated_keys_have_the_asked_size_and_come_back_from_their_components() {
    for (bits, exponent) in [(1024, &[3][..]), (1152, &[1, 0, 1]), (2048, &[0, 1, 0, 1]), (1024, &[0xff; 4])] {
        let key = PrivateKey::generate(bits, exponent).unwrap();
        assert_eq!((key.bits(), key.bytes()), (bits, bits / 8));
        let numbers = all_components(&key);
        assert_eq!(numbers[0].len(), bits / 8);
        assert!(exponent.ends_with(&numbers[1]));
        // With zeros in front, as a client may write them.
        let padded = numbers.each_ref().map(|number| [&[0, 0], &number[..]].concat());
        for check in [Check::Full, Check::Known] {
            let again = PrivateKey::from_components(&components(&padded), check).unwrap();
            assert_eq!(all_components(&again), numbers);
            assert_signs_for(&again, &key.public().unwrap());
        }
        let public = key.public().unwrap();
        assert_eq!(
            (public.modulus().unwrap(), public.public_exponent().unwrap()),
            (numbers[0].clone(), numbers[1].clone())
        );
    }
}

#[test]
fn impossible_sizes_and_exponents_are_refused() {
    for bits in [0, 512, 1023, 1025, 2049, 2112, 16385, 16512, usize::MAX] {
        assert_eq!(PrivateKey::generate(bits, &[1, 0, 1]).err(), Some(Error::KeyLength { got: bits / 8 }));
    }
    for exponent in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        let refused = PrivateKey::generate(1024, exponent).err();
        assert_eq!(refused, Some(Error::KeyValue("public exponent")), "{exponent:?}");
    }
    let modulus = hex(SMALLER_FIRST.n);
    for exponent in [&[][..], &[1], &[2], &modulus, &[&[1], &modulus[..]].concat()] {
        assert_eq!(PublicKey::new(&modulus, exponent).err(), Some(Error::KeyValue("public exponent")));
    }
    let even = [&modulus[..127], &[0]].concat();
    assert_eq!(PublicKey::new(&even, &[3]).err(), Some(Error::KeyValue("the modulus is even")));
    for (bytes, first) in [(0, 0), (127, 0xff), (128, 0x7f), (2049, 1)] {
        let mut modulus = vec![0xff; bytes];
        if let Some(byte) = modulus.first_mut() {
            *byte = first;
        }
        assert_eq!(PublicKey::new(&modulus, &[3]).err(), Some(Error::KeyLength { got: bytes }));
    }
    assert_eq!(PublicKey::new(&[0xff; 2048], &[3]).unwrap().bits(), 16384);
}

#[test]
fn missing_components_are_computed() {
    let key = PrivateKey::generate(1024, &[1, 0, 1]).unwrap();
    let numbers = all_components(&key);
    let full = components(&numbers);
    for check in [Check::Full, Check::Known] {
        let without_crt = Components { exponent_1: None, exponent_2: None, coefficient: None, ..full };
        let again = PrivateKey::from_components(&without_crt, check).unwrap();
        assert_eq!(all_components(&again), numbers);
        // The library puts the larger prime first, and so does the search for them.
        let minimal = Components { prime_1: None, prime_2: None, ..full };
        assert_eq!(all_components(&PrivateKey::from_components(&minimal, check).unwrap()), numbers);
        let one_prime = Components { prime_2: None, ..full };
        let refused = PrivateKey::from_components(&one_prime, check).err();
        assert_eq!(refused, Some(Error::KeyValue("one prime without the other")));
    }
}

#[test]
fn keys_of_unusual_shape_work() {
    for (name, numbers) in [
        ("smaller prime first", SMALLER_FIRST),
        ("exponent of 80 bits", LARGE_EXPONENT),
        ("1025 bits", ODD_LENGTH),
        ("primes of different lengths", UNEVEN),
    ] {
        for check in [Check::Full, Check::Known] {
            let key = numbers.key(check).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(key.component(Component::Prime1).unwrap().expose(), hex(numbers.p), "{name}");
            let public = PublicKey::new(&hex(numbers.n), &hex(numbers.e)).unwrap();
            assert_signs_for(&key, &public);
            let mut out = vec![0; key.bytes()];
            public.encrypt(&EncryptionPadding::Pkcs1, b"message", &mut out).unwrap();
            let ciphertext = out.clone();
            assert_eq!(key.decrypt(&EncryptionPadding::Pkcs1, &ciphertext, &mut out), Ok(7), "{name}");
            assert_eq!(&out[..7], b"message", "{name}");
            let all = all_components(&key);
            let again = PrivateKey::from_components(&components(&all), Check::Full).unwrap();
            assert_eq!(all_components(&again), all, "{name}");
        }
    }
}

#[test]
fn weak_keys_are_refused_when_they_come_in() {
    for (numbers, why) in [
        (SHORT_PRIME, "a prime is too small"),
        (CLOSE, "the primes are too close to each other"),
        (COMPOSITE, "a prime is not prime"),
        (SMALL_D, "the private exponent is too small"),
        (FINGERPRINT, "the modulus has the fingerprint of CVE-2017-15361"),
    ] {
        assert_eq!(numbers.key(Check::Full).err(), Some(Error::KeyValue(why)));
    }
    assert!(is_roca(&hex(FINGERPRINT.n)));
    for sound in [SMALLER_FIRST, LARGE_EXPONENT, ODD_LENGTH, UNEVEN] {
        assert!(!is_roca(&hex(sound.n)));
    }
    let mut random = Random::new(1);
    assert!((0..10_000).all(|_| !is_roca(&random.bytes(64))));
}

#[test]
fn a_wrong_component_is_found_when_it_comes_in() {
    let key = PrivateKey::generate(1024, &[1, 0, 1]).unwrap();
    let numbers = all_components(&key);
    for (place, component) in Component::ALL.into_iter().enumerate() {
        for bit in [1, 2, 0x40] {
            let mut wrong = numbers.clone();
            let last = wrong[place].last_mut().unwrap();
            *last ^= bit;
            let refused = PrivateKey::from_components(&components(&wrong), Check::Full).err();
            assert!(matches!(refused, Some(Error::KeyValue(_))), "{component:?}: {refused:?}");
        }
    }
    // A private exponent of another key, without primes to hold it against.
    let other = all_components(&PrivateKey::generate(1024, &[1, 0, 1]).unwrap());
    let foreign = Components {
        private_exponent: &other[2],
        prime_1: None,
        prime_2: None,
        exponent_1: None,
        exponent_2: None,
        coefficient: None,
        ..components(&numbers)
    };
    assert!(matches!(PrivateKey::from_components(&foreign, Check::Known).err(), Some(Error::KeyValue(_))));
    for nothing in [&[][..], &[0], &[1], &numbers[0], &[0xff; 129]] {
        let wrong = Components { private_exponent: nothing, ..components(&numbers) };
        let refused = PrivateKey::from_components(&wrong, Check::Known).err();
        assert_eq!(refused, Some(Error::KeyValue("private exponent")));
    }
    for nothing in [&[][..], &[0], &[1], &[2]] {
        let wrong = Components { prime_1: Some(nothing), ..components(&numbers) };
        assert!(matches!(PrivateKey::from_components(&wrong, Check::Known).err(), Some(Error::KeyValue(_))));
    }
}

/// A result that is right modulo one prime only would give the other away (Boneh, DeMillo, Lipton).
#[test]
fn a_wrong_result_never_leaves() {
    let key = PrivateKey::generate(1024, &[1, 0, 1]).unwrap();
    let numbers = all_components(&key);
    for place in [5, 6, 7] {
        let mut wrong = numbers.clone();
        *wrong[place].last_mut().unwrap() ^= 2;
        let key = PrivateKey::from_components(&components(&wrong), Check::Known).unwrap();
        let mut out = [0; 128];
        for padding in every_signature_padding() {
            let refused = key.sign(&padding, &[7; 32][..digest_bytes(&padding)], &mut out);
            assert!(matches!(refused, Err(Error::Library(_))), "{padding:?}: {refused:?}");
            assert_eq!(out, [0; 128], "{padding:?}");
        }
        assert!(matches!(key.decrypt(&EncryptionPadding::Pkcs1, &[7; 128], &mut out), Err(Error::Library(_))));
        assert_eq!(out, [0; 128]);
    }
}

#[test]
fn digest_infos_are_those_of_rfc_8017() {
    let key = PrivateKey::generate(1024, &[1, 0, 1]).unwrap();
    let nist = |last: u8, bytes: u8| {
        let head = [0x30, 17 + bytes, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last];
        [&head[..], &[0x05, 0x00, 0x04, bytes]].concat()
    };
    for (hash, prefix) in [
        (Algorithm::Md5, hex("3020300c06082a864886f70d020505000410")),
        (Algorithm::Sha1, hex("3021300906052b0e03021a05000414")),
        (Algorithm::Sha256, nist(1, 32)),
        (Algorithm::Sha384, nist(2, 48)),
        (Algorithm::Sha512, nist(3, 64)),
        (Algorithm::Sha224, nist(4, 28)),
        (Algorithm::Sha512_224, nist(5, 28)),
        (Algorithm::Sha512_256, nist(6, 32)),
        (Algorithm::Sha3_224, nist(7, 28)),
        (Algorithm::Sha3_256, nist(8, 32)),
        (Algorithm::Sha3_384, nist(9, 48)),
        (Algorithm::Sha3_512, nist(10, 64)),
    ] {
        let digest = vec![0xd1; hash.output_bytes()];
        let (mut signature, mut content) = ([0; 128], [0; 128]);
        let padding = SignaturePadding::Pkcs1Digest(hash);
        key.sign(&padding, &digest, &mut signature).unwrap();
        let public = key.public().unwrap();
        let length = public.recover(&SignaturePadding::Pkcs1, &signature, &mut content).unwrap();
        assert_eq!(content[..length], [prefix, digest.clone()].concat(), "{hash:?}");
        assert_eq!(public.verify(&padding, &digest, &signature), Ok(()));
        for wrong in [&digest[1..], &[&digest[..], &[0]].concat()] {
            assert_eq!(key.sign(&padding, wrong, &mut [0; 128]), Err(Error::DataLength));
            assert_eq!(public.verify(&padding, wrong, &signature), Err(Error::DataLength));
        }
    }
}

#[test]
fn pss_takes_every_pair_of_hash_functions_and_every_salt_that_fits() {
    let key = PrivateKey::generate(1152, &[1, 0, 1]).unwrap();
    let public = key.public().unwrap();
    for hash in HASHES {
        let digest = vec![0xd1; hash.output_bytes()];
        let room = 144 - hash.output_bytes() - 2;
        for mgf in HASHES {
            for salt_bytes in [0, hash.output_bytes().min(room), room] {
                let padding = SignaturePadding::Pss { hash, mgf, salt_bytes };
                let mut signature = [0; 144];
                assert_eq!(key.sign(&padding, &digest, &mut signature), Ok(144));
                assert_eq!(public.verify(&padding, &digest, &signature), Ok(()), "{padding:?}");
                let other_salt = SignaturePadding::Pss { hash, mgf, salt_bytes: salt_bytes ^ 1 };
                let expected =
                    if salt_bytes ^ 1 > room { Error::Parameter("salt length") } else { Error::Authentication };
                assert_eq!(public.verify(&other_salt, &digest, &signature), Err(expected), "{padding:?}");
                let other_mgf = if mgf == Algorithm::Sha1 { Algorithm::Sha256 } else { Algorithm::Sha1 };
                let other_mgf = SignaturePadding::Pss { hash, mgf: other_mgf, salt_bytes };
                assert_eq!(public.verify(&other_mgf, &digest, &signature), Err(Error::Authentication));
            }
            let too_long = SignaturePadding::Pss { hash, mgf, salt_bytes: room + 1 };
            assert_eq!(key.sign(&too_long, &digest, &mut [0; 144]), Err(Error::Parameter("salt length")));
        }
    }
    // With 8k + 1 bits the encoded block is a byte shorter than the modulus.
    let key = ODD_LENGTH.key(Check::Known).unwrap();
    let salt = |salt_bytes| SignaturePadding::Pss { hash: Algorithm::Sha256, mgf: Algorithm::Sha256, salt_bytes };
    let mut signature = [0; 129];
    assert_eq!(key.sign(&salt(128 - 34), &[1; 32], &mut signature), Ok(129));
    assert_eq!(key.public().unwrap().verify(&salt(128 - 34), &[1; 32], &signature), Ok(()));
    assert_eq!(key.sign(&salt(128 - 33), &[1; 32], &mut signature), Err(Error::Parameter("salt length")));
    let huge = key.sign(&salt(usize::MAX), &[1; 32], &mut signature);
    assert_eq!(huge, Err(Error::Parameter("salt length")));
}

#[test]
fn oaep_takes_every_pair_of_hash_functions() {
    let key = PrivateKey::generate(1152, &[1, 0, 1]).unwrap();
    let public = key.public().unwrap();
    for hash in HASHES {
        for mgf in HASHES {
            let padding = EncryptionPadding::Oaep { hash, mgf, label: b"label" };
            let room = 144 - 2 * hash.output_bytes() - 2;
            assert_eq!(public.max_plaintext(&padding), Some(room));
            for length in [0, 1, room] {
                let message = vec![0x5a; length];
                let (mut ciphertext, mut plaintext) = ([0; 144], [0; 144]);
                assert_eq!(public.encrypt(&padding, &message, &mut ciphertext), Ok(144));
                assert_eq!(key.decrypt(&padding, &ciphertext, &mut plaintext), Ok(length), "{padding:?}");
                assert_eq!(plaintext[..length], message);
                if length > 0 {
                    let too_small = key.decrypt(&padding, &ciphertext, &mut plaintext[..length - 1]);
                    assert_eq!(too_small, Err(Error::OutputTooSmall { needed: length }));
                }
                let other_label = EncryptionPadding::Oaep { hash, mgf, label: b"" };
                let refused = key.decrypt(&other_label, &ciphertext, &mut plaintext);
                assert_eq!(refused, Err(Error::Authentication));
                ciphertext[100] ^= 1;
                assert_eq!(key.decrypt(&padding, &ciphertext, &mut plaintext), Err(Error::Authentication));
            }
            let refused = public.encrypt(&padding, &vec![0; room + 1], &mut [0; 144]);
            assert_eq!(refused, Err(Error::DataLength));
        }
    }
    // Two digests of 64 bytes do not fit into 1024 bits.
    let key = SMALLER_FIRST.key(Check::Known).unwrap();
    let padding = EncryptionPadding::Oaep { hash: Algorithm::Sha512, mgf: Algorithm::Sha1, label: b"" };
    let too_short = Err(Error::KeyLength { got: 128 });
    assert_eq!(key.public().unwrap().max_plaintext(&padding), None);
    assert_eq!(key.public().unwrap().encrypt(&padding, b"", &mut [0; 128]), too_short);
    assert_eq!(key.decrypt(&padding, &[1; 128], &mut [0; 128]), too_short);
}

#[test]
fn pkcs1_blocks_take_any_bytes_that_fit() {
    let key = SMALLER_FIRST.key(Check::Known).unwrap();
    let public = key.public().unwrap();
    assert_eq!(public.max_plaintext(&EncryptionPadding::Pkcs1), Some(117));
    for length in [0, 1, 36, 117] {
        let data = vec![0; length];
        let (mut out, mut back) = ([0; 130], [0xaa; 128]);
        assert_eq!(key.sign(&SignaturePadding::Pkcs1, &data, &mut out), Ok(128));
        assert_eq!(public.verify(&SignaturePadding::Pkcs1, &data, &out[..128]), Ok(()));
        assert_eq!(public.recover(&SignaturePadding::Pkcs1, &out[..128], &mut back), Ok(length));
        assert_eq!(back[..length], data);
        assert_eq!(public.encrypt(&EncryptionPadding::Pkcs1, &data, &mut out), Ok(128));
        assert_eq!(key.decrypt(&EncryptionPadding::Pkcs1, &out[..128], &mut back), Ok(length));
        assert_eq!(back[..length], data);
        // A block of one type is none of the other.
        let refused = public.recover(&SignaturePadding::Pkcs1, &out[..128], &mut back);
        assert_eq!(refused, Err(Error::Authentication));
    }
    assert_eq!(key.sign(&SignaturePadding::Pkcs1, &[0; 118], &mut [0; 128]), Err(Error::DataLength));
    assert_eq!(public.verify(&SignaturePadding::Pkcs1, &[0; 118], &[0; 128]), Err(Error::DataLength));
    assert_eq!(public.encrypt(&EncryptionPadding::Pkcs1, &[0; 118], &mut [0; 128]), Err(Error::DataLength));
}

#[test]
fn raw_blocks_are_numbers_below_the_modulus() {
    let key = SMALLER_FIRST.key(Check::Known).unwrap();
    let public = key.public().unwrap();
    let modulus = hex(SMALLER_FIRST.n);
    let less = |word: u8| [&modulus[..127], &[modulus[127] - word]].concat();
    let padded = |input: &[u8]| [&vec![0; 128 - input.len()], input].concat();
    for input in [&[][..], &[0], &[1], &[2], b"number", &[0; 128], &less(1), &less(2)] {
        let (mut signature, mut back) = ([0xaa; 128], [0xaa; 128]);
        assert_eq!(key.sign(&SignaturePadding::Raw, input, &mut signature), Ok(128));
        assert_eq!(public.verify(&SignaturePadding::Raw, input, &signature), Ok(()));
        assert_eq!(public.recover(&SignaturePadding::Raw, &signature, &mut back), Ok(128));
        assert_eq!(back[..], padded(input));
        assert_eq!(public.encrypt(&EncryptionPadding::Raw, input, &mut back), Ok(128));
        let ciphertext = back;
        assert_eq!(key.decrypt(&EncryptionPadding::Raw, &ciphertext, &mut back), Ok(128));
        assert_eq!(back[..], padded(input));
    }
    for (number, own_power) in [(padded(&[]), true), (padded(&[1]), true), (less(1), true), (padded(&[3]), false)] {
        let mut signature = [0; 128];
        key.sign(&SignaturePadding::Raw, &number, &mut signature).unwrap();
        assert_eq!(signature[..] == number, own_power);
    }
    let (too_large, too_long) = ([&modulus[..], &[0xff; 128]], &[0; 129]);
    for (input, refusal) in
        too_large.map(|input| (input, Error::DataValue)).into_iter().chain([(&too_long[..], Error::DataLength)])
    {
        assert_eq!(key.sign(&SignaturePadding::Raw, input, &mut [0; 129]), Err(refusal));
        assert_eq!(public.encrypt(&EncryptionPadding::Raw, input, &mut [0; 129]), Err(refusal));
    }
    for padding in [EncryptionPadding::Raw, EncryptionPadding::Pkcs1] {
        for ciphertext in too_large {
            assert_eq!(key.decrypt(&padding, ciphertext, &mut [0; 128]), Err(Error::Authentication));
        }
        for ciphertext in [&[0; 129][..], &[0; 127], &[]] {
            assert_eq!(key.decrypt(&padding, ciphertext, &mut [0; 128]), Err(Error::CiphertextLength));
        }
    }
    assert_eq!(public.recover(&SignaturePadding::Raw, &modulus, &mut [0; 128]), Err(Error::Authentication));
    assert_eq!(public.recover(&SignaturePadding::Raw, &modulus[1..], &mut [0; 128]), Err(Error::CiphertextLength));
    assert_eq!(public.verify(&SignaturePadding::Raw, &[1], &modulus[1..]), Err(Error::Authentication));
}

#[test]
fn an_output_that_is_too_small_says_how_much_is_needed() {
    let key = SMALLER_FIRST.key(Check::Known).unwrap();
    let public = key.public().unwrap();
    let needed = Err(Error::OutputTooSmall { needed: 128 });
    for padding in every_signature_padding() {
        assert_eq!(key.sign(&padding, &[1; 32][..digest_bytes(&padding)], &mut [0; 127]), needed);
    }
    let oaep = EncryptionPadding::Oaep { hash: Algorithm::Sha1, mgf: Algorithm::Sha1, label: b"" };
    for padding in [EncryptionPadding::Raw, EncryptionPadding::Pkcs1, oaep] {
        assert_eq!(public.encrypt(&padding, &[1; 20], &mut [0; 127]), needed);
    }
    assert_eq!(key.decrypt(&EncryptionPadding::Raw, &[1; 128], &mut [0; 127]), needed);
    let mut signature = [0; 128];
    key.sign(&SignaturePadding::Pkcs1, &[1; 20], &mut signature).unwrap();
    assert_eq!(public.recover(&SignaturePadding::Raw, &signature, &mut [0; 127]), needed);
    let recovered = public.recover(&SignaturePadding::Pkcs1, &signature, &mut [0; 19]);
    assert_eq!(recovered, Err(Error::OutputTooSmall { needed: 20 }));
    for padding in every_signature_padding().into_iter().skip(2) {
        let refused = public.recover(&padding, &signature, &mut [0; 128]);
        assert!(matches!(refused, Err(Error::Parameter(_))), "{padding:?}");
    }
}

#[test]
fn made_up_messages_depend_on_key_and_ciphertext_and_have_all_lengths() {
    let key = SMALLER_FIRST.key(Check::Known).unwrap();
    let other = UNEVEN.key(Check::Known).unwrap();
    let mut random = Random::new(7);
    let (mut seen, mut equal) = ([false; 118], 0);
    for _ in 0..400 {
        let mut ciphertext = random.bytes(128);
        ciphertext[0] = 0;
        let decrypt = |key: &PrivateKey| {
            let mut out = [0; 128];
            let length = key.decrypt(&EncryptionPadding::Pkcs1, &ciphertext, &mut out).unwrap();
            out[..length].to_vec()
        };
        let message = decrypt(&key);
        assert_eq!(decrypt(&key), message);
        seen[message.len()] = true;
        equal += u32::from(decrypt(&other) == message);
    }
    let lengths = seen.iter().filter(|seen| **seen).count();
    // 118 · (1 − e^(−400/118)) ≈ 114.
    assert!(lengths > 95, "{lengths}");
    assert!(equal <= 1, "{equal}");
}

#[test]
fn many_threads_use_one_key() {
    let key = SMALLER_FIRST.key(Check::Known).unwrap();
    let public = key.public().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let (key, public) = (&key, &public);
            scope.spawn(move || {
                for round in 0..40_u8 {
                    let digest = [thread * 31 + round % 31; 32];
                    for padding in every_signature_padding() {
                        let (input, mut signature) = (&digest[..digest_bytes(&padding)], [0; 128]);
                        key.sign(&padding, input, &mut signature).unwrap();
                        assert_eq!(public.verify(&padding, input, &signature), Ok(()));
                    }
                }
            });
        }
    });
}

#[derive(Clone, Copy)]
struct Numbers {
    n: &'static str,
    e: &'static str,
    d: &'static str,
    p: &'static str,
    q: &'static str,
}

impl Numbers {
    fn key(self, check: Check) -> Result<PrivateKey, Error> {
        let [n, e, d, p, q] = [self.n, self.e, self.d, self.p, self.q].map(hex);
        let components = Components {
            modulus: &n,
            public_exponent: &e,
            private_exponent: &d,
            prime_1: Some(&p),
            prime_2: Some(&q),
            exponent_1: None,
            exponent_2: None,
            coefficient: None,
        };
        PrivateKey::from_components(&components, check)
    }
}

const HASHES: [Algorithm; 12] = [
    Algorithm::Md5,
    Algorithm::Sha1,
    Algorithm::Sha224,
    Algorithm::Sha256,
    Algorithm::Sha384,
    Algorithm::Sha512,
    Algorithm::Sha512_224,
    Algorithm::Sha512_256,
    Algorithm::Sha3_224,
    Algorithm::Sha3_256,
    Algorithm::Sha3_384,
    Algorithm::Sha3_512,
];

fn all_components(key: &PrivateKey) -> [Vec<u8>; 8] {
    Component::ALL.map(|component| key.component(component).unwrap().expose().to_vec())
}

fn components(numbers: &[Vec<u8>; 8]) -> Components<'_> {
    let [n, e, d, p, q, exponent_1, exponent_2, coefficient] = numbers;
    Components {
        modulus: n,
        public_exponent: e,
        private_exponent: d,
        prime_1: Some(p),
        prime_2: Some(q),
        exponent_1: Some(exponent_1),
        exponent_2: Some(exponent_2),
        coefficient: Some(coefficient),
    }
}

fn every_signature_padding() -> [SignaturePadding; 4] {
    [
        SignaturePadding::Raw,
        SignaturePadding::Pkcs1,
        SignaturePadding::Pkcs1Digest(Algorithm::Sha256),
        SignaturePadding::Pss { hash: Algorithm::Sha256, mgf: Algorithm::Sha1, salt_bytes: 32 },
    ]
}

fn digest_bytes(padding: &SignaturePadding) -> usize {
    if matches!(padding, SignaturePadding::Raw | SignaturePadding::Pkcs1) { 20 } else { 32 }
}

fn assert_signs_for(key: &PrivateKey, public: &PublicKey) {
    for padding in every_signature_padding() {
        let input = &[0xd1; 32][..digest_bytes(&padding)];
        let mut signature = vec![0; key.bytes()];
        assert_eq!(key.sign(&padding, input, &mut signature), Ok(key.bytes()));
        assert_eq!(public.verify(&padding, input, &signature), Ok(()), "{padding:?}");
        for place in [0, key.bytes() / 2, key.bytes() - 1] {
            let mut wrong = signature.clone();
            wrong[place] ^= 1;
            assert_eq!(public.verify(&padding, input, &wrong), Err(Error::Authentication), "{padding:?}");
        }
        assert_eq!(public.verify(&padding, input, &signature[1..]), Err(Error::Authentication));
        assert_eq!(public.verify(&padding, input, &[]), Err(Error::Authentication));
        let changed = [&input[..input.len() - 1], &[0]].concat();
        assert_eq!(public.verify(&padding, &changed, &signature), Err(Error::Authentication));
    }
}

const SMALLER_FIRST: Numbers = Numbers {
    n: "cbdd994b340d4f676a67205d4d7ff95bfddaf689278c7c6edddbf4cb503ca7141258646d5a1430847776fe963782123e54c8\
        7af5761b7fce3a16760241182dc484560312bb490761927af0ba25a392b9753d7cc4c21a969b61d3ca057483f47c95000e17\
        099309d65e0676ddcee49aec8453ceb7b1c90f45180a5fbe7e88df81",
    e: "010001",
    d: "3cbee3168d8409ccfedf8bbd41828882e8b97e0c9044442fa4dc0dad27536b5587c1deead6947d807b3871d3c0e67919299a\
        334940d020dd0a61f6f7e4fd976516bc0565fe04464cd1cd073fc3b00f3791a05fb7dc13fe1e231a75ab0753469825e672eb\
        8256abc7ce78e3f4b7f2f18b864b5f69921f80af5f3477c08e8761",
    p: "d62a82bbd684f471926c6979ccc0e1960aa1eb3fd2d7e66ca72181b5ad15f87553f60b67146c4998783cb54302c28d7f815d\
        37757ca658ab92dba14a53aaabe1",
    q: "f3b0025bac503c3e72081dffb4a74b6a1756702a7b8866bdf8fbffe03b3be1a8e99779e793cc7a6a3af000fb05810cb6376a\
        4c5022c4b55b1efbe4aad473a7a1",
};

const LARGE_EXPONENT: Numbers = Numbers {
    n: "b65b089b66fb132f3a6e6e09eea2e2edd59cb0d052e79394ffe7f7eb53995acd540e809f5c91872e68cd7b56f2858866c8dc\
        da1b6374997ad965e608039dea972fc6b141f38cfffd3b6a5d54b6fb5bd8ae4338de35ec2437fc92e26f034902768753abc8\
        2d02f5c99a9a8919a0acaea9e372b663fc23c3be11a4f714b768895d",
    e: "d5a39f1c77e10b2d4c61",
    d: "2e21c606e384098b187f3e8855e9d716c43c6feb5a097db4d46a5cb1ba9e3f8e63bddc25f6304abbd229bced6dbde2345a78\
        405b9bb17f671ceae67f67a0a72b2c6ef30c81727d79b3785b4bb11f617e7a28928be56ea5b06b69093fa7787b7d74a6c843\
        1422cafd32d0758c25813bd83ad46feb02ed2c2db4867243e929a947",
    p: "cdb52c0f7d2af8898fecac1b299d9eefde2a98edc6718b03291ee34c9d2a0d188dd73c8a55a316f4235b7a1857b5ec2ed54d\
        17894242e3c61dd1621f9d6a7db3",
    q: "e2f04cfc2d78affc1e9d9e41a30e69f3e313ca4da6cdd9b7fa291c948014e05c4438c758b314b734ffb35df974edffe121b0\
        cec9a4068de9d8c27d4139faf4af",
};

const ODD_LENGTH: Numbers = Numbers {
    n: "010e96b3ca8a7ee72790139b4dd2d5d37bb2cb9fec8329a0c7281a9ce07ce05e19f6d9bb54e66034c8a1a2176ce7c4ae3760\
        c6b9f704e83fdb7331f7f7039f12f86723aa866b9cf197b9b32e48bf1cf0139feeffb17686757e28644c72a1d94fb326f14a\
        9708e3cef486b67aad1a506aec5966e83a238c0b6cdad32aee7d6c52b9",
    e: "010001",
    d: "08e978c1767f4880ba9392bd64f0caf6db842e5fbd502d2df209b25a0872e1568c954e40b517bd15509184a0ff1f30b7bd35\
        be613ee5a158ca79fe5741e4c6dc97d330591aa461af0f3e2b3bf417cc15eb15076a86a31e3c9ffa962dfff869a37a5e6cd4\
        7c2fceca151a16bd9ac6d36b34c7d07d9f2110fc8654ba318a72ca41",
    p: "01e864cf3f28ce528f848f55ebdc50c4c0d6b9ad59cc17f7cd4977feb2b0f0af9f9e959897a80b27c2bb84f4691e315585f8\
        42b26bf78d7cea6daa6c3a5e61a5a9",
    q: "8dd56df3f1ec4ac5eb1b21773c5eeaa90c57b75317e2151d8afce3977af8721276e0447af55bf275b4a393f0e72326f2f508\
        c7fd1074e81a051dc57dc9044e91",
};

const UNEVEN: Numbers = Numbers {
    n: "ec4df3fbb0a324567214e641fa04526f50b918b0b22125626bf0a2f4c828fb1f434a12ee335d4eb954efb447130b6b34837e\
        2be97aedf7f909651c8e792b659625c6e6e9b2e0a50818e6df103c8d12767b65501e37cbc66dd2241bfc0b5ae73b72fad7da\
        3799bb5ff37e39da9671bd16039a571ee1ca4dc5de1aec083345b137",
    e: "010001",
    d: "71f48bbeea295a8a379cbd87be9e9bf4637cc79bda6322a8aa7e12cfb1c1158d37817ecc9147a381bba4970f196f8dc47bff\
        5c63e03bfed05f9ecea629c62d72567e19e945bca5d7a4299fde331a67c961ed022ee56872ef14407345191296671c531636\
        7d14c722f65b4fe52a86eaddc5705ea649e0d135531b37314c885571",
    p: "feaa175c3166dedafc5e577b25a68a81b72caa1c443c13fd19f0c815b76bba984e50c86a2d731645652c8d8e6728a1af7da1\
        e986a1e526a4b58922a9ecb1ec2552c61efefa1d5351fd6230bb4f71a151",
    q: "ed8b364928a03bcfcd0282f75b527c6b5872552612699de1f1c5019b864209daa6e3959d665933c494ab590bbe33c807",
};

const SHORT_PRIME: Numbers = Numbers {
    n: "c3c869ebcf33bfa3e9521fd18a75b67e7c1b85b7021e3eb72fe862bde85f97025b6cd6c4079c53ad9e4bc4b5570981af93db\
        883bf05629db3a5665d8b29ee22b5baa9a89c9495cfca76904d2aa9a7c16ef9751123b3d483b8a10c4b1940d27baf8ed567d\
        884c4f9aefad74da9f8f9224112a2c19f437c0e507fe0dac7cc95b19",
    e: "010001",
    d: "154c64a5780d87a013be50e2d13ebc03278a30f23743460c54892d2cb430f30fac9b914ba9e34f5fd93d1790b6bbf720260a\
        5def19c87ecb1b7dbe3842cb86f7e279f76080ec76e3f3a28b1b3a35f81506cc8a2a96cbc3a937acf272039f44e5df31e64b\
        3be6680e9e75cbd40ff335ce6da9406d527d128d4df53e3633a58997",
    p: "fa1493862e07697e8d367332372629025a7621ee2e8cc25545555f717489c75339fcda9513a0486d48c30f7e62aa9f06704c\
        a0a2e98aaf9e0b2785a36949b49692bf73de959e9d25ed4d66aba95ce10af7af177a7c92dd7e34eca8bad5916d8b9a98bfbb\
        7f34bb",
    q: "c86aceeedcf3ba5e7f17d37025cde19e51076b550f28bf5c3b",
};

const CLOSE: Numbers = Numbers {
    n: "9ce6f96575476b548d1200d6ab94b28e2b00e9b4723320899bb9b601cebb1fa2b883269b4d61c47c0a16e3cb4cf0974a82a0\
        fb1b489cb1410f924f083b00d1a1b3282b3075b0397a729dec4903be9fbea544bf549c7ddecb3169c1924170ce1cf6b17e15\
        c80815aa88882360d1d360ac65c6c7d708a51a4513c60247049862f3",
    e: "010001",
    d: "0950828d545fa2d4eebf0176236c49d488ca38158c12d223792f6362e47beef4a76b19c43add3192b5ef6cbc8327cadd13b7\
        c66a0e6ee0862ba5e14d392eafdcbacce5e73f91008e449fc71f7d269b39c6ace0f095b6e5b612fb943c9c2a0b9814cae80f\
        fde2ab5a73c73f84c03cea0b68baf12c77a85e7de74452c0eb529279",
    p: "c86ac09045bb7c43c586a2e4071fe6d9a415f84fcbe6926df4e07d4a5856c38db301c89ea6eb38af50d13164320f6557409d\
        9b3cc7440b4da533041fe6911087",
    q: "c86ac09045bb7c43c586a2e40720e6d9a415f84fcbe6926df4e07d4a5856c38db301c89ea6eb38af50d13164320f6557409d\
        9b3cc7440b4da533041fe6911135",
};

const COMPOSITE: Numbers = Numbers {
    n: "016a3028d339e9d7712910d7af854644ca7377b3b6ae23c7d728811e44f4797a887ecd552378a464608e65b32d0ab001991f\
        6f31f58e04a1fde3d1cc958232b7d6b6a004b500d65d15767c2e9d7c8339641489ff693b751fc2a8a2aa534c65a8e36e8ce6\
        628668fb9295d02df14477668f4bcc59753777b2cd222e5d3d0afa6c71",
    e: "010001",
    d: "25a1ae06e45ee0e7a7b5fc485c61ef5bd44b7cfcb4c89046fc0a63b413c2b0c73b303d1c5bb898efff5b9f1645a4abf080f7\
        9e0a942049c4861b3cffd11b514659675911710792f8629f5c4ce65924028cf05b3afb729a81c3636e085310896ecf34fdf5\
        65c9f86005ebb5f43eafd433e44f11f328ec0c9b8c544981aa833ad1",
    p: "fabef2059714796fd4a073370c77593eaa39fd957fbb091ffa738a7cda4d369fe8c3a128b1ef9b3796843ddd1c5ece706922\
        0de22c7f03d73133010f26a6596b",
    q: "0171c7039e0a53b5a1b66b899d2d669141e6eb7ede8f747d081dec4d2977203f5be918872757ae54667d86f13bbbab01f327\
        bac0967e71bbc21fe83e2135803c93",
};

const SMALL_D: Numbers = Numbers {
    n: "db9f76706bde9694c92a4d11206e88b6c42be8c46ff4c4f9c9384926fe17decf9c752959e7676e9f8b6aa8a3603d8d41ea77\
        8e76c3b9d05a7ce98168366f62b0dfac49f58ee66ecab135fbdb17e779e14f938bafb7f69e0bc8ef37be2d3e416e39fff4f0\
        19f688fda61c46aecded54cb1a813e7f50afc15dfd0c757bdc236b2d",
    e: "2621f4254c257d2ad88dc5102dcb4c0c387b8da5f2cec3b0bbd85901aae96519598183b50e4507ee28ce095d929b982305a8\
        37165f3003418c42ddfda9cbfc39e80887980e640a4582a58f0d56a071be0d52252bb287cab00d1f028255fd77e9ed8b8196\
        1f785ad151dee49d3bea840ca4a1ff11e7802cba3921a1c0be3d62fd",
    d: "ac39099863461a77a71c539b44f836553b09f1682536308565",
    p: "fd5423900beb2099bf2a3e221c61c404e86f46cbd1d0dbe862c27246774099c3fcf784542e80749108f1b4eeac0bce9c86ed\
        335811b2d5b810b4eebd74eeaba9",
    q: "ddf055c0cdc59e7105677ed625b417249ef86110efb55d9850741cfab89bd22a16e1a159f8668e580a9f480cb6ab8a936106\
        cce82ddf2d3c444faeb7ab7715e5",
};

const FINGERPRINT: Numbers = Numbers {
    n: "bf6c46951d2c09f4fa94fe6b3b677d6f853cc82f3d24c67c99a9600d5aea80f20713123930e0ebb722a4b3ced6ea1a406093\
        ed916a6fcd7909aa1f0a6298d8c9a298634fb5a438112b7af20287e0e5b6e56946fabaaa342f8f3e2b12c1c1b12899062ded\
        991da03896c46f46e0ab61ccaf51d9af5c1b836c707e52ae018fd5bf",
    e: "010001",
    d: "ed08265e7ec1099350b72e539a3b8c178be4b7fdc6b8c30f873734b954db0cd0a5f1f79ed9e7a9fa1bebd6bb4964991d1e7a\
        0eb302196f5571a236cda5499f25ea4f70581cccd7e1351b197b0148bdd6ffa899dfd97d7ed97f871835decab9d4347b8c9f\
        747e3328226f86d1e24b532088595b6332ab22ba70478afcf50511",
    p: "e860d90e04d73bded306e663f1ce2123f280b9bf4f357930e5294f9d61492ea356774204f2e13b61bdcf0b69a9152fbd2225\
        565210f7408c21b54303c2ae9e77",
    q: "d2e1a6ccf48525a42c0c6dab6c450abb89858b2fbff4db05f0091295b54389498e37e6fa6993152c2e1528b481ca84e67b05\
        d6c1cab1511790fffdaeafeeecf9",
};

/// Modulo a prime each of the attempts to find two primes would be in vain, and they take long together.
#[test]
fn a_prime_modulus_is_refused() {
    let prime = strongroom_crypto::dh::KnownGroup::Ffdhe2048.prime().unwrap();
    // Its own inverse modulo the order, p - 1.
    let mut exponent = prime.clone();
    *exponent.last_mut().unwrap() -= 2;
    let components = Components {
        modulus: &prime,
        public_exponent: &exponent,
        private_exponent: &exponent,
        prime_1: None,
        prime_2: None,
        exponent_1: None,
        exponent_2: None,
        coefficient: None,
    };
    let refused = PrivateKey::from_components(&components, Check::Full).err();
    assert_eq!(refused, Some(Error::KeyValue("the private exponent does not belong to the public key")));
}
