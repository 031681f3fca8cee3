//! Sessions, reading attributes, random bytes: what a client does around cryptography.

use cryptoki_sys::CKK_AES;

use super::{AES_KEY, Bench, require, size_name};
use crate::measure::{Problem, Trial, latency};
use crate::template::{AttributeReader, Place, Template};
use crate::token::Token;

pub(super) fn benches() -> Vec<Bench> {
    vec![
        Bench::new("session", "session.open_close", open_close),
        Bench::new("attributes", "getattr5.session", |token| read_attributes(token, Place::Session)),
        Bench::new("attributes", "getattr5.token", |token| read_attributes(token, Place::Token)),
        random(32),
        random(1 << 20),
    ]
}

fn open_close(token: &Token) -> Result<Trial, Problem> {
    let (module, slot) = (token.module, token.slot);
    module.open_session(slot)?.close()?;
    Ok(latency(move || module.open_session(slot)?.close()))
}

fn read_attributes(token: &Token, place: Place) -> Result<Trial, Problem> {
    let session = token.open()?;
    let template = Template::cipher_key(CKK_AES, place, "bench-attributes", b"attributes-id", &AES_KEY);
    let key = match place {
        Place::Session => session.create(&template)?,
        Place::Token => token.create_temporary(&template)?,
    };
    let mut reader = AttributeReader::of_key();
    session.read(key, &mut reader)?;
    require(reader.describes("bench-attributes", b"attributes-id"), "the attributes are not those given")?;
    Ok(latency(move || session.read(key, &mut reader)))
}

fn random(bytes: usize) -> Bench {
    let prepare = move |token: &Token| {
        let session = token.open()?;
        let (mut first, mut second) = (vec![0; bytes], vec![0; bytes]);
        // A refusal of this length is a limit of the module, however it is worded.
        session.random(&mut first).map_err(|_| Problem::Missing)?;
        session.random(&mut second)?;
        let ones: u32 = first.iter().map(|byte| byte.count_ones()).sum();
        // Half of the bits are set, within nine standard deviations at 32 bytes.
        require(first != second, "the same bytes twice")?;
        require((ones as usize).abs_diff(4 * bytes) <= 2 * bytes + 8, "far from half of the bits are set")?;
        Ok(latency(move || session.random(&mut first)))
    };
    Bench::new("random", format!("random.{}", size_name(bytes)), prepare)
}
