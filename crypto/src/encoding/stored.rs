//! The public half that a file keeps beside a private key. It follows from the private one, so that it is only good for
//! telling that the two do not belong together.

use super::fields::Fields;
use super::public::{PublicKeyInfo, only_number};
use crate::Error;

/// A public half as it stands beside a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredPublic<'a> {
    /// As the bit string of a SubjectPublicKeyInfo has it; a point may have another form.
    Bits(&'a [u8]),
    /// A number alone, big-endian.
    Number(&'a [u8]),
}

impl StoredPublic<'_> {
    /// Whether it is the public key in `info`, a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// [`Error::Encoding`] for an `info` that is none.
    pub fn is_of(&self, info: &[u8]) -> Result<bool, Error> {
        let mut fields = Fields::of_sequence(info)?;
        fields.sequence()?;
        let bits = fields.bits()?;
        fields.end()?;
        Ok(match *self {
            StoredPublic::Number(number) => only_number(bits)? == number,
            StoredPublic::Bits(stored) if stored == bits => true,
            StoredPublic::Bits(stored) => match PublicKeyInfo::decode(info)? {
                PublicKeyInfo::Ec { point, .. } => is_other_form(stored, point),
                _ => false,
            },
        })
    }
}

/// Whether `stored` is the uncompressed `point`, compressed or hybrid (SEC 1 §2.3.3, X9.62 §4.3.6).
fn is_other_form(stored: &[u8], point: &[u8]) -> bool {
    let (Some((form, stored)), Some((&UNCOMPRESSED, coordinates))) = (stored.split_first(), point.split_first()) else {
        return false;
    };
    let parity = coordinates.last().map_or(0, |byte| byte & 1);
    let (x, _) = coordinates.split_at(coordinates.len() / 2);
    match form.checked_sub(parity) {
        Some(COMPRESSED) => stored == x,
        Some(HYBRID) => stored == coordinates,
        _ => false,
    }
}

const UNCOMPRESSED: u8 = 4;
/// The first byte where y is even; where it is odd, one more.
const COMPRESSED: u8 = 2;
/// Likewise.
const HYBRID: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// P-256 by name.
    const P256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

    #[test]
    fn a_point_is_known_in_each_of_its_forms() {
        for parity in [0, 1] {
            let info = PublicKeyInfo::Ec { params: P256, point: &[4, 8, 9, 10, 12 + parity] }.encode().unwrap();
            let is_of = |stored: &[u8]| StoredPublic::Bits(stored).is_of(&info).unwrap();
            assert!(is_of(&[4, 8, 9, 10, 12 + parity]));
            assert!(is_of(&[2 + parity, 8, 9]) && !is_of(&[3 - parity, 8, 9]) && !is_of(&[2 + parity, 8, 8]));
            assert!(is_of(&[6 + parity, 8, 9, 10, 12 + parity]) && !is_of(&[7 - parity, 8, 9, 10, 12 + parity]));
            assert!(!is_of(&[4, 8, 9, 11, 12 + parity]) && !is_of(&[4, 8, 9]) && !is_of(&[4]) && !is_of(&[]));
        }
    }

    #[test]
    fn a_number_is_known() {
        let info = PublicKeyInfo::Dsa { p: &[23], q: &[11], g: &[4], y: &[0xf3] }.encode().unwrap();
        assert!(StoredPublic::Number(&[0xf3]).is_of(&info).unwrap());
        assert!(!StoredPublic::Number(&[0xf4]).is_of(&info).unwrap());
        assert!(StoredPublic::Bits(&[2, 2, 0, 0xf3]).is_of(&info).unwrap());
        assert!(!StoredPublic::Bits(&[0xf3]).is_of(&info).unwrap());
        assert!(StoredPublic::Number(&[0xf3]).is_of(&info[..9]).is_err());
    }
}
