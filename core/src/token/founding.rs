//! How a token begins: plain, or as a CloudHSM does, whose users have names and rules of their own.
//!
//! | | plain | as a CloudHSM |
//! | --- | --- | --- |
//! | first officer, user 1 | `so`, with the PIN given | `admin`: with the PIN given, or not activated |
//! | user 2 | whoever comes next | `app_user`, the appliance user: listed, never usable, never removable |
//! | first object | 1 | 6: a CloudHSM keeps the handles below to itself |
//! | wrong PINs that lock | 10 | 6 ("more than five") |
//! | PINs | as configured | 7 to 32 bytes, no `:`, since programs log in with `name:password` |
//! | user 1 can be deleted | by another officer | never |

use std::sync::Arc;

use strongroom_crypto::random::Source;
use zeroize::Zeroizing;

use super::audit::{self, Event, Fact, Stamp, Who};
use super::certified::expect_certified;
use super::login::{expect_unlocked, forget_failures};
use super::objects::{expect, expect_login};
use super::{Credential, Meta, Settings, Token, UserInfo, check_pin, delete_all, layout, officers};
use crate::clock::SystemClock;
use crate::error::Error;
use crate::limits::{
    CLOUDHSM_PIN_BYTES_MAX, CLOUDHSM_PIN_BYTES_MIN, CLOUDHSM_PIN_FAILURES_MAX, PIN_BYTES_MAX, PIN_FAILURES_MAX,
};
use crate::object::UserId;
use crate::policy::Kdf;
use crate::seal::{Bundle, Role, TokenId, User};
use crate::store::{Aborted, Store, StoreError, Transaction};

/// How a token was founded, for life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Founding {
    /// With the officer `so`.
    #[default]
    Plain,
    /// As a CloudHSM, with the officer `admin` and the appliance user `app_user`.
    CloudHsm,
}

/// The number of a token's first officer, whom a program means by `CKU_SO`.
pub const FIRST_OFFICER: UserId = UserId(1);
/// The name of the appliance user of a token founded as a CloudHSM, which backs up and clones one of AWS's. It stands
/// in listings, as programs expect it there, and follows from the way of founding: it has no record, no keys and no
/// login.
pub const APPLIANCE_USER: &str = "app_user";
/// The number of the appliance user.
pub const APPLIANCE_USER_ID: UserId = UserId(2);
/// The published password of the first officer of a fresh CloudHSM.
pub const INITIAL_PASSWORD: &[u8] = b"password";

/// Nobody does anything with the appliance user.
pub(super) const APPLIANCE_USER_STAYS: Error =
    Error::Prohibited("the appliance user is part of the HSM: it cannot log in, be changed or be deleted");

impl Founding {
    /// The name of the first officer.
    pub fn first_officer(self) -> &'static str {
        match self {
            Founding::Plain => "so",
            Founding::CloudHsm => "admin",
        }
    }

    /// Wrong PINs in a row before a user is locked.
    pub fn pin_failures_max(self) -> u32 {
        match self {
            Founding::Plain => PIN_FAILURES_MAX,
            Founding::CloudHsm => CLOUDHSM_PIN_FAILURES_MAX,
        }
    }

    /// Bytes of the shortest and of the longest PIN: a CloudHSM's rule, and a configured minimum as far as it goes
    /// beyond.
    pub fn pin_bytes(self, settings: &Settings) -> (usize, usize) {
        match self {
            Founding::Plain => (settings.pin_bytes_min, PIN_BYTES_MAX),
            Founding::CloudHsm => {
                let min = settings.pin_bytes_min.clamp(CLOUDHSM_PIN_BYTES_MIN, CLOUDHSM_PIN_BYTES_MAX);
                (min, CLOUDHSM_PIN_BYTES_MAX)
            }
        }
    }

    /// The first number `add_user` gives.
    pub(super) fn next_user(self) -> u32 {
        match self {
            Founding::Plain => 2,
            Founding::CloudHsm => 3,
        }
    }

    fn next_object(self) -> u64 {
        match self {
            Founding::Plain => 1,
            Founding::CloudHsm => 6,
        }
    }

    /// The appliance user, where there is one.
    pub(super) fn appliance_user(self) -> Option<UserInfo> {
        (self == Founding::CloudHsm).then(|| UserInfo {
            id: APPLIANCE_USER_ID,
            role: Role::Appliance,
            primary: false,
            name: APPLIANCE_USER.to_owned(),
            failures: 0,
            attempts_left: self.pin_failures_max(),
            locked: false,
            escrowed: false,
        })
    }

    /// The rules for the PIN of an officer who gets or becomes activated: nothing anybody could know.
    fn check_first_pin(self, pin: &[u8], settings: &Settings) -> Result<(), Error> {
        check_pin(pin, settings, self)?;
        match self == Founding::CloudHsm && pin == INITIAL_PASSWORD {
            true => Err(Error::PinInvalid("it is the published password of a fresh HSM; choose another")),
            false => Ok(()),
        }
    }
}

impl Token {
    /// Initialises an empty store as a plain token with one officer.
    ///
    /// # Errors
    /// As [`Token::found`].
    pub fn create(
        store: Arc<dyn Store>,
        random: Arc<dyn Source>,
        settings: Settings,
        label: &[u8; 32],
        pin: &[u8],
    ) -> Result<Token, Error> {
        Token::found(store, random, settings, Founding::Plain, label, Some(pin))
    }

    /// Initialises an empty store as a token. Without a PIN the first officer of a CloudHSM is not activated: it has
    /// the published password, and a change of that activates it.
    ///
    /// # Errors
    /// The PIN's and the store's; [`Error::Arguments`] for a plain token without a PIN.
    pub fn found(
        store: Arc<dyn Store>,
        random: Arc<dyn Source>,
        settings: Settings,
        founding: Founding,
        label: &[u8; 32],
        pin: Option<&[u8]>,
    ) -> Result<Token, Error> {
        match pin {
            Some(pin) => founding.check_first_pin(pin, &settings)?,
            None if founding == Founding::CloudHsm => {}
            None => return Err(Error::Arguments("the officer needs a PIN")),
        }
        let terms = Terms { id: new_id(&*random)?, label: *label, test: settings.kdf == Kdf::Test, founding };
        let records = Records::new(&*random, &settings, terms, pin)?;
        let stamp = Stamp::now(&SystemClock);
        store.transact(&mut |transaction| records.write(transaction, [0; 32], stamp))?;
        Token::open(store, random, settings)
    }

    /// Makes the token anew: every user and object is gone. The officer's PIN must be right; where the officer is not
    /// activated, which is to say that its password is published, the PIN is the new one, and activates it. What the
    /// token allows and how it was founded stays: a program that initialises it knows nothing of either.
    ///
    /// # Errors
    /// The PIN's and the store's.
    pub fn reinitialize(&self, label: &[u8; 32], pin: &[u8]) -> Result<(), Error> {
        let (meta, officer) = match self.unactivated()? {
            Some(meta) => {
                meta.founding.check_first_pin(pin, &self.settings)?;
                (meta, None)
            }
            None => {
                let officer = self.login(Credential::first_officer(pin))?;
                (Arc::clone(&officer.meta), Some(officer))
            }
        };
        let terms = Terms { id: new_id(&*self.random)?, label: *label, test: meta.test, founding: meta.founding };
        let records = Records::new(&*self.random, &self.settings_of(&meta)?, terms, Some(pin))?;
        self.store.transact(&mut |transaction| {
            match &officer {
                Some(officer) => expect_login(transaction, officer)?,
                // An activation would have changed the token's record.
                None => expect(transaction, &meta, None)?,
            }
            let previous = audit::last_hash(transaction)?;
            delete_all(transaction)?;
            records.write(transaction, previous, Stamp::now(&*self.clock))
        })?;
        self.public.clear();
        Ok(())
    }

    /// Activates the first officer of a fresh CloudHSM with a password of its own.
    ///
    /// Whoever has a copy of the files from before can open what the published password opens. So nothing of that is
    /// kept: the token gets a new authority and new secrets, and keeps its number and objects, which are nobody's.
    /// Logins from before end.
    ///
    /// # Errors
    /// The PIN's and the store's; [`Error::NotLoggedIn`] where somebody else was faster; [`Error::Damaged`] where the
    /// record is not this token's, as one from before an activation that somebody put back.
    pub(super) fn activate(&self, meta: &Meta, officer: &User, pin: &[u8]) -> Result<(), Error> {
        expect_certified(officer, meta, &layout::user(FIRST_OFFICER))?;
        meta.founding.check_first_pin(pin, &self.settings)?;
        let before = officer.encode();
        let terms = Terms { id: meta.id, label: meta.label, test: meta.test, founding: meta.founding };
        let records = Records::new(&*self.random, &self.settings_of(meta)?, terms, Some(pin))?;
        self.store.transact(&mut |transaction| {
            expect(transaction, meta, None)?;
            if transaction.get(&layout::user(FIRST_OFFICER))?.as_deref() != Some(&before[..]) {
                return Err(Error::NotLoggedIn.into());
            }
            expect_unlocked(transaction, meta, FIRST_OFFICER)?;
            forget_failures(transaction, FIRST_OFFICER)?;
            records.write_authority(transaction)?;
            // The authority is another, and so is the key that the log begins with.
            let previous = audit::clear(transaction)?;
            records.begin_log(transaction, previous, Stamp::now(&*self.clock))
        })?;
        Ok(())
    }

    /// The token's record, where its first officer is not activated.
    fn unactivated(&self) -> Result<Option<Arc<Meta>>, Error> {
        let meta = self.meta()?;
        let Some(user) = self.user(FIRST_OFFICER)?.filter(|user| user.role == Role::Unactivated) else {
            return Ok(None);
        };
        expect_certified(&user, &meta, &layout::user(FIRST_OFFICER))?;
        Ok(Some(meta))
    }

    /// The settings with what the token itself has settled.
    fn settings_of(&self, meta: &Meta) -> Result<Settings, Error> {
        Ok(Settings { policy: meta.policy, escrow: meta.escrow, kdf: self.pin_kdf()?, ..self.settings })
    }
}

/// What a token is made to be, besides its settings.
struct Terms {
    id: TokenId,
    label: [u8; 32],
    test: bool,
    founding: Founding,
}

/// What a new token starts with.
struct Records {
    meta: Vec<u8>,
    quorum_values: Vec<u8>,
    officer: User,
    founding: Founding,
    audit_key: Zeroizing<[u8; 32]>,
}

impl Records {
    /// Makes the token's secrets. An officer who is not activated gets none of them: the seed of the authority is
    /// dropped here, and an activation makes another.
    fn new(random: &dyn Source, settings: &Settings, terms: Terms, pin: Option<&[u8]>) -> Result<Records, Error> {
        let Terms { id, label, test, founding } = terms;
        let secrets = Bundle::first_officer(random)?;
        let keys = secrets.keys()?;
        let meta = Meta {
            id,
            label,
            policy: settings.policy,
            test,
            escrow: settings.escrow,
            founding,
            authority: *keys.authority(),
            record: Box::default(),
        };
        let who = |role| (FIRST_OFFICER, role, founding.first_officer());
        let cost = settings.kdf.cost();
        let officer = match pin {
            Some(pin) => User::enrol(who(Role::Officer), &id, &secrets, &keys, true, (pin, cost), random)?,
            None => {
                let bundle = Bundle::for_role(Role::Unactivated, &secrets, random)?;
                let who = who(Role::Unactivated);
                User::enrol(who, &id, &bundle, &keys, false, (INITIAL_PASSWORD, cost), random)?
            }
        };
        let quorum_values = officers::first_record(&id, &keys)?;
        let audit_key = secrets.audit_key(&id)?;
        Ok(Records { meta: meta.encode(&keys)?, quorum_values, officer, founding, audit_key })
    }

    /// Writes them into an empty store. `previous` is the hash with which the audit log of an earlier token there
    /// ended.
    fn write(&self, transaction: &mut dyn Transaction, previous: audit::Hash, stamp: Stamp) -> Result<(), Aborted> {
        self.write_authority(transaction)?;
        transaction.put(layout::NEXT_USER, &self.founding.next_user().to_le_bytes())?;
        transaction.put(layout::NEXT_OBJECT, &self.founding.next_object().to_le_bytes())?;
        self.begin_log(transaction, previous, stamp)
    }

    fn begin_log(&self, transaction: &mut dyn Transaction, previous: audit::Hash, stamp: Stamp) -> Result<(), Aborted> {
        audit::begin(transaction, &self.audit_key, previous)?;
        audit::append(transaction, stamp, Who::from(&self.officer), Fact::of(Event::TokenInitialized))
    }

    /// Writes what the authority signs: the token's record, how many officers must approve, and the first officer's
    /// record.
    fn write_authority(&self, transaction: &mut dyn Transaction) -> Result<(), StoreError> {
        transaction.put(layout::META, &self.meta)?;
        transaction.put(layout::QUORUM_VALUES, &self.quorum_values)?;
        transaction.put(&layout::user(self.officer.id), &self.officer.encode())
    }
}

fn new_id(random: &dyn Source) -> Result<TokenId, Error> {
    let mut id: TokenId = [0; 16];
    random.fill(&mut id)?;
    Ok(id)
}
