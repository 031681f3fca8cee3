//! Encryption and decryption by messages (§5.9, §5.11, §6.13): published values, IVs made by the module, and what is
//! told when something is wrong.

use std::collections::HashSet;
use std::ffi::c_void;
use std::path::Path;
use std::ptr;

use cryptoki_sys::*;

use crate::module::{Code, Outcome, Token, refused};
use crate::parameters::{plain, with_iv};
use crate::session::{Session, Work};
use crate::template::{flag, key_template, with};
use crate::vectors::hex;

/// The parameter of a message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    mechanism: CK_MECHANISM_TYPE,
    iv: Vec<u8>,
    fixed_bits: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    tag: Vec<u8>,
    data_len: usize,
}

impl Message {
    pub(crate) fn new(mechanism: CK_MECHANISM_TYPE, iv: &[u8], tag_bytes: usize, data_len: usize) -> Message {
        let (iv, tag) = (iv.to_vec(), vec![0; tag_bytes]);
        Message { mechanism, iv, fixed_bits: 0, generator: CKG_NO_GENERATE, tag, data_len }
    }

    fn gcm(generator: CK_GENERATOR_FUNCTION, fixed_bits: CK_ULONG) -> Message {
        Message { generator, fixed_bits, ..Message::new(CKM_AES_GCM, &[0xc3; 12], 16, 0) }
    }

    /// Lends the C form.
    fn lend<R>(&mut self, run: impl FnOnce(*mut c_void, CK_ULONG) -> R) -> R {
        fn lend<T, R>(mut params: T, run: impl FnOnce(*mut c_void, CK_ULONG) -> R) -> R {
            run(ptr::from_mut(&mut params).cast(), size_of::<T>() as CK_ULONG)
        }
        let (iv, iv_len) = (self.iv.as_mut_ptr(), self.iv.len() as CK_ULONG);
        let (tag, tag_len) = (self.tag.as_mut_ptr(), self.tag.len() as CK_ULONG);
        match self.mechanism {
            CKM_AES_GCM => lend(
                CK_GCM_MESSAGE_PARAMS {
                    pIv: iv,
                    ulIvLen: iv_len,
                    ulIvFixedBits: self.fixed_bits,
                    ivGenerator: self.generator,
                    pTag: tag,
                    ulTagBits: tag_len * 8,
                },
                run,
            ),
            CKM_AES_CCM => lend(
                CK_CCM_MESSAGE_PARAMS {
                    ulDataLen: self.data_len as CK_ULONG,
                    pNonce: iv,
                    ulNonceLen: iv_len,
                    ulNonceFixedBits: self.fixed_bits,
                    nonceGenerator: self.generator,
                    pMAC: tag,
                    ulMACLen: tag_len,
                },
                run,
            ),
            CKM_CHACHA20_POLY1305 => {
                lend(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS { pNonce: iv, ulNonceLen: iv_len, pTag: tag }, run)
            }
            other => panic!("0x{other:x} takes no messages"),
        }
    }
}

fn pair(bytes: &[u8]) -> (*mut u8, CK_ULONG) {
    (bytes.as_ptr().cast_mut(), bytes.len() as CK_ULONG)
}

/// Begins a series.
pub(crate) fn begin(session: Session, work: Work, mechanism: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE) -> Outcome {
    plain(mechanism).lend(|mechanism| match work {
        Work::Encrypt => call!(C_MessageEncryptInit(session.0, mechanism, key)),
        _ => call!(C_MessageDecryptInit(session.0, mechanism, key)),
    })
}

pub(crate) fn end(session: Session, work: Work) -> Outcome {
    match work {
        Work::Encrypt => call!(C_MessageEncryptFinal(session.0)),
        _ => call!(C_MessageDecryptFinal(session.0)),
    }
}

/// One message in one call, into a buffer of `room` bytes.
fn whole_into(
    session: Session,
    work: Work,
    message: &mut Message,
    aad: &[u8],
    data: &[u8],
    output: (*mut u8, &mut CK_ULONG),
) -> Outcome {
    let ((aad, aad_len), (data, data_len), s) = (pair(aad), pair(data), session.0);
    message.lend(|parameter, len| match work {
        Work::Encrypt => {
            call!(C_EncryptMessage(s, parameter, len, aad, aad_len, data, data_len, output.0, output.1))
        }
        _ => call!(C_DecryptMessage(s, parameter, len, aad, aad_len, data, data_len, output.0, output.1)),
    })
}

/// One message in one call, into a buffer exactly as long as the data. Where it fails, nothing is in the buffer.
pub(crate) fn whole(session: Session, work: Work, message: &mut Message, aad: &[u8], data: &[u8]) -> Outcome<Vec<u8>> {
    let mut output = vec![0xee; data.len() + 1];
    let mut len = data.len() as CK_ULONG;
    let result = whole_into(session, work, message, aad, data, (output.as_mut_ptr(), &mut len));
    assert_eq!(output.pop(), Some(0xee));
    match result {
        Ok(()) => {
            assert_eq!(len, data.len() as CK_ULONG);
            Ok(output)
        }
        Err(code) => {
            let untouched = output.iter().all(|byte| *byte == 0xee || *byte == 0);
            assert!(work == Work::Encrypt || untouched, "something came out");
            Err(code)
        }
    }
}

fn start_parts(session: Session, work: Work, message: &mut Message, aad: &[u8]) -> Outcome {
    let (aad, aad_len) = pair(aad);
    message.lend(|parameter, len| match work {
        Work::Encrypt => call!(C_EncryptMessageBegin(session.0, parameter, len, aad, aad_len)),
        _ => call!(C_DecryptMessageBegin(session.0, parameter, len, aad, aad_len)),
    })
}

/// One part, into ample room.
fn next(session: Session, work: Work, message: &mut Message, part: &[u8], flags: CK_FLAGS) -> Outcome<Vec<u8>> {
    let mut output = vec![0; 70_000];
    let mut output_len = output.len() as CK_ULONG;
    let ((part, part_len), s) = (pair(part), session.0);
    let (start, room) = (output.as_mut_ptr(), &mut output_len);
    message.lend(|parameter, len| match work {
        Work::Encrypt => call!(C_EncryptMessageNext(s, parameter, len, part, part_len, start, room, flags)),
        _ => call!(C_DecryptMessageNext(s, parameter, len, part, part_len, start, room, flags)),
    })?;
    output.truncate(output_len as usize);
    Ok(output)
}

/// One message in three parts.
fn in_parts(session: Session, work: Work, message: &mut Message, aad: &[u8], data: &[u8]) -> Outcome<Vec<u8>> {
    start_parts(session, work, message, aad)?;
    let (first, rest) = data.split_at(data.len() / 3);
    let (second, last) = rest.split_at(rest.len() / 2);
    let mut output = Vec::new();
    for part in [first, second] {
        let came = next(session, work, message, part, 0)?;
        assert!(work == Work::Encrypt || came.is_empty(), "plaintext before the tag was checked");
        output.extend(came);
    }
    output.extend(next(session, work, message, last, CKF_END_OF_MESSAGE)?);
    Ok(output)
}

/// Runs every case of one of Project Wycheproof's files, all messages of one key in one series.
fn wycheproof(name: &str, mechanism: CK_MECHANISM_TYPE, key_type: CK_KEY_TYPE) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/wycheproof").join(name);
    let root: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let token = Token::new();
    let session = token.user();
    let (mut run, mut valid) = (0, 0);
    for group in root["testGroups"].as_array().unwrap() {
        let tag_bytes = group["tagSize"].as_u64().unwrap() as usize / 8;
        for case in group["tests"].as_array().unwrap() {
            let field = |name: &str| hex(case[name].as_str().unwrap());
            let (data, aad, encrypted, tag) = (field("msg"), field("aad"), field("ct"), field("tag"));
            let good = case["result"] == "valid";
            let key = match session.create(&key_template(key_type, &field("key"))) {
                Ok(key) => key,
                Err(code) => {
                    assert!(!good, "{case}: {code:?}");
                    continue;
                }
            };
            begin(session, Work::Encrypt, mechanism, key).unwrap();
            begin(session, Work::Decrypt, mechanism, key).unwrap();
            let message = Message::new(mechanism, &field("iv"), tag_bytes, data.len());
            let mut tagged = Message { tag: tag.clone(), ..message.clone() };
            // A file may leave out the tag of a case that is wrong in another way; the struct has a place for it.
            tagged.tag.resize(tag_bytes, 0);
            for run in [whole, in_parts] {
                let opened = run(session, Work::Decrypt, &mut tagged.clone(), &aad, &encrypted);
                if good {
                    assert_eq!(opened.as_ref(), Ok(&data), "{case}");
                    let mut made = message.clone();
                    let sealed = run(session, Work::Encrypt, &mut made, &aad, &data);
                    assert_eq!((sealed.as_ref(), &made.tag), (Ok(&encrypted), &tag), "{case}");
                } else {
                    let code = opened.expect_err(&case.to_string());
                    let expected = [CKR_AEAD_DECRYPT_FAILED, CKR_MECHANISM_PARAM_INVALID];
                    assert!(expected.contains(&code.0), "{case}: {code:?}");
                }
            }
            end(session, Work::Encrypt).unwrap();
            end(session, Work::Decrypt).unwrap();
            session.destroy(key).unwrap();
            run += 1;
            valid += u64::from(good);
        }
    }
    println!("{name}: {run} cases as messages, {valid} of them valid");
    assert!(valid > 0);
}

#[test]
fn wycheproof_aes_gcm() {
    wycheproof("aes_gcm_test.json", CKM_AES_GCM, CKK_AES);
}

#[test]
fn wycheproof_aes_ccm() {
    wycheproof("aes_ccm_test.json", CKM_AES_CCM, CKK_AES);
}

#[test]
fn wycheproof_chacha20_poly1305() {
    wycheproof("chacha20_poly1305_test.json", CKM_CHACHA20_POLY1305, CKK_CHACHA20);
}

fn aes_key(session: Session) -> CK_OBJECT_HANDLE {
    session.create(&key_template(CKK_AES, &[7; 32])).unwrap()
}

#[test]
fn the_module_makes_ivs_that_decrypt_and_never_repeats_one() {
    let token = Token::new();
    let session = token.user();
    let key = aes_key(session);
    begin(session, Work::Decrypt, CKM_AES_GCM, key).unwrap();
    for generator in [CKG_GENERATE, CKG_GENERATE_COUNTER, CKG_GENERATE_RANDOM, CKG_GENERATE_COUNTER_XOR] {
        for fixed_bits in [0, 32, 37] {
            begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
            let mut seen = HashSet::new();
            for count in 0..40 {
                let mut message = Message::gcm(generator, fixed_bits);
                let run = if count % 2 == 0 { whole } else { in_parts };
                let sealed = run(session, Work::Encrypt, &mut message, b"aad", b"some data").unwrap();
                assert_eq!(message.iv[..fixed_bits as usize / 8], [0xc3; 12][..fixed_bits as usize / 8]);
                assert!(seen.insert(message.iv.clone()), "{generator} made {:x?} twice", message.iv);
                // Who decrypts leaves the struct as it is.
                let opened = whole(session, Work::Decrypt, &mut message, b"aad", &sealed);
                assert_eq!(opened.as_deref(), Ok(&b"some data"[..]));
            }
            end(session, Work::Encrypt).unwrap();
        }
    }
}

#[test]
fn counters_count_messages_and_end() {
    let token = Token::new();
    let session = token.user();
    let key = aes_key(session);
    begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
    let made = |message: &mut Message| whole(session, Work::Encrypt, message, b"", b"data").map(|_| message.iv.clone());
    let counted = |counter: u8| [0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3, counter].to_vec();
    for counter in 0..=255 {
        assert_eq!(made(&mut Message::gcm(CKG_GENERATE_COUNTER, 88)), Ok(counted(counter)));
    }
    let refusal = refused(CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(made(&mut Message::gcm(CKG_GENERATE_COUNTER, 88)), refusal);
    assert_eq!(made(&mut Message::gcm(CKG_GENERATE_COUNTER, 80)), refusal, "another split would make old IVs anew");
    // The next series has a count of its own.
    end(session, Work::Encrypt).unwrap();
    begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
    assert_eq!(made(&mut Message::gcm(CKG_GENERATE_COUNTER, 88)), Ok(counted(0)));

    // XORed into what came first, whether the caller restores it or not.
    end(session, Work::Encrypt).unwrap();
    begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
    let mut message = Message::gcm(CKG_GENERATE_COUNTER_XOR, 32);
    for counter in 0..20 {
        assert_eq!(made(&mut message), Ok(counted(0xc3 ^ counter)));
        if counter == 10 {
            message.iv = vec![0xc3; 12];
        }
    }
    assert_eq!(made(&mut Message { iv: vec![0; 12], ..message.clone() }), refusal);
    end(session, Work::Encrypt).unwrap();

    begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
    for (generator, fixed_bits) in [(CKG_GENERATE, 96), (CKG_GENERATE_COUNTER, 96), (CKG_GENERATE, 200), (9, 0)] {
        assert_eq!(made(&mut Message::gcm(generator, fixed_bits)), refusal);
    }
    assert_eq!(made(&mut Message::gcm(CKG_GENERATE_COUNTER, !0)), refusal);
}

#[test]
fn ccm_makes_nonces_too() {
    let token = Token::new();
    let session = token.user();
    let key = aes_key(session);
    begin(session, Work::Encrypt, CKM_AES_CCM, key).unwrap();
    begin(session, Work::Decrypt, CKM_AES_CCM, key).unwrap();
    let mut nonces = HashSet::new();
    for _ in 0..20 {
        let mut message = Message { generator: CKG_GENERATE, ..Message::new(CKM_AES_CCM, &[0; 7], 8, b"data".len()) };
        let sealed = whole(session, Work::Encrypt, &mut message, b"", b"data").unwrap();
        assert_eq!(whole(session, Work::Decrypt, &mut message, b"", &sealed).as_deref(), Ok(&b"data"[..]));
        assert!(nonces.insert(message.iv));
    }
    let mut announced = Message::new(CKM_AES_CCM, &[0; 12], 8, 3);
    assert_eq!(whole(session, Work::Encrypt, &mut announced, b"", b"data"), refused(CKR_DATA_LEN_RANGE));
    assert_eq!(whole(session, Work::Decrypt, &mut announced, b"", b"data"), refused(CKR_ENCRYPTED_DATA_LEN_RANGE));
}

#[test]
fn queries_and_small_buffers_change_nothing() {
    let token = Token::new();
    let session = token.user();
    let key = aes_key(session);
    begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
    let mut message = Message::gcm(CKG_GENERATE_COUNTER, 32);
    let untouched = message.clone();
    let mut buffer = [0u8; 16];
    let mut len = 3;
    whole_into(session, Work::Encrypt, &mut message, b"", b"data", (ptr::null_mut(), &mut len)).unwrap();
    assert_eq!(len, 4);
    for small in [0, 3] {
        len = small;
        let outcome = whole_into(session, Work::Encrypt, &mut message, b"", b"data", (buffer.as_mut_ptr(), &mut len));
        assert_eq!((outcome, len, buffer), (refused(CKR_BUFFER_TOO_SMALL), 4, [0; 16]));
    }
    assert_eq!((&message.iv, &message.tag), (&untouched.iv, &untouched.tag));
    whole(session, Work::Encrypt, &mut message, b"", b"data").unwrap();
    assert_eq!(message.iv[4..], [0; 8], "the first IV was not used up");

    // In parts: what each part would give.
    let next_into = |message: &mut Message, output: *mut u8, len: &mut CK_ULONG, flags| {
        let (part, part_len) = pair(b"data");
        message.lend(|parameter, parameter_len| {
            call!(C_EncryptMessageNext(session.0, parameter, parameter_len, part, part_len, output, len, flags))
        })
    };
    for flags in [0, CKF_END_OF_MESSAGE] {
        start_parts(session, Work::Encrypt, &mut message, b"").unwrap();
        len = 99;
        next_into(&mut message, ptr::null_mut(), &mut len, flags).unwrap();
        assert_eq!(len, 4);
        len = 3;
        let small = next_into(&mut message, buffer.as_mut_ptr(), &mut len, flags);
        assert_eq!((small, len), (refused(CKR_BUFFER_TOO_SMALL), 4));
        next_into(&mut message, buffer.as_mut_ptr(), &mut len, flags).unwrap();
        if flags == 0 {
            next(session, Work::Encrypt, &mut message, b"", CKF_END_OF_MESSAGE).unwrap();
        }
    }

    // Decryption gives everything with the last part.
    let sealed = whole(session, Work::Encrypt, &mut message, b"", b"0123456789").unwrap();
    begin(session, Work::Decrypt, CKM_AES_GCM, key).unwrap();
    start_parts(session, Work::Decrypt, &mut message, b"").unwrap();
    assert_eq!(next(session, Work::Decrypt, &mut message, &sealed[..6], 0), Ok(vec![]));
    let (part, part_len) = pair(&sealed[6..]);
    let mut last = |output: *mut u8, len: &mut CK_ULONG| {
        message.lend(|parameter, parameter_len| {
            let end = CKF_END_OF_MESSAGE;
            call!(C_DecryptMessageNext(session.0, parameter, parameter_len, part, part_len, output, len, end))
        })
    };
    last(ptr::null_mut(), &mut len).unwrap();
    assert_eq!(len, 10);
    len = 9;
    assert_eq!((last(buffer.as_mut_ptr(), &mut len), len), (refused(CKR_BUFFER_TOO_SMALL), 10));
    last(buffer.as_mut_ptr(), &mut len).unwrap();
    assert_eq!(&buffer[..10], b"0123456789");
}

#[test]
fn a_wrong_tag_ends_the_message_and_not_the_series() {
    let token = Token::new();
    let session = token.user();
    let key = aes_key(session);
    begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
    begin(session, Work::Decrypt, CKM_AES_GCM, key).unwrap();
    let mut message = Message::gcm(CKG_GENERATE, 0);
    let sealed = whole(session, Work::Encrypt, &mut message, b"aad", b"some data").unwrap();
    let refusal = refused(CKR_AEAD_DECRYPT_FAILED);
    for run in [whole, in_parts] {
        let mut wrong = message.clone();
        wrong.tag[15] ^= 1;
        assert_eq!(run(session, Work::Decrypt, &mut wrong, b"aad", &sealed), refusal);
        assert_eq!(run(session, Work::Decrypt, &mut message, b"AAD", &sealed), refusal);
        assert_eq!(run(session, Work::Decrypt, &mut message, b"aad", &sealed[1..]), refusal);
        wrong = message.clone();
        wrong.iv[0] ^= 1;
        assert_eq!(run(session, Work::Decrypt, &mut wrong, b"aad", &sealed), refusal);
        assert_eq!(next(session, Work::Decrypt, &mut message, b"", 0), refused(CKR_OPERATION_NOT_INITIALIZED));
        assert_eq!(run(session, Work::Decrypt, &mut message, b"aad", &sealed).as_deref(), Ok(&b"some data"[..]));
    }
}

#[test]
fn a_series_is_begun_ended_and_cancelled() {
    let token = Token::new();
    let session = token.user();
    let key = aes_key(session);
    let (active, absent) = (refused::<()>(CKR_OPERATION_ACTIVE), refused::<()>(CKR_OPERATION_NOT_INITIALIZED));
    for work in [Work::Encrypt, Work::Decrypt] {
        let mut message = Message::new(CKM_AES_GCM, &[1; 12], 16, 0);
        let run = |message: &mut Message| whole(session, work, message, b"", b"data").map(drop);
        let part = |message: &mut Message| next(session, work, message, b"data", 0).map(drop);
        assert_eq!(end(session, work), absent);
        assert_eq!(run(&mut message), absent);
        assert_eq!(start_parts(session, work, &mut message, b""), absent);
        assert_eq!(part(&mut message), absent);

        begin(session, work, CKM_AES_GCM, key).unwrap();
        assert_eq!(begin(session, work, CKM_AES_GCM, key), active);
        assert_eq!(part(&mut message), absent);
        start_parts(session, work, &mut message, b"").unwrap();
        assert_eq!(start_parts(session, work, &mut message, b""), active);
        assert_eq!(run(&mut message), active);
        assert_eq!(end(session, work), active);
        part(&mut message).unwrap();

        // An operation without messages is another one.
        let cbc = with_iv(CKM_AES_CBC_PAD, &[0; 16]);
        session.begin(work, &cbc, key).unwrap();
        session.cancel(CKF_ENCRYPT | CKF_DECRYPT).unwrap();
        part(&mut message).unwrap();

        let cancel = |work| match work {
            Work::Encrypt => call!(C_MessageEncryptInit(session.0, ptr::null_mut(), 0)),
            _ => call!(C_MessageDecryptInit(session.0, ptr::null_mut(), 0)),
        };
        cancel(work).unwrap();
        assert_eq!(part(&mut message), absent);
        assert_eq!(end(session, work), absent);
        cancel(work).unwrap();
        begin(session, work, CKM_AES_GCM, key).unwrap();
        session.cancel(CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_ENCRYPT | CKF_DECRYPT).unwrap();
        start_parts(session, work, &mut message, b"").unwrap();
        session.cancel(CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT).unwrap();
        assert_eq!(end(session, work), absent);
    }
}

#[test]
fn beginnings_are_refused_for_reasons() {
    let token = Token::new();
    let session = token.user();
    let key = aes_key(session);
    let chacha = session.create(&key_template(CKK_CHACHA20, &[7; 32])).unwrap();
    for (work, usage) in [(Work::Encrypt, CKA_ENCRYPT), (Work::Decrypt, CKA_DECRYPT)] {
        for mechanism in [CKM_AES_CBC, CKM_AES_CTR, CKM_SHA256, CKM_AES_GMAC, 0x7fff_0000] {
            assert_eq!(begin(session, work, mechanism, key), refused(CKR_MECHANISM_INVALID));
        }
        assert_eq!(begin(session, work, CKM_AES_GCM, chacha), refused(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(begin(session, work, CKM_AES_GCM, 999), refused(CKR_KEY_HANDLE_INVALID));
        let template = with(&key_template(CKK_AES, &[7; 32]), &[flag(usage, false)]);
        let unusable = session.create(&template).unwrap();
        assert_eq!(begin(session, work, CKM_AES_GCM, unusable), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
        // Any parameter, or none, is good to begin with: those that count come with the messages.
        for parameter in [vec![], vec![0; 48], vec![1; 5]] {
            let mechanism = with_iv(CKM_AES_GCM, &parameter);
            mechanism
                .lend(|mechanism| match work {
                    Work::Encrypt => call!(C_MessageEncryptInit(session.0, mechanism, key)),
                    _ => call!(C_MessageDecryptInit(session.0, mechanism, key)),
                })
                .unwrap();
            end(session, work).unwrap();
        }
    }
    for mechanism in [CKM_AES_GCM, CKM_AES_CCM, CKM_CHACHA20_POLY1305] {
        let mut info = CK_MECHANISM_INFO::default();
        call!(C_GetMechanismInfo(token.slot, mechanism, &mut info)).unwrap();
        let messages = CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
        assert_eq!(info.flags & messages, messages);
    }
}

#[test]
fn parameters_that_cannot_be_are_refused() {
    let token = Token::new();
    let session = token.user();
    let key = aes_key(session);
    let refusal = refused(CKR_MECHANISM_PARAM_INVALID);
    for work in [Work::Encrypt, Work::Decrypt] {
        begin(session, work, CKM_AES_GCM, key).unwrap();
        let good = Message::new(CKM_AES_GCM, &[1; 12], 16, 4);
        let wrong = [
            Message { mechanism: CKM_AES_CCM, ..good.clone() },
            Message { mechanism: CKM_CHACHA20_POLY1305, ..good.clone() },
            Message { iv: vec![], ..good.clone() },
            Message { iv: vec![0; 65_537], ..good.clone() },
            Message { tag: vec![0; 3], ..good.clone() },
            Message { tag: vec![0; 17], ..good.clone() },
            Message { tag: vec![], ..good.clone() },
        ];
        for mut message in wrong {
            assert_eq!(whole(session, work, &mut message, b"", b"data"), refusal, "{message:?}");
            assert_eq!(start_parts(session, work, &mut message, b""), refusal.clone().map(drop), "{message:?}");
        }
        // A tag of another length at the end than at the beginning ends the message.
        let mut message = good.clone();
        start_parts(session, work, &mut message, b"").unwrap();
        let mut shorter = Message { tag: vec![0; 12], ..good.clone() };
        assert_eq!(next(session, work, &mut shorter, b"data", CKF_END_OF_MESSAGE), refusal);
        let gone = next(session, work, &mut message, b"data", CKF_END_OF_MESSAGE);
        assert_eq!(gone, refused(CKR_OPERATION_NOT_INITIALIZED));
        end(session, work).unwrap();
    }
}

#[test]
fn a_logout_takes_the_key_away() {
    let token = Token::new();
    let session = token.user();
    let template = with(&key_template(CKK_AES, &[7; 32]), &[flag(CKA_PRIVATE, true)]);
    let key = session.create(&template).unwrap();
    begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
    session.logout().unwrap();
    let mut message = Message::new(CKM_AES_GCM, &[1; 12], 16, 4);
    let code = whole(session, Work::Encrypt, &mut message, b"", b"data").unwrap_err();
    assert!(matches!(code, Code(CKR_USER_NOT_LOGGED_IN | CKR_OPERATION_NOT_INITIALIZED)), "{code:?}");
}
