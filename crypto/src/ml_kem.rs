//! ML-KEM (FIPS 203), the lattice key encapsulation, over AWS-LC.
//!
//! A private key is kept in its expanded form in secret memory, with the seed it came from where that is known. The
//! library's key object around it, in ordinary memory, lives for one decapsulation only and is wiped.

use std::fmt;
use std::ptr;

use aws_lc_sys::{
    EVP_PKEY_CTX_kem_set_params, EVP_PKEY_KEM, EVP_PKEY_decapsulate, EVP_PKEY_encapsulate_deterministic,
    EVP_PKEY_kem_new_raw_key, EVP_PKEY_kem_new_raw_public_key, EVP_PKEY_kem_new_raw_secret_key,
    EVP_PKEY_keygen_deterministic, EVP_PKEY_keygen_init, EVP_PKEY_public_check, NID_MLKEM512, NID_MLKEM768,
    NID_MLKEM1024,
};

use crate::Error;
use crate::memory::SecretBytes;
use crate::pq::copy;
use crate::pq::library::{Context, Key, done};
use crate::random;

/// A parameter set (FIPS 203 §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ParameterSet {
    MlKem512,
    MlKem768,
    MlKem1024,
}

impl ParameterSet {
    /// Every parameter set.
    pub const ALL: [ParameterSet; 3] = [ParameterSet::MlKem512, ParameterSet::MlKem768, ParameterSet::MlKem1024];

    /// As FIPS 203 writes it: "ML-KEM-512".
    pub const fn name(self) -> &'static str {
        match self {
            ParameterSet::MlKem512 => "ML-KEM-512",
            ParameterSet::MlKem768 => "ML-KEM-768",
            ParameterSet::MlKem1024 => "ML-KEM-1024",
        }
    }

    /// Bytes of a public (encapsulation) key.
    pub const fn public_bytes(self) -> usize {
        match self {
            ParameterSet::MlKem512 => 800,
            ParameterSet::MlKem768 => 1184,
            ParameterSet::MlKem1024 => 1568,
        }
    }

    /// Bytes of an expanded private (decapsulation) key.
    pub const fn expanded_bytes(self) -> usize {
        match self {
            ParameterSet::MlKem512 => 1632,
            ParameterSet::MlKem768 => 2400,
            ParameterSet::MlKem1024 => 3168,
        }
    }

    /// Bytes of a ciphertext.
    pub const fn ciphertext_bytes(self) -> usize {
        match self {
            ParameterSet::MlKem512 => 768,
            ParameterSet::MlKem768 => 1088,
            ParameterSet::MlKem1024 => 1568,
        }
    }

    const fn nid(self) -> i32 {
        match self {
            ParameterSet::MlKem512 => NID_MLKEM512,
            ParameterSet::MlKem768 => NID_MLKEM768,
            ParameterSet::MlKem1024 => NID_MLKEM1024,
        }
    }
}

/// Bytes of a seed: d and z (FIPS 203 §7.1).
pub const SEED_BYTES: usize = 64;

/// Bytes of a shared secret.
pub const SHARED_BYTES: usize = 32;

/// A decapsulation key with its public key.
pub struct PrivateKey {
    set: ParameterSet,
    seed: Option<SecretBytes>,
    expanded: SecretBytes,
    public: Vec<u8>,
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Memory`]; the errors of [`random::fill`].
    pub fn generate(set: ParameterSet) -> Result<PrivateKey, Error> {
        let mut seed = SecretBytes::zeroed(SEED_BYTES)?;
        random::fill(seed.expose_mut())?;
        PrivateKey::expand(set, seed)
    }

    /// The key of a seed: d, then z.
    ///
    /// # Errors
    /// [`Error::KeyLength`] when there are not 64 bytes; [`Error::Memory`].
    pub fn from_seed(set: ParameterSet, seed: &[u8]) -> Result<PrivateKey, Error> {
        if seed.len() != SEED_BYTES {
            return Err(Error::KeyLength { got: seed.len() });
        }
        PrivateKey::expand(set, SecretBytes::from_slice(seed)?)
    }

    /// A key in its expanded form, without its seed. Checked are its own hash (FIPS 203 §7.3), the public key inside
    /// (§7.2), and with an encapsulation that both belong together.
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::KeyValue`] for a key that is not consistent; [`Error::Memory`].
    pub fn from_expanded(set: ParameterSet, bytes: &[u8]) -> Result<PrivateKey, Error> {
        if bytes.len() != set.expanded_bytes() {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        let inner_bytes = set.expanded_bytes() - set.public_bytes() - HASH_BYTES - REJECTION_BYTES;
        let public = bytes.get(inner_bytes..).and_then(|rest| rest.get(..set.public_bytes()));
        let public = public.ok_or(Error::KeyLength { got: bytes.len() })?;
        // SAFETY: both keys are readable for the lengths given; the object is a new one. The library refuses lengths
        // other than the set's, which these are.
        let key = unsafe {
            let object =
                EVP_PKEY_kem_new_raw_key(set.nid(), public.as_ptr(), public.len(), bytes.as_ptr(), bytes.len());
            Key::take(object, Error::Memory)?
        };
        check(&key, "an inconsistent ML-KEM private key")?;
        Ok(PrivateKey { set, seed: None, expanded: SecretBytes::from_slice(bytes)?, public: copy(public)? })
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

    /// The expanded form (FIPS 203 §7.1 dk).
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn expanded(&self) -> Result<SecretBytes, Error> {
        self.expanded.try_clone()
    }

    /// The public key (FIPS 203 §7.1 ek).
    pub fn public_bytes(&self) -> Vec<u8> {
        self.public.clone()
    }

    /// The shared secret of a ciphertext. A ciphertext that was not made for this key gives another secret, never an
    /// error (FIPS 203 §6.3, implicit rejection).
    ///
    /// # Errors
    /// [`Error::CiphertextLength`]; [`Error::KeyValue`] in a forked child, where the key is gone; [`Error::Memory`].
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, Error> {
        if ciphertext.len() != self.set.ciphertext_bytes() {
            return Err(Error::CiphertextLength);
        }
        let mut shared = SecretBytes::zeroed(SHARED_BYTES)?;
        let mut shared_len = SHARED_BYTES;
        let expanded = self.expanded.expose();
        // SAFETY: the key is readable for the length given and copied into a new object; the context outlives the
        // call, whose buffers are passed with their lengths.
        unsafe {
            let object = EVP_PKEY_kem_new_raw_secret_key(self.set.nid(), expanded.as_ptr(), expanded.len());
            let key = Key::take(object, Error::Memory)?;
            let context = Context::for_key(&key)?;
            let outcome = EVP_PKEY_decapsulate(
                context.as_ptr(),
                shared.expose_mut().as_mut_ptr(),
                &mut shared_len,
                ciphertext.as_ptr(),
                ciphertext.len(),
            );
            // The key's own hash is checked each time, which a key wiped by a fork does not pass.
            done(outcome, "EVP_PKEY_decapsulate").map_err(|_| Error::KeyValue("a damaged ML-KEM private key"))?;
        }
        Ok(shared)
    }

    fn expand(set: ParameterSet, seed: SecretBytes) -> Result<PrivateKey, Error> {
        let context = Context::for_kind(EVP_PKEY_KEM)?;
        let mut object = ptr::null_mut();
        let mut seed_len = seed.len();
        // SAFETY: the context outlives the calls; the seed is readable for its length; the object is a new one.
        let key = unsafe {
            done(EVP_PKEY_keygen_init(context.as_ptr()), "EVP_PKEY_keygen_init")?;
            done(EVP_PKEY_CTX_kem_set_params(context.as_ptr(), set.nid()), "EVP_PKEY_CTX_kem_set_params")?;
            let seed = seed.expose().as_ptr();
            let outcome = EVP_PKEY_keygen_deterministic(context.as_ptr(), &mut object, seed, &mut seed_len);
            done(outcome, "EVP_PKEY_keygen_deterministic")?;
            Key::take(object, Error::Library("EVP_PKEY_keygen_deterministic"))?
        };
        let mut expanded = SecretBytes::zeroed(set.expanded_bytes())?;
        key.raw_private(expanded.expose_mut())?;
        Ok(PrivateKey { set, seed: Some(seed), expanded, public: key.raw_public(set.public_bytes())? })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ml_kem::PrivateKey({})", self.set.name())
    }
}

/// An encapsulation key.
pub struct PublicKey {
    set: ParameterSet,
    bytes: Vec<u8>,
    key: Key,
}

impl PublicKey {
    /// A key in the form of FIPS 203 §7.1, checked as §7.2 says.
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::KeyValue`] for a coefficient that is not reduced; [`Error::Memory`].
    pub fn from_bytes(set: ParameterSet, bytes: &[u8]) -> Result<PublicKey, Error> {
        if bytes.len() != set.public_bytes() {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        // SAFETY: the key is readable for its length, which is the set's; the object is a new one.
        let key = unsafe {
            let object = EVP_PKEY_kem_new_raw_public_key(set.nid(), bytes.as_ptr(), bytes.len());
            Key::take(object, Error::Memory)?
        };
        check(&key, "an ML-KEM public key out of range")?;
        Ok(PublicKey { set, bytes: copy(bytes)?, key })
    }

    /// The parameter set.
    pub fn set(&self) -> ParameterSet {
        self.set
    }

    /// The key.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes a ciphertext, and returns the shared secret that the owner of the private key gets from it.
    ///
    /// # Errors
    /// [`Error::CiphertextLength`] unless there is room for exactly [`ParameterSet::ciphertext_bytes`];
    /// [`Error::Memory`]; the errors of [`random::fill`].
    pub fn encapsulate(&self, ciphertext: &mut [u8]) -> Result<SecretBytes, Error> {
        let mut randomness = SecretBytes::zeroed(RANDOMNESS_BYTES)?;
        random::fill(randomness.expose_mut())?;
        self.encapsulate_with(randomness.expose(), ciphertext)
    }

    // FIPS 203 §6.2, with m given.
    fn encapsulate_with(&self, randomness: &[u8], ciphertext: &mut [u8]) -> Result<SecretBytes, Error> {
        if ciphertext.len() != self.set.ciphertext_bytes() {
            return Err(Error::CiphertextLength);
        }
        let mut shared = SecretBytes::zeroed(SHARED_BYTES)?;
        let mut ciphertext_len = ciphertext.len();
        let mut shared_len = SHARED_BYTES;
        let mut randomness_len = randomness.len();
        let context = Context::for_key(&self.key)?;
        // SAFETY: the context outlives the call, whose buffers are passed with their lengths.
        let outcome = unsafe {
            EVP_PKEY_encapsulate_deterministic(
                context.as_ptr(),
                ciphertext.as_mut_ptr(),
                &mut ciphertext_len,
                shared.expose_mut().as_mut_ptr(),
                &mut shared_len,
                randomness.as_ptr(),
                &mut randomness_len,
            )
        };
        done(outcome, "EVP_PKEY_encapsulate_deterministic")?;
        Ok(shared)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ml_kem::PublicKey({})", self.set.name())
    }
}

/// The checks of FIPS 203 §7.2 and, when there is a private key, §7.3 and an encapsulation there and back.
fn check(key: &Key, why: &'static str) -> Result<(), Error> {
    let context = Context::for_key(key)?;
    // SAFETY: the context has the key and outlives the call.
    let outcome = unsafe { EVP_PKEY_public_check(context.as_ptr()) };
    done(outcome, "EVP_PKEY_public_check").map_err(|_| Error::KeyValue(why))
}

const HASH_BYTES: usize = 32;
const REJECTION_BYTES: usize = 32;
const RANDOMNESS_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::{check_in_child, hex};

    /// Wycheproof's encapsulations give the randomness, which the public interface does not take.
    #[test]
    fn encapsulation_vectors() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/wycheproof/mlkem_768_encaps_test.json");
        let text = std::fs::read_to_string(path).expect("vectors");
        let root: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let field = |case: &serde_json::Value, name: &str| hex(case[name].as_str().expect("a string"));
        let (mut accepted, mut refused) = (0, 0);
        for case in root["testGroups"].as_array().expect("groups").iter().flat_map(|group| group["tests"].as_array()) {
            for case in case {
                let key = PublicKey::from_bytes(ParameterSet::MlKem768, &field(case, "ek"));
                if case["result"] == "valid" {
                    let mut ciphertext = vec![0; ParameterSet::MlKem768.ciphertext_bytes()];
                    let outcome = key.expect("a key").encapsulate_with(&field(case, "m"), &mut ciphertext);
                    let shared = outcome.expect("encapsulated");
                    assert_eq!(ciphertext, field(case, "c"), "{}", case["tcId"]);
                    assert_eq!(shared.expose(), field(case, "K"), "{}", case["tcId"]);
                    accepted += 1;
                } else {
                    assert!(matches!(key, Err(Error::KeyValue(_) | Error::KeyLength { .. })), "{}", case["tcId"]);
                    refused += 1;
                }
            }
        }
        assert_eq!((accepted, refused), (133, 132));
    }

    #[test]
    fn a_child_refuses_the_key_that_the_fork_wiped() {
        for set in ParameterSet::ALL {
            let key = PrivateKey::generate(set).expect("a key");
            let mut ciphertext = vec![0; set.ciphertext_bytes()];
            let public = PublicKey::from_bytes(set, &key.public_bytes()).expect("a key");
            public.encapsulate(&mut ciphertext).expect("encapsulated");
            check_in_child(|| matches!(key.decapsulate(&ciphertext), Err(Error::KeyValue(_))));
        }
    }
}
