//! Keys that leave and come back encrypted (PKCS#11 3.2 §5.18.3 to §5.18.7).

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_crypto::cipher::{Cipher, Direction, Mode};
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::{derive, ec, hash, keywrap, montgomery};

use super::approval::Approvals;
use super::blocks::{self, Padding};
use super::{Output, Session};
use crate::access::{self, Action};
use crate::asymmetric::{self, PrivateKey, PublicKey};
use crate::attribute::{AttributeType, Flag, Template};
use crate::error::Error;
use crate::mechanism::{
    Call, CipherMode, HybridWrap, KeyWrap, Keys, Mechanism, MechanismName, Parameter, Work, hashes,
};
use crate::object::Object;
use crate::object::birth::{self, Inheritance, Maker};
use crate::object::schema::Kind;
use crate::token::audit::{Event, Fact};

/// What a wrapping mechanism works on.
enum Scheme<'a> {
    /// A cipher. Whether it takes data of any length, and with it private keys.
    Cipher(Mode<'a>, bool),
    KeyWrap(KeyWrap, Option<&'a [u8]>),
    Rsa(Padding),
    Hybrid(HybridWrap, Padding, &'a Parameter<'a>),
}

impl Session {
    /// Wraps a key (`C_WrapKey`).
    ///
    /// # Errors
    /// The mechanism's, the keys'; [`Error::BufferTooSmall`].
    pub fn wrap_key(&self, call: &Call<'_>, wrapping: u64, key: u64, output: Output<'_>) -> Result<usize, Error> {
        self.wrap(call, wrapping, key, None, output)
    }

    /// Wraps a key with associated data (`C_WrapKeyAuthenticated`).
    ///
    /// # Errors
    /// As [`Session::wrap_key`].
    pub fn wrap_key_authenticated(
        &self,
        call: &Call<'_>,
        wrapping: u64,
        key: u64,
        aad: &[u8],
        output: Output<'_>,
    ) -> Result<usize, Error> {
        self.wrap(call, wrapping, key, Some(aad), output)
    }

    /// Unwraps a key (`C_UnwrapKey`), and returns its handle.
    ///
    /// # Errors
    /// The mechanism's, the key's, the template's; [`Error::WrappedKeyInvalid`], [`Error::WrappedKeyLength`].
    pub fn unwrap_key(
        &self,
        call: &Call<'_>,
        unwrapping: u64,
        wrapped: &[u8],
        template: &Template<'_>,
    ) -> Result<u64, Error> {
        self.unwrap(call, unwrapping, wrapped, template, None)
    }

    /// Unwraps a key with associated data (`C_UnwrapKeyAuthenticated`), and returns its handle.
    ///
    /// # Errors
    /// As [`Session::unwrap_key`].
    pub fn unwrap_key_authenticated(
        &self,
        call: &Call<'_>,
        unwrapping: u64,
        wrapped: &[u8],
        template: &Template<'_>,
        aad: &[u8],
    ) -> Result<u64, Error> {
        self.unwrap(call, unwrapping, wrapped, template, Some(aad))
    }

    fn wrap(
        &self,
        call: &Call<'_>,
        wrapping: u64,
        key: u64,
        aad: Option<&[u8]>,
        output: Output<'_>,
    ) -> Result<usize, Error> {
        self.functions(call.mechanism, CKF_WRAP)?;
        call.check_hash(self.application.policy(), CKF_WRAP)?;
        let usage = (Flag::Wrap, "the key may not wrap (CKA_WRAP)");
        let (key_types, class) = takes(call.mechanism, CKO_PUBLIC_KEY)?;
        let wrapping = self
            .key_for(wrapping, call.mechanism, key_types, class, usage, CKF_WRAP)
            .map_err(|error| as_wrapping(error, call.mechanism))?;
        let scheme = scheme(call, aad).map_err(|error| as_wrapping(error, call.mechanism))?;
        let key = self.wrappable(key, &wrapping)?;
        if key.has(Flag::WrapWithTrusted) && !scheme.is_made_for_keys() {
            return Err(Error::KeyNotWrappable(
                "a key that only a trusted one wraps (CKA_WRAP_WITH_TRUSTED) leaves by AES key wrap or by RSA with padding",
            ));
        }
        self.application.policy().check_wrap(&wrapping, &key, scheme.bits_max())?;
        let key_type = key.kind.subtype.unwrap_or_default();
        let encoded;
        let value = match key.kind.class {
            CKO_PRIVATE_KEY if !scheme.takes_any_length() => {
                return Err(Error::KeyNotWrappable("this mechanism wraps secret keys only"));
            }
            CKO_PRIVATE_KEY => {
                encoded = asymmetric::private_key_info(key_type, &*key)?;
                encoded.expose()
            }
            _ => key.material()?.value(),
        };
        if let Output::Length = output {
            return scheme.wrapped_len(&wrapping, value.len());
        }
        let Output::Buffer(buffer) = output else { return Err(Error::NotSupported) };
        let needed = scheme.wrapped_len(&wrapping, value.len())?;
        let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
        let mut approvals = Approvals::default();
        approvals.take(&self.application, Action::Wrap, &wrapping)?;
        approvals.take(&self.application, Action::Export, &key)?;
        self.application.record_use(&wrapping, Flag::Wrap, call.mechanism.id)?;
        // The caller gets it when it is in the log, and the log says nothing of what failed.
        let mut wrapped = vec![0; needed];
        let length = scheme.wrap(&wrapping, value, &mut wrapped);
        approvals.settle(&length);
        let length = length.map_err(|error| match error {
            Error::DataLength | Error::DataInvalid => Error::KeySize { got: value.len() },
            other => as_wrapping(other, call.mechanism),
        })?;
        self.application.record_wrapping(&key, &wrapping, call.mechanism.id)?;
        place.copy_from_slice(&wrapped);
        Ok(length)
    }

    /// The key with this handle, if it may be wrapped with `wrapping`.
    fn wrappable(&self, number: u64, wrapping: &Object) -> Result<Arc<Object>, Error> {
        let key = self.application.key_before_approval(number)?;
        if !key.kind.is_secret() {
            return Err(Error::KeyNotWrappable("only secret and private keys are wrapped"));
        }
        access::check(Action::Export, self.application.actor(), &key)?;
        key.material()?;
        if !key.has(Flag::Extractable) {
            return Err(Error::KeyUnextractable("the key is not extractable (CKA_EXTRACTABLE)"));
        }
        if key.has(Flag::WrapWithTrusted) && !wrapping.has(Flag::Trusted) {
            return Err(Error::KeyNotWrappable("only a trusted key wraps this one (CKA_WRAP_WITH_TRUSTED)"));
        }
        if key.has(Flag::AlwaysAuthenticate) {
            return Err(NO_LOGIN_POSSIBLE);
        }
        // PKCS#11 3.2 §5.18.3 names this error.
        if !key.meets(wrapping.demands(CKA_WRAP_TEMPLATE)) {
            return Err(Error::NoKey(number));
        }
        Ok(key)
    }

    fn unwrap(
        &self,
        call: &Call<'_>,
        unwrapping: u64,
        wrapped: &[u8],
        template: &Template<'_>,
        aad: Option<&[u8]>,
    ) -> Result<u64, Error> {
        self.functions(call.mechanism, CKF_UNWRAP)?;
        call.check_hash(self.application.policy(), CKF_UNWRAP)?;
        let usage = (Flag::Unwrap, "the key may not unwrap (CKA_UNWRAP)");
        let (key_types, class) = takes(call.mechanism, CKO_PRIVATE_KEY)?;
        let unwrapping = self
            .key_for(unwrapping, call.mechanism, key_types, class, usage, CKF_UNWRAP)
            .map_err(|error| as_unwrapping(error, call.mechanism))?;
        let scheme = scheme(call, aad)?;
        let demands = &*self.application.policy().unwrap_demands(&unwrapping)?;
        let template = &birth::merged(template, demands)?;
        birth::check_tellings(template, Inheritance::exchanged(demands).tellings)?;
        let hidden = birth::hides(demands);
        if hidden && !scheme.tells_nothing() {
            return Err(Error::KeyNotPermitted(
                "what CKA_UNWRAP_TEMPLATE keeps inside is unwrapped only by mechanisms that check it or hide its padding",
            ));
        }
        let target = Unwrapped::of(template)?;
        if target.kind.class == CKO_PRIVATE_KEY && !scheme.takes_any_length() {
            let attribute = AttributeType(CKA_CLASS);
            return Err(Error::TemplateInconsistent { attribute, reason: "this mechanism unwraps secret keys only" });
        }
        let maker = self.application.maker(self.application.actor(), self.handle);
        let mut approvals = Approvals::default();
        approvals.take(&self.application, Action::Wrap, &unwrapping)?;
        self.application.record_use(&unwrapping, Flag::Unwrap, call.mechanism.id)?;
        let value = scheme.unwrap(&unwrapping, wrapped).map_err(|error| as_wrapped(error, call.mechanism));
        // From now on every answer tells of what came out, also that it does not fit the template.
        approvals.settle(&value);
        let block = block_bytes(&unwrapping);
        let unwrapped = unwrapped(&scheme, value?, block, (&target, template, hidden), &maker)?;
        let made = Fact::of(Event::ObjectUnwrapped).second(unwrapping.number).by(call.mechanism.id);
        self.keep(unwrapped, maker.logouts, made)
    }

    /// The key with this handle, for one use by a mechanism that takes keys of these types (any where there are none)
    /// and this class.
    pub(super) fn key_for(
        &self,
        number: u64,
        mechanism: &Mechanism,
        key_types: &[u64],
        class: u64,
        (usage, refusal): (Flag, &'static str),
        function: CK_FLAGS,
    ) -> Result<Arc<Object>, Error> {
        let key = self.application.key_before_approval(number)?;
        let fits = key.kind.subtype.is_some_and(|own| key_types.is_empty() || key_types.contains(&own));
        if !fits || key.kind.class != class {
            return Err(Error::KeyType(MechanismName(mechanism.id)));
        }
        if !key.has(usage) {
            return Err(Error::KeyNotPermitted(refusal));
        }
        if !key.allows_mechanism(mechanism.id) {
            return Err(Error::MechanismNotAllowed(MechanismName(mechanism.id)));
        }
        if key.has(Flag::AlwaysAuthenticate) {
            return Err(NO_LOGIN_POSSIBLE);
        }
        self.approved(&key, function)?;
        if key.kind.is_secret() {
            key.material()?;
        }
        Ok(key)
    }
}

/// The key whose value, or whose encoding, was unwrapped. `block` is how many bytes the cipher's blocks have.
fn unwrapped(
    scheme: &Scheme<'_>,
    value: SecretBytes,
    block: usize,
    (target, template, hidden): (&Unwrapped, &Template<'_>, bool),
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    match target.kind.class {
        CKO_PRIVATE_KEY => {
            let key_type = target.kind.subtype.unwrap_or_default();
            let der = match scheme {
                // Padded with zeros, which are no part of the structure. SoftHSM2 pads so even where the mechanism
                // has a padding of its own.
                Scheme::KeyWrap(KeyWrap::Plain | KeyWrap::Padded, _) => der_without_zeros(value.expose())?,
                _ => value.expose(),
            };
            let half = asymmetric::from_private_key_info(key_type, der)?;
            birth::unwrapped_private(target.kind, template, half, maker)
        }
        _ => {
            let value = match scheme {
                // Zeros behind it are no part of what was wrapped: whether there are any is nobody's business.
                Scheme::KeyWrap(KeyWrap::Plain, _) if hidden => target.whole(value)?,
                _ => target.value(scheme, value, block)?,
            };
            birth::unwrapped_secret(target.kind, template, value, maker)
        }
    }
}

/// What the initial value of key wrap with padding begins with (RFC 5649 §3).
const PADDED_PREFIX: [u8; 4] = [0xa6, 0x59, 0x59, 0xa6];

/// The largest block of a cipher.
const BLOCK_BYTES_MAX: usize = 16;

/// There is no moment at which to log in between beginning these functions and ending them.
const NO_LOGIN_POSSIBLE: Error = Error::ContextLogin(
    "this key wants a login for each use (CKA_ALWAYS_AUTHENTICATE), and this function has no place for one",
);

/// The types of key a mechanism wraps with, and their class: `pair` where they are key pairs.
fn takes(mechanism: &Mechanism, pair: u64) -> Result<(&[u64], u64), Error> {
    match mechanism.keys() {
        Some(Keys { types, classes }) if classes.contains(&pair) => Ok((types, pair)),
        Some(Keys { types, .. }) => Ok((types, CKO_SECRET_KEY)),
        None => Err(Error::MechanismInvalid(MechanismName(mechanism.id))),
    }
}

fn scheme<'a>(call: &'a Call<'a>, aad: Option<&'a [u8]>) -> Result<Scheme<'a>, Error> {
    let invalid = Error::MechanismInvalid(MechanismName(call.mechanism.id));
    Ok(match (&call.mechanism.work, aad) {
        (Work::Cipher { mode, .. }, None) => {
            let any = matches!(mode, CipherMode::CbcPad | CipherMode::Gcm | CipherMode::Ccm);
            Scheme::Cipher(call.mode(*mode)?, any)
        }
        (Work::Cipher { mode: mode @ (CipherMode::Gcm | CipherMode::Ccm), .. }, Some(associated)) => {
            let mode = match call.mode(*mode)? {
                Mode::Gcm { iv, aad: [], tag_bytes } => Mode::Gcm { iv, aad: associated, tag_bytes },
                Mode::Ccm { data_bytes, nonce, aad: [], tag_bytes } => {
                    Mode::Ccm { data_bytes, nonce, aad: associated, tag_bytes }
                }
                _ => return Err(Error::MechanismParameter("the associated data is an argument of its own")),
            };
            Scheme::Cipher(mode, true)
        }
        (_, Some(_)) => return Err(invalid),
        (Work::KeyWrap(form), None) => {
            let iv = blocks::initial_value(&call.parameter)?;
            if *form != KeyWrap::Padded && iv.is_some_and(|iv| iv.starts_with(&PADDED_PREFIX)) {
                return Err(Error::MechanismParameter("an initial value that begins as CKM_AES_KEY_WRAP_KWP's"));
            }
            Scheme::KeyWrap(*form, iv)
        }
        (Work::Rsa(form), None) => Scheme::Rsa(Padding::of(*form, &call.parameter)?),
        (Work::HybridWrap(form), None) => {
            let padding = match &call.parameter {
                Parameter::RsaAes { oaep, .. } => Padding::oaep(oaep)?,
                Parameter::Agreement { kdf, .. } => {
                    hashes::agreement_kdf(*kdf)?;
                    Padding::Raw
                }
                _ => Padding::Raw,
            };
            Scheme::Hybrid(*form, padding, &call.parameter)
        }
        _ => return Err(invalid),
    })
}

impl Scheme<'_> {
    /// Whether it takes data of any length as it is, and so private keys.
    fn takes_any_length(&self) -> bool {
        !matches!(self, Scheme::Cipher(_, false) | Scheme::Rsa(_))
    }

    /// Whether nobody who chooses the parameter and other keys to wrap learns of a key from what it becomes: a counter
    /// that comes twice shows it, and so do short ends of blocks and a power of RSA without padding.
    fn is_made_for_keys(&self) -> bool {
        !matches!(self, Scheme::Cipher(..) | Scheme::Rsa(Padding::Raw))
    }

    /// Whether somebody who changes the wrapped key, or has others wrapped with the same parameter, learns nothing of it.
    /// GCM and CCM encrypt with a key stream, which a known key shows, and check as few bytes as the caller says.
    fn tells_nothing(&self) -> bool {
        match self {
            Scheme::Cipher(..) => false,
            Scheme::Rsa(padding) => !matches!(padding, Padding::Raw),
            // What was wrapped in another form, or with another initial value, has such a padding by chance.
            Scheme::KeyWrap(form, iv) => *form != KeyWrap::Pkcs7 && iv.is_none(),
            Scheme::Hybrid(..) => true,
        }
    }

    /// The most bits of strength that it has under a key of any strength: those of the key in between.
    fn bits_max(&self) -> u32 {
        match self {
            Scheme::Hybrid(.., Parameter::RsaAes { key_bits, .. } | Parameter::Agreement { key_bits, .. }) => {
                u32::try_from(*key_bits).unwrap_or_default()
            }
            _ => u32::MAX,
        }
    }

    /// Bytes of the wrapped key.
    fn wrapped_len(&self, wrapping: &Object, len: usize) -> Result<usize, Error> {
        Ok(match self {
            Scheme::Cipher(mode, _) => match mode {
                Mode::Ecb | Mode::Cbc { .. } => len.next_multiple_of(block_bytes(wrapping)),
                Mode::CbcPad { .. } => (len / block_bytes(wrapping) + 1) * block_bytes(wrapping),
                Mode::Gcm { tag_bytes, .. } | Mode::Ccm { tag_bytes, .. } => len + tag_bytes,
                _ => len,
            },
            Scheme::KeyWrap(form, _) => blocks::wrapped_len(*form, len),
            Scheme::Rsa(_) => modulus_bytes(wrapping)?,
            Scheme::Hybrid(form, ..) => {
                let first = match form {
                    HybridWrap::Rsa => modulus_bytes(wrapping)?,
                    HybridWrap::Ecdh | HybridWrap::Montgomery => transport_bytes(wrapping)?,
                };
                first + blocks::wrapped_len(KeyWrap::Padded, len)
            }
        })
    }

    fn wrap(&self, wrapping: &Object, value: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        match self {
            Scheme::Cipher(mode, _) => {
                let padded;
                let value = match mode {
                    Mode::Ecb | Mode::Cbc { .. } => {
                        padded = zero_padded(value, block_bytes(wrapping))?;
                        padded.expose()
                    }
                    _ => value,
                };
                let key = wrapping.material()?.cipher(wrapping.kind.subtype.unwrap_or_default())?;
                let mode = match *mode {
                    // Callers need not know how long the key is.
                    Mode::Ccm { nonce, aad, tag_bytes, .. } => {
                        Mode::Ccm { data_bytes: value.len(), nonce, aad, tag_bytes }
                    }
                    mode => mode,
                };
                Ok(Cipher::start(key, &mode, Direction::Encrypt)?.one_shot(value, out)?)
            }
            Scheme::KeyWrap(KeyWrap::Plain, iv) => {
                let padded = zero_padded(value, 8)?;
                blocks::wrap(wrapping, KeyWrap::Plain, *iv, padded.expose(), out)
            }
            Scheme::KeyWrap(form, iv) => blocks::wrap(wrapping, *form, *iv, value, out),
            Scheme::Rsa(padding) => {
                let PublicKey::Rsa(key) = wrapping.public_key()? else { return Err(Error::NotSupported) };
                Ok(key.encrypt(&padding.padding(), value, out)?)
            }
            Scheme::Hybrid(form, padding, parameter) => hybrid_wrap(*form, padding, parameter, wrapping, value, out),
        }
    }

    fn unwrap(&self, unwrapping: &Object, wrapped: &[u8]) -> Result<SecretBytes, Error> {
        // The longest any of them gives.
        let mut value = SecretBytes::zeroed(wrapped.len().max(1))?;
        let written = match self {
            Scheme::Cipher(mode, _) => {
                let key = unwrapping.material()?.cipher(unwrapping.kind.subtype.unwrap_or_default())?;
                let mode = match *mode {
                    // PKCS#11 gives the length of the plaintext, which callers take from the wrapped key or leave out.
                    Mode::Ccm { nonce, aad, tag_bytes, .. } => {
                        let data_bytes = wrapped.len().checked_sub(tag_bytes).ok_or(Error::EncryptedDataLength)?;
                        Mode::Ccm { data_bytes, nonce, aad, tag_bytes }
                    }
                    mode => mode,
                };
                Cipher::start(key, &mode, Direction::Decrypt)?.one_shot(wrapped, value.expose_mut())?
            }
            Scheme::KeyWrap(form, iv) => blocks::unwrap(unwrapping, *form, *iv, wrapped, value.expose_mut())?,
            Scheme::Rsa(padding) => {
                let PrivateKey::Rsa(key) = &**unwrapping.private_key()? else { return Err(Error::NotSupported) };
                if wrapped.len() != key.bytes() {
                    return Err(Error::EncryptedDataLength);
                }
                key.decrypt(&padding.padding(), wrapped, value.expose_mut())?
            }
            Scheme::Hybrid(form, padding, parameter) => {
                return hybrid_unwrap(*form, padding, parameter, unwrapping, wrapped);
            }
        };
        Ok(SecretBytes::from_slice(value.expose().get(..written).unwrap_or_default())?)
    }
}

/// What a template says of a key that is unwrapped.
struct Unwrapped {
    kind: &'static Kind,
    bytes: Option<usize>,
}

impl Unwrapped {
    fn of(template: &Template<'_>) -> Result<Unwrapped, Error> {
        let missing = |attribute| Error::TemplateIncomplete(AttributeType(attribute));
        let class = template.ulong(CKA_CLASS).ok_or(missing(CKA_CLASS))?;
        let key_type = template.ulong(CKA_KEY_TYPE).ok_or(missing(CKA_KEY_TYPE))?;
        if !matches!(class, CKO_SECRET_KEY | CKO_PRIVATE_KEY) {
            let attribute = AttributeType(CKA_CLASS);
            return Err(Error::TemplateInconsistent {
                attribute,
                reason: "only secret and private keys are unwrapped",
            });
        }
        let kind = Kind::find(class, Some(key_type)).ok_or(Error::AttributeValue {
            attribute: AttributeType(CKA_KEY_TYPE),
            reason: "keys of this type are not kept",
        })?;
        let given = template.ulong(CKA_VALUE_LEN).filter(|_| class == CKO_SECRET_KEY);
        let bytes = match given {
            Some(given) => {
                let bytes = usize::try_from(given).ok().filter(|bytes| kind.lengths.allow(*bytes));
                // PKCS#11 3.2 §5.18.4 names this error for every conflict of lengths.
                Some(bytes.ok_or(Error::WrappedKeyLength)?)
            }
            None => kind.lengths.only(),
        };
        Ok(Unwrapped { kind, bytes })
    }

    /// The value of a secret key in what came out of the mechanism.
    fn value(&self, scheme: &Scheme<'_>, plain: SecretBytes, block: usize) -> Result<SecretBytes, Error> {
        match scheme {
            // Blocks with zeros behind the key: its length is the template's to say, and what is cut off must be zeros.
            Scheme::Cipher(Mode::Ecb | Mode::Cbc { .. }, _) => self.cut(plain, |rest| rest < block),
            Scheme::KeyWrap(KeyWrap::Plain, _) => self.cut(plain, |rest| rest < 8),
            Scheme::Rsa(Padding::Raw) => {
                let bytes = self.bytes.ok_or(Error::TemplateIncomplete(AttributeType(CKA_VALUE_LEN)))?;
                // Zeros stand before the key (PKCS#11 3.2 §6.1.11). Nobody looks: the answer would compare the plaintext
                // with a number of the caller's choice, which is enough to find it.
                let start = plain.len().checked_sub(bytes).ok_or(Error::WrappedKeyLength)?;
                Ok(SecretBytes::from_slice(plain.expose().get(start..).unwrap_or_default())?)
            }
            Scheme::Rsa(Padding::Pkcs1) => self.unpadded(plain),
            _ => self.whole(plain),
        }
    }

    fn whole(&self, plain: SecretBytes) -> Result<SecretBytes, Error> {
        match self.bytes {
            Some(bytes) if bytes != plain.len() => Err(Error::WrappedKeyLength),
            _ => Ok(plain),
        }
    }

    fn cut(&self, plain: SecretBytes, possible: impl Fn(usize) -> bool) -> Result<SecretBytes, Error> {
        let bytes = match self.bytes {
            Some(bytes) => bytes,
            None => self.only_length(plain.expose(), &possible)?,
        };
        let (value, zeros) = plain.expose().split_at_checked(bytes).ok_or(Error::WrappedKeyLength)?;
        if !possible(zeros.len()) {
            return Err(Error::WrappedKeyLength);
        }
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(Error::WrappedKeyInvalid);
        }
        Ok(SecretBytes::from_slice(value)?)
    }

    /// The length of the key, where its type and the zeros behind it leave only one. An AES key of 24 bytes in two blocks
    /// looks like one of 32: then the template must say.
    fn only_length(&self, plain: &[u8], possible: impl Fn(usize) -> bool) -> Result<usize, Error> {
        let incomplete = Error::TemplateIncomplete(AttributeType(CKA_VALUE_LEN));
        if !self.kind.lengths.is_exact() {
            return Err(incomplete);
        }
        let is_padding = |start: usize| plain.iter().skip(start).all(|byte| *byte == 0);
        let mut fitting = (0..=plain.len().min(BLOCK_BYTES_MAX))
            .filter(|zeros| possible(*zeros))
            .map(|zeros| plain.len() - zeros)
            .filter(|bytes| self.kind.lengths.allow(*bytes) && is_padding(*bytes));
        match (fitting.next(), fitting.next()) {
            (Some(bytes), None) => Ok(bytes),
            (None, _) => Err(Error::WrappedKeyLength),
            (Some(_), Some(_)) => Err(incomplete),
        }
    }

    /// PKCS #1 v1.5: a wrong padding has become a message that nobody can predict. Where the key's length is known, a
    /// message of another length must not tell either that the padding was right or that it was wrong: it becomes a key
    /// of that length, the same at each try.
    fn unpadded(&self, plain: SecretBytes) -> Result<SecretBytes, Error> {
        let Some(bytes) = self.bytes else {
            return match self.kind.lengths.allow(plain.len()) {
                true => Ok(plain),
                false => Err(Error::WrappedKeyInvalid),
            };
        };
        let mut other = SecretBytes::zeroed(bytes)?;
        let pseudo = derive::hkdf_extract(hash::Algorithm::Sha256, b"strongroom unwrap", plain.expose())?;
        derive::hkdf_expand(hash::Algorithm::Sha256, pseudo.expose(), b"", other.expose_mut())?;
        if plain.len() == bytes {
            other.expose_mut().copy_from_slice(plain.expose());
        }
        if matches!(self.kind.subtype, Some(CKK_DES | CKK_DES2 | CKK_DES3)) {
            strongroom_crypto::cipher::des::odd_parity(other.expose_mut());
        }
        Ok(other)
    }
}

/// Bytes of the block of a secret key's cipher.
fn block_bytes(key: &Object) -> usize {
    if key.kind.subtype == Some(CKK_AES) { 16 } else { 8 }
}

fn modulus_bytes(key: &Object) -> Result<usize, Error> {
    match key.public_key()? {
        PublicKey::Rsa(key) => Ok(key.bytes()),
        _ => Err(Error::NotSupported),
    }
}

/// A key with zeros behind it up to the next block.
fn zero_padded(value: &[u8], block: usize) -> Result<SecretBytes, Error> {
    let mut padded = SecretBytes::zeroed(value.len().next_multiple_of(block))?;
    if let Some(place) = padded.expose_mut().get_mut(..value.len()) {
        place.copy_from_slice(value);
    }
    Ok(padded)
}

/// A DER structure without the zeros that pad it.
fn der_without_zeros(padded: &[u8]) -> Result<&[u8], Error> {
    let (header, len) = match padded {
        [0x30, short @ 0..=0x7f, ..] => (2, usize::from(*short)),
        [0x30, 0x81, len, ..] => (3, usize::from(*len)),
        [0x30, 0x82, high, low, ..] => (4, usize::from(*high) << 8 | usize::from(*low)),
        _ => return Err(Error::WrappedKeyInvalid),
    };
    let (der, zeros) = padded.split_at_checked(header + len).ok_or(Error::WrappedKeyInvalid)?;
    if zeros.len() >= 8 || zeros.iter().any(|byte| *byte != 0) {
        return Err(Error::WrappedKeyInvalid);
    }
    Ok(der)
}

fn aes_key_bytes(bits: u64) -> Result<usize, Error> {
    match bits {
        128 => Ok(16),
        192 => Ok(24),
        256 => Ok(32),
        _ => Err(Error::MechanismParameter("ulAESKeyBits is 128, 192 or 256")),
    }
}

/// PKCS#11 3.2 §6.1.20 (RSA), §6.3.20 (ECDH): first what protects the key in between, then the key it wraps.
fn hybrid_wrap(
    form: HybridWrap,
    padding: &Padding,
    parameter: &Parameter<'_>,
    wrapping: &Object,
    value: &[u8],
    out: &mut [u8],
) -> Result<usize, Error> {
    match (form, parameter) {
        (HybridWrap::Rsa, Parameter::RsaAes { key_bits, .. }) => {
            let PublicKey::Rsa(key) = wrapping.public_key()? else { return Err(Error::NotSupported) };
            let mut between = SecretBytes::zeroed(aes_key_bytes(*key_bits)?)?;
            strongroom_crypto::random::fill(between.expose_mut())?;
            let (first, second) = out.split_at_mut_checked(key.bytes()).ok_or(Error::NotSupported)?;
            let head = key.encrypt(&padding.padding(), between.expose(), first)?;
            Ok(head + keywrap::Key::new(between.expose())?.wrap_padded(None, value, second)?)
        }
        (_, Parameter::Agreement { kdf, shared, key_bits, .. }) => {
            let bytes = aes_key_bytes(*key_bits)?;
            let (public, secret) = transport(wrapping)?;
            let between = super::derivation::agreed_bytes(*kdf, shared, &secret, bytes)?;
            let (first, second) = out.split_at_mut_checked(public.len()).ok_or(Error::NotSupported)?;
            first.copy_from_slice(&public);
            Ok(public.len() + keywrap::Key::new(between.expose())?.wrap_padded(None, value, second)?)
        }
        _ => Err(Error::MechanismParameter("not what this mechanism takes")),
    }
}

fn hybrid_unwrap(
    form: HybridWrap,
    padding: &Padding,
    parameter: &Parameter<'_>,
    unwrapping: &Object,
    wrapped: &[u8],
) -> Result<SecretBytes, Error> {
    let private = unwrapping.private_key()?;
    let between;
    let rest = match (form, parameter, &**private) {
        (HybridWrap::Rsa, Parameter::RsaAes { key_bits, .. }, PrivateKey::Rsa(key)) => {
            let bytes = aes_key_bytes(*key_bits)?;
            let (first, rest) = wrapped.split_at_checked(key.bytes()).ok_or(Error::EncryptedDataLength)?;
            let mut plain = SecretBytes::zeroed(key.bytes())?;
            let written = key.decrypt(&padding.padding(), first, plain.expose_mut())?;
            if written != bytes {
                return Err(Error::EncryptedDataInvalid);
            }
            between = SecretBytes::from_slice(plain.expose().get(..written).unwrap_or_default())?;
            rest
        }
        (_, Parameter::Agreement { kdf, shared, key_bits, .. }, private) => {
            let bytes = aes_key_bytes(*key_bits)?;
            let invalid = |_| Error::EncryptedDataInvalid;
            let (secret, rest) = match private {
                PrivateKey::Ec(key) => {
                    let (point, rest) =
                        wrapped.split_at_checked(key.curve().point_bytes()).ok_or(Error::EncryptedDataLength)?;
                    (key.agree(point).map_err(invalid)?, rest)
                }
                PrivateKey::Montgomery(key) => {
                    let (point, rest) =
                        wrapped.split_at_checked(key.curve().bytes()).ok_or(Error::EncryptedDataLength)?;
                    (key.agree(point).map_err(invalid)?, rest)
                }
                _ => return Err(Error::NotSupported),
            };
            between = super::derivation::agreed_bytes(*kdf, shared, &secret, bytes)?;
            rest
        }
        _ => return Err(Error::MechanismParameter("not what this mechanism takes")),
    };
    let mut value = SecretBytes::zeroed(rest.len().max(1))?;
    let written = keywrap::Key::new(between.expose())?.unwrap_padded(None, rest, value.expose_mut())?;
    Ok(SecretBytes::from_slice(value.expose().get(..written).unwrap_or_default())?)
}

/// Bytes of the public key that stands before a key wrapped for this one.
fn transport_bytes(wrapping: &Object) -> Result<usize, Error> {
    let params = wrapping.inner_bytes(CKA_EC_PARAMS).unwrap_or_default();
    if let Some(curve) = ec::Curve::from_params(params) {
        return Ok(curve.point_bytes());
    }
    montgomery::Curve::from_params(params).map(montgomery::Curve::bytes).ok_or(Error::CurveNotSupported)
}

/// A new pair on the curve of `wrapping`: its public key, and the secret it agrees on with that.
fn transport(wrapping: &Object) -> Result<(Vec<u8>, SecretBytes), Error> {
    let params = wrapping.inner_bytes(CKA_EC_PARAMS).unwrap_or_default();
    let point = wrapping.inner_bytes(CKA_EC_POINT).unwrap_or_default();
    let peer = strongroom_crypto::encoding::octet_string(point).unwrap_or(point);
    if let Some(curve) = ec::Curve::from_params(params) {
        let key = ec::PrivateKey::generate(curve)?;
        return Ok((key.public()?.uncompressed(), key.agree(peer)?));
    }
    let curve = montgomery::Curve::from_params(params).ok_or(Error::CurveNotSupported)?;
    let key = montgomery::PrivateKey::generate(curve)?;
    Ok((key.public_bytes().to_vec(), key.agree(peer)?))
}

/// The errors of a key, of the key that wraps.
fn as_wrapping(error: Error, mechanism: &Mechanism) -> Error {
    match error {
        Error::NoKey(number) => Error::WrappingKeyHandle(number),
        Error::KeyType(_) => Error::WrappingKeyType(MechanismName(mechanism.id)),
        Error::KeySize { got } => Error::WrappingKeySize { got },
        other => other,
    }
}

/// The errors of a key, of the key that unwraps.
pub(super) fn as_unwrapping(error: Error, mechanism: &Mechanism) -> Error {
    match error {
        Error::NoKey(number) => Error::UnwrappingKeyHandle(number),
        Error::KeyType(_) => Error::UnwrappingKeyType(MechanismName(mechanism.id)),
        Error::KeySize { got } => Error::UnwrappingKeySize { got },
        other => other,
    }
}

/// The errors of a ciphertext, of a wrapped key.
fn as_wrapped(error: Error, mechanism: &Mechanism) -> Error {
    match error {
        Error::EncryptedDataInvalid | Error::DataInvalid => Error::WrappedKeyInvalid,
        Error::EncryptedDataLength | Error::DataLength => Error::WrappedKeyLength,
        other => as_unwrapping(other, mechanism),
    }
}
