//! The certificate of an installation: X.509 v3 (RFC 5280), about the key that signed the manifest, signed by the same
//! key. It says no more than the pinned key does, in the form that other programs read.

use std::time::{SystemTime, UNIX_EPOCH};

use signature::Keypair;
use strongroom_crypto::hash::{self, Algorithm};
use strongroom_crypto::random;
use strongroom_crypto::sign::{self, PUBLIC_LEN, SigningKey};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::der::asn1::BitString;
use x509_cert::der::oid::db::rfc8410::ID_ED_25519;
use x509_cert::der::{self, DateTime, Decode, Document, Encode};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{self, DynSignatureAlgorithmIdentifier, EncodePublicKey, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};
use x509_cert::{AlgorithmIdentifier, Certificate, SubjectPublicKeyInfo, TbsCertificate};

use crate::pem;
use crate::text::hex;

/// Why a text is no certificate of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Form,
    /// It is about another key.
    Key,
    Signature,
}

/// The certificate of a key, in PEM: valid from now on, and for ever, as the key is (RFC 5280 §4.1.2.5).
///
/// # Errors
/// In words: no random numbers, no memory, or a clock that is out of order.
pub(super) fn make(key: &SigningKey) -> Result<String, String> {
    build(key).map_err(|error| format!("its certificate: {error}"))
}

fn build(key: &SigningKey) -> Result<String, Box<dyn std::error::Error>> {
    let now = DateTime::from_unix_duration(SystemTime::now().duration_since(UNIX_EPOCH)?)?;
    let validity = Validity::new(Time::from(now), Time::INFINITY);
    let failed = |error: strongroom_crypto::Error| error.to_string();
    let serial = SerialNumber::new(&random::bytes::<SERIAL_LEN>().map_err(failed)?)?;
    let public = PublicKey(key.verifying_key());
    let itself = Itself(public.name()?);
    let signer = Signer(public);
    let mut builder = CertificateBuilder::new(itself, serial, validity, signer.0.info()?)?;
    let signed = builder.finalize(&signer)?;
    let signature = key.sign(&[&signed]).map_err(failed)?;
    let certificate = builder.assemble(BitString::from_bytes(&signature)?, &signer)?;
    Ok(pem::encode(LABEL, &certificate.to_der()?))
}

/// Checks that a text is a certificate that this key signed about itself, and not a byte more. The key signed one
/// manifest and one certificate, and no text begins as both do.
pub(super) fn check(text: &str, key: &[u8; PUBLIC_LEN]) -> Result<(), Refusal> {
    let form = |_: der::Error| Refusal::Form;
    let blocks = pem::blocks(text).map_err(|_| Refusal::Form)?;
    let der = blocks.first().ok_or(Refusal::Form)?.decode().map_err(|_| Refusal::Form)?;
    let certificate = Certificate::from_der(&der).map_err(form)?;
    // Other line ends, words around it, another encoding of the same: not what was written here.
    if pem::encode(LABEL, &certificate.to_der().map_err(form)?) != text {
        return Err(Refusal::Form);
    }
    let signed = certificate.tbs_certificate();
    if *signed.subject_public_key_info() != PublicKey(*key).info().map_err(form)? {
        return Err(Refusal::Key);
    }
    if [signed.signature(), certificate.signature_algorithm()] != [&ED25519, &ED25519] {
        return Err(Refusal::Form);
    }
    let signature = certificate.signature().as_bytes().and_then(|bytes| bytes.try_into().ok()).ok_or(Refusal::Form)?;
    sign::verify(key, &[&signed.to_der().map_err(form)?], &signature).map_err(|_| Refusal::Signature)
}

/// The profile: subject and issuer are one; it signs data and no other certificate.
struct Itself(Name);

impl BuilderProfile for Itself {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let constraints = BasicConstraints { ca: false, path_len_constraint: None };
        Ok(vec![
            constraints.to_extension(&self.0, &[])?,
            KeyUsage(KeyUsages::DigitalSignature.into()).to_extension(&self.0, &[])?,
            SubjectKeyIdentifier::try_from(key)?.to_extension(&self.0, &[])?,
        ])
    }
}

/// What the builder asks whoever signs.
struct Signer(PublicKey);

impl Keypair for Signer {
    type VerifyingKey = PublicKey;

    fn verifying_key(&self) -> PublicKey {
        self.0.clone()
    }
}

impl DynSignatureAlgorithmIdentifier for Signer {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifier> {
        Ok(ED25519)
    }
}

#[derive(Clone)]
struct PublicKey([u8; PUBLIC_LEN]);

impl PublicKey {
    fn info(&self) -> der::Result<SubjectPublicKeyInfo> {
        Ok(SubjectPublicKeyInfo { algorithm: ED25519, subject_public_key: BitString::from_bytes(&self.0)? })
    }

    /// Two installations have not the same name, because they have not the same key.
    fn name(&self) -> Result<Name, Box<dyn std::error::Error>> {
        let mut sha256 = [0; 32];
        hash::digest(Algorithm::Sha256, &self.0, &mut sha256).map_err(|error| error.to_string())?;
        let digits = hex(&sha256);
        Ok(format!("CN=Strongroom installation {}", digits.get(..NAME_DIGITS).unwrap_or_default()).parse()?)
    }
}

impl EncodePublicKey for PublicKey {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Ok(Document::encode_msg(&self.info()?)?)
    }
}

/// Of a key and of a signature (RFC 8410 §3).
const ED25519: AlgorithmIdentifier = AlgorithmIdentifier { oid: ID_ED_25519, parameters: None };
const LABEL: &str = "CERTIFICATE";
const NAME_DIGITS: usize = 16;
/// At most 20 (RFC 5280 §4.1.2.2), one of which may have to hold the sign.
const SERIAL_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32]).unwrap()
    }

    #[test]
    fn what_is_made_passes_for_its_key_alone() {
        let text = make(&key(7)).unwrap();
        assert_eq!(check(&text, &key(7).verifying_key()), Ok(()));
        assert_eq!(check(&text, &key(8).verifying_key()), Err(Refusal::Key));
        assert_ne!(text, make(&key(7)).unwrap(), "the serial number is random");
    }

    #[test]
    fn any_changed_byte_is_refused() {
        let key = key(7);
        let (text, public) = (make(&key).unwrap(), key.verifying_key());
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(check(&changed, &public).is_err(), "byte {place}: {changed}");
        }
        let der = pem::blocks(&text).unwrap()[0].decode().unwrap();
        let mut refusals = Vec::new();
        for place in 0..der.len() {
            for bit in 0..8 {
                let mut changed = der.to_vec();
                changed[place] ^= 1 << bit;
                refusals.push(check(&pem::encode(LABEL, &changed), &public).expect_err(&format!("byte {place}")));
            }
        }
        assert!([Refusal::Form, Refusal::Key, Refusal::Signature].iter().all(|refusal| refusals.contains(refusal)));
        for other in [format!("{text}\n"), format!("x\n{text}"), format!("{text}{text}"), text.replace('\n', "\r\n")] {
            assert_eq!(check(&other, &public), Err(Refusal::Form), "{other}");
        }
        for cut in 0..text.len() {
            assert_eq!(check(&text[..cut], &public), Err(Refusal::Form), "cut at {cut}");
        }
    }

    /// Whoever has another key can write any certificate of the pinned one, and not sign it.
    #[test]
    fn a_certificate_that_another_key_signed_is_refused() {
        let (pinned, other) = (PublicKey(key(7).verifying_key()), key(8));
        let serial = SerialNumber::new(&[1]).unwrap();
        let validity = Validity::new(Time::from(DateTime::new(2020, 1, 1, 0, 0, 0).unwrap()), Time::INFINITY);
        let signer = Signer(pinned.clone());
        let itself = Itself(pinned.name().unwrap());
        let mut builder = CertificateBuilder::new(itself, serial, validity, pinned.info().unwrap()).unwrap();
        let signature = other.sign(&[&builder.finalize(&signer).unwrap()]).unwrap();
        let forged = builder.assemble(BitString::from_bytes(&signature).unwrap(), &signer).unwrap();
        let forged = pem::encode(LABEL, &forged.to_der().unwrap());
        assert_eq!(check(&forged, &pinned.0), Err(Refusal::Signature));
    }
}
