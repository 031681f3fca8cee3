//! Key pairs (PKCS#11 3.2 §5.18.2).

use cryptoki_sys::*;

use super::Session;
use crate::attribute::Template;
use crate::error::Error;
use crate::mechanism::{Call, MechanismName, Parameter, Work};
use crate::object::birth;
use crate::token::audit::{Event, Fact};

impl Session {
    /// Generates a key pair (`C_GenerateKeyPair`), and returns the handles of the public key and of the private one. No
    /// lock is held meanwhile, and either both are kept or none.
    ///
    /// # Errors
    /// The mechanism's and the templates'; [`Error::SessionReadOnly`], [`Error::NotLoggedIn`].
    pub fn generate_key_pair(
        &self,
        call: &Call<'_>,
        public: &Template<'_>,
        private: &Template<'_>,
    ) -> Result<(u64, u64), Error> {
        self.functions(call.mechanism, CKF_GENERATE_KEY_PAIR)?;
        let Work::GeneratePair(key_type) = call.mechanism.work else {
            return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id)));
        };
        if !matches!(call.parameter, Parameter::None) {
            return Err(Error::MechanismParameter("key generation takes none"));
        }
        let maker = self.application.maker(self.application.actor(), self.handle);
        let (public, private) = birth::generate_pair(key_type, call.mechanism.id, public, private, &maker)?;
        self.approved(&private, CKF_GENERATE_KEY_PAIR)?;
        let made = Fact::of(Event::ObjectGenerated).by(call.mechanism.id);
        match *self.keep_all(vec![public, private], maker.logouts, made)? {
            [public, private] => Ok((public, private)),
            _ => Err(Error::NotSupported),
        }
    }
}
