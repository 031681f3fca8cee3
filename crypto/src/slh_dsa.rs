//! SLH-DSA and HashSLH-DSA (FIPS 205), the hash-based signature, over the crate fips205.
//!
//! The crate decodes a private key by generating it anew, which takes as long as making one: half a millisecond to half
//! a second. So it is decoded once and kept decoded, in secret memory.
//!
//! Signing is slow by design: from ten milliseconds with the fast SHA-2 set to seconds with the small SHAKE sets.

mod sets;

use std::fmt;

use crate::Error;
use crate::memory::SecretBytes;
use crate::pq::{Framed, copy};
use crate::random;
use sets::{Prepared, Randomness};

pub use crate::pq::{Hedge, Message};
pub use sets::ParameterSet;

/// A signing key with its public key.
pub struct PrivateKey {
    set: ParameterSet,
    encoded: SecretBytes,
    prepared: Prepared,
    public: Vec<u8>,
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Memory`]; the errors of [`random::fill`].
    pub fn generate(set: ParameterSet) -> Result<PrivateKey, Error> {
        let mut seeds = SecretBytes::zeroed(3 * set.seed_bytes())?;
        random::fill(seeds.expose_mut())?;
        PrivateKey::from_seeds(set, seeds.expose())
    }

    /// A key in the form of FIPS 205 §9.1, figure 15: SK.seed, SK.prf, PK.seed, PK.root. The root is computed again
    /// and compared, which takes as long as generating a key.
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::KeyValue`] for a root that is not that of the seeds; [`Error::Memory`].
    pub fn from_bytes(set: ParameterSet, bytes: &[u8]) -> Result<PrivateKey, Error> {
        if bytes.len() != set.private_bytes() {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        let prepared = Prepared::decode(set, bytes)?;
        PrivateKey::keep(set, SecretBytes::from_slice(bytes)?, prepared)
    }

    /// The parameter set.
    pub fn set(&self) -> ParameterSet {
        self.set
    }

    /// The private key, in the form [`from_bytes`](PrivateKey::from_bytes) takes.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn bytes(&self) -> Result<SecretBytes, Error> {
        self.encoded.try_clone()
    }

    /// The public key: PK.seed, PK.root.
    pub fn public_bytes(&self) -> Vec<u8> {
        self.public.clone()
    }

    /// Writes the signature and returns its length, which is always [`ParameterSet::signature_bytes`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for a context of more than 255 bytes or a digest of MD5 or SHA-1; [`Error::DataLength`]
    /// for a digest of another length than its function's; [`Error::OutputTooSmall`]; [`Error::KeyValue`] in a forked
    /// child, where the key is gone; with [`Hedge::Required`] the errors of [`random::fill`].
    pub fn sign(&self, message: &Message<'_>, context: &[u8], hedge: Hedge, output: &mut [u8]) -> Result<usize, Error> {
        let framed = Framed::new(message, context)?;
        let needed = self.set.signature_bytes();
        let output = output.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        let randomness = hedge.draw()?;
        self.sign_with(&framed, randomness.as_deref(), output)
    }

    fn sign_with(
        &self,
        framed: &Framed<'_>,
        randomness: Option<&[u8; SEED_BYTES_MAX]>,
        output: &mut [u8],
    ) -> Result<usize, Error> {
        if self.encoded.expose().get(self.set.public_bytes()..) != Some(&self.public[..]) {
            return Err(Error::KeyValue("an SLH-DSA private key that is gone after a fork"));
        }
        self.prepared.sign(framed, randomness.map(Randomness::new), output)
    }

    /// FIPS 205 §9.1, Algorithm 18: SK.seed, SK.prf and PK.seed, one behind the other.
    fn from_seeds(set: ParameterSet, seeds: &[u8]) -> Result<PrivateKey, Error> {
        let mut encoded = SecretBytes::zeroed(set.private_bytes())?;
        let prepared = Prepared::generate(set, seeds, encoded.expose_mut())?;
        PrivateKey::keep(set, encoded, prepared)
    }

    fn keep(set: ParameterSet, encoded: SecretBytes, prepared: Prepared) -> Result<PrivateKey, Error> {
        let public = copy(encoded.expose().get(set.public_bytes()..).unwrap_or_default())?;
        Ok(PrivateKey { set, encoded, prepared, public })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slh_dsa::PrivateKey({})", self.set.name())
    }
}

/// A verification key.
pub struct PublicKey {
    set: ParameterSet,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// A key in the form of FIPS 205 §9.1, figure 16, in which all bytes of the right length are a key.
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::Memory`].
    pub fn from_bytes(set: ParameterSet, bytes: &[u8]) -> Result<PublicKey, Error> {
        if bytes.len() != set.public_bytes() {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        Ok(PublicKey { set, bytes: copy(bytes)? })
    }

    /// The parameter set.
    pub fn set(&self) -> ParameterSet {
        self.set
    }

    /// The key.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// [`Error::Authentication`] for a signature that is wrong or of a wrong length; [`Error::Parameter`] and
    /// [`Error::DataLength`] as in [`PrivateKey::sign`].
    pub fn verify(&self, message: &Message<'_>, context: &[u8], signature: &[u8]) -> Result<(), Error> {
        let framed = Framed::new(message, context)?;
        if sets::verify(self.set, &self.bytes, &framed, signature) { Ok(()) } else { Err(Error::Authentication) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slh_dsa::PublicKey({})", self.set.name())
    }
}

/// The longest seed, and the longest randomness of a signature: n of the 256-bit sets.
const SEED_BYTES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::check_in_child;

    #[test]
    fn the_seeds_of_a_key_give_the_key() {
        for set in [ParameterSet::Sha2_128f, ParameterSet::Shake128f, ParameterSet::Sha2_256f] {
            let key = PrivateKey::generate(set).expect("a key");
            let bytes = key.bytes().expect("memory");
            let same = PrivateKey::from_seeds(set, &bytes.expose()[..3 * set.seed_bytes()]).expect("a key");
            assert!(same.bytes().expect("memory").ct_eq(bytes.expose()));
            assert_eq!(same.public_bytes(), key.public_bytes());
        }
    }

    #[test]
    fn given_randomness_goes_into_the_signature() {
        let key = PrivateKey::generate(ParameterSet::Sha2_128f).expect("a key");
        let framed = Framed::new(&Message::Pure(b"m"), b"").expect("framed");
        let sign = |randomness: Option<&[u8; SEED_BYTES_MAX]>| {
            let mut signature = vec![0; key.set().signature_bytes()];
            key.sign_with(&framed, randomness, &mut signature).expect("signed");
            signature
        };
        assert_eq!(sign(Some(&[1; 32])), sign(Some(&[1; 32])));
        assert_ne!(sign(Some(&[1; 32])), sign(Some(&[2; 32])));
        // The deterministic signature takes PK.seed in its place (FIPS 205 §9.2).
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(&key.public_bytes()[..16]);
        assert_eq!(sign(None), sign(Some(&seed)));
    }

    #[test]
    fn a_child_refuses_the_key_that_the_fork_wiped() {
        let key = PrivateKey::generate(ParameterSet::Sha2_128f).expect("a key");
        check_in_child(|| {
            let outcome = key.sign(&Message::Pure(b"m"), b"", Hedge::Preferred, &mut [0; 20_000]);
            matches!(outcome, Err(Error::KeyValue(_)))
        });
    }
}
