//! What all operations in progress have in common: whether one is active, with which key, and whether that is still
//! allowed.

use std::sync::Arc;

use super::application::Application;
use super::approval::{self, Approvals, is_carried_out};
use crate::access::{self, Action};
use crate::attribute::Flag;
use crate::error::Error;
use crate::mechanism::Mechanism;
use crate::object::Object;

/// A place for one operation. A finished operation stays in its place: the next one with the same key and mechanism
/// takes over its buffers and contexts.
pub(super) struct Slot<T> {
    operation: Option<Box<T>>,
    active: bool,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot { operation: None, active: false }
    }
}

impl<T: Settled> Slot<T> {
    /// Whether an operation is active.
    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    /// Refuses to begin a second operation (PKCS#11 3.2 §5.2, `CKR_OPERATION_ACTIVE`).
    pub(super) fn refuse_active(&self) -> Result<(), Error> {
        if self.active { Err(Error::OperationActive) } else { Ok(()) }
    }

    /// The finished operation, to begin again with.
    pub(super) fn finished(&mut self) -> Option<&mut T> {
        if self.active { None } else { self.operation.as_deref_mut() }
    }

    /// Begins again with the finished operation.
    pub(super) fn resume(&mut self) {
        self.active = self.operation.is_some();
    }

    /// Begins an operation.
    pub(super) fn begin(&mut self, operation: T) {
        self.operation = Some(Box::new(operation));
        self.active = true;
    }

    /// Ends the operation and forgets its key.
    pub(super) fn end(&mut self) {
        self.operation = None;
        self.active = false;
    }

    /// The active operation.
    pub(super) fn active(&mut self) -> Result<&mut T, Error> {
        self.operation.as_deref_mut().filter(|_| self.active).ok_or(Error::OperationNotInitialized)
    }

    /// Runs one step of the active operation and keeps the standard's rule (PKCS#11 3.2 §5.2): a query and a buffer
    /// that is too small leave it active, another error ends it, and so does success where `last` says so.
    pub(super) fn step<R>(
        &mut self,
        last: impl FnOnce(&R) -> bool,
        step: impl FnOnce(&mut T) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let operation = self.active()?;
        let result = step(operation);
        operation.settle(is_carried_out(&result));
        match &result {
            Ok(value) if last(value) => self.active = false,
            Ok(_) | Err(Error::BufferTooSmall { .. }) => {}
            Err(_) => self.end(),
        }
        result
    }
}

/// An operation that is told after each step whether the step was carried out.
pub(super) trait Settled {
    /// The step used the key, if there is one.
    fn settle(&mut self, carried_out: bool);
}

impl<T: Keyed> Settled for T {
    fn settle(&mut self, carried_out: bool) {
        self.key_use().settle(carried_out);
    }
}

/// What all operations with a key can be asked, whatever they do.
pub(super) trait KeyedSlot {
    /// Lets go of a finished operation, and of any with a private key.
    fn forget_private(&mut self);
    /// Lets go of a finished operation with this key.
    fn forget(&mut self, number: u64);
    /// Whether the active operation waits for a login of its own.
    fn waiting(&mut self) -> Option<&mut bool>;
    /// Whether an operation is active.
    fn is_active(&self) -> bool;
    /// Ends the operation and forgets its key.
    fn end(&mut self);
}

impl<T: Keyed> KeyedSlot for Slot<T> {
    fn forget_private(&mut self) {
        let private = |operation: &mut Box<T>| operation.key_use().object.has(Flag::Private);
        if !self.active || self.operation.as_mut().is_some_and(private) {
            self.end();
        }
    }

    fn forget(&mut self, number: u64) {
        if !self.active && self.operation.as_mut().is_some_and(|operation| operation.key_use().object.number == number)
        {
            self.operation = None;
        }
    }

    fn waiting(&mut self) -> Option<&mut bool> {
        if self.active { self.operation.as_mut().map(|operation| &mut operation.key_use().waits) } else { None }
    }

    fn is_active(&self) -> bool {
        Slot::is_active(self)
    }

    fn end(&mut self) {
        Slot::end(self);
    }
}

/// An operation with a key.
pub(super) trait Keyed {
    /// The use it makes of the key.
    fn key_use(&mut self) -> &mut KeyUse;
}

/// The use an operation makes of a key.
pub(super) struct KeyUse {
    object: Arc<Object>,
    mechanism: &'static Mechanism,
    /// The application's epoch in which the use was last found to be allowed.
    epoch: u64,
    /// The logouts there had been when the use began.
    logouts: u64,
    /// What the key must permit.
    usage: Flag,
    /// Whether the key wants a login for this very operation, and has not had it.
    waits: bool,
    /// Whether the use was logged. Then the next one is logged too, and does not begin again with this one.
    recorded: bool,
    /// Whether the key wants approvals for this very operation, and has not had them.
    wants_approval: bool,
    approvals: Approvals,
}

impl KeyUse {
    /// Begins to use `object`, which was looked up in `epoch`, and logs it where that is asked for.
    ///
    /// # Errors
    /// What the key's own attributes refuse; a log that cannot be written.
    pub(super) fn new(
        object: Arc<Object>,
        mechanism: &'static Mechanism,
        key_types: &[u64],
        (usage, refusal): (Flag, &'static str),
        (epoch, application): (u64, &Application),
    ) -> Result<KeyUse, Error> {
        if !object.kind.is_key() || !object.kind.subtype.is_some_and(|own| key_types.contains(&own)) {
            return Err(Error::KeyType(crate::mechanism::MechanismName(mechanism.id)));
        }
        if !object.has(usage) {
            return Err(Error::KeyNotPermitted(refusal));
        }
        if !object.allows_mechanism(mechanism.id) {
            return Err(Error::MechanismNotAllowed(crate::mechanism::MechanismName(mechanism.id)));
        }
        approval::expect(application, Action::Use, &object)?;
        let recorded = application.record_use(&object, usage, mechanism.id)?;
        let logouts = application.logouts();
        let (waits, wants_approval, approvals) = (false, false, Approvals::default());
        let mut key = KeyUse { object, mechanism, epoch, logouts, usage, waits, recorded, wants_approval, approvals };
        key.again();
        Ok(key)
    }

    /// The key.
    pub(super) fn object(&self) -> &Arc<Object> {
        &self.object
    }

    /// Whether this is a use of key `number` with `mechanism`, found allowed in `epoch`.
    pub(super) fn is_of(&self, number: u64, mechanism: &'static Mechanism, epoch: u64) -> bool {
        self.epoch == epoch
            && self.object.number == number
            && std::ptr::eq(self.mechanism, mechanism)
            && !self.object.is_retired()
            && !self.recorded
    }

    /// Begins again.
    pub(super) fn again(&mut self) {
        self.waits = self.object.has(Flag::AlwaysAuthenticate);
        self.wants_approval = access::approvals(Action::Use, &self.object).is_some();
        self.approvals = Approvals::default();
    }

    /// Notes that the key was used, whatever comes of it.
    pub(super) fn used(&mut self) {
        self.approvals.used();
    }

    /// Ends a call: where the step was carried out its approvals are gone, else they go back, and the next step takes
    /// some that are good then. None are kept from one call to the next, where nobody could delete them and none grow
    /// old.
    pub(super) fn settle(&mut self, carried_out: bool) {
        if carried_out {
            self.approvals.used();
        } else if self.approvals.are_held() {
            self.approvals = Approvals::default();
            self.wants_approval = true;
        }
    }

    /// Whether the operation may go on: the key exists and still permits it, whoever logged in before it began still
    /// is, and, unless the step is `idle`, it had the login and the approvals it wants, and not too long ago. Asking
    /// for a length is not yet using the key, nor is a part without bytes.
    ///
    /// # Errors
    /// [`Error::ApprovalsMissing`], [`Error::Approval`]; [`Error::NotLoggedIn`] after a logout;
    /// [`Error::OperationNotInitialized`] where the key is gone or no longer permits the use, and where there was a
    /// logout and another login.
    pub(super) fn check(&mut self, application: &Application, idle: bool) -> Result<(), Error> {
        let epoch = application.current()?;
        if epoch != self.epoch || self.object.is_retired() {
            match application.key_before_approval(self.object.number) {
                Ok(now)
                    if now.unique_id == self.object.unique_id
                        && now.has(self.usage)
                        && (self.logouts == application.logouts() || !now.needs_login()) =>
                {
                    self.object = now;
                    self.epoch = epoch;
                }
                Err(error @ (Error::Device(_) | Error::Busy(_) | Error::Damaged(_))) => return Err(error),
                _ if self.object.needs_login() && application.login().is_none() => return Err(Error::NotLoggedIn),
                _ => return Err(Error::OperationNotInitialized),
            }
        }
        if idle {
            return Ok(());
        }
        if self.waits {
            return Err(Error::ContextLogin("this key wants a login for each operation (CKU_CONTEXT_SPECIFIC)"));
        }
        if self.wants_approval {
            self.approvals.take(application, Action::Use, &self.object)?;
            self.wants_approval = false;
        }
        self.approvals.expect_recent(application)
    }
}
