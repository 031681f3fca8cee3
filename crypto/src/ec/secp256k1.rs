//! secp256k1 over the `k256` crate, several times as fast as AWS-LC's generic code.
//!
//! Nonces are those of RFC 6979 with 32 fresh random bytes as additional input (§3.6): repeating or known randomness
//! does not give the key away, and a fault cannot be repeated. Signatures have the smaller s of the two, those of
//! others may have either.

use std::mem::ManuallyDrop;

use k256::ecdh::diffie_hellman;
use k256::ecdsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use k256::ecdsa::signature::rand_core::{TryCryptoRng, TryRng};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};
use k256::{FieldBytes, NonZeroScalar};

use super::{NOT_A_POINT, OUT_OF_RANGE, scrubbed};
use crate::memory::{Plain, SecretBox, SecretBytes, wipe};
use crate::{Error, random};

pub(super) struct PublicKey {
    key: VerifyingKey,
}

impl PublicKey {
    pub(super) fn from_point(point: &[u8]) -> Result<PublicKey, Error> {
        let mut plain = [0; POINT_BYTES];
        let point = match point {
            [2 | 3, ..] if point.len() == COMPRESSED_BYTES => point,
            [4, ..] if point.len() == POINT_BYTES => point,
            // The crate knows no hybrid form, which is the uncompressed one with y's last bit said twice.
            [tag @ (6 | 7), .., last] if point.len() == POINT_BYTES && tag & 1 == last & 1 => {
                plain.copy_from_slice(point);
                plain[0] = 4;
                &plain
            }
            _ => return Err(Error::KeyValue(NOT_A_POINT)),
        };
        let key = VerifyingKey::from_sec1_bytes(point).map_err(|_| Error::KeyValue(NOT_A_POINT))?;
        Ok(PublicKey { key })
    }

    pub(super) fn write_uncompressed(&self, out: &mut [u8]) {
        out.copy_from_slice(self.key.to_sec1_point(false).as_bytes());
    }

    pub(super) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<(), Error> {
        let (r, s) = (field_bytes(r), field_bytes(s));
        let signature = Signature::from_scalars(r, s).map_err(|_| Error::Authentication)?;
        // The crate refuses the larger s of the two.
        let signature = signature.normalize_s();
        self.key.verify_prehash(&field_bytes(leftmost(digest)), &signature).map_err(|_| Error::Authentication)
    }
}

pub(super) struct PrivateKey {
    key: SecretBox<Prepared>,
}

// Dropping it would only wipe it, which its box does.
struct Prepared(ManuallyDrop<SigningKey>);

// SAFETY: words of a number, words of a point and a flag in a byte; nothing is owned and nothing dropped. A number of
// zero, which the crate's arithmetic takes like any other, is found and refused before use.
unsafe impl Plain for Prepared {}

impl PrivateKey {
    /// The key of at most 32 bytes.
    pub(super) fn from_scalar(scalar: &[u8]) -> Result<PrivateKey, Error> {
        let mut key = SecretBox::<Prepared>::new_zeroed()?;
        scrubbed(|| {
            let mut repr = field_bytes(scalar);
            let number = Option::<NonZeroScalar>::from(NonZeroScalar::from_repr(repr));
            wipe(&mut repr);
            *key = Prepared(ManuallyDrop::new(SigningKey::from(number.ok_or(Error::KeyValue(OUT_OF_RANGE))?)));
            Ok(PrivateKey { key })
        })
    }

    pub(super) fn scalar(&self) -> Result<SecretBytes, Error> {
        let mut scalar = SecretBytes::zeroed(NUMBER_BYTES)?;
        scrubbed(|| {
            self.with_key(|key| {
                scalar.expose_mut().copy_from_slice(&key.to_bytes());
                Ok(())
            })
        })?;
        Ok(scalar)
    }

    pub(super) fn public(&self) -> Result<PublicKey, Error> {
        self.with_key(|key| Ok(PublicKey { key: *key.verifying_key() }))
    }

    pub(super) fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<(), Error> {
        scrubbed(|| {
            self.with_key(|key| {
                let signature: Signature = key
                    .sign_prehash_with_rng(&mut Fresh, &field_bytes(leftmost(digest)))
                    .map_err(|_| Error::Library("sign_prehash_with_rng"))?;
                out.copy_from_slice(&signature.to_bytes());
                Ok(())
            })
        })
    }

    pub(super) fn agree(&self, peer_point: &[u8]) -> Result<SecretBytes, Error> {
        let peer = PublicKey::from_point(peer_point)?;
        let mut secret = SecretBytes::zeroed(NUMBER_BYTES)?;
        scrubbed(|| {
            self.with_key(|key| {
                let shared = diffie_hellman(key.as_nonzero_scalar(), peer.key.as_affine());
                secret.expose_mut().copy_from_slice(shared.raw_secret_bytes());
                Ok(())
            })
        })?;
        Ok(secret)
    }

    fn with_key<R>(&self, call: impl FnOnce(&SigningKey) -> Result<R, Error>) -> Result<R, Error> {
        let key = &self.key.0;
        if bool::from(key.as_nonzero_scalar().is_zero()) {
            return Err(Error::KeyValue("wiped by a fork"));
        }
        call(key)
    }
}

// The generators of this process, for the crate.
struct Fresh;

impl TryRng for Fresh {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        random::bytes().map(u32::from_ne_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        random::bytes().map(u64::from_ne_bytes)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        random::fill(out)
    }
}

impl TryCryptoRng for Fresh {}

// What of a digest counts: the order has a bit more than 255, a whole number of bytes.
fn leftmost(digest: &[u8]) -> &[u8] {
    &digest[..digest.len().min(NUMBER_BYTES)]
}

// At most 32 bytes, filled up with zeros on the left.
fn field_bytes(bytes: &[u8]) -> FieldBytes {
    let mut field = FieldBytes::default();
    field[NUMBER_BYTES - bytes.len()..].copy_from_slice(bytes);
    field
}

const NUMBER_BYTES: usize = 32;
const COMPRESSED_BYTES: usize = 33;
const POINT_BYTES: usize = 65;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec::{Curve, library};

    /// AWS-LC knows the curve too.
    #[test]
    fn another_library_agrees() {
        for round in 0..200 {
            let mut scalar: [u8; 32] = random::bytes().expect("random");
            // Small numbers, and ones near the order, which begins with 127 ones, a 0 and a 1.
            match round % 4 {
                0 => scalar[..30].fill(0),
                1 => {
                    scalar[..15].fill(0xff);
                    (scalar[15], scalar[16]) = (0xfe, scalar[16] & 0x7f);
                }
                _ => {}
            }
            scalar[31] |= 1;
            let ours = PrivateKey::from_scalar(&scalar).expect("key");
            let theirs = library::PrivateKey::from_scalar(Curve::Secp256k1, &scalar).expect("key");
            let (mut our_point, mut their_point) = ([0; POINT_BYTES], [0; POINT_BYTES]);
            let (our_public, their_public) =
                (ours.public().expect("public"), theirs.public(Curve::Secp256k1).expect("public"));
            our_public.write_uncompressed(&mut our_point);
            their_public.write_uncompressed(&mut their_point).expect("point");
            assert_eq!(our_point, their_point);
            assert!(ours.scalar().expect("memory").ct_eq(&scalar));

            let mut digest = vec![0; 1 + round % 70];
            random::fill(&mut digest).expect("random");
            let mut signature = [0; 64];
            ours.sign(&digest, &mut signature).expect("signed");
            let (r, s) = signature.split_at(NUMBER_BYTES);
            assert_eq!(their_public.verify(&digest, r, s), Ok(()), "{round}");
            // These have the larger s as often as the smaller.
            theirs.sign(&digest, &mut signature).expect("signed");
            let (r, s) = signature.split_at(NUMBER_BYTES);
            assert_eq!(our_public.verify(&digest, r, s), Ok(()), "{round}");

            let peer = PrivateKey::from_scalar(&random::bytes::<32>().expect("random")).expect("key");
            peer.public().expect("public").write_uncompressed(&mut our_point);
            let secret = ours.agree(&our_point).expect("secret");
            assert!(theirs.agree(Curve::Secp256k1, &our_point).expect("secret").ct_eq(secret.expose()));
        }
    }

    /// Points in every form, most of them wrong, with the first byte, the length and the coordinates at random.
    #[test]
    fn another_library_takes_the_same_points() {
        let key = PrivateKey::from_scalar(&[7; 32]).expect("key");
        let mut uncompressed = [0; POINT_BYTES];
        key.public().expect("public").write_uncompressed(&mut uncompressed);
        let mut taken = 0;
        for round in 0..4000u32 {
            let mut bytes = uncompressed.to_vec();
            let choice: [u8; 4] = random::bytes().expect("random");
            bytes[0] = choice[0] % 9;
            if choice[1] < 64 {
                random::fill(&mut bytes[1..33]).expect("random");
            }
            bytes.truncate([0, 1, 32, 33, 33, 64, 65, 65][usize::from(choice[2] % 8)]);
            if choice[3] < 16 {
                bytes.push(0);
            }
            let ours = PublicKey::from_point(&bytes).map(|key| {
                let mut point = [0; POINT_BYTES];
                key.write_uncompressed(&mut point);
                point
            });
            let theirs = library::PublicKey::from_point(Curve::Secp256k1, &bytes).and_then(|key| {
                let mut point = [0; POINT_BYTES];
                key.write_uncompressed(&mut point).map(|()| point)
            });
            taken += u32::from(ours.is_ok());
            assert_eq!(ours, theirs, "{round} {bytes:02x?}");
        }
        assert!(taken > 200, "{taken}");
    }
}
