//! A hybrid key encapsulation, X25519 with ML-KEM-768: how a key is handed to a user by anybody who has the user's
//! public key.
//!
//! The shared key stays secret as long as one of the two holds: X25519 against those who break the young lattice
//! scheme, ML-KEM (FIPS 203) against those who record today and have a quantum computer later.
//!
//! | what | bytes |
//! | --- | --- |
//! | seed | 32 X25519 private key, 64 ML-KEM seed (d, z) |
//! | public key | 32 X25519, 1184 ML-KEM encapsulation key |
//! | ciphertext | 32 ephemeral X25519 public key, 1088 ML-KEM ciphertext |
//!
//! The shared key is HKDF-SHA256 of the ML-KEM secret followed by the X25519 secret, with an empty salt; the info is
//! a label, the ciphertext and the public key.

use std::fmt;
use std::ptr::{self, NonNull};

use aws_lc_sys::{
    EVP_PKEY, EVP_PKEY_CTX, EVP_PKEY_CTX_free, EVP_PKEY_CTX_kem_set_params, EVP_PKEY_CTX_new, EVP_PKEY_CTX_new_id,
    EVP_PKEY_KEM, EVP_PKEY_decapsulate, EVP_PKEY_encapsulate, EVP_PKEY_free, EVP_PKEY_get_raw_private_key,
    EVP_PKEY_get_raw_public_key, EVP_PKEY_kem_new_raw_public_key, EVP_PKEY_kem_new_raw_secret_key,
    EVP_PKEY_keygen_deterministic, EVP_PKEY_keygen_init, NID_MLKEM768, X25519, X25519_public_from_private,
};

use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::kdf::hkdf_sha256;
use crate::memory::{SecretBytes, wipe};
use crate::random;

/// A private key with its public key.
pub struct KeyPair {
    /// X25519 private key, then the expanded ML-KEM decapsulation key.
    private: SecretBytes,
    public: [u8; PUBLIC_LEN],
}

impl KeyPair {
    /// The pair of a 96-byte seed, which is kept secret. [`Error::Memory`] when there is no memory for it.
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Result<KeyPair, Error> {
        let (curve_seed, lattice_seed) = seed.split_at(CURVE_LEN);
        let mut pair =
            KeyPair { private: SecretBytes::zeroed(CURVE_LEN + LATTICE_PRIVATE_LEN)?, public: [0; PUBLIC_LEN] };
        let (curve_private, lattice_private) = pair.private.expose_mut().split_at_mut(CURVE_LEN);
        let (curve_public, lattice_public) = pair.public.split_at_mut(CURVE_LEN);
        curve_private.copy_from_slice(curve_seed);
        // SAFETY: both buffers have the 32 bytes of a key.
        unsafe { X25519_public_from_private(curve_public.as_mut_ptr(), curve_private.as_ptr()) };
        lattice_generate(lattice_seed, lattice_private, lattice_public)?;
        Ok(pair)
    }

    /// The public key.
    pub fn public(&self) -> [u8; PUBLIC_LEN] {
        self.public
    }

    /// The shared key that [`encapsulate`] made with this ciphertext.
    ///
    /// A changed ciphertext gives [`Error::CiphertextLength`], [`Error::Authentication`] or another key; who needs to
    /// know which key is right uses it in an authenticated cipher. [`Error::KeyValue`] in a forked child, where the
    /// private key is gone.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, Error> {
        let ciphertext: &[u8; CIPHERTEXT_LEN] = ciphertext.try_into().map_err(|_| Error::CiphertextLength)?;
        let (ephemeral, lattice_ciphertext) = ciphertext.split_at(CURVE_LEN);
        let (curve_private, lattice_private) = self.private.expose().split_at(CURVE_LEN);
        let mut secrets = SecretBytes::zeroed(LATTICE_SECRET_LEN + CURVE_LEN)?;
        let (lattice_secret, curve_secret) = secrets.expose_mut().split_at_mut(LATTICE_SECRET_LEN);
        lattice_decapsulate(lattice_private, lattice_ciphertext, lattice_secret)?;
        agree(curve_private, ephemeral, curve_secret).map_err(|_| Error::Authentication)?;
        combine(secrets, ciphertext, &self.public)
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("kem::KeyPair")
    }
}

/// A fresh shared key of 32 bytes, and the ciphertext from which the owner of `public` computes it.
///
/// [`Error::KeyValue`] for a public key outside its domain; [`Error::Memory`]; the errors of [`random::fill`].
pub fn encapsulate(public: &[u8; PUBLIC_LEN]) -> Result<(Vec<u8>, SecretBytes), Error> {
    let (curve_public, lattice_public) = public.split_at(CURVE_LEN);
    let mut secrets = SecretBytes::zeroed(LATTICE_SECRET_LEN + CURVE_LEN)?;
    let (lattice_secret, curve_secret) = secrets.expose_mut().split_at_mut(LATTICE_SECRET_LEN);
    let mut ciphertext = [0; CIPHERTEXT_LEN];
    let (ephemeral, lattice_ciphertext) = ciphertext.split_at_mut(CURVE_LEN);

    let mut ephemeral_private = SecretBytes::zeroed(CURVE_LEN)?;
    random::fill(ephemeral_private.expose_mut())?;
    // SAFETY: both buffers have the 32 bytes of a key.
    unsafe { X25519_public_from_private(ephemeral.as_mut_ptr(), ephemeral_private.expose().as_ptr()) };
    agree(ephemeral_private.expose(), curve_public, curve_secret)?;
    lattice_encapsulate(lattice_public, lattice_ciphertext, lattice_secret)?;

    let mut owned = Vec::new();
    owned.try_reserve_exact(CIPHERTEXT_LEN).map_err(|_| Error::Memory)?;
    owned.extend_from_slice(&ciphertext);
    Ok((owned, combine(secrets, &ciphertext, public)?))
}

/// Bytes of a seed.
pub const SEED_LEN: usize = CURVE_LEN + LATTICE_SEED_LEN;
/// Bytes of a public key.
pub const PUBLIC_LEN: usize = CURVE_LEN + LATTICE_PUBLIC_LEN;
/// Bytes of a ciphertext.
pub const CIPHERTEXT_LEN: usize = CURVE_LEN + LATTICE_CIPHERTEXT_LEN;
/// Bytes of a shared key.
pub const SHARED_LEN: usize = 32;

fn combine(
    secrets: SecretBytes,
    ciphertext: &[u8; CIPHERTEXT_LEN],
    public: &[u8; PUBLIC_LEN],
) -> Result<SecretBytes, Error> {
    let mut info = [0; LABEL.len() + CIPHERTEXT_LEN + PUBLIC_LEN];
    let (label, rest) = info.split_at_mut(LABEL.len());
    let (info_ciphertext, info_public) = rest.split_at_mut(CIPHERTEXT_LEN);
    label.copy_from_slice(LABEL);
    info_ciphertext.copy_from_slice(ciphertext);
    info_public.copy_from_slice(public);
    let mut shared = SecretBytes::zeroed(SHARED_LEN)?;
    hkdf_sha256(secrets.expose(), b"", &info, shared.expose_mut())?;
    Ok(shared)
}

/// X25519 (RFC 7748 §6.1). [`Error::KeyValue`] when the other side's point gives the all-zero secret.
fn agree(private: &[u8], public: &[u8], secret: &mut [u8]) -> Result<(), Error> {
    debug_assert!(private.len() == CURVE_LEN && public.len() == CURVE_LEN && secret.len() == CURVE_LEN);
    // SAFETY: all three buffers have 32 bytes.
    if unsafe { X25519(secret.as_mut_ptr(), private.as_ptr(), public.as_ptr()) } == 1 {
        return Ok(());
    }
    wipe(secret);
    clear_errors();
    Err(Error::KeyValue("an X25519 point of small order"))
}

fn lattice_generate(seed: &[u8], private: &mut [u8], public: &mut [u8]) -> Result<(), Error> {
    let mut seed_len = seed.len();
    let mut private_len = private.len();
    let mut public_len = public.len();
    let mut generated = ptr::null_mut();
    // SAFETY: the context outlives the calls and each buffer is passed with its length, which the library checks. The
    // generated key is a new one that `Owned` frees.
    unsafe {
        let context = Context::new(EVP_PKEY_CTX_new_id(EVP_PKEY_KEM, ptr::null_mut()))?;
        done(EVP_PKEY_keygen_init(context.as_ptr()), "EVP_PKEY_keygen_init")?;
        done(EVP_PKEY_CTX_kem_set_params(context.as_ptr(), NID_MLKEM768), "EVP_PKEY_CTX_kem_set_params")?;
        let outcome = EVP_PKEY_keygen_deterministic(context.as_ptr(), &mut generated, seed.as_ptr(), &mut seed_len);
        done(outcome, "EVP_PKEY_keygen_deterministic")?;
        let key = LibraryKey::new(generated)?;
        let outcome = EVP_PKEY_get_raw_private_key(key.as_ptr(), private.as_mut_ptr(), &mut private_len);
        done(outcome, "EVP_PKEY_get_raw_private_key")?;
        let outcome = EVP_PKEY_get_raw_public_key(key.as_ptr(), public.as_mut_ptr(), &mut public_len);
        done(outcome, "EVP_PKEY_get_raw_public_key")
    }
}

fn lattice_encapsulate(public: &[u8], ciphertext: &mut [u8], secret: &mut [u8]) -> Result<(), Error> {
    let mut ciphertext_len = ciphertext.len();
    let mut secret_len = secret.len();
    // SAFETY: as in `lattice_generate`.
    unsafe {
        let key = LibraryKey::new(EVP_PKEY_kem_new_raw_public_key(NID_MLKEM768, public.as_ptr(), public.len()))?;
        let context = Context::new(EVP_PKEY_CTX_new(key.as_ptr(), ptr::null_mut()))?;
        let outcome = EVP_PKEY_encapsulate(
            context.as_ptr(),
            ciphertext.as_mut_ptr(),
            &mut ciphertext_len,
            secret.as_mut_ptr(),
            &mut secret_len,
        );
        // FIPS 203 §7.2 has the key checked here; with a key in range the call cannot fail.
        done(outcome, "EVP_PKEY_encapsulate").map_err(|_| Error::KeyValue("an ML-KEM-768 key out of range"))
    }
}

/// The library's key object lives for this call only: it is in ordinary memory.
fn lattice_decapsulate(private: &[u8], ciphertext: &[u8], secret: &mut [u8]) -> Result<(), Error> {
    let mut secret_len = secret.len();
    // SAFETY: as in `lattice_generate`.
    unsafe {
        let key = LibraryKey::new(EVP_PKEY_kem_new_raw_secret_key(NID_MLKEM768, private.as_ptr(), private.len()))?;
        let context = Context::new(EVP_PKEY_CTX_new(key.as_ptr(), ptr::null_mut()))?;
        let outcome = EVP_PKEY_decapsulate(
            context.as_ptr(),
            secret.as_mut_ptr(),
            &mut secret_len,
            ciphertext.as_ptr(),
            ciphertext.len(),
        );
        // FIPS 203 §7.3 has the key's own hash checked here, which a key wiped by a fork does not pass.
        done(outcome, "EVP_PKEY_decapsulate").map_err(|_| Error::KeyValue("a damaged ML-KEM-768 private key"))
    }
}

/// An object of the library, freed (and wiped) when dropped.
struct Owned<T> {
    object: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

type LibraryKey = Owned<EVP_PKEY>;
type Context = Owned<EVP_PKEY_CTX>;

impl Owned<EVP_PKEY> {
    fn new(object: *mut EVP_PKEY) -> Result<LibraryKey, Error> {
        Owned::take(object, EVP_PKEY_free)
    }
}

impl Owned<EVP_PKEY_CTX> {
    fn new(object: *mut EVP_PKEY_CTX) -> Result<Context, Error> {
        Owned::take(object, EVP_PKEY_CTX_free)
    }
}

impl<T> Owned<T> {
    /// The lengths given are right, so that only a lack of memory makes the library return null.
    fn take(object: *mut T, free: unsafe extern "C" fn(*mut T)) -> Result<Owned<T>, Error> {
        match NonNull::new(object) {
            Some(object) => Ok(Owned { object, free }),
            None => {
                clear_errors();
                Err(Error::Memory)
            }
        }
    }

    fn as_ptr(&self) -> *mut T {
        self.object.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the object is owned, of the type its free function takes, and not used again.
        unsafe { (self.free)(self.object.as_ptr()) };
    }
}

fn done(outcome: i32, call: &'static str) -> Result<(), Error> {
    if outcome == 1 {
        return Ok(());
    }
    clear_errors();
    Err(Error::Library(call))
}

const LABEL: &[u8] = b"strongroom kem v1 x25519 ml-kem-768";
const CURVE_LEN: usize = 32;
const LATTICE_SEED_LEN: usize = 64;
const LATTICE_PUBLIC_LEN: usize = 1184;
const LATTICE_PRIVATE_LEN: usize = 2400;
const LATTICE_CIPHERTEXT_LEN: usize = 1088;
const LATTICE_SECRET_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::{check_in_child, hex};

    /// RFC 7748 §5.2.
    #[test]
    fn x25519_vectors() {
        let cases = [
            (
                "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
            ),
            (
                "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
            ),
        ];
        for (private, public, expected) in cases {
            let mut secret = [0; 32];
            agree(&hex(private), &hex(public), &mut secret).expect("agreed");
            assert_eq!(secret, *hex(expected));
        }
    }

    /// The first seed of the round 3 vectors. The ciphertext of zeros is nobody's, so the secret is the implicit
    /// rejection of FIPS 203: SHAKE256 over z and the ciphertext, computed independently.
    #[test]
    fn ml_kem_vector() {
        let seed = hex("7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d
                        8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f");
        let (mut private, mut public, mut secret) = ([0; 2400], [0; 1184], [0; 32]);
        lattice_generate(&seed, &mut private, &mut public).expect("generated");
        let mut digest = [0; 32];
        // SAFETY: the input has the length given, the output 32 bytes.
        unsafe { aws_lc_sys::SHA256(public.as_ptr(), public.len(), digest.as_mut_ptr()) };
        assert_eq!(digest, *hex("86adbca81f4fee893e2fb58fb98aa2fe188f501fed268d7f4056f8c05c4e53c4"));
        lattice_decapsulate(&private, &[0; 1088], &mut secret).expect("decapsulated");
        assert_eq!(secret, *hex("c5f71f0f8573ee4dd87963c57e16dbf69498afcd898270ebfcf27ea69f45e96e"));
    }

    #[test]
    fn both_sides_get_the_same_fresh_key() {
        let pair = KeyPair::from_seed(&[3; 96]).expect("generated");
        assert_eq!(pair.public(), KeyPair::from_seed(&[3; 96]).expect("generated").public());
        let (ciphertext, shared) = encapsulate(&pair.public()).expect("encapsulated");
        assert_eq!((ciphertext.len(), shared.len()), (CIPHERTEXT_LEN, SHARED_LEN));
        assert!(pair.decapsulate(&ciphertext).expect("decapsulated").ct_eq(shared.expose()));
        let (_, other) = encapsulate(&pair.public()).expect("encapsulated");
        assert!(!shared.ct_eq(other.expose()));
    }

    #[test]
    fn each_half_and_each_bit_matter() {
        let pair = KeyPair::from_seed(&[3; 96]).expect("generated");
        let (ciphertext, shared) = encapsulate(&pair.public()).expect("encapsulated");
        for position in [0, 31, 32, 600, CIPHERTEXT_LEN - 1] {
            let mut changed = ciphertext.clone();
            changed[position] ^= 1;
            assert!(!pair.decapsulate(&changed).expect("another key").ct_eq(shared.expose()));
        }
        // Not the last 32 bytes: z decides only what a wrong ciphertext gives.
        for position in [0, 31, 32, 63] {
            let mut seed = [3; 96];
            seed[position] ^= 0x10;
            let other = KeyPair::from_seed(&seed).expect("generated");
            assert!(!other.decapsulate(&ciphertext).expect("another key").ct_eq(shared.expose()));
        }
        for len in [0, 32, CIPHERTEXT_LEN - 1] {
            assert_eq!(pair.decapsulate(&ciphertext[..len]).err(), Some(Error::CiphertextLength));
        }
    }

    #[test]
    fn keys_outside_the_domain_are_refused() {
        let pair = KeyPair::from_seed(&[3; 96]).expect("generated");
        let (mut ciphertext, _) = encapsulate(&pair.public()).expect("encapsulated");
        for small_order in [[0; 32], std::array::from_fn(|index| u8::from(index == 0))] {
            let mut public = pair.public();
            public[..32].copy_from_slice(&small_order);
            assert!(matches!(encapsulate(&public), Err(Error::KeyValue(_))));
            ciphertext[..32].copy_from_slice(&small_order);
            assert_eq!(pair.decapsulate(&ciphertext).err(), Some(Error::Authentication));
        }
        let mut public = pair.public();
        public[32..35].fill(0xff);
        assert!(matches!(encapsulate(&public), Err(Error::KeyValue(_))));
    }

    #[test]
    fn a_forked_child_cannot_decapsulate() {
        let pair = KeyPair::from_seed(&[3; 96]).expect("generated");
        let (ciphertext, shared) = encapsulate(&pair.public()).expect("encapsulated");
        check_in_child(|| {
            let public = pair.public();
            matches!(pair.decapsulate(&ciphertext), Err(Error::KeyValue(_))) && encapsulate(&public).is_ok()
        });
        assert!(pair.decapsulate(&ciphertext).expect("decapsulated").ct_eq(shared.expose()));
    }
}
