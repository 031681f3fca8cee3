//! Objects through a session (PKCS#11 3.2 §5.7) and key generation (§5.18.1).

use std::sync::Arc;

use cryptoki_sys::*;

use super::Session;
use super::approval::Approvals;
use crate::access::{self, Action};
use crate::attribute::{AttributeType, Flag, Template};
use crate::error::Error;
use crate::mechanism::{Call, Mechanism, MechanismName, Parameter, Work};
use crate::object::schema::Kind;
use crate::object::{Object, UserId, birth, change};
use crate::token::audit::{Event, Fact};

impl Session {
    /// Makes an object from a complete template (`C_CreateObject`).
    ///
    /// # Errors
    /// The template's; [`Error::SessionReadOnly`], [`Error::NotLoggedIn`].
    pub fn create_object(&self, template: &Template<'_>) -> Result<u64, Error> {
        self.application.current()?;
        let maker = self.application.maker(self.application.actor(), self.handle);
        let object = birth::create(template, &maker)?;
        self.keep(object, maker.logouts, Fact::of(Event::ObjectCreated))
    }

    /// Generates a secret key or domain parameters (`C_GenerateKey`).
    ///
    /// # Errors
    /// The mechanism's and the template's; [`Error::SessionReadOnly`], [`Error::NotLoggedIn`].
    pub fn generate_key(&self, call: &Call<'_>, template: &Template<'_>) -> Result<u64, Error> {
        self.functions(call.mechanism, CKF_GENERATE)?;
        let maker = self.application.maker(self.application.actor(), self.handle);
        let object = match (&call.mechanism.work, &call.parameter) {
            (Work::GenerateSecret(key_type), Parameter::None) => {
                let kind = Kind::secret_key(*key_type).ok_or(Error::NotSupported)?;
                birth::generate_secret(kind, call.mechanism.id, template, &maker)?
            }
            (Work::GenerateParameters(key_type), Parameter::None) => {
                birth::generate_parameters(*key_type, template, &maker)?
            }
            (Work::Derive { .. }, Parameter::Pbkdf2(parameter)) => self.password_key(parameter, template, &maker)?,
            (Work::GenerateSecret(_) | Work::GenerateParameters(_), _) => {
                return Err(Error::MechanismParameter("key generation takes none"));
            }
            _ => return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id))),
        };
        self.keep(object, maker.logouts, Fact::of(Event::ObjectGenerated).by(call.mechanism.id))
    }

    /// Copies an object (`C_CopyObject`).
    ///
    /// # Errors
    /// The template's; [`Error::Prohibited`] for one that is not copyable, or another user's secret.
    pub fn copy_object(&self, number: u64, template: &Template<'_>) -> Result<u64, Error> {
        let actor = self.application.actor();
        let maker = self.application.maker(actor, self.handle);
        let object = self.application.object(number)?;
        if object.kind.is_secret() {
            access::check(Action::Change, actor, &object)?;
            object.material()?;
        }
        if access::approvals(Action::Use, &object).or(access::approvals(Action::Change, &object)).is_some() {
            return Err(Error::Prohibited("a key whose use takes approvals has no copies, which would take none"));
        }
        let copy = change::copy(&object, template, &maker)?;
        self.application.policy().check_change(&object, &copy)?;
        self.keep(copy, maker.logouts, Fact::of(Event::ObjectCopied).second(object.number_in_log()))
    }

    /// Destroys an object (`C_DestroyObject`).
    ///
    /// # Errors
    /// [`Error::Prohibited`] for one that is not destroyable; [`Error::SessionReadOnly`].
    pub fn destroy_object(&self, number: u64) -> Result<(), Error> {
        let object = self.application.object(number)?;
        self.allow_writing(&object)?;
        access::check(Action::Destroy, self.application.actor(), &object)?;
        if !object.has(Flag::Destroyable) {
            return Err(Error::Prohibited("the object is not destroyable (CKA_DESTROYABLE)"));
        }
        let mut approvals = Approvals::default();
        approvals.take(&self.application, Action::Destroy, &object)?;
        self.application.destroy(&object)?;
        approvals.used();
        let mut state = self.state()?;
        state.made.remove(&number);
        state.forget_key(number);
        Ok(())
    }

    /// About how many bytes the object takes (`C_GetObjectSize`).
    ///
    /// # Errors
    /// [`Error::NoObject`].
    pub fn object_size(&self, number: u64) -> Result<u64, Error> {
        Ok(self.application.object(number)?.size_bytes() as u64)
    }

    /// The object with this handle, for reading its attributes (`C_GetAttributeValue`).
    ///
    /// # Errors
    /// [`Error::NoObject`].
    pub fn object(&self, number: u64) -> Result<Arc<Object>, Error> {
        self.application.object(number)
    }

    /// Changes attributes, all of them or none (`C_SetAttributeValue`).
    ///
    /// # Errors
    /// The attributes'; [`Error::SessionReadOnly`].
    pub fn set_attributes(&self, number: u64, template: &Template<'_>) -> Result<(), Error> {
        let object = self.application.object(number)?;
        if !Kind::can_be_made(object.kind.class) {
            return Err(Error::Prohibited("what a token has by itself cannot be changed"));
        }
        self.allow_writing(&object)?;
        let actor = self.application.actor();
        if let Some(trusted) = only_trust(template)
            && actor.is_officer()
        {
            access::check(Action::Trust, actor, &object)?;
            return self.application.replace(number, &mut |object| {
                change::allowed(object)?;
                let mut changed = object.duplicate();
                object.kind.rule(CKA_TRUSTED).ok_or(Error::AttributeUnknown(AttributeType(CKA_TRUSTED)))?;
                changed.flags.set(Flag::Trusted, trusted);
                Ok(changed)
            });
        }
        access::check(Action::Change, actor, &object)?;
        let mut approvals = Approvals::default();
        approvals.take(&self.application, Action::Change, &object)?;
        self.application.replace(number, &mut |object| {
            access::check(Action::Change, actor, object)?;
            let changed = change::set(object, template, actor.is_officer())?;
            self.application.policy().check_change(object, &changed)?;
            Ok(changed)
        })?;
        approvals.used();
        Ok(())
    }

    /// Shares a private key of the caller's with another user, who may use it from now on.
    ///
    /// # Errors
    /// [`Error::NotOwner`], [`Error::Prohibited`] for what cannot be shared, [`Error::NoSuchUser`],
    /// [`Error::AttributeValue`] for one user too many, [`Error::ApprovalsMissing`].
    pub fn share(&self, number: u64, user: UserId) -> Result<(), Error> {
        self.change_sharing(number, |object| {
            self.application.token().expect_sharee(user)?;
            change::shared(object, user)
        })
    }

    /// Ends the sharing of a key with a user. What the user knows of it then opens nothing that is written from now on.
    ///
    /// # Errors
    /// As [`Session::share`]; [`Error::Prohibited`] where fewer users would be left than must approve.
    pub fn unshare(&self, number: u64, user: UserId) -> Result<(), Error> {
        self.change_sharing(number, |object| change::unshared(object, user))
    }

    fn change_sharing(&self, number: u64, change: impl Fn(&Object) -> Result<Object, Error>) -> Result<(), Error> {
        let (object, actor) = (self.application.object(number)?, self.application.actor());
        access::check(Action::Share, actor, &object)?;
        self.allow_writing(&object)?;
        // Users who were deleted neither take a place nor approve.
        let change = |object: &Object| {
            let mut now = object.duplicate();
            now.ownership.sharees = self.application.token().living(object.ownership.sharees)?;
            change(&now)
        };
        // What cannot be done takes no approval.
        change(&object)?;
        let mut approvals = Approvals::default();
        approvals.take(&self.application, Action::Share, &object)?;
        self.application.replace(number, &mut |object| {
            access::check(Action::Share, actor, object)?;
            change(object)
        })?;
        approvals.used();
        Ok(())
    }

    /// Begins a search (`C_FindObjectsInit`): what it finds is settled now, whatever happens later.
    ///
    /// # Errors
    /// [`Error::OperationActive`]; the template's.
    pub fn find_init(&self, template: &Template<'_>) -> Result<(), Error> {
        if self.state()?.found.is_some() {
            return Err(Error::OperationActive);
        }
        let found = self.application.search(template)?;
        let mut state = self.state()?;
        if state.found.is_some() {
            return Err(Error::OperationActive);
        }
        state.found = Some(found.into_iter());
        Ok(())
    }

    /// All that a search finds, in the order of their numbers, beside any search that was begun.
    ///
    /// # Errors
    /// The template's; the store's.
    pub fn found(&self, template: &Template<'_>) -> Result<Vec<u64>, Error> {
        self.application.search(template)
    }

    /// The next handles found (`C_FindObjects`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn find(&self, handles: &mut [u64]) -> Result<usize, Error> {
        let mut state = self.state()?;
        let found = state.found.as_mut().ok_or(Error::OperationNotInitialized)?;
        let mut count = 0;
        for (place, number) in handles.iter_mut().zip(found) {
            *place = number;
            count += 1;
        }
        Ok(count)
    }

    /// Ends a search (`C_FindObjectsFinal`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn find_final(&self) -> Result<(), Error> {
        self.state()?.found.take().map(|_| ()).ok_or(Error::OperationNotInitialized)
    }

    /// Whether the token's policy offers the mechanism.
    pub(super) fn offered(&self, mechanism: &Mechanism) -> Result<(), Error> {
        let policy = self.application.policy();
        let left_out = Error::MechanismLeftOut(MechanismName(mechanism.id), policy);
        if mechanism.is_offered(policy) { Ok(()) } else { Err(left_out) }
    }

    /// Whether the token's policy offers the mechanism for this function (`CKF_SIGN` and so on).
    pub(super) fn functions(&self, mechanism: &Mechanism, function: CK_FLAGS) -> Result<(), Error> {
        self.application.current()?;
        self.offered(mechanism)?;
        let policy = self.application.policy();
        match mechanism.functions_under(policy) & function {
            0 if mechanism.does(function) => Err(Error::MechanismLeftOut(MechanismName(mechanism.id), policy)),
            0 => Err(Error::MechanismInvalid(MechanismName(mechanism.id))),
            _ => Ok(()),
        }
    }

    /// Whether the token's policy takes this key for this function.
    pub(super) fn approved(&self, key: &Object, function: CK_FLAGS) -> Result<(), Error> {
        self.application.policy().check_key(key, function)
    }

    pub(super) fn keep(&self, object: Object, logouts: u64, made: Fact<'_>) -> Result<u64, Error> {
        self.allow_writing(&object)?;
        self.application.policy().check_new(&object)?;
        let session_object = !object.has(Flag::Token);
        let number = self.application.keep(object, logouts, made)?;
        if session_object {
            self.own(vec![number])?;
        }
        Ok(number)
    }

    /// Keeps new objects, all of them or none, and returns their handles in the same order.
    pub(super) fn keep_all(&self, objects: Vec<Object>, logouts: u64, made: Fact<'_>) -> Result<Vec<u64>, Error> {
        let policy = self.application.policy();
        objects.iter().try_for_each(|object| self.allow_writing(object).and_then(|()| policy.check_new(object)))?;
        let session_objects: Vec<bool> = objects.iter().map(|object| !object.has(Flag::Token)).collect();
        // A session that is closed already keeps nothing.
        drop(self.state()?);
        let numbers = self.application.keep_all(objects, logouts, made)?;
        self.own(numbers.iter().zip(session_objects).filter_map(|(number, own)| own.then_some(*number)).collect())?;
        Ok(numbers)
    }

    /// Takes over session objects that were just made, which go when the session is closed.
    fn own(&self, made: Vec<u64>) -> Result<(), Error> {
        if made.is_empty() {
            return Ok(());
        }
        match self.state() {
            Ok(mut state) => state.made.extend(made),
            Err(error) => {
                // The session was closed meanwhile, and its objects with it.
                for number in made {
                    self.application.drop_object(number);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn allow_writing(&self, object: &Object) -> Result<(), Error> {
        if object.has(Flag::Token) && !self.read_write { Err(Error::SessionReadOnly) } else { Ok(()) }
    }
}

/// The value of `CKA_TRUSTED`, where the template changes nothing else.
fn only_trust(template: &Template<'_>) -> Option<bool> {
    match template.entries() {
        [only] if only.attribute.0 == CKA_TRUSTED => template.flag(Flag::Trusted),
        _ => None,
    }
}
