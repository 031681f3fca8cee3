//! Encryption and decryption (§5.8, §5.10): the output convention (§5.2) of every mechanism, parts, in-place operation,
//! wrong data, and the order of calls.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Token, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::samples::{Growth, Kind, Random, Sample, sample, samples, usable_key};
use crate::session::{Exchange, Session, Work};

const BOTH: [Work; 2] = [Work::Encrypt, Work::Decrypt];
const UNTOUCHED: u8 = 0xc3;

fn ciphers() -> impl Iterator<Item = &'static Sample> {
    samples().filter(|sample| matches!(sample.kind, Kind::Cipher { .. }))
}

/// Data for one operation and what must come of it.
struct Case {
    sample: &'static Sample,
    mechanism: Mechanism,
    key: CK_OBJECT_HANDLE,
    work: Work,
    input: Vec<u8>,
    output: Vec<u8>,
}

/// Both directions of every cipher, for some of its data lengths.
fn cases(session: Session, lengths: impl Fn(&Sample) -> Vec<usize>) -> Vec<Case> {
    let mut cases = Vec::new();
    for sample in ciphers() {
        let key = sample.key(session, 0);
        for len in lengths(sample) {
            let data = Random(len as u64).bytes(len);
            let mechanism = sample.mechanism(len);
            let encrypted = session.run(Work::Encrypt, &mechanism, key, &data).unwrap();
            for (work, input, output) in
                [(Work::Encrypt, data.clone(), encrypted.clone()), (Work::Decrypt, encrypted.clone(), data.clone())]
            {
                cases.push(Case { sample, mechanism: mechanism.clone(), key, work, input, output });
            }
        }
    }
    cases
}

impl Case {
    fn begin(&self, session: Session) {
        session.begin(self.work, &self.mechanism, self.key).unwrap();
    }

    fn exchange(&self, output: *mut u8, output_len: &mut CK_ULONG) -> Exchange {
        (self.input.as_ptr().cast_mut(), self.input.len() as CK_ULONG, output, output_len)
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} of {} bytes", self.sample.name, self.work, self.input.len())
    }
}

#[test]
fn queries_and_small_buffers_leave_a_whole_operation_as_it_is() {
    let token = Token::new();
    let session = token.user();
    let cases = cases(session, Sample::lengths);
    for case in &cases {
        case.begin(session);
        let mut len = 0;
        for _ in 0..2 {
            session.whole_raw(case.work, case.exchange(ptr::null_mut(), &mut len)).unwrap();
            assert!(len as usize >= case.output.len() && len as usize <= case.output.len() + 32, "{case}: {len}");
        }
        let mut buffer = vec![UNTOUCHED; case.output.len() + 64];
        for small in [0, 1, case.output.len() / 2, case.output.len().saturating_sub(1)] {
            if small >= case.output.len() {
                continue;
            }
            len = small as CK_ULONG;
            let refusal = session.whole_raw(case.work, case.exchange(buffer.as_mut_ptr(), &mut len));
            assert_eq!(refusal, refused(CKR_BUFFER_TOO_SMALL), "{case} into {small}");
            assert!(len as usize >= case.output.len(), "{case}: {len} would not do");
            assert!(buffer[small..].iter().all(|byte| *byte == UNTOUCHED), "{case} wrote beyond {small} bytes");
        }
        // The exact size is enough.
        buffer.fill(UNTOUCHED);
        len = case.output.len() as CK_ULONG;
        session
            .whole_raw(case.work, case.exchange(buffer.as_mut_ptr(), &mut len))
            .unwrap_or_else(|code| panic!("{case}: {code:?}"));
        assert_eq!(&buffer[..len as usize], case.output, "{case}");
        assert!(buffer[len as usize..].iter().all(|byte| *byte == UNTOUCHED), "{case} wrote beyond its output");
        assert!(!session.is_active(case.work));
    }
    println!("{} operations", cases.len());
}

#[test]
fn parts_of_every_size_give_what_the_whole_gives() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(11);
    let mut runs = 0;
    for case in cases(session, Sample::lengths) {
        let len = case.input.len();
        let each: Vec<usize> = if len <= 100 { (0..=len).collect() } else { (0..len).step_by(37).collect() };
        let mut all_cuts = vec![vec![], vec![0, 0], vec![len, len], each];
        all_cuts.extend((0..6).map(|_| random.cuts(len)));
        for cuts in all_cuts {
            let output = session.run_in_parts(case.work, &case.mechanism, case.key, &case.input, &cuts);
            assert_eq!(output.as_ref(), Ok(&case.output), "{case} cut at {cuts:?}");
            assert!(!session.is_active(case.work));
            runs += 1;
        }
    }
    println!("{runs} operations in parts");
}

#[test]
fn queries_and_small_buffers_leave_parts_as_they_are() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(12);
    for case in cases(session, |sample| vec![sample.lengths()[3], 96]) {
        case.begin(session);
        let mut given = Vec::new();
        let mut from = 0;
        for to in random.cuts(case.input.len()).into_iter().chain([case.input.len()]) {
            given.extend(careful_update(session, &case, &case.input[from..to]));
            from = to;
        }
        let mut len = 0;
        session.finish_raw(case.work, ptr::null_mut(), &mut len).unwrap();
        let rest = case.output.len() - given.len();
        assert!(len as usize >= rest, "{case}: {len} for {rest}");
        let mut buffer = vec![UNTOUCHED; rest + 64];
        if rest > 0 {
            len = rest as CK_ULONG - 1;
            let refusal = session.finish_raw(case.work, buffer.as_mut_ptr(), &mut len);
            assert_eq!(refusal, refused(CKR_BUFFER_TOO_SMALL), "{case}");
            assert!(len as usize >= rest);
        }
        len = rest as CK_ULONG;
        session.finish_raw(case.work, buffer.as_mut_ptr(), &mut len).unwrap_or_else(|code| panic!("{case}: {code:?}"));
        given.extend(&buffer[..len as usize]);
        assert_eq!(given, case.output, "{case}");
    }
}

/// One part, asked for twice, offered too little, and then taken into exactly what it needs.
fn careful_update(session: Session, case: &Case, part: &[u8]) -> Vec<u8> {
    let (start, part_len) = (part.as_ptr().cast_mut(), part.len() as CK_ULONG);
    let mut needed = 0;
    session.update_raw(case.work, (start, part_len, ptr::null_mut(), &mut needed)).unwrap();
    let mut buffer = vec![UNTOUCHED; needed as usize + 1];
    // The length told may somewhat exceed the true one; none at all is surely too small where data comes.
    let mut len = 0;
    let outcome = session.update_raw(case.work, (start, part_len, buffer.as_mut_ptr(), &mut len));
    if outcome.is_ok() {
        assert_eq!(len, 0, "{case}");
        return Vec::new();
    }
    assert_eq!(outcome, refused(CKR_BUFFER_TOO_SMALL), "{case}");
    assert!(buffer.iter().all(|byte| *byte == UNTOUCHED));
    session.update_raw(case.work, (start, part_len, buffer.as_mut_ptr(), &mut len)).unwrap();
    buffer.truncate(len as usize);
    buffer
}

#[test]
fn input_and_output_may_share_their_memory() {
    let token = Token::new();
    let session = token.user();
    let mut runs = 0;
    for case in cases(session, |sample| vec![sample.lengths()[1], 48, 4096]) {
        let (input, output) = (case.input.len(), case.output.len());
        for (from, to) in [(0, 0), (0, 1), (1, 0), (16, 0), (0, 16), (7, 23), (0, input / 2), (output / 2, 0)] {
            let mut memory = vec![UNTOUCHED; from.max(to) + input.max(output) + 64];
            memory[from..from + input].copy_from_slice(&case.input);
            let start = memory.as_mut_ptr();
            let mut len = output as CK_ULONG;
            case.begin(session);
            let exchange = (start.wrapping_add(from), input as CK_ULONG, start.wrapping_add(to), &raw mut len);
            session.whole_raw(case.work, exchange).unwrap_or_else(|code| panic!("{case}: {code:?}"));
            assert_eq!(memory[to..to + len as usize], case.output, "{case} from {from} to {to}");
            runs += 1;
        }
        in_place_parts(session, &case);
    }
    println!("{runs} operations in one memory");
}

/// Each part over itself, with room for what an earlier part left.
fn in_place_parts(session: Session, case: &Case) {
    case.begin(session);
    let mut output = Vec::new();
    for part in case.input.chunks(16) {
        let mut memory = part.to_vec();
        memory.resize(part.len() + 32, UNTOUCHED);
        let mut len = memory.len() as CK_ULONG;
        let start = memory.as_mut_ptr();
        session.update_raw(case.work, (start, part.len() as CK_ULONG, start, &mut len)).unwrap();
        output.extend(&memory[..len as usize]);
    }
    output.extend(session.finish(case.work).unwrap());
    assert_eq!(output, case.output, "{case} in place");
}

#[test]
fn calls_in_the_wrong_order() {
    let token = Token::new();
    let session = token.user();
    for sample in ciphers() {
        let key = sample.key(session, 0);
        let data = vec![5; 32];
        let mechanism = sample.mechanism(32);
        let encrypted = session.run(Work::Encrypt, &mechanism, key, &data).unwrap();
        for (work, input) in [(Work::Encrypt, &data), (Work::Decrypt, &encrypted)] {
            let absent = refused(CKR_OPERATION_NOT_INITIALIZED);
            assert_eq!(session.whole(work, input), absent);
            assert_eq!(session.update(work, input), absent);
            assert_eq!(session.finish(work), absent);

            session.begin(work, &mechanism, key).unwrap();
            assert_eq!(session.begin(work, &mechanism, key), refused(CKR_OPERATION_ACTIVE), "{}", sample.name);
            // The refused beginning left the first as it was.
            session.whole(work, input).unwrap();

            // A whole operation cannot end one in parts (§5.8.2).
            session.begin(work, &mechanism, key).unwrap();
            session.update(work, &input[..16]).unwrap();
            assert_eq!(session.whole(work, &input[16..]), absent, "{}", sample.name);

            session.cancel_all();
            session.begin(work, &mechanism, key).unwrap();
            session.update(work, input).unwrap();
            session.finish(work).unwrap();
            assert_eq!(session.finish(work), absent);
        }
    }
}

#[test]
fn an_end_without_parts_is_the_end_of_no_data() {
    let token = Token::new();
    let session = token.user();
    for sample in ciphers() {
        let Kind::Cipher { min, growth, .. } = sample.kind else { continue };
        let key = sample.key(session, 0);
        let mechanism = sample.mechanism(0);
        session.begin(Work::Encrypt, &mechanism, key).unwrap();
        let ended = session.finish(Work::Encrypt);
        if min > 0 {
            assert_eq!(ended, refused(CKR_DATA_LEN_RANGE), "{}", sample.name);
            continue;
        }
        let encrypted = ended.unwrap();
        assert_eq!(encrypted.len(), sample.output_len(0), "{}", sample.name);
        assert_eq!(session.run(Work::Encrypt, &mechanism, key, b"").unwrap(), encrypted);
        assert_eq!(session.run_in_parts(Work::Decrypt, &mechanism, key, &encrypted, &[]).unwrap(), b"");
        session.begin(Work::Decrypt, &mechanism, key).unwrap();
        let ended = session.finish(Work::Decrypt);
        match growth {
            Growth::None => assert_eq!(ended.unwrap(), b""),
            _ => assert_eq!(ended, refused(CKR_ENCRYPTED_DATA_LEN_RANGE), "{}", sample.name),
        }
    }
}

/// §5.8.2, §5.10.2: data of a length the mechanism cannot take, and that an error ends the operation.
#[test]
fn data_of_impossible_length_is_refused() {
    let token = Token::new();
    let session = token.user();
    let mut refusals = 0;
    for sample in ciphers() {
        let Kind::Cipher { step, min, growth, .. } = sample.kind else { continue };
        let key = sample.key(session, 0);
        for len in 0..70 {
            let mechanism = sample.mechanism(16);
            let plain_fits = len >= min && len % step == 0 && (sample.id != CKM_AES_CCM || len == 16);
            let cipher_fits = match growth {
                Growth::None => plain_fits,
                Growth::Pad(block) => len > 0 && len % block == 0,
                Growth::Tag(tag) => len >= tag && (sample.id != CKM_AES_CCM || len == 16 + tag),
            };
            for (work, fits, code) in [
                (Work::Encrypt, plain_fits, CKR_DATA_LEN_RANGE),
                (Work::Decrypt, cipher_fits, CKR_ENCRYPTED_DATA_LEN_RANGE),
            ] {
                let data = vec![9; len];
                let whole = session.run(work, &mechanism, key, &data);
                assert!(!session.is_active(work), "{} {work:?} of {len}", sample.name);
                let parts = session.run_in_parts(work, &mechanism, key, &data, &[len / 2]);
                assert!(!session.is_active(work), "{} {work:?} of {len} in parts", sample.name);
                if fits {
                    // Ciphertext that is no ciphertext may still be invalid.
                    let invalid = refused(CKR_ENCRYPTED_DATA_INVALID);
                    for outcome in [whole, parts] {
                        let good =
                            outcome.is_ok() || (work == Work::Decrypt && growth != Growth::None && outcome == invalid);
                        assert!(good, "{} {work:?} of {len}: {outcome:?}", sample.name);
                    }
                } else {
                    assert_eq!(whole, refused(code), "{} {work:?} of {len}", sample.name);
                    assert_eq!(parts, refused(code), "{} {work:?} of {len} in parts", sample.name);
                    refusals += 2;
                }
            }
        }
    }
    println!("{refusals} refusals");
}

#[test]
fn altered_ciphertext_gives_one_error_and_no_plaintext() {
    let token = Token::new();
    let session = token.user();
    for id in [CKM_AES_GCM, CKM_AES_CCM, CKM_CHACHA20_POLY1305] {
        let sample = sample(id);
        let key = sample.key(session, 0);
        for len in [0, 1, 16, 100] {
            let mechanism = sample.mechanism(len);
            let encrypted = session.run(Work::Encrypt, &mechanism, key, &vec![0x77; len]).unwrap();
            for at in 0..encrypted.len() {
                let mut altered = encrypted.clone();
                altered[at] ^= 1 << (at % 8);
                session.begin(Work::Decrypt, &mechanism, key).unwrap();
                let mut buffer = vec![UNTOUCHED; len + 64];
                let mut out = buffer.len() as CK_ULONG;
                let exchange = (altered.as_mut_ptr(), altered.len() as CK_ULONG, buffer.as_mut_ptr(), &raw mut out);
                let refusal = session.whole_raw(Work::Decrypt, exchange);
                assert_eq!(refusal, refused(CKR_ENCRYPTED_DATA_INVALID), "{} byte {at}", sample.name);
                assert!(!buffer.windows(8).any(|window| window == [0x77; 8]), "{}: plaintext got out", sample.name);

                // In parts nothing comes before the end, and then nothing at all.
                session.begin(Work::Decrypt, &mechanism, key).unwrap();
                for part in altered.chunks(16) {
                    assert_eq!(session.update(Work::Decrypt, part).unwrap(), b"");
                }
                assert_eq!(session.finish(Work::Decrypt), refused(CKR_ENCRYPTED_DATA_INVALID));
                assert!(!session.is_active(Work::Decrypt));
            }
        }
    }
    // Padding: every way to be wrong is the same way.
    for id in [CKM_AES_CBC_PAD, CKM_DES3_CBC_PAD, CKM_DES_CBC_PAD] {
        let sample = sample(id);
        let key = sample.key(session, 0);
        let raw = Mechanism {
            id: if id == CKM_AES_CBC_PAD {
                CKM_AES_CBC
            } else if id == CKM_DES3_CBC_PAD {
                CKM_DES3_CBC
            } else {
                CKM_DES_CBC
            },
            ..sample.mechanism(0)
        };
        let block = if id == CKM_AES_CBC_PAD { 16 } else { 8 };
        for bad in [0, block as u8 + 1, 0x80, 0xff, 2, 3] {
            let mut data = vec![1; 2 * block];
            data[2 * block - 1] = bad;
            let encrypted = session.run(Work::Encrypt, &raw, key, &data).unwrap();
            let refusal = session.run(Work::Decrypt, &sample.mechanism(0), key, &encrypted);
            assert_eq!(refusal, refused(CKR_ENCRYPTED_DATA_INVALID), "{} padding {bad}", sample.name);
            let refusal = session.run_in_parts(Work::Decrypt, &sample.mechanism(0), key, &encrypted, &[block]);
            assert_eq!(refusal, refused(CKR_ENCRYPTED_DATA_INVALID), "{} padding {bad}", sample.name);
        }
    }
}

/// §5.2: as much output as can be computed comes with each part.
#[test]
fn parts_give_what_can_be_computed() {
    let token = Token::new();
    let session = token.user();
    let lens = |id, work, input: &[u8], parts: &[usize]| -> Vec<usize> {
        let sample = sample(id);
        let key = sample.key(session, 0);
        session.begin(work, &sample.mechanism(input.len()), key).unwrap();
        let mut from = 0;
        let lens = parts
            .iter()
            .map(|len| {
                let given = session.update(work, &input[from..from + len]).unwrap().len();
                from += len;
                given
            })
            .collect();
        session.cancel_all();
        lens
    };
    let input = [7; 64];
    // The example of the standard: DES in CBC with padding.
    assert_eq!(lens(CKM_DES_CBC_PAD, Work::Decrypt, &input, &[8, 1, 7]), [0, 8, 0]);
    assert_eq!(lens(CKM_DES_CBC_PAD, Work::Encrypt, &input, &[8, 1, 7]), [8, 0, 8]);
    for id in [CKM_AES_CTR, CKM_AES_OFB, CKM_AES_CFB8, CKM_AES_CFB128, CKM_RC4, CKM_CHACHA20] {
        for work in BOTH {
            assert_eq!(lens(id, work, &input, &[1, 15, 3]), [1, 15, 3], "{}", sample(id).name);
        }
    }
    for id in [CKM_AES_ECB, CKM_AES_CBC] {
        for work in BOTH {
            assert_eq!(lens(id, work, &input, &[15, 1, 33]), [0, 16, 32], "{}", sample(id).name);
        }
    }
    for id in [CKM_AES_GCM, CKM_CHACHA20_POLY1305] {
        assert_eq!(lens(id, Work::Encrypt, &input, &[1, 15, 3]), [1, 15, 3], "{}", sample(id).name);
    }
}

#[test]
fn gcm_takes_ivs_and_tags_of_many_lengths() {
    let token = Token::new();
    let session = token.user();
    let key = session.create(&usable_key(CKK_AES, 1)).unwrap();
    let mut seen = std::collections::HashSet::new();
    for iv_len in (1..=256).chain([1000, 65_536]) {
        let parameter = Parameter::Gcm { iv: vec![3; iv_len], aad: vec![], tag_bits: 128 };
        let mechanism = Mechanism { id: CKM_AES_GCM, parameter };
        let encrypted = session.run(Work::Encrypt, &mechanism, key, b"message").unwrap();
        assert!(seen.insert(encrypted.clone()), "an IV of {iv_len} bytes gives what another gave");
        assert_eq!(session.run(Work::Decrypt, &mechanism, key, &encrypted).unwrap(), b"message");
    }
    let full = {
        let parameter = Parameter::Gcm { iv: vec![3; 12], aad: b"aad".to_vec(), tag_bits: 128 };
        session.run(Work::Encrypt, &Mechanism { id: CKM_AES_GCM, parameter }, key, b"message").unwrap()
    };
    for tag_bits in [32, 64, 96, 104, 112, 120, 128] {
        let parameter = Parameter::Gcm { iv: vec![3; 12], aad: b"aad".to_vec(), tag_bits };
        let mechanism = Mechanism { id: CKM_AES_GCM, parameter };
        let encrypted = session.run(Work::Encrypt, &mechanism, key, b"message").unwrap();
        assert_eq!(encrypted, full[..7 + tag_bits as usize / 8]);
        assert_eq!(session.run(Work::Decrypt, &mechanism, key, &encrypted).unwrap(), b"message");
        let mut altered = encrypted;
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(session.run(Work::Decrypt, &mechanism, key, &altered), refused(CKR_ENCRYPTED_DATA_INVALID));
    }
}

/// §6.15.2 of AES with counter: the last block may be used, the one after it does not exist.
#[test]
fn a_counter_does_not_come_round() {
    let token = Token::new();
    let session = token.user();
    let key = session.create(&usable_key(CKK_AES, 1)).unwrap();
    for (bits, start, blocks) in [(2, 1, 3), (2, 0, 4), (1, 1, 1), (8, 250, 6)] {
        let mut block = [0xf0; 16];
        block[15] = if bits == 8 { start } else { 0xf0 | start };
        let mechanism = Mechanism { id: CKM_AES_CTR, parameter: Parameter::Ctr { bits, block } };
        for work in BOTH {
            session.run(work, &mechanism, key, &vec![0; 16 * blocks]).unwrap();
            let over = session.run(work, &mechanism, key, &vec![0; 16 * blocks + 1]);
            let code = if work == Work::Encrypt { CKR_DATA_LEN_RANGE } else { CKR_ENCRYPTED_DATA_LEN_RANGE };
            assert_eq!(over, refused(code), "{bits} bits from {start}");
            session.begin(work, &mechanism, key).unwrap();
            session.update(work, &vec![0; 16 * blocks]).unwrap();
            assert_eq!(session.update(work, &[0]), refused(code));
            assert!(!session.is_active(work));
        }
    }
}

#[test]
fn the_module_makes_ivs_where_it_is_told_to() {
    let _alone = crate::module::alone();
    let directory = crate::module::directory();
    let conf = crate::module::write_configuration(directory, "iv.toml", "gcm_iv = \"module\"\n");
    crate::module::initialize_with(directory, &conf).unwrap();
    let token = Token::of_lone_test();
    let session = token.user();
    let key = session.create(&usable_key(CKK_AES, 0)).unwrap();
    let mut ivs = std::collections::HashSet::new();
    for _ in 0..100 {
        let mut iv = [0u8; 12];
        let mut gcm = CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: ptr::null_mut(),
            ulAADLen: 0,
            ulTagBits: 128,
        };
        let parameter: *mut CK_GCM_PARAMS = &mut gcm;
        let len = size_of::<CK_GCM_PARAMS>() as CK_ULONG;
        let mut mechanism = CK_MECHANISM { mechanism: CKM_AES_GCM, pParameter: parameter.cast(), ulParameterLen: len };
        session.begin_raw(Work::Encrypt, &mut mechanism, key).unwrap();
        let encrypted = session.whole(Work::Encrypt, b"message").unwrap();
        assert!(ivs.insert(iv) && iv != [0; 12]);
        // The caller's own IV is for decryption.
        session.begin_raw(Work::Decrypt, &mut mechanism, key).unwrap();
        assert_eq!(session.whole(Work::Decrypt, &encrypted).unwrap(), b"message");
        let refusal = session.begin_raw(Work::Encrypt, &mut mechanism, key);
        assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID));
    }
    assert_eq!(session.run(Work::Encrypt, &plain(CKM_AES_ECB), key, &[0; 16]).unwrap().len(), 16);
    drop(token);
    call!(C_Finalize(ptr::null_mut())).unwrap();
}
