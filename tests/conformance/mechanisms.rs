//! The mechanism list (§5.5.5, §5.5.6) against the samples: what is listed works, what is not is refused, and every
//! mechanism refuses wrong parameters, wrong key types and keys that may not (§5.1.6).

use std::collections::BTreeSet;
use std::ptr;

use cryptoki_sys::*;

use crate::module::{self, Code, Token, outcome, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::samples::{Grade, KEY_TYPES, Kind, Sample, key_value, sample, samples, usable_key};
use crate::session::{ALL_WORK, Session, Work};
use crate::template::{flag, key_template, number, numbers, with};

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
        if let Kind::Generate = sample.kind {
            generates(session, sample);
            runs += 1;
        }
        for (key_type, seed) in sample.keys.iter().flat_map(|key_type| [0, 1, 2].map(|seed| (*key_type, seed))) {
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

fn generates(session: Session, sample: &Sample) {
    let len = key_value(sample.keys[0], 1).len();
    let fixed = matches!(sample.keys[0], CKK_DES | CKK_DES2 | CKK_DES3);
    let template = if fixed { vec![] } else { vec![number(CKA_VALUE_LEN, len as CK_ULONG)] };
    let key = session.generate(&plain(sample.id), &template).unwrap();
    assert_eq!(session.number(key, CKA_KEY_TYPE), sample.keys[0], "{}", sample.name);
    assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), sample.id);
    session.destroy(key).unwrap();
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
        Kind::Mac { bytes, .. } => {
            let signature = session.run(Work::Sign, &mechanism, key, data).expect(&context);
            assert_eq!(signature.len(), bytes, "{context}");
            session.verify_init(&mechanism, key).unwrap();
            session.verify(data, &signature).expect(&context);
        }
        Kind::Digest(_) | Kind::Generate => {}
    }
}

#[test]
fn a_mechanism_serves_no_other_function() {
    let token = Token::new();
    let session = token.user();
    for sample in samples() {
        let key = match sample.keys {
            [] => session.create(&usable_key(CKK_AES, 0)).unwrap(),
            _ => sample.key(session, 0),
        };
        let mechanism = sample.mechanism(16);
        for work in ALL_WORK.iter().filter(|work| !sample.work().contains(work)) {
            let refusal = session.begin(*work, &mechanism, key);
            assert_eq!(refusal, refused(CKR_MECHANISM_INVALID), "{} for {work:?}", sample.name);
        }
        if !matches!(sample.kind, Kind::Mac { .. }) {
            assert_eq!(session.verify_init(&mechanism, key), refused(CKR_MECHANISM_INVALID), "{}", sample.name);
        }
        if !matches!(sample.kind, Kind::Generate) {
            let refusal = session.generate(&mechanism, &[number(CKA_VALUE_LEN, 16)]);
            assert_eq!(refusal, refused(CKR_MECHANISM_INVALID), "{}", sample.name);
        }
        session.destroy(key).unwrap();
    }
}

#[test]
fn unlisted_mechanisms_are_invalid_everywhere() {
    let token = Token::new();
    let session = token.user();
    let key = session.create(&usable_key(CKK_AES, 0)).unwrap();
    for id in [CKM_RC2_CBC, CKM_IDEA_ECB, CKM_RSA_PKCS, CKM_VENDOR_DEFINED | 7, CKM_MD2, !0] {
        for work in ALL_WORK {
            assert_eq!(session.begin(work, &plain(id), key), refused(CKR_MECHANISM_INVALID));
        }
        assert_eq!(session.verify_init(&plain(id), key), refused(CKR_MECHANISM_INVALID));
        assert_eq!(session.generate(&plain(id), &[]), refused(CKR_MECHANISM_INVALID));
    }
}

/// Parameters that are wrong for every mechanism of this kind.
fn bad_parameters(sample: &Sample) -> Vec<Parameter> {
    let lens = |except: &[usize]| -> Vec<Parameter> {
        let lens = [0, 1, 7, 8, 9, 12, 15, 16, 17, 24, 32, 40, 48, 64];
        lens.into_iter().filter(|len| !except.contains(len)).map(|len| Parameter::Bytes(vec![0; len])).collect()
    };
    match sample.mechanism(16).parameter {
        Parameter::None => lens(&[0]),
        Parameter::Bytes(iv) => lens(&[iv.len()]).into_iter().chain([Parameter::None]).collect(),
        Parameter::Ctr { block, .. } => {
            let bits = [0, 129, 1 << 32, !0].map(|bits| Parameter::Ctr { bits, block });
            lens(&[24]).into_iter().chain(bits).chain([Parameter::None]).collect()
        }
        Parameter::MacLength(_) => {
            let Kind::Mac { longest: Some(longest), .. } = sample.kind else { panic!("{}", sample.name) };
            let lengths = [0, longest as CK_ULONG + 1, 1 << 32, !0].map(Parameter::MacLength);
            lens(&[8]).into_iter().chain(lengths).chain([Parameter::None]).collect()
        }
        Parameter::Gcm { iv, aad, tag_bits } => {
            let mut bad = lens(&[40, 48]);
            let odd = [0, 1, 8, 16, 24, 31, 33, 40, 95, 100, 127, 129, 136, !0];
            bad.extend(odd.map(|tag_bits| Parameter::Gcm { iv: iv.clone(), aad: aad.clone(), tag_bits }));
            bad.push(Parameter::Gcm { iv: vec![], aad: aad.clone(), tag_bits });
            bad.push(Parameter::None);
            bad
        }
        Parameter::Ccm { data_len, nonce, aad, mac_len } => {
            let mut bad = lens(&[48]);
            for len in [0, 1, 6, 14, 16] {
                let nonce = vec![0; len];
                bad.push(Parameter::Ccm { data_len, nonce, aad: aad.clone(), mac_len });
            }
            for mac_len in [0, 1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 18, !0] {
                bad.push(Parameter::Ccm { data_len, nonce: nonce.clone(), aad: aad.clone(), mac_len });
            }
            // A nonce of 13 bytes leaves two for the length of the data.
            bad.push(Parameter::Ccm { data_len: 65536, nonce: vec![0; 13], aad, mac_len });
            bad.push(Parameter::None);
            bad
        }
        Parameter::ChaCha20 { .. } => {
            let mut bad = lens(&[32]);
            let chacha = |counter: usize, counter_bits, nonce: usize, nonce_bits| Parameter::ChaCha20 {
                counter: vec![0; counter],
                counter_bits,
                nonce: vec![0; nonce],
                nonce_bits,
            };
            for (counter, counter_bits, nonce, nonce_bits) in
                [(4, 16, 12, 96), (4, 0, 12, 96), (8, 128, 12, 96), (4, 32, 12, 95), (4, 32, 12, 0), (4, 32, 24, 192)]
            {
                bad.push(chacha(counter, counter_bits, nonce, nonce_bits));
            }
            bad.push(Parameter::None);
            bad
        }
        Parameter::Poly1305 { aad, .. } => {
            let mut bad = lens(&[32]);
            for len in [0, 1, 7, 11, 13, 16, 24] {
                bad.push(Parameter::Poly1305 { nonce: vec![0; len], aad: aad.clone() });
            }
            bad.push(Parameter::None);
            bad
        }
        other => panic!("{other:?} has no wrong forms"),
    }
}

#[test]
fn wrong_parameters_are_refused_and_begin_nothing() {
    let token = Token::new();
    let session = token.user();
    let mut cases = 0;
    for sample in samples() {
        let key = sample.key(session, 0);
        for parameter in bad_parameters(sample) {
            let mechanism = Mechanism { id: sample.id, parameter };
            for work in sample.work() {
                let refusal = session.begin(*work, &mechanism, key);
                assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID), "{} {mechanism:?}", sample.name);
                assert!(!session.is_active(*work));
                cases += 1;
            }
            match sample.kind {
                Kind::Mac { .. } => {
                    let refusal = session.verify_init(&mechanism, key);
                    assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID), "{} {mechanism:?}", sample.name);
                }
                Kind::Generate => {
                    let refusal = session.generate(&mechanism, &[number(CKA_VALUE_LEN, 16)]);
                    assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID), "{} {mechanism:?}", sample.name);
                }
                _ => {}
            }
        }
        // NULL with a length, and lengths no memory has.
        for len in [1, 8, 16, 48, 1 << 63, !0] {
            let mut raw = CK_MECHANISM { mechanism: sample.id, pParameter: ptr::null_mut(), ulParameterLen: len };
            for work in sample.work() {
                let refusal = session.begin_raw(*work, &mut raw, key);
                assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID), "{} NULL with {len}", sample.name);
                cases += 1;
            }
        }
        if key != 0 {
            session.destroy(key).unwrap();
        }
    }
    println!("{cases} wrong parameters");
}

#[test]
fn null_mechanisms_cancel_or_are_bad_arguments() {
    let token = Token::new();
    let session = token.user();
    for work in ALL_WORK {
        // Nothing is active: there is nothing to cancel, and nothing to complain of.
        session.begin_raw(work, ptr::null_mut(), 0).unwrap();
    }
    let mut key = 0;
    let refusal = call!(C_GenerateKey(session.0, ptr::null_mut(), ptr::null_mut(), 0, &mut key));
    assert_eq!(refusal, refused(CKR_ARGUMENTS_BAD));
    let mut mechanism = CK_MECHANISM { mechanism: CKM_DES3_KEY_GEN, pParameter: ptr::null_mut(), ulParameterLen: 0 };
    let refusal = call!(C_GenerateKey(session.0, &mut mechanism, ptr::null_mut(), 0, ptr::null_mut()));
    assert_eq!(refusal, refused(CKR_ARGUMENTS_BAD));
}

#[test]
fn every_mechanism_refuses_every_other_key_type() {
    let token = Token::new();
    let session = token.user();
    let keys: Vec<_> =
        KEY_TYPES.iter().map(|key_type| (*key_type, session.create(&usable_key(*key_type, 0)).unwrap())).collect();
    let data = session.create(&[number(CKA_CLASS, CKO_DATA)]).unwrap();
    let mut pairs = 0;
    for sample in samples().filter(|sample| matches!(sample.kind, Kind::Cipher { .. } | Kind::Mac { .. })) {
        let mechanism = sample.mechanism(16);
        let begin = |key| -> Vec<Result<(), Code>> {
            let mut outcomes: Vec<_> = sample.work().iter().map(|work| session.begin(*work, &mechanism, key)).collect();
            if matches!(sample.kind, Kind::Mac { .. }) {
                outcomes.push(session.verify_init(&mechanism, key));
            }
            session.cancel_all();
            outcomes
        };
        for (key_type, key) in &keys {
            let expected = if sample.keys.contains(key_type) { Ok(()) } else { refused(CKR_KEY_TYPE_INCONSISTENT) };
            for outcome in begin(*key) {
                assert_eq!(outcome, expected, "{} with key type 0x{key_type:x}", sample.name);
                pairs += 1;
            }
        }
        for wrong in [0, data, data + 1000, !0] {
            assert!(begin(wrong).iter().all(|outcome| *outcome == refused(CKR_KEY_HANDLE_INVALID)), "{}", sample.name);
        }
    }
    println!("{pairs} pairs of mechanism and key type");
}

#[test]
fn a_key_does_only_what_it_may() {
    let token = Token::new();
    let session = token.user();
    let usages = [(CKA_ENCRYPT, Work::Encrypt), (CKA_DECRYPT, Work::Decrypt), (CKA_SIGN, Work::Sign)];
    for sample in samples().filter(|sample| !sample.keys.is_empty()) {
        let mechanism = sample.mechanism(16);
        for (usage, work) in usages.iter().filter(|(_, work)| sample.work().contains(work)) {
            let key = session.create(&with(&usable_key(sample.keys[0], 0), &[flag(*usage, false)])).unwrap();
            let refusal = session.begin(*work, &mechanism, key);
            assert_eq!(refusal, refused(CKR_KEY_FUNCTION_NOT_PERMITTED), "{} {work:?}", sample.name);
            for (_, other) in usages.iter().filter(|(_, other)| other != work && sample.work().contains(other)) {
                session.begin(*other, &mechanism, key).unwrap();
            }
            // What is changed counts from then on.
            session.set(key, &[flag(*usage, true)]).unwrap();
            session.begin(*work, &mechanism, key).unwrap();
            session.cancel_all();
        }
        if matches!(sample.kind, Kind::Mac { .. }) {
            let key = session.create(&with(&usable_key(sample.keys[0], 0), &[flag(CKA_VERIFY, false)])).unwrap();
            assert_eq!(session.verify_init(&mechanism, key), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
            session.begin(Work::Sign, &mechanism, key).unwrap();
            session.cancel_all();
        }
    }
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
    let session = token.user();
    let allowed = [CKM_AES_CBC, CKM_AES_CMAC];
    let key = session.create(&with(&usable_key(CKK_AES, 0), &[numbers(CKA_ALLOWED_MECHANISMS, &allowed)])).unwrap();
    for sample in samples().filter(|sample| sample.keys.contains(&CKK_AES)) {
        for work in sample.work() {
            let expected = if allowed.contains(&sample.id) { Ok(()) } else { refused(CKR_MECHANISM_INVALID) };
            assert_eq!(session.begin(*work, &sample.mechanism(16), key), expected, "{} {work:?}", sample.name);
            session.cancel_all();
        }
    }
    let empty = session.create(&with(&usable_key(CKK_AES, 0), &[numbers(CKA_ALLOWED_MECHANISMS, &[])])).unwrap();
    session.begin(Work::Encrypt, &sample(CKM_AES_CTR).mechanism(16), empty).unwrap();
    session.cancel_all();
    // The list stays with a copy, and can be given only when a key is made.
    let copy = session.copy(key, &[]).unwrap();
    let refusal = session.begin(Work::Encrypt, &sample(CKM_AES_CTR).mechanism(16), copy);
    assert_eq!(refusal, refused(CKR_MECHANISM_INVALID));
    let all = numbers(CKA_ALLOWED_MECHANISMS, &[]);
    assert_eq!(session.set(key, std::slice::from_ref(&all)), refused(CKR_ATTRIBUTE_READ_ONLY));
    assert_eq!(session.copy(key, &[all]), refused(CKR_ATTRIBUTE_READ_ONLY));
}

#[test]
fn policies_offer_what_they_should_and_nothing_else() {
    let _alone = module::alone();
    for (policy, grade) in [("fips", Grade::Fips), ("strict", Grade::Strict), ("standard", Grade::Standard)] {
        let conf = module::write_configuration(module::directory(), "policy.toml", &format!("policy = \"{policy}\"\n"));
        module::initialize_with(module::directory(), &conf).unwrap();
        let token = Token::of_lone_test();
        let offered: BTreeSet<_> = listed(token.slot).into_iter().collect();
        assert_eq!(offered, ids(samples().filter(|sample| sample.grade <= grade)), "{policy}");
        let session = token.user();
        for sample in samples().filter(|sample| sample.grade > grade) {
            refuses(session, token.slot, sample);
        }
        drop(token);
        call!(C_Finalize(ptr::null_mut())).unwrap();
    }
}

/// A mechanism the token's policy leaves out is as if it did not exist.
fn refuses(session: Session, slot: CK_SLOT_ID, sample: &Sample) {
    let mut info = CK_MECHANISM_INFO::default();
    assert_eq!(call!(C_GetMechanismInfo(slot, sample.id, &mut info)), refused(CKR_MECHANISM_INVALID));
    let mechanism = sample.mechanism(16);
    let key = match sample.keys {
        [] => 0,
        [key_type, ..] => session.create(&key_template(*key_type, &key_value(*key_type, 0))).unwrap_or(0),
    };
    for work in sample.work() {
        assert_eq!(session.begin(*work, &mechanism, key), refused(CKR_MECHANISM_INVALID), "{}", sample.name);
    }
    match sample.kind {
        Kind::Mac { .. } => assert_eq!(session.verify_init(&mechanism, key), refused(CKR_MECHANISM_INVALID)),
        Kind::Generate => {
            let refusal = session.generate(&mechanism, &[number(CKA_VALUE_LEN, 16)]);
            assert_eq!(refusal, refused(CKR_MECHANISM_INVALID), "{}", sample.name);
        }
        _ => {}
    }
    if key != 0 {
        outcome(0).and(session.destroy(key)).unwrap();
    }
}
