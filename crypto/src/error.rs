//! What an algorithm can refuse.

use std::fmt;

/// Why an algorithm refused. Carries sizes, never data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The key has a length the algorithm does not take.
    KeyLength {
        /// Bytes given.
        got: usize,
    },
    /// The key value is one the algorithm refuses (equal XTS halves).
    KeyValue(&'static str),
    /// An IV, nonce, counter, tag length or other parameter is out of range.
    Parameter(&'static str),
    /// The data has a length the mode cannot process (not whole blocks, too long for the nonce).
    DataLength,
    /// The data has a length that fits and a value that does not: a number not below the modulus.
    DataValue,
    /// The ciphertext has a length the mode cannot have produced.
    CiphertextLength,
    /// The tag, the padding or the ciphertext is wrong. One error for every cause, deliberately.
    Authentication,
    /// The output buffer is too small; nothing was consumed, the operation goes on.
    OutputTooSmall {
        /// Bytes needed.
        needed: usize,
    },
    /// A DER structure that is malformed, or not the one expected.
    Encoding(&'static str),
    /// No memory for a buffer of the size the caller's data needs.
    Memory,
    /// The operation has already been finished.
    Finished,
    /// A library call failed that cannot fail for the arguments given.
    Library(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::KeyLength { got } => write!(f, "a key of {got} bytes does not fit the algorithm"),
            Error::KeyValue(why) => write!(f, "the key value is refused: {why}"),
            Error::Parameter(why) => write!(f, "the parameter is refused: {why}"),
            Error::DataLength => write!(f, "the data length does not fit the mode"),
            Error::DataValue => write!(f, "the data, as a number, is not below the modulus"),
            Error::CiphertextLength => write!(f, "the ciphertext length does not fit the mode"),
            Error::Authentication => write!(f, "the ciphertext or its tag is invalid"),
            Error::OutputTooSmall { needed } => write!(f, "the output needs {needed} bytes"),
            Error::Encoding(why) => write!(f, "the encoding is refused: {why}"),
            Error::Memory => write!(f, "out of memory"),
            Error::Finished => write!(f, "the operation has ended"),
            Error::Library(call) => write!(f, "the crypto library failed in {call}"),
        }
    }
}

impl std::error::Error for Error {}
