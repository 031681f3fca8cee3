//! The key derivations of IKEv1 (RFC 2409) and IKEv2 (RFC 7296) as PKCS#11 3.2, "IKE Mechanisms", cuts them:
//! CKM_IKE_PRF_DERIVE, CKM_IKE1_PRF_DERIVE, CKM_IKE1_EXTENDED_DERIVE, CKM_IKE2_PRF_PLUS_DERIVE.

use zeroize::Zeroizing;

use super::{Keyed, all_or_nothing, check_length};
use crate::Error;
use crate::hash::{Algorithm, OUTPUT_BYTES_MAX};
use crate::mac::Key;
use crate::memory::SecretBytes;

/// The pseudo-random function negotiated. All take a key of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prf {
    /// HMAC.
    Hmac(Algorithm),
    /// AES-CMAC-PRF-128 (RFC 4615): CMAC with AES-128. A key of another length than 16 bytes is first brought there by
    /// CMAC under a key of zeros. Of nonces that become the key IKEv2 takes the first 8 bytes each (RFC 7296 §2.14);
    /// to cut them is the caller's part.
    CmacAes,
}

impl Prf {
    /// Bytes the function gives.
    pub const fn output_bytes(self) -> usize {
        match self {
            Prf::Hmac(hash) => hash.output_bytes(),
            Prf::CmacAes => CMAC_BYTES,
        }
    }

    // Keyed with the concatenation of the parts.
    fn keyed(self, key: &[&[u8]]) -> Result<Keyed, Error> {
        let length = key.iter().try_fold(0_usize, |sum, part| sum.checked_add(part.len())).ok_or(Error::Memory)?;
        let mut joined = SecretBytes::zeroed(length)?;
        let mut rest = joined.expose_mut();
        for part in key {
            let (start, end) = rest.split_at_mut_checked(part.len()).ok_or(Error::Library("split_at_mut_checked"))?;
            start.copy_from_slice(part);
            rest = end;
        }
        match self {
            Prf::Hmac(hash) => Keyed::new(Key::hmac(hash, joined.expose())?),
            Prf::CmacAes if joined.len() == CMAC_BYTES => Keyed::new(Key::cmac_aes(joined.expose())?),
            Prf::CmacAes => {
                let mut key = Zeroizing::new([0; CMAC_BYTES]);
                Keyed::new(Key::cmac_aes(&[0; CMAC_BYTES])?)?.call(&[joined.expose()], &mut *key)?;
                Keyed::new(Key::cmac_aes(&*key)?)
            }
        }
    }
}

/// What the first key of an exchange is made of.
#[derive(Clone, Copy)]
pub enum First<'a> {
    /// prf(Ni | Nr, base): SKEYSEED of IKEv2 and, with signatures, SKEYID of IKEv1; the base is the Diffie-Hellman
    /// secret (bDataAsKey).
    NoncesAsKey,
    /// prf(base, Ni | Nr): SKEYID of IKEv1 with a pre-shared key, which is the base.
    BaseAsKey,
    /// prf(base, new | Ni | Nr): SKEYSEED of IKEv2 when keys are renewed; the base is SK_d and this the new
    /// Diffie-Hellman secret (bRekey).
    Rekey(&'a [u8]),
}

/// CKM_IKE_PRF_DERIVE: the first key of an exchange, as long as the function's output.
///
/// # Errors
/// [`Error::Memory`].
pub fn prf_derive(prf: Prf, first: First<'_>, base: &[u8], ni: &[u8], nr: &[u8]) -> Result<SecretBytes, Error> {
    let mut derived = SecretBytes::zeroed(prf.output_bytes())?;
    let out = derived.expose_mut();
    match first {
        First::NoncesAsKey => prf.keyed(&[ni, nr])?.call(&[base], out)?,
        First::BaseAsKey => prf.keyed(&[base])?.call(&[ni, nr], out)?,
        First::Rekey(new) => prf.keyed(&[base])?.call(&[new, ni, nr], out)?,
    }
    Ok(derived)
}

/// What one of the keys SKEYID_d, SKEYID_a and SKEYID_e of IKEv1 (RFC 2409 §5) is made of, beside SKEYID.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The key before this one: none for SKEYID_d, SKEYID_d for SKEYID_a, SKEYID_a for SKEYID_e.
    pub previous: Option<&'a [u8]>,
    /// The Diffie-Hellman secret g^xy.
    pub shared: &'a [u8],
    /// The initiator's cookie CKY-I.
    pub initiator_cookie: &'a [u8],
    /// The responder's cookie CKY-R.
    pub responder_cookie: &'a [u8],
    /// 0, 1 or 2.
    pub number: u8,
}

/// CKM_IKE1_PRF_DERIVE: prf(SKEYID, previous | g^xy | CKY-I | CKY-R | number), cut to the length of `out`.
///
/// # Errors
/// [`Error::KeyLength`] for an output of no bytes or longer than the function's, [`Error::Memory`].
pub fn ike1_prf(prf: Prf, skeyid: &[u8], session: &Session<'_>, out: &mut [u8]) -> Result<(), Error> {
    check_output(prf, 1, out)?;
    let Session { previous, shared, initiator_cookie, responder_cookie, number } = *session;
    let parts = [previous.unwrap_or_default(), shared, initiator_cookie, responder_cookie, &[number]];
    prf.keyed(&[skeyid])?.call(&parts, out)
}

/// CKM_IKE1_EXTENDED_DERIVE: RFC 2409 appendix B, and with a Diffie-Hellman secret or extra data quick mode (§5.5).
/// K(i) = prf(base, K(i-1) | g^xy | extra), and K(1) = prf(base, 0) when there is neither.
///
/// With neither, a key no longer than the base and the function's output is the base cut short, as appendix B says.
/// PKCS#11's text would do so whenever there is no g^xy; but quick mode without a new exchange has only the extra data
/// and must not give the base away, so extra data always make it run the function.
///
/// # Errors
/// [`Error::KeyLength`] for an output of no bytes or longer than 255 of the function's, [`Error::Memory`].
pub fn ike1_extended(prf: Prf, base: &[u8], shared: Option<&[u8]>, extra: &[u8], out: &mut [u8]) -> Result<(), Error> {
    check_output(prf, BLOCKS_MAX, out)?;
    let alone = shared.is_none() && extra.is_empty();
    if let Some(start) = base.get(..out.len()).filter(|start| alone && start.len() <= prf.output_bytes()) {
        out.copy_from_slice(start);
        return Ok(());
    }
    let shared = shared.unwrap_or_default();
    chain(prf, base, out, |keyed, before, _, block| match before {
        [] if alone => keyed.call(&[&[0]], block),
        _ => keyed.call(&[before, shared, extra], block),
    })
}

/// CKM_IKE2_PRF_PLUS_DERIVE: prf+ of RFC 7296 §2.13, T(i) = prf(base, T(i-1) | seed | i), with the seed in two parts,
/// a key's value and data.
///
/// # Errors
/// [`Error::KeyLength`] for an output of no bytes or longer than 255 of the function's, [`Error::Memory`].
pub fn prf_plus(prf: Prf, base: &[u8], seed_key: &[u8], seed_data: &[u8], out: &mut [u8]) -> Result<(), Error> {
    check_output(prf, BLOCKS_MAX, out)?;
    chain(prf, base, out, |keyed, before, count, block| keyed.call(&[before, seed_key, seed_data, &[count]], block))
}

// Fills `out` with blocks of the function, each made of the one before, which is empty at first, and its number.
fn chain(
    prf: Prf,
    base: &[u8],
    out: &mut [u8],
    next: impl Fn(&mut Keyed, &[u8], u8, &mut [u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut keyed = prf.keyed(&[base])?;
    let (mut before, mut block) = (Zeroizing::new([0; OUTPUT_BYTES_MAX]), Zeroizing::new([0; OUTPUT_BYTES_MAX]));
    let (before, _) = before.split_at_mut(prf.output_bytes());
    let (block, _) = block.split_at_mut(prf.output_bytes());
    all_or_nothing(out, |out| {
        for (piece, count) in out.chunks_mut(prf.output_bytes()).zip(1..=u8::MAX) {
            next(&mut keyed, if count == 1 { &[] } else { before }, count, block)?;
            piece.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
            before.copy_from_slice(block);
        }
        Ok(())
    })
}

fn check_output(prf: Prf, blocks: u32, out: &[u8]) -> Result<(), Error> {
    if out.is_empty() {
        return Err(Error::KeyLength { got: 0 });
    }
    check_length(out, prf.output_bytes(), blocks)
}

const CMAC_BYTES: usize = 16;
const BLOCKS_MAX: u32 = 255;
