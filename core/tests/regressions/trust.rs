//! What the officer's trust in an object (`CKA_TRUSTED`) is tied to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cryptoki_sys::*;
use strongroom_core::attribute::{Flag, Template};
use strongroom_core::error::Error;
use strongroom_core::object::birth::{Maker, create as born};
use strongroom_core::object::{Object, Ownership, UserId, change};
use strongroom_core::policy::Policy;
use strongroom_core::seal::Role;
use strongroom_core::store::Store;
use strongroom_core::token::{Credential, Login, Token, layout};
use strongroom_crypto::random::{Source, System};

use super::fixture::*;

/// Promise: trust is in an object of its owner's. Another user who has the files and makes the same object, with the
/// same number and unique id, but of his own, and takes the officer's signature along, is not trusted.
#[test]
fn trust_does_not_pass_to_another_owner() {
    for entries in [certificate_entries(), key_entries()] {
        let shared = store(&records());
        let token = token(Arc::clone(&shared)).unwrap();
        let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
        let user = login(&token, None, USER_PIN);
        let other = login(&token, Some(OTHER.as_bytes()), OTHER_PIN);
        let counter = shared.get(layout::NEXT_OBJECT).unwrap().unwrap();
        let entries = entries.each_ref().map(|(attribute, value)| (*attribute, &value[..]));
        let entries = template(&entries);

        let number = token.insert(object(&entries, Some(&user)), Some(&user)).unwrap().number;
        trust(&token, &officer, number);
        assert!(token.object(number, Some(&user)).unwrap().has(Flag::Trusted));
        let record = shared.get(&layout::object(number)).unwrap().unwrap();
        let signature = record[TRUST].to_vec();

        for maker in [Some(&user), Some(&other), None] {
            // No key is nobody's.
            if maker.is_none() && token.object(number, Some(&user)).unwrap().kind.is_key() {
                continue;
            }
            put(&*shared, layout::NEXT_OBJECT, Some(&counter));
            put(&*shared, &layout::object(number), None);
            let made = token.insert(object(&entries, maker), maker).unwrap();
            assert_eq!(made.number, number);
            let bare = shared.get(&layout::object(number)).unwrap().unwrap();
            let forged = [&bare[..9], &[1], &signature, &bare[10..]].concat();
            put(&*shared, &layout::object(number), Some(&forged));
            let fresh = Token::open(Arc::clone(&shared), Arc::new(System), settings()).unwrap();
            let viewer = login(&fresh, None, USER_PIN);
            for viewer in [Some(&viewer), None] {
                let seen = fresh.object(number, viewer).unwrap();
                assert_eq!(seen.unique_id, made.unique_id);
                // The first user's is the very object the officer trusts.
                assert_eq!(seen.has(Flag::Trusted), seen.ownership.owner == user.user, "{:?}", seen.ownership.owner);
            }
        }
    }
}

fn certificate_entries() -> [(u64, Vec<u8>); 6] {
    let [class, kind] = [CKO_CERTIFICATE, CKC_X_509].map(|number| number.to_ne_bytes().to_vec());
    let (subject, value) = (b"the subject".to_vec(), b"the certificate".to_vec());
    [
        (CKA_CLASS, class),
        (CKA_CERTIFICATE_TYPE, kind),
        (CKA_SUBJECT, subject),
        (CKA_VALUE, value),
        (CKA_TOKEN, TRUE.to_vec()),
        (CKA_PRIVATE, FALSE.to_vec()),
    ]
}

fn key_entries() -> [(u64, Vec<u8>); 6] {
    let [class, kind] = [CKO_SECRET_KEY, CKK_AES].map(|number| number.to_ne_bytes().to_vec());
    let (value, label) = (SECRETS[0].to_vec(), b"wrapping key".to_vec());
    [
        (CKA_CLASS, class),
        (CKA_KEY_TYPE, kind),
        (CKA_VALUE, value),
        (CKA_LABEL, label),
        (CKA_TOKEN, TRUE.to_vec()),
        (CKA_PRIVATE, FALSE.to_vec()),
    ]
}

fn object(entries: &Template<'_>, maker: Option<&Login>) -> Object {
    /// Gives each object the same unique id.
    struct Same(AtomicU64);
    impl Source for Same {
        fn fill(&self, out: &mut [u8]) -> Result<(), strongroom_crypto::Error> {
            out.fill(self.0.fetch_add(1, Ordering::Relaxed) as u8);
            Ok(())
        }
    }
    let owner = maker.map_or(UserId::NOBODY, |login| login.user);
    let ownership = Ownership::of(owner);
    let random = Same(AtomicU64::new(1));
    born(
        entries,
        &Maker { ownership, officer: false, session: 1, logouts: 0, policy: Policy::Standard, random: &random },
    )
    .unwrap()
}

fn trust(token: &Token, officer: &Login, number: u64) {
    let trusted = token.replace(number, Some(officer), &mut |object| {
        // The same in all but trust.
        let mut changed = change::set(object, &template(&[]), true)?;
        changed.version = object.version;
        changed.flags.set(Flag::Trusted, true);
        Ok(changed)
    });
    trusted.unwrap();
}

fn put(store: &dyn Store, key: &[u8], value: Option<&[u8]>) {
    let done = store.transact(&mut |transaction| match value {
        Some(value) => Ok(transaction.put(key, value)?),
        None => Ok(transaction.delete(key)?),
    });
    done.unwrap();
}

/// Nobody's record is signed by nobody: whoever writes to the files could put one of a public key in place of a user's.
#[test]
fn a_users_public_key_is_not_replaced_by_one_that_nobody_owns() {
    let shared = store(&records());
    let token = token(Arc::clone(&shared)).unwrap();
    let user = login(&token, None, USER_PIN);
    let counter = shared.get(layout::NEXT_OBJECT).unwrap().unwrap();
    let make = |modulus: u8, owner: Option<&Login>| {
        let [class, key_type] = [CKO_PUBLIC_KEY, CKK_RSA].map(|number| number.to_ne_bytes());
        let modulus = [modulus; 256];
        let entries: [(u64, &[u8]); 6] = [
            (CKA_CLASS, &class),
            (CKA_KEY_TYPE, &key_type),
            (CKA_MODULUS, &modulus),
            (CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
            (CKA_TOKEN, TRUE),
            (CKA_PRIVATE, FALSE),
        ];
        token.insert(object(&template(&entries), owner), owner).unwrap().number
    };
    let number = make(0xf1, Some(&user));
    // What somebody with the files and no PIN can do.
    put(&*shared, layout::NEXT_OBJECT, Some(&counter));
    put(&*shared, &layout::object(number), None);
    assert_eq!(make(0xe3, None), number);
    let fresh = Token::open(Arc::clone(&shared), Arc::new(System), settings()).unwrap();
    let user = login(&fresh, None, USER_PIN);
    assert!(matches!(fresh.object(number, Some(&user)), Err(Error::Damaged(_))));
}

fn login(token: &Token, name: Option<&[u8]>, pin: &[u8]) -> Login {
    token.login(Credential { role: Role::User, name, pin }).unwrap()
}

/// Where a trusted object's record has the signature.
const TRUST: std::ops::Range<usize> = 10..74;
