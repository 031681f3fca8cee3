//! DSA (FIPS 186-4 §4). FIPS 186-5 keeps it for checking old signatures; new keys should be of another kind.

use std::cmp::Ordering;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use aws_lc_sys::{
    DSA, DSA_SIG, DSA_SIG_free, DSA_SIG_get0, DSA_SIG_new, DSA_SIG_set0, DSA_do_check_signature, DSA_do_sign, DSA_free,
    DSA_get0_pqg, DSA_get0_priv_key, DSA_new, DSA_set0_key, DSA_set0_pqg, EVP_PKEY_CTX_free, EVP_PKEY_CTX_new_id,
    EVP_PKEY_CTX_set_dsa_paramgen_bits, EVP_PKEY_CTX_set_dsa_paramgen_q_bits, EVP_PKEY_DSA, EVP_PKEY_free,
    EVP_PKEY_get0_DSA, EVP_PKEY_paramgen, EVP_PKEY_paramgen_init,
};

use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::dh::bignum::{Modulus, Number, random_below, significant};
use crate::memory::SecretBytes;

/// The primes and the generator, prepared once and shared by their keys.
#[derive(Clone)]
pub struct Parameters(Arc<Group>);

struct Group {
    p: Modulus,
    q: Number,
    g: Number,
}

impl Parameters {
    /// Parameters of somebody else. Costs tests for primes.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for other sizes than those of FIPS 186-4 §4.2 (p and q of 1024 and 160, 2048 and 224, 2048
    /// and 256, 3072 and 256 bits); [`Error::KeyValue`] when p or q is not prime, q does not divide p - 1, or is not
    /// the order of g.
    pub fn new(p: &[u8], q: &[u8], g: &[u8]) -> Result<Parameters, Error> {
        let parameters = Parameters::known(p, q, g)?;
        let Group { p, q, g } = &*parameters.0;
        if !q.is_prime(PRIME_ROUNDS)? || !p.number().is_prime(PRIME_ROUNDS)? {
            return Err(Error::KeyValue("p or q is not prime"));
        }
        if !p.number().less_one()?.is_multiple_of(q)? {
            return Err(Error::KeyValue("q does not divide p - 1"));
        }
        if !p.power_is_one(g, q)? {
            return Err(Error::KeyValue("q is not the order of g"));
        }
        Ok(parameters)
    }

    /// Parameters that [`Parameters::new`] or [`Parameters::generate`] has seen before, such as those of a key from our
    /// own sealed store: nothing is tested for being prime.
    ///
    /// # Errors
    /// As [`Parameters::new`], as far as they cost nothing.
    pub fn known(p: &[u8], q: &[u8], g: &[u8]) -> Result<Parameters, Error> {
        let (p, q, g) = (significant(p), significant(q), significant(g));
        let length = Error::KeyLength { got: p.len() };
        if p.len() > P_BYTES_MAX || q.len() > p.len() || g.len() > p.len() {
            return Err(length);
        }
        let (p, q, g) = (Number::from_bytes(p)?, Number::from_bytes(q)?, Number::from_bytes(g)?);
        if !SIZES.contains(&(p.bits(), q.bits())) {
            return Err(length);
        }
        if !p.is_odd() || !q.is_odd() {
            return Err(Error::KeyValue("p or q is not prime"));
        }
        if g.cmp_word(1) != Ordering::Greater || g >= p {
            return Err(Error::KeyValue("a generator outside 2..=p-1"));
        }
        Ok(Parameters(Arc::new(Group { p: Modulus::new(p)?, q, g })))
    }

    /// New parameters of the sizes of [`Parameters::new`]. Takes about a second for 2048 bits, depending on luck.
    ///
    /// # Errors
    /// [`Error::Parameter`] for other sizes.
    pub fn generate(p_bits: usize, q_bits: usize) -> Result<Parameters, Error> {
        let size = Error::Parameter("the sizes of p and q");
        if !SIZES.contains(&(p_bits, q_bits)) {
            return Err(size);
        }
        let (p_size, q_size) = (i32::try_from(p_bits).map_err(|_| size)?, i32::try_from(q_bits).map_err(|_| size)?);
        let mut key = ptr::null_mut();
        let (mut p, mut q, mut g) = (ptr::null(), ptr::null(), ptr::null());
        // SAFETY: the context is a new one, used by one call after the other and freed; null fails the first call. A
        // key appears only when all went well; its numbers are copied before it is freed.
        unsafe {
            let context = EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, ptr::null_mut());
            let done = !context.is_null()
                && EVP_PKEY_paramgen_init(context) == 1
                && EVP_PKEY_CTX_set_dsa_paramgen_bits(context, p_size) == 1
                && EVP_PKEY_CTX_set_dsa_paramgen_q_bits(context, q_size) == 1
                && EVP_PKEY_paramgen(context, &mut key) == 1;
            EVP_PKEY_CTX_free(context);
            if !done {
                EVP_PKEY_free(key);
                clear_errors();
                return Err(Error::Library("EVP_PKEY_paramgen"));
            }
            DSA_get0_pqg(EVP_PKEY_get0_DSA(key), &mut p, &mut q, &mut g);
            let copies = (Number::copy_of(p), Number::copy_of(q), Number::copy_of(g));
            EVP_PKEY_free(key);
            Ok(Parameters(Arc::new(Group { p: Modulus::new(copies.0?)?, q: copies.1?, g: copies.2? })))
        }
    }

    /// The prime p, big-endian without leading zeros.
    pub fn p(&self) -> Result<Vec<u8>, Error> {
        self.0.p.number().to_vec()
    }

    /// The prime q.
    pub fn q(&self) -> Result<Vec<u8>, Error> {
        self.0.q.to_vec()
    }

    /// The generator.
    pub fn g(&self) -> Result<Vec<u8>, Error> {
        self.0.g.to_vec()
    }

    /// Bytes of p.
    pub fn p_bytes(&self) -> usize {
        self.0.p.number().bytes()
    }

    /// Bytes of q: of a private value, and of each half of a signature.
    pub fn q_bytes(&self) -> usize {
        self.0.q.bytes()
    }

    /// Bytes of a signature.
    pub fn signature_bytes(&self) -> usize {
        2 * self.q_bytes()
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dsa::Parameters({} and {} bits)", self.0.p.number().bits(), self.0.q.bits())
    }
}

/// A private key.
pub struct PrivateKey {
    parameters: Parameters,
    y: Number,
    key: Object,
}

impl PrivateKey {
    /// A new key, which has signed and verified once.
    pub fn generate(parameters: &Parameters) -> Result<PrivateKey, Error> {
        let key = PrivateKey::with(parameters, Number::from_bytes(random_below(&parameters.0.q)?.expose())?)?;
        let digest = [0x5a; 32];
        let mut signature = [0; 2 * Q_BYTES_MAX];
        let len = key.sign(&digest, &mut signature)?;
        let signature = signature.get(..len).unwrap_or_default();
        let consistent = key.key.verify(parameters, &digest, signature);
        consistent.map_err(|_| Error::Library("a key that does not verify what it signs"))?;
        Ok(key)
    }

    /// The key with the private value `x`.
    ///
    /// # Errors
    /// [`Error::KeyValue`] for a value outside 1..=q-1.
    pub fn new(parameters: &Parameters, x: &[u8]) -> Result<PrivateKey, Error> {
        let (x, q) = (significant(x), &parameters.0.q);
        let outside = Error::KeyValue("a private value outside 1..=q-1");
        if x.is_empty() || x.len() > q.bytes() {
            return Err(outside);
        }
        let x = Number::from_bytes(x)?;
        if x >= *q {
            return Err(outside);
        }
        PrivateKey::with(parameters, x)
    }

    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The private value, in as many bytes as q has.
    pub fn x(&self) -> Result<SecretBytes, Error> {
        let mut secret = SecretBytes::zeroed(self.parameters.q_bytes())?;
        // SAFETY: the key is valid, and has a private value; it is copied while the key is.
        unsafe { Number::copy_of(DSA_get0_priv_key(self.key.0.as_ptr()))? }.write(secret.expose_mut())?;
        Ok(secret)
    }

    /// The public value, in as many bytes as p has.
    pub fn public_value(&self) -> Result<Vec<u8>, Error> {
        self.y.to_padded_vec(self.parameters.p_bytes())
    }

    /// Signs a digest, of which the leftmost bits count that q has. Writes r and s, each in as many bytes as q has, and
    /// tells how many bytes that are. The nonce is random.
    ///
    /// # Errors
    /// [`Error::DataLength`] for an empty digest; [`Error::OutputTooSmall`].
    pub fn sign(&self, digest: &[u8], signature: &mut [u8]) -> Result<usize, Error> {
        let needed = self.parameters.signature_bytes();
        let signature = signature.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        if digest.is_empty() {
            return Err(Error::DataLength);
        }
        self.key.sign(digest, signature)?;
        Ok(needed)
    }

    /// Makes the key of a private value in range.
    fn with(parameters: &Parameters, x: Number) -> Result<PrivateKey, Error> {
        let group = &*parameters.0;
        let y = group.p.secret_power(&group.g, &x)?;
        let key = Object::new(group, y.try_clone()?, Some(x))?;
        // The library prepares at the first signature, under a lock that a fork could take away half-locked.
        let mut signature = [0; 2 * Q_BYTES_MAX];
        let len = parameters.signature_bytes();
        key.sign(&[1], signature.get_mut(..len).ok_or(Error::KeyLength { got: len })?)?;
        Ok(PrivateKey { parameters: parameters.clone(), y, key })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dsa::PrivateKey({:?})", self.parameters)
    }
}

/// A public key.
pub struct PublicKey {
    parameters: Parameters,
    y: Number,
    key: Object,
}

impl PublicKey {
    /// The key with the public value `y`.
    ///
    /// # Errors
    /// [`Error::KeyValue`] for a value outside 2..=p-1, or of another order than q.
    pub fn new(parameters: &Parameters, y: &[u8]) -> Result<PublicKey, Error> {
        let (group, y) = (&*parameters.0, significant(y));
        let outside = Error::KeyValue("a public value outside the group");
        if y.len() > parameters.p_bytes() {
            return Err(outside);
        }
        let y = Number::from_bytes(y)?;
        if y.cmp_word(1) != Ordering::Greater || y >= *group.p.number() || !group.p.power_is_one(&y, &group.q)? {
            return Err(outside);
        }
        let key = Object::new(group, y.try_clone()?, None)?;
        // Whatever it says, the library has prepared then (see the private key).
        let mut any = [0; 2 * Q_BYTES_MAX];
        let any = any.get_mut(..parameters.signature_bytes()).unwrap_or_default();
        any.chunks_mut(parameters.q_bytes()).filter_map(<[u8]>::last_mut).for_each(|last| *last = 1);
        _ = key.verify(parameters, &[1], any);
        Ok(PublicKey { parameters: parameters.clone(), y, key })
    }

    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The public value, in as many bytes as p has.
    pub fn public_value(&self) -> Result<Vec<u8>, Error> {
        self.y.to_padded_vec(self.parameters.p_bytes())
    }

    /// Checks r and s, each in as many bytes as q has, over a digest, of which the leftmost bits count that q has.
    ///
    /// # Errors
    /// [`Error::Authentication`] for a wrong signature, whatever its length; [`Error::DataLength`] for an empty digest.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
        if digest.is_empty() {
            return Err(Error::DataLength);
        }
        self.key.verify(&self.parameters, digest, signature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dsa::PublicKey({:?})", self.parameters)
    }
}

/// The library's key.
struct Object(NonNull<DSA>);

// SAFETY: the key owns all it points to, bound to no thread.
unsafe impl Send for Object {}
// SAFETY: signing and verifying take the key by const pointer; what they prepare at first use they guard by a lock.
unsafe impl Sync for Object {}

impl Object {
    fn new(group: &Group, y: Number, x: Option<Number>) -> Result<Object, Error> {
        let (p, q, g) = (group.p.number().try_clone()?, group.q.try_clone()?, group.g.try_clone()?);
        // SAFETY: takes nothing, gives a new key or null.
        let key = NonNull::new(unsafe { DSA_new() }).map(Object).ok_or_else(|| {
            clear_errors();
            Error::Memory
        })?;
        // SAFETY: the key is ours alone and takes over the numbers; with all of them given, neither call can fail.
        let done = unsafe {
            let x = x.map_or(ptr::null_mut(), Number::into_raw);
            DSA_set0_pqg(key.0.as_ptr(), p.into_raw(), q.into_raw(), g.into_raw()) == 1
                && DSA_set0_key(key.0.as_ptr(), y.into_raw(), x) == 1
        };
        if done { Ok(key) } else { Err(Error::Library("DSA_set0_key")) }
    }

    /// Writes r and s, each into half of `signature`.
    fn sign(&self, digest: &[u8], signature: &mut [u8]) -> Result<(), Error> {
        // SAFETY: the key is valid and only read, the digest readable for its length; gives a new signature or null.
        let signed = NonNull::new(unsafe { DSA_do_sign(digest.as_ptr(), digest.len(), self.0.as_ptr()) });
        let signed = signed.map(Signature).ok_or_else(|| {
            clear_errors();
            Error::Library("DSA_do_sign")
        })?;
        let (mut r, mut s) = (ptr::null(), ptr::null());
        // SAFETY: the signature is valid; its numbers are copied while it is.
        let (r, s) = unsafe {
            DSA_SIG_get0(signed.0.as_ptr(), &mut r, &mut s);
            (Number::copy_of(r)?, Number::copy_of(s)?)
        };
        let half = signature.len() / 2;
        let (r_out, s_out) = signature.split_at_mut(half);
        r.write(r_out)?;
        s.write(s_out)
    }

    fn verify(&self, parameters: &Parameters, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
        if signature.len() != parameters.signature_bytes() {
            return Err(Error::Authentication);
        }
        let (r, s) = signature.split_at(parameters.q_bytes());
        let (r, s) = (Number::from_bytes(r)?, Number::from_bytes(s)?);
        // SAFETY: takes nothing, gives a new signature or null.
        let claimed = NonNull::new(unsafe { DSA_SIG_new() }).map(Signature).ok_or(Error::Memory)?;
        let mut valid = 0;
        // SAFETY: the signature is ours alone and takes over the numbers, which cannot fail; the key is valid and only
        // read, the digest readable for its length.
        let done = unsafe {
            DSA_SIG_set0(claimed.0.as_ptr(), r.into_raw(), s.into_raw());
            DSA_do_check_signature(&mut valid, digest.as_ptr(), digest.len(), claimed.0.as_ptr(), self.0.as_ptr())
        };
        if done == 1 && valid == 1 {
            return Ok(());
        }
        clear_errors();
        Err(Error::Authentication)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: owned and not used again; the library wipes it.
        unsafe { DSA_free(self.0.as_ptr()) };
    }
}

/// The library's signature.
struct Signature(NonNull<DSA_SIG>);

impl Drop for Signature {
    fn drop(&mut self) {
        // SAFETY: owned and not used again.
        unsafe { DSA_SIG_free(self.0.as_ptr()) };
    }
}

/// Bits of p and q that FIPS 186-4 §4.2 allows.
const SIZES: [(usize, usize); 4] = [(1024, 160), (2048, 224), (2048, 256), (3072, 256)];
const P_BYTES_MAX: usize = 384;
const Q_BYTES_MAX: usize = 32;
/// Whoever chose the number has a chance of 2^-64 to pass off a composite one.
const PRIME_ROUNDS: i32 = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::check_in_child;

    #[test]
    fn a_forked_child_can_sign_with_nonces_of_its_own() {
        let parameters = Parameters::generate(1024, 160).expect("parameters");
        let private = PrivateKey::generate(&parameters).expect("a key");
        let public = PublicKey::new(&parameters, &private.public_value().expect("memory")).expect("a key");
        let sign = || {
            let mut signature = [0; 40];
            assert_eq!(private.sign(b"digest", &mut signature), Ok(40));
            signature
        };
        let mut ends = [0; 2];
        // SAFETY: makes a pipe, whose ends are closed with the process.
        unsafe { assert_eq!(libc::pipe(ends.as_mut_ptr()), 0) };
        check_in_child(|| {
            let signature = sign();
            // SAFETY: writes from a live buffer, within the capacity of the pipe.
            let written = unsafe { libc::write(ends[1], signature.as_ptr().cast(), 40) };
            written == 40 && public.verify(b"digest", &signature) == Ok(())
        });
        let (here, mut there) = (sign(), [0; 40]);
        // SAFETY: reads into a live buffer of that length.
        unsafe { assert_eq!(libc::read(ends[0], there.as_mut_ptr().cast(), 40), 40) };
        assert_eq!(public.verify(b"digest", &there), Ok(()));
        assert_ne!(here[..20], there[..20], "the same nonce would give the key away");
    }
}
