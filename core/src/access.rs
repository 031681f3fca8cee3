//! The access table: who may do what with which object. Every door asks here, and none has a rule of its own.

use crate::attribute::Flag;
use crate::error::Error;
use crate::object::{Object, UserId};

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
    /// Change its attributes.
    Change,
    /// Let it out, wrapped.
    Export,
    /// Declare it trusted, or no longer.
    Trust,
    /// Destroy it.
    Destroy,
}

/// How the one who asks stands to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Owner,
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

/// Whether `actor` may do `action` to `object`.
///
/// | | owner | officer | other user | nobody |
/// | --- | --- | --- | --- | --- |
/// | see, private | yes | no | no | no |
/// | see, public | yes | yes | yes | yes |
/// | make, private or secret in the token | yes | no | | no |
/// | make, public key in the token | yes | yes | | no |
/// | make, other | yes | yes | | yes |
/// | use | yes | no | public | public session objects |
/// | export, change, destroy in the token | yes | no | no | what nobody owns |
/// | export, change, destroy in a session | yes | public | public | public |
/// | trust | no | public | no | no |
///
/// # Errors
/// [`Error::NoObject`] for what the actor may not even see; [`Error::NotLoggedIn`] where a login would help;
/// [`Error::Prohibited`] where it would not.
pub fn check(action: Action, actor: Actor, object: &Object) -> Result<(), Error> {
    let private = object.has(Flag::Private);
    let token = object.has(Flag::Token);
    let owner = object.ownership.owner;
    let relation = match actor {
        Actor::User(user) if user == owner => Relation::Owner,
        Actor::User(_) => Relation::Stranger,
        Actor::Officer(_) => Relation::Officer,
        Actor::Anonymous => Relation::Anonymous,
    };
    if private && action != Action::Make && relation != Relation::Owner {
        return Err(Error::NoObject(object.number));
    }
    match (action, relation) {
        (Action::See, _) => Ok(()),
        (Action::Make, Relation::Owner | Relation::Stranger) => Ok(()),
        (Action::Make, _) if private || (token && object.kind.is_secret()) => Err(Error::NotLoggedIn),
        (Action::Make, Relation::Anonymous) if token && object.kind.is_key() => Err(Error::NotLoggedIn),
        (Action::Make, Relation::Officer) if object.kind.is_secret() => Err(Error::NotLoggedIn),
        (Action::Make, _) => Ok(()),
        (Action::Use, Relation::Officer) => Err(Error::NotLoggedIn),
        (Action::Use, Relation::Anonymous) if token && object.kind.is_secret() => Err(Error::NotLoggedIn),
        (Action::Use, _) => approvals(object.ownership.use_approvals),
        (Action::Export | Action::Change | Action::Destroy, Relation::Owner) => {
            approvals(object.ownership.management_approvals)
        }
        (Action::Export | Action::Change | Action::Destroy, _)
            if !token || actor.user() == owner || owner == UserId::NOBODY =>
        {
            Ok(())
        }
        (Action::Export | Action::Change | Action::Destroy, Relation::Anonymous) => Err(Error::NotLoggedIn),
        (Action::Export | Action::Change | Action::Destroy, _) => {
            Err(Error::Prohibited("the object belongs to another user"))
        }
        (Action::Trust, Relation::Officer) => Ok(()),
        (Action::Trust, _) => Err(Error::Prohibited("only the officer declares an object trusted")),
    }
}

/// An object under quorum needs approvals, and none can be given yet.
fn approvals(needed: u8) -> Result<(), Error> {
    if needed == 0 { Ok(()) } else { Err(Error::Prohibited("the object needs the approval of other users")) }
}
