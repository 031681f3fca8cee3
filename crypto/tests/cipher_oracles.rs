//! The same result from a second implementation: modes written out over the RustCrypto block ciphers, which share no
//! code with the AWS-LC paths, over random keys and lengths that cross every change of path.

mod common;

use std::sync::Arc;

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, StreamCipher};
use common::{Decrypt, Encrypt, Random, parts, whole};
use strongroom_crypto::cipher::{Key, Mode};

type OneBlock = Box<dyn Fn(&mut [u8])>;

/// One block either way.
struct Oracle {
    block_bytes: usize,
    encrypt: OneBlock,
    decrypt: OneBlock,
}

impl Oracle {
    fn new<C>(key: &[u8]) -> Oracle
    where
        C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt + Clone + 'static,
    {
        let cipher = C::new_from_slice(key).unwrap();
        let other = cipher.clone();
        Oracle {
            block_bytes: C::block_size(),
            encrypt: Box::new(move |block| cipher.encrypt_block(Array::slice_as_mut_array(block).unwrap())),
            decrypt: Box::new(move |block| other.decrypt_block(Array::slice_as_mut_array(block).unwrap())),
        }
    }

    fn ecb(&self, plain: &[u8]) -> Vec<u8> {
        let mut output = plain.to_vec();
        output.chunks_mut(self.block_bytes).for_each(|block| (self.encrypt)(block));
        output
    }

    fn ecb_back(&self, cipher: &[u8]) -> Vec<u8> {
        let mut output = cipher.to_vec();
        output.chunks_mut(self.block_bytes).for_each(|block| (self.decrypt)(block));
        output
    }

    fn cbc(&self, iv: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut previous = iv.to_vec();
        let mut output = Vec::new();
        for block in plain.chunks(self.block_bytes) {
            previous.iter_mut().zip(block).for_each(|(a, b)| *a ^= b);
            (self.encrypt)(&mut previous);
            output.extend_from_slice(&previous);
        }
        output
    }

    // Output feedback, or cipher feedback when `cipher_feedback` is a number of bytes.
    fn feedback(&self, iv: &[u8], plain: &[u8], cipher_feedback: Option<usize>) -> Vec<u8> {
        let mut register = iv.to_vec();
        let mut output = Vec::new();
        for piece in plain.chunks(cipher_feedback.unwrap_or(self.block_bytes)) {
            let mut stream = register.clone();
            (self.encrypt)(&mut stream);
            let cipher: Vec<u8> = piece.iter().zip(&stream).map(|(a, b)| a ^ b).collect();
            match cipher_feedback {
                None => register = stream,
                Some(_) => {
                    register.drain(..cipher.len());
                    register.extend_from_slice(&cipher);
                }
            }
            output.extend(cipher);
        }
        output
    }

    fn ctr(&self, block: [u8; 16], plain: &[u8]) -> Vec<u8> {
        let mut counter = u128::from_be_bytes(block);
        let mut output = Vec::new();
        for piece in plain.chunks(16) {
            let mut stream = counter.to_be_bytes();
            (self.encrypt)(&mut stream);
            output.extend(piece.iter().zip(&stream).map(|(a, b)| a ^ b));
            counter = counter.wrapping_add(1);
        }
        output
    }
}

fn aes_oracle(key: &[u8]) -> Oracle {
    match key.len() {
        16 => Oracle::new::<aes::Aes128>(key),
        24 => Oracle::new::<aes::Aes192>(key),
        _ => Oracle::new::<aes::Aes256>(key),
    }
}

fn des_oracle(key: &[u8]) -> Oracle {
    match key.len() {
        8 => Oracle::new::<des::Des>(key),
        16 => Oracle::new::<des::TdesEde2>(key),
        _ => Oracle::new::<des::TdesEde3>(key),
    }
}

fn check(key: &Arc<Key>, mode: &Mode<'_>, plain: &[u8], expected: &[u8], random: &mut Random) {
    let context = format!("{mode:?}, {} bytes", plain.len());
    assert!(whole(key, mode, Encrypt, plain).unwrap() == expected, "{context}");
    assert!(whole(key, mode, Decrypt, expected).unwrap() == plain, "{context}");
    let cuts = common::cuts(random, plain.len());
    assert!(parts(key, mode, Encrypt, plain, &cuts).unwrap() == expected, "{context} {cuts:?}");
    assert!(parts(key, mode, Decrypt, expected, &cuts).unwrap() == plain, "{context} {cuts:?}");
}

const LENGTHS: [usize; 22] =
    [0, 1, 15, 16, 17, 48, 63, 64, 80, 128, 256, 496, 512, 1008, 1024, 1040, 2047, 2048, 3333, 4096, 16384, 20000];

#[test]
fn aes_modes() {
    let mut random = Random::new(11);
    for key_bytes in [16, 24, 32] {
        for len in LENGTHS {
            let bytes = random.bytes(key_bytes);
            let (key, oracle) = (Arc::new(Key::aes(&bytes).unwrap()), aes_oracle(&bytes));
            let (plain, iv) = (random.bytes(len), &random.bytes(16)[..]);
            let blocks = &plain[..len / 16 * 16];
            check(&key, &Mode::Ecb, blocks, &oracle.ecb(blocks), &mut random);
            assert!(oracle.ecb_back(&whole(&key, &Mode::Ecb, Encrypt, blocks).unwrap()) == blocks);
            check(&key, &Mode::Cbc { iv }, blocks, &oracle.cbc(iv, blocks), &mut random);
            let mut padded = plain.clone();
            padded.resize((len / 16 + 1) * 16, (16 - len % 16) as u8);
            check(&key, &Mode::CbcPad { iv }, &plain, &oracle.cbc(iv, &padded), &mut random);
            check(&key, &Mode::Ofb { iv }, &plain, &oracle.feedback(iv, &plain, None), &mut random);
            check(&key, &Mode::Cfb8 { iv }, &plain, &oracle.feedback(iv, &plain, Some(1)), &mut random);
            check(&key, &Mode::Cfb128 { iv }, &plain, &oracle.feedback(iv, &plain, Some(16)), &mut random);
            // Counters that carry into the second, the fifth and the ninth byte on the way.
            for low in [0_u128, 0xf0, 0xffff_fff0, 0xffff_ffff_ffff_fff0] {
                let high = u128::from(random.next()) << 72 & u128::MAX >> 1;
                let block = (high | low).to_be_bytes();
                let mode = Mode::Ctr { block: &block, counter_bits: 128 };
                check(&key, &mode, &plain, &oracle.ctr(block, &plain), &mut random);
            }
        }
    }
}

#[test]
fn des_modes() {
    let mut random = Random::new(12);
    for key_bytes in [8, 16, 24] {
        for len in LENGTHS {
            let bytes = random.bytes(key_bytes);
            let (key, oracle) = (Arc::new(Key::des(&bytes).unwrap()), des_oracle(&bytes));
            let (plain, iv) = (random.bytes(len), &random.bytes(8)[..]);
            let blocks = &plain[..len / 8 * 8];
            check(&key, &Mode::Ecb, blocks, &oracle.ecb(blocks), &mut random);
            check(&key, &Mode::Cbc { iv }, blocks, &oracle.cbc(iv, blocks), &mut random);
            let mut padded = plain.clone();
            padded.resize((len / 8 + 1) * 8, (8 - len % 8) as u8);
            check(&key, &Mode::CbcPad { iv }, &plain, &oracle.cbc(iv, &padded), &mut random);
        }
    }
}

#[test]
fn rc4_stream() {
    let mut random = Random::new(13);
    for len in LENGTHS {
        for key_bytes in [1, 5, 16, 255, 256] {
            let bytes = random.bytes(key_bytes);
            let key = Arc::new(Key::rc4(&bytes).unwrap());
            let plain = random.bytes(len);
            let mut expected = plain.clone();
            rc4::Rc4::new_from_slice(&bytes).unwrap().apply_keystream(&mut expected);
            check(&key, &Mode::Rc4, &plain, &expected, &mut random);
        }
    }
}

#[test]
fn xts_in_parts_and_in_one_piece_agree_with_the_definition() {
    let mut random = Random::new(14);
    for key_bytes in [32, 64] {
        for len in LENGTHS.into_iter().filter(|len| *len >= 16) {
            let bytes = random.bytes(key_bytes);
            let key = Arc::new(Key::aes_xts(&bytes).unwrap());
            let (data, tweak) = bytes.split_at(key_bytes / 2);
            let (data, tweak_cipher) = (aes_oracle(data), aes_oracle(tweak));
            let value: [u8; 16] = random.bytes(16).try_into().unwrap();
            let plain = random.bytes(len);
            let expected = xts(&data, &tweak_cipher, value, &plain);
            check(&key, &Mode::Xts { tweak: &value }, &plain, &expected, &mut random);
        }
    }
}

fn xts(data: &Oracle, tweak_cipher: &Oracle, value: [u8; 16], plain: &[u8]) -> Vec<u8> {
    let mut tweak = value;
    (tweak_cipher.encrypt)(&mut tweak);
    let one = |block: &[u8], tweak: &[u8; 16]| {
        let mut block: Vec<u8> = block.iter().zip(tweak).map(|(a, b)| a ^ b).collect();
        (data.encrypt)(&mut block);
        block.iter().zip(tweak).map(|(a, b)| a ^ b).collect::<Vec<u8>>()
    };
    let mut output: Vec<u8> = Vec::new();
    for block in plain.chunks(16) {
        if block.len() == 16 {
            output.extend(one(block, &tweak));
        } else {
            let last = output.split_off(output.len() - 16);
            let stolen = [block, &last[block.len()..]].concat();
            output.extend(one(&stolen, &tweak));
            output.extend_from_slice(&last[..block.len()]);
        }
        // Byte by byte, as the standard writes it.
        let mut carry = 0;
        for byte in &mut tweak {
            let out = *byte >> 7;
            *byte = *byte << 1 | carry;
            carry = out;
        }
        tweak[0] ^= 0x87 * carry;
    }
    output
}

#[test]
fn gcm_paths_agree() {
    // One piece goes through the key's shared context, parts through another library interface; short tags are the
    // start of full ones.
    let mut random = Random::new(15);
    for key_bytes in [16, 24, 32] {
        let key = Arc::new(Key::aes(&random.bytes(key_bytes)).unwrap());
        for len in LENGTHS {
            for iv_bytes in [1, 8, 11, 12, 13, 16, 17, 128] {
                let (plain, iv, aad) = (random.bytes(len), random.bytes(iv_bytes), random.bytes(len % 50));
                let full = whole(&key, &Mode::Gcm { iv: &iv, aad: &aad, tag_bytes: 16 }, Encrypt, &plain).unwrap();
                for tag_bytes in [4, 8, 12, 13, 14, 15, 16] {
                    let mode = Mode::Gcm { iv: &iv, aad: &aad, tag_bytes };
                    check(&key, &mode, &plain, &full[..len + tag_bytes], &mut random);
                }
            }
        }
    }
}
