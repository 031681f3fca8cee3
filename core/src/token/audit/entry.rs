//! Entries and the head of the log as bytes, and the keys that vouch for them. The layout is in `docs/store-format.md`.

use strongroom_crypto::hash::{Algorithm, digest};
use strongroom_crypto::kdf::hmac_sha256;
use strongroom_crypto::memory::constant_time_eq;
use zeroize::Zeroizing;

use super::Event;
use crate::error::Error;
use crate::object::UserId;
use crate::object::codec::{Reader, Writer, damaged};

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: the first is 1, and there are no gaps.
    pub sequence: u64,
    /// Milliseconds since 1970-01-01 00:00 UTC, by the clock of the process that wrote it.
    pub time_ms: u64,
    /// What happened.
    pub event: Event,
    /// Who did it; nobody where nobody was logged in.
    pub user: UserId,
    /// In which role, as the user's record has it; 0 for nobody.
    pub role: u8,
    /// The process that did it, by its own word.
    pub process: u32,
    /// The system's user who ran it, by its own word.
    pub system_user: u32,
    /// The object it is about; 0 for none.
    pub object: u64,
    /// Another user or object, as [`Event::second`] says; 0 for none.
    pub second: u64,
    /// The mechanism, where there was one.
    pub mechanism: Option<u64>,
    /// The return value of PKCS#11: 0, unless the event is a refusal.
    pub result: u64,
    /// The name of the user it is about; empty where it is about none.
    pub name: String,
    /// The hash of the record before it; of the first entry zeros, or the head of the log before the token was made
    /// anew.
    pub previous: Hash,
}

/// SHA-256 of a record.
pub type Hash = [u8; 32];

/// The key that vouches for one entry. The next one follows from it, and nothing leads back.
#[derive(Clone)]
pub(super) struct MacKey(Zeroizing<[u8; 32]>);

/// Where the log goes on.
pub(super) struct Head {
    /// The sequence of the next entry.
    pub next: u64,
    /// The hash of the last record.
    pub hash: Hash,
    /// The key of the next entry.
    pub key: MacKey,
}

const ENTRY_FORMAT: u8 = 1;
const HEAD_FORMAT: u8 = 1;
const HEAD_BYTES: usize = 1 + 8 + 32 + 32;
const MAC_BYTES: usize = 32;
/// Stands for no mechanism; `CK_UNAVAILABLE_INFORMATION`, and none of a vendor's numbers.
const NO_MECHANISM: u64 = u64::MAX;

impl Entry {
    /// The record: the entry, and the MAC under its key.
    pub(super) fn seal(&self, key: &MacKey) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(ENTRY_FORMAT);
        writer.u64(self.sequence);
        writer.u64(self.time_ms);
        writer.u16(self.event as u16);
        writer.u32(self.user.0);
        writer.u8(self.role);
        writer.u32(self.process);
        writer.u32(self.system_user);
        writer.u64(self.object);
        writer.u64(self.second);
        writer.u64(self.mechanism.unwrap_or(NO_MECHANISM));
        writer.u64(self.result);
        writer.counted(self.name.as_bytes());
        writer.raw(&self.previous);
        let mut record = writer.finish();
        let mac = key.mac(&record);
        record.extend_from_slice(&mac);
        record
    }

    /// The entry in a record. Whether it is true is another question: `is_sealed`.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn decode(record: &[u8]) -> Result<Entry, Error> {
        let mut reader = Reader::new(record);
        if reader.u8()? != ENTRY_FORMAT {
            return Err(damaged("an audit entry of an unknown format"));
        }
        let entry = Entry {
            sequence: reader.u64()?,
            time_ms: reader.u64()?,
            event: Event::of_code(reader.u16()?)?,
            user: UserId(reader.u32()?),
            role: reader.u8()?,
            process: reader.u32()?,
            system_user: reader.u32()?,
            object: reader.u64()?,
            second: reader.u64()?,
            mechanism: Some(reader.u64()?).filter(|mechanism| *mechanism != NO_MECHANISM),
            result: reader.u64()?,
            name: String::from_utf8(reader.counted()?.to_vec())
                .map_err(|_| damaged("a user name in an audit entry is not UTF-8"))?,
            previous: reader.array()?,
        };
        let _mac: [u8; MAC_BYTES] = reader.array()?;
        reader.end()?;
        Ok(entry)
    }
}

/// Whether a record carries the MAC that this key makes of it.
pub(super) fn is_sealed(record: &[u8], key: &MacKey) -> bool {
    record.split_last_chunk::<MAC_BYTES>().is_some_and(|(body, mac)| constant_time_eq(&key.mac(body), mac))
}

/// The hash by which the next entry and the head name a record.
///
/// # Errors
/// The crypto crate's.
pub(super) fn hash_of(record: &[u8]) -> Result<Hash, Error> {
    let mut hash = [0; 32];
    digest(Algorithm::Sha256, record, &mut hash)?;
    Ok(hash)
}

impl MacKey {
    /// The key of the first entry, as officers know it.
    pub(super) fn first(key: Zeroizing<[u8; 32]>) -> MacKey {
        MacKey(key)
    }

    /// The key of the entry after this one's.
    pub(super) fn next(&self) -> MacKey {
        MacKey(Zeroizing::new(hmac_sha256(&*self.0, &[b"strongroom audit next key"])))
    }

    /// Whether both are the same key.
    pub(super) fn is(&self, other: &MacKey) -> bool {
        constant_time_eq(&*self.0, &*other.0)
    }

    fn mac(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        hmac_sha256(&*self.0, &[b"strongroom audit entry\0", body])
    }
}

impl Head {
    /// The head as bytes, wiped after use: the next head makes the key in it one of the past.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut record = Zeroizing::new(Vec::with_capacity(HEAD_BYTES));
        record.push(HEAD_FORMAT);
        record.extend_from_slice(&self.next.to_le_bytes());
        record.extend_from_slice(&self.hash);
        record.extend_from_slice(&*self.key.0);
        record
    }

    /// The head these bytes describe.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub(super) fn decode(record: &[u8]) -> Result<Head, Error> {
        let mut reader = Reader::new(record);
        if reader.u8()? != HEAD_FORMAT {
            return Err(damaged("the head of the audit log has an unknown format"));
        }
        let head = Head { next: reader.u64()?, hash: reader.array()?, key: MacKey(Zeroizing::new(reader.array()?)) };
        reader.end()?;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            sequence: 7,
            time_ms: 1_700_000_000_123,
            event: Event::ObjectUnwrapped,
            user: UserId(3),
            role: 2,
            process: 4711,
            system_user: 1000,
            object: 12,
            second: 5,
            mechanism: Some(0x210b),
            result: 0,
            name: "alice".to_owned(),
            previous: [9; 32],
        }
    }

    fn key() -> MacKey {
        MacKey::first(Zeroizing::new([1; 32]))
    }

    #[test]
    fn entries_come_back() {
        let without = Entry { mechanism: None, name: String::new(), ..entry() };
        for entry in [entry(), without] {
            let record = entry.seal(&key());
            assert_eq!(record.len(), 132 + entry.name.len());
            assert_eq!(Entry::decode(&record).unwrap(), entry);
            assert!(is_sealed(&record, &key()) && !is_sealed(&record, &key().next()));
        }
    }

    #[test]
    fn entries_that_are_not_whole_are_damage() {
        let record = entry().seal(&key());
        for length in 0..record.len() {
            assert!(matches!(Entry::decode(&record[..length]), Err(Error::Damaged(_))), "{length}");
            assert!(!is_sealed(&record[..length], &key()));
        }
        assert!(Entry::decode(&[&record[..], &[0]].concat()).is_err());
    }

    #[test]
    fn heads_come_back() {
        let head = Head { next: 8, hash: [2; 32], key: key() };
        let record = head.encode();
        assert_eq!(record.len(), HEAD_BYTES);
        let again = Head::decode(&record).unwrap();
        assert_eq!((again.next, again.hash), (8, [2; 32]));
        assert!(again.key.is(&key()) && !again.key.is(&key().next()));
        assert!(Head::decode(&record[1..]).is_err());
    }

    /// The layout, so that no change of it goes unnoticed.
    #[test]
    fn the_layout_is_the_documented_one() {
        let record = entry().seal(&key());
        assert_eq!(record[..9], [1, 7, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(record[17..19], [18, 0]);
        assert_eq!((record[23], record[19]), (2, 3));
        assert_eq!(record[64..68], [5, 0, 0, 0]);
        assert_eq!(record[68..73], *b"alice");
        assert_eq!(record[73..105], [9; 32]);
    }
}
