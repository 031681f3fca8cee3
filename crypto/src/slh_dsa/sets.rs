//! The twelve parameter sets, each of which is a module with types of its own in fips205.

use std::mem::ManuallyDrop;
use std::num::NonZeroU32;

use fips205::traits::{KeyGen, SerDes, Signer, Verifier};
use fips205::{CryptoRng, RngCore, RngError};
use zeroize::Zeroizing;

use super::SEED_BYTES_MAX;
use crate::Error;
use crate::memory::{Plain, SecretBox};
use crate::pq::Framed;

macro_rules! sets {
    ($($variant:ident $module:ident $name:literal;)*) => {
        /// A parameter set (FIPS 205 §11), in the order of PKCS#11 3.2 CKP_SLH_DSA_*.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum ParameterSet {
            $($variant,)*
        }

        impl ParameterSet {
            /// Every parameter set.
            pub const ALL: [ParameterSet; 12] = [$(ParameterSet::$variant,)*];

            /// As FIPS 205 writes it: "SLH-DSA-SHA2-128s".
            pub const fn name(self) -> &'static str {
                match self {
                    $(ParameterSet::$variant => $name,)*
                }
            }

            /// Bytes of a public key.
            pub const fn public_bytes(self) -> usize {
                match self {
                    $(ParameterSet::$variant => fips205::$module::PK_LEN,)*
                }
            }

            /// Bytes of a private key.
            pub const fn private_bytes(self) -> usize {
                match self {
                    $(ParameterSet::$variant => fips205::$module::SK_LEN,)*
                }
            }

            /// Bytes of a signature.
            pub const fn signature_bytes(self) -> usize {
                match self {
                    $(ParameterSet::$variant => fips205::$module::SIG_LEN,)*
                }
            }

            /// Bytes of each of the three seeds of a key: n.
            pub(super) const fn seed_bytes(self) -> usize {
                match self {
                    $(ParameterSet::$variant => fips205::$module::N,)*
                }
            }
        }

        /// A private key as the crate wants it.
        pub(super) enum Prepared {
            $($variant(SecretBox<Held<fips205::$module::PrivateKey>>),)*
        }

        $(
            // SAFETY: the key is four arrays of bytes, as the assertion supports: zeros are a valid value of them. It
            // is not dropped.
            unsafe impl Plain for Held<fips205::$module::PrivateKey> {}
            const _: () = assert!(
                size_of::<fips205::$module::PrivateKey>() == fips205::$module::SK_LEN
                    && align_of::<fips205::$module::PrivateKey>() == 1
            );
        )*

        impl Prepared {
            /// [`Error::KeyValue`] when the root is not that of the seeds.
            pub(super) fn decode(set: ParameterSet, bytes: &[u8]) -> Result<Prepared, Error> {
                match set {
                    $(ParameterSet::$variant => {
                        let bytes = Zeroizing::new(*exactly(bytes)?);
                        let key = fips205::$module::PrivateKey::try_from_bytes(*bytes);
                        let key = key.map_err(|_| Error::KeyValue("an inconsistent SLH-DSA private key"))?;
                        let mut held = SecretBox::<Held<fips205::$module::PrivateKey>>::new_zeroed()?;
                        (*held.0).clone_from(&key);
                        Ok(Prepared::$variant(held))
                    })*
                }
            }

            /// The key of three seeds, and in `encoded` its bytes.
            pub(super) fn generate(set: ParameterSet, seeds: &[u8], encoded: &mut [u8]) -> Result<Prepared, Error> {
                let mut seeds = seeds.chunks_exact(set.seed_bytes());
                let (first, second, third) = (seeds.next(), seeds.next(), seeds.next());
                let (Some(first), Some(second), Some(third)) = (first, second, third) else {
                    return Err(Error::Library("the seeds of an SLH-DSA key"));
                };
                match set {
                    $(ParameterSet::$variant => {
                        let (_, key) = fips205::$module::KG::keygen_from_seed::<{ fips205::$module::N }>(
                            exactly(first)?, exactly(second)?, exactly(third)?,
                        );
                        let mut held = SecretBox::<Held<fips205::$module::PrivateKey>>::new_zeroed()?;
                        (*held.0).clone_from(&key);
                        let bytes = Zeroizing::new(key.into_bytes());
                        encoded.get_mut(..bytes.len()).ok_or(LENGTHS)?.copy_from_slice(&*bytes);
                        Ok(Prepared::$variant(held))
                    })*
                }
            }

            /// FIPS 205 Algorithms 22 and 23. `output` has the length of a signature.
            pub(super) fn sign(
                &self,
                framed: &Framed<'_>,
                mut randomness: Option<Randomness<'_>>,
                output: &mut [u8],
            ) -> Result<usize, Error> {
                let mut none = Randomness { bytes: &[], exhausted: false };
                let hedged = randomness.is_some();
                let source = randomness.as_mut().unwrap_or(&mut none);
                let written = match self {
                    $(Prepared::$variant(key) => sign(&*key.0, framed, source, hedged, output)?,)*
                };
                // A signature made with less randomness than the crate asked for is not given out.
                if source.exhausted {
                    output.fill(0);
                    return Err(SIGNING);
                }
                Ok(written)
            }
        }

        /// FIPS 205 Algorithms 24 and 25. A key or signature of a wrong length is a wrong signature.
        pub(super) fn verify(set: ParameterSet, public: &[u8], framed: &Framed<'_>, signature: &[u8]) -> bool {
            match set {
                $(ParameterSet::$variant => check::<fips205::$module::PublicKey, _, _>(public, framed, signature),)*
            }
        }
    };
}

sets! {
    Sha2_128s slh_dsa_sha2_128s "SLH-DSA-SHA2-128s";
    Shake128s slh_dsa_shake_128s "SLH-DSA-SHAKE-128s";
    Sha2_128f slh_dsa_sha2_128f "SLH-DSA-SHA2-128f";
    Shake128f slh_dsa_shake_128f "SLH-DSA-SHAKE-128f";
    Sha2_192s slh_dsa_sha2_192s "SLH-DSA-SHA2-192s";
    Shake192s slh_dsa_shake_192s "SLH-DSA-SHAKE-192s";
    Sha2_192f slh_dsa_sha2_192f "SLH-DSA-SHA2-192f";
    Shake192f slh_dsa_shake_192f "SLH-DSA-SHAKE-192f";
    Sha2_256s slh_dsa_sha2_256s "SLH-DSA-SHA2-256s";
    Shake256s slh_dsa_shake_256s "SLH-DSA-SHAKE-256s";
    Sha2_256f slh_dsa_sha2_256f "SLH-DSA-SHA2-256f";
    Shake256f slh_dsa_shake_256f "SLH-DSA-SHAKE-256f";
}

// The crate returns signatures and takes them apart on the stack. A function for each set, kept out of line, keeps one
// set's buffers from adding to another's.
#[inline(never)]
fn sign<K: Signer<Signature = [u8; N]>, const N: usize>(
    key: &K,
    framed: &Framed<'_>,
    source: &mut Randomness<'_>,
    hedged: bool,
    output: &mut [u8],
) -> Result<usize, Error> {
    let [_, context, _, content] = framed.pieces();
    let signature = match framed.identifier() {
        None => key.try_sign_with_rng(source, content, context, hedged),
        Some(hash) => key.try_hash_sign_with_rng(source, content, context, hash, hedged),
    };
    let signature = signature.map_err(|_| SIGNING)?;
    output.get_mut(..N).ok_or(LENGTHS)?.copy_from_slice(&signature);
    Ok(N)
}

#[inline(never)]
fn check<K: Verifier<Signature = [u8; N]> + SerDes<ByteArray = [u8; P]>, const N: usize, const P: usize>(
    public: &[u8],
    framed: &Framed<'_>,
    signature: &[u8],
) -> bool {
    let [_, context, _, content] = framed.pieces();
    let (Ok(public), Ok(signature)) = (exactly(public), exactly(signature)) else {
        return false;
    };
    let Ok(key) = K::try_from_bytes(*public) else {
        return false;
    };
    match framed.identifier() {
        None => key.verify(content, signature, context),
        Some(hash) => key.hash_verify(content, signature, context, hash),
    }
}

/// A key that its memory wipes, instead of its own destructor.
pub(super) struct Held<K>(ManuallyDrop<K>);

/// The randomness of one signature, drawn beforehand: the crate's interface for it has calls that cannot fail.
pub(super) struct Randomness<'a> {
    bytes: &'a [u8],
    exhausted: bool,
}

impl<'a> Randomness<'a> {
    pub(super) fn new(bytes: &'a [u8; SEED_BYTES_MAX]) -> Randomness<'a> {
        Randomness { bytes, exhausted: false }
    }
}

impl CryptoRng for Randomness<'_> {}

impl RngCore for Randomness<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, output: &mut [u8]) {
        match self.bytes.split_at_checked(output.len()) {
            Some((now, later)) => {
                output.copy_from_slice(now);
                self.bytes = later;
            }
            None => self.exhausted = true,
        }
    }

    fn try_fill_bytes(&mut self, output: &mut [u8]) -> Result<(), RngError> {
        self.fill_bytes(output);
        if self.exhausted { Err(NonZeroU32::MIN.into()) } else { Ok(()) }
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], Error> {
    bytes.try_into().map_err(|_| LENGTHS)
}

/// The callers have compared the lengths.
const LENGTHS: Error = Error::Library("an SLH-DSA length");
const SIGNING: Error = Error::Library("SLH-DSA signing");
