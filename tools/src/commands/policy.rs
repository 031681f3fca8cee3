//! What a token's policy makes of keys, where that is said before the core says it: in listings, and before a key is
//! kept that nothing could use. The core decides; this only words its rules.

use cryptoki_sys::*;
use strongroom_core::mechanism::{CATALOGUE, Mechanism, Work};
use strongroom_core::object::schema::Kind;
use strongroom_core::policy::{FIPS_RSA_BITS_MIN, Policy};
use strongroom_crypto::ec;

/// A key of which a policy does not take every use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Nothing at all can be done with it: says why.
    Useless(Reason),
    /// It only verifies: an RSA public key of so many bits.
    OnlyVerifies(u64),
}

/// Why a policy takes no use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Keys of this type are not offered.
    Type,
    /// An RSA modulus of so many bits is too short.
    Bits(u64),
    /// The curve is not approved.
    Curve,
}

/// What `policy` does not take of a key of this kind, with an RSA modulus of so many bits or on this curve.
pub(crate) fn limit(policy: Policy, kind: &Kind, bits: Option<u64>, curve: Option<ec::Curve>) -> Option<Limit> {
    let key_type = kind.subtype.filter(|_| kind.is_key())?;
    if !generator(kind.class, key_type).is_none_or(|mechanism| mechanism.is_offered(policy)) {
        return Some(Limit::Useless(Reason::Type));
    }
    if policy != Policy::Fips {
        return None;
    }
    match (key_type, kind.class, bits, curve) {
        (CKK_RSA, CKO_PUBLIC_KEY, Some(bits), _) if bits < FIPS_RSA_BITS_MIN => Some(Limit::OnlyVerifies(bits)),
        (CKK_RSA, CKO_PRIVATE_KEY, Some(bits), _) if bits < FIPS_RSA_BITS_MIN => {
            Some(Limit::Useless(Reason::Bits(bits)))
        }
        (CKK_EC, _, _, Some(ec::Curve::Secp256k1)) => Some(Limit::Useless(Reason::Curve)),
        _ => None,
    }
}

/// The mechanism that generates keys of this type. A policy that does not make them has no cipher, MAC or signature for
/// them either.
fn generator(class: u64, key_type: u64) -> Option<&'static Mechanism> {
    CATALOGUE.iter().find(|mechanism| match mechanism.work {
        Work::GenerateSecret(made) => class == CKO_SECRET_KEY && made == key_type,
        Work::GeneratePair(made) => class != CKO_SECRET_KEY && made == key_type,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICIES: [Policy; 3] = [Policy::Standard, Policy::Strict, Policy::Fips];

    /// The type of keys that a mechanism encrypts, signs or encapsulates with.
    fn used(mechanism: &Mechanism) -> Vec<u64> {
        match mechanism.work {
            Work::Cipher { key_types, .. } | Work::Mac { key_types, .. } => key_types.to_vec(),
            Work::Signature { key_type, .. } | Work::Encapsulation(key_type) => vec![key_type],
            _ => Vec::new(),
        }
    }

    #[test]
    fn what_a_policy_does_not_make_it_does_not_use() {
        let mut useless = 0;
        for policy in POLICIES {
            for kind in Kind::all().iter().filter(|kind| kind.is_key()) {
                if limit(policy, kind, None, None) == Some(Limit::Useless(Reason::Type)) {
                    let key_type = kind.subtype.unwrap();
                    let user = CATALOGUE
                        .iter()
                        .find(|mechanism| mechanism.is_offered(policy) && used(mechanism).contains(&key_type));
                    assert!(user.is_none(), "{policy}: {} is used by {}", kind.name, user.unwrap());
                    useless += 1;
                }
            }
        }
        assert!(useless >= 5, "{useless}");
    }

    #[test]
    fn only_fips_looks_at_sizes_and_curves() {
        let of = |policy, class, bits| limit(policy, Kind::pair_half(class, CKK_RSA).unwrap(), Some(bits), None);
        let curve =
            |policy| limit(policy, Kind::pair_half(CKO_PRIVATE_KEY, CKK_EC).unwrap(), None, Some(ec::Curve::Secp256k1));
        for policy in [Policy::Standard, Policy::Strict] {
            assert_eq!((of(policy, CKO_PRIVATE_KEY, 1024), curve(policy)), (None, None));
        }
        let useless = |reason| Some(Limit::Useless(reason));
        assert_eq!(of(Policy::Fips, CKO_PRIVATE_KEY, 2047), useless(Reason::Bits(2047)));
        assert_eq!(of(Policy::Fips, CKO_PUBLIC_KEY, 1024), Some(Limit::OnlyVerifies(1024)));
        assert_eq!((of(Policy::Fips, CKO_PRIVATE_KEY, 2048), curve(Policy::Fips)), (None, useless(Reason::Curve)));
    }
}
