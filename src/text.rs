//! The fixed-width, blank-padded strings of the info structures.

use cryptoki_sys::CK_VERSION;

/// `text` in `N` bytes: padded with blanks, never NUL-terminated, never cut within a character (PKCS#11 3.2 §3.1).
pub(crate) fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let mut end = N.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (place, byte) in field.iter_mut().zip(text.bytes().take(end)) {
        *place = byte;
    }
    field
}

/// A version of two numbers.
pub(crate) fn version((major, minor): (u8, u8)) -> CK_VERSION {
    CK_VERSION { major, minor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_padded_and_cut_between_characters() {
        assert_eq!(&padded::<5>("ab"), b"ab   ");
        assert_eq!(&padded::<2>("abc"), b"ab");
        assert_eq!(&padded::<3>(""), b"   ");
        // Two bytes per character: the second does not fit and leaves a blank.
        assert_eq!(&padded::<3>("éé"), "é ".as_bytes());
        assert_eq!(&padded::<4>("éé"), "éé".as_bytes());
        assert_eq!(&padded::<1>("é"), b" ");
    }
}
