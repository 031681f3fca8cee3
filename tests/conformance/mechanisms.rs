//! The mechanism list (§5.5.5, §5.5.6) against the samples: what is listed works, what is not is refused.

use std::collections::BTreeSet;
use std::ptr;

use cryptoki_sys::*;

use crate::module::{self, Token, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::samples::{
    ALL_USES, Bench, Grade, Kind, Sample, TARGET_VALUE, Use, pair_template, sample, samples, secret_template,
    usable_key,
};
use crate::session::{Session, Work};
use crate::template::{Entry, bytes, flag, key_template, number, with, without};

fn listed(slot: CK_SLOT_ID) -> Vec<CK_MECHANISM_TYPE> {
    let mut count = 0;
    call!(C_GetMechanismList(slot, ptr::null_mut(), &mut count)).unwrap();
    let mut list = vec![0; count as usize];
    count -= 1;
    assert_eq!(call!(C_GetMechanismList(slot, list.as_mut_ptr(), &mut count)), refused(CKR_BUFFER_TOO_SMALL));
    assert_eq!(count as usize, list.len());
    call!(C_GetMechanismList(slot, list.as_mut_ptr(), &mut count)).unwrap();
    list
}

fn ids(samples: impl Iterator<Item = &'static Sample>) -> BTreeSet<CK_MECHANISM_TYPE> {
    samples.map(|sample| sample.id).collect()
}

#[test]
fn every_listed_mechanism_has_a_sample_and_the_other_way_round() {
    let token = Token::new();
    let list = listed(token.slot);
    let set: BTreeSet<_> = list.iter().copied().collect();
    assert_eq!(set.len(), list.len(), "a mechanism is listed twice");
    let sampled = ids(samples());
    let untested: Vec<_> = set.difference(&sampled).map(|id| format!("0x{id:x}")).collect();
    let missing: Vec<_> = samples().filter(|sample| !set.contains(&sample.id)).map(|sample| sample.name).collect();
    assert!(untested.is_empty() && missing.is_empty(), "no test for {untested:?}; not offered: {missing:?}");
    println!("{} mechanisms", list.len());
    assert_eq!(call!(C_GetMechanismList(token.slot, ptr::null_mut(), ptr::null_mut())), refused(CKR_ARGUMENTS_BAD));
    let mut count = 0;
    assert_eq!(call!(C_GetMechanismList(!0, ptr::null_mut(), &mut count)), refused(CKR_SLOT_ID_INVALID));
}

#[test]
fn sizes_and_functions_are_told_in_the_units_of_the_standard() {
    let token = Token::new();
    let mut wrong = Vec::new();
    for sample in samples() {
        let mut info = CK_MECHANISM_INFO::default();
        call!(C_GetMechanismInfo(token.slot, sample.id, &mut info)).unwrap();
        if (info.ulMinKeySize, info.ulMaxKeySize) != sample.sizes || info.flags != sample.functions() {
            wrong.push(format!("{}: {info:?}, not {:?}", sample.name, sample.sizes));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut info = CK_MECHANISM_INFO::default();
    for unlisted in [CKM_RC2_CBC, CKM_VENDOR_DEFINED, CKM_RSA_AES_KEY_WRAP + (1 << 40), !0] {
        let refusal = call!(C_GetMechanismInfo(token.slot, unlisted, &mut info));
        assert_eq!(refusal, refused(CKR_MECHANISM_INVALID));
    }
    let nowhere = call!(C_GetMechanismInfo(token.slot, CKM_AES_CBC, ptr::null_mut()));
    assert_eq!(nowhere, refused(CKR_ARGUMENTS_BAD));
    assert_eq!(call!(C_GetMechanismInfo(!0, CKM_AES_CBC, &mut info)), refused(CKR_SLOT_ID_INVALID));
}

#[test]
fn every_mechanism_works_for_each_of_its_key_types_and_sizes() {
    let token = Token::new();
    let session = token.user();
    let mut runs = 0;
    for sample in samples() {
        let secret = matches!(sample.kind, Kind::Cipher { .. } | Kind::Mac { .. });
        for (key_type, seed) in sample.keys.iter().flat_map(|key_type| [0, 1, 2].map(|seed| (*key_type, seed))) {
            if !secret {
                continue;
            }
            let key = session.create(&usable_key(key_type, seed)).unwrap();
            for data_len in sample.lengths() {
                let data: Vec<u8> = (0..data_len).map(|at| at as u8).collect();
                works(session, sample, key, &data);
                runs += 1;
            }
            session.destroy(key).unwrap();
        }
        if let Kind::Digest(bytes) = sample.kind {
            for data_len in sample.lengths() {
                let digest = session.run(Work::Digest, &plain(sample.id), 0, &vec![1; data_len]).unwrap();
                assert_eq!(digest.len(), bytes, "{}", sample.name);
                runs += 1;
            }
        }
    }
    println!("{runs} runs");
}

fn works(session: Session, sample: &Sample, key: CK_OBJECT_HANDLE, data: &[u8]) {
    let mechanism = sample.mechanism(data.len());
    let context = format!("{} with {} bytes", sample.name, data.len());
    match sample.kind {
        Kind::Cipher { .. } => {
            let encrypted = session.run(Work::Encrypt, &mechanism, key, data).expect(&context);
            assert_eq!(encrypted.len(), sample.output_len(data.len()), "{context}");
            assert!(data.len() < 16 || !encrypted.starts_with(data), "{context}");
            assert_eq!(session.run(Work::Decrypt, &mechanism, key, &encrypted).expect(&context), data, "{context}");
        }
        _ => {
            let signature = session.sign(&mechanism, key, data).expect(&context);
            assert_eq!(signature.len(), sample.output_len(data.len()), "{context}");
            session.check(&mechanism, key, data, &signature).expect(&context);
        }
    }
}

/// Each function of each mechanism that is not of ciphers, MACs or digests, with each type of key it takes.
#[test]
fn every_mechanism_with_keys_made_or_in_pairs_works() {
    let token = Token::new();
    let session = token.user();
    let bench = Bench::new(session);
    let mut done = 0;
    for sample in samples() {
        match sample.kind {
            Kind::Generate | Kind::GenerateParameters | Kind::Password => generates(session, sample),
            Kind::GeneratePair => generates_pair(session, sample),
            Kind::Cipher { .. } | Kind::Mac { .. } | Kind::Digest(_) => continue,
            Kind::Encapsulation => encapsulates(&bench, sample),
            Kind::Derive { .. } => {
                for key_type in sample.keys {
                    derives(&bench, sample, *key_type);
                    done += 1;
                }
            }
            Kind::Signature { data, .. } => signs(&bench, sample, data),
            Kind::TlsMac => signs(&bench, sample, 64),
            Kind::Rsa(_) => {
                crypts(&bench, sample, 32);
                if sample.functions() & CKF_SIGN != 0 {
                    signs_with_rsa(&bench, sample);
                }
            }
            Kind::KeyWrap => crypts(&bench, sample, 32),
            Kind::Hybrid(_) => {}
        }
        done += 1;
    }
    println!("{done} mechanisms");
}

fn generates(session: Session, sample: &Sample) {
    let key = session.generate(&sample.mechanism(0), &sample.template()).expect(sample.name);
    if let Some(key_type) = sample.keys.first() {
        assert_eq!(session.number(key, CKA_KEY_TYPE), *key_type, "{}", sample.name);
    }
    if !matches!(sample.kind, Kind::GenerateParameters) {
        assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), sample.id);
    }
    assert!(session.flag(key, CKA_LOCAL), "{}", sample.name);
    session.destroy(key).unwrap();
}

fn generates_pair(session: Session, sample: &Sample) {
    let (public, private) =
        session.generate_pair(&plain(sample.id), &pair_template(sample.keys[0]), &[]).expect(sample.name);
    for (key, class) in [(public, CKO_PUBLIC_KEY), (private, CKO_PRIVATE_KEY)] {
        assert_eq!(session.number(key, CKA_CLASS), class, "{}", sample.name);
        assert_eq!(session.number(key, CKA_KEY_TYPE), sample.keys[0], "{}", sample.name);
        assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), sample.id);
        assert!(session.flag(key, CKA_LOCAL), "{}", sample.name);
        session.destroy(key).unwrap();
    }
}

/// Signatures in one call, in parts, by messages, and those that come before the data.
fn signs(bench: &Bench, sample: &Sample, data_len: usize) {
    let session = bench.session;
    let (name, mechanism, data) = (sample.name, sample.mechanism(data_len), vec![0x61; data_len]);
    let (signing, verifying) = (bench.key_for(sample, Use::Sign), bench.key_for(sample, Use::Verify));
    let mut other = data.clone();
    other[data_len / 2] ^= 1;
    let whole = session.sign(&mechanism, signing, &data).expect(name);
    let parts = session.run_in_parts(Work::Sign, &mechanism, signing, &data, &[5, 5, 20]).expect(name);
    for signature in [whole, parts] {
        session.check(&mechanism, verifying, &data, &signature).expect(name);
        session.check_in_parts(&mechanism, verifying, &data, &signature, &[1, 20]).expect(name);
        assert_eq!(session.check(&mechanism, verifying, &other, &signature), refused(CKR_SIGNATURE_INVALID), "{name}");
        let longer = [&signature[..], &[0]].concat();
        assert_eq!(session.check(&mechanism, verifying, &data, &longer), refused(CKR_SIGNATURE_LEN_RANGE), "{name}");
        session.verify_signature_init(&mechanism, verifying, &signature).expect(name);
        session.verify_signature(&data).expect(name);
        session.verify_signature_init(&mechanism, verifying, &signature).expect(name);
        session.verify_signature_update(&other).expect(name);
        assert_eq!(session.verify_signature_final(), refused(CKR_SIGNATURE_INVALID), "{name}");
    }
    if sample.functions() & CKF_MESSAGE_SIGN == 0 {
        return;
    }
    session.message_sign_init(&mechanism, signing).expect(name);
    let whole = session.sign_message(&data).expect(name);
    session.sign_message_begin().expect(name);
    session.sign_message_part(&data[..9]).expect(name);
    let parts = session.sign_message_end(&data[9..]).expect(name);
    session.message_sign_final().expect(name);
    session.message_verify_init(&mechanism, verifying).expect(name);
    for signature in [whole, parts] {
        session.verify_message(&data, &signature).expect(name);
        assert_eq!(session.verify_message(&other, &signature), refused(CKR_SIGNATURE_INVALID), "{name}");
        session.verify_message_begin().expect(name);
        session.verify_message_next(&data[..9], None).expect(name);
        session.verify_message_next(&data[9..], Some(&signature)).expect(name);
    }
    session.message_verify_final().expect(name);
}

/// Encryption in one call and in parts.
fn crypts(bench: &Bench, sample: &Sample, data_len: usize) {
    let session = bench.session;
    let (name, mechanism, data) = (sample.name, sample.mechanism(data_len), vec![0x62; data_len]);
    let whole = session.run(Work::Encrypt, &mechanism, bench.key_for(sample, Use::Encrypt), &data).expect(name);
    let parts =
        session.run_in_parts(Work::Encrypt, &mechanism, bench.key_for(sample, Use::Encrypt), &data, &[7]).expect(name);
    // Without padding, zeros stand before the data.
    let zeros = if sample.id == CKM_RSA_X_509 { vec![0; 256 - data_len] } else { Vec::new() };
    let expected = [zeros, data].concat();
    for encrypted in [whole, parts] {
        let key = bench.key_for(sample, Use::Decrypt);
        assert_eq!(session.run(Work::Decrypt, &mechanism, key, &encrypted).expect(name), expected, "{name}");
        let decrypted = session.run_in_parts(Work::Decrypt, &mechanism, key, &encrypted, &[11]).expect(name);
        assert_eq!(decrypted, expected, "{name}");
    }
}

fn signs_with_rsa(bench: &Bench, sample: &Sample) {
    let session = bench.session;
    let (name, mechanism) = (sample.name, sample.mechanism(0));
    let (private, public) = (bench.key_for(sample, Use::Sign), bench.key_for(sample, Use::Verify));
    let data = if sample.id == CKM_RSA_X_509 { vec![0x63; 256] } else { vec![0x63; 40] };
    let signature = session.sign(&mechanism, private, &data).expect(name);
    session.check(&mechanism, public, &data, &signature).expect(name);
    assert_eq!(session.sign_recover(&mechanism, private, &data).expect(name), signature, "{name}");
    assert_eq!(session.verify_recover(&mechanism, public, &signature).expect(name), data, "{name}");
    let wrong = session.check(&mechanism, public, &data[1..], &signature);
    assert_eq!(wrong, refused(CKR_SIGNATURE_INVALID), "{name}");
}

fn encapsulates(bench: &Bench, sample: &Sample) {
    let session = bench.session;
    let mechanism = sample.mechanism(0);
    let (public, private) = (bench.key_for(sample, Use::Encapsulate), bench.key_for(sample, Use::Decapsulate));
    let template = secret_template(32);
    let (ciphertext, ours) = session.encapsulate(&mechanism, public, &template).expect(sample.name);
    let theirs = session.decapsulate(&mechanism, private, &template, &ciphertext).expect(sample.name);
    let value = session.get(ours, CKA_VALUE).unwrap();
    assert_eq!((value.len(), session.get(theirs, CKA_VALUE).unwrap()), (32, value), "{}", sample.name);
}

/// The same twice.
fn derives(bench: &Bench, sample: &Sample, key_type: CK_KEY_TYPE) {
    let session = bench.session;
    let base = bench.key(Use::Derive.class_of(key_type), key_type);
    let context = format!("{} from a key of type 0x{key_type:x}", sample.name);
    let mechanism = bench.mechanism_for(sample, Use::Derive, key_type);
    if let Parameter::TlsKeys(_) = &mechanism.parameter {
        session.derive_apart(&mechanism, base, &sample.template()).expect(&context);
        let Parameter::TlsKeys(keys) = &mechanism.parameter else { return };
        let made = keys.keys.get();
        assert!(made[2..].iter().all(|key| *key != 0), "{context}");
        for key in made.into_iter().filter(|key| *key != 0) {
            session.destroy(key).unwrap();
        }
        return;
    }
    let attribute = match sample.id {
        CKM_PUB_KEY_FROM_PRIV_KEY => CKA_PUBLIC_KEY_INFO,
        _ => CKA_VALUE,
    };
    let values = [0, 1].map(|_| {
        let key = session.derive(&mechanism, base, &sample.template()).expect(&context);
        let value = session.get(key, attribute).unwrap();
        if session.number(key, CKA_CLASS) != CKO_DATA {
            assert!(!session.flag(key, CKA_LOCAL), "{context}");
        }
        if let Parameter::Kdf108(kdf) = &mechanism.parameter {
            for additional in &kdf.additional {
                assert_ne!(session.get(additional.key.get(), CKA_VALUE).unwrap(), value, "{context}");
                session.destroy(additional.key.get()).unwrap();
            }
        }
        session.destroy(key).unwrap();
        value
    });
    assert_eq!(values[0], values[1], "{context}");
    assert!(!values[0].is_empty(), "{context}");
}

/// What is wrapped comes back the same, with every mechanism that wraps and every type of key it takes.
#[test]
fn every_wrapping_mechanism_brings_a_key_back() {
    let token = Token::new();
    let session = token.user();
    let bench = Bench::new(session);
    let template = with(
        &without(&key_template(CKK_AES, &[]), CKA_VALUE),
        &[number(CKA_VALUE_LEN, 16), flag(CKA_EXTRACTABLE, true), flag(CKA_SENSITIVE, false)],
    );
    let mut runs = 0;
    for sample in samples().filter(|sample| sample.functions() & CKF_WRAP != 0) {
        for key_type in sample.keys {
            let mechanism = sample.mechanism(16);
            let wrapping = bench.key(Use::Wrap.class_of(*key_type), *key_type);
            let unwrapping = bench.key(Use::Unwrap.class_of(*key_type), *key_type);
            let wrapped = session.wrap(&mechanism, wrapping, bench.target).expect(sample.name);
            let key = session.unwrap(&mechanism, unwrapping, &wrapped, &template).expect(sample.name);
            assert_eq!(session.get(key, CKA_VALUE).unwrap(), TARGET_VALUE, "{}", sample.name);
            assert!(!session.flag(key, CKA_LOCAL) && !session.flag(key, CKA_ALWAYS_SENSITIVE), "{}", sample.name);
            session.destroy(key).unwrap();
            runs += 1;
        }
        if sample.uses().any(|work| work == Use::WrapAuthenticated) {
            comes_back_with_its_tag(&bench, sample, &template);
            runs += 1;
        }
    }
    println!("{runs} wrapped keys");
}

/// Authenticated wraps: the tag is apart, and the associated data an argument (§5.18.6, §5.18.7).
fn comes_back_with_its_tag(bench: &Bench, sample: &Sample, template: &[Entry]) {
    let (session, name) = (bench.session, sample.name);
    let key = bench.key(CKO_SECRET_KEY, sample.keys[0]);
    let mechanism = bench.mechanism(sample, Use::WrapAuthenticated);
    let tag = |mechanism: &Mechanism| match &mechanism.parameter {
        Parameter::GcmMessage { tag, .. } | Parameter::CcmMessage { mac: tag, .. } => tag.bytes(),
        other => panic!("{other:?}"),
    };
    let wrapped = session.wrap_authenticated(&mechanism, key, bench.target, b"header").expect(name);
    assert_eq!(wrapped.len(), TARGET_VALUE.len(), "{name}");
    assert_ne!(tag(&mechanism), [0; 16], "{name}");
    let back = session.unwrap_authenticated(&mechanism, key, &wrapped, template, b"header").expect(name);
    assert_eq!(session.get(back, CKA_VALUE).unwrap(), TARGET_VALUE, "{name}");
    session.destroy(back).unwrap();
    let refusal = session.unwrap_authenticated(&mechanism, key, &wrapped, template, b"Header");
    assert_eq!(refusal, refused(CKR_WRAPPED_KEY_INVALID), "{name}");
    // The same values with CK_GCM_WRAP_PARAMS and CK_CCM_WRAP_PARAMS: the tag follows the ciphertext.
    let parameter = match mechanism.parameter.clone() {
        Parameter::GcmMessage { iv, fixed_bits, generator, .. } => {
            Parameter::GcmWrap { iv, fixed_bits, generator, aad: b"header".to_vec(), tag_bits: 128 }
        }
        Parameter::CcmMessage { data_len, nonce, fixed_bits, generator, .. } => {
            Parameter::CcmWrap { data_len, nonce, fixed_bits, generator, aad: b"header".to_vec(), mac_len: 16 }
        }
        other => panic!("{other:?}"),
    };
    let together = session.wrap(&Mechanism { id: sample.id, parameter }, key, bench.target).expect(name);
    assert_eq!(together, [wrapped, tag(&mechanism)].concat(), "{name}");
}

#[test]
fn a_mechanism_serves_no_other_function() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    let mut refusals = 0;
    for sample in samples() {
        let offered: Vec<Use> = sample.uses().collect();
        for work in ALL_USES.iter().filter(|work| !offered.contains(work)) {
            let key = match sample.keys {
                [] => bench.key(CKO_SECRET_KEY, CKK_AES),
                [key_type, ..] => bench.key(work.class_of(*key_type), *key_type),
            };
            let refusal = bench
                .mechanism(sample, *work)
                .lend(|mechanism| work.attempt(&bench, mechanism, key, &secret_template(16)));
            assert_eq!(refusal, refused(CKR_MECHANISM_INVALID), "{} for {work:?}", sample.name);
            refusals += 1;
        }
    }
    println!("{refusals} functions of other mechanisms");
}

#[test]
fn unlisted_mechanisms_are_invalid_everywhere() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    let key = bench.key(CKO_SECRET_KEY, CKK_AES);
    for id in [CKM_RC2_CBC, CKM_IDEA_ECB, CKM_RSA_9796, CKM_VENDOR_DEFINED | 7, CKM_MD2, !0] {
        for work in ALL_USES {
            let refusal = plain(id).lend(|mechanism| work.attempt(&bench, mechanism, key, &secret_template(16)));
            assert_eq!(refusal, refused(CKR_MECHANISM_INVALID), "0x{id:x} for {work:?}");
        }
    }
}

/// A token under a policy; the module ends with it.
struct Under(Option<Token>);

impl Drop for Under {
    fn drop(&mut self) {
        self.0 = None;
        _ = call!(C_Finalize(ptr::null_mut()));
    }
}

impl std::ops::Deref for Under {
    type Target = Token;

    fn deref(&self) -> &Token {
        self.0.as_ref().expect("a token until the end")
    }
}

fn under(policy: &str) -> Under {
    let conf = module::write_configuration(module::directory(), "policy.toml", &format!("policy = \"{policy}\"\n"));
    module::initialize_with(module::directory(), &conf).unwrap();
    Under(Some(Token::of_lone_test()))
}

#[test]
fn policies_offer_what_they_should_and_nothing_else() {
    let _alone = module::alone();
    for (policy, grade) in [("fips", Grade::Fips), ("strict", Grade::Strict), ("standard", Grade::Standard)] {
        let token = under(policy);
        let offered: BTreeSet<_> = listed(token.slot).into_iter().collect();
        assert_eq!(offered, ids(samples().filter(|sample| sample.grade <= grade)), "{policy}");
        let bench = Bench::under_policy(token.user());
        for sample in samples() {
            let mut info = CK_MECHANISM_INFO::default();
            let told = call!(C_GetMechanismInfo(token.slot, sample.id, &mut info));
            let functions = match grade {
                _ if sample.grade > grade => 0,
                _ => sample.functions_under(grade),
            };
            // A mechanism the token's policy leaves out is as if it did not exist.
            assert_eq!(told, if functions == 0 { refused(CKR_MECHANISM_INVALID) } else { Ok(()) }, "{}", sample.name);
            assert!(functions == 0 || info.flags == functions, "{} under {policy}: {info:?}", sample.name);
            for work in sample.uses().filter(|work| functions & work.function() == 0) {
                let key = bench.key_for(sample, work);
                let refusal = bench
                    .mechanism(sample, work)
                    .lend(|mechanism| work.attempt(&bench, mechanism, key, &sample.template()));
                assert_eq!(refusal, refused(CKR_MECHANISM_INVALID), "{} for {work:?} under {policy}", sample.name);
            }
        }
    }
}

/// SP 800-131A and SP 800-186: under `fips`, keys of other kinds and sizes serve nothing, whatever the mechanism.
#[test]
fn fips_takes_only_keys_it_approves_of() {
    let _alone = module::alone();
    let token = under("fips");
    let session = token.user();
    let refusal = session.generate_pair(
        &plain(CKM_RSA_PKCS_KEY_PAIR_GEN),
        &[number(CKA_MODULUS_BITS, 1024), bytes(CKA_PUBLIC_EXPONENT, [1, 0, 1])],
        &[],
    );
    assert_eq!(refusal, refused(CKR_KEY_SIZE_RANGE));
    let secp256k1 = [6, 5, 0x2b, 0x81, 4, 0, 10];
    let refusal = session.generate_pair(&plain(CKM_EC_KEY_PAIR_GEN), &[bytes(CKA_EC_PARAMS, secp256k1)], &[]);
    assert_eq!(refusal, refused(CKR_CURVE_NOT_SUPPORTED));
    let bench = Bench::under_policy(session);
    let mut others = 0;
    for (id, key_type) in [(CKM_ECDH1_DERIVE, CKK_EC_MONTGOMERY), (CKM_ECDH_AES_KEY_WRAP, CKK_EC_MONTGOMERY)] {
        let sample = sample(id);
        for work in sample.uses() {
            let key = bench.key(work.class_of(key_type), key_type);
            let mechanism = bench.mechanism_for(sample, work, key_type);
            let refusal = mechanism.lend(|mechanism| work.attempt(&bench, mechanism, key, &sample.template()));
            assert_eq!(refusal, refused(CKR_KEY_FUNCTION_NOT_PERMITTED), "{} {work:?}", sample.name);
            others += 1;
        }
    }
    assert_eq!(others, 3);
}
