//! The curves: names, object identifiers, sizes.

use aws_lc_sys::{
    NID_X9_62_prime256v1, NID_brainpoolP224r1, NID_brainpoolP256r1, NID_brainpoolP320r1, NID_brainpoolP384r1,
    NID_brainpoolP512r1, NID_secp224r1, NID_secp256k1, NID_secp384r1, NID_secp521r1,
};

use super::library;

/// A curve in short Weierstrass form over a prime field, of prime order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Curve {
    P224,
    P256,
    P384,
    P521,
    Secp256k1,
    BrainpoolP224r1,
    BrainpoolP256r1,
    BrainpoolP320r1,
    BrainpoolP384r1,
    BrainpoolP512r1,
}

impl Curve {
    /// Every curve.
    pub const ALL: [Curve; 10] = [
        Curve::P224,
        Curve::P256,
        Curve::P384,
        Curve::P521,
        Curve::Secp256k1,
        Curve::BrainpoolP224r1,
        Curve::BrainpoolP256r1,
        Curve::BrainpoolP320r1,
        Curve::BrainpoolP384r1,
        Curve::BrainpoolP512r1,
    ];

    /// The name in SEC 2 or RFC 5639.
    pub const fn name(self) -> &'static str {
        match self {
            Curve::P224 => "secp224r1",
            Curve::P256 => "secp256r1",
            Curve::P384 => "secp384r1",
            Curve::P521 => "secp521r1",
            Curve::Secp256k1 => "secp256k1",
            Curve::BrainpoolP224r1 => "brainpoolP224r1",
            Curve::BrainpoolP256r1 => "brainpoolP256r1",
            Curve::BrainpoolP320r1 => "brainpoolP320r1",
            Curve::BrainpoolP384r1 => "brainpoolP384r1",
            Curve::BrainpoolP512r1 => "brainpoolP512r1",
        }
    }

    // The names in FIPS 186 and in X9.62 (1998 and 2005).
    const fn other_names(self) -> &'static [&'static str] {
        match self {
            Curve::P224 => &["P-224", "ansix9p224r1"],
            Curve::P256 => &["P-256", "prime256v1", "ansix9p256r1"],
            Curve::P384 => &["P-384", "ansix9p384r1"],
            Curve::P521 => &["P-521", "ansix9p521r1"],
            Curve::Secp256k1 => &["ansix9p256k1"],
            _ => &[],
        }
    }

    /// The object identifier in DER, with tag and length.
    pub const fn oid(self) -> &'static [u8] {
        match self {
            Curve::P224 => b"\x06\x05\x2b\x81\x04\x00\x21",
            Curve::P256 => b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
            Curve::P384 => b"\x06\x05\x2b\x81\x04\x00\x22",
            Curve::P521 => b"\x06\x05\x2b\x81\x04\x00\x23",
            Curve::Secp256k1 => b"\x06\x05\x2b\x81\x04\x00\x0a",
            Curve::BrainpoolP224r1 => b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x05",
            Curve::BrainpoolP256r1 => b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07",
            Curve::BrainpoolP320r1 => b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x09",
            Curve::BrainpoolP384r1 => b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b",
            Curve::BrainpoolP512r1 => b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0d",
        }
    }

    /// Bits of the order, which are also the bits of a field element.
    pub const fn bits(self) -> usize {
        match self {
            Curve::P224 | Curve::BrainpoolP224r1 => 224,
            Curve::P256 | Curve::Secp256k1 | Curve::BrainpoolP256r1 => 256,
            Curve::BrainpoolP320r1 => 320,
            Curve::P384 | Curve::BrainpoolP384r1 => 384,
            Curve::BrainpoolP512r1 => 512,
            Curve::P521 => 521,
        }
    }

    /// Bytes of the order: of a private number, and of each half of a signature.
    pub const fn order_bytes(self) -> usize {
        self.bits().div_ceil(8)
    }

    /// Bytes of a field element: of a coordinate, and of a shared secret.
    pub const fn field_bytes(self) -> usize {
        self.bits().div_ceil(8)
    }

    /// Bytes of a signature, r and s.
    pub const fn signature_bytes(self) -> usize {
        2 * self.order_bytes()
    }

    /// Bytes of an uncompressed point.
    pub const fn point_bytes(self) -> usize {
        1 + 2 * self.field_bytes()
    }

    /// The curve that DER parameters name: by object identifier, by name in a PrintableString, or by explicit
    /// ECParameters that are exactly a curve's (PKCS#11 3.2, "Elliptic curve", CKA_EC_PARAMS). None for others.
    ///
    /// Explicit parameters are taken in version 1, with an uncompressed base point.
    pub fn from_params(der: &[u8]) -> Option<Curve> {
        let found = |matches: &dyn Fn(Curve) -> bool| Curve::ALL.into_iter().find(|curve| matches(*curve));
        if let Some(name) = printable_string(der) {
            return found(&|curve| {
                [curve.name()].iter().chain(curve.other_names()).any(|known| known.eq_ignore_ascii_case(name))
            });
        }
        match *der.first()? {
            OBJECT_IDENTIFIER => found(&|curve| curve.oid() == der),
            SEQUENCE => {
                let number = library::number_of_explicit_parameters(der)?;
                found(&|curve| curve.library_number() == number)
            }
            _ => None,
        }
    }

    /// What AWS-LC calls the curve.
    pub(super) const fn library_number(self) -> i32 {
        match self {
            Curve::P224 => NID_secp224r1,
            Curve::P256 => NID_X9_62_prime256v1,
            Curve::P384 => NID_secp384r1,
            Curve::P521 => NID_secp521r1,
            Curve::Secp256k1 => NID_secp256k1,
            Curve::BrainpoolP224r1 => NID_brainpoolP224r1,
            Curve::BrainpoolP256r1 => NID_brainpoolP256r1,
            Curve::BrainpoolP320r1 => NID_brainpoolP320r1,
            Curve::BrainpoolP384r1 => NID_brainpoolP384r1,
            Curve::BrainpoolP512r1 => NID_brainpoolP512r1,
        }
    }

    /// The bits of the first of [`order_bytes`](Curve::order_bytes) that the order has.
    pub(super) const fn first_byte_mask(self) -> u8 {
        0xff >> (8 * self.order_bytes() - self.bits())
    }
}

/// The text of a DER PrintableString that is all of `der`. None for others, and for more than 127 characters.
pub(crate) fn printable_string(der: &[u8]) -> Option<&str> {
    let [PRINTABLE_STRING, len @ 0..=127, text @ ..] = der else {
        return None;
    };
    (usize::from(*len) == text.len()).then(|| str::from_utf8(text).ok()).flatten()
}

const OBJECT_IDENTIFIER: u8 = 0x06;
const PRINTABLE_STRING: u8 = 0x13;
const SEQUENCE: u8 = 0x30;
