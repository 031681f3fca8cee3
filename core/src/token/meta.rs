//! The token's own record: its number, label, policy and authority, signed by that authority.

use strongroom_crypto::sign;

use super::Founding;
use crate::error::Error;
use crate::object::codec::{Reader, Writer, damaged};
use crate::policy::Policy;
use crate::seal::{TokenId, UserKeys};

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its number, random and for life.
    pub id: TokenId,
    /// Its label: 32 bytes, blank-padded.
    pub label: [u8; 32],
    /// What it allows.
    pub policy: Policy,
    /// Whether it is marked as a test token, whose PINs may be cheap to guess.
    pub test: bool,
    /// Whether an officer's PIN reset keeps the user's keys usable.
    pub escrow: bool,
    /// How it was founded, for life.
    pub founding: Founding,
    /// The key that verifies what the token's officers certify.
    pub authority: [u8; 32],
    /// The record all this was read from; empty before it is written.
    pub(super) record: Box<[u8]>,
}

const RECORD_FORMAT: u8 = 1;

impl Meta {
    /// The record as bytes, signed by an officer.
    pub fn encode(&self, officer: &UserKeys) -> Result<Vec<u8>, Error> {
        let mut record = self.body();
        let signature = officer.sign_as_authority(&[CONTEXT, &record])?;
        record.extend_from_slice(&signature);
        Ok(record)
    }

    /// The token these bytes describe.
    ///
    /// # Errors
    /// [`Error::Damaged`], also where the signature does not fit the record.
    pub fn decode(record: &[u8]) -> Result<Meta, Error> {
        let (body, signature) = record.split_last_chunk::<64>().ok_or_else(|| damaged("the token record is short"))?;
        let mut reader = Reader::new(body);
        if reader.u8()? != RECORD_FORMAT {
            return Err(damaged("the token record has an unknown format; a later version may have made it"));
        }
        let id = reader.array()?;
        let label = reader.array()?;
        let policy = match reader.u8()? {
            1 => Policy::Standard,
            2 => Policy::Strict,
            3 => Policy::Fips,
            _ => return Err(damaged("the token has an unknown policy")),
        };
        let flags = reader.u8()?;
        let authority = reader.array()?;
        reader.end()?;
        sign::verify(&authority, &[CONTEXT, body], signature).map_err(|_| damaged("the token record was changed"))?;
        if flags & !(TEST | ESCROW | CLOUDHSM) != 0 {
            return Err(damaged("the token has unknown flags; a later version may have made it"));
        }
        let (test, escrow) = (flags & TEST != 0, flags & ESCROW != 0);
        let founding = if flags & CLOUDHSM != 0 { Founding::CloudHsm } else { Founding::Plain };
        Ok(Meta { id, label, policy, test, escrow, founding, authority, record: record.into() })
    }

    /// The label without its padding.
    pub fn label_text(&self) -> String {
        String::from_utf8_lossy(&self.label).trim_end_matches([' ', '\0']).to_owned()
    }

    /// The serial number: 16 hexadecimal digits of the token's number.
    pub fn serial(&self) -> String {
        self.id.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn body(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(RECORD_FORMAT);
        writer.raw(&self.id);
        writer.raw(&self.label);
        writer.u8(match self.policy {
            Policy::Standard => 1,
            Policy::Strict => 2,
            Policy::Fips => 3,
        });
        let cloudhsm = self.founding == Founding::CloudHsm;
        let flags = [(self.test, TEST), (self.escrow, ESCROW), (cloudhsm, CLOUDHSM)];
        writer.u8(flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum());
        writer.raw(&self.authority);
        writer.finish()
    }
}

const CONTEXT: &[u8] = b"strongroom token\0";
const TEST: u8 = 1;
const ESCROW: u8 = 2;
const CLOUDHSM: u8 = 4;
