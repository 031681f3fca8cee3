//! Key derivations: Wycheproof, NIST's validation vectors, RFC values, and the definitions followed with another
//! implementation's HMAC.

mod common;

use std::collections::HashMap;

use common::{Random, hex};
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Digest as _;
use strongroom_crypto::Error;
use strongroom_crypto::derive::ike::{self, First, Session};
use strongroom_crypto::derive::sp800_108::{self, Field, LengthMethod, Prf};
use strongroom_crypto::derive::{hkdf_expand, hkdf_extract, pbkdf2, sp800_56c, tls10_prf, tls12_prf, x963};
use strongroom_crypto::hash::{Algorithm, digest};
use strongroom_crypto::mac::{Key, Mac};

fn filled(len: usize, derive: impl FnOnce(&mut [u8]) -> Result<(), Error>) -> Result<Vec<u8>, Error> {
    let mut out = vec![0xaa; len];
    derive(&mut out).map(|()| out)
}

// Another implementation's HMAC-SHA256.
fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

const HMAC_SHA256: Prf = Prf::Hmac(Algorithm::Sha256);
const IKE_SHA256: ike::Prf = ike::Prf::Hmac(Algorithm::Sha256);

fn wycheproof(name: &str, mut check: impl FnMut(&serde_json::Value)) {
    let path = format!("{}/../tests/vectors/wycheproof/{name}", env!("CARGO_MANIFEST_DIR"));
    let root: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut count = 0;
    for case in root["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()) {
        check(case);
        count += 1;
    }
    assert_eq!(root["numberOfTests"], count);
}

fn field(case: &serde_json::Value, name: &str) -> Vec<u8> {
    hex(case[name].as_str().unwrap_or_else(|| panic!("{name} in {case}")))
}

#[test]
fn wycheproof_hkdf() {
    for (name, hash) in [
        ("hkdf_sha1_test.json", Algorithm::Sha1),
        ("hkdf_sha256_test.json", Algorithm::Sha256),
        ("hkdf_sha384_test.json", Algorithm::Sha384),
        ("hkdf_sha512_test.json", Algorithm::Sha512),
    ] {
        let mut valid = 0;
        wycheproof(name, |case| {
            let got = case["size"].as_u64().unwrap() as usize;
            let prk = hkdf_extract(hash, &field(case, "salt"), &field(case, "ikm")).unwrap();
            let okm = filled(got, |out| hkdf_expand(hash, prk.expose(), &field(case, "info"), out));
            let expected =
                if case["result"] == "valid" { Ok(field(case, "okm")) } else { Err(Error::KeyLength { got }) };
            valid += u32::from(expected.is_ok());
            assert_eq!(okm, expected, "{case}");
        });
        assert!(valid > 60, "{name}");
    }
}

/// RFC 5869 A.1 gives the key in between.
#[test]
fn hkdf_extract_gives_the_pseudo_random_key() {
    let prk = hkdf_extract(Algorithm::Sha256, &hex("000102030405060708090a0b0c"), &[0x0b; 22]).unwrap();
    assert_eq!(prk.expose(), hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"));
}

fn hmac(hash: Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Mac::start(&std::sync::Arc::new(Key::hmac(hash, key).unwrap()), &[]).unwrap();
    parts.iter().for_each(|part| mac.update(part).unwrap());
    let mut tag = vec![0; mac.full_bytes()];
    mac.finish(&mut tag).unwrap();
    tag
}

#[test]
fn every_hash_can_be_derived_with_as_its_definition_says() {
    let mut count = 0;
    for hash in Algorithm::ALL {
        // Only functions with an HMAC.
        if matches!(hkdf_extract(hash, b"", b""), Err(Error::Parameter(_))) {
            continue;
        }
        count += 1;
        let bytes = hash.output_bytes();
        let prk = hmac(hash, b"salt", &[b"input"]);
        assert_eq!(hkdf_extract(hash, b"salt", b"input").unwrap().expose(), prk, "{hash:?}");
        let first = hmac(hash, &prk, &[b"info", &[1]]);
        let second = hmac(hash, &prk, &[&first, b"info", &[2]]);
        let okm = filled(2 * bytes, |out| hkdf_expand(hash, &prk, b"info", out));
        assert_eq!(okm, Ok([first, second].concat()), "{hash:?}");

        let one = hmac(hash, b"password", &[b"salt", &[0, 0, 0, 1]]);
        let two = hmac(hash, b"password", &[&one]);
        let sum: Vec<u8> = one.iter().zip(&two).map(|(a, b)| a ^ b).collect();
        assert_eq!(filled(bytes, |out| pbkdf2(hash, b"password", b"salt", 2, out)), Ok(sum), "{hash:?}");

        let first = hmac(hash, b"secret", &[b"label", b"seed"]);
        let second = hmac(hash, b"secret", &[&first]);
        let expected = [first, second].map(|a| hmac(hash, b"secret", &[&a, b"label", b"seed"])).concat();
        let out = filled(2 * bytes - 1, |out| tls12_prf(hash, b"secret", b"label", &[b"seed"], out));
        assert_eq!(out.as_deref(), Ok(&expected[..2 * bytes - 1]), "{hash:?}");

        let hashed = |parts: &[&[u8]]| {
            let mut output = vec![0; bytes];
            digest(hash, &parts.concat(), &mut output).unwrap();
            output
        };
        let counters = [[0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 3]];
        let expected = counters.map(|counter| hashed(&[b"secret", &counter, b"info"])).concat();
        let out = filled(2 * bytes + 5, |out| x963(hash, b"secret", b"info", out));
        assert_eq!(out.as_deref(), Ok(&expected[..2 * bytes + 5]), "{hash:?}");
        let expected = counters.map(|counter| hashed(&[&counter, b"secret", b"info"])).concat();
        let out = filled(2 * bytes + 5, |out| sp800_56c(hash, b"secret", b"info", out));
        assert_eq!(out.as_deref(), Ok(&expected[..2 * bytes + 5]), "{hash:?}");
    }
    assert_eq!(count, 12);
}

#[test]
fn one_step_derivations_are_those_of_another_hash_implementation() {
    for (len, shared, info) in [(1, &b"z"[..], &b""[..]), (32, b"zz", b"i"), (100, &[7; 66], &[9; 40])] {
        let blocks = |order: [usize; 3]| -> Vec<u8> {
            let input = |i: u32| order.map(|part| [&i.to_be_bytes(), shared, info][part].to_vec()).concat();
            (1..=4).flat_map(|i| sha2::Sha256::digest(input(i))).take(len).collect()
        };
        let expected = blocks([1, 0, 2]);
        assert_eq!(filled(len, |out| x963(Algorithm::Sha256, shared, info, out)), Ok(expected));
        let expected = blocks([0, 1, 2]);
        assert_eq!(filled(len, |out| sp800_56c(Algorithm::Sha256, shared, info, out)), Ok(expected));
    }
    assert_eq!(sp800_56c(Algorithm::Sha256, b"", b"", &mut [0; 4]), Err(Error::KeyLength { got: 0 }));
    assert_eq!(sp800_56c(Algorithm::Sha256, b"z", b"", &mut []), Err(Error::KeyLength { got: 0 }));
}

/// From NIST's ansx963_2001.
#[test]
fn nist_x963() {
    for (hash, shared, info, expected) in [
        (
            Algorithm::Sha1,
            "fd17198b89ab39c4ab5d7cca363b82f9fd7e23c3984dc8a2",
            "856a53f3e36a26bbc5792879f307cce2",
            "6e5fad865cb4a51c95209b16df0cc490bc2c9064405c5bccd4ee4832a531fbe7f10cb79e2eab6ab1149fbd5a23cfdabc
             41242269c9df22f628c4424333855b64e95e2d4fb8469c669f17176c07d103376b10b384ec5763d8b8c610409f19aca8
             eb31f9d85cc61a8d6d4a03d03e5a506b78d6847e93d295ee548c65afedd2efec",
        ),
        (
            Algorithm::Sha224,
            "da67a73072d521a8272c69023573012ddf9b46bff65b3900",
            "727997aed53e78f74b1d66743a4ea4d2",
            "dfc3126c5eebf9a58d89730e8d8ff7cc772592f28c10b349b437d9d068698a22e532eae975dfaf9c5c6a9f2935eafb05
             353013c253444e61f07bc9ddd15948e614bdc7e445ba3b1893f42f87f18fb352d49956009a642c362d45410b43a9ab37
             6e9261210739174759511d1f9e52f6ec73dfed446dbafaf7fd1a57113abc2e8d",
        ),
        (
            Algorithm::Sha256,
            "22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d",
            "75eef81aa3041e33b80971203d2c0c52",
            "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e52a13d9c7c6fc878c50c5ea0bc7b00e0
             da2447cfd874f6cf92f30d0097111485500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496269
             142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21",
        ),
        (Algorithm::Sha256, "96c05619d56c328ab95fe84b18264b08725b85e33fd34f08", "", "443024c3dae66b95e6f5670601558f71"),
        (Algorithm::Sha384, "d8554db1b392cd55c3fe957bed76af09c13ac2a9392f88f6", "", "671a46aada145162f8ddf1ca586a1cda"),
        (
            Algorithm::Sha384,
            "c051fd22539c9de791d6c43a854b8f80a6bf70190050854a",
            "1317504aa34759bb4c931e3b78201945",
            "cf6a84434734ac6949e1d7976743277be789906908ad3ca3a8923da7f476abbeb574306d7243031a85566914bfd247d2
             519c479953d9d55b6b831e56260806c39af21b74e3ecf470e3bd8332791c8a23c13352514fdef00c2d1a408ba31b2d3f
             9fdcb373895484649a645d1845eec91b5bfdc5ad28c7824984482002dd4a8677",
        ),
        (Algorithm::Sha512, "87fc0d8c4477485bb574f5fcea264b30885dc8d90ad82782", "", "947665fbb9152153ef460238506a0245"),
        (
            Algorithm::Sha512,
            "00aa5bb79b33e389fa58ceadc047197f14e73712f452caa9fc4c9adb369348b81507392f1a86ddfdb7c4ff8231c4bd0f
             44e44a1b55b1404747a9e2e753f55ef05a2d",
            "e3b5b4c1b0d5cf1d2b3a2f9937895d31",
            "4463f869f3cc18769b52264b0112b5858f7ad32a5a2d96d8cffabf7fa733633d6e4dd2a599acceb3ea54a6217ce0b50e
             ef4f6b40a5c30250a5a8eeee208002267089dbf351f3f5022aa9638bf1ee419dea9c4ff745a25ac27bda33ca08bd56dd
             1a59b4106cf2dbbc0ab2aa8e2efa7b17902d34276951ceccab87f9661c3e8816",
        ),
    ] {
        let expected = hex(expected);
        let out = filled(expected.len(), |out| x963(hash, &hex(shared), &hex(info), out));
        assert_eq!(out, Ok(expected), "{hash:?}");
    }
}

#[test]
fn wycheproof_pbkdf2() {
    let mut left_out = 0;
    for (name, hash) in [
        ("pbkdf2_hmacsha1_test.json", Algorithm::Sha1),
        ("pbkdf2_hmacsha224_test.json", Algorithm::Sha224),
        ("pbkdf2_hmacsha256_test.json", Algorithm::Sha256),
        ("pbkdf2_hmacsha384_test.json", Algorithm::Sha384),
        ("pbkdf2_hmacsha512_test.json", Algorithm::Sha512),
    ] {
        wycheproof(name, |case| {
            assert_eq!(case["result"], "valid");
            let iterations = case["iterationCount"].as_u64().unwrap() as u32;
            if iterations > 1_000_000 {
                // The 16 777 216 iterations of RFC 6070 take seconds.
                return left_out += 1;
            }
            let len = case["dkLen"].as_u64().unwrap() as usize;
            let (password, salt) = (field(case, "password"), field(case, "salt"));
            let key = filled(len, |out| pbkdf2(hash, &password, &salt, iterations, out));
            assert_eq!(key, Ok(field(case, "dk")), "{case}");
        });
    }
    assert_eq!(left_out, 1);
    assert!(matches!(pbkdf2(Algorithm::Sha256, b"p", b"s", 0, &mut [0; 8]), Err(Error::Parameter(_))));
}

/// From the mailing list of the IETF's TLS working group, message 03416.
#[test]
fn tls12_values_of_the_working_group() {
    for (hash, secret, seed, start, end) in [
        (
            Algorithm::Sha256,
            "9bbe436ba940f017b17652849a71db35",
            "a0ba9f936cda311827a6f796ffd5198c",
            "e3f229ba727be17b8d122620557cd453",
            "a48082d122ee42c5a72e5a5110fff70187347b66",
        ),
        (
            Algorithm::Sha384,
            "b80b733d6ceefcdc71566ea48e5567df",
            "cd665cf6a8447dd6ff8b27555edb7465",
            "7b0c18e9ced410ed1804f2cfa34a336a",
            "91c8f3a26854308d5eaa3be85e0990703d73e56f",
        ),
        (
            Algorithm::Sha512,
            "b0323523c1853599584d88568bbb05eb",
            "d4640e12e4bcdbfb437f03e6ae418ee5",
            "1261f588c798c5c201ff036e7a9cb5ed",
            "0d1a397a1028bff5d2ef5066126842fb8da4197632bdb54ff6633f86bbc836e640d4d898",
        ),
    ] {
        let len = match hash {
            Algorithm::Sha256 => 100,
            Algorithm::Sha384 => 148,
            _ => 196,
        };
        let (seed, end) = (hex(seed), hex(end));
        let out = filled(len, |out| tls12_prf(hash, &hex(secret), b"test label", &[&seed], out)).unwrap();
        assert_eq!((&out[..16], &out[len - end.len()..]), (&hex(start)[..], &end[..]), "{hash:?}");
    }
}

// A file of NIST's: headers in brackets, then cases of "name = value" lines, each beginning with its count.
fn nist(name: &str, mut check: impl FnMut(&[String], &HashMap<String, String>)) -> usize {
    let path = format!("{}/../tests/vectors/nist/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (mut headers, mut case, mut count) = (Vec::new(), HashMap::new(), 0);
    for line in text.lines().map(str::trim).chain(["[end"]) {
        let begins = line.starts_with('[') || line.starts_with("COUNT");
        if begins && !case.is_empty() {
            check(&headers, &std::mem::take(&mut case));
            count += 1;
            if line.starts_with('[') {
                headers.clear();
            }
        }
        if let Some(header) = line.strip_prefix('[') {
            headers.push(header.trim_end_matches(']').to_owned());
        } else if let Some((name, value)) = line.split_once('=') {
            case.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
    count
}

#[test]
fn nist_tls() {
    let count = nist("tls.rsp", |headers, case| {
        let prf = |secret: &[u8], label: &[u8], seed: &[&[u8]], len| {
            filled(len, |out| match headers[0].as_str() {
                "TLS 1.0/1.1" => tls10_prf(secret, label, seed, out),
                "TLS 1.2, SHA-256" => tls12_prf(Algorithm::Sha256, secret, label, seed, out),
                other => panic!("{other}"),
            })
        };
        let bytes = |name: &str| hex(&case[name]);
        let seed = [&bytes("clientHello_random")[..], &bytes("serverHello_random")];
        let master = prf(&bytes("pre_master_secret"), b"master secret", &seed, 48).unwrap();
        assert_eq!(master, bytes("master_secret"));
        let (server, client, block) = (bytes("server_random"), bytes("client_random"), bytes("key_block"));
        for seed in [
            &[&server[..], &client][..],
            &[&[&server[..], &client].concat()],
            &[&[], &server[..9], &server[9..], &client],
        ] {
            assert_eq!(prf(&master, b"key expansion", seed, block.len()).as_ref(), Ok(&block));
        }
    });
    assert_eq!(count, 20);
}

fn sp800_108_prf(name: &str) -> Prf {
    match name.strip_prefix("PRF=").unwrap() {
        "CMAC_AES128" | "CMAC_AES192" | "CMAC_AES256" => Prf::CmacAes,
        "CMAC_TDES2" | "CMAC_TDES3" => Prf::CmacDes3,
        "HMAC_SHA1" => Prf::Hmac(Algorithm::Sha1),
        "HMAC_SHA224" => Prf::Hmac(Algorithm::Sha224),
        "HMAC_SHA256" => Prf::Hmac(Algorithm::Sha256),
        "HMAC_SHA384" => Prf::Hmac(Algorithm::Sha384),
        "HMAC_SHA512" => Prf::Hmac(Algorithm::Sha512),
        other => panic!("{other}"),
    }
}

// Runs one of the files: what the function takes is put together from the headers.
fn nist_sp800_108(
    name: &str,
    derive: impl Fn(Prf, &[u8], &[u8], &[Field<'_>], &mut [u8]) -> Result<(), Error>,
) -> usize {
    nist(name, |headers, case| {
        let bytes = |name: &str| case.get(name).map(|value| hex(value)).unwrap_or_default();
        let (before, after, fixed) = (bytes("DataBeforeCtrData"), bytes("DataAfterCtrData"), bytes("FixedInputData"));
        let bits = headers
            .get(2)
            .map(|header| header.trim_start_matches("RLEN=").trim_end_matches("_BITS").parse::<usize>().unwrap());
        let counter = Field::Counter { bits: bits.unwrap_or_default(), little_endian: false };
        let optional = Field::OptionalCounter { bits: bits.unwrap_or_default(), little_endian: false };
        let fixed = Field::Bytes(&fixed);
        let fields = match headers.get(1).map(String::as_str) {
            Some("CTRLOCATION=BEFORE_FIXED") => vec![counter, fixed],
            Some("CTRLOCATION=AFTER_FIXED") if name.contains("counter.rsp") => vec![fixed, counter],
            Some("CTRLOCATION=MIDDLE_FIXED") => vec![Field::Bytes(&before), counter, Field::Bytes(&after)],
            Some("CTRLOCATION=BEFORE_ITER") => vec![optional, Field::Iteration, fixed],
            Some("CTRLOCATION=AFTER_ITER") => vec![Field::Iteration, optional, fixed],
            Some("CTRLOCATION=AFTER_FIXED") => vec![Field::Iteration, fixed, optional],
            None => vec![Field::Iteration, fixed],
            other => panic!("{other:?}"),
        };
        let expected = bytes("KO");
        assert_eq!(case["L"], (expected.len() * 8).to_string());
        let out =
            filled(expected.len(), |out| derive(sp800_108_prf(&headers[0]), &bytes("KI"), &bytes("IV"), &fields, out));
        assert_eq!(out, Ok(expected), "{name} {headers:?} {case:?}");
    })
}

#[test]
fn nist_sp800_108_counter_mode() {
    let count = nist_sp800_108("sp800_108_counter.rsp", |prf, key, _, fields, out| {
        sp800_108::counter(prf, key, fields, &mut [out])
    });
    assert_eq!(count, 240);
}

#[test]
fn nist_sp800_108_feedback_mode() {
    for (name, expected) in [
        ("sp800_108_feedback.rsp", 120),
        ("sp800_108_feedback_empty_iv.rsp", 120),
        ("sp800_108_feedback_no_counter.rsp", 30),
    ] {
        let count =
            nist_sp800_108(name, |prf, key, iv, fields, out| sp800_108::feedback(prf, key, iv, fields, &mut [out]));
        assert_eq!(count, expected, "{name}");
    }
}

#[test]
fn nist_sp800_108_double_pipeline_mode() {
    for (name, expected) in [("sp800_108_pipeline.rsp", 240), ("sp800_108_pipeline_no_counter.rsp", 30)] {
        let count =
            nist_sp800_108(name, |prf, key, _, fields, out| sp800_108::double_pipeline(prf, key, fields, &mut [out]));
        assert_eq!(count, expected, "{name}");
    }
}

const COUNTER: Field<'_> = Field::Counter { bits: 16, little_endian: false };

fn length(method: LengthMethod, bits: usize, little_endian: bool) -> Field<'static> {
    Field::DkmLength { method, bits, little_endian }
}

/// The library has counter mode for HMAC with a counter of 32 bits in front.
#[test]
fn counter_mode_is_the_librarys_where_that_has_it() {
    let mut random = Random::new(71);
    for len in [1, 31, 32, 33, 200] {
        let (key, info) = (random.bytes(40), random.bytes(len));
        let mut expected = vec![0; len];
        // SAFETY: every pointer is valid for the length beside it.
        let done = unsafe {
            aws_lc_sys::KBKDF_ctr_hmac(
                expected.as_mut_ptr(),
                len,
                aws_lc_sys::EVP_sha256(),
                key.as_ptr(),
                key.len(),
                info.as_ptr(),
                info.len(),
            )
        };
        assert_eq!(done, 1);
        let fields = [Field::Counter { bits: 32, little_endian: false }, Field::Bytes(&info)];
        assert_eq!(filled(len, |out| sp800_108::counter(HMAC_SHA256, &key, &fields, &mut [out])), Ok(expected));
    }
}

/// The example of "Deriving Additional Keys": 48 and 16 bytes with SHA-256 take three segments.
#[test]
fn keys_are_made_from_segments_of_their_own() {
    for (method, bits) in [(LengthMethod::SumOfKeys, 512_u16), (LengthMethod::SumOfSegments, 768)] {
        let fields = [COUNTER, Field::Bytes(b"label\0context"), length(method, 16, false)];
        let (mut first, mut second) = ([0; 48], [0; 16]);
        sp800_108::counter(HMAC_SHA256, b"base", &fields, &mut [&mut first, &mut second]).unwrap();
        let segment = |i: u16| hmac_sha256(b"base", &[&i.to_be_bytes(), b"label\0context", &bits.to_be_bytes()]);
        assert_eq!(first[..32], segment(1));
        assert_eq!(first[32..], segment(2)[..16]);
        assert_eq!(second, segment(3)[..16]);
    }
}

#[test]
fn numbers_have_the_width_and_the_order_asked_for() {
    for (bits, little_endian, counter, len) in [
        (8, false, &[1][..], &[0xf8][..]),
        (16, true, &[1, 0], &[0xf8, 0]),
        (24, false, &[0, 0, 1], &[0, 0, 0xf8]),
        (24, true, &[1, 0, 0], &[0xf8, 0, 0]),
        (32, true, &[1, 0, 0, 0], &[0xf8, 0, 0, 0]),
        (40, false, &[], &[0, 0, 0, 0, 0xf8]),
        (48, true, &[], &[0xf8, 0, 0, 0, 0, 0]),
        (56, false, &[], &[0, 0, 0, 0, 0, 0, 0xf8]),
        (64, false, &[], &[0, 0, 0, 0, 0, 0, 0, 0xf8]),
        (64, true, &[], &[0xf8, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        let number = length(LengthMethod::SumOfKeys, bits, little_endian);
        let variable = if counter.is_empty() { COUNTER } else { Field::Counter { bits, little_endian } };
        let counter = if counter.is_empty() { &[0, 1] } else { counter };
        let out = filled(31, |out| sp800_108::counter(HMAC_SHA256, b"k", &[number, variable], &mut [out]));
        assert_eq!(out.as_deref(), Ok(&hmac_sha256(b"k", &[len, counter])[..31]), "{bits} {little_endian}");
    }
}

/// A(0) has neither the iteration variable nor the counter, but the length.
#[test]
fn double_pipeline_mode_over_all_fields_and_several_keys() {
    let fields = [
        Field::Bytes(b"one"),
        Field::OptionalCounter { bits: 8, little_endian: false },
        Field::Iteration,
        length(LengthMethod::SumOfSegments, 24, true),
        Field::Bytes(b"two"),
    ];
    let (mut first, mut second) = ([0; 40], [0; 1]);
    sp800_108::double_pipeline(HMAC_SHA256, b"k", &fields, &mut [&mut first, &mut second]).unwrap();
    let bits: &[u8] = &[0, 3, 0];
    let mut stage = [b"one", bits, b"two"].concat();
    let mut segments = Vec::new();
    for i in 1..=3 {
        stage = hmac_sha256(b"k", &[&stage]);
        segments.extend(hmac_sha256(b"k", &[b"one", &[i], &stage, bits, b"two"]));
    }
    assert_eq!((&first[..], &second[..]), (&segments[..40], &segments[64..65]));
}

#[test]
fn feedback_mode_goes_on_from_key_to_key() {
    let fields = [Field::Bytes(b"x"), Field::Iteration];
    let (mut first, mut second) = ([0; 33], [0; 32]);
    sp800_108::feedback(HMAC_SHA256, b"k", b"iv", &fields, &mut [&mut first, &mut second]).unwrap();
    let one = hmac_sha256(b"k", &[b"x", b"iv"]);
    let two = hmac_sha256(b"k", &[b"x", &one]);
    let three = hmac_sha256(b"k", &[b"x", &two]);
    assert_eq!((&first[..32], first[32], &second[..]), (&one[..], two[0], &three[..]));
}

#[test]
fn fields_that_a_mode_does_not_have_are_refused() {
    let wrong = |outcome: Result<Vec<u8>, Error>| matches!(outcome, Err(Error::Parameter(_)));
    let counter = |fields: &[Field<'_>]| filled(16, |out| sp800_108::counter(HMAC_SHA256, b"k", fields, &mut [out]));
    let feedback =
        |fields: &[Field<'_>]| filled(16, |out| sp800_108::feedback(HMAC_SHA256, b"k", b"", fields, &mut [out]));
    let pipeline =
        |fields: &[Field<'_>]| filled(16, |out| sp800_108::double_pipeline(HMAC_SHA256, b"k", fields, &mut [out]));
    let optional = Field::OptionalCounter { bits: 8, little_endian: false };
    let (bytes, sum) = (Field::Bytes(b"b"), length(LengthMethod::SumOfKeys, 8, false));

    assert!(counter(&[COUNTER]).is_ok() && counter(&[bytes, COUNTER, bytes, sum]).is_ok());
    for (case, fields) in [
        &[][..],
        &[bytes, sum],
        &[Field::Iteration],
        &[COUNTER, Field::Iteration],
        &[COUNTER, optional],
        &[optional],
        &[COUNTER, COUNTER],
        &[COUNTER, sum, sum],
        &[COUNTER, Field::Bytes(b"")],
    ]
    .into_iter()
    .enumerate()
    {
        assert!(wrong(counter(fields)), "{case}");
    }
    for mode in [&feedback as &dyn Fn(&[Field<'_>]) -> Result<Vec<u8>, Error>, &pipeline] {
        assert!(mode(&[Field::Iteration]).is_ok() && mode(&[bytes, optional, Field::Iteration, sum, bytes]).is_ok());
        for (case, fields) in [
            &[][..],
            &[bytes, sum],
            &[optional],
            &[COUNTER],
            &[COUNTER, Field::Iteration],
            &[Field::Iteration, Field::Iteration],
            &[Field::Iteration, optional, optional],
            &[Field::Iteration, sum, sum],
            &[Field::Iteration, Field::Bytes(b"")],
        ]
        .into_iter()
        .enumerate()
        {
            assert!(wrong(mode(fields)), "{case}");
        }
    }
    for bits in [0, 1, 7, 12, 40, 64, usize::MAX] {
        assert!(wrong(counter(&[Field::Counter { bits, little_endian: true }])), "{bits}");
        let optional = Field::OptionalCounter { bits, little_endian: true };
        assert!(wrong(feedback(&[Field::Iteration, optional])), "{bits}");
    }
    for bits in [0, 1, 7, 12, 72, usize::MAX] {
        assert!(wrong(counter(&[COUNTER, length(LengthMethod::SumOfKeys, bits, false)])), "{bits}");
    }
}

#[test]
fn what_a_number_cannot_hold_is_refused() {
    let small = Field::Counter { bits: 8, little_endian: false };
    let optional = Field::OptionalCounter { bits: 8, little_endian: false };
    let prf = Prf::CmacAes;
    let derive = |fields: &[Field<'_>], len| filled(len, |out| sp800_108::counter(prf, &[1; 16], fields, &mut [out]));
    assert!(derive(&[small], 255 * 16).is_ok());
    assert!(matches!(derive(&[small], 255 * 16 + 1), Err(Error::Parameter(_))));
    let feedback = |len| {
        let fields = [Field::Iteration, optional];
        filled(len, |out| sp800_108::feedback(prf, &[1; 16], b"", &fields, &mut [out]))
    };
    assert!(feedback(255 * 16).is_ok());
    assert!(matches!(feedback(255 * 16 + 1), Err(Error::Parameter(_))));
    // 255 keys of one byte take as many segments as 255 whole ones.
    let mut keys = vec![[0_u8; 1]; 256];
    let mut outputs: Vec<&mut [u8]> = keys.iter_mut().map(|key| &mut key[..]).collect();
    assert_eq!(sp800_108::counter(prf, &[1; 16], &[small], &mut outputs[..255]), Ok(()));
    assert!(matches!(sp800_108::counter(prf, &[1; 16], &[small], &mut outputs), Err(Error::Parameter(_))));
    assert!(keys.iter().all(|key| *key == [0]), "nothing is left of a derivation that failed");

    let (keys, segments) = (length(LengthMethod::SumOfKeys, 8, false), length(LengthMethod::SumOfSegments, 8, false));
    assert!(derive(&[COUNTER, keys], 31).is_ok());
    assert!(matches!(derive(&[COUNTER, keys], 32), Err(Error::Parameter(_))));
    assert!(derive(&[COUNTER, segments], 16).is_ok());
    assert!(matches!(derive(&[COUNTER, segments], 17), Err(Error::Parameter(_))));
}

#[test]
fn sp800_108_refuses_wrong_keys_and_empty_outputs() {
    let counter = |prf, key: &[u8], outputs: &mut [&mut [u8]]| sp800_108::counter(prf, key, &[COUNTER], outputs);
    assert_eq!(counter(Prf::CmacAes, &[0; 8], &mut [&mut [0; 16]]), Err(Error::KeyLength { got: 8 }));
    assert_eq!(counter(Prf::CmacDes3, &[0; 8], &mut [&mut [0; 16]]), Err(Error::KeyLength { got: 8 }));
    assert_eq!(counter(HMAC_SHA256, b"k", &mut []), Err(Error::KeyLength { got: 0 }));
    assert_eq!(counter(HMAC_SHA256, b"k", &mut [&mut [0; 16], &mut []]), Err(Error::KeyLength { got: 0 }));
    // The announced length is the one after which a segment begins.
    for prf in [Prf::CmacAes, Prf::CmacDes3, HMAC_SHA256, Prf::Hmac(Algorithm::Sha3_512)] {
        let segment = prf.output_bytes();
        let (mut whole, mut parts) = (vec![0; segment + 1], vec![0; segment + 1]);
        counter(prf, &[1; 16], &mut [&mut whole]).unwrap();
        let (first, second) = parts.split_at_mut(segment);
        counter(prf, &[1; 16], &mut [first, second]).unwrap();
        assert_eq!(whole, parts, "{prf:?}");
    }
}

fn ike_prf(header: &str) -> ike::Prf {
    ike::Prf::Hmac(match header {
        "SHA-1" => Algorithm::Sha1,
        "SHA-256" => Algorithm::Sha256,
        "SHA-384" => Algorithm::Sha384,
        "SHA-512" => Algorithm::Sha512,
        other => panic!("{other}"),
    })
}

#[test]
fn nist_ikev1() {
    let mut count = 0;
    for name in ["ikev1_dsa.rsp", "ikev1_psk.rsp"] {
        count += nist(name, |headers, case| {
            let prf = ike_prf(&headers[1]);
            let bytes = |name: &str| hex(&case[name]);
            let (shared, ni, nr) = (bytes("g^xy"), bytes("Ni"), bytes("Nr"));
            let skeyid = match case.get("pre-shared-key") {
                Some(key) => ike::prf_derive(prf, First::BaseAsKey, &hex(key), &ni, &nr),
                None => ike::prf_derive(prf, First::NoncesAsKey, &shared, &ni, &nr),
            };
            let skeyid = skeyid.unwrap();
            assert_eq!(skeyid.expose(), bytes("SKEYID"), "{name} {case:?}");
            let (initiator_cookie, responder_cookie) = (&bytes("CKY_I")[..], &bytes("CKY_R")[..]);
            let mut previous = None;
            for (number, key) in ["SKEYID_d", "SKEYID_a", "SKEYID_e"].into_iter().enumerate() {
                let session = Session {
                    previous: previous.as_deref(),
                    shared: &shared,
                    initiator_cookie,
                    responder_cookie,
                    number: number as u8,
                };
                let derive = |len| filled(len, |out| ike::ike1_prf(prf, skeyid.expose(), &session, out));
                let full = derive(prf.output_bytes()).unwrap();
                assert_eq!(full, bytes(key), "{name} {case:?}");
                assert_eq!(derive(7).as_deref(), Ok(&full[..7]));
                let got = prf.output_bytes() + 1;
                assert_eq!(derive(got), Err(Error::KeyLength { got }));
                previous = Some(full);
            }
        });
    }
    assert_eq!(count, 68);
}

#[test]
fn nist_ikev2() {
    let count = nist("ikev2.rsp", |headers, case| {
        let prf = ike_prf(&headers[1]);
        let bytes = |name: &str| hex(&case[name]);
        let (shared, new, ni, nr) = (bytes("g^ir"), bytes("g^ir (new)"), bytes("Ni"), bytes("Nr"));
        let seed = ike::prf_derive(prf, First::NoncesAsKey, &shared, &ni, &nr).unwrap();
        assert_eq!(seed.expose(), bytes("SKEYSEED"), "{case:?}");
        let material = bytes("DKM");
        let data = [&ni[..], &nr, &bytes("SPIi"), &bytes("SPIr")].concat();
        let out = filled(material.len(), |out| ike::prf_plus(prf, seed.expose(), &[], &data, out));
        assert_eq!(out.as_ref(), Ok(&material), "{case:?}");

        let sk_d = &material[..prf.output_bytes()];
        let child = bytes("DKM(Child SA)");
        let out = filled(child.len(), |out| ike::prf_plus(prf, sk_d, &[], &[&ni[..], &nr].concat(), out));
        assert_eq!(out, Ok(child), "{case:?}");
        let child = bytes("DKM(Child SA D-H)");
        let out = filled(child.len(), |out| ike::prf_plus(prf, sk_d, &new, &[&ni[..], &nr].concat(), out));
        assert_eq!(out, Ok(child), "{case:?}");
        let rekeyed = ike::prf_derive(prf, First::Rekey(&new), sk_d, &ni, &nr).unwrap();
        assert_eq!(rekeyed.expose(), bytes("SKEYSEED(Rekey)"), "{case:?}");
    });
    assert_eq!(count, 9);
}

#[test]
fn ikev1_keys_are_extended_as_rfc_2409_says() {
    let base = [5; 32];
    let extended =
        |shared, extra: &[u8], len| filled(len, |out| ike::ike1_extended(IKE_SHA256, &base, shared, extra, out));
    // Appendix B: a key that is long enough is cut.
    for len in [1, 16, 32] {
        assert_eq!(extended(None, b"", len), Ok(base[..len].to_vec()));
    }
    let one = hmac_sha256(&base, &[&[0]]);
    let two = hmac_sha256(&base, &[&one]);
    let three = hmac_sha256(&base, &[&two]);
    assert_eq!(extended(None, b"", 70).as_deref(), Ok(&[one, two, three].concat()[..70]));
    // Quick mode, with and without a new exchange.
    for (shared, extra) in [(Some(&b"g^xy"[..]), &b"protocol"[..]), (None, b"protocol"), (Some(b"g^xy"), b"")] {
        let data = [shared.unwrap_or_default(), extra].concat();
        let one = hmac_sha256(&base, &[&data]);
        let two = hmac_sha256(&base, &[&one, &data]);
        let expected = [one, two].concat();
        for len in [1, 31, 32, 33, 64] {
            assert_eq!(extended(shared, extra, len).as_deref(), Ok(&expected[..len]), "{len}");
        }
    }
    // A base shorter than the function's output cannot be cut to more than it has.
    let out = filled(20, |out| ike::ike1_extended(IKE_SHA256, &base[..10], None, b"", out));
    assert_eq!(out.as_deref(), Ok(&hmac_sha256(&base[..10], &[&[0]])[..20]));
}

#[test]
fn ike_keys_have_at_most_255_blocks() {
    let most = 255 * 32;
    let mut expected = Vec::new();
    let mut before = Vec::new();
    for count in 1..=255 {
        before = hmac_sha256(b"k", &[&before, b"key", b"data", &[count]]);
        expected.extend_from_slice(&before);
    }
    assert_eq!(filled(most, |out| ike::prf_plus(IKE_SHA256, b"k", b"key", b"data", out)), Ok(expected));
    for got in [0, most + 1] {
        let refused = Err(Error::KeyLength { got });
        assert_eq!(filled(got, |out| ike::prf_plus(IKE_SHA256, b"k", b"", b"s", out)), refused);
        assert_eq!(filled(got, |out| ike::ike1_extended(IKE_SHA256, b"k", None, b"s", out)), refused);
    }
    assert!(filled(most, |out| ike::ike1_extended(IKE_SHA256, b"k", None, b"s", out)).is_ok());
    let session = Session { previous: None, shared: b"s", initiator_cookie: b"", responder_cookie: b"", number: 0 };
    assert_eq!(ike::ike1_prf(IKE_SHA256, b"k", &session, &mut []), Err(Error::KeyLength { got: 0 }));
}

/// RFC 4615 §4: the key has 18, 16 and 10 bytes.
#[test]
fn rfc4615_cmac_with_keys_of_any_length() {
    let message: Vec<u8> = (0..20).collect();
    let key = hex("000102030405060708090a0b0c0d0e0fedcb");
    for (len, expected) in [
        (18, "84a348a4a45d235babfffc0d2b4da09a"),
        (16, "980ae87b5f4c9c5214f5b6a8455e4c2d"),
        (10, "290d9e112edb09ee141fcf64c0b72f3d"),
    ] {
        let (ni, nr) = key[..len].split_at(5);
        let derived = ike::prf_derive(ike::Prf::CmacAes, First::NoncesAsKey, &message, ni, nr).unwrap();
        assert_eq!(derived.expose(), hex(expected));
        let derived = ike::prf_derive(ike::Prf::CmacAes, First::BaseAsKey, &key[..len], &message[..3], &message[3..]);
        assert_eq!(derived.unwrap().expose(), hex(expected));
    }
}
