//! What the parameters mean for the ciphers and MACs.

use strongroom_crypto::cipher::Mode;

use super::{Call, CipherMode, MacLength, Parameter, Work};
use crate::error::Error;
use crate::limits::AAD_BYTES_MAX;

const WRONG_KIND: Error = Error::MechanismParameter("not what this mechanism takes");

impl<'a> Call<'a> {
    /// The cipher's mode with this call's parameters.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`; what only the cipher can judge, it judges when it starts.
    pub(crate) fn mode(&'a self, mode: CipherMode) -> Result<Mode<'a>, Error> {
        Ok(match (mode, &self.parameter) {
            (CipherMode::Ecb, Parameter::None) => Mode::Ecb,
            (CipherMode::Rc4, Parameter::None) => Mode::Rc4,
            (CipherMode::Cbc, Parameter::Bytes(iv)) => Mode::Cbc { iv },
            (CipherMode::CbcPad, Parameter::Bytes(iv)) => Mode::CbcPad { iv },
            (CipherMode::CbcCts, Parameter::Bytes(iv)) => Mode::CbcCts { iv },
            (CipherMode::Ofb, Parameter::Bytes(iv)) => Mode::Ofb { iv },
            (CipherMode::Cfb1, Parameter::Bytes(iv)) => Mode::Cfb1 { iv },
            (CipherMode::Cfb8, Parameter::Bytes(iv)) => Mode::Cfb8 { iv },
            (CipherMode::Cfb128, Parameter::Bytes(iv)) => Mode::Cfb128 { iv },
            (CipherMode::Xts, Parameter::Bytes(tweak)) => Mode::Xts {
                tweak: (*tweak).try_into().map_err(|_| Error::MechanismParameter("the tweak has 16 bytes"))?,
            },
            (CipherMode::Ctr, Parameter::Ctr { counter_bits, block }) => Mode::Ctr {
                block,
                counter_bits: u32::try_from(*counter_bits)
                    .ok()
                    .filter(|bits| (1..=128).contains(bits))
                    .ok_or(Error::MechanismParameter("ulCounterBits is 1 to 128"))?,
            },
            (CipherMode::Gcm, Parameter::Gcm { iv, aad, tag_bits }) => {
                Mode::Gcm { iv, aad: bounded(aad)?, tag_bytes: tag_bytes(*tag_bits)? }
            }
            (CipherMode::Ccm, Parameter::Ccm { data_bytes, nonce, aad, mac_bytes }) => {
                let tag_bytes = match *mac_bytes {
                    4 | 6 | 8 | 10 | 12 | 14 | 16 => size(*mac_bytes)?,
                    _ => return Err(Error::MechanismParameter("ulMACLen is 4, 6, 8, 10, 12, 14 or 16")),
                };
                Mode::Ccm { data_bytes: size(*data_bytes)?, nonce, aad: bounded(aad)?, tag_bytes }
            }
            (CipherMode::ChaCha20, Parameter::ChaCha20 { counter, counter_bits, nonce_bits, nonce }) => {
                if *nonce_bits != nonce.len() as u64 * 8 {
                    return Err(Error::MechanismParameter("ulNonceBits is 64 or 96"));
                }
                let counter_bits = match counter_bits {
                    32 => 32,
                    64 => 64,
                    _ => return Err(Error::MechanismParameter("blockCounterBits is 32 or 64")),
                };
                Mode::ChaCha20 { counter: *counter, counter_bits, nonce }
            }
            (CipherMode::ChaCha20Poly1305, Parameter::ChaCha20Poly1305 { nonce, aad }) => {
                Mode::ChaCha20Poly1305 { nonce, aad: bounded(aad)? }
            }
            _ => return Err(WRONG_KIND),
        })
    }

    /// How many bytes the MAC has, and the IV of a GMAC.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn mac(&self) -> Result<(usize, &'a [u8]), Error> {
        let Work::Mac { length, .. } = self.mechanism.work else { return Err(WRONG_KIND) };
        match (length, &self.parameter) {
            (MacLength::Fixed(bytes), Parameter::None) => Ok((bytes, &[])),
            (MacLength::Given(max), Parameter::MacLength(bytes)) => usize::try_from(*bytes)
                .ok()
                .filter(|bytes| (1..=max).contains(bytes))
                .map(|bytes| (bytes, &[][..]))
                .ok_or(Error::MechanismParameter(
                    "the MAC has at least one byte, and no more than its algorithm gives",
                )),
            (MacLength::GcmTag, Parameter::Gcm { iv, aad: [], tag_bits }) => Ok((tag_bytes(*tag_bits)?, *iv)),
            (MacLength::GcmTag, Parameter::Gcm { .. }) => {
                Err(Error::MechanismParameter("GMAC takes its data from the call, not as AAD"))
            }
            _ => Err(WRONG_KIND),
        }
    }
}

fn tag_bytes(bits: u64) -> Result<usize, Error> {
    match bits {
        32 | 64 | 96 | 104 | 112 | 120 | 128 => size(bits / 8),
        _ => Err(Error::MechanismParameter("ulTagBits is 32, 64, 96, 104, 112, 120 or 128")),
    }
}

fn size(bytes: u64) -> Result<usize, Error> {
    usize::try_from(bytes).map_err(|_| Error::MechanismParameter("longer than the memory"))
}

fn bounded(aad: &[u8]) -> Result<&[u8], Error> {
    if aad.len() > AAD_BYTES_MAX {
        return Err(Error::MechanismParameter("the additional authenticated data is too long"));
    }
    Ok(aad)
}
