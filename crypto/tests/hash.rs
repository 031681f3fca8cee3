//! Digests: the messages of RFC 1321 and FIPS 180-4 and 202 (empty, "abc", a million "a"), another implementation,
//! parts, saved states.

mod common;

use common::{Random, cuts, hex};
use strongroom_crypto::Error;
use strongroom_crypto::hash::{Algorithm, Hash, digest};

const DIGESTS: [(Algorithm, [&str; 3]); 12] = [
    (
        Algorithm::Md5,
        ["d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72", "7707d6ae4e027c70eea2a935c2296f21"],
    ),
    (
        Algorithm::Sha1,
        [
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
        ],
    ),
    (
        Algorithm::Sha224,
        [
            "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            "20794655980c91d8bbb4c1ea97618a4bf03f42581948b2ee4ee7ad67",
        ],
    ),
    (
        Algorithm::Sha256,
        [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ],
    ),
    (
        Algorithm::Sha384,
        [
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985",
        ],
    ),
    (
        Algorithm::Sha512,
        [
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
        ],
    ),
    (
        Algorithm::Sha512_224,
        [
            "6ed0dd02806fa89e25de060c19d3ac86cabb87d6a0ddd05c333b84f4",
            "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
            "37ab331d76f0d36de422bd0edeb22a28accd487b7a8453ae965dd287",
        ],
    ),
    (
        Algorithm::Sha512_256,
        [
            "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a",
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
            "9a59a052930187a97038cae692f30708aa6491923ef5194394dc68d56c74fb21",
        ],
    ),
    (
        Algorithm::Sha3_224,
        [
            "6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7",
            "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
            "d69335b93325192e516a912e6d19a15cb51c6ed5c15243e7a7fd653c",
        ],
    ),
    (
        Algorithm::Sha3_256,
        [
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
            "5c8875ae474a3634ba4fd55ec85bffd661f32aca75c6d699d0cdcb6c115891c1",
        ],
    ),
    (
        Algorithm::Sha3_384,
        [
            "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004",
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
            "eee9e24d78c1855337983451df97c8ad9eedf256c6334f8e948d252d5e0e76847aa0774ddb90a842190d2c558b4b8340",
        ],
    ),
    (
        Algorithm::Sha3_512,
        [
            "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26",
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
            "3c3a876da14034ab60627c077bb98f7e120a2a5370212dffb3385a18d4f38859ed311d0a9d5141ce9cc5c66ee689b266a8aa18ace8282a0e0db596c90b0a7b87",
        ],
    ),
];

fn of(algorithm: Algorithm, data: &[u8]) -> Vec<u8> {
    let mut output = vec![0; algorithm.output_bytes()];
    assert_eq!(digest(algorithm, data, &mut output), Ok(output.len()));
    output
}

#[test]
fn published_digests() {
    assert_eq!(DIGESTS.map(|(algorithm, _)| algorithm), Algorithm::ALL);
    for (algorithm, digests) in DIGESTS {
        for (message, expected) in [&b""[..], b"abc", &[b'a'; 1_000_000]].into_iter().zip(digests) {
            assert_eq!(of(algorithm, message), hex(expected), "{algorithm:?}");
        }
    }
}

#[test]
fn sha1_and_sha2_are_those_of_another_implementation() {
    use sha2::Digest;
    fn oracle<D: Digest>(message: &[u8]) -> Vec<u8> {
        D::digest(message).to_vec()
    }
    type Oracle = fn(&[u8]) -> Vec<u8>;
    let oracles: [(Algorithm, Oracle); 7] = [
        (Algorithm::Sha1, oracle::<sha1::Sha1>),
        (Algorithm::Sha224, oracle::<sha2::Sha224>),
        (Algorithm::Sha256, oracle::<sha2::Sha256>),
        (Algorithm::Sha384, oracle::<sha2::Sha384>),
        (Algorithm::Sha512, oracle::<sha2::Sha512>),
        (Algorithm::Sha512_224, oracle::<sha2::Sha512_224>),
        (Algorithm::Sha512_256, oracle::<sha2::Sha512_256>),
    ];
    let mut random = Random::new(22);
    let data = random.bytes(5000);
    for (algorithm, oracle) in oracles {
        // One digest for all messages: each begins anew.
        let mut hash = Hash::new(algorithm);
        for round in 0..1500 {
            let len = random.below(if round % 4 == 0 { 4000 } else { 300 });
            let message = &data[random.below(1000)..][..len];
            let expected = oracle(message);
            assert_eq!(of(algorithm, message), expected, "{algorithm:?} {len}");
            let mut start = 0;
            for end in cuts(&mut random, len).into_iter().chain([len]) {
                hash.update(&message[start..end]);
                start = end;
                if random.below(4) == 0 {
                    hash = Hash::import_state(algorithm, &hash.export_state().unwrap()).unwrap();
                }
            }
            let mut output = vec![0; expected.len()];
            assert_eq!(hash.finish(&mut output), Ok(output.len()));
            assert_eq!(output, expected, "{algorithm:?} {len} in parts");
        }
    }
}

#[test]
fn a_copy_replaces_any_digest() {
    let mut random = Random::new(23);
    let message = random.bytes(333);
    for algorithm in Algorithm::ALL {
        let mut source = Hash::new(algorithm);
        source.update(&message[..200]);
        for other in Algorithm::ALL {
            let mut copy = Hash::new(other);
            copy.update(b"something else");
            copy.clone_from(&source);
            assert_eq!(copy.algorithm(), algorithm);
            copy.update(&message[200..]);
            let mut output = vec![0; algorithm.output_bytes()];
            assert_eq!(copy.finish(&mut output), Ok(output.len()));
            assert_eq!(output, of(algorithm, &message), "{other:?} replaced by {algorithm:?}");
        }
    }
}

#[test]
fn parts_clones_and_saved_states_go_on_where_they_were() {
    let mut random = Random::new(21);
    for algorithm in Algorithm::ALL {
        for len in [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 135, 136, 143, 144, 145, 500, 3000] {
            let data = random.bytes(len);
            let expected = of(algorithm, &data);
            let mut hash = Hash::new(algorithm);
            let mut start = 0;
            for end in cuts(&mut random, len).into_iter().chain([len]) {
                hash.update(&data[start..end]);
                start = end;
                hash = match random.below(3) {
                    0 => hash.clone(),
                    1 => Hash::import_state(algorithm, &hash.export_state().unwrap()).unwrap(),
                    _ => hash,
                };
                assert_eq!(hash.algorithm(), algorithm);
            }
            let mut output = [0xaa; 80];
            let needed = expected.len();
            assert_eq!(hash.finish(&mut output[..needed - 1]), Err(Error::OutputTooSmall { needed }));
            assert_eq!(hash.finish(&mut output), Ok(needed));
            assert_eq!(&output[..needed], expected, "{algorithm:?} {len}");
            assert!(output[needed..].iter().all(|byte| *byte == 0xaa));

            // A digest that has ended begins anew, and so does one that was reset.
            hash.update(&data);
            assert_eq!(hash.finish(&mut output), Ok(needed));
            assert_eq!(&output[..needed], expected);
            hash.update(b"something else");
            hash.reset();
            hash.update(&data);
            assert_eq!(hash.finish(&mut output), Ok(needed));
            assert_eq!(&output[..needed], expected);
        }
    }
}

#[test]
fn states_of_another_length_are_refused() {
    for algorithm in Algorithm::ALL {
        let state = Hash::new(algorithm).export_state().unwrap();
        for len in [0, 1, state.len() - 1] {
            assert!(matches!(Hash::import_state(algorithm, &state[..len]), Err(Error::Parameter(_))));
        }
        let longer = [&state[..], &[0]].concat();
        assert!(matches!(Hash::import_state(algorithm, &longer), Err(Error::Parameter(_))));
        // Any bytes of the right length give an error or a state that can be used without harm.
        for filling in [0, 0x7f, 0xff] {
            if let Ok(mut hash) = Hash::import_state(algorithm, &vec![filling; state.len()]) {
                hash.update(&[1; 300]);
                assert_eq!(hash.finish(&mut [0; 64]), Ok(algorithm.output_bytes()));
            }
        }
    }
}
