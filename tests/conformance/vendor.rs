//! The interface "Strongroom" and the attributes of its own: users, sharing, approvals, the last error's words.

mod last_error;
mod quorum;
mod sharing;
mod users;

use std::ffi::CStr;
use std::ptr;
use std::sync::OnceLock;

use cryptoki_sys::*;
use strongroom::{SR_FUNCTION_LIST, SR_QUORUM_FILE_BYTES, SR_QUORUM_TOKEN_INFO, SR_ROLE_USER, SR_USER_INFO};
use strongroom_core::attribute::*;

use crate::module::{Outcome, SO_PIN, Token};
use crate::pairs::{Pair, rsa_pair};
use crate::parameters::plain;
use crate::session::Session;
use crate::template::{Entry, flag, number, numbers};

/// Calls a function of the module's list "Strongroom".
macro_rules! vendor {
    ($name:ident($($argument:expr),* $(,)?)) => {
        crate::module::outcome(unsafe { (crate::vendor::functions().$name)($($argument),*) })
    };
}
use vendor;

/// The list "Strongroom" of the module.
fn functions() -> &'static SR_FUNCTION_LIST {
    static LIST: OnceLock<&'static SR_FUNCTION_LIST> = OnceLock::new();
    LIST.get_or_init(|| {
        let mut found: *mut CK_INTERFACE = ptr::null_mut();
        let mut name = *b"Strongroom\0";
        call!(C_GetInterface(name.as_mut_ptr(), ptr::null_mut(), &mut found, 0)).unwrap();
        unsafe {
            assert_eq!(CStr::from_ptr((*found).pInterfaceName.cast()), c"Strongroom");
            &*(*found).pFunctionList.cast::<SR_FUNCTION_LIST>()
        }
    })
}

fn pair(bytes: &[u8]) -> (*mut u8, CK_ULONG) {
    (bytes.as_ptr().cast_mut(), bytes.len() as CK_ULONG)
}

/// Fills a list the way the standard advises: its length first.
fn listed<T: Copy>(list: impl Fn(*mut T, *mut CK_ULONG) -> Outcome) -> Outcome<Vec<T>> {
    let mut count = 0;
    list(ptr::null_mut(), &mut count)?;
    let mut places = vec![0u8; count as usize * size_of::<T>()];
    list(places.as_mut_ptr().cast(), &mut count)?;
    let start = places.as_ptr().cast::<T>();
    Ok((0..count as usize).map(|at| unsafe { start.add(at).read_unaligned() }).collect())
}

impl Session {
    fn users(self) -> Outcome<Vec<SR_USER_INFO>> {
        listed(|start, count| vendor!(SR_ListUsers(self.0, start, count)))
    }

    fn create_user(self, role: CK_ULONG, name: &[u8], pin: &[u8]) -> Outcome<CK_ULONG> {
        let ((name, name_len), (pin, pin_len), mut user) = (pair(name), pair(pin), 0);
        vendor!(SR_CreateUser(self.0, role, name, name_len, pin, pin_len, &mut user)).map(|()| user)
    }

    fn delete_user(self, user: CK_ULONG) -> Outcome {
        vendor!(SR_DeleteUser(self.0, user))
    }

    fn set_user_pin(self, user: CK_ULONG, pin: &[u8]) -> Outcome {
        let (pin, len) = pair(pin);
        vendor!(SR_SetUserPIN(self.0, user, pin, len))
    }

    fn share(self, key: CK_OBJECT_HANDLE, user: CK_ULONG) -> Outcome {
        vendor!(SR_ShareKey(self.0, key, user))
    }

    fn unshare(self, key: CK_OBJECT_HANDLE, user: CK_ULONG) -> Outcome {
        vendor!(SR_UnshareKey(self.0, key, user))
    }

    fn set_trusted(self, object: CK_OBJECT_HANDLE, trusted: CK_BBOOL) -> Outcome {
        vendor!(SR_SetTrusted(self.0, object, trusted))
    }

    fn register(self, user: CK_ULONG, key: &[u8], challenge: &[u8], signature: &[u8]) -> Outcome {
        let ((key, key_len), (challenge, challenge_len)) = (pair(key), pair(challenge));
        let (signature, len) = pair(signature);
        vendor!(SR_RegisterApprover(self.0, user, key, key_len, challenge, challenge_len, signature, len))
    }

    fn request(self, service: CK_ULONG, key: CK_OBJECT_HANDLE) -> Outcome<Vec<u8>> {
        let mut file = vec![0; SR_QUORUM_FILE_BYTES];
        let mut len = file.len() as CK_ULONG;
        vendor!(SR_RequestApproval(self.0, service, key, file.as_mut_ptr(), &mut len))?;
        assert_eq!(len, SR_QUORUM_FILE_BYTES as CK_ULONG);
        Ok(file)
    }

    /// How many approvals are missing after this one.
    fn approve(self, file: &[u8], user: CK_ULONG, signature: &[u8]) -> Outcome<CK_ULONG> {
        let ((file, file_len), (signature, len), mut missing) = (pair(file), pair(signature), 99);
        vendor!(SR_Approve(self.0, file, file_len, user, signature, len, &mut missing)).map(|()| missing)
    }

    fn quorum_tokens(self) -> Outcome<Vec<SR_QUORUM_TOKEN_INFO>> {
        listed(|start, count| vendor!(SR_ListQuorumTokens(self.0, start, count)))
    }

    fn delete_quorum_token(self, token: CK_ULONG) -> Outcome {
        vendor!(SR_DeleteQuorumToken(self.0, token))
    }

    fn quorum_value(self, service: CK_ULONG) -> Outcome<CK_ULONG> {
        let mut value = 99;
        vendor!(SR_GetQuorumValue(self.0, service, &mut value)).map(|()| value)
    }

    fn set_quorum_value(self, service: CK_ULONG, value: CK_ULONG) -> Outcome {
        vendor!(SR_SetQuorumValue(self.0, service, value))
    }
}

const PIN: &[u8] = b"the users' PIN";
const NAMES: [&str; 3] = ["alice", "bob", "carol"];

/// A token with three users.
struct Team {
    token: Token,
    users: [CK_ULONG; 3],
}

impl Team {
    fn new() -> Team {
        let token = Token::without_user();
        let officer = token.officer();
        let users = NAMES.map(|name| officer.create_user(SR_ROLE_USER, name.as_bytes(), PIN).unwrap());
        officer.close().unwrap();
        Team { token, users }
    }

    /// A session of one of the three, who takes the place of whoever was logged in.
    fn user(&self, which: usize) -> Session {
        self.token.close_all();
        let session = self.token.read_write();
        session.login_user(CKU_USER, PIN, NAMES[which].as_bytes()).unwrap();
        session
    }

    fn officer(&self) -> Session {
        self.token.close_all();
        let session = self.token.read_write();
        session.login(CKU_SO, SO_PIN).unwrap();
        session
    }
}

/// What signs approvals, on another token: nobody's login there ends with one on the token under test.
struct Approvers {
    _token: Token,
    session: Session,
    pairs: Vec<Pair>,
}

impl Approvers {
    fn new(count: usize) -> Approvers {
        let token = Token::new();
        let session = token.user();
        let pairs = (0..count).map(|_| rsa_pair(session, &[])).collect();
        Approvers { _token: token, session, pairs }
    }

    fn public_key(&self, which: usize) -> Vec<u8> {
        self.session.get(self.pairs[which].public, CKA_PUBLIC_KEY_INFO).unwrap()
    }

    fn sign(&self, which: usize, data: &[u8]) -> Vec<u8> {
        self.session.sign(&plain(CKM_SHA256_RSA_PKCS), self.pairs[which].private, data).unwrap()
    }

    /// Registers the keys of the first users of the team, by an officer.
    fn register(&self, team: &Team) {
        let officer = team.officer();
        for (which, user) in team.users.into_iter().enumerate().take(self.pairs.len()) {
            officer.register(user, &self.public_key(which), b"challenge", &self.sign(which, b"challenge")).unwrap();
        }
    }

    /// An approved token for the next operation.
    fn approve(&self, team: &Team, session: Session, service: CK_ULONG, key: CK_OBJECT_HANDLE) {
        let file = session.request(service, key).unwrap();
        for which in 0..self.pairs.len() {
            session.approve(&file, team.users[which], &self.sign(which, &file)).unwrap();
        }
    }
}

/// The template of a key of the token that the others may be given.
fn kept(more: &[Entry]) -> Vec<Entry> {
    [flag(CKA_TOKEN, true), flag(CKA_PRIVATE, true)].iter().chain(more).cloned().collect()
}

/// An AES key of the token.
fn aes_key(session: Session, more: &[Entry]) -> Outcome<CK_OBJECT_HANDLE> {
    let length = [number(CKA_VALUE_LEN, 32)];
    session.generate(&plain(CKM_AES_KEY_GEN), &kept(&[&length, more].concat()))
}

/// Shared with these users, and each use approved by two.
fn quorum_of_two(users: &[CK_ULONG]) -> [Entry; 3] {
    [numbers(CKA_SR_SHARED_WITH, users), number(CKA_SR_USE_APPROVALS, 2), number(CKA_SR_MANAGEMENT_APPROVALS, 2)]
}
