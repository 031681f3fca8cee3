//! PKCS #1 v1.5 encryption gives Bleichenbacher's attack nothing: a wrong padding becomes a message, or a key, that
//! only the key and the ciphertext decide.

use std::collections::BTreeSet;

use cryptoki_sys::*;

use super::numbers::GOOD;
use crate::module::{Outcome, Token, refused};
use crate::parameters::plain;
use crate::samples::Random;
use crate::session::{Session, Work};
use crate::template::{Entry, flag, number, with};

/// Bytes of the key.
const K: usize = 128;

/// A block with this message, and with padding as `damage` leaves it.
fn block(random: &mut Random, message: &[u8], damage: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut block: Vec<u8> = random.bytes(K).into_iter().map(|byte| byte | 1).collect();
    let end = K - message.len();
    block[..2].copy_from_slice(&[0, 2]);
    block[end - 1] = 0;
    block[end..].copy_from_slice(message);
    damage(&mut block);
    block
}

type Damage = fn(&mut [u8]);

/// Every way a padding can be wrong. All stay below the modulus, which begins with a byte above 0x80.
const DAMAGES: [(&str, Damage); 10] = [
    ("the first byte is 1", |block| block[0] = 1),
    ("the first byte is 0x40", |block| block[0] = 0x40),
    ("the type is 0", |block| block[1] = 0),
    ("the type is 1", |block| block[1] = 1),
    ("the type is 3", |block| block[1] = 3),
    ("the type is 0xff", |block| block[1] = 0xff),
    ("a zero in the first byte of the padding", |block| block[2] = 0),
    ("a zero in the eighth byte of the padding", |block| block[9] = 0),
    ("no zero anywhere", |block| block[2..].iter_mut().for_each(|byte| *byte |= 1)),
    ("a block of a signature", |block| {
        block[1] = 1;
        let end = block.iter().rposition(|byte| *byte == 0).unwrap();
        block[2..end].fill(0xff);
    }),
];

/// The ciphertexts of all damaged blocks for this message, by the public key without padding.
fn damaged(session: Session, public: CK_OBJECT_HANDLE, seed: u64, message: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut random = Random(seed);
    let encrypt = |block: &[u8]| session.run(Work::Encrypt, &plain(CKM_RSA_X_509), public, block).unwrap();
    DAMAGES.iter().map(|(name, damage)| (*name, encrypt(&block(&mut random, message, damage)))).collect()
}

fn decrypt(session: Session, private: CK_OBJECT_HANDLE, ciphertext: &[u8]) -> Outcome<Vec<u8>> {
    session.run(Work::Decrypt, &plain(CKM_RSA_PKCS), private, ciphertext)
}

#[test]
fn a_wrong_rsa_padding_decrypts_to_a_message_that_is_always_the_same() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let (mut cases, mut lengths) = (0, BTreeSet::new());
    for seed in 0..30 {
        let message = Random(seed).bytes(16);
        let mut random = Random(seed);
        let good = block(&mut random, &message, |_| ());
        let good = session.run(Work::Encrypt, &plain(CKM_RSA_X_509), public, &good).unwrap();
        assert_eq!(decrypt(session, private, &good).unwrap(), message);
        for (name, ciphertext) in damaged(session, public, seed, &message) {
            let made_up = decrypt(session, private, &ciphertext).unwrap_or_else(|code| panic!("{name}: {code:?}"));
            assert!(made_up.len() <= K - 11, "{name}");
            assert_ne!(made_up, message, "{name}");
            assert_eq!(decrypt(session, private, &ciphertext).unwrap(), made_up, "{name}");
            // Another object with the same key, in parts: the same.
            let again = session.create(&GOOD.short_template()).unwrap();
            let parts = session.run_in_parts(Work::Decrypt, &plain(CKM_RSA_PKCS), again, &ciphertext, &[1, 99]);
            assert_eq!(parts.unwrap(), made_up, "{name}");
            session.destroy(again).unwrap();
            lengths.insert(made_up.len());
            cases += 1;
        }
    }
    println!("{cases} wrong paddings, made-up messages of {} different lengths", lengths.len());
    assert!(lengths.len() > 50, "{lengths:?}");
}

/// A buffer that is too small says how long the message is, made up or not.
#[test]
fn a_wrong_rsa_padding_meets_a_small_buffer_like_a_right_one() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let mut met = 0;
    for (name, ciphertext) in (0..3).flat_map(|seed| damaged(session, public, seed, b"sixteen bytes...")) {
        let made_up = decrypt(session, private, &ciphertext).unwrap();
        session.begin(Work::Decrypt, &plain(CKM_RSA_PKCS), private).unwrap();
        let input = ciphertext.as_ptr().cast_mut();
        let mut len = 0;
        session.whole_raw(Work::Decrypt, (input, K as CK_ULONG, std::ptr::null_mut(), &mut len)).unwrap();
        assert_eq!(len, K as CK_ULONG, "{name}: a query is answered without a look at the data");
        if let Some(short) = made_up.len().checked_sub(1) {
            let mut output = vec![0; K];
            let mut len = short as CK_ULONG;
            let outcome = session.whole_raw(Work::Decrypt, (input, K as CK_ULONG, output.as_mut_ptr(), &mut len));
            assert_eq!(outcome, refused(CKR_BUFFER_TOO_SMALL), "{name}");
            assert_eq!(len, made_up.len() as CK_ULONG, "{name}");
            met += 1;
        }
        assert_eq!(session.whole(Work::Decrypt, &ciphertext).unwrap(), made_up, "{name}");
    }
    assert!(met > 20);
}

fn unwrap(session: Session, private: CK_OBJECT_HANDLE, wrapped: &[u8], more: &[Entry]) -> Outcome<Vec<u8>> {
    let open = [
        number(CKA_CLASS, CKO_SECRET_KEY),
        number(CKA_KEY_TYPE, CKK_AES),
        flag(CKA_SENSITIVE, false),
        flag(CKA_EXTRACTABLE, true),
    ];
    let key = session.unwrap(&plain(CKM_RSA_PKCS), private, wrapped, &with(&open, more))?;
    let value = session.get(key, CKA_VALUE).unwrap();
    session.destroy(key).unwrap();
    Ok(value)
}

#[test]
fn a_wrong_rsa_padding_unwraps_to_a_key_that_is_always_the_same() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let mut cases = 0;
    for seed in 100..110 {
        let message = Random(seed).bytes(32);
        let right = session.run(Work::Encrypt, &plain(CKM_RSA_PKCS), public, &message).unwrap();
        let aes = |bytes| [number(CKA_VALUE_LEN, bytes)];
        assert_eq!(unwrap(session, private, &right, &aes(32)).unwrap(), message);
        // A right padding around a key of another length is not told apart from a wrong one.
        let mut ciphertexts = damaged(session, public, seed, &message);
        ciphertexts
            .push(("31 bytes", session.run(Work::Encrypt, &plain(CKM_RSA_PKCS), public, &message[1..]).unwrap()));
        ciphertexts.push(("nothing", session.run(Work::Encrypt, &plain(CKM_RSA_PKCS), public, b"").unwrap()));
        for (name, wrapped) in &ciphertexts {
            for bytes in [16, 24, 32] {
                let made_up = unwrap(session, private, wrapped, &aes(bytes));
                let made_up = made_up.unwrap_or_else(|code| panic!("{name}: {code:?}"));
                assert_eq!(made_up.len(), bytes as usize, "{name}");
                assert!(!message.windows(8).any(|window| made_up.starts_with(window)), "{name}");
                assert_eq!(unwrap(session, private, wrapped, &aes(bytes)).unwrap(), made_up, "{name}");
                cases += 1;
            }
            // A DES key has parity, made up or not.
            let des = [number(CKA_KEY_TYPE, CKK_DES3)];
            let value = unwrap(session, private, wrapped, &des).unwrap_or_else(|code| panic!("{name}: {code:?}"));
            assert_eq!(value.len(), 24);
            // Without a length the message is the key: any message is a generic secret but an empty one.
            let generic = [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)];
            let plain = decrypt(session, private, wrapped).unwrap();
            match unwrap(session, private, wrapped, &generic) {
                Ok(value) => assert_eq!(value, plain, "{name}"),
                outcome => {
                    assert_eq!(outcome, refused(CKR_WRAPPED_KEY_INVALID), "{name}");
                    assert!(plain.is_empty(), "{name}");
                }
            }
            // Without a length an AES key needs a message of one of its lengths, made up or not.
            match unwrap(session, private, wrapped, &[]) {
                Ok(value) => assert_eq!(value, plain, "{name}"),
                outcome => {
                    assert_eq!(outcome, refused(CKR_WRAPPED_KEY_INVALID), "{name}");
                    assert!(![16, 24, 32].contains(&plain.len()), "{name}");
                }
            }
        }
    }
    println!("{cases} wrong paddings unwrapped");
}

#[test]
fn what_is_public_of_a_wrapped_key_is_told() {
    let token = Token::new();
    let session = token.user();
    let (_, private) = GOOD.import(session).unwrap();
    let template = [number(CKA_VALUE_LEN, 16)];
    for len in [0, K - 1, K + 1] {
        let outcome = unwrap(session, private, &vec![1; len], &template);
        assert_eq!(outcome, refused(CKR_WRAPPED_KEY_LEN_RANGE));
    }
    let outcome = unwrap(session, private, &[0xff; K], &template);
    assert_eq!(outcome, refused(CKR_WRAPPED_KEY_INVALID), "not below the modulus");
}
