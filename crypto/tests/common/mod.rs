//! What the tests of this crate share: hexadecimal, seeded random data, Wycheproof files, runs in parts.
#![allow(dead_code, unreachable_pub)]

pub mod setups;

use std::path::PathBuf;
use std::sync::Arc;

use strongroom_crypto::Error;
use strongroom_crypto::cipher::{Cipher, Direction, Key, Mode};

/// The bytes of a hexadecimal string; white space does not count.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).expect("a hex digit") as u8).collect();
    assert!(digits.len().is_multiple_of(2), "whole bytes: {text}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A random number generator that gives the same numbers for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// One Wycheproof file.
pub struct Vectors {
    name: String,
    root: serde_json::Value,
}

/// One case of a Wycheproof file, with its group.
pub struct Case<'a> {
    file: &'a str,
    group: &'a serde_json::Value,
    case: &'a serde_json::Value,
}

impl Vectors {
    pub fn load(name: &str) -> Vectors {
        let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        path.push("../tests/vectors/wycheproof");
        path.push(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Vectors { name: name.to_owned(), root: serde_json::from_str(&text).expect("JSON") }
    }

    /// Runs `check` over every case and makes sure that none is missing.
    #[allow(clippy::print_stdout)]
    pub fn run(&self, mut check: impl FnMut(&Case<'_>)) {
        let (mut count, mut valid) = (0, 0);
        for group in self.root["testGroups"].as_array().expect("groups") {
            for case in group["tests"].as_array().expect("tests") {
                let case = Case { file: &self.name, group, case };
                check(&case);
                count += 1;
                valid += u64::from(case.valid());
            }
        }
        println!("{}: {count} cases, {valid} of them valid", self.name);
        assert!(count > 0 && valid > 0);
        assert_eq!(Some(count), self.root["numberOfTests"].as_u64());
    }
}

impl Case<'_> {
    pub fn bytes(&self, field: &str) -> Vec<u8> {
        hex(self.case[field].as_str().unwrap_or_else(|| panic!("{self}: {field}")))
    }

    pub fn valid(&self) -> bool {
        match self.case["result"].as_str() {
            Some("valid") => true,
            Some("invalid") => false,
            other => panic!("{self}: result {other:?}"),
        }
    }

    pub fn group_bytes(&self, field: &str) -> usize {
        self.group[field].as_u64().unwrap_or_else(|| panic!("{self}: {field}")) as usize / 8
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tcId {} ({})", self.file, self.case["tcId"], self.case["comment"])
    }
}

#[allow(unused_imports)]
pub use Direction::{Decrypt, Encrypt};

/// A whole operation in one call, into a buffer of the announced size.
pub fn whole(key: &Arc<Key>, mode: &Mode<'_>, direction: Direction, input: &[u8]) -> Result<Vec<u8>, Error> {
    let mut cipher = Cipher::start(key, mode, direction)?;
    let mut output = vec![0xaa; cipher.one_shot_len(input.len())];
    let len = cipher.one_shot(input, &mut output)?;
    assert_eq!(cipher.one_shot(input, &mut output), Err(Error::Finished));
    output.truncate(len);
    Ok(output)
}

/// The same in parts that end at `cuts`, each into a buffer of exactly the announced size.
pub fn parts(
    key: &Arc<Key>,
    mode: &Mode<'_>,
    direction: Direction,
    input: &[u8],
    cuts: &[usize],
) -> Result<Vec<u8>, Error> {
    let mut cipher = Cipher::start(key, mode, direction)?;
    run_parts(&mut cipher, input, cuts)
}

pub fn run_parts(cipher: &mut Cipher, input: &[u8], cuts: &[usize]) -> Result<Vec<u8>, Error> {
    let mut output = Vec::new();
    let mut start = 0;
    for &end in cuts.iter().chain([&input.len()]) {
        let part = &input[start..end];
        let len = cipher.update_len(part.len());
        let mut piece = vec![0xaa; len];
        assert_eq!(cipher.update(part, &mut piece)?, len, "update_len is exact");
        output.extend_from_slice(&piece);
        start = end;
    }
    let mut piece = vec![0xaa; cipher.finish_len()];
    let len = cipher.finish(&mut piece)?;
    output.extend_from_slice(&piece[..len]);
    assert_eq!(cipher.update(&[], &mut []), Err(Error::Finished));
    assert_eq!(cipher.finish(&mut []), Err(Error::Finished));
    Ok(output)
}

/// Up to five ordered cuts of `len` bytes.
pub fn cuts(random: &mut Random, len: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..random.below(6)).map(|_| random.below(len + 1)).collect();
    cuts.sort_unstable();
    cuts
}
