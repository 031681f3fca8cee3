//! The access table: who may do what with which object. Every door asks here, and none has a rule of its own.

use crate::attribute::Flag;
use crate::error::Error;
use crate::object::{Object, Ownership, UserId};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Nobody has logged in.
    Anonymous,
    /// An officer: manages users and trust, never uses keys.
    Officer(UserId),
    /// A user: owns and uses keys.
    User(UserId),
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Find it, read its attributes.
    See,
    /// Make one like this.
    Make,
    /// Use it as a key.
    Use,
    /// Wrap or unwrap other keys with it.
    Wrap,
    /// Change its attributes.
    Change,
    /// Let it out, wrapped.
    Export,
    /// Share it with others, or no longer.
    Share,
    /// Declare it trusted, or no longer.
    Trust,
    /// Destroy it.
    Destroy,
}

/// How the one who asks stands to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Owner,
    Sharee,
    Officer,
    Stranger,
    Anonymous,
}

impl Actor {
    /// The user behind the actor.
    pub fn user(self) -> UserId {
        match self {
            Actor::Anonymous => UserId::NOBODY,
            Actor::Officer(user) | Actor::User(user) => user,
        }
    }

    /// Whether it is an officer.
    pub fn is_officer(self) -> bool {
        matches!(self, Actor::Officer(_))
    }
}

/// Whether `actor` may do `action` to `object`, once the approvals it takes are there ([`approvals`]).
///
/// | | owner | shares it | officer | other user | nobody |
/// | --- | --- | --- | --- | --- | --- |
/// | see, private | yes | yes | no | no | no |
/// | see, public | yes | | yes | yes | yes |
/// | make, private or secret in the token | yes | | no | | no |
/// | make, public key in the token | yes | | yes | | no |
/// | make, other | yes | | yes | | yes |
/// | use, wrap with it | yes | yes | no | public | public session objects |
/// | export, change, destroy in the token | yes | no | no | no | what nobody owns |
/// | take out masked, in the token ([`check_masking`]) | without approvals to manage | no | without approvals | no | no |
/// | export, change, destroy in a session | yes | | public | public | public |
/// | share | private secrets in the token | no | no | no | no |
/// | trust | no | no | yes | no | no |
///
/// # Errors
/// [`Error::NoObject`] for what the actor may not even see; [`Error::NotLoggedIn`] where a login would help;
/// [`Error::NotOwner`] and [`Error::Prohibited`] where it would not.
pub fn check(action: Action, actor: Actor, object: &Object) -> Result<(), Error> {
    let private = object.has(Flag::Private);
    let token = object.has(Flag::Token);
    let ownership = &object.ownership;
    let relation = match actor {
        Actor::User(user) if user == ownership.owner => Relation::Owner,
        Actor::User(user) if ownership.sharees.contains(user) => Relation::Sharee,
        Actor::User(_) => Relation::Stranger,
        Actor::Officer(_) => Relation::Officer,
        Actor::Anonymous => Relation::Anonymous,
    };
    let hidden = private && !matches!(relation, Relation::Owner | Relation::Sharee);
    if hidden && !matches!(action, Action::Make | Action::Trust) {
        return Err(Error::NoObject(object.number));
    }
    match (action, relation) {
        (Action::See, _) => Ok(()),
        (Action::Make, Relation::Owner | Relation::Sharee | Relation::Stranger) => Ok(()),
        (Action::Make, _) if private || (token && object.kind.is_secret()) => Err(Error::NotLoggedIn),
        (Action::Make, Relation::Anonymous) if token && object.kind.is_key() => Err(Error::NotLoggedIn),
        (Action::Make, Relation::Officer) if object.kind.is_secret() => Err(Error::NotLoggedIn),
        (Action::Make, _) => Ok(()),
        (Action::Use | Action::Wrap, Relation::Officer) => Err(Error::NotLoggedIn),
        (Action::Use | Action::Wrap, Relation::Anonymous) if token && object.kind.is_secret() => {
            Err(Error::NotLoggedIn)
        }
        (Action::Use | Action::Wrap, _) => Ok(()),
        (Action::Export | Action::Change | Action::Destroy, Relation::Owner) => Ok(()),
        (Action::Export | Action::Change | Action::Destroy, _)
            if !token || actor.user() == ownership.owner || ownership.owner == UserId::NOBODY =>
        {
            Ok(())
        }
        (Action::Share, Relation::Owner) if private && token && object.kind.is_secret() => Ok(()),
        (Action::Share, Relation::Owner) => Err(NOT_SHARED),
        (Action::Export | Action::Change | Action::Destroy | Action::Share, Relation::Anonymous) => {
            Err(Error::NotLoggedIn)
        }
        (Action::Export | Action::Change | Action::Destroy | Action::Share, _) => Err(Error::NotOwner),
        (Action::Trust, Relation::Officer) => Ok(()),
        (Action::Trust, _) => Err(Error::Prohibited("only the officer declares an object trusted")),
    }
}

/// Whether `actor` may take an object of the token out masked. Of a private object an officer sees no more than whose
/// it is. What takes approvals to manage is not masked: the container would bring back the sharees that it had, and the
/// key itself, whatever was approved since.
///
/// # Errors
/// [`Error::NotOwner`]; [`Error::NotLoggedIn`]; [`Error::Prohibited`] where management takes approvals, or where use
/// does and an officer asks, who cannot have them.
pub fn check_masking(actor: Actor, ownership: &Ownership) -> Result<(), Error> {
    match actor {
        Actor::Anonymous => Err(Error::NotLoggedIn),
        Actor::User(user) if user != ownership.owner => Err(Error::NotOwner),
        _ if ownership.management_approvals > 0 => Err(Error::Prohibited(
            "a key whose management takes approvals is not masked: it would come back as it was, without them",
        )),
        Actor::User(_) => Ok(()),
        Actor::Officer(_) if ownership.use_approvals == 0 => Ok(()),
        Actor::Officer(_) => {
            Err(Error::Prohibited("the key's users must approve of taking it out, and only its owner asks them"))
        }
    }
}

/// The approvals of other users that `action` takes, and which kind of approval it is.
pub fn approvals(action: Action, object: &Object) -> Option<(Service, u8)> {
    let Ownership { use_approvals, management_approvals, .. } = object.ownership;
    let (service, needed) = match action {
        Action::See | Action::Make | Action::Trust => return None,
        Action::Use => (Service::UseKey, use_approvals),
        // A key that wraps and unwraps encrypts and decrypts, and one that has left is used as often as one likes.
        Action::Wrap | Action::Export if use_approvals > management_approvals => (Service::UseKey, use_approvals),
        Action::Wrap | Action::Change | Action::Export | Action::Share | Action::Destroy => {
            (Service::ManageKey, management_approvals)
        }
    };
    (needed > 0).then_some((service, needed))
}

/// What approvals are given for: CloudHSM's numbers of its services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Service {
    /// Making, deleting users, setting the passwords of others (`USER_MGMT`).
    UserManagement = 3,
    /// Setting how many officers approve (`MISC_CO`).
    Officers = 4,
    /// Using a key (`USE_KEY`); wrapping it and with it too, where that takes more approvals.
    UseKey = 5,
    /// Sharing, changing, wrapping, destroying a key, and wrapping with it (`MANAGE_KEY`).
    ManageKey = 6,
}

impl Service {
    /// All of them.
    pub const ALL: [Service; 4] = [Service::UserManagement, Service::Officers, Service::UseKey, Service::ManageKey];

    /// The service of this number.
    pub fn numbered(number: u16) -> Option<Service> {
        Service::ALL.into_iter().find(|service| *service as u16 == number)
    }

    /// Whether it is about one key, which its users approve, or about the token, which officers approve.
    pub fn is_of_key(self) -> bool {
        matches!(self, Service::UseKey | Service::ManageKey)
    }
}

const NOT_SHARED: Error = Error::Prohibited("only private secret keys and private keys in the token are shared");
