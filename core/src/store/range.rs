//! The key range of a scan, the same for every engine.

/// Keys from `lower` (included) to `upper` (excluded; `None` is the end of all keys).
pub(super) struct KeyRange {
    pub(super) lower: Vec<u8>,
    pub(super) upper: Option<Vec<u8>>,
}

impl KeyRange {
    /// The keys that start with `prefix` and are greater than `after`; `None` if there can be none.
    pub(super) fn of(prefix: &[u8], after: Option<&[u8]>) -> Option<Self> {
        let upper = end_of_prefix(prefix);
        let lower = match after {
            Some(after) if after >= prefix => successor(after),
            _ => prefix.to_vec(),
        };
        match &upper {
            Some(upper) if lower >= *upper => None,
            _ => Some(Self { lower, upper }),
        }
    }
}

/// The smallest key greater than every key that starts with `prefix`.
fn end_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix.get(..=kept)?.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    Some(end)
}

/// The smallest key greater than `key`.
fn successor(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_prefixes() {
        assert_eq!(end_of_prefix(b""), None);
        assert_eq!(end_of_prefix(b"\xff\xff"), None);
        assert_eq!(end_of_prefix(b"a"), Some(b"b".to_vec()));
        assert_eq!(end_of_prefix(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(end_of_prefix(b"a\xfe"), Some(b"a\xff".to_vec()));
    }

    #[test]
    fn ranges_after_a_key() {
        assert!(KeyRange::of(b"a", Some(b"b")).is_none());
        assert!(KeyRange::of(b"a", Some(b"zz")).is_none());
        let before = KeyRange::of(b"b", Some(b"a")).expect("not empty");
        assert_eq!(before.lower, b"b");
        let within = KeyRange::of(b"b", Some(b"b")).expect("not empty");
        assert_eq!(within.lower, b"b\0");
    }
}
