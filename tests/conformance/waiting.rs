//! What one session does for long, no other waits for. A call that waits for a lock gives up its processor, which the
//! system counts; so a wait is told from a processor that others use, and a busy machine fails no test.

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::*;

use crate::again::pair;
use crate::module::Token;
use crate::parameters::{Mechanism, Parameter, plain};
use crate::session::{Session, Work};
use crate::template::{flag, key_template, number, with};

/// A wait that nobody would notice; the search for the primes takes some hundred times as long.
const WAIT_MAX: Duration = Duration::from_millis(5);
/// The system itself may make a thread wait once.
const ATTEMPTS: usize = 3;

#[test]
fn nobody_waits_for_the_primes_of_another_session() {
    let token = Token::new();
    let (generating, session) = (token.user(), token.read_write());
    let key = with(&key_template(CKK_AES, &[5; 32]), &[flag(CKA_ENCRYPT, true)]);
    let key = session.create(&key).unwrap();
    let mut longest = Duration::MAX;
    for _ in 0..ATTEMPTS {
        let is_over = AtomicBool::new(false);
        let watched = thread::scope(|scope| {
            scope.spawn(|| {
                let public = [number(CKA_MODULUS_BITS, 4096), flag(CKA_VERIFY, true)];
                pair(generating, CKM_RSA_PKCS_KEY_PAIR_GEN, &public);
                is_over.store(true, Ordering::Release);
            });
            watch(&token, session, generating, key, &is_over)
        });
        println!("{} calls, the longest wait {:?}", watched.calls, watched.longest_wait);
        assert!(watched.calls > 1000, "{} calls while the primes were looked for", watched.calls);
        longest = longest.min(watched.longest_wait);
        if longest <= WAIT_MAX {
            return;
        }
    }
    panic!("a call waited for {longest:?}");
}

struct Watched {
    calls: u64,
    longest_wait: Duration,
}

/// Makes calls of several kinds in turn, some of them about the very session that is at work, until it is over.
fn watch(token: &Token, session: Session, generating: Session, key: u64, is_over: &AtomicBool) -> Watched {
    let (data, aad) = ([1; 1024], Vec::new());
    let gcm = Mechanism { id: CKM_AES_GCM, parameter: Parameter::Gcm { iv: vec![3; 12], aad, tag_bits: 128 } };
    let encrypt = || {
        session.begin(Work::Encrypt, &gcm, key).unwrap();
        session.whole(Work::Encrypt, &data).unwrap();
    };
    let digest_in = |session: Session| {
        session.begin(Work::Digest, &plain(CKM_SHA256), 0).unwrap();
        session.whole(Work::Digest, &data).unwrap();
    };
    let (digest, digest_within_it) = (|| digest_in(session), || digest_in(generating));
    let random = || call!(C_GenerateRandom(session.0, [0; 32].as_mut_ptr(), 32)).unwrap();
    let find = || drop(session.find(&[number(CKA_CLASS, CKO_SECRET_KEY)]));
    let open = || {
        let mut opened = 0;
        let flags = CKF_SERIAL_SESSION;
        call!(C_OpenSession(token.slot, flags, ptr::null_mut(), None, &mut opened)).unwrap();
        call!(C_CloseSession(opened)).unwrap();
    };
    let about_it = || _ = generating.info().unwrap();
    let make = || session.destroy(session.create(&key_template(CKK_AES, &[6; 32])).unwrap()).unwrap();
    let kinds: [&dyn Fn(); 8] = [&encrypt, &digest, &random, &find, &open, &about_it, &digest_within_it, &make];
    let mut watched = Watched { calls: 0, longest_wait: Duration::ZERO };
    for call in kinds.iter().cycle() {
        if is_over.load(Ordering::Acquire) {
            break;
        }
        let (given_up, start) = (given_up(), Instant::now());
        call();
        let elapsed = start.elapsed();
        if self::given_up() != given_up {
            watched.longest_wait = watched.longest_wait.max(elapsed);
        }
        watched.calls += 1;
    }
    watched
}

/// How many times this thread has given up its processor by itself.
fn given_up() -> libc::c_long {
    unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
        usage.ru_nvcsw
    }
}
