//! Key derivation with pseudo-random functions, NIST SP 800-108, with the input laid out by the caller as in PKCS#11
//! 3.2, "SP800-108 Key Derivation": CKM_SP800_108_COUNTER_KDF, CKM_SP800_108_FEEDBACK_KDF,
//! CKM_SP800_108_DOUBLE_PIPELINE_KDF.
//!
//! One derivation can fill several keys. No two of them share a segment, that is one output of the function ("Deriving
//! Additional Keys"): each begins with a fresh one and what is left of the last is thrown away.

use zeroize::Zeroizing;

use super::Keyed;
use crate::Error;
use crate::hash::{Algorithm, OUTPUT_BYTES_MAX};
use crate::mac::Key;
use crate::memory::wipe;

/// The pseudo-random function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prf {
    /// HMAC with a key of any length.
    Hmac(Algorithm),
    /// CMAC with an AES key of 16, 24 or 32 bytes.
    CmacAes,
    /// CMAC with a Triple DES key of 16 or 24 bytes.
    CmacDes3,
}

impl Prf {
    /// Bytes in a segment.
    pub const fn output_bytes(self) -> usize {
        match self {
            Prf::Hmac(hash) => hash.output_bytes(),
            Prf::CmacAes => 16,
            Prf::CmacDes3 => 8,
        }
    }

    fn keyed(self, key: &[u8]) -> Result<Keyed, Error> {
        Keyed::new(match self {
            Prf::Hmac(hash) => Key::hmac(hash, key)?,
            Prf::CmacAes => Key::cmac_aes(key)?,
            Prf::CmacDes3 => Key::cmac_des3(key)?,
        })
    }
}

/// A piece of the function's input, a `CK_PRF_DATA_PARAM`. They go in in the caller's order. Bytes can be a key's: no
/// Debug.
#[derive(Clone, Copy)]
pub enum Field<'a> {
    /// CK_SP800_108_ITERATION_VARIABLE with a format: the iteration variable of the counter mode, which counts the
    /// segments from 1 on.
    Counter {
        /// 8, 16, 24 or 32.
        bits: usize,
        /// Least significant byte first.
        little_endian: bool,
    },
    /// CK_SP800_108_ITERATION_VARIABLE without a format: the iteration variable of the other modes, K(i-1) or A(i).
    Iteration,
    /// CK_SP800_108_COUNTER: the counter that the modes other than counter mode can have beside their iteration
    /// variable.
    OptionalCounter {
        /// 8, 16, 24 or 32.
        bits: usize,
        /// Least significant byte first.
        little_endian: bool,
    },
    /// CK_SP800_108_DKM_LENGTH: how much is derived, in bits.
    DkmLength {
        /// What counts.
        method: LengthMethod,
        /// 8 to 64 in steps of 8.
        bits: usize,
        /// Least significant byte first.
        little_endian: bool,
    },
    /// CK_SP800_108_BYTE_ARRAY, and the value of a CK_SP800_108_KEY_HANDLE: at least one byte.
    Bytes(&'a [u8]),
}

/// What the length in [`Field::DkmLength`] is the sum of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthMethod {
    /// The derived keys (CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS).
    SumOfKeys,
    /// The segments they take, whole (CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS).
    SumOfSegments,
}

/// Counter mode (SP 800-108r1 §4.1): fills the outputs one after the other.
///
/// # Errors
/// [`Error::Parameter`] for fields without exactly one [`Field::Counter`], with one of another mode, with more than
/// one length, with a width there is not, with an empty byte array, for more segments than the counter can count, and
/// for a length that its width cannot hold. [`Error::KeyLength`] for a key the function does not take, for no outputs
/// and for one of no bytes. [`Error::Memory`]. The outputs are then wiped.
pub fn counter(prf: Prf, key: &[u8], fields: &[Field<'_>], outputs: &mut [&mut [u8]]) -> Result<(), Error> {
    run(Mode::Counter, prf, key, fields, outputs)
}

/// Feedback mode (SP 800-108r1 §4.2), with `iv`, which may be empty, as K(0): fills the outputs one after the other.
///
/// # Errors
/// As [`counter`], but the iteration variable is one [`Field::Iteration`], beside which there can be one
/// [`Field::OptionalCounter`]; without it 2^32 - 1 segments are counted.
pub fn feedback(prf: Prf, key: &[u8], iv: &[u8], fields: &[Field<'_>], outputs: &mut [&mut [u8]]) -> Result<(), Error> {
    run(Mode::Feedback { iv }, prf, key, fields, outputs)
}

/// Double-pipeline mode (SP 800-108r1 §4.3): fills the outputs one after the other. A(0) is made of all fields but the
/// iteration variable and the counter ("Double Pipeline Mode KDF").
///
/// # Errors
/// As [`feedback`].
pub fn double_pipeline(prf: Prf, key: &[u8], fields: &[Field<'_>], outputs: &mut [&mut [u8]]) -> Result<(), Error> {
    run(Mode::DoublePipeline, prf, key, fields, outputs)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode<'a> {
    Counter,
    Feedback { iv: &'a [u8] },
    DoublePipeline,
}

fn run(mode: Mode<'_>, prf: Prf, key: &[u8], fields: &[Field<'_>], outputs: &mut [&mut [u8]]) -> Result<(), Error> {
    let outcome = fill(mode, prf, key, fields, outputs);
    if outcome.is_err() {
        outputs.iter_mut().for_each(|output| wipe(output));
    }
    outcome
}

fn fill(mode: Mode<'_>, prf: Prf, key: &[u8], fields: &[Field<'_>], outputs: &mut [&mut [u8]]) -> Result<(), Error> {
    let segments_max = check_fields(mode, fields)?;
    let lengths = Lengths::of(prf, outputs)?;
    if lengths.segments > segments_max {
        return Err(Error::Parameter("more segments than the counter can count"));
    }
    let mut input = Input { keyed: prf.keyed(key)?, fields, lengths };

    // K(i-1) or A(i), and K(i).
    let (mut variable, mut segment) = (Zeroizing::new([0; OUTPUT_BYTES_MAX]), Zeroizing::new([0; OUTPUT_BYTES_MAX]));
    let (variable, _) = variable.split_at_mut(prf.output_bytes());
    let (segment, _) = segment.split_at_mut(prf.output_bytes());
    let pieces = outputs.iter_mut().flat_map(|output| output.chunks_mut(prf.output_bytes()));
    for (piece, count) in pieces.zip(1..=u32::MAX) {
        match mode {
            Mode::Counter => input.call(Some(&[]), count, segment)?,
            Mode::Feedback { iv } => {
                let before = if count == 1 { iv } else { &*variable };
                input.call(Some(before), count, segment)?;
                variable.copy_from_slice(segment);
            }
            Mode::DoublePipeline => {
                match count {
                    1 => input.call(None, count, segment)?,
                    _ => input.keyed.call(&[variable], segment)?,
                }
                variable.copy_from_slice(segment);
                input.call(Some(variable), count, segment)?;
            }
        }
        piece.iter_mut().zip(segment.iter()).for_each(|(to, from)| *to = *from);
    }
    Ok(())
}

// Whether the fields are those of the mode; the most segments their counter counts.
fn check_fields(mode: Mode<'_>, fields: &[Field<'_>]) -> Result<u64, Error> {
    let (mut variables, mut counters, mut lengths) = (0, 0, 0);
    let mut counter_bits = COUNTER_BITS_MAX;
    for field in fields {
        match *field {
            Field::Counter { bits, .. } if mode == Mode::Counter => {
                variables += 1;
                counter_bits = bits;
            }
            Field::Iteration if mode != Mode::Counter => variables += 1,
            Field::OptionalCounter { bits, .. } if mode != Mode::Counter => {
                counters += 1;
                counter_bits = bits;
            }
            Field::DkmLength { bits: 8 | 16 | 24 | 32 | 40 | 48 | 56 | 64, .. } => lengths += 1,
            Field::DkmLength { .. } => return Err(Error::Parameter("the length has 8 to 64 bits, whole bytes")),
            Field::Bytes([]) => return Err(Error::Parameter("a byte array has at least one byte")),
            Field::Bytes(_) => {}
            _ => return Err(Error::Parameter("the field is not one of the mode")),
        }
    }
    if variables != 1 || counters > 1 || lengths > 1 {
        return Err(Error::Parameter("one iteration variable, at most one counter and one length"));
    }
    match counter_bits {
        8 | 16 | 24 | 32 => Ok((1 << counter_bits) - 1),
        _ => Err(Error::Parameter("the counter has 8, 16, 24 or 32 bits")),
    }
}

// What is derived.
struct Lengths {
    segments: u64,
    keys_bits: u64,
    segments_bits: u64,
}

impl Lengths {
    fn of(prf: Prf, outputs: &[&mut [u8]]) -> Result<Lengths, Error> {
        let mut lengths = Lengths { segments: 0, keys_bits: 0, segments_bits: 0 };
        if outputs.is_empty() || outputs.iter().any(|output| output.is_empty()) {
            return Err(Error::KeyLength { got: 0 });
        }
        let add = |sum: u64, more: usize| {
            u64::try_from(more)
                .ok()
                .and_then(|more| sum.checked_add(more))
                .ok_or(Error::Parameter("the keys are too long"))
        };
        let bits = |bytes: usize| bytes.checked_mul(8).ok_or(Error::Parameter("the keys are too long"));
        for output in outputs {
            let segments = output.len().div_ceil(prf.output_bytes());
            lengths.segments = add(lengths.segments, segments)?;
            lengths.keys_bits = add(lengths.keys_bits, bits(output.len())?)?;
            lengths.segments_bits = add(lengths.segments_bits, bits(segments.saturating_mul(prf.output_bytes()))?)?;
        }
        Ok(lengths)
    }
}

struct Input<'a> {
    keyed: Keyed,
    fields: &'a [Field<'a>],
    lengths: Lengths,
}

impl Input<'_> {
    // One call of the function over all fields; without a variable over those of A(0).
    fn call(&mut self, variable: Option<&[u8]>, count: u32, out: &mut [u8]) -> Result<(), Error> {
        self.keyed.begin()?;
        for field in self.fields {
            match (*field, variable) {
                (Field::Bytes(bytes), _) => self.keyed.update(bytes)?,
                (Field::DkmLength { method, bits, little_endian }, _) => {
                    let length = match method {
                        LengthMethod::SumOfKeys => self.lengths.keys_bits,
                        LengthMethod::SumOfSegments => self.lengths.segments_bits,
                    };
                    self.number(length, bits, little_endian)?;
                }
                (Field::Iteration, Some(variable)) => self.keyed.update(variable)?,
                (Field::Counter { bits, little_endian } | Field::OptionalCounter { bits, little_endian }, Some(_)) => {
                    self.number(u64::from(count), bits, little_endian)?
                }
                (Field::Iteration | Field::Counter { .. } | Field::OptionalCounter { .. }, None) => {}
            }
        }
        self.keyed.finish(out)
    }

    fn number(&mut self, value: u64, bits: usize, little_endian: bool) -> Result<(), Error> {
        let mut bytes = value.to_le_bytes();
        let (number, beyond) = bytes.split_at_mut_checked(bits / 8).ok_or(Error::Parameter("the width"))?;
        if beyond.iter().any(|byte| *byte != 0) {
            return Err(Error::Parameter("a number that its width cannot hold"));
        }
        if !little_endian {
            number.reverse();
        }
        self.keyed.update(number)
    }
}

const COUNTER_BITS_MAX: usize = 32;
