//! What every mechanism refuses (§5.1.6): wrong parameters, wrong types of key, keys that may not, and how it says so.

use std::collections::BTreeSet;
use std::ptr;

use cryptoki_sys::*;

use crate::module::{Outcome, Token, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::samples::{ALL_USES, Bench, BenchKey, Sample, Use, new_key, sample, samples, secret_template, usable_key};
use crate::session::{ALL_WORK, Work};
use crate::template::{bytes, flag, key_template, number, numbers, with};
use crate::wrong_parameters::wrong_parameters;

/// A series of messages takes no parameter at its beginning: each message has one.
fn takes_parameter(work: Use) -> bool {
    !matches!(work, Use::MessageEncrypt | Use::MessageDecrypt)
}

fn attempt(bench: &Bench, sample: &Sample, mechanism: &Mechanism, work: Use) -> Outcome {
    let template = sample.template();
    mechanism.lend(|mechanism| work.attempt(bench, mechanism, bench.key_for(sample, work), &template))
}

#[test]
fn wrong_parameters_are_refused_and_begin_nothing() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    let (mut cases, mut accepted) = (0, Vec::new());
    for sample in samples() {
        for work in sample.uses().filter(|work| takes_parameter(*work)) {
            for parameter in wrong_parameters(&bench, sample, work) {
                let mechanism = Mechanism { id: sample.id, parameter };
                let refusal = attempt(&bench, sample, &mechanism, work);
                if refusal != refused(CKR_MECHANISM_PARAM_INVALID) {
                    accepted.push(format!("{} {work:?} {:?}: {refusal:?}", sample.name, mechanism.parameter));
                }
                cases += 1;
            }
            // NULL with a length, and lengths no memory has.
            for len in [1, 8, 16, 48, 1 << 63, !0] {
                let mut raw = CK_MECHANISM { mechanism: sample.id, pParameter: ptr::null_mut(), ulParameterLen: len };
                let key = bench.key_for(sample, work);
                let refusal = work.attempt(&bench, &mut raw, key, &sample.template());
                if refusal != refused(CKR_MECHANISM_PARAM_INVALID) {
                    accepted.push(format!("{} {work:?} NULL with {len}: {refusal:?}", sample.name));
                }
                cases += 1;
            }
        }
    }
    assert!(accepted.is_empty(), "{} of {cases}: {accepted:#?}", accepted.len());
    println!("{cases} wrong parameters");
}

#[test]
fn a_refused_parameter_begins_nothing() {
    let token = Token::new();
    let session = token.user();
    let mut refusals = 0;
    for sample in samples().filter(|sample| !sample.work().is_empty()) {
        let key = sample.key(session, 0);
        for work in sample.work() {
            let mechanism = Mechanism { id: sample.id, parameter: Parameter::Bytes(vec![0; 3]) };
            assert_eq!(session.begin(*work, &mechanism, key), refused(CKR_MECHANISM_PARAM_INVALID), "{}", sample.name);
            assert!(!session.is_active(*work));
            refusals += 1;
        }
    }
    assert!(refusals > 80, "{refusals}");
}

#[test]
fn null_mechanisms_cancel_or_are_bad_arguments() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    for work in ALL_USES {
        let key = bench.key(CKO_SECRET_KEY, CKK_AES);
        let outcome = work.attempt(&bench, ptr::null_mut(), key, &secret_template(16));
        // Where nothing is active there is nothing to cancel, and nothing to complain of.
        assert_eq!(outcome, if work.is_begun() { Ok(()) } else { refused(CKR_ARGUMENTS_BAD) }, "{work:?}");
    }
    let session = bench.session;
    for work in ALL_WORK {
        session.begin_raw(work, ptr::null_mut(), 0).unwrap();
    }
    let mut mechanism = CK_MECHANISM { mechanism: CKM_DES3_KEY_GEN, pParameter: ptr::null_mut(), ulParameterLen: 0 };
    let refusal = call!(C_GenerateKey(session.0, &mut mechanism, ptr::null_mut(), 0, ptr::null_mut()));
    assert_eq!(refusal, refused(CKR_ARGUMENTS_BAD));
}

/// Every mechanism, in every function, with a key of every type and class.
#[test]
fn every_mechanism_refuses_every_other_key_type() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    let data = bench.session.create(&[number(CKA_CLASS, CKO_DATA)]).unwrap();
    let (mut pairs, mut wrong) = (0, Vec::new());
    for sample in samples() {
        for work in sample.uses().filter(|work| work.usage().is_some()) {
            for key in &bench.keys {
                let fits = sample.keys.contains(&key.key_type) && work.class_of(key.key_type) == key.class;
                let mechanism =
                    if fits { bench.mechanism_for(sample, work, key.key_type) } else { bench.mechanism(sample, work) };
                let outcome =
                    mechanism.lend(|mechanism| work.attempt(&bench, mechanism, key.handle, &sample.template()));
                let expected = match sample.keys.contains(&key.key_type) {
                    true if fits => Ok(()),
                    // "the fact that the key MUST have a CKA_ENCRYPT attribute implies that the key cannot be a
                    // private key" (§5.1.6, CKR_KEY_FUNCTION_NOT_PERMITTED).
                    true if work.is_begun() => refused(CKR_KEY_FUNCTION_NOT_PERMITTED),
                    _ => refused(work.wrong_type()),
                };
                let good = outcome == expected || fits && unreadable(outcome);
                if !good {
                    wrong.push(format!(
                        "{} {work:?} with class {} type 0x{:x}: {outcome:?}",
                        sample.name, key.class, key.key_type
                    ));
                }
                pairs += 1;
            }
            for no_key in [0, data, data + 1000, !0] {
                // HKDF takes secrets that are data objects ("HKDF Mechanisms").
                if no_key == data && matches!(sample.id, CKM_HKDF_DERIVE | CKM_HKDF_DATA) {
                    continue;
                }
                let mechanism = bench.mechanism(sample, work);
                let refusal = mechanism.lend(|mechanism| work.attempt(&bench, mechanism, no_key, &sample.template()));
                if refusal != refused(work.no_key()) {
                    wrong.push(format!("{} {work:?} with handle {no_key}: {refusal:?}", sample.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {pairs}: {wrong:#?}", wrong.len());
    println!("{pairs} pairs of mechanism and key type");
}

/// What is said of a wrapped key, a ciphertext or a signature that is none.
fn unreadable(outcome: Outcome) -> bool {
    let codes = [CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE, CKR_SIGNATURE_LEN_RANGE];
    codes.into_iter().any(|code| outcome == refused(code))
}

/// What mechanisms do with keys of this class and type: the sample, the use, the attribute that allows it.
pub(crate) fn uses_of(key: &BenchKey) -> Vec<(&'static Sample, Use, CK_ATTRIBUTE_TYPE)> {
    let (class, key_type) = (key.class, key.key_type);
    samples()
        .filter(|sample| sample.keys.contains(&key_type))
        .flat_map(|sample| sample.uses().map(move |work| (sample, work)))
        .filter(|(_, work)| work.class_of(key_type) == class)
        .filter_map(|(sample, work)| Some((sample, work, work.usage()?)))
        .collect()
}

#[test]
fn a_key_does_only_what_it_may() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    let session = bench.session;
    let mut refusals = 0;
    for BenchKey { class, key_type, handle } in &bench.keys {
        let uses = uses_of(&BenchKey { class: *class, key_type: *key_type, handle: *handle });
        let uses: Vec<_> = uses.into_iter().filter(|(sample, ..)| sample.needs_permission()).collect();
        let usages: BTreeSet<_> = uses.iter().map(|(.., usage)| *usage).collect();
        let none: Vec<_> = usages.iter().map(|usage| flag(*usage, false)).collect();
        let key = new_key(session, *class, *key_type, &none).unwrap();
        let attempt = |sample, work: Use| {
            let mechanism = bench.mechanism_for(sample, work, *key_type);
            mechanism.lend(|mechanism| work.attempt(&bench, mechanism, key, &sample.template()))
        };
        for (sample, work, _) in &uses {
            let context = format!("{} {work:?} with type 0x{key_type:x}", sample.name);
            assert_eq!(attempt(sample, *work), refused(CKR_KEY_FUNCTION_NOT_PERMITTED), "{context}");
            refusals += 1;
        }
        // What is changed counts from then on, and allows nothing else.
        for only in usages {
            session.set(key, &[flag(only, true)]).unwrap();
            for (sample, work, usage) in &uses {
                let is_refused = attempt(sample, *work) == refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
                assert_eq!(is_refused, *usage != only, "{} {work:?} with type 0x{key_type:x}", sample.name);
            }
            session.set(key, &[flag(only, false)]).unwrap();
        }
        session.destroy(key).unwrap();
    }
    println!("{refusals} uses that a key may not");
    // §5.1.6: a wrong type counts before a missing permission.
    let key = session.create(&with(&usable_key(CKK_DES3, 0), &[flag(CKA_ENCRYPT, false)])).unwrap();
    let refusal = session.begin(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(0), key);
    assert_eq!(refusal, refused(CKR_KEY_TYPE_INCONSISTENT));
}

#[test]
fn a_withdrawn_permission_counts_for_the_next_operation_with_the_same_key() {
    let token = Token::new();
    let session = token.user();
    let other = token.read_write();
    let key = session.create(&usable_key(CKK_AES, 0)).unwrap();
    let mechanism = sample(CKM_AES_CBC).mechanism(16);
    session.run(Work::Encrypt, &mechanism, key, &[0; 16]).unwrap();
    other.set(key, &[flag(CKA_ENCRYPT, false)]).unwrap();
    assert_eq!(session.begin(Work::Encrypt, &mechanism, key), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
}

#[test]
fn allowed_mechanisms_bind() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    let session = bench.session;
    let mut bound = 0;
    for key in &bench.keys {
        let uses = uses_of(key);
        let mechanisms: BTreeSet<CK_ULONG> = uses.iter().map(|(sample, ..)| sample.id).collect();
        // Every other one; then those that were left out, with one that no key of this type serves.
        let first: Vec<CK_ULONG> = mechanisms.iter().copied().step_by(2).collect();
        let second: Vec<CK_ULONG> = mechanisms.iter().copied().skip(1).step_by(2).chain([CKM_SHA_1]).collect();
        for allowed in [first, second] {
            let template = [numbers(CKA_ALLOWED_MECHANISMS, &allowed)];
            let bound_key = new_key(session, key.class, key.key_type, &template).unwrap();
            for (sample, work, _) in &uses {
                let mechanism = bench.mechanism_for(sample, *work, key.key_type);
                let outcome =
                    mechanism.lend(|mechanism| work.attempt(&bench, mechanism, bound_key, &sample.template()));
                let expected = allowed.is_empty() || allowed.contains(&sample.id);
                let context = format!("{} {work:?} with type 0x{:x}", sample.name, key.key_type);
                assert_eq!(outcome != refused(CKR_MECHANISM_INVALID), expected, "{context}: {outcome:?}");
                bound += 1;
            }
            session.destroy(bound_key).unwrap();
        }
    }
    println!("{bound} uses bound by a list");
    // The list stays with a copy, and can be given only when a key is made.
    let allowed = numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_CBC, CKM_AES_CMAC]);
    let key = session.create(&with(&usable_key(CKK_AES, 0), &[allowed])).unwrap();
    let copy = session.copy(key, &[]).unwrap();
    let refusal = session.begin(Work::Encrypt, &sample(CKM_AES_CTR).mechanism(16), copy);
    assert_eq!(refusal, refused(CKR_MECHANISM_INVALID));
    let all = numbers(CKA_ALLOWED_MECHANISMS, &[]);
    assert_eq!(session.set(key, std::slice::from_ref(&all)), refused(CKR_ATTRIBUTE_READ_ONLY));
    assert_eq!(session.copy(key, &[all]), refused(CKR_ATTRIBUTE_READ_ONLY));
}

/// §5.18: where a mechanism cannot work with a key of this size it says `CKR_KEY_SIZE_RANGE` and its kin.
#[test]
fn keys_of_sizes_a_mechanism_cannot_use_are_refused() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    let session = bench.session;
    let rsa = bench.key(CKO_PUBLIC_KEY, CKK_RSA);
    let long = session.create(&with(&key_template(CKK_GENERIC_SECRET, &[1; 300]), &[flag(CKA_EXTRACTABLE, true)]));
    let long = long.unwrap();
    for id in [CKM_RSA_PKCS, CKM_RSA_PKCS_OAEP, CKM_RSA_X_509] {
        let refusal = session.wrap(&sample(id).mechanism(0), rsa, long);
        assert_eq!(refusal, refused(CKR_KEY_SIZE_RANGE), "{}", sample(id).name);
    }
    for (id, more) in [
        (CKM_DSA_PARAMETER_GEN, vec![]),
        (CKM_DH_PKCS_PARAMETER_GEN, vec![]),
        (CKM_X9_42_DH_PARAMETER_GEN, vec![number(CKA_SUBPRIME_BITS, 160)]),
    ] {
        for bits in [0, 512, 1000, 1025, 1 << 40, !0] {
            let refusal = session.generate(&plain(id), &with(&[number(CKA_PRIME_BITS, bits)], &more));
            assert_eq!(refusal, refused(CKR_KEY_SIZE_RANGE), "{} of {bits} bits", sample(id).name);
        }
    }
    for bits in [0, 512, 1000, 1023, 16385, 1 << 40, !0] {
        let template = [number(CKA_MODULUS_BITS, bits), bytes(CKA_PUBLIC_EXPONENT, [1, 0, 1])];
        let refusal = session.generate_pair(&plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &template, &[]);
        assert_eq!(refusal, refused(CKR_KEY_SIZE_RANGE), "{bits} bits");
    }
}
