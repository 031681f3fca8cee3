//! The rules that hold for every mode: parts give what the whole gives, too small buffers change nothing, a restart is
//! a start, errors end the operation.

mod common;

use std::sync::Arc;

use common::setups::{Setup, Shape, all};
use common::{Decrypt, Encrypt, Random, cuts, parts, run_parts, whole};
use strongroom_crypto::Error;
use strongroom_crypto::cipher::{Cipher, Direction, HELD_BYTES_MAX, Key, Mode};

#[test]
fn keys_and_operations_cross_threads() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Key>();
    sent::<Cipher>();
}

#[test]
fn parts_give_what_the_whole_gives_and_come_back() {
    let mut random = Random::new(1);
    for setup in all(&mut random) {
        for limit in [40, 200, 5000] {
            for _ in 0..8 {
                let message = message(&setup, &mut random, limit);
                let mode = setup.mode(message.len());
                let ciphertext = whole(&setup.key, &mode, Encrypt, &message).unwrap();
                let in_cuts = cuts(&mut random, message.len());
                let context = format!("{} {} bytes, cuts {in_cuts:?}", setup.name, message.len());
                assert_eq!(parts(&setup.key, &mode, Encrypt, &message, &in_cuts).unwrap(), ciphertext, "{context}");
                assert_eq!(whole(&setup.key, &mode, Decrypt, &ciphertext).unwrap(), message, "{context}");
                let out_cuts = cuts(&mut random, ciphertext.len());
                assert_eq!(parts(&setup.key, &mode, Decrypt, &ciphertext, &out_cuts).unwrap(), message, "{out_cuts:?}");
            }
        }
    }
}

#[test]
fn every_small_split_gives_the_same() {
    let mut random = Random::new(2);
    for setup in all(&mut random) {
        let len = match setup.shape {
            Shape::Blocks(_) => 48,
            _ => 53,
        };
        let message = random.bytes(len);
        let mode = setup.mode(len);
        let ciphertext = whole(&setup.key, &mode, Encrypt, &message).unwrap();
        for first in 0..=len {
            for second in [first, (first + 1).min(len), (first + 16).min(len), (first + 31).min(len)] {
                let cuts = [first, second];
                assert_eq!(
                    parts(&setup.key, &mode, Encrypt, &message, &cuts).unwrap(),
                    ciphertext,
                    "{} {cuts:?}",
                    setup.name
                );
                assert_eq!(
                    parts(&setup.key, &mode, Decrypt, &ciphertext, &cuts).unwrap(),
                    message,
                    "{} {cuts:?}",
                    setup.name
                );
            }
        }
    }
}

#[test]
fn a_too_small_buffer_changes_nothing_and_an_exact_one_suffices() {
    let mut random = Random::new(3);
    for setup in all(&mut random) {
        for limit in [30, 300, 3000] {
            let message = message(&setup, &mut random, limit);
            let mode = setup.mode(message.len());
            let ciphertext = whole(&setup.key, &mode, Encrypt, &message).unwrap();
            for (direction, input, expected) in [(Encrypt, &message, &ciphertext), (Decrypt, &ciphertext, &message)] {
                one_shot_exactly(&setup, &mode, direction, input, expected);
                parts_exactly(&setup, &mode, direction, input, expected, &mut random);
            }
        }
    }
}

fn one_shot_exactly(setup: &Setup, mode: &Mode<'_>, direction: Direction, input: &[u8], expected: &[u8]) {
    let mut cipher = Cipher::start(&setup.key, mode, direction).unwrap();
    assert!(cipher.one_shot_len(input.len()) >= expected.len());
    for len in [0, expected.len() / 2, expected.len().saturating_sub(1)] {
        if len < expected.len() {
            let mut small = vec![0xaa; len];
            let refusal = Err(Error::OutputTooSmall { needed: expected.len() });
            assert_eq!(cipher.one_shot(input, &mut small), refusal, "{}", setup.name);
            assert_eq!(small, vec![0xaa; len], "{}: untouched", setup.name);
        }
    }
    let mut exact = vec![0; expected.len()];
    assert_eq!(cipher.one_shot(input, &mut exact), Ok(expected.len()), "{}", setup.name);
    assert_eq!(exact, expected, "{}", setup.name);

    // A larger buffer is only written as far as the result goes.
    cipher.restart(mode).unwrap();
    let mut large = vec![0xaa; cipher.one_shot_len(input.len()) + 40];
    assert_eq!(cipher.one_shot(input, &mut large), Ok(expected.len()));
    assert_eq!(&large[..expected.len()], expected);
    assert!(large[expected.len()..].iter().all(|byte| *byte == 0xaa), "{}", setup.name);
}

fn parts_exactly(
    setup: &Setup,
    mode: &Mode<'_>,
    direction: Direction,
    input: &[u8],
    expected: &[u8],
    random: &mut Random,
) {
    let mut cipher = Cipher::start(&setup.key, mode, direction).unwrap();
    let mut output = Vec::new();
    let mut start = 0;
    for end in cuts(random, input.len()).into_iter().chain([input.len()]) {
        let part = &input[start..end];
        let needed = cipher.update_len(part.len());
        if needed > 0 {
            let mut small = vec![0xaa; needed - 1];
            assert_eq!(cipher.update(part, &mut small), Err(Error::OutputTooSmall { needed }), "{}", setup.name);
            assert!(small.iter().all(|byte| *byte == 0xaa), "{}: untouched", setup.name);
        }
        let mut piece = vec![0; needed];
        assert_eq!(cipher.update(part, &mut piece), Ok(needed), "{}", setup.name);
        output.extend(piece);
        start = end;
    }
    let rest = expected.len() - output.len();
    assert!(cipher.finish_len() >= rest);
    if rest > 0 {
        let mut small = vec![0xaa; rest - 1];
        assert_eq!(cipher.finish(&mut small), Err(Error::OutputTooSmall { needed: rest }), "{}", setup.name);
        assert!(small.iter().all(|byte| *byte == 0xaa), "{}: untouched", setup.name);
    }
    let mut piece = vec![0; rest];
    assert_eq!(cipher.finish(&mut piece), Ok(rest), "{}", setup.name);
    output.extend(piece);
    assert_eq!(output, expected, "{}", setup.name);
}

#[test]
fn a_restart_is_a_start_whatever_went_before() {
    let mut random = Random::new(4);
    for setup in all(&mut random) {
        let messages: Vec<Vec<u8>> = (0..4).map(|_| message(&setup, &mut random, 400)).collect();
        let first = setup.mode(messages[0].len());
        let mut encrypting = Cipher::start(&setup.key, &first, Encrypt).unwrap();
        let mut decrypting = Cipher::start(&setup.key, &first, Decrypt).unwrap();
        for round in 0..24 {
            let message = &messages[random.below(4)];
            let mode = setup.mode(message.len());
            let expected = whole(&setup.key, &mode, Encrypt, message).unwrap();
            encrypting.restart(&mode).unwrap();
            decrypting.restart(&mode).unwrap();
            if round % 3 == 0 {
                // Left in the middle.
                let half = &message[..message.len() / 2];
                let mut output = vec![0; encrypting.update_len(half.len())];
                encrypting.update(half, &mut output).unwrap();
                let half = &expected[..expected.len() / 2];
                let mut output = vec![0; decrypting.update_len(half.len())];
                decrypting.update(half, &mut output).unwrap();
                encrypting.restart(&mode).unwrap();
                decrypting.restart(&mode).unwrap();
            }
            if random.below(2) == 0 {
                let mut output = vec![0; encrypting.one_shot_len(message.len())];
                let len = encrypting.one_shot(message, &mut output).unwrap();
                assert_eq!(&output[..len], expected, "{}", setup.name);
                let mut output = vec![0; decrypting.one_shot_len(expected.len())];
                let len = decrypting.one_shot(&expected, &mut output).unwrap();
                assert_eq!(&output[..len], message, "{}", setup.name);
            } else {
                let cuts_of = cuts(&mut random, message.len());
                assert_eq!(run_parts(&mut encrypting, message, &cuts_of).unwrap(), expected, "{}", setup.name);
                let cuts_of = cuts(&mut random, expected.len());
                assert_eq!(&run_parts(&mut decrypting, &expected, &cuts_of).unwrap(), message, "{}", setup.name);
            }
        }
    }
}

#[test]
fn every_changed_bit_of_an_authenticated_message_is_refused() {
    let mut random = Random::new(5);
    for setup in all(&mut random).iter().filter(|setup| setup.authenticates()) {
        let message = random.bytes(33);
        let mode = setup.mode(message.len());
        let ciphertext = whole(&setup.key, &mode, Encrypt, &message).unwrap();
        let mut cipher = Cipher::start(&setup.key, &mode, Decrypt).unwrap();
        for bit in 0..ciphertext.len() * 8 {
            let mut changed = ciphertext.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let mut output = vec![0xaa; message.len()];
            cipher.restart(&mode).unwrap();
            assert_eq!(cipher.one_shot(&changed, &mut output), Err(Error::Authentication), "{} {bit}", setup.name);
            assert!(output.iter().all(|byte| *byte == 0 || *byte == 0xaa), "{}: no plaintext", setup.name);
            assert_eq!(cipher.one_shot(&ciphertext, &mut output), Err(Error::Finished));
            cipher.restart(&mode).unwrap();
            let outcome = run_parts(&mut cipher, &changed, &[10]);
            assert_eq!(outcome, Err(Error::Authentication), "{} {bit}", setup.name);
        }
        // Too short for a tag, and cut short.
        assert_eq!(whole(&setup.key, &mode, Decrypt, &[1, 2, 3]), Err(Error::CiphertextLength));
        let cut = whole(&setup.key, &mode, Decrypt, &ciphertext[..ciphertext.len() - 1]);
        assert!(matches!(cut, Err(Error::Authentication | Error::CiphertextLength)), "{cut:?}");
    }
}

#[test]
fn padding_is_checked_whole_and_with_one_error() {
    let key = Arc::new(Key::aes(&[7; 16]).unwrap());
    let iv = [9; 16];
    // (last block, bytes left, or nothing if the padding is wrong)
    let mut cases = vec![([0; 16], None), ([17; 16], None), ([255; 16], None), ([16; 16], Some(0))];
    for padding in 1..=16_u8 {
        let mut good = [0xee; 16];
        good[16 - usize::from(padding)..].fill(padding);
        cases.push((good, Some(16 - usize::from(padding))));
        for index in 16 - usize::from(padding)..15 {
            let mut bad = good;
            bad[index] ^= 0x80;
            cases.push((bad, None));
        }
    }
    for (last, left) in cases {
        for before in [0, 16, 160] {
            let plain = [vec![3; before], last.to_vec()].concat();
            let ciphertext = whole(&key, &Mode::Cbc { iv: &iv }, Encrypt, &plain).unwrap();
            let mode = Mode::CbcPad { iv: &iv };
            let expected = left.map(|left| plain[..before + left].to_vec()).ok_or(Error::Authentication);
            assert_eq!(whole(&key, &mode, Decrypt, &ciphertext), expected, "{last:?}");
            assert_eq!(parts(&key, &mode, Decrypt, &ciphertext, &[5]), expected, "{last:?}");
        }
    }
}

#[test]
fn lengths_that_do_not_fit_are_refused_and_end_the_operation() {
    let mut random = Random::new(6);
    for setup in all(&mut random) {
        let (encrypt_error, decrypt_error) = (Error::DataLength, Error::CiphertextLength);
        let bad = match setup.shape {
            Shape::Blocks(block) => vec![1, block - 1, block + 1],
            Shape::AtLeast(least) => vec![0, 1, least - 1],
            Shape::Any => continue,
        };
        for len in bad {
            let data = random.bytes(len);
            for (direction, error) in [(Encrypt, encrypt_error), (Decrypt, decrypt_error)] {
                let mode = setup.mode(len);
                assert_eq!(whole(&setup.key, &mode, direction, &data), Err(error), "{} {len}", setup.name);
                assert_eq!(parts(&setup.key, &mode, direction, &data, &[len / 2]), Err(error), "{} {len}", setup.name);
                let mut cipher = Cipher::start(&setup.key, &mode, direction).unwrap();
                assert_eq!(cipher.one_shot(&data, &mut [0; 64]), Err(error));
                assert_eq!(cipher.finish(&mut [0; 64]), Err(Error::Finished));
            }
        }
    }
    for setup in all(&mut random).iter().filter(|setup| setup.unpads()) {
        for len in [0, 1, 7, 17, 31] {
            let data = random.bytes(len);
            let mode = setup.mode(len);
            assert_eq!(whole(&setup.key, &mode, Decrypt, &data), Err(Error::CiphertextLength), "{} {len}", setup.name);
            assert_eq!(parts(&setup.key, &mode, Decrypt, &data, &[len / 2]), Err(Error::CiphertextLength));
        }
    }
}

#[test]
fn one_call_does_not_end_an_operation_in_parts() {
    let key = Arc::new(Key::aes(&[1; 16]).unwrap());
    let mut cipher = Cipher::start(&key, &Mode::Ecb, Encrypt).unwrap();
    assert_eq!(cipher.update(&[0; 16], &mut [0; 16]), Ok(16));
    assert!(matches!(cipher.one_shot(&[0; 16], &mut [0; 16]), Err(Error::Parameter(_))));
    assert_eq!(cipher.finish(&mut []), Err(Error::Finished));
}

#[test]
fn ccm_holds_the_caller_to_the_announced_length() {
    let key = Arc::new(Key::aes(&[1; 16]).unwrap());
    let mode = |data_bytes| Mode::Ccm { data_bytes, nonce: &[2; 13], aad: b"", tag_bytes: 8 };
    for len in [9, 11] {
        assert_eq!(whole(&key, &mode(10), Encrypt, &vec![0; len]), Err(Error::DataLength));
        assert_eq!(parts(&key, &mode(10), Encrypt, &vec![0; len], &[4]), Err(Error::DataLength));
        assert_eq!(whole(&key, &mode(10), Decrypt, &vec![0; len + 8]), Err(Error::CiphertextLength));
        assert_eq!(parts(&key, &mode(10), Decrypt, &vec![0; len + 8], &[4]), Err(Error::CiphertextLength));
    }
    // 13 bytes of nonce leave two for the length.
    assert!(Cipher::start(&key, &mode(65535), Encrypt).is_ok());
    assert_eq!(Cipher::start(&key, &mode(65536), Encrypt).err(), Some(Error::DataLength));
    let long = Mode::Ccm { data_bytes: HELD_BYTES_MAX, nonce: &[2; 7], aad: b"", tag_bytes: 8 };
    assert_eq!(Cipher::start(&key, &long, Encrypt).err(), Some(Error::DataLength));
}

#[test]
fn counters_do_not_wrap() {
    let key = Arc::new(Key::aes(&[1; 16]).unwrap());
    for (bits, left_blocks) in [(1, 1_u128), (1, 2), (8, 3), (12, 5), (32, 7), (64, 2), (127, 4), (128, 1), (128, 9)] {
        let last = u128::MAX >> (128 - bits);
        // Ones above the counter must stay as they are.
        let block = (!last | (last - (left_blocks - 1))).to_be_bytes();
        let mode = Mode::Ctr { block: &block, counter_bits: bits };
        let fits = vec![0; left_blocks as usize * 16];
        let too_much = vec![0; fits.len() + 1];
        assert!(whole(&key, &mode, Encrypt, &fits).is_ok(), "{bits} {left_blocks}");
        assert_eq!(whole(&key, &mode, Encrypt, &too_much), Err(Error::DataLength), "{bits} {left_blocks}");
        assert_eq!(parts(&key, &mode, Encrypt, &too_much, &[3, fits.len()]), Err(Error::DataLength));
    }
    for bits in [0, 129, u32::MAX] {
        let mode = Mode::Ctr { block: &[0; 16], counter_bits: bits };
        assert!(matches!(Cipher::start(&key, &mode, Encrypt), Err(Error::Parameter(_))));
    }

    let key = Arc::new(Key::chacha20(&[1; 32]).unwrap());
    for (counter, counter_bits, nonce) in [(u64::from(u32::MAX), 32, &[1; 12][..]), (u64::MAX, 64, &[1; 8])] {
        let mode = Mode::ChaCha20 { counter, counter_bits, nonce };
        assert!(whole(&key, &mode, Encrypt, &[0; 64]).is_ok());
        assert_eq!(whole(&key, &mode, Encrypt, &[0; 65]), Err(Error::DataLength));
        assert_eq!(parts(&key, &mode, Encrypt, &[0; 65], &[64]), Err(Error::DataLength));
    }
    let mode = Mode::ChaCha20 { counter: 1 << 32, counter_bits: 32, nonce: &[1; 12] };
    assert!(matches!(Cipher::start(&key, &mode, Encrypt), Err(Error::Parameter(_))));
}

#[test]
fn keys_and_parameters_out_of_range_are_refused() {
    assert_eq!(Key::aes(&[0; 15]).err(), Some(Error::KeyLength { got: 15 }));
    assert_eq!(Key::des(&[0; 9]).err(), Some(Error::KeyLength { got: 9 }));
    assert_eq!(Key::rc4(&[]).err(), Some(Error::KeyLength { got: 0 }));
    assert_eq!(Key::rc4(&[0; 257]).err(), Some(Error::KeyLength { got: 257 }));
    assert_eq!(Key::chacha20(&[0; 31]).err(), Some(Error::KeyLength { got: 31 }));
    assert!(matches!(Key::aes_xts(&[7; 32]), Err(Error::KeyValue(_))));
    assert!(matches!(Key::aes_xts(&[7; 64]), Err(Error::KeyValue(_))));

    let aes = Arc::new(Key::aes(&[0; 16]).unwrap());
    let des = Arc::new(Key::des(&[0; 24]).unwrap());
    let chacha20 = Arc::new(Key::chacha20(&[0; 32]).unwrap());
    let (iv, aad) = (&[0; 16][..], &b""[..]);
    let refused = [
        (&aes, Mode::Cbc { iv: &iv[..15] }),
        (&aes, Mode::CbcPad { iv: &[] }),
        (&aes, Mode::CbcCts { iv: &iv[..8] }),
        (&aes, Mode::Ofb { iv: &iv[..8] }),
        (&aes, Mode::Cfb8 { iv: &[] }),
        (&aes, Mode::Gcm { iv: &[], aad, tag_bytes: 16 }),
        (&aes, Mode::Gcm { iv, aad, tag_bytes: 0 }),
        (&aes, Mode::Gcm { iv, aad, tag_bytes: 11 }),
        (&aes, Mode::Gcm { iv, aad, tag_bytes: 17 }),
        (&aes, Mode::Ccm { data_bytes: 0, nonce: &iv[..6], aad, tag_bytes: 16 }),
        (&aes, Mode::Ccm { data_bytes: 0, nonce: &iv[..14], aad, tag_bytes: 16 }),
        (&aes, Mode::Ccm { data_bytes: 0, nonce: &iv[..12], aad, tag_bytes: 5 }),
        (&aes, Mode::Ccm { data_bytes: 0, nonce: &iv[..12], aad, tag_bytes: 2 }),
        (&aes, Mode::Xts { tweak: &[0; 16] }),
        (&aes, Mode::Rc4),
        (&aes, Mode::ChaCha20Poly1305 { nonce: &iv[..12], aad }),
        (&des, Mode::Cbc { iv }),
        (&des, Mode::CbcCts { iv: &iv[..8] }),
        (&des, Mode::Ctr { block: &[0; 16], counter_bits: 128 }),
        (&des, Mode::Gcm { iv, aad, tag_bytes: 16 }),
        (&chacha20, Mode::Ecb),
        (&chacha20, Mode::Gcm { iv, aad, tag_bytes: 16 }),
        (&chacha20, Mode::ChaCha20Poly1305 { nonce: iv, aad }),
        (&chacha20, Mode::ChaCha20 { counter: 0, counter_bits: 32, nonce: &iv[..8] }),
        (&chacha20, Mode::ChaCha20 { counter: 0, counter_bits: 64, nonce: &iv[..12] }),
        (&chacha20, Mode::ChaCha20 { counter: 0, counter_bits: 64, nonce: &[0; 24] }),
    ];
    for (key, mode) in refused {
        for direction in [Encrypt, Decrypt] {
            let outcome = Cipher::start(key, &mode, direction).err();
            assert!(matches!(outcome, Some(Error::Parameter(_))), "{mode:?}: {outcome:?}");
        }
    }

    // A refused restart leaves a finished operation, a good one after it works.
    let mut cipher = Cipher::start(&aes, &Mode::Ecb, Encrypt).unwrap();
    assert!(cipher.restart(&Mode::Rc4).is_err());
    assert_eq!(cipher.update(&[0; 16], &mut [0; 16]), Err(Error::Finished));
    cipher.restart(&Mode::Gcm { iv, aad, tag_bytes: 16 }).unwrap();
    assert_eq!(cipher.one_shot(&[0; 16], &mut [0; 32]), Ok(32));
}

fn message(setup: &Setup, random: &mut Random, limit: usize) -> Vec<u8> {
    let len = setup.data_bytes(random, limit);
    random.bytes(len)
}

#[test]
fn more_data_than_the_limits_allow_is_refused_before_it_is_touched() {
    // Zero pages nobody writes to: the buffer costs address space only.
    let data = vec![0; HELD_BYTES_MAX + 1];
    let aes = Arc::new(Key::aes(&[1; 16]).unwrap());
    let mode = Mode::Gcm { iv: &[1; 12], aad: b"", tag_bytes: 16 };
    let mut cipher = Cipher::start(&aes, &mode, Decrypt).unwrap();
    assert_eq!(cipher.update(&data, &mut []), Err(Error::DataLength));
    assert_eq!(cipher.finish(&mut []), Err(Error::Finished));

    let xts = Arc::new(Key::aes_xts(&(0..32).collect::<Vec<u8>>()).unwrap());
    let mode = Mode::Xts { tweak: &[0; 16] };
    let unit = &data[..(16 << 20) + 1];
    assert!(whole(&xts, &mode, Encrypt, &unit[1..]).is_ok());
    assert_eq!(whole(&xts, &mode, Encrypt, unit), Err(Error::DataLength));
    assert_eq!(parts(&xts, &mode, Encrypt, unit, &[100, unit.len() - 1]), Err(Error::DataLength));
    assert_eq!(whole(&xts, &mode, Decrypt, unit), Err(Error::CiphertextLength));
}
