//! What the C boundary costs on top of the core: `cargo test --release -p strongroom --test abi -- --ignored overhead`.

// Figures are for whoever asked for them.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use cryptoki_sys::*;
use strongroom::*;
use strongroom_core::hsm::{Hsm, Options};
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::session::Output;

use crate::support::*;

/// Nanoseconds of one call, the best of several rounds.
fn nanoseconds(mut body: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..40 {
        let begun = Instant::now();
        for _ in 0..5000 {
            body();
        }
        best = best.min(begun.elapsed().as_nanos() as f64 / 5000.0);
    }
    best
}

#[test]
#[ignore = "a measurement: needs a release build and a quiet machine"]
fn overhead_of_the_boundary() {
    let _turn = turn();
    let session = user_session();
    let key = aes_key(session);
    let (mut iv, mut data, mut output) = ([0u8; 12], [0u8; 16], [0u8; 64]);

    let through_c = nanoseconds(|| unsafe {
        let mut gcm =
            CK_GCM_PARAMS { pIv: iv.as_mut_ptr(), ulIvLen: 12, ulIvBits: 96, ulTagBits: 128, ..Default::default() };
        let mut mechanism = with_parameter(CKM_AES_GCM, &mut gcm);
        assert_eq!(C_EncryptInit(session, &mut mechanism, key), CKR_OK);
        let mut len = 64;
        assert_eq!(C_Encrypt(session, data.as_mut_ptr(), 16, output.as_mut_ptr(), &mut len), CKR_OK);
    });

    let (mut class, mut label, mut id, mut flag, mut len) = (0 as CK_ULONG, [0u8; 32], [0u8; 8], 0u8, 0 as CK_ULONG);
    let mut wanted = [
        into(CKA_CLASS, &mut class),
        into(CKA_LABEL, &mut label),
        into(CKA_ID, &mut id),
        into(CKA_TOKEN, &mut flag),
        into(CKA_VALUE_LEN, &mut len),
    ];
    let rooms = wanted.map(|entry| entry.ulValueLen);
    let five_through_c = nanoseconds(|| unsafe {
        for (entry, room) in wanted.iter_mut().zip(rooms) {
            entry.ulValueLen = room;
        }
        assert_eq!(C_GetAttributeValue(session, key, wanted.as_mut_ptr(), 5), CKR_OK);
    });
    let mut info = CK_SESSION_INFO::default();
    let asked = nanoseconds(|| assert_eq!(unsafe { C_GetSessionInfo(session, &mut info) }, CKR_OK));
    // Its reason is kept in words.
    let refused = nanoseconds(|| assert_eq!(unsafe { C_CancelFunction(session) }, CKR_FUNCTION_NOT_PARALLEL));
    finalize();

    let hsm = Hsm::start(Options::default()).unwrap();
    let slot = hsm.slots().unwrap()[0];
    let handle = hsm.open_session(slot, true).unwrap();
    hsm.session(handle).unwrap().login(CKU_USER, Some(USER_PIN), None).unwrap();
    let key = core_key(&hsm, handle);
    let inside = nanoseconds(|| {
        let session = hsm.session(black_box(handle)).unwrap();
        let parameter = Parameter::Gcm { iv: &iv, aad: &[], tag_bits: 128 };
        session.encrypt_init(&Call { mechanism: find(black_box(CKM_AES_GCM)).unwrap(), parameter }, key).unwrap();
        drop(session);
        let session = hsm.session(black_box(handle)).unwrap();
        session.encrypt(black_box(&data), Output::Buffer(&mut output)).unwrap();
    });
    let told = nanoseconds(|| drop(black_box(hsm.session(black_box(handle)).unwrap().info())));
    let five_inside = nanoseconds(|| {
        let session = hsm.session(black_box(handle)).unwrap();
        let object = session.object(key).unwrap();
        for attribute in [CKA_CLASS, CKA_LABEL, CKA_ID, CKA_TOKEN, CKA_VALUE_LEN] {
            black_box(object.attribute(strongroom_core::attribute::AttributeType(attribute)).unwrap());
        }
    });

    println!("AES-GCM of 16 bytes: {through_c:.1} ns through C, {inside:.1} ns inside");
    println!("five attributes: {five_through_c:.1} ns through C, {five_inside:.1} ns inside");
    println!("a session's state: {asked:.1} ns through C, {told:.1} ns inside; a refused call: {refused:.1} ns");
    assert!(through_c - inside < 80.0, "two calls may cost 40 ns each on top of the core");
    assert!(asked - told < 40.0);
}

fn core_key(hsm: &Hsm, handle: u64) -> u64 {
    use strongroom_core::attribute::{RawAttribute, RawValue, Template};
    let len = 32u64.to_ne_bytes();
    let raw = [
        RawAttribute { attribute: CKA_VALUE_LEN, value: RawValue::Bytes(&len) },
        RawAttribute { attribute: CKA_LABEL, value: RawValue::Bytes(b"abi key") },
    ];
    let call = Call { mechanism: find(CKM_AES_KEY_GEN).unwrap(), parameter: Parameter::None };
    hsm.session(handle).unwrap().generate_key(&call, &Template::parse(&raw).unwrap()).unwrap()
}
