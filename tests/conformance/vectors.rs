//! Published values, typed in: NIST SP 800-38A, 800-38B, 800-67, FIPS 81, FIPS 202, IEEE 1619, RFC 3962, RFC 6229, RFC 8439.

/// The bytes of a hexadecimal string; white space does not count.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).expect("a hex digit") as u8).collect();
    assert!(digits.len().is_multiple_of(2), "whole bytes: {text}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
