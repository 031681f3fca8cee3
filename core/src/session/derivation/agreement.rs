//! Keys on which two sides agree (PKCS#11 3.2, "Elliptic Curve Diffie-Hellman key derivation", "PKCS #3 Diffie-Hellman
//! key derivation", "X9.42 Diffie-Hellman key derivation").
//!
//! A public key of the other side that is no sound one is `CKR_PUBLIC_KEY_INVALID`, which `C_DeriveKey` returns "in
//! preference to CKR_MECHANISM_PARAM_INVALID" (§5.1.6).

use cryptoki_sys::*;
use strongroom_crypto::encoding::octet_string;
use strongroom_crypto::memory::SecretBytes;

use super::{Derived, Run, expanded};
use crate::asymmetric::PrivateKey;
use crate::error::Error;
use crate::mechanism::hashes::{AgreementKdf, agreement_kdf};
use crate::object::birth::{self, Inheritance, Target};

impl Run<'_> {
    /// An agreement on a curve. The cofactor of all of them is 1, or (RFC 7748) cleared in every private key.
    pub(super) fn ecdh(&self, key_types: &[u64], kdf: u64, shared: &[u8], public: &[u8]) -> Result<Derived, Error> {
        self.agree(key_types, agreement_kdf(kdf)?, shared, |key| match key {
            PrivateKey::Ec(key) => {
                let bytes = key.curve().field_bytes();
                key.agree(point(public, &[1 + 2 * bytes, 1 + bytes])?).map_err(refusal)
            }
            PrivateKey::Montgomery(key) => key.agree(point(public, &[key.curve().bytes()])?).map_err(refusal),
            _ => Err(Error::NotSupported),
        })
    }

    /// An agreement over a prime field. The secret has as many bytes as the prime.
    pub(super) fn dh(
        &self,
        key_types: &[u64],
        kdf: AgreementKdf,
        shared: &[u8],
        public: &[u8],
    ) -> Result<Derived, Error> {
        self.agree(key_types, kdf, shared, |key| match key {
            PrivateKey::Dh(key) => key.agree(public).map_err(refusal),
            _ => Err(Error::NotSupported),
        })
    }

    fn agree(
        &self,
        key_types: &[u64],
        kdf: AgreementKdf,
        shared: &[u8],
        agree: impl FnOnce(&PrivateKey) -> Result<SecretBytes, Error>,
    ) -> Result<Derived, Error> {
        let base = self.source(self.base, key_types, CKO_PRIVATE_KEY)?;
        let demands = base.demands(CKA_DERIVE_TEMPLATE);
        let template = &birth::merged(self.template, demands)?;
        let target = Target::of(template)?;
        let key = base.private_key()?;
        // A public value of each small order would tell the private one's remainder.
        if matches!(&**key, PrivateKey::Dh(key) if !key.parameters().has_order()) && self.is_confidential(&base) {
            return Err(Error::KeyNotPermitted(
                "CKA_PRIME is no safe prime, and there is no CKA_SUBPRIME: an agreement would tell a confidential key",
            ));
        }
        let secret = agree(key)?;
        self.used();
        let bytes = match kdf {
            AgreementKdf::None => target.bytes_of(secret.len())?,
            AgreementKdf::X963(_) | AgreementKdf::Sp800(_) => target.needed_bytes()?,
        };
        let value = expanded(kdf, shared, &secret, bytes)?;
        let inheritance = Inheritance::agreed(&base, demands);
        self.kept(&base, birth::derived(&target, template, value, inheritance, &self.maker)?)
    }
}

/// The other side's point, given as it is or as an OCTET STRING: none of the lengths of the one is one of the other.
fn point<'a>(given: &'a [u8], lengths: &[usize]) -> Result<&'a [u8], Error> {
    let fits = |point: &&[u8]| lengths.contains(&point.len());
    let point = Some(given).filter(fits).or_else(|| octet_string(given).filter(fits));
    point.ok_or(Error::PublicKeyInvalid("a point of an impossible length"))
}

fn refusal(error: strongroom_crypto::Error) -> Error {
    use strongroom_crypto::Error as Crypto;
    match error {
        Crypto::KeyValue(why) | Crypto::Encoding(why) => Error::PublicKeyInvalid(why),
        Crypto::KeyLength { .. } => Error::PublicKeyInvalid("a length it cannot have"),
        other => other.into(),
    }
}
