//! Several threads at once: how short operations scale, each thread with its own session, and whether one session's
//! durable writes, or the search for the primes of its RSA pair, hold up another's encryption.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::{CK_OBJECT_HANDLE, CKK_AES, CKM_AES_KEY_GEN};

use super::cipher::{Cipher, KIB, OVERHEAD_MAX_BYTES, Vector, proven_key};
use super::hash::{Hash, Mac, proven_digest, proven_mac};
use super::{AES_KEY, Bench, MAC_KEY, Row, Unit, keygen, message};
use crate::limit::{GcmKey, HmacKey, pairs, sha256};
use crate::measure::{Probe, Problem, Record, Trial, nanoseconds};
use crate::module::{CallError, Mechanism, Session};
use crate::pair::Kind;
use crate::template::{Place, Template};
use crate::token::Token;

pub(super) fn benches(thread_counts: &[usize]) -> Vec<Bench> {
    let mut benches = Vec::new();
    if !thread_counts.is_empty() {
        benches.push(scaling("gcm.1k", thread_counts, gcm).with_limit(limit_of(thread_counts, gcm_limit)));
        benches.push(scaling("digest.1k", thread_counts, digest).with_limit(limit_of(thread_counts, digest_limit)));
        benches.push(scaling("hmac.64", thread_counts, hmac).with_limit(limit_of(thread_counts, hmac_limit)));
        benches.push(scaling("keygen.session", thread_counts, keygen_in_session));
    }
    benches.push(head_of_line());
    benches.push(beside_a_pair());
    benches
}

/// The operation of one thread, made by that thread.
type Worker = Box<dyn FnMut() -> Result<(), CallError>>;
/// Makes the operation of a thread.
type MakeWorker = Box<dyn Fn() -> Result<Worker, CallError> + Sync>;
/// A maker of operations together with the session that owns the key they share.
type Work = (MakeWorker, Option<Session>);

fn gcm(token: &Token) -> Result<Work, Problem> {
    let (owner, key) = proven_key(token, Cipher::Gcm, KIB, Place::Session)?;
    let (module, slot) = (token.module, token.slot);
    let make = move || Ok(gcm_worker(module.open_session(slot)?, key));
    Ok((Box::new(make), Some(owner)))
}

fn gcm_worker(session: Session, key: CK_OBJECT_HANDLE) -> Worker {
    let (data, mut output, mut vector) = (message(KIB), vec![0; KIB + OVERHEAD_MAX_BYTES], Vector::new());
    Box::new(move || session.encrypt(Mechanism::Gcm(vector.advance()), key, &data, &mut output).map(drop))
}

fn gcm_limit() -> Worker {
    let (key, data) = (GcmKey::new(&AES_KEY), message(KIB));
    let (mut output, mut vector) = (vec![0; KIB + OVERHEAD_MAX_BYTES], Vector::new());
    Box::new(move || {
        key.seal(vector.advance(), &data, &mut output);
        Ok(())
    })
}

fn digest(token: &Token) -> Result<Work, Problem> {
    proven_digest(token, Hash::Sha256, KIB)?;
    let (module, slot) = (token.module, token.slot);
    let make = move || -> Result<Worker, CallError> {
        let (session, data, mut output) = (module.open_session(slot)?, message(KIB), [0; 32]);
        Ok(Box::new(move || session.digest(Hash::Sha256.mechanism(), &data, &mut output).map(drop)))
    };
    Ok((Box::new(make), None))
}

fn digest_limit() -> Worker {
    let (data, mut output) = (message(KIB), [0; 32]);
    Box::new(move || {
        sha256(&data, &mut output);
        Ok(())
    })
}

fn hmac(token: &Token) -> Result<Work, Problem> {
    let (owner, key) = proven_mac(token, Mac::HmacSha256, HMAC_BYTES)?;
    let (module, slot) = (token.module, token.slot);
    let make = move || -> Result<Worker, CallError> {
        let (session, data, mut output) = (module.open_session(slot)?, message(HMAC_BYTES), [0; 32]);
        let mechanism = Mechanism::Plain(Mac::HmacSha256.mechanism());
        Ok(Box::new(move || session.sign(mechanism, key, &data, &mut output).map(drop)))
    };
    Ok((Box::new(make), Some(owner)))
}

fn hmac_limit() -> Worker {
    let (mut key, data, mut output) = (HmacKey::new(&MAC_KEY), message(HMAC_BYTES), [0; 32]);
    Box::new(move || {
        key.sign(&data, &mut output);
        Ok(())
    })
}

fn keygen_in_session(token: &Token) -> Result<Work, Problem> {
    keygen::prove(&token.open()?, Place::Session)?;
    let (module, slot) = (token.module, token.slot);
    let make = move || -> Result<Worker, CallError> {
        let session = module.open_session(slot)?;
        let template = Template::aes_generation(Place::Session, "bench-thread");
        Ok(Box::new(move || {
            let key = session.generate(CKM_AES_KEY_GEN, &template)?;
            session.destroy(key)
        }))
    };
    Ok((Box::new(make), None))
}

/// One row per thread count, and the quotient of the last to the first.
fn scaling(name: &str, thread_counts: &[usize], prepare: impl Fn(&Token) -> Result<Work, Problem> + 'static) -> Bench {
    let mut rows: Vec<Row> =
        thread_counts.iter().map(|count| Row { name: format!("mt.{name}.t{count}"), unit: Unit::PerSecond }).collect();
    if let [first, .., last] = thread_counts {
        let unit = Unit::Quotient { of: rows.len() - 1, by: 0, ideal: *last as f64 / *first as f64 };
        rows.push(Row { name: format!("mt.{name}.scaling"), unit });
    }
    let thread_counts = thread_counts.to_vec();
    let prepare = move |token: &Token| -> Result<Trial, Problem> {
        let (make, owner) = prepare(token)?;
        Ok(Box::new(Scaling { make, thread_counts: thread_counts.clone(), _owner: owner }))
    };
    Bench { group: "threads", rows, prepare: Box::new(prepare), limit: None }
}

/// The same threads over the raw library call: what the machine itself gave at that moment.
fn limit_of(thread_counts: &[usize], worker: fn() -> Worker) -> impl Fn() -> Trial + 'static {
    let thread_counts = thread_counts.to_vec();
    move || {
        let make: MakeWorker = Box::new(move || Ok(worker()));
        Box::new(Scaling { make, thread_counts: thread_counts.clone(), _owner: None })
    }
}

struct Scaling {
    make: MakeWorker,
    thread_counts: Vec<usize>,
    _owner: Option<Session>,
}

impl Probe for Scaling {
    fn round(&mut self, budget: Duration, record: &mut Record) -> Result<(), Problem> {
        for (row, count) in self.thread_counts.iter().enumerate() {
            record.push(row, rate_of_threads(*count, budget, &self.make)?);
        }
        Ok(())
    }
}

/// Operations per second of so many threads together, all of them working from the same moment on.
fn rate_of_threads(count: usize, budget: Duration, make: &MakeWorker) -> Result<f64, CallError> {
    let (start_line, is_over) = (Barrier::new(count + 1), AtomicBool::new(false));
    let run = || -> Result<f64, CallError> {
        let worker = make();
        start_line.wait();
        let (mut worker, start, mut operations) = (worker?, Instant::now(), 0_u64);
        while !is_over.load(Ordering::Relaxed) {
            for _ in 0..OPERATIONS_PER_LOOK {
                worker()?;
            }
            operations += OPERATIONS_PER_LOOK;
        }
        Ok(operations as f64 / start.elapsed().as_secs_f64())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(run)).collect();
        start_line.wait();
        thread::sleep(budget);
        is_over.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
    })
}

/// AES-GCM of 1 KiB in one thread while another session of the same token makes durable keys: its rate, the longest
/// single call of a round, and how many keys were made meanwhile.
fn head_of_line() -> Bench {
    let row = |name: &str, unit| Row { name: format!("hol.{name}"), unit };
    let rows = vec![
        row("gcm.1k.rate", Unit::PerSecond),
        row("gcm.1k.longest", Unit::Nanoseconds),
        row("token_keys.rate", Unit::PerSecond),
    ];
    let prepare = |token: &Token| -> Result<Trial, Problem> {
        let (owner, key) = proven_key(token, Cipher::Gcm, KIB, Place::Session)?;
        let worker = gcm_worker(token.open()?, key);
        let writer = token.open()?;
        let template = || Template::cipher_key(CKK_AES, Place::Token, "bench-hol", b"bench-hol", &AES_KEY);
        writer.destroy(writer.create(&template())?)?;
        Ok(Box::new(HeadOfLine { worker, writer, template, _owner: owner }))
    };
    Bench { group: "hol", rows, prepare: Box::new(prepare), limit: None }
}

struct HeadOfLine {
    worker: Worker,
    writer: Session,
    template: fn() -> Template,
    _owner: Session,
}

impl Probe for HeadOfLine {
    fn round(&mut self, budget: Duration, record: &mut Record) -> Result<(), Problem> {
        let budget = budget.max(HOL_ROUND_MIN);
        let is_over = AtomicBool::new(false);
        let (writer, template, worker) = (&self.writer, self.template, &mut self.worker);
        let write = || -> Result<f64, CallError> {
            let (template, start, mut keys) = (template(), Instant::now(), 0_u64);
            while !is_over.load(Ordering::Relaxed) {
                let key = writer.create(&template)?;
                writer.destroy(key)?;
                keys += 1;
            }
            Ok(keys as f64 / start.elapsed().as_secs_f64())
        };
        let (measured, keys_rate) = thread::scope(|scope| {
            let writing = scope.spawn(write);
            let measured = watch_each_call(worker, budget);
            is_over.store(true, Ordering::Relaxed);
            (measured, writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (rate, longest) = measured?;
        record.push(0, rate);
        record.push(1, nanoseconds(longest));
        record.push(2, keys_rate?);
        Ok(())
    }
}

/// AES-GCM of 1 KiB in one thread, alone and then while another session of the same token generates RSA-4096 pairs:
/// both rates, what is kept of the first, and the longest single call of a round.
fn beside_a_pair() -> Bench {
    let row = |name: &str, unit| Row { name: format!("hol.rsa4096.gcm.1k.{name}"), unit };
    let rows = vec![
        row("alone", Unit::PerSecond),
        row("rate", Unit::PerSecond),
        row("kept", Unit::Quotient { of: 1, by: 0, ideal: 1.0 }),
        row("longest", Unit::Nanoseconds),
    ];
    let prepare = |token: &Token| -> Result<Trial, Problem> {
        let (owner, key) = proven_key(token, Cipher::Gcm, KIB, Place::Session)?;
        let (worker, session) = (gcm_worker(token.open()?, key), token.open()?);
        session.destroy_pair(HOL_PAIR.generate(&session)?.0.handles)?;
        // Templates stay in their thread. There is one way to ask for RSA.
        let generate: Generate =
            Box::new(move || HOL_PAIR.requests().iter().try_for_each(|request| request.generate_and_destroy(&session)));
        Ok(Box::new(BesideAPair { worker, generate, _owner: Some(owner) }))
    };
    let limit = || -> Trial {
        let generate: Generate = Box::new(|| {
            drop(pairs::rsa(HOL_PAIR_BITS));
            Ok(())
        });
        Box::new(BesideAPair { worker: gcm_limit(), generate, _owner: None })
    };
    Bench { group: "hol", rows, prepare: Box::new(prepare), limit: None }.with_limit(limit)
}

/// Generates a pair, in whatever thread.
type Generate = Box<dyn Fn() -> Result<(), CallError> + Sync>;

struct BesideAPair {
    worker: Worker,
    generate: Generate,
    _owner: Option<Session>,
}

impl Probe for BesideAPair {
    fn round(&mut self, budget: Duration, record: &mut Record) -> Result<(), Problem> {
        let budget = budget.max(HOL_ROUND_MIN);
        let (alone, _) = watch_each_call(&mut self.worker, budget)?;
        let (is_over, generate, worker) = (AtomicBool::new(false), &self.generate, &mut self.worker);
        let start_line = Barrier::new(2);
        let search = || -> Result<(), CallError> {
            start_line.wait();
            while !is_over.load(Ordering::Relaxed) {
                generate()?;
            }
            Ok(())
        };
        let (measured, generated) = thread::scope(|scope| {
            let searching = scope.spawn(search);
            start_line.wait();
            let measured = watch_each_call(worker, budget);
            is_over.store(true, Ordering::Relaxed);
            (measured, searching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        generated?;
        let (rate, longest) = measured?;
        record.push(0, alone);
        record.push(1, rate);
        record.push(3, nanoseconds(longest));
        Ok(())
    }
}

/// Calls for so long, timing each call: calls per second and the longest of them.
fn watch_each_call(worker: &mut Worker, budget: Duration) -> Result<(f64, Duration), CallError> {
    let (start, mut longest, mut calls) = (Instant::now(), Duration::ZERO, 0_u64);
    let mut before = start;
    while before - start < budget {
        worker()?;
        let after = Instant::now();
        longest = longest.max(after - before);
        before = after;
        calls += 1;
    }
    Ok((calls as f64 / (before - start).as_secs_f64(), longest))
}

const HMAC_BYTES: usize = 64;
const OPERATIONS_PER_LOOK: u64 = 16;
/// Long enough for several durable writes on a slow disk.
const HOL_ROUND_MIN: Duration = Duration::from_millis(400);
const HOL_PAIR_BITS: usize = 4096;
const HOL_PAIR: Kind = Kind::Rsa(HOL_PAIR_BITS);
