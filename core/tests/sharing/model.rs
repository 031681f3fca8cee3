//! Quorum and sharing against a model: any order of requests, approvals, uses, sharings and time, by three users in
//! processes of their own, is answered as a few lines of rules say.

use std::collections::BTreeSet;

use strongroom_core::access::Service;
use strongroom_core::attribute::{CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS};
use strongroom_core::error::Error;
use strongroom_core::object::UserId;
use strongroom_core::token::quorum::{APPROVABLE_SECONDS, QuorumToken, USABLE_SECONDS};

use crate::*;

const PEOPLE: [(&str, UserId); 3] = [("alice", ALICE), ("bob", BOB), ("carol", CAROL)];
const OWNER: usize = 0;

/// Numbers that are the same in each run, and look like any (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        for (left, by) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << by } else { self.0 >> by };
        }
        (self.0 % end as u64) as usize
    }
}

/// What the model knows of a quorum token.
struct Asked {
    token: QuorumToken,
    by: usize,
    key: usize,
    service: Service,
    /// Seconds since it was issued.
    age: u64,
    approved: BTreeSet<usize>,
    is_there: bool,
}

struct Key {
    handle: u64,
    needed: [u8; 2],
    /// The owner among them.
    users: BTreeSet<usize>,
}

struct Game {
    world: World,
    desks: Vec<Desk>,
    keys: Vec<Key>,
    asked: Vec<Asked>,
}

/// What should come of something, in the model's words and in the core's.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Missing(u8, u8),
    Refused,
}

fn outcome<T>(result: Result<T, Error>) -> Outcome {
    match result {
        Ok(_) => Outcome::Done,
        Err(Error::ApprovalsMissing { needed, given }) => Outcome::Missing(needed, given),
        Err(Error::NoObject(_) | Error::NoKey(_) | Error::Approval(_) | Error::NotOwner | Error::Prohibited(_)) => {
            Outcome::Refused
        }
        Err(error) => panic!("{error:?}"),
    }
}

impl Game {
    fn new(keys: &[[u8; 2]]) -> Game {
        let world = World::new();
        let desks: Vec<Desk> = PEOPLE.iter().map(|(name, _)| world.desk(name)).collect();
        desks.iter().for_each(Desk::register);
        let key = |needed: &[u8; 2]| {
            let [used, managed] = needed.map(|needed| u64::from(needed).to_ne_bytes());
            let with = numbers(&[BOB, CAROL]);
            let more = [
                (CKA_SR_SHARED_WITH, &with[..]),
                (CKA_SR_USE_APPROVALS, &used),
                (CKA_SR_MANAGEMENT_APPROVALS, &managed),
            ];
            Key { handle: desks[OWNER].mac_key(&more), needed: *needed, users: (0..PEOPLE.len()).collect() }
        };
        let keys = keys.iter().map(key).collect();
        Game { world, desks, keys, asked: Vec::new() }
    }

    fn needed(&self, key: usize, service: Service) -> u8 {
        self.keys[key].needed[usize::from(service == Service::ManageKey)]
    }

    /// The rule: the oldest token of this user for this key and service that enough of the key's users approved is
    /// taken.
    fn take(&mut self, by: usize, key: usize, service: Service) -> Outcome {
        let needed = self.needed(key, service);
        if needed == 0 {
            return Outcome::Done;
        }
        let users = self.keys[key].users.clone();
        let mut most = 0;
        let of_this = |asked: &&mut Asked| {
            asked.is_there && (asked.by, asked.key, asked.service) == (by, key, service) && asked.age < USABLE_SECONDS
        };
        for asked in self.asked.iter_mut().filter(of_this) {
            let given = asked.approved.intersection(&users).count() as u8;
            if given >= needed {
                asked.is_there = false;
                return Outcome::Done;
            }
            most = most.max(given);
        }
        Outcome::Missing(needed, most)
    }

    fn ask(&mut self, by: usize, key: usize, service: Service) -> (Outcome, Outcome) {
        let desk = &self.desks[by];
        let made = desk.token().request_approval(&desk.login(), service, Some(self.keys[key].handle));
        let may = self.keys[key].users.contains(&by) && self.needed(key, service) > 0;
        let expected = if may { Outcome::Done } else { Outcome::Refused };
        let got = match made {
            Ok(token) => {
                let approved = BTreeSet::new();
                self.asked.push(Asked { token, by, key, service, age: 0, approved, is_there: true });
                Outcome::Done
            }
            Err(error) => outcome::<()>(Err(error)),
        };
        (got, expected)
    }

    /// These users' signatures of a token, also of one that is gone, brought by any user: all good ones, or none.
    fn approve(&mut self, at: usize, by: usize, approvers: &BTreeSet<usize>) -> (Outcome, Outcome) {
        let names: Vec<&str> = approvers.iter().map(|user| PEOPLE[*user].0).collect();
        let got = outcome(self.desks[by].bring(&self.asked[at].token, &names));
        let users = self.keys[self.asked[at].key].users.clone();
        let asked = &mut self.asked[at];
        let good = asked.is_there && asked.by == by && asked.age < APPROVABLE_SECONDS && approvers.is_subset(&users);
        if good {
            asked.approved.extend(approvers);
        }
        (got, if good { Outcome::Done } else { Outcome::Refused })
    }

    fn use_key(&mut self, by: usize, key: usize) -> (Outcome, Outcome) {
        let got = outcome(self.desks[by].mac(self.keys[key].handle));
        let expected = match self.keys[key].users.contains(&by) {
            true => self.take(by, key, Service::UseKey),
            false => Outcome::Refused,
        };
        (got, expected)
    }

    /// Ends the sharing with a user, or begins it again.
    fn turn(&mut self, by: usize, key: usize, with: usize) -> (Outcome, Outcome) {
        let Key { handle, needed, users } = &self.keys[key];
        let (session, user) = (&self.desks[by].session, PEOPLE[with].1);
        let (ends, left) = (users.contains(&with), users.len() - 1);
        let got = outcome(if ends { session.unshare(*handle, user) } else { session.share(*handle, user) });
        let refused = by != OWNER || (ends && left < usize::from(needed[0].max(needed[1])));
        let expected = if refused { Outcome::Refused } else { self.take(by, key, Service::ManageKey) };
        if expected == Outcome::Done {
            let users = &mut self.keys[key].users;
            if ends { assert!(users.remove(&with)) } else { assert!(users.insert(with)) }
        }
        (got, expected)
    }

    fn step(&mut self, dice: &mut Dice) -> (String, (Outcome, Outcome)) {
        let (by, key) = (dice.below(PEOPLE.len()), dice.below(self.keys.len()));
        let service = [Service::UseKey, Service::ManageKey][dice.below(2)];
        match dice.below(16) {
            0..3 => (format!("{by} asks for {service:?} of {key}"), self.ask(by, key, service)),
            3..8 if !self.asked.is_empty() => {
                // Mostly a late one, and mostly brought by the right user.
                let at = self.asked.len() - 1 - dice.below(self.asked.len().min(6));
                let by = if dice.below(8) == 0 { by } else { self.asked[at].by };
                let approvers = (0..PEOPLE.len()).filter(|_| dice.below(4) > 0).collect();
                (format!("{by} brings {approvers:?} for token {at}"), self.approve(at, by, &approvers))
            }
            8..13 => (format!("{by} uses {key}"), self.use_key(by, key)),
            13 => {
                let (by, with) = (if dice.below(6) == 0 { by } else { OWNER }, 1 + dice.below(PEOPLE.len() - 1));
                (format!("{by} shares or unshares {key} with {with}"), self.turn(by, key, with))
            }
            14 => {
                let seconds = [60, 299, APPROVABLE_SECONDS][dice.below(3)];
                self.world.clock.pass(seconds);
                self.asked.iter_mut().for_each(|asked| asked.age += seconds);
                (format!("{seconds} s pass"), (Outcome::Done, Outcome::Done))
            }
            _ => {
                let desk = &self.desks[by];
                let got = outcome(desk.token().delete_quorum_tokens(&desk.login(), None, false));
                self.asked.iter_mut().filter(|asked| asked.by == by).for_each(|asked| asked.is_there = false);
                (format!("{by} deletes the tokens"), (got, Outcome::Done))
            }
        }
    }
}

/// Promise: whatever the order, each call is answered as the rules say, and no use happens that the rules do not allow.
#[test]
fn any_order_is_answered_as_the_rules_say() {
    let mut uses = 0;
    for seed in 1..=16_u64 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ seed);
        let mut game = Game::new(&[[2, 0], [1, 2], [3, 3]]);
        let mut past = Vec::new();
        for _ in 0..400 {
            let (what, (got, expected)) = game.step(&mut dice);
            uses += usize::from(what.contains("uses") && got == Outcome::Done);
            past.push(format!("{what}: {got:?}"));
            assert_eq!(got, expected, "seed {seed}:\n{}", past.join("\n"));
        }
    }
    assert!(uses > 100, "{uses} uses show little");
}
