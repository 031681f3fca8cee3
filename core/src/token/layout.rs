//! Where each record of a token lies in its store. Keys sort by kind, then by number; numbers are big-endian so that
//! they sort as numbers. See `docs/store-format.md`.

use crate::object::UserId;

/// The token's own record.
pub const META: &[u8] = b"M";
/// The next object number to give.
pub const NEXT_OBJECT: &[u8] = b"Co";
/// The next user id to give.
pub const NEXT_USER: &[u8] = b"Cu";
/// The next number of a quorum token.
pub const NEXT_QUORUM_TOKEN: &[u8] = b"Cq";
/// How many officers approve of what an officer does.
pub const QUORUM_VALUES: &[u8] = b"V";
/// What all quorum tokens start with.
pub const QUORUM_TOKENS: &[u8] = b"Q";
/// What all keys to approve with start with.
pub const APPROVERS: &[u8] = b"K";
/// Where the audit log goes on. No entry's key begins like this: sequences stay below 2^62.
pub const AUDIT_HEAD: &[u8] = b"Ah";
/// What all records of the audit log start with: the entries, and behind them the head.
pub const AUDIT: &[u8] = b"A";
/// What all object records start with.
pub const OBJECTS: &[u8] = b"O";
/// What all user records start with.
pub const USERS: &[u8] = b"U";

/// What all records of pairs of users start with.
pub const PAIRS: &[u8] = b"P";

/// Bytes of a search tag.
pub const TAG_BYTES: usize = 8;

/// The record of an object.
pub fn object(number: u64) -> [u8; 9] {
    let mut key = [OBJECTS[0]; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The number in an object's key.
pub fn object_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(OBJECTS)?.try_into().ok()?))
}

/// An entry of the audit log.
pub fn audit_entry(sequence: u64) -> [u8; 9] {
    let mut key = [AUDIT[0]; 9];
    key[1..].copy_from_slice(&sequence.to_be_bytes());
    key
}

/// The sequence in an audit entry's key.
pub fn audit_sequence(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(AUDIT)?.try_into().ok()?))
}

/// The record of a user.
pub fn user(user: UserId) -> [u8; 5] {
    let mut key = [USERS[0]; 5];
    key[1..].copy_from_slice(&user.0.to_be_bytes());
    key
}

/// The number of the user whose record has this key.
pub fn user_number(key: &[u8]) -> Option<UserId> {
    Some(UserId(u32::from_be_bytes(key.strip_prefix(USERS)?.try_into().ok()?)))
}

/// The key between a user and another with whom the first shares objects.
pub fn pair(owner: UserId, sharee: UserId) -> [u8; 9] {
    let mut key = [PAIRS[0]; 9];
    key[1..5].copy_from_slice(&owner.0.to_be_bytes());
    key[5..].copy_from_slice(&sharee.0.to_be_bytes());
    key
}

/// Owner and sharee in the key of a pair.
pub fn users_of_pair(key: &[u8]) -> Option<[UserId; 2]> {
    let (owner, sharee) = key.strip_prefix(PAIRS)?.split_at_checked(4)?;
    let user = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_be_bytes).map(UserId);
    Some([user(owner)?, user(sharee)?])
}

/// A quorum token.
pub fn quorum_token(id: u32) -> [u8; 5] {
    let mut key = [QUORUM_TOKENS[0]; 5];
    key[1..].copy_from_slice(&id.to_be_bytes());
    key
}

/// The number in a quorum token's key.
pub fn quorum_token_number(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.strip_prefix(QUORUM_TOKENS)?.try_into().ok()?))
}

/// The key with which a user approves.
pub fn approver(user: UserId) -> [u8; 5] {
    let mut key = [APPROVERS[0]; 5];
    key[1..].copy_from_slice(&user.0.to_be_bytes());
    key
}

/// The user in the key of a record of a key to approve with.
pub fn approver_number(key: &[u8]) -> Option<UserId> {
    Some(UserId(u32::from_be_bytes(key.strip_prefix(APPROVERS)?.try_into().ok()?)))
}

/// How often in a row a user's PIN was wrong.
pub fn failures(user: UserId) -> [u8; 5] {
    let mut key = [b'F'; 5];
    key[1..].copy_from_slice(&user.0.to_be_bytes());
    key
}

/// What all entries of one search tag start with.
pub fn tag_prefix(tag: &[u8; TAG_BYTES]) -> [u8; 1 + TAG_BYTES] {
    let mut key = [b'T'; 1 + TAG_BYTES];
    key[1..].copy_from_slice(tag);
    key
}

/// The entry of an object under a search tag.
pub fn tag(tag: &[u8; TAG_BYTES], number: u64) -> [u8; 9 + TAG_BYTES] {
    let mut key = [0; 9 + TAG_BYTES];
    key[..1 + TAG_BYTES].copy_from_slice(&tag_prefix(tag));
    key[1 + TAG_BYTES..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The object number in a tag's entry.
pub fn tagged_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1 + TAG_BYTES..)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_numbers_and_come_back() {
        assert!(object(255) < object(256));
        assert_eq!(object_number(&object(0x0102_0304_0506_0708)), Some(0x0102_0304_0506_0708));
        assert_eq!(object_number(b"Oshort"), None);
        assert_eq!(user_number(&user(UserId(0x0102_0304))), Some(UserId(0x0102_0304)));
        assert_eq!(user_number(b"Ushort"), None);
        let entry = tag(&[7; 8], 42);
        assert!(entry.starts_with(&tag_prefix(&[7; 8])));
        assert_eq!(tagged_number(&entry), Some(42));
    }

    #[test]
    fn the_head_of_the_audit_log_is_no_entry_and_comes_last() {
        assert_eq!(audit_sequence(&audit_entry(0x0102_0304)), Some(0x0102_0304));
        assert_eq!(audit_sequence(AUDIT_HEAD), None);
        assert!(AUDIT_HEAD.starts_with(AUDIT));
        assert!(audit_entry((1 << 62) - 1).as_slice() < AUDIT_HEAD);
        assert!(!audit_entry((1 << 62) - 1).starts_with(AUDIT_HEAD));
    }
}
