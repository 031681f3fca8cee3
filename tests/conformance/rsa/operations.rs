//! How operations with RSA keys behave: lengths, parts, recovery, parameters, refusals.

use std::ptr;

use cryptoki_sys::*;

use super::numbers::{GOOD, Numbers, ODD_LENGTH};
use super::{HASHES, oaep, pair, pss};
use crate::module::{Outcome, Token, refused};
use crate::parameters::{Mechanism, Oaep, Parameter, plain};
use crate::samples::Random;
use crate::session::{Session, Work};
use crate::template::{flag, with};
use crate::vectors::hex;

const GONE: CK_RV = CKR_OPERATION_NOT_INITIALIZED;

/// A key of 1024 bits: so many bytes.
const K: usize = 128;

fn start(bytes: &[u8]) -> *mut u8 {
    bytes.as_ptr().cast_mut()
}

/// The output convention (PKCS#11 3.2 §5.2): a length query and a buffer that is too small keep the operation, a result
/// ends it. `most` is what a query answers, `exact` what the result needs.
fn check_convention(
    (most, exact): (usize, usize),
    begin: impl Fn() -> Outcome,
    run: impl Fn(*mut u8, *mut CK_ULONG) -> Outcome,
) -> Vec<u8> {
    begin().unwrap();
    let mut len = 0;
    run(ptr::null_mut(), &mut len).unwrap();
    assert_eq!(len, most as CK_ULONG);
    for small in [0, 1, exact - 1] {
        let mut output = vec![0xa5; exact];
        let mut len = small as CK_ULONG;
        assert_eq!(run(output.as_mut_ptr(), &mut len), refused(CKR_BUFFER_TOO_SMALL));
        assert!(len >= exact as CK_ULONG && len <= most as CK_ULONG, "{len}");
        assert_eq!(output, vec![0xa5; exact], "nothing is written");
    }
    let mut output = vec![0; most];
    let mut len = exact as CK_ULONG;
    run(output.as_mut_ptr(), &mut len).unwrap();
    assert_eq!(len, exact as CK_ULONG);
    output.truncate(exact);
    assert_eq!(run(ptr::null_mut(), &mut len), refused(GONE));
    output
}

/// Every way to sign, with data it takes whole.
fn signatures() -> Vec<(Mechanism, Vec<u8>)> {
    let mut all = vec![
        (plain(CKM_RSA_PKCS), b"any bytes".to_vec()),
        (plain(CKM_RSA_X_509), b"a number".to_vec()),
        (pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32), vec![0x33; 32]),
    ];
    for hash in HASHES {
        all.extend(hash.pkcs1.map(|id| (plain(id), b"any data at all".to_vec())));
        if let (Some(id), Some(mgf)) = (hash.pss, hash.mgf) {
            all.push((pss(id, hash.digest, mgf, 20), b"any data at all".to_vec()));
        }
    }
    all
}

#[test]
fn rsa_signatures_follow_the_output_convention() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let mut count = 0;
    for (mechanism, data) in signatures() {
        let begin = || session.begin(Work::Sign, &mechanism, private);
        let whole = check_convention((K, K), begin, |output, len| {
            session.whole_raw(Work::Sign, (start(&data), data.len() as CK_ULONG, output, len))
        });
        session.check(&mechanism, public, &data, &whole).unwrap();
        let parts = check_convention(
            (K, K),
            || {
                session.begin(Work::Sign, &mechanism, private)?;
                session.update(Work::Sign, &data[..3])?;
                session.update(Work::Sign, &data[3..]).map(|_| ())
            },
            |output, len| session.finish_raw(Work::Sign, output, len),
        );
        session.check(&mechanism, public, &data, &parts).unwrap();
        count += 1;
    }
    println!("{count} mechanisms");
}

#[test]
fn rsa_encryption_follows_the_output_convention() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    for (mechanism, exact) in
        [(plain(CKM_RSA_PKCS), 11), (plain(CKM_RSA_X_509), K), (oaep(CKM_SHA256, CKG_MGF1_SHA256, b"label"), 11)]
    {
        let text = b"plaintext 1";
        let whole = |work, data: &[u8], exact, key| {
            check_convention(
                (K, exact),
                || session.begin(work, &mechanism, key),
                |output, len| session.whole_raw(work, (start(data), data.len() as CK_ULONG, output, len)),
            )
        };
        let ciphertext = whole(Work::Encrypt, text, K, public);
        let back = whole(Work::Decrypt, &ciphertext, exact, private);
        assert!(back.ends_with(text), "{mechanism:?}");
        assert!(back[..exact - text.len()].iter().all(|byte| *byte == 0));
        // In parts: nothing comes before the end.
        let parts = |work, data: &[u8], exact, key| {
            check_convention(
                (K, exact),
                || {
                    session.begin(work, &mechanism, key)?;
                    assert_eq!(session.update(work, &data[..5])?, b"");
                    assert_eq!(session.update(work, &[])?, b"");
                    session.update(work, &data[5..]).map(|output| assert_eq!(output, b""))
                },
                |output, len| session.finish_raw(work, output, len),
            )
        };
        let ciphertext = parts(Work::Encrypt, text, K, public);
        assert!(parts(Work::Decrypt, &ciphertext, exact, private).ends_with(text));
    }
}

#[test]
fn rsa_recovery_gives_the_signed_data_back() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let mut random = Random(3001);
    for len in [0, 1, 20, 64, K - 12, K - 11] {
        let data = random.bytes(len);
        let signature = session.sign_recover(&plain(CKM_RSA_PKCS), private, &data).unwrap();
        assert_eq!(signature, session.sign(&plain(CKM_RSA_PKCS), private, &data).unwrap());
        assert_eq!(session.verify_recover(&plain(CKM_RSA_PKCS), public, &signature).unwrap(), data);
        session.check(&plain(CKM_RSA_PKCS), public, &data, &signature).unwrap();
        let signature = session.sign_recover(&plain(CKM_RSA_X_509), private, &data).unwrap();
        let block = session.verify_recover(&plain(CKM_RSA_X_509), public, &signature).unwrap();
        assert_eq!(block, [vec![0; K - len], data].concat());
    }
    let data = b"to be recovered";
    let signature = check_convention(
        (K, K),
        || session.sign_recover_init(&plain(CKM_RSA_PKCS), private),
        |output, len| call!(C_SignRecover(session.0, start(data), data.len() as CK_ULONG, output, len)),
    );
    let recovered = check_convention(
        (data.len(), data.len()),
        || session.verify_recover_init(&plain(CKM_RSA_PKCS), public),
        |output, len| call!(C_VerifyRecover(session.0, start(&signature), K as CK_ULONG, output, len)),
    );
    assert_eq!(recovered, data);
}

#[test]
fn rsa_recovery_refuses_what_it_cannot_do() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let n = hex(GOOD.n);
    let pkcs1 = plain(CKM_RSA_PKCS);
    assert_eq!(session.sign_recover(&pkcs1, private, &[1; K - 10]), refused(CKR_DATA_LEN_RANGE));
    assert_eq!(session.sign_recover(&plain(CKM_RSA_X_509), private, &[0; K + 1]), refused(CKR_DATA_LEN_RANGE));
    assert_eq!(session.sign_recover(&plain(CKM_RSA_X_509), private, &n), refused(CKR_DATA_INVALID));
    let signature = session.sign_recover(&pkcs1, private, b"data").unwrap();
    for wrong in [&signature[1..], &[&signature[..], &[0]].concat(), &[]] {
        assert_eq!(session.verify_recover(&pkcs1, public, wrong), refused(CKR_SIGNATURE_LEN_RANGE));
        let mut len = 0;
        let gone = call!(C_VerifyRecover(session.0, start(&signature), K as CK_ULONG, ptr::null_mut(), &mut len));
        assert_eq!(gone, refused(GONE), "an error ends the operation");
    }
    for place in [0, 64, 127] {
        let mut wrong = signature.clone();
        wrong[place] ^= 1;
        assert_eq!(session.verify_recover(&pkcs1, public, &wrong), refused(CKR_SIGNATURE_INVALID));
    }
    for mechanism in [pkcs1.clone(), plain(CKM_RSA_X_509)] {
        assert_eq!(session.verify_recover(&mechanism, public, &n), refused(CKR_SIGNATURE_INVALID));
    }
    // A block of another type is no signature: that of an encryption, and one without padding.
    for block in
        [&[&[0, 2][..], &[0x77; K - 7], &[0], b"data"].concat(), &[0; K][..], &[&[0, 1], &[0xff; K - 2][..]].concat()]
    {
        let signature = session.sign_recover(&plain(CKM_RSA_X_509), private, block).unwrap();
        assert_eq!(session.verify_recover(&pkcs1, public, &signature), refused(CKR_SIGNATURE_INVALID));
    }
    for mechanism in [plain(CKM_SHA256_RSA_PKCS), pss(CKM_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, 20)] {
        assert_eq!(session.sign_recover_init(&mechanism, private), refused(CKR_MECHANISM_INVALID));
        assert_eq!(session.verify_recover_init(&mechanism, public), refused(CKR_MECHANISM_INVALID));
    }
    let forbidden = [flag(CKA_SIGN_RECOVER, false)];
    let forbidden = session.create(&with(&GOOD.private_template(), &forbidden)).unwrap();
    assert_eq!(session.sign_recover_init(&pkcs1, forbidden), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    let forbidden = session.create(&with(&GOOD.public_template(), &[flag(CKA_VERIFY_RECOVER, false)])).unwrap();
    assert_eq!(session.verify_recover_init(&pkcs1, forbidden), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    // One at a time, and NULL ends it.
    session.sign_recover_init(&pkcs1, private).unwrap();
    assert_eq!(session.sign_recover_init(&pkcs1, private), refused(CKR_OPERATION_ACTIVE));
    call!(C_SignRecoverInit(session.0, ptr::null_mut(), 0)).unwrap();
    session.sign_recover(&pkcs1, private, b"data").unwrap();
    session.verify_recover_init(&pkcs1, public).unwrap();
    assert_eq!(session.verify_recover_init(&pkcs1, public), refused(CKR_OPERATION_ACTIVE));
    session.cancel(CKF_VERIFY_RECOVER).unwrap();
    assert_eq!(session.verify_recover(&pkcs1, public, &signature).unwrap(), b"data");
}

#[test]
fn rsa_data_of_a_wrong_length_is_refused_and_ends_the_operation() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let oaep256 = oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
    let pss256 = pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
    for (work, mechanism, longest) in [
        (Work::Sign, &plain(CKM_RSA_PKCS), K - 11),
        (Work::Sign, &plain(CKM_RSA_X_509), K),
        (Work::Encrypt, &plain(CKM_RSA_PKCS), K - 11),
        (Work::Encrypt, &plain(CKM_RSA_X_509), K),
        (Work::Encrypt, &oaep256, K - 66),
        (Work::Sign, &pss256, 32),
    ] {
        let key = if work == Work::Sign { private } else { public };
        session.run(work, mechanism, key, &vec![0x11; longest]).unwrap();
        session.run_in_parts(work, mechanism, key, &vec![0x11; longest], &[1, 20]).unwrap();
        for long in [longest + 1, 1000] {
            assert_eq!(
                session.run(work, mechanism, key, &vec![0x11; long]),
                refused(CKR_DATA_LEN_RANGE),
                "{mechanism:?}"
            );
            assert!(!session.is_active(work));
            let parts = session.run_in_parts(work, mechanism, key, &vec![0x11; long], &[1, longest]);
            assert_eq!(parts, refused(CKR_DATA_LEN_RANGE), "{mechanism:?}");
            assert!(!session.is_active(work));
        }
    }
    for short in [0, 20, 31] {
        assert_eq!(session.sign(&pss256, private, &vec![1; short]), refused(CKR_DATA_LEN_RANGE));
        assert_eq!(session.check(&pss256, public, &vec![1; short], &[1; K]), refused(CKR_DATA_LEN_RANGE));
    }
    assert_eq!(session.check(&plain(CKM_RSA_PKCS), public, &[1; K - 10], &[1; K]), refused(CKR_DATA_LEN_RANGE));
    assert_eq!(session.check(&plain(CKM_RSA_X_509), public, &[1; K + 1], &[1; K]), refused(CKR_DATA_LEN_RANGE));
    // PKCS#11 3.2 §6.1.11: as long as the modulus, and not below it.
    let n = hex(GOOD.n);
    for large in [&n[..], &[0xff; K]] {
        let raw = plain(CKM_RSA_X_509);
        assert_eq!(session.sign(&raw, private, large), refused(CKR_DATA_INVALID));
        assert_eq!(session.run(Work::Encrypt, &raw, public, large), refused(CKR_DATA_INVALID));
        for mechanism in [&raw, &plain(CKM_RSA_PKCS), &oaep256] {
            let outcome = session.run(Work::Decrypt, mechanism, private, large);
            assert_eq!(outcome, refused(CKR_ENCRYPTED_DATA_INVALID), "{mechanism:?}");
        }
    }
    for mechanism in [&plain(CKM_RSA_X_509), &plain(CKM_RSA_PKCS), &oaep256] {
        for len in [0, 1, K - 1, K + 1, 2 * K] {
            let outcome = session.run(Work::Decrypt, mechanism, private, &vec![1; len]);
            assert_eq!(outcome, refused(CKR_ENCRYPTED_DATA_LEN_RANGE), "{mechanism:?} {len}");
            assert!(!session.is_active(Work::Decrypt));
        }
    }
}

#[test]
fn rsa_signatures_of_a_wrong_length_and_wrong_ones_are_told_apart() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    for (mechanism, data) in signatures() {
        let signature = session.sign(&mechanism, private, &data).unwrap();
        session.check_in_parts(&mechanism, public, &data, &signature, &[2, 2, 5]).unwrap();
        for wrong in [&signature[1..], &signature[..K - 1], &[&[0][..], &signature].concat(), &[]] {
            assert_eq!(
                session.check(&mechanism, public, &data, wrong),
                refused(CKR_SIGNATURE_LEN_RANGE),
                "{mechanism:?}"
            );
            assert_eq!(session.verify(&data, &signature), refused(GONE));
            let parts = session.check_in_parts(&mechanism, public, &data, wrong, &[4]);
            assert_eq!(parts, refused(CKR_SIGNATURE_LEN_RANGE));
        }
        for place in [0, 1, 64, K - 1] {
            let mut wrong = signature.clone();
            wrong[place] ^= 0x10;
            assert_eq!(
                session.check(&mechanism, public, &data, &wrong),
                refused(CKR_SIGNATURE_INVALID),
                "{mechanism:?}"
            );
        }
        for wrong in [&[0; K][..], &[0xff; K], &hex(GOOD.n)] {
            assert_eq!(
                session.check(&mechanism, public, &data, wrong),
                refused(CKR_SIGNATURE_INVALID),
                "{mechanism:?}"
            );
        }
        let mut other = data.clone();
        other[0] ^= 1;
        assert_eq!(session.check(&mechanism, public, &other, &signature), refused(CKR_SIGNATURE_INVALID));
        check_signature_first(session, (&mechanism, public), &data, &signature);
    }
}

/// The same with the signature given first (`C_VerifySignatureInit`).
fn check_signature_first(session: Session, (mechanism, key): (&Mechanism, u64), data: &[u8], signature: &[u8]) {
    session.verify_signature_init(mechanism, key, signature).unwrap();
    session.verify_signature(data).unwrap();
    session.verify_signature_init(mechanism, key, signature).unwrap();
    session.verify_signature_update(&data[..2]).unwrap();
    session.verify_signature_update(&data[2..]).unwrap();
    session.verify_signature_final().unwrap();
    let mut wrong = signature.to_vec();
    wrong[40] ^= 4;
    session.verify_signature_init(mechanism, key, &wrong).unwrap();
    assert_eq!(session.verify_signature(data), refused(CKR_SIGNATURE_INVALID));
    let long = [signature, &[0]].concat();
    assert_eq!(session.verify_signature_init(mechanism, key, &long), refused(CKR_SIGNATURE_LEN_RANGE));
    assert_eq!(session.verify_signature(data), refused(GONE));
}

#[test]
fn rsa_keys_do_what_their_half_can_and_their_attributes_say() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let pkcs1 = plain(CKM_RSA_PKCS);
    // The half that cannot: it lacks the attribute.
    let no = CKR_KEY_FUNCTION_NOT_PERMITTED;
    assert_eq!(session.begin(Work::Sign, &pkcs1, public), refused(no));
    assert_eq!(session.begin(Work::Decrypt, &pkcs1, public), refused(no));
    assert_eq!(session.begin(Work::Encrypt, &pkcs1, private), refused(no));
    assert_eq!(session.verify_init(&pkcs1, private), refused(no));
    assert_eq!(session.sign_recover_init(&pkcs1, public), refused(no));
    assert_eq!(session.verify_recover_init(&pkcs1, private), refused(no));
    for (work, usage) in [(Work::Sign, CKA_SIGN), (Work::Decrypt, CKA_DECRYPT)] {
        let key = session.create(&with(&GOOD.private_template(), &[flag(usage, false)])).unwrap();
        assert_eq!(session.begin(work, &pkcs1, key), refused(no));
    }
    let key = session.create(&with(&GOOD.public_template(), &[flag(CKA_ENCRYPT, false), flag(CKA_VERIFY, false)]));
    let key = key.unwrap();
    assert_eq!(session.begin(Work::Encrypt, &pkcs1, key), refused(no));
    assert_eq!(session.verify_init(&pkcs1, key), refused(no));
    // Keys of other types, and none.
    let secret = session.create(&crate::template::key_template(CKK_AES, &[1; 16])).unwrap();
    for mechanism in [&pkcs1, &plain(CKM_SHA256_RSA_PKCS)] {
        assert_eq!(session.begin(Work::Sign, mechanism, secret), refused(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(session.verify_init(mechanism, secret), refused(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(session.begin(Work::Sign, mechanism, 0), refused(CKR_KEY_HANDLE_INVALID));
    }
    for work in [Work::Encrypt, Work::Decrypt] {
        assert_eq!(session.begin(work, &pkcs1, secret), refused(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(session.begin(work, &plain(CKM_SHA256_RSA_PKCS), private), refused(CKR_MECHANISM_INVALID));
        assert_eq!(session.begin(work, &plain(CKM_RSA_PKCS_KEY_PAIR_GEN), private), refused(CKR_MECHANISM_INVALID));
    }
    assert_eq!(session.begin(Work::Encrypt, &plain(CKM_AES_ECB), public), refused(CKR_KEY_TYPE_INCONSISTENT));
    assert_eq!(session.begin(Work::Sign, &plain(CKM_ECDSA), private), refused(CKR_KEY_TYPE_INCONSISTENT));
    let only =
        with(&GOOD.private_template(), &[crate::template::numbers(CKA_ALLOWED_MECHANISMS, &[CKM_SHA256_RSA_PKCS])]);
    let only = session.create(&only).unwrap();
    session.sign(&plain(CKM_SHA256_RSA_PKCS), only, b"data").unwrap();
    assert_eq!(session.begin(Work::Sign, &pkcs1, only), refused(CKR_MECHANISM_INVALID));
}

#[test]
fn rsa_parameters_are_read_strictly() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let bad = refused(CKR_MECHANISM_PARAM_INVALID);
    for id in [CKM_RSA_PKCS, CKM_RSA_X_509, CKM_SHA256_RSA_PKCS] {
        let mechanism = Mechanism { id, parameter: Parameter::Bytes(vec![0; 8]) };
        assert_eq!(session.begin(Work::Sign, &mechanism, private), bad);
        assert_eq!(session.verify_init(&mechanism, public), bad);
    }
    for (id, hash) in [(CKM_RSA_PKCS_PSS, CKM_SHA256), (CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256)] {
        for parameter in [
            Parameter::None,
            Parameter::Bytes(vec![0; 16]),
            Parameter::Bytes(vec![0; 32]),
            Parameter::Pss { hash: 0, mgf: CKG_MGF1_SHA256, salt_len: 32 },
            Parameter::Pss { hash: CKM_SHA256_RSA_PKCS, mgf: CKG_MGF1_SHA256, salt_len: 32 },
            Parameter::Pss { hash: CKM_SHA256_HMAC, mgf: CKG_MGF1_SHA256, salt_len: 32 },
            Parameter::Pss { hash, mgf: 0, salt_len: 32 },
            Parameter::Pss { hash, mgf: 10, salt_len: 32 },
            Parameter::Pss { hash, mgf: CKM_SHA256, salt_len: 32 },
            Parameter::Pss { hash, mgf: CKG_MGF1_SHA256, salt_len: 128 - 2 - 32 + 1 },
            Parameter::Pss { hash, mgf: CKG_MGF1_SHA256, salt_len: 1 << 31 },
            Parameter::Pss { hash, mgf: CKG_MGF1_SHA256, salt_len: CK_ULONG::MAX },
        ] {
            let mechanism = Mechanism { id, parameter };
            assert_eq!(session.begin(Work::Sign, &mechanism, private), bad, "{mechanism:?}");
            assert_eq!(session.verify_init(&mechanism, public), bad, "{mechanism:?}");
        }
    }
    // The mechanism's hash is the parameter's.
    let other = pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 32);
    assert_eq!(session.begin(Work::Sign, &other, private), bad);
    let params = |hash, mgf, source, label: &[u8]| Parameter::Oaep(Oaep { hash, mgf, source, label: label.to_vec() });
    for parameter in [
        Parameter::None,
        Parameter::Bytes(vec![0; 24]),
        params(0, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, b""),
        params(CKM_RSA_PKCS, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, b""),
        params(CKM_SHA_1, 0, CKZ_DATA_SPECIFIED, b""),
        params(CKM_SHA_1, 10, CKZ_DATA_SPECIFIED, b""),
        params(CKM_SHA_1, CKG_MGF1_SHA1, 2, b""),
        params(CKM_SHA_1, CKG_MGF1_SHA1, 0, b"label"),
    ] {
        let mechanism = Mechanism { id: CKM_RSA_PKCS_OAEP, parameter };
        for (work, key) in [(Work::Encrypt, public), (Work::Decrypt, private)] {
            assert_eq!(session.begin(work, &mechanism, key), bad, "{mechanism:?}");
        }
    }
    // Programs that want no label leave the source out (0), against the letter of §6.1.7.
    let parameter = params(CKM_SHA_1, CKG_MGF1_SHA1, 0, b"");
    let without_source = Mechanism { id: CKM_RSA_PKCS_OAEP, parameter };
    let ciphertext = session.run(Work::Encrypt, &without_source, public, b"data").unwrap();
    let with_source = oaep(CKM_SHA_1, CKG_MGF1_SHA1, b"");
    assert_eq!(session.run(Work::Decrypt, &with_source, private, &ciphertext).unwrap(), b"data");
}

#[test]
fn rsa_hashes_and_salts_fit_the_key_or_are_refused_at_the_beginning() {
    let token = Token::new();
    let session = token.user();
    // RFC 8017 §9.1.1: with 1025 bits the block is a byte shorter than the modulus.
    for (numbers, block) in [(GOOD, 128), (ODD_LENGTH, 128)] {
        let (public, private) = numbers.import(session).unwrap();
        for hash in HASHES.iter().filter(|hash| hash.pss.is_some()) {
            let most = block - 2 - hash.bytes;
            let data = vec![0x5c; hash.bytes];
            for (id, data) in [(CKM_RSA_PKCS_PSS, &data[..]), (hash.pss.unwrap(), b"data")] {
                for salt in [0, 1, most] {
                    let mechanism = pss(id, hash.digest, hash.mgf.unwrap(), salt);
                    let signature = session.sign(&mechanism, private, data).unwrap();
                    session.check(&mechanism, public, data, &signature).unwrap();
                    // The salt's length is the parameter's, not the signature's.
                    let other = pss(id, hash.digest, hash.mgf.unwrap(), if salt == 0 { 1 } else { salt - 1 });
                    assert_eq!(session.check(&other, public, data, &signature), refused(CKR_SIGNATURE_INVALID));
                }
                let mechanism = pss(id, hash.digest, hash.mgf.unwrap(), most + 1);
                let refusal = refused(CKR_MECHANISM_PARAM_INVALID);
                assert_eq!(session.begin(Work::Sign, &mechanism, private), refusal);
                assert_eq!(session.verify_init(&mechanism, public), refusal);
            }
        }
        let bytes = numbers.n.len() / 2;
        for hash in HASHES {
            let mechanism = oaep(hash.digest, CKG_MGF1_SHA1, b"label");
            match bytes.checked_sub(2 * hash.bytes + 2) {
                Some(most) => {
                    let data = vec![0x5d; most];
                    let ciphertext = session.run(Work::Encrypt, &mechanism, public, &data).unwrap();
                    assert_eq!(session.run(Work::Decrypt, &mechanism, private, &ciphertext).unwrap(), data);
                }
                None => {
                    let refusal = refused(CKR_KEY_SIZE_RANGE);
                    assert_eq!(session.begin(Work::Encrypt, &mechanism, public), refusal);
                    assert_eq!(session.begin(Work::Decrypt, &mechanism, private), refusal);
                }
            }
        }
    }
}

#[test]
fn rsa_operations_of_one_session_do_not_disturb_each_other() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = pair(session, 1024);
    let (signing, verifying) = (plain(CKM_SHA512_RSA_PKCS), plain(CKM_SHA256_RSA_PKCS));
    let signature = session.sign(&verifying, private, b"data").unwrap();
    let ciphertext = session.run(Work::Encrypt, &plain(CKM_RSA_PKCS), public, b"text").unwrap();
    session.begin(Work::Sign, &signing, private).unwrap();
    session.verify_init(&verifying, public).unwrap();
    session.begin(Work::Encrypt, &plain(CKM_RSA_PKCS), public).unwrap();
    session.begin(Work::Decrypt, &plain(CKM_RSA_PKCS), private).unwrap();
    session.sign_recover_init(&plain(CKM_RSA_PKCS), private).unwrap();
    session.verify_recover_init(&plain(CKM_RSA_PKCS), public).unwrap();
    assert_eq!(session.begin(Work::Sign, &signing, private), refused(CKR_OPERATION_ACTIVE));
    session.update(Work::Sign, b"da").unwrap();
    session.verify_update(b"dat").unwrap();
    assert_eq!(session.whole(Work::Decrypt, &ciphertext).unwrap(), b"text");
    session.update(Work::Sign, b"ta").unwrap();
    session.verify_update(b"a").unwrap();
    session.verify_final(&signature).unwrap();
    let made = session.finish(Work::Sign).unwrap();
    session.check(&signing, public, b"data", &made).unwrap();
    assert_eq!(session.whole(Work::Encrypt, b"text").unwrap().len(), K);
    session.cancel_all();
    // The whole after a part is no operation that was begun.
    session.begin(Work::Sign, &signing, private).unwrap();
    session.update(Work::Sign, b"da").unwrap();
    assert_eq!(session.whole(Work::Sign, b"ta"), refused(GONE));
    // A key that goes takes its operations along.
    session.begin(Work::Sign, &signing, private).unwrap();
    session.destroy(private).unwrap();
    assert_eq!(session.whole(Work::Sign, b"data"), refused(GONE));
}

#[test]
fn rsa_signs_and_verifies_message_after_message() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let mut count = 0;
    for (mechanism, data) in signatures() {
        let mut info = CK_MECHANISM_INFO::default();
        call!(C_GetMechanismInfo(token.slot, mechanism.id, &mut info)).unwrap();
        if info.flags & CKF_MESSAGE_SIGN == 0 {
            assert_eq!(session.message_sign_init(&mechanism, private), refused(CKR_MECHANISM_INVALID));
            assert_eq!(session.message_verify_init(&mechanism, public), refused(CKR_MECHANISM_INVALID));
            continue;
        }
        session.message_sign_init(&mechanism, private).unwrap();
        session.message_verify_init(&mechanism, public).unwrap();
        for round in 0..3 {
            let mut data = data.clone();
            data[0] = round;
            let signature = session.sign_message(&data).unwrap();
            session.check(&mechanism, public, &data, &signature).unwrap();
            session.verify_message(&data, &signature).unwrap();
            assert_eq!(session.verify_message(b"else", &signature).is_ok(), data == b"else");
            assert_eq!(session.verify_message(&data, &signature[1..]), refused(CKR_SIGNATURE_LEN_RANGE));
        }
        session.message_sign_final().unwrap();
        session.message_verify_final().unwrap();
        count += 1;
    }
    println!("{count} mechanisms sign messages");
    assert!(count > 0);
}

/// In-place operation: input and output in one buffer (PKCS#11 3.2 §6.1.6).
#[test]
fn rsa_input_and_output_may_be_one_buffer() {
    let token = Token::new();
    let session = token.user();
    let numbers: Numbers = GOOD;
    let (public, private) = numbers.import(session).unwrap();
    for mechanism in [plain(CKM_RSA_PKCS), plain(CKM_RSA_X_509), oaep(CKM_SHA_1, CKG_MGF1_SHA1, b"")] {
        let mut buffer = [0u8; K];
        buffer[..4].copy_from_slice(b"text");
        for (work, key, len) in [(Work::Encrypt, public, 4), (Work::Decrypt, private, K)] {
            session.begin(work, &mechanism, key).unwrap();
            let mut out = K as CK_ULONG;
            let place = buffer.as_mut_ptr();
            session.whole_raw(work, (place, len as CK_ULONG, place, &mut out)).unwrap();
            assert!(work == Work::Encrypt || buffer[..out as usize].ends_with(b"text"), "{mechanism:?}");
        }
    }
}
