//! ML-DSA and HashML-DSA (FIPS 204), the lattice signature, over AWS-LC.
//!
//! A private key is kept in its expanded form in secret memory, with the seed it came from where that is known, and
//! signs from there: nothing is rebuilt or copied for a signature. Messages are hashed here to the mu of FIPS 204
//! (Algorithm 7, line 6), which the library signs and verifies.

mod sign;

use std::fmt;

use aws_lc_sys::{
    EVP_PKEY_pqdsa_new_raw_private_key, EVP_PKEY_pqdsa_new_raw_public_key, EVP_PKEY_verify, EVP_PKEY_verify_init,
    NID_MLDSA44, NID_MLDSA65, NID_MLDSA87,
};

use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::memory::SecretBytes;
use crate::pq::Framed;
use crate::pq::library::{Context, Key, done};
use crate::pq::shake::Shake;
use crate::random;

pub use crate::pq::{Hedge, Message};

/// A parameter set (FIPS 204 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ParameterSet {
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl ParameterSet {
    /// Every parameter set.
    pub const ALL: [ParameterSet; 3] = [ParameterSet::MlDsa44, ParameterSet::MlDsa65, ParameterSet::MlDsa87];

    /// As FIPS 204 writes it: "ML-DSA-44".
    pub const fn name(self) -> &'static str {
        match self {
            ParameterSet::MlDsa44 => "ML-DSA-44",
            ParameterSet::MlDsa65 => "ML-DSA-65",
            ParameterSet::MlDsa87 => "ML-DSA-87",
        }
    }

    /// Bytes of a public key.
    pub const fn public_bytes(self) -> usize {
        match self {
            ParameterSet::MlDsa44 => 1312,
            ParameterSet::MlDsa65 => 1952,
            ParameterSet::MlDsa87 => 2592,
        }
    }

    /// Bytes of an expanded private key.
    pub const fn expanded_bytes(self) -> usize {
        match self {
            ParameterSet::MlDsa44 => 2560,
            ParameterSet::MlDsa65 => 4032,
            ParameterSet::MlDsa87 => 4896,
        }
    }

    /// Bytes of a signature.
    pub const fn signature_bytes(self) -> usize {
        match self {
            ParameterSet::MlDsa44 => 2420,
            ParameterSet::MlDsa65 => 3309,
            ParameterSet::MlDsa87 => 4627,
        }
    }

    const fn nid(self) -> i32 {
        match self {
            ParameterSet::MlDsa44 => NID_MLDSA44,
            ParameterSet::MlDsa65 => NID_MLDSA65,
            ParameterSet::MlDsa87 => NID_MLDSA87,
        }
    }
}

/// Bytes of a seed (FIPS 204 §5.1, xi).
pub const SEED_BYTES: usize = 32;

/// A signing key with its public key.
pub struct PrivateKey {
    set: ParameterSet,
    seed: Option<SecretBytes>,
    expanded: SecretBytes,
    public: Vec<u8>,
    public_hash: [u8; HASH_BYTES],
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Memory`]; the errors of [`random::fill`].
    pub fn generate(set: ParameterSet) -> Result<PrivateKey, Error> {
        let mut seed = SecretBytes::zeroed(SEED_BYTES)?;
        random::fill(seed.expose_mut())?;
        PrivateKey::expand(set, Some(seed), &[])
    }

    /// The key of a seed.
    ///
    /// # Errors
    /// [`Error::KeyLength`] when there are not 32 bytes; [`Error::Memory`].
    pub fn from_seed(set: ParameterSet, seed: &[u8]) -> Result<PrivateKey, Error> {
        if seed.len() != SEED_BYTES {
            return Err(Error::KeyLength { got: seed.len() });
        }
        PrivateKey::expand(set, Some(SecretBytes::from_slice(seed)?), &[])
    }

    /// A key in its expanded form, without its seed. Checked is that it is one that key generation can have made: its
    /// coefficients are in range, and what depends on others is what it should be.
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::KeyValue`] for a key that is not consistent; [`Error::Memory`].
    pub fn from_expanded(set: ParameterSet, bytes: &[u8]) -> Result<PrivateKey, Error> {
        if bytes.len() != set.expanded_bytes() {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        PrivateKey::expand(set, None, bytes)
    }

    /// The parameter set.
    pub fn set(&self) -> ParameterSet {
        self.set
    }

    /// The seed, unless the key was imported without it.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn seed(&self) -> Result<Option<SecretBytes>, Error> {
        self.seed.as_ref().map(SecretBytes::try_clone).transpose()
    }

    /// The expanded form (FIPS 204 §7.2 skEncode).
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn expanded(&self) -> Result<SecretBytes, Error> {
        self.expanded.try_clone()
    }

    /// The public key (FIPS 204 §7.2 pkEncode).
    pub fn public_bytes(&self) -> Vec<u8> {
        self.public.clone()
    }

    /// Writes the signature and returns its length, which is always [`ParameterSet::signature_bytes`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for a context of more than 255 bytes or a digest of MD5 or SHA-1; [`Error::DataLength`]
    /// for a digest of another length than its function's; [`Error::OutputTooSmall`]; [`Error::KeyValue`] in a forked
    /// child, where the key is gone; with [`Hedge::Required`] the errors of [`random::fill`]; [`Error::Memory`].
    pub fn sign(&self, message: &Message<'_>, context: &[u8], hedge: Hedge, output: &mut [u8]) -> Result<usize, Error> {
        let framed = Framed::new(message, context)?;
        let needed = self.set.signature_bytes();
        let output = output.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        // The deterministic variant has zeros in its place (FIPS 204 Algorithm 2).
        let randomness = hedge.draw()?.unwrap_or_default();
        self.sign_with(&framed, &randomness, output)
    }

    fn sign_with(
        &self,
        framed: &Framed<'_>,
        randomness: &[u8; RANDOMNESS_BYTES],
        output: &mut [u8],
    ) -> Result<usize, Error> {
        let expanded = self.expanded.expose();
        // The expanded key ends its public beginning with the hash of the public key (skEncode).
        if expanded.get(HASH_START..HASH_START + HASH_BYTES) != Some(&self.public_hash[..]) {
            return Err(Error::KeyValue("an ML-DSA private key that is gone after a fork"));
        }
        let mu = mu(&self.public_hash, framed)?;
        sign::sign(self.set, expanded, &mu, randomness, output)
    }

    /// The key of a seed, or the one whose expanded form is given.
    fn expand(set: ParameterSet, seed: Option<SecretBytes>, expanded: &[u8]) -> Result<PrivateKey, Error> {
        let given = seed.as_ref().map_or(expanded, SecretBytes::expose);
        // SAFETY: the bytes are readable for their length, by which the library tells the two forms apart; the object
        // is a new one.
        let key = unsafe {
            let object = EVP_PKEY_pqdsa_new_raw_private_key(set.nid(), given.as_ptr(), given.len());
            Key::take(object, Error::KeyValue("an inconsistent ML-DSA private key"))?
        };
        let mut expanded = SecretBytes::zeroed(set.expanded_bytes())?;
        key.raw_private(expanded.expose_mut())?;
        let public = key.raw_public(set.public_bytes())?;
        let public_hash = hash(&[&public])?;
        Ok(PrivateKey { set, seed, expanded, public, public_hash })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ml_dsa::PrivateKey({})", self.set.name())
    }
}

/// A verification key.
pub struct PublicKey {
    set: ParameterSet,
    bytes: Vec<u8>,
    key: Key,
    hash: [u8; HASH_BYTES],
}

impl PublicKey {
    /// A key in the form of FIPS 204 §7.2 pkEncode, in which all bytes of the right length are a key.
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::Memory`].
    pub fn from_bytes(set: ParameterSet, bytes: &[u8]) -> Result<PublicKey, Error> {
        if bytes.len() != set.public_bytes() {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        // SAFETY: the key is readable for its length, which is the set's; the object is a new one.
        let key = unsafe {
            let object = EVP_PKEY_pqdsa_new_raw_public_key(set.nid(), bytes.as_ptr(), bytes.len());
            Key::take(object, Error::Memory)?
        };
        Ok(PublicKey { set, bytes: key.raw_public(set.public_bytes())?, key, hash: hash(&[bytes])? })
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
    /// [`Error::DataLength`] as in [`PrivateKey::sign`]; [`Error::Memory`].
    pub fn verify(&self, message: &Message<'_>, context: &[u8], signature: &[u8]) -> Result<(), Error> {
        let mu = mu(&self.hash, &Framed::new(message, context)?)?;
        if signature.len() != self.set.signature_bytes() {
            return Err(Error::Authentication);
        }
        let context = Context::for_key(&self.key)?;
        // SAFETY: the context outlives the calls; signature and mu are readable for their lengths.
        let outcome = unsafe {
            done(EVP_PKEY_verify_init(context.as_ptr()), "EVP_PKEY_verify_init")?;
            EVP_PKEY_verify(context.as_ptr(), signature.as_ptr(), signature.len(), mu.as_ptr(), mu.len())
        };
        if outcome == 1 {
            return Ok(());
        }
        clear_errors();
        Err(Error::Authentication)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ml_dsa::PublicKey({})", self.set.name())
    }
}

/// What is signed in the end (FIPS 204 Algorithm 7, line 6).
fn mu(public_hash: &[u8; HASH_BYTES], framed: &Framed<'_>) -> Result<[u8; HASH_BYTES], Error> {
    let [start, context, identifier, content] = framed.pieces();
    hash(&[public_hash, start, context, identifier, content])
}

/// The standard's H with 64 bytes of output: SHAKE256.
fn hash(pieces: &[&[u8]]) -> Result<[u8; HASH_BYTES], Error> {
    let mut output = [0; HASH_BYTES];
    let mut shake = Shake::<256>::new();
    pieces.iter().for_each(|piece| shake.update(piece));
    shake.finish(&mut output)?;
    Ok(output)
}

const HASH_BYTES: usize = 64;
const RANDOMNESS_BYTES: usize = 32;

/// Where the expanded key has the hash of the public key: behind rho and K.
const HASH_START: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::{check_in_child, hex};

    /// The cases of Wycheproof that give the randomness or mu, which the public interface does not take.
    #[test]
    fn signatures_of_given_mu_and_with_given_randomness() {
        let (mut with_mu, mut with_randomness) = (0, 0);
        for (set, name) in [
            (ParameterSet::MlDsa44, "mldsa_44_sign_seed_test.json"),
            (ParameterSet::MlDsa65, "mldsa_65_sign_seed_test.json"),
            (ParameterSet::MlDsa65, "mldsa_65_sign_noseed_test.json"),
            (ParameterSet::MlDsa87, "mldsa_87_sign_seed_test.json"),
        ] {
            let path = format!("{}/../tests/vectors/wycheproof/{name}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect("vectors");
            let root: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            for group in root["testGroups"].as_array().expect("groups") {
                for case in group["tests"].as_array().expect("tests").iter().filter(|case| case["result"] == "valid") {
                    let field = |name: &str| case[name].as_str().map(hex);
                    let (mu, randomness) = (field("mu").expect("mu"), field("rnd"));
                    let key = match group["privateSeed"].as_str() {
                        Some(seed) => PrivateKey::from_seed(set, &hex(seed)),
                        None => PrivateKey::from_expanded(set, &hex(group["privateKey"].as_str().expect("a key"))),
                    };
                    let key = key.expect("a key");
                    if let Some(message) = field("msg") {
                        let context = field("ctx").unwrap_or_default();
                        let framed = Framed::new(&Message::Pure(&message), &context).expect("framed");
                        assert_eq!(
                            super::mu(&key.public_hash, &framed).expect("hashed"),
                            *mu,
                            "{name} {}",
                            case["tcId"]
                        );
                    }
                    with_mu += 1;
                    with_randomness += usize::from(randomness.is_some());
                    let randomness = randomness.unwrap_or(vec![0; RANDOMNESS_BYTES]).try_into().expect("32 bytes");
                    let mut signature = vec![0; set.signature_bytes()];
                    let mu = mu.try_into().expect("64 bytes");
                    let outcome = sign::sign(set, key.expanded.expose(), &mu, &randomness, &mut signature);
                    assert_eq!(outcome, Ok(signature.len()));
                    assert_eq!(Some(signature), field("sig"), "{name} {}", case["tcId"]);
                }
            }
        }
        assert_eq!((with_mu, with_randomness), (348, 4));
    }

    #[test]
    fn a_child_refuses_the_key_that_the_fork_wiped() {
        for set in ParameterSet::ALL {
            let key = PrivateKey::generate(set).expect("a key");
            check_in_child(|| {
                let outcome = key.sign(&Message::Pure(b"m"), b"", Hedge::Preferred, &mut [0; 5000]);
                matches!(outcome, Err(Error::KeyValue(_)))
            });
        }
    }
}
