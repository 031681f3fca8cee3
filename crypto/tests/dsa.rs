//! DSA: vectors of RFC 6979, keys and signatures of OpenSSL, and everything that must be refused.

mod common;

use std::path::PathBuf;

use common::hex;
use strongroom_crypto::Error;
use strongroom_crypto::dsa::{Parameters, PrivateKey, PublicKey};
use strongroom_crypto::encoding::{PrivateKeyInfo, PublicKeyInfo};
use strongroom_crypto::hash::{Algorithm, digest};

struct Vector {
    p: &'static str,
    q: &'static str,
    g: &'static str,
    x: &'static str,
    y: &'static str,
    /// Hash, message, r and s.
    signatures: &'static [(Algorithm, &'static str, &'static str, &'static str)],
}

/// RFC 6979 appendices A.2.1 and A.2.2.
const VECTORS: [Vector; 2] = [
    Vector {
        p: "
        86f5ca03dcfeb225063ff830a0c769b9dd9d6153ad91d7ce27f787c43278b447e6533b86b18bed6e8a48b784a14c252c
        5be0dbf60b86d6385bd2f12fb763ed8873abfd3f5ba2e0a8c0a59082eac056935e529daf7c610467899c77adedfc846c
        881870b7b19b2b58f9be0521a17002e3bdd6b86685ee90b3d9a1b02b782b1779",
        q: "996f967f6c8e388d9e28d01e205fba957a5698b1",
        g: "
        07b0f92546150b62514bb771e2a0c0ce387f03bda6c56b505209ff25fd3c133d89bbcd97e904e09114d9a7defdeadfc9
        078ea544d2e401aeecc40bb9fbbf78fd87995a10a1c27cb7789b594ba7efb5c4326a9fe59a070e136db77175464adca4
        17be5dce2f40d10a46a3a3943f26ab7fd9c0398ff8c76ee0a56826a8a88f1dbd",
        x: "411602cb19a6ccc34494d79d98ef1e7ed5af25f7",
        y: "
        5df5e01ded31d0297e274e1691c192fe5868fef9e19a84776454b100cf16f65392195a38b90523e2542ee61871c0440c
        b87c322fc4b4d2ec5e1e7ec766e1be8d4ce935437dc11c3c8fd426338933ebfe739cb3465f4d3668c5e473508253b1e6
        82f65cbdc4fae93c2ea212390e54905a86e2223170b44eaa7da5dd9ffcfb7f3b",
        signatures: &[
            (
                Algorithm::Sha1,
                "sample",
                "2e1a0c2562b2912caaf89186fb0f42001585da55",
                "29efb6b0aff2d7a68eb70ca313022253b9a88df5",
            ),
            (
                Algorithm::Sha256,
                "sample",
                "81f2f5850be5bc123c43f71a3033e9384611c545",
                "4cdd914b65eb6c66a8aaad27299bee6b035f5e89",
            ),
        ],
    },
    Vector {
        p: "
        9db6fb5951b66bb6fe1e140f1d2ce5502374161fd6538df1648218642f0b5c48c8f7a41aadfa187324b87674fa1822b0
        0f1ecf8136943d7c55757264e5a1a44ffe012e9936e00c1d3e9310b01c7d179805d3058b2a9f4bb6f9716bfe6117c6b5
        b3cc4d9be341104ad4a80ad6c94e005f4b993e14f091eb51743bf33050c38de235567e1b34c3d6a5c0ceaa1a0f368213
        c3d19843d0b4b09dcb9fc72d39c8de41f1bf14d4bb4563ca28371621cad3324b6a2d392145bebfac748805236f5ca2fe
        92b871cd8f9c36d3292b5509ca8caa77a2adfc7bfd77dda6f71125a7456fea153e433256a2261c6a06ed3693797e7995
        fad5aabbcfbe3eda2741e375404ae25b",
        q: "f2c3119374ce76c9356990b465374a17f23f9ed35089bd969f61c6dde9998c1f",
        g: "
        5c7ff6b06f8f143fe8288433493e4769c4d988ace5be25a0e24809670716c613d7b0cee6932f8faa7c44d2cb24523da5
        3fbe4f6ec3595892d1aa58c4328a06c46a15662e7eaa703a1decf8bbb2d05dbe2eb956c142a338661d10461c0d135472
        085057f3494309ffa73c611f78b32adbb5740c361c9f35be90997db2014e2ef5aa61782f52abeb8bd6432c4dd097bc54
        23b285dafb60dc364e8161f4a2a35aca3a10b1c4d203cc76a470a33afdcbdd92959859abd8b56e1725252d78eac66e71
        ba9ae3f1dd2487199874393cd4d832186800654760e1e34c09e4d155179f9ec0dc4473f996bdce6eed1cabed8b6f116f
        7ad9cf505df0f998e34ab27514b0ffe7",
        x: "69c7548c21d0dfea6b9a51c9ead4e27c33d3b3f180316e5bcab92c933f0e4dbc",
        y: "
        667098c654426c78d7f8201eac6c203ef030d43605032c2f1fa937e5237dbd949f34a0a2564fe126dc8b715c5141802c
        e0979c8246463c40e6b6bdaa2513fa611728716c2e4fd53bc95b89e69949d96512e873b9c8f8dfd499cc312882561ade
        cb31f658e934c0c197f2c4d96b05cbad67381e7b768891e4da3843d24d94cdfb5126e9b8bf21e8358ee0e0a30ef13fd6
        a664c0dce3731f7fb49a4845a4fd8254687972a2d382599c9bac4e0ed7998193078913032558134976410b89d2c171d1
        23ac35fd977219597aa7d15c1a9a428e59194f75c721ebcbcfae44696a499afa74e04299f132026601638cb87ab79190
        d4a0986315da8eec6561c938996beadf",
        signatures: &[
            (
                Algorithm::Sha256,
                "sample",
                "eace8bdbbe353c432a795d9ec556c6d021f7a03f42c36e9bc87e4ac7932cc809",
                "7081e175455f9247b812b74583e9e94f9ea79bd640dc962533b0680793a38d53",
            ),
            (
                Algorithm::Sha512,
                "sample",
                "2016ed092dc5fb669b8efb3d1f31a91eecb199879be0cf78f02ba062cb4c942e",
                "d0c76f84b5f091e141572a639a4fb8c230807eea7d55c8a154a224400aff2351",
            ),
        ],
    },
];

fn hashed(algorithm: Algorithm, message: &str) -> Vec<u8> {
    let mut out = vec![0; algorithm.output_bytes()];
    digest(algorithm, message.as_bytes(), &mut out).expect("a digest");
    out
}

fn parameters(vector: &Vector) -> Parameters {
    Parameters::new(&hex(vector.p), &hex(vector.q), &hex(vector.g)).expect("parameters")
}

fn signed(key: &PrivateKey, digest: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.parameters().signature_bytes()];
    assert_eq!(key.sign(digest, &mut signature), Ok(signature.len()));
    signature
}

#[test]
fn vectors_of_rfc_6979() {
    for vector in &VECTORS {
        let parameters = parameters(vector);
        let private = PrivateKey::new(&parameters, &hex(vector.x)).expect("a key");
        assert_eq!(private.public_value(), Ok(hex(vector.y)));
        assert_eq!(private.x().expect("memory").expose(), hex(vector.x));
        let public = PublicKey::new(&parameters, &hex(vector.y)).expect("a key");
        assert_eq!(public.public_value(), Ok(hex(vector.y)));
        for (algorithm, message, r, s) in vector.signatures {
            let digest = hashed(*algorithm, message);
            let signature = [hex(r), hex(s)].concat();
            assert_eq!(public.verify(&digest, &signature), Ok(()), "{algorithm:?}");
            assert_eq!(public.verify(&digest, &signed(&private, &digest)), Ok(()));
            for bit in 0..8 * signature.len() {
                let mut changed = signature.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                if bit % 8 == bit / 8 % 8 {
                    assert_eq!(public.verify(&digest, &changed), Err(Error::Authentication), "{bit}");
                }
            }
        }
    }
}

/// Keys and signatures over SHA-256 of "sample" that OpenSSL made.
#[test]
fn keys_and_signatures_of_openssl() {
    for (name, r, s) in [
        ("dsa-1024", "59fd8e36f9b8b92889572bc7e6d8458f036545c7", "cc7e13b9e9baf15b1ec563f09f0f8670d88e40ee"),
        (
            "dsa-2048",
            "2b0eee1ab0f9c5c01435e97f3eda0d8b966bd0e6e774b5ddc7c665add703dbed",
            "894b92357ed2fc781762f5504be3acf6aa6b04ca0338ad4751d61785d8c26b31",
        ),
    ] {
        let (private_der, public_der) = (file(&format!("{name}.pkcs8.der")), file(&format!("{name}.spki.der")));
        let Ok(PrivateKeyInfo::Dsa { p, q, g, x }) = PrivateKeyInfo::decode(&private_der) else { panic!("{name}") };
        let Ok(PublicKeyInfo::Dsa { y, .. }) = PublicKeyInfo::decode(&public_der) else { panic!("{name}") };
        let parameters = Parameters::new(p, q, g).expect("parameters");
        assert_eq!((parameters.p(), parameters.q(), parameters.g()), (Ok(p.into()), Ok(q.into()), Ok(g.into())));
        let private = PrivateKey::new(&parameters, x).expect("a key");
        let public = PublicKey::new(&parameters, y).expect("a key");
        assert_eq!(private.public_value(), public.public_value());
        let digest = hashed(Algorithm::Sha256, "sample");
        assert_eq!(public.verify(&digest, &[hex(r), hex(s)].concat()), Ok(()), "{name}");
        assert_eq!(public.verify(&digest, &[hex(s), hex(r)].concat()), Err(Error::Authentication));
    }
}

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn generated_parameters_and_keys_work() {
    for (p_bits, q_bits) in [(1024, 160), (2048, 224), (2048, 256)] {
        let generated = Parameters::generate(p_bits, q_bits).expect("parameters");
        let (p, q, g) = (generated.p().expect("p"), generated.q().expect("q"), generated.g().expect("g"));
        assert_eq!((generated.p_bytes(), generated.q_bytes()), (p_bits / 8, q_bits / 8));
        let parameters = Parameters::new(&p, &q, &g).expect("good for an import");
        let private = PrivateKey::generate(&parameters).expect("a key");
        let again = PrivateKey::new(&generated, private.x().expect("memory").expose()).expect("a key");
        assert_eq!(private.public_value(), again.public_value());
        let public = PublicKey::new(&generated, &private.public_value().expect("y")).expect("a key");
        for len in 1..=70 {
            let digest = vec![0xa7; len];
            assert_eq!(public.verify(&digest, &signed(&private, &digest)), Ok(()));
        }
        assert_ne!(private.public_value(), PrivateKey::generate(&parameters).expect("a key").public_value());
    }
    for (p_bits, q_bits) in [(512, 160), (1024, 224), (1024, 256), (2048, 160), (3072, 224), (4096, 256), (0, 0)] {
        let refused = Parameters::generate(p_bits, q_bits).err();
        assert_eq!(refused, Some(Error::Parameter("the sizes of p and q")));
    }
}

#[test]
fn only_the_leftmost_bits_of_a_digest_count() {
    let vector = &VECTORS[0];
    let parameters = parameters(vector);
    let private = PrivateKey::new(&parameters, &hex(vector.x)).expect("a key");
    let public = PublicKey::new(&parameters, &hex(vector.y)).expect("a key");
    let digest = hashed(Algorithm::Sha512, "long");
    let signature = signed(&private, &digest);
    assert_eq!(public.verify(&digest[..20], &signature), Ok(()));
    assert_eq!(public.verify(&digest[..19], &signature), Err(Error::Authentication));
    // A digest longer than q is not less than q only by its value: all ones.
    assert_eq!(public.verify(&[0xff; 20], &signed(&private, &[0xff; 20])), Ok(()));
    assert_eq!(private.sign(&[], &mut [0; 40]), Err(Error::DataLength));
    assert_eq!(public.verify(&[], &signature), Err(Error::DataLength));
    assert_eq!(private.sign(&digest, &mut [0; 39]), Err(Error::OutputTooSmall { needed: 40 }));
    assert_eq!(private.sign(&digest, &mut [0; 41]), Ok(40));
}

#[test]
fn signatures_out_of_range_or_of_another_length_are_refused() {
    let vector = &VECTORS[1];
    let public = PublicKey::new(&parameters(vector), &hex(vector.y)).expect("a key");
    let (algorithm, message, r, s) = &vector.signatures[0];
    let (digest, r, s) = (hashed(*algorithm, message), hex(r), hex(s));
    let (zero, q, ones) = (vec![0; 32], hex(vector.q), vec![0xff; 32]);
    // r + q, where it fits: the same number modulo q.
    for (r, s) in [(&zero, &s), (&r, &zero), (&zero, &zero), (&q, &s), (&r, &q), (&ones, &s), (&r, &ones), (&q, &q)] {
        assert_eq!(public.verify(&digest, &[&r[..], s].concat()), Err(Error::Authentication));
    }
    let signature = [r, s].concat();
    for len in (0..signature.len()).chain([65, 66, 128]) {
        let mut other = signature.clone();
        other.resize(len, 0);
        assert_eq!(public.verify(&digest, &other), Err(Error::Authentication), "{len}");
    }
    assert_eq!(public.verify(&digest, &signature), Ok(()));
}

#[test]
fn values_outside_the_group_are_refused() {
    for vector in &VECTORS {
        let parameters = parameters(vector);
        let (p, q, y) = (hex(vector.p), hex(vector.q), hex(vector.y));
        let refused = Some(Error::KeyValue("a private value outside 1..=q-1"));
        for x in [&[][..], &[0], &[0; 32], &q, &p, &plus(&q, 1)] {
            assert_eq!(PrivateKey::new(&parameters, x).err(), refused);
        }
        for x in [vec![1], minus_one(&q), [&[0; 5][..], &hex(vector.x)].concat()] {
            PrivateKey::new(&parameters, &x).expect("in range");
        }
        let refused = Some(Error::KeyValue("a public value outside the group"));
        // 2 and p - 1 are in range, but of another order.
        for y in [&[][..], &[0], &[1], &[2], &minus_one(&p), &p, &plus(&p, 2), &[&[1][..], &y].concat()] {
            assert_eq!(PublicKey::new(&parameters, y).err(), refused);
        }
        PublicKey::new(&parameters, &[&[0; 3][..], &y].concat()).expect("leading zeros do not matter");
    }
}

#[test]
fn bad_parameters_are_refused() {
    let (small, large) = (&VECTORS[0], &VECTORS[1]);
    let (p, q, g) = (hex(large.p), hex(large.q), hex(large.g));
    let new = |p: &[u8], q: &[u8], g: &[u8]| Parameters::new(p, q, g).map(|_| ());
    assert_eq!(new(&p, &q, &g), Ok(()));
    let not_prime = Err(Error::KeyValue("p or q is not prime"));
    assert_eq!(new(&plus(&p, 2), &q, &g), not_prime);
    assert_eq!(new(&plus(&p, 1), &q, &g), not_prime);
    assert_eq!(new(&p, &plus(&q, 2), &g), not_prime);
    assert_eq!(new(&p, &plus(&q, 1), &g), not_prime);
    let (p_1, q_1) = (hex(small.p), hex(small.q));
    // Sizes that do not go together, or that no standard has.
    for (p, q) in [(&p_1, &q), (&p, &q_1), (&p_1, &p_1), (&q, &q), (&p[..128].to_vec(), &q)] {
        assert!(matches!(new(p, q, &[2]), Err(Error::KeyLength { .. })));
    }
    assert!(matches!(new(&[], &[], &[]), Err(Error::KeyLength { .. })));
    assert!(matches!(new(&[0xff; 5000], &q, &g), Err(Error::KeyLength { .. })));
    for g in [&[][..], &[0], &[1], &p, &plus(&p, 1)] {
        assert_eq!(new(&p, &q, g), Err(Error::KeyValue("a generator outside 2..=p-1")));
    }
    for g in [vec![2], minus_one(&p), plus(&g, 1)] {
        assert_eq!(new(&p, &q, &g), Err(Error::KeyValue("q is not the order of g")));
    }
    // A prime of the right size, from another group.
    let der = file("dsa-2048.pkcs8.der");
    let Ok(PrivateKeyInfo::Dsa { q: other, .. }) = PrivateKeyInfo::decode(&der) else { panic!("not read") };
    assert_eq!(new(&p, other, &g), Err(Error::KeyValue("q does not divide p - 1")));
}

#[test]
fn one_key_serves_many_threads() {
    let vector = &VECTORS[1];
    let parameters = parameters(vector);
    let private = PrivateKey::new(&parameters, &hex(vector.x)).expect("a key");
    let public = PublicKey::new(&parameters, &hex(vector.y)).expect("a key");
    std::thread::scope(|scope| {
        for thread in 1..=8 {
            let (private, public) = (&private, &public);
            scope.spawn(move || {
                for round in 0..25 {
                    let digest = [thread, round];
                    assert_eq!(public.verify(&digest, &signed(private, &digest)), Ok(()));
                }
            });
        }
    });
}

#[test]
fn secrets_are_not_shown() {
    let vector = &VECTORS[0];
    let parameters = parameters(vector);
    let private = PrivateKey::new(&parameters, &hex(vector.x)).expect("a key");
    let public = PublicKey::new(&parameters, &hex(vector.y)).expect("a key");
    assert_eq!(format!("{private:?}"), "dsa::PrivateKey(dsa::Parameters(1024 and 160 bits))");
    assert_eq!(format!("{public:?}"), "dsa::PublicKey(dsa::Parameters(1024 and 160 bits))");
}

/// A big-endian number and a little more; it must not overflow its last byte by much.
fn plus(number: &[u8], small: u8) -> Vec<u8> {
    let mut sum = number.to_vec();
    let mut carry = u16::from(small);
    for byte in sum.iter_mut().rev() {
        carry += u16::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    sum
}

/// An odd number less one.
fn minus_one(number: &[u8]) -> Vec<u8> {
    let mut less = number.to_vec();
    *less.last_mut().expect("a number") -= 1;
    less
}
