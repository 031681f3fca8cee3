//! The profiles of PKCS#11 Profiles 3.2 that the module says it meets, by what their clauses and test cases ask.
//!
//! The test cases are those of the standard: `BL-M-1-32`, `EXT-M-1-32`, `AUTH-M-1-32`. What they let vary (§6.1) is not
//! compared.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{self, Token, USER_PIN, initialize_with};
use crate::parameters::plain;
use crate::session::NOTHING;
use crate::template::{bytes, flag, number, with};
use crate::vectors::hex;

#[test]
fn the_profiles_are_listed_and_no_others() {
    let token = Token::new();
    let session = token.read_only();
    let profiles = session.find(&[number(CKA_CLASS, CKO_PROFILE)]);
    let listed: Vec<CK_ULONG> = profiles.iter().map(|profile| session.number(*profile, CKA_PROFILE_ID)).collect();
    let expected = [CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN];
    assert_eq!(listed, expected);
    for profile in expected {
        let found = session.find(&[number(CKA_CLASS, CKO_PROFILE), number(CKA_PROFILE_ID, profile)]);
        assert_eq!(found.len(), 1);
        assert!(!session.get(found[0], CKA_UNIQUE_ID).unwrap().is_empty());
    }
}

/// `BL-M-1-32`: with the token's information, a search that finds nothing.
#[test]
fn baseline_provider() {
    let token = Token::new();
    let mut info = CK_INFO::default();
    call!(C_GetInfo(&mut info)).unwrap();
    assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor, info.flags), (3, 2, 0));
    let mut slot = CK_SLOT_INFO::default();
    call!(C_GetSlotInfo(token.slot, &mut slot)).unwrap();
    assert_eq!(slot.flags & (CKF_TOKEN_PRESENT | CKF_HW_SLOT), CKF_TOKEN_PRESENT);
    let info = token.info();
    let asked = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
    assert_eq!(info.flags & asked, asked);
    assert_eq!((info.ulMinPinLen, info.ulMaxPinLen), (4, 255));
    let session = token.read_only();
    assert_eq!(session.find(&[flag(CKA_TOKEN, true)]), NOTHING);
    session.close().unwrap();
    token.close_all();
}

/// `EXT-M-1-32`: mechanisms, a login, a search that finds nothing, a logout.
#[test]
fn extended_provider() {
    let token = Token::new();
    let mut count = 0;
    call!(C_GetMechanismList(token.slot, ptr::null_mut(), &mut count)).unwrap();
    let mut list = vec![0; count as usize];
    call!(C_GetMechanismList(token.slot, list.as_mut_ptr(), &mut count)).unwrap();
    let info = |mechanism| {
        assert!(list.contains(&mechanism));
        let mut info = CK_MECHANISM_INFO::default();
        call!(C_GetMechanismInfo(token.slot, mechanism, &mut info)).unwrap();
        info
    };
    let sha512 = info(CKM_SHA512);
    assert_eq!((sha512.ulMinKeySize, sha512.ulMaxKeySize, sha512.flags), (0, 0, CKF_DIGEST));
    let generation = info(CKM_RSA_PKCS_KEY_PAIR_GEN);
    assert_eq!((generation.ulMaxKeySize, generation.flags), (16384, CKF_GENERATE_KEY_PAIR));
    let rsa = info(CKM_RSA_PKCS);
    let asked = CKF_ENCRYPT | CKF_DECRYPT | CKF_SIGN | CKF_VERIFY | CKF_WRAP | CKF_UNWRAP;
    assert_eq!((rsa.ulMaxKeySize, rsa.flags & asked), (16384, asked));
    let session = token.user();
    assert_eq!(session.find(&[flag(CKA_TOKEN, true)]), NOTHING);
    session.logout().unwrap();
    // The clause asks for C_LoginUser too.
    session.login_user(CKU_USER, USER_PIN, b"").unwrap();
    session.logout().unwrap();
    session.close().unwrap();
    token.close_all();
}

/// `AUTH-M-1-32`: a pair is found by its labels, told its public half, and signs. The signature in the test case is
/// one of a key it does not give: it verifies.
#[test]
fn authentication_token() {
    let _alone = module::alone();
    let directory = module::directory();
    let start = || initialize_with(directory, &directory.join("conformance.toml")).unwrap();
    start();
    let token = Token::of_lone_test();
    let session = token.user();
    let kept = |label: &str| [flag(CKA_TOKEN, true), bytes(CKA_LABEL, label)];
    let public = with(&kept("testrsa-pub"), &[number(CKA_MODULUS_BITS, 2048)]);
    session.generate_pair(&plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &kept("testrsa-pri")).unwrap();
    call!(C_Finalize(ptr::null_mut())).unwrap();

    start();
    let session = token.user();
    let find = |class, label: &str| {
        let found = session.find(&with(&kept(label), &[number(CKA_CLASS, class)]));
        assert_eq!(found.len(), 1);
        found[0]
    };
    let public = find(CKO_PUBLIC_KEY, "testrsa-pub");
    let (mut modulus, mut exponent) = ([0u8; 1024], [0u8; 1024]);
    let mut template = [
        CK_ATTRIBUTE { type_: CKA_MODULUS, pValue: modulus.as_mut_ptr().cast(), ulValueLen: 1024 },
        CK_ATTRIBUTE { type_: CKA_PUBLIC_EXPONENT, pValue: exponent.as_mut_ptr().cast(), ulValueLen: 1024 },
    ];
    call!(C_GetAttributeValue(session.0, public, template.as_mut_ptr(), 2)).unwrap();
    assert_eq!((template[0].ulValueLen, template[1].ulValueLen, &exponent[..3]), (256, 3, &[1, 0, 1][..]));
    let private = find(CKO_PRIVATE_KEY, "testrsa-pri");
    let mechanism = plain(CKM_SHA256_RSA_PKCS);
    let signature = session.sign(&mechanism, private, &hex(CERTIFICATION_REQUEST)).unwrap();
    assert_eq!(signature.len(), 256);
    session.check(&mechanism, public, &hex(CERTIFICATION_REQUEST), &signature).unwrap();

    let theirs = [
        number(CKA_CLASS, CKO_PUBLIC_KEY),
        number(CKA_KEY_TYPE, CKK_RSA),
        bytes(CKA_MODULUS, hex(MODULUS)),
        bytes(CKA_PUBLIC_EXPONENT, [1, 0, 1]),
    ];
    let theirs = session.create(&theirs).unwrap();
    session.check(&mechanism, theirs, &hex(CERTIFICATION_REQUEST), &hex(SIGNATURE)).unwrap();
    session.logout().unwrap();
    session.close().unwrap();
    token.close_all();
    call!(C_Finalize(ptr::null_mut())).unwrap();
    drop(token);
}

const MODULUS: &str = "
    dee53f9d7b97ebd0724cf4874cd1d16a24e4fa36642aedd57b7ae1bf238e41288ec90745b86a336eb580add41f359d44e9b526723b14165e
    797696ca306dd47e576830e16795858d6e6c2ca8474945578df6ea9936424dd9c5535cd92629500170a108b4bd6faeb132f98648b77cef07
    bf9dcd78838b2e25935cc5b500fec1d9859c201f819266e80fd743c6a2c12d859640979aeac0971da6ec6c1786f3054b870ad9f3bc7019fa
    36aaefd1ec27803c89b7770b4244fb5bc950d3527771eec110104e01a94cadd37a20536ade3f290e3e7881846cdeed32379832a6658fbd4c
    c60b6fa7c0d5640fe8be45b5581225fd0d69cc2d7b1e91fce9dafc917fcfd045";

const CERTIFICATION_REQUEST: &str = "
    308201830201003056310b300906035504061302415531153013060355040a0c0c4f7267616e69736174696f6e311a3018060355040b0c11
    4f7267616e69736174696f6e20556e69743114301206035504030c0b436f6d6d6f6e204e616d6530820122300d06092a864886f70d010101
    05000382010f003082010a0282010100dee53f9d7b97ebd0724cf4874cd1d16a24e4fa36642aedd57b7ae1bf238e41288ec90745b86a336e
    b580add41f359d44e9b526723b14165e797696ca306dd47e576830e16795858d6e6c2ca8474945578df6ea9936424dd9c5535cd926295001
    70a108b4bd6faeb132f98648b77cef07bf9dcd78838b2e25935cc5b500fec1d9859c201f819266e80fd743c6a2c12d859640979aeac0971d
    a6ec6c1786f3054b870ad9f3bc7019fa36aaefd1ec27803c89b7770b4244fb5bc950d3527771eec110104e01a94cadd37a20536ade3f290e
    3e7881846cdeed32379832a6658fbd4cc60b6fa7c0d5640fe8be45b5581225fd0d69cc2d7b1e91fce9dafc917fcfd0450203010001a000";

const SIGNATURE: &str = "
    1a7d66b88de270da0cee9039c0a1eedf1312118b578d7eb9bbb45b0ea64a58d382942cf4009ae094cc03b63dba899d392c52371fffb46f57
    e442dc4d632b8c8e383df32a9fe2a0f455c54a5f9691bc5b65cfd965a658e76ef38e2c65ed231396dc56c1ba0adf6624d45b5fb8af299fa9
    4a85dc7289732af95a085fd03a66c435de5204f522a3d10b2efe3540e175b379ae1299fb33b166c2d50a155ad7d69467a37fe7e2c040f9a2
    c9059ddbaf84167e5de2b8dc2eae99ea349af9e05226d5ce62cfdb2a7bf51479ba3761f3603904099423a191a987d8dbc54162aaa3a83ae9
    f7198dc50cb251c7f57b905015f3876d2be27a79ebd8b0cebd68ddac9113464b";
