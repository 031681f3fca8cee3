//! A quorum token as bytes: the file that approvers sign, and the record in the store.

use std::ops::ControlFlow;

use strongroom_crypto::hash::{self, Algorithm};

use super::{FILE_BYTES, QuorumToken};
use crate::access::Service;
use crate::error::Error;
use crate::object::UserId;
use crate::object::codec::{Reader, Writer, damaged};
use crate::seal::TokenId;
use crate::store::Transaction;
use crate::token::{Token, layout};

/// A token's number and record.
pub(super) type Record = (u32, Vec<u8>);

impl QuorumToken {
    /// What approvers sign: big-endian numbers, CloudHSM's 80 bytes. Where those end with zeros, ours end with bytes
    /// that tie the file to this HSM and this key.
    pub(super) fn write_file(&self, token: &TokenId, nonce: &[u8; 16]) -> Result<[u8; FILE_BYTES], Error> {
        let kind: u16 = if self.service.is_of_key() { 2 } else { 1 };
        let mut name = [0; 32];
        let place = name.get_mut(..self.name.len()).ok_or(Error::UserName("longer than a quorum token takes"))?;
        place.copy_from_slice(self.name.as_bytes());
        let mut file = Vec::with_capacity(FILE_BYTES);
        file.extend_from_slice(&kind.to_be_bytes());
        file.extend_from_slice(&(self.service as u16).to_be_bytes());
        file.extend_from_slice(&self.id.to_be_bytes());
        file.extend_from_slice(&self.key.to_be_bytes());
        file.extend_from_slice(nonce);
        file.extend_from_slice(&name);
        file.extend_from_slice(&self.issued.to_be_bytes());
        file.extend_from_slice(&self.tie(token)?);
        file.try_into().map_err(|_| damaged("a quorum token has a wrong length"))
    }

    /// Eight bytes that only this HSM's token for this very key has.
    pub(super) fn tie(&self, token: &TokenId) -> Result<[u8; 8], Error> {
        let mut digest = [0; 32];
        let mut text = b"strongroom quorum token\0".to_vec();
        text.extend_from_slice(token);
        text.extend_from_slice(&self.unique_id);
        hash::digest(Algorithm::Sha256, &text, &mut digest)?;
        digest.first_chunk().copied().ok_or_else(|| damaged("a digest is too short"))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(RECORD_FORMAT);
        writer.u32(self.requester.0);
        writer.raw(&self.unique_id);
        writer.raw(&self.file);
        writer.u8(self.given());
        for (user, signature) in &self.approvals {
            writer.u32(user.0);
            writer.counted(signature);
        }
        writer.finish()
    }

    /// The token of this record. What the file says is taken from the file, which is what was signed.
    pub(super) fn decode(id: u32, record: &[u8]) -> Result<QuorumToken, Error> {
        let mut reader = Reader::new(record);
        if reader.u8()? != RECORD_FORMAT {
            return Err(damaged("a quorum token of an unknown format"));
        }
        let requester = UserId(reader.u32()?);
        let unique_id = reader.array()?;
        let file: [u8; FILE_BYTES] = reader.array()?;
        let mut approvals = Vec::new();
        for _ in 0..reader.u8()? {
            approvals.push((UserId(reader.u32()?), reader.counted()?.to_vec()));
        }
        reader.end()?;
        let mut fields = Reader::new(&file);
        let _kind: [u8; 2] = fields.array()?;
        let service = Service::numbered(u16::from_be_bytes(fields.array()?));
        let service = service.ok_or_else(|| damaged("a quorum token for an unknown service"))?;
        let written = u32::from_be_bytes(fields.array()?);
        let key = u64::from_be_bytes(fields.array()?);
        let _nonce: [u8; 16] = fields.array()?;
        let name: [u8; 32] = fields.array()?;
        let name: Vec<u8> = name.into_iter().take_while(|byte| *byte != 0).collect();
        let name = String::from_utf8(name).map_err(|_| damaged("a quorum token has no name"))?;
        let issued = u64::from_be_bytes(fields.array()?);
        if written != id || !approvals.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(damaged("a quorum token was changed"));
        }
        Ok(QuorumToken { id, service, key, requester, name, issued, file, unique_id, approvals })
    }
}

impl Token {
    pub(super) fn quorum_records(&self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        self.store.scan(layout::QUORUM_TOKENS, None, &mut collect(&mut records))?;
        Ok(records)
    }
}

pub(super) fn collect(records: &mut Vec<Record>) -> impl FnMut(&[u8], &[u8]) -> ControlFlow<()> {
    |key, record| {
        records.extend(layout::quorum_token_number(key).map(|id| (id, record.to_vec())));
        ControlFlow::Continue(())
    }
}

pub(super) fn decoded(records: &[Record]) -> Result<Vec<QuorumToken>, Error> {
    records.iter().map(|(id, record)| QuorumToken::decode(*id, record)).collect()
}

pub(super) fn all(transaction: &mut dyn Transaction) -> Result<Vec<QuorumToken>, Error> {
    let mut records = Vec::new();
    transaction.scan(layout::QUORUM_TOKENS, None, &mut collect(&mut records))?;
    decoded(&records)
}

pub(super) fn next_id(transaction: &mut dyn Transaction) -> Result<u32, Error> {
    let id = match transaction.get(layout::NEXT_QUORUM_TOKEN)? {
        Some(record) => {
            record.try_into().map(u32::from_le_bytes).map_err(|_| damaged("the quorum counter is short"))?
        }
        None => 1,
    };
    let after = id.checked_add(1).ok_or_else(|| Error::TokenFull("all quorum tokens have been given".to_owned()))?;
    if transaction.get(&layout::quorum_token(id))?.is_some() {
        return Err(damaged("the quorum counter was set back"));
    }
    transaction.put(layout::NEXT_QUORUM_TOKEN, &after.to_le_bytes())?;
    Ok(id)
}

/// The number of the token whose file this is said to be.
pub(super) fn id_in(file: &[u8]) -> Result<u32, Error> {
    let id = file.get(4..8).filter(|_| file.len() == FILE_BYTES).and_then(|id| id.try_into().ok());
    id.map(u32::from_be_bytes).ok_or(Error::Approval("a quorum token has 80 bytes"))
}

const RECORD_FORMAT: u8 = 1;
