//! Signatures of elliptic curves: two numbers in fixed width, as PKCS#11 has them, and in DER (`ECDSA-Sig-Value`, RFC
//! 3279 §2.2.3), as files have them.

/// The two halves of `raw` in DER.
pub(crate) fn to_der(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(raw.len() / 2);
    field(SEQUENCE, &[integer(r), integer(s)].concat())
}

/// The two numbers in fixed width; nothing for what is no such structure, or has numbers that are too long.
pub(crate) fn from_der(der: &[u8], width: usize) -> Option<Vec<u8>> {
    let (content, rest) = split(SEQUENCE, der)?;
    let (r, after) = split(INTEGER, content)?;
    let (s, end) = split(INTEGER, after)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    let mut raw = Vec::with_capacity(2 * width);
    for number in [r, s] {
        let digits = match number {
            [] => return None,
            [0, rest @ ..] if rest.first().is_some_and(|first| first & 0x80 != 0) => rest,
            // Negative, or with zeros that DER leaves out.
            [first, ..] if first & 0x80 != 0 || (*first == 0 && number.len() > 1) => return None,
            digits => digits,
        };
        raw.resize(raw.len() + width.checked_sub(digits.len())?, 0);
        raw.extend(digits);
    }
    Some(raw)
}

/// A number that is not negative.
fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count().min(number.len().saturating_sub(1));
    let digits = number.get(zeros..).unwrap_or_default();
    match digits.first() {
        Some(first) if first & 0x80 != 0 => field(INTEGER, &[&[0], digits].concat()),
        _ => field(INTEGER, digits),
    }
}

/// Signatures have at most 139 bytes (P-521), so the length takes two bytes at most.
fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    if content.len() >= 0x80 {
        bytes.push(0x81);
    }
    bytes.push(content.len() as u8);
    bytes.extend(content);
    bytes
}

/// The content of a field, and what follows it.
fn split(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes.strip_prefix(&[tag])? {
        [0x81, length @ 0x80..=0xff, rest @ ..] => (*length, rest),
        [length @ 0..=0x7f, rest @ ..] => (*length, rest),
        _ => return None,
    };
    rest.split_at_checked(length.into())
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_both_ways() {
        for (width, r, s) in [(32, 0xff, 0x01), (66, 0x7f, 0x80), (28, 0x00, 0x00), (48, 0x80, 0x00)] {
            let mut raw = vec![r; width];
            raw.extend(std::iter::repeat_n(s, width));
            raw[0] = 0;
            let der = to_der(&raw);
            assert_eq!(from_der(&der, width).as_deref(), Some(&*raw));
            assert_eq!(from_der(&der[..der.len() - 1], width), None);
        }
    }

    #[test]
    fn what_is_no_der_is_refused() {
        for wrong in [
            &b""[..],
            &[0x30, 6, 2, 1, 1, 2, 1],
            &[0x30, 6, 2, 1, 1, 2, 1, 1, 0],
            &[0x30, 6, 2, 1, 0x80, 2, 1, 1],
            &[0x30, 7, 2, 2, 0, 1, 2, 1, 1],
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1],
            &[0x31, 6, 2, 1, 1, 2, 1, 1],
            &[0x30, 5, 2, 0, 2, 1, 1],
        ] {
            assert_eq!(from_der(wrong, 32), None, "{wrong:02x?}");
        }
        assert_eq!(from_der(&[0x30, 6, 2, 1, 1, 2, 1, 2], 1), Some(vec![1, 2]));
        assert_eq!(from_der(&[0x30, 7, 2, 2, 1, 1, 2, 1, 2], 1), None);
    }
}
