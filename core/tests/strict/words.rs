//! Short words for calls: each gives the return value where it is refused.

use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::policy::Policy;
use strongroom_core::session::Output;

use crate::fixture::*;

/// What a call gives, or its return value.
pub(crate) type Outcome<T> = Result<T, CK_RV>;

/// A token under `strict`.
pub(crate) fn strict() -> Token {
    under(Policy::Strict)
}

pub(crate) fn call(mechanism: u64, parameter: Parameter<'_>) -> Call<'_> {
    Call { mechanism: find(mechanism).unwrap(), parameter }
}

pub(crate) fn plain(mechanism: u64) -> Call<'static> {
    call(mechanism, Parameter::None)
}

/// A call that fills a buffer.
pub(crate) fn filled(work: impl FnOnce(Output<'_>) -> Result<usize, Error>) -> Outcome<Vec<u8>> {
    let mut buffer = vec![0; 8192];
    let written = work(Output::Buffer(&mut buffer)).map_err(|error| error.rv())?;
    buffer.truncate(written);
    Ok(buffer)
}

/// The template of an AES key of 32 bytes that is generated.
pub(crate) fn aes(more: &[Entry]) -> Vec<Entry> {
    [&[number(CKA_VALUE_LEN, 32)], more].concat()
}

/// What a key demands of those it unwraps: AES keys that do this.
pub(crate) fn unwraps_aes(use_: u64) -> Entry {
    nested(CKA_UNWRAP_TEMPLATE, &[number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), flag(use_, true)])
}

impl Token {
    pub(crate) fn made(&self, entries: &[Entry]) -> Outcome<u64> {
        self.session.create_object(&template(entries)).map_err(|error| error.rv())
    }

    pub(crate) fn generated(&self, mechanism: u64, entries: &[Entry]) -> Outcome<u64> {
        self.session.generate_key(&plain(mechanism), &template(entries)).map_err(|error| error.rv())
    }

    pub(crate) fn generated_pair(&self, mechanism: u64, public: &[Entry], private: &[Entry]) -> Outcome<(u64, u64)> {
        let pair = self.session.generate_key_pair(&plain(mechanism), &template(public), &template(private));
        pair.map_err(|error| error.rv())
    }

    /// An AES key of 32 bytes, generated.
    pub(crate) fn aes(&self, more: &[Entry]) -> u64 {
        self.generated(CKM_AES_KEY_GEN, &aes(more)).unwrap()
    }

    /// A generated RSA pair.
    pub(crate) fn rsa(&self, bits: u64, public: &[Entry], private: &[Entry]) -> Outcome<(u64, u64)> {
        let public = [&[number(CKA_MODULUS_BITS, bits)], public].concat();
        self.generated_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &public, private)
    }

    pub(crate) fn set(&self, key: u64, entries: &[Entry]) -> Outcome<()> {
        self.session.set_attributes(key, &template(entries)).map_err(|error| error.rv())
    }

    pub(crate) fn copy(&self, key: u64, entries: &[Entry]) -> Outcome<u64> {
        self.session.copy_object(key, &template(entries)).map_err(|error| error.rv())
    }

    pub(crate) fn wrap(&self, call: &Call<'_>, wrapping: u64, key: u64) -> Outcome<Vec<u8>> {
        filled(|output| self.session.wrap_key(call, wrapping, key, output))
    }

    pub(crate) fn unwrap(&self, call: &Call<'_>, unwrapping: u64, blob: &[u8], entries: &[Entry]) -> Outcome<u64> {
        self.session.unwrap_key(call, unwrapping, blob, &template(entries)).map_err(|error| error.rv())
    }

    pub(crate) fn encrypt(&self, call: &Call<'_>, key: u64, data: &[u8]) -> Outcome<Vec<u8>> {
        self.session.encrypt_init(call, key).map_err(|error| error.rv())?;
        filled(|output| self.session.encrypt(data, output))
    }

    pub(crate) fn decrypt(&self, call: &Call<'_>, key: u64, data: &[u8]) -> Outcome<Vec<u8>> {
        self.session.decrypt_init(call, key).map_err(|error| error.rv())?;
        filled(|output| self.session.decrypt(data, output))
    }

    pub(crate) fn sign(&self, call: &Call<'_>, key: u64, data: &[u8]) -> Outcome<Vec<u8>> {
        self.session.sign_init(call, key).map_err(|error| error.rv())?;
        filled(|output| self.session.sign(data, output))
    }

    pub(crate) fn verify(&self, call: &Call<'_>, key: u64, data: &[u8], signature: &[u8]) -> Outcome<()> {
        self.session.verify_init(call, key).map_err(|error| error.rv())?;
        self.session.verify(data, signature).map_err(|error| error.rv())
    }

    /// The officer declares a key of the token trusted, which everybody may see.
    pub(crate) fn trust(&self, key: u64) {
        self.session.logout().unwrap();
        self.session.login(CKU_SO, Some(b"officer"), None).unwrap();
        self.session.set_attributes(key, &template(&[flag(CKA_TRUSTED, true)])).unwrap();
        self.session.logout().unwrap();
        self.session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    }

    /// A key that wraps, trusted, with `more` in its template.
    pub(crate) fn trusted(&self, more: &[Entry]) -> u64 {
        let own = [flag(CKA_WRAP, true), flag(CKA_TOKEN, true), flag(CKA_PRIVATE, false)];
        let key = self.aes(&[&own[..], more].concat());
        self.trust(key);
        key
    }
}
