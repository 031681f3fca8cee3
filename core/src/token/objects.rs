//! The token's objects: opened on first use, kept while nothing changed, written in one transaction with their search
//! tags.

use std::sync::Arc;

use super::audit::{Event, Fact};
use super::cache::{Cached, UNSEEN};
use super::sharing::expect_sharees;
use super::unique::UniqueIds;
use super::{Login, Meta, Token, layout};
use crate::attribute::Flag;
use crate::error::Error;
use crate::object::codec::damaged;
use crate::object::{Object, Sharees, UserId};
use crate::seal::{self, Envelope, Opened, Role, User, Viewer};
use crate::store::{Aborted, Transaction};

/// Token objects number below this; session objects and built-in ones have numbers above.
pub(super) const OBJECT_NUMBER_MAX: u64 = 0x7ffe_ffff;

/// How new objects come into the token.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// What the audit log says of it.
    pub fact: Fact<'a>,
    /// Whether keys with an identifier that another key of the token has are refused.
    pub unique_ids: bool,
}

impl<'a> Making<'a> {
    /// As PKCS#11 has it: identifiers need not be unique.
    pub fn of(fact: Fact<'a>) -> Making<'a> {
        Making { fact, unique_ids: false }
    }
}

impl Token {
    /// The object with this number, opened for `viewer`.
    ///
    /// # Errors
    /// [`Error::NoObject`] for one that does not exist or that the viewer has no key to.
    pub fn object(&self, number: u64, viewer: Option<&Login>) -> Result<Arc<Object>, Error> {
        Ok(Arc::clone(&self.entry(number, viewer)?.object))
    }

    /// Keeps a new object made of values from outside, and gives it its number.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] where it needs a user's keys; the store's.
    pub fn insert(&self, object: Object, owner: Option<&Login>) -> Result<Arc<Object>, Error> {
        let kept = self.insert_all(vec![object], owner, Making::of(Fact::of(Event::ObjectCreated)))?;
        kept.into_iter().next().ok_or_else(|| damaged("an object was not kept"))
    }

    /// Keeps new objects, all of them or none, and gives them their numbers.
    ///
    /// # Errors
    /// As [`Token::insert`]; [`Error::IdTaken`].
    pub fn insert_all(
        &self,
        mut objects: Vec<Object>,
        owner: Option<&Login>,
        making: Making<'_>,
    ) -> Result<Vec<Arc<Object>>, Error> {
        let meta = self.meta()?;
        let unique = if making.unique_ids { self.unique_ids(&objects, owner)? } else { UniqueIds::default() };
        let mut prepared = Vec::with_capacity(objects.len());
        for object in &mut objects {
            if let Some(owner) = owner {
                let asked = object.ownership.sharees;
                object.ownership.sharees = self.pairs_for(owner, asked)?;
                if object.ownership.sharees.as_numbers() != asked.as_numbers() {
                    return Err(self.unknown_sharee(&asked));
                }
            }
            prepared.push((self.tags(object, owner)?, self.trust(object, owner)?));
        }
        self.store.transact(&mut |transaction| {
            expect(transaction, &meta, owner)?;
            unique.expect(transaction)?;
            for (object, (tags, trust)) in objects.iter_mut().zip(&prepared) {
                let number = next_number(transaction)?;
                object.number = number;
                let trust = match trust {
                    true => Some(self.sign_trust(object, owner)?),
                    false => None,
                };
                expect_owner(object, owner)?;
                expect_sharees(transaction, &object.ownership.sharees)?;
                let record = self.seal(object, FIRST_REVISION, &meta, owner, trust)?;
                transaction.put(&layout::object(number), &record)?;
                for tag in tags {
                    transaction.put(&layout::tag(tag, number), b"")?;
                }
                self.record(transaction, owner, making.fact.object(number))?;
                for sharee in object.ownership.sharees.iter() {
                    self.record(transaction, owner, sharing(Event::KeyShared, sharee).object(number))?;
                }
            }
            Ok(())
        })?;
        let keep = |object| {
            let object = Arc::new(object);
            self.keep(Arc::clone(&object), FIRST_REVISION, UNSEEN, owner);
            object
        };
        Ok(objects.into_iter().map(keep).collect())
    }

    /// Replaces an object by what `change` makes of it, however often others change it meanwhile.
    ///
    /// # Errors
    /// What `change` says; [`Error::NoObject`].
    pub fn replace(
        &self,
        number: u64,
        owner: Option<&Login>,
        change: &mut dyn FnMut(&Object) -> Result<Object, Error>,
    ) -> Result<(), Error> {
        loop {
            let meta = self.meta()?;
            let old = self.entry(number, owner)?;
            let mut new = change(&old.object)?;
            if let Some(owner) = owner.filter(|owner| owner.user == new.ownership.owner) {
                new.ownership.sharees = self.pairs_for(owner, new.ownership.sharees)?;
            }
            // Whoever was deleted is left out of what is written, which is no unsharing.
            let shared_with = self.living(old.object.ownership.sharees)?;
            let (old_tags, new_tags) = (self.tags(&old.object, owner)?, self.tags(&new, owner)?);
            let revision = old.revision.wrapping_add(1);
            let mut conflict = false;
            self.store.transact(&mut |transaction| {
                conflict = false;
                expect(transaction, &meta, owner)?;
                let key = layout::object(number);
                let record = transaction.get(&key)?.ok_or(Error::NoObject(number))?;
                if Envelope::read(&record)?.revision != old.revision {
                    conflict = true;
                    return Ok(());
                }
                let record = match new.version == old.object.version {
                    true => seal::with_trust(&record, revision, self.trusted(&new, owner)?)?,
                    false => {
                        expect_owner(&new, owner)?;
                        match expect_sharees(transaction, &new.ownership.sharees) {
                            // Somebody was deleted since: the change is made of what there is now.
                            Err(Aborted::Body(error)) if matches!(*error, Error::NoSuchUser(_)) => {
                                conflict = true;
                                return Ok(());
                            }
                            other => other?,
                        }
                        let trust = match new.has(Flag::Trusted) {
                            true => seal::trust_of(&record)?,
                            false => None,
                        };
                        self.seal(&new, revision, &meta, owner, trust)?
                    }
                };
                transaction.put(&key, &record)?;
                for tag in old_tags.iter().filter(|tag| !new_tags.contains(tag)) {
                    transaction.delete(&layout::tag(tag, number))?;
                }
                for tag in new_tags.iter().filter(|tag| !old_tags.contains(tag)) {
                    transaction.put(&layout::tag(tag, number), b"")?;
                }
                let mut facts = changes_of(&old.object, &new, &shared_with).into_iter();
                facts.try_for_each(|fact| self.record(transaction, owner, fact.object(number)))
            })?;
            if !conflict {
                self.keep(Arc::new(new), revision, UNSEEN, owner);
                return Ok(());
            }
        }
    }

    /// Destroys this very object, not another that has its number in a token made anew.
    ///
    /// # Errors
    /// [`Error::NoObject`]; the store's.
    pub fn remove(&self, object: &Object, owner: Option<&Login>) -> Result<(), Error> {
        let number = object.number;
        loop {
            let meta = self.meta()?;
            let kept = self.entry(number, owner)?;
            if kept.object.unique_id != object.unique_id {
                return Err(Error::NoObject(number));
            }
            let tags = self.tags(&kept.object, owner)?;
            let mut conflict = false;
            self.store.transact(&mut |transaction| {
                expect(transaction, &meta, owner)?;
                let key = layout::object(number);
                let record = transaction.get(&key)?.ok_or(Error::NoObject(number))?;
                conflict = Envelope::read(&record)?.revision != kept.revision;
                if conflict {
                    return Ok(());
                }
                transaction.delete(&key)?;
                for tag in &tags {
                    transaction.delete(&layout::tag(tag, number))?;
                }
                self.record(transaction, owner, Fact::of(Event::ObjectDestroyed).object(number))
            })?;
            if !conflict {
                break;
            }
        }
        self.public.remove(number);
        if let Some(owner) = owner {
            owner.objects.remove(number);
        }
        Ok(())
    }

    /// The object as it is kept, compared with the store if anything changed there.
    pub(super) fn entry(&self, number: u64, viewer: Option<&Login>) -> Result<Arc<Cached>, Error> {
        let generation = self.store.generation();
        if let Some(kept) = self.kept(number, viewer)
            && kept.is_current(generation)
        {
            return Ok(kept);
        }
        // Numbers and revisions begin anew in a token that was made anew: what is kept of the old one says nothing.
        let meta = self.meta()?;
        let viewer = viewer.filter(|viewer| viewer.token == meta.id);
        let kept = self.kept(number, viewer);
        let Some(record) = self.store.get(&layout::object(number))? else {
            self.public.remove(number);
            if let Some(viewer) = viewer {
                viewer.objects.remove(number);
            }
            return Err(Error::NoObject(number));
        };
        let envelope = Envelope::read(&record)?;
        if let Some(kept) = kept
            && kept.revision == envelope.revision
        {
            kept.mark_current(generation);
            return Ok(kept);
        }
        let object = self.open_record(number, &envelope, viewer)?;
        Ok(self.keep(object, envelope.revision, generation, viewer))
    }

    /// What is kept of the object, if that is all the viewer may see of it: to nobody and to officers a public key has
    /// no value, to users it has one.
    fn kept(&self, number: u64, viewer: Option<&Login>) -> Option<Arc<Cached>> {
        let public = || {
            let user = viewer.is_some_and(|viewer| viewer.role == Role::User);
            self.public.get(number).filter(|kept| !(user && kept.object.lacks_value()))
        };
        viewer.and_then(|viewer| viewer.objects.get(number)).or_else(public)
    }

    pub(super) fn open_record(
        &self,
        number: u64,
        envelope: &Envelope<'_>,
        viewer: Option<&Login>,
    ) -> Result<Arc<Object>, Error> {
        let meta = self.meta()?;
        // An officer manages and never uses: nothing opens a value to one.
        let viewer = viewer.filter(|viewer| viewer.role == Role::User && viewer.meta == meta);
        let verifying_keys = |user| self.verifying_key(user);
        let pairs =
            |owner, sharee| viewer.map_or(Err(Error::NotLoggedIn), |viewer| self.pair_key(viewer, owner, sharee));
        let viewer = viewer.map(|viewer| Viewer { user: viewer.user, keys: &viewer.keys, pairs: &pairs });
        let opened = envelope.open(&meta.id, number, viewer.as_ref(), &meta.authority, &verifying_keys)?;
        let (Opened::Whole(object) | Opened::WithoutValue(object)) = opened;
        Ok(Arc::new(object))
    }

    /// The object's record. The keys with those it is shared with were made before.
    fn seal(
        &self,
        object: &Object,
        revision: u64,
        meta: &Meta,
        owner: Option<&Login>,
        trust: Option<[u8; 64]>,
    ) -> Result<Vec<u8>, Error> {
        let pairs = |user, sharee| owner.map_or(Err(Error::NotLoggedIn), |owner| self.pair_key(owner, user, sharee));
        let owner = owner.map(|owner| Viewer { user: owner.user, keys: &owner.keys, pairs: &pairs });
        seal::write(object, revision, &meta.id, owner.as_ref(), trust, &*self.random)
    }

    fn unknown_sharee(&self, sharees: &Sharees) -> Error {
        let unknown = sharees.iter().find_map(|sharee| self.expect_sharee(sharee).err());
        // All are there now: one was not when it counted.
        unknown.unwrap_or_else(|| Error::Busy("users were changed at the same time; try again".to_owned()))
    }

    /// Private objects and secret values are kept with the login, and are gone with it.
    fn keep(&self, object: Arc<Object>, revision: u64, generation: u64, viewer: Option<&Login>) -> Arc<Cached> {
        let number = object.number;
        let cached = Arc::new(Cached::new(object, revision, generation));
        match viewer {
            Some(viewer) if cached.object.is_confidential() => viewer.objects.insert(number, Arc::clone(&cached)),
            _ => self.public.insert(number, Arc::clone(&cached)),
        }
        cached
    }

    /// Whether a new object is to be trusted: only an officer's is.
    fn trust(&self, object: &Object, owner: Option<&Login>) -> Result<bool, Error> {
        let officer = owner.is_some_and(|owner| owner.role == Role::Officer);
        match object.has(Flag::Trusted) {
            true if !officer => Err(Error::NotLoggedIn),
            trusted => Ok(trusted),
        }
    }

    fn trusted(&self, object: &Object, officer: Option<&Login>) -> Result<Option<[u8; 64]>, Error> {
        match object.has(Flag::Trusted) {
            true => self.sign_trust(object, officer).map(Some),
            false => Ok(None),
        }
    }

    fn sign_trust(&self, object: &Object, officer: Option<&Login>) -> Result<[u8; 64], Error> {
        let officer = officer.ok_or(Error::NotLoggedIn)?;
        let (number, owner) = (object.number, object.ownership.owner);
        let statement = seal::trust_statement(&officer.token, number, owner, &seal::commitment(object)?);
        officer.keys.sign_as_authority(&[&statement])
    }
}

const FIRST_REVISION: u64 = 1;

/// Nothing is written into a token that was made anew since `meta` was read, nor for a user who was deleted since the
/// login.
pub(super) fn expect(transaction: &mut dyn Transaction, meta: &Meta, login: Option<&Login>) -> Result<(), Aborted> {
    let record = transaction.get(layout::META)?.ok_or(Error::TokenDeleted)?;
    if *record != *meta.record {
        return Err(Error::NotLoggedIn.into());
    }
    let Some(login) = login else { return Ok(()) };
    let user = transaction.get(&layout::user(login.user))?.map(|record| User::decode(&record)).transpose()?;
    let same = *login.meta == *meta && user.is_some_and(|user| login.is_of(&user));
    if same { Ok(()) } else { Err(Error::NotLoggedIn.into()) }
}

/// As [`expect`], for what an officer does in the token of the login.
pub(super) fn expect_login(transaction: &mut dyn Transaction, login: &Login) -> Result<(), Aborted> {
    expect(transaction, &login.meta, Some(login))
}

/// An object is sealed and signed by its owner, or nobody's.
fn expect_owner(object: &Object, login: Option<&Login>) -> Result<(), Error> {
    let owner = object.ownership.owner;
    let own = owner == UserId::NOBODY || login.is_some_and(|login| login.user == owner);
    if own { Ok(()) } else { Err(Error::NotLoggedIn) }
}

/// What became of an object: a change of trust alone is no new version of it. `shared_with` are those of its sharees
/// who still existed.
fn changes_of(old: &Object, new: &Object, shared_with: &Sharees) -> Vec<Fact<'static>> {
    if new.version == old.version {
        let trusted = new.has(Flag::Trusted);
        return vec![Fact::of(if trusted { Event::TrustGiven } else { Event::TrustTaken })];
    }
    let after = &new.ownership.sharees;
    let joined = after.iter().filter(|user| !shared_with.contains(*user)).map(|user| sharing(Event::KeyShared, user));
    let left = shared_with.iter().filter(|user| !after.contains(*user)).map(|user| sharing(Event::KeyUnshared, user));
    let facts: Vec<_> = joined.chain(left).collect();
    if facts.is_empty() { vec![Fact::of(Event::ObjectChanged)] } else { facts }
}

fn sharing(event: Event, user: UserId) -> Fact<'static> {
    Fact::of(event).second(user.0.into())
}

fn next_number(transaction: &mut dyn Transaction) -> Result<u64, Aborted> {
    let record = transaction.get(layout::NEXT_OBJECT)?.ok_or_else(|| damaged("there is no object counter"))?;
    let number = record.try_into().map(u64::from_le_bytes).map_err(|_| damaged("the object counter is too short"))?;
    if number == 0 || transaction.get(&layout::object(number))?.is_some() {
        return Err(damaged("the object counter was set back").into());
    }
    if number > OBJECT_NUMBER_MAX {
        return Err(Error::TokenFull("the token has given all its object numbers".to_owned()).into());
    }
    transaction.put(layout::NEXT_OBJECT, &(number + 1).to_le_bytes())?;
    Ok(number)
}
