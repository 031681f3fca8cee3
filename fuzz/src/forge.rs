//! Records as anyone with a PIN could write them past the product: sealed and signed as `docs/store-format.md` says,
//! over whatever attributes and values the fuzzer likes. This reads and writes the format by its description alone.

use strongroom_core::error::Error;
use strongroom_core::object::codec::{Reader, Writer};
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::sign::SigningKey;
use strongroom_crypto::{aead, hash, kdf};

/// The keys of one user, taken from the user's record.
pub struct Forger {
    token: [u8; 16],
    wrapping: aead::Key,
    common: aead::Key,
    signing: SigningKey,
}

/// What stands in the clear before a body.
#[derive(Clone, Copy)]
pub struct Header {
    /// 1 private, 2 public, 3 public with a secret value.
    pub shape: u8,
    /// The user it claims to belong to.
    pub owner: u32,
    /// Approvals for use and for management.
    pub approvals: [u8; 2],
    /// The version of the attributes.
    pub version: u64,
}

impl Forger {
    /// The user of this record, whose PIN is known.
    ///
    /// # Errors
    /// Where the record is not as described.
    pub fn open(token: [u8; 16], record: &[u8], pin: &[u8]) -> Result<Forger, Error> {
        let mut reader = Reader::new(record);
        reader.u8()?;
        let number = reader.u32()?;
        let role = reader.u8()?;
        let name = reader.counted()?;
        reader.raw(32)?;
        reader.counted()?;
        reader.raw(64)?;
        let cost = reader.raw(12)?;
        let salt: [u8; 16] = reader.array()?;
        let wrapped = reader.raw(60)?;
        reader.counted()?;
        let bundle = reader.counted()?;
        let mut costs = Reader::new(cost);
        let user_key = kdf::argon2id(pin, &salt, costs.u32()?, costs.u32()?, costs.u32()?)?;
        let bind = |purpose, parts: &[&[u8]]| binding(purpose, &token, u64::from(number), parts);
        let bundle_key = unseal(user_key.expose(), &bind("strongroom pin", &[cost, &salt]), wrapped)?;
        let identity = [&[role], name].concat();
        let bundle = unseal(bundle_key.expose(), &bind("strongroom bundle", &[&identity]), bundle)?;
        let mut secrets = Reader::new(bundle.expose());
        let (wrapping, metadata, seed) = (secrets.array()?, secrets.array::<32>()?, secrets.array()?);
        let common = kdf::hmac_sha256(&metadata, &[b"strongroom common key"]);
        Ok(Forger {
            token,
            wrapping: aead::Key::new(&wrapping)?,
            common: aead::Key::new(&common)?,
            signing: SigningKey::from_seed(&seed)?,
        })
    }

    /// A private object: `text` is what the box holds.
    ///
    /// # Errors
    /// The cipher's.
    pub fn private(&self, number: u64, header: Header, text: &[u8]) -> Result<Vec<u8>, Error> {
        let header = header.bytes();
        let mut body = Writer::default();
        // Nobody trusts the object, so nothing is compared with the commitment.
        body.raw(&[0; 32]);
        body.raw(&self.wrapped(&self.wrapping, number, &header)?);
        body.raw(&seal(&aead::Key::new(&DATA_KEY)?, &self.bind("strongroom object", number, &[&header]), text)?);
        Ok(record(&header, &body.finish()))
    }

    /// A public object, with a secret value where one is given.
    ///
    /// # Errors
    /// The cipher's.
    pub fn public(
        &self,
        number: u64,
        header: Header,
        attributes: &[u8],
        secret: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        let header = header.bytes();
        let mut signed = Writer::default();
        signed.counted(attributes);
        if let Some(secret) = secret {
            signed.raw(&self.wrapped(&self.common, number, &header)?);
            let aad = self.bind("strongroom value", number, &[&header, attributes]);
            signed.counted(&seal(&aead::Key::new(&DATA_KEY)?, &aad, secret)?);
        }
        let mut signed = signed.finish();
        let statement = self.bind("strongroom public object", number, &[&header, &signed]);
        signed.extend_from_slice(&self.signing.sign(&[&statement])?);
        Ok(record(&header, &signed))
    }

    fn wrapped(&self, key: &aead::Key, number: u64, header: &[u8]) -> Result<Vec<u8>, Error> {
        seal(key, &self.bind("strongroom data key", number, &[header]), &DATA_KEY)
    }

    fn bind(&self, purpose: &str, number: u64, parts: &[&[u8]]) -> Vec<u8> {
        binding(purpose, &self.token, number, parts)
    }
}

/// A public object of nobody's, which anyone can write.
///
/// # Errors
/// The hash's.
pub fn nobodys(token: &[u8; 16], number: u64, header: Header, attributes: &[u8]) -> Result<Vec<u8>, Error> {
    let header = Header { owner: 0, ..header }.bytes();
    let mut signed = Writer::default();
    signed.counted(attributes);
    let mut signed = signed.finish();
    let mut checksum = [0; 64];
    let statement = binding("strongroom public object", token, number, &[&header, &signed]);
    hash::digest(hash::Algorithm::Sha512, &statement, &mut checksum)?;
    signed.extend_from_slice(&checksum);
    Ok(record(&header, &signed))
}

impl Header {
    fn bytes(self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(self.shape);
        writer.u32(self.owner);
        writer.raw(&self.approvals);
        writer.u64(self.version);
        writer.finish()
    }
}

/// The data key of every forged record: its owner may choose it.
const DATA_KEY: [u8; 32] = [7; 32];

fn record(header: &[u8], body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u8(1);
    writer.u64(1);
    writer.u8(0);
    writer.raw(header);
    writer.raw(body);
    writer.finish()
}

fn seal(key: &aead::Key, aad: &[u8], text: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce = [9; 12];
    let mut sealed = nonce.to_vec();
    key.seal(&nonce, aad, text, &mut sealed)?;
    Ok(sealed)
}

fn unseal(key: &[u8], aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
    let key = key.try_into().map_err(|_| Error::Arguments("a key has 32 bytes"))?;
    let (nonce, rest) = sealed.split_first_chunk::<12>().ok_or(Error::Arguments("a seal has a nonce"))?;
    Ok(aead::Key::new(key)?.open(nonce, aad, rest)?)
}

fn binding(purpose: &str, token: &[u8; 16], subject: u64, parts: &[&[u8]]) -> Vec<u8> {
    let mut bound = [purpose.as_bytes(), &[0], token, &subject.to_le_bytes()].concat();
    for part in parts {
        bound.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bound.extend_from_slice(part);
    }
    bound
}
