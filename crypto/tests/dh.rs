//! Diffie-Hellman: a vector of RFC 5114, keys and secrets of OpenSSL, the known groups, and what must be refused.

mod common;

use std::path::PathBuf;

use common::hex;
use strongroom_crypto::Error;
use strongroom_crypto::dh::{KnownGroup, Parameters, PrivateKey};
use strongroom_crypto::encoding::{PrivateKeyInfo, PublicKeyInfo};

const OUTSIDE: Error = Error::KeyValue("a public value outside the group");

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The 2048-bit group with a 256-bit subgroup of RFC 5114 §2.3, which a file of OpenSSL carries: p, q and g.
fn subgroup() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let der = file("dhx-2048-256.pkcs8.der");
    let Ok(PrivateKeyInfo::X942Dh { p, q, g, .. }) = PrivateKeyInfo::decode(&der) else { panic!("not read") };
    (p.to_vec(), q.to_vec(), g.to_vec())
}

/// RFC 5114 appendix A.3.
#[test]
fn vector_of_rfc_5114() {
    let (p, q, g) = subgroup();
    let parameters = Parameters::new(&p, &g, Some(&q)).expect("parameters");
    let (x_a, x_b) = (
        hex("0881382cdb87660c6dc13e614938d5b9c8b2f248581cc5e31b35454397fce50e"),
        hex("7d62a7e3ef36de617b13d1afb82c780d83a23bd4ee6705645121f371f546a53d"),
    );
    let y_a = hex("
        2e9380c8323af97545bc4941deb0ec3742c62fe0ece824a6abdbe66c59bee0242911bfb967235ceba35ae13e4ec752be
        630b92dc4bde2847a9c62cb8152745421fb7eb60a63c0fe9159fcce726ce7cd8523d7450667ef840e4919121eb5f01c8
        c9b0d3d648a93bfb75689e8244ac134af544711ce79a02dcc34226684780dddcb498594106c37f5bc79856487af5ab02
        2a2e5e42f09897c1a85a11ea0212af04d9b4cebc937c3c1a3e15a8a0342e337615c84e7fe3b8b9b87fb1e73a15af12a3
        0d746e06dfc34f290d797ce51aa13aa785bf6658aff5e4b093003cbeaf665b3c2e113a3a4e905269341dc0711426685f
        4ef37e868a8126ff3f2279b57ca67e29");
    let y_b = hex("
        575f0351bd2b1b817448bdf87a6c362c1e289d3903a30b9832c5741fa250363e7acbc7f77f3dacbc1f131add8e03367e
        ff8fbbb3e1c5784424809b25afe4d2262a1a6fd2fab64105ca30a674e07f7809852088632fc049233791ad4edd083a97
        8b883ee618bc5e0dd047415f2d95e683cf14826b5fbe10d3ce41c6c120c78ab20008c698bf7f0bcab9d7f407bed0f43a
        fb2970f57f8d12043963e66ddd320d599ad9936c8f44137c08b180ec5e985cebe186f3d549677e80607331ee17af3380
        a725b0782317d7dd43f59d7af9568a9bb63a84d365f92244ed120988219302f42924c7ca90b89d24f71b0ab697823d7d
        eb1aff5b0e8e4a45d49f7f53757e1913");
    let z = hex("
        86c70bf8d0bb81bb01078a17219cb7d27203db2a19c877f1d1f19fd7d77ef22546a68f005ad52dc84553b78fc60330be
        51ea7c0672cac1515e4b35c047b9a551b88f39dc26da14a09ef74774d47c762dd177f9ed5bc2f11e52c879bd95098504
        cd9eecd8a8f9b3efbd1f008ac5853097d9d1837f2b18f77cd7be01af80a7c7b5ea3ca54cc02d0c116fee3f95bb873993
        85875d7e86747e676e728938acbff7098e05be4dcfb24052b83aeffb14783f029adbde7f53fae92084224090e007cee9
        4d4bf2bace9ffd4b57d2af7c724d0caa19bf0501f6f17b4aa10f425e3ea76080b4b9d6b3cefea115b2ceb8789bb8a3b0
        ea87febe63b6c8f846ec6db0c26c5d7c");
    let (a, b) =
        (PrivateKey::new(&parameters, &x_a).expect("a key"), PrivateKey::new(&parameters, &x_b).expect("a key"));
    assert_eq!((a.public_value(), b.public_value()), (Ok(y_a.clone()), Ok(y_b.clone())));
    assert_eq!((a.agree(&y_b).expect("agreed").expose(), b.agree(&y_a).expect("agreed").expose()), (&z[..], &z[..]));
    assert_eq!(a.agree(&[&[0; 9][..], &y_b].concat()).expect("leading zeros do not matter").expose(), z);
    // The private value that is kept has no leading zeros.
    assert_eq!(
        PrivateKey::new(&parameters, &[&[0; 4][..], &x_b].concat()).expect("a key").x().expect("x").expose(),
        x_b
    );
}

#[test]
fn keys_and_secrets_of_openssl() {
    for (name, known) in [("dh-ffdhe2048", true), ("dh-modp2048", true), ("dhx-2048-256", false)] {
        let (private, public) = (file(&format!("{name}.pkcs8.der")), file(&format!("{name}.spki.der")));
        let (peer, secret) = (file(&format!("{name}-peer.spki.der")), file(&format!("{name}.secret")));
        let (p, g, q, x) = match PrivateKeyInfo::decode(&private) {
            Ok(PrivateKeyInfo::Dh { p, g, x }) => (p, g, None, x),
            Ok(PrivateKeyInfo::X942Dh { p, q, g, x }) => (p, g, Some(q), x),
            other => panic!("{name}: {other:?}"),
        };
        let public_value = |der| match PublicKeyInfo::decode(der) {
            Ok(PublicKeyInfo::Dh { y, .. } | PublicKeyInfo::X942Dh { y, .. }) => {
                [vec![0; 256 - y.len()], y.to_vec()].concat()
            }
            other => panic!("{name}: {other:?}"),
        };
        let parameters = Parameters::new(p, g, q).expect("parameters");
        let key = PrivateKey::new(&parameters, x).expect("a key");
        assert_eq!(key.public_value(), Ok(public_value(&public)), "{name}");
        assert_eq!(key.agree(&public_value(&peer)).expect("agreed").expose(), secret, "{name}");
        assert_eq!(parameters.check_public_value(&public_value(&peer)), Ok(()));
        assert_eq!(parameters.q().expect("memory").map(|q| q.len()), Some(if known { 256 } else { 32 }));
    }
}

#[test]
fn known_groups_are_recognised_and_agree() {
    // RFC 7919 appendix A: the length of private values.
    let bits_of = |bits| match bits {
        1536 | 2048 => 225,
        3072 => 275,
        4096 => 325,
        6144 => 375,
        _ => 400,
    };
    for group in KnownGroup::ALL {
        let prime = group.prime().expect("memory");
        assert_eq!(prime.len(), group.bits() / 8);
        // Both families begin and end with 64 ones.
        assert!(prime[..8] == [0xff; 8] && prime[prime.len() - 8..] == [0xff; 8], "{group:?}");
        let parameters = Parameters::new(&prime, &[2], None).expect("recognised, without a test for primes");
        assert_eq!((parameters.p(), parameters.g()), (Ok(prime.clone()), Ok(vec![2])));
        assert_eq!(parameters.q(), Ok(Some(half(&prime))));
        let (a, b) = (PrivateKey::generate(&parameters, None), PrivateKey::generate(&parameters, None));
        let (a, b) = (a.expect("a key"), b.expect("a key"));
        let (y_a, y_b) = (a.public_value().expect("memory"), b.public_value().expect("memory"));
        assert_eq!(y_a.len(), prime.len());
        assert_ne!(y_a, y_b);
        assert_eq!(bits(a.x().expect("x").expose()), bits_of(group.bits()));
        let agreed = a.agree(&y_b).expect("agreed");
        assert!(agreed.ct_eq(b.agree(&y_a).expect("agreed").expose()) && agreed.len() == prime.len());
        if group.bits() <= 4096 {
            assert_eq!(parameters.check_public_value(&y_a), Ok(()));
        }
    }
}

#[test]
fn private_values_have_the_length_asked_for() {
    let parameters = Parameters::of(KnownGroup::Ffdhe2048).expect("a group");
    for length in [224, 225, 256, 257, 512, 1023, 2047] {
        let x = PrivateKey::generate(&parameters, Some(length)).expect("a key").x().expect("x");
        assert_eq!(bits(x.expose()), length);
    }
    let (p, q, g) = subgroup();
    let small = Parameters::known(&p, &g, Some(&q)).expect("a group");
    for length in [224, 255, 256] {
        let x = PrivateKey::generate(&small, Some(length)).expect("a key").x().expect("x");
        assert!(bits(x.expose()) == length && (x.len() < q.len() || x.expose() < &q[..]));
    }
    for _ in 0..50 {
        let x = PrivateKey::generate(&small, None).expect("a key").x().expect("x");
        assert!(x.len() == 32 && x.expose() < &q[..] && x.expose().iter().any(|byte| *byte != 0));
    }
    let refused = Some(Error::Parameter("the length of the private value"));
    for (parameters, length) in
        [(&parameters, 0), (&parameters, 223), (&parameters, 2048), (&small, 257), (&small, 160)]
    {
        assert_eq!(PrivateKey::generate(parameters, Some(length)).err(), refused);
    }
}

#[test]
fn agreed_values_keep_their_leading_zeros() {
    let parameters = Parameters::of(KnownGroup::Modp2048).expect("a group");
    let key = PrivateKey::new(&parameters, &[0x5a; 32]).expect("a key");
    let mut short = 0;
    for x in 2..=1000u16 {
        let peer = PrivateKey::new(&parameters, &x.to_be_bytes()).expect("a key").public_value().expect("memory");
        let agreed = key.agree(&peer).expect("agreed");
        assert_eq!(agreed.len(), 256);
        short += usize::from(agreed.expose()[0] == 0);
    }
    assert!((1..20).contains(&short), "{short}");
}

#[test]
fn public_values_out_of_range_are_refused() {
    let (p, q, g) = subgroup();
    let ffdhe = KnownGroup::Ffdhe2048.prime().expect("memory");
    for (prime, parameters) in [
        (&ffdhe, Parameters::of(KnownGroup::Ffdhe2048).expect("a group")),
        (&p, Parameters::known(&p, &g, Some(&q)).expect("a group")),
        (&p, Parameters::known(&p, &g, None).expect("a group")),
    ] {
        let key = PrivateKey::generate(&parameters, None).expect("a key");
        let longer = [&[1][..], prime].concat();
        for value in [&[][..], &[0], &[1], &[0; 256], &minus(prime, 1), prime, &[0xff; 256], &longer, &[0xff; 9000]] {
            assert_eq!(key.agree(value).err(), Some(OUTSIDE), "{:?}", value.len());
            assert_eq!(parameters.check_public_value(value), Err(OUTSIDE));
        }
    }
}

/// In a small subgroup a value of another order is refused. In a safe group the only other orders are 2 and that of
/// the whole group, which tells no more than one bit; the whole check finds it all the same.
#[test]
fn public_values_of_another_order_are_refused_where_they_matter() {
    let (p, q, g) = subgroup();
    let small = Parameters::known(&p, &g, Some(&q)).expect("a group");
    let key = PrivateKey::generate(&small, None).expect("a key");
    let good = PrivateKey::generate(&small, None).expect("a key").public_value().expect("memory");
    for value in [vec![2], vec![3], minus(&p, 2), subtract(&p, &good)] {
        assert_eq!(key.agree(&value).err(), Some(OUTSIDE));
        assert_eq!(small.check_public_value(&value), Err(OUTSIDE));
    }
    assert_eq!((key.agree(&good).is_ok(), small.check_public_value(&good)), (true, Ok(())));

    let safe = Parameters::of(KnownGroup::Ffdhe2048).expect("a group");
    let key = PrivateKey::generate(&safe, None).expect("a key");
    let good = key.public_value().expect("memory");
    // -1 is no square, so this is of twice the order.
    let other = subtract(&safe.p().expect("memory"), &good);
    assert!(key.agree(&other).is_ok());
    assert_eq!((safe.check_public_value(&good), safe.check_public_value(&other)), (Ok(()), Err(OUTSIDE)));
}

#[test]
fn private_values_outside_the_group_are_refused() {
    let (p, q, g) = subgroup();
    let small = Parameters::known(&p, &g, Some(&q)).expect("a group");
    let safe = Parameters::of(KnownGroup::Modp2048).expect("a group");
    let prime = safe.p().expect("memory");
    let refused = Some(Error::KeyValue("a private value outside the group"));
    for (parameters, x) in [
        (&small, vec![]),
        (&small, vec![0; 32]),
        (&small, q.clone()),
        (&small, p.clone()),
        (&safe, vec![0]),
        (&safe, minus(&prime, 1)),
        (&safe, prime.clone()),
        (&safe, vec![0xff; 300]),
    ] {
        assert_eq!(PrivateKey::new(parameters, &x).err(), refused);
    }
    for (parameters, x) in [(&small, minus(&q, 1)), (&safe, minus(&prime, 2)), (&safe, vec![1]), (&small, vec![5])] {
        let key = PrivateKey::new(parameters, &x).expect("in range");
        assert_eq!(key.x().expect("x").expose(), x);
    }
}

#[test]
fn groups_of_others_are_tested() {
    let (p, q, g) = subgroup();
    let new = |p: &[u8], g: &[u8], q: Option<&[u8]>| Parameters::new(p, g, q).map(|_| ());
    assert_eq!(new(&p, &g, Some(&q)), Ok(()));
    assert_eq!(new(&[&[0; 7][..], &p].concat(), &g, Some(&q)), Ok(()));
    assert_eq!(new(&minus(&p, 2), &g, Some(&q)), Err(Error::KeyValue("p is not prime")));
    assert_eq!(new(&minus(&p, 1), &g, Some(&q)), Err(Error::KeyValue("p is not prime")));
    assert_eq!(new(&p, &g, Some(&minus(&q, 2))), Err(Error::KeyValue("q is not prime")));
    assert_eq!(new(&p, &[2], Some(&q)), Err(Error::KeyValue("q is not the order of g")));
    for g in [&[][..], &[0], &[1], &minus(&p, 1), &p] {
        assert!(matches!(new(&p, g, Some(&q)), Err(Error::KeyValue(_))));
        assert!(matches!(new(&p, g, None), Err(Error::KeyValue(_))));
    }
    for order in [&[][..], &[3], &minus(&q, 1), &p, &[0xff; 300]] {
        assert!(matches!(new(&p, &g, Some(order)), Err(Error::KeyValue(_))));
    }
    let ffdhe = KnownGroup::Ffdhe2048.prime().expect("memory");
    assert_eq!(new(&ffdhe, &[2], Some(&half(&ffdhe))), Ok(()));
    assert_eq!(new(&ffdhe, &[2], Some(&q)), Err(Error::KeyValue("q does not divide p - 1")));
    for prime in [&[][..], &[23], &[0xff; 127], &[0xff; 1025], &[0xff; 100_000]] {
        assert!(matches!(new(prime, &[2], None), Err(Error::KeyLength { .. })));
    }
    // A group of unknown order is taken; private values are then as long as the prime.
    let unknown = Parameters::new(&p, &g, None).expect("a group");
    assert_eq!(unknown.q(), Ok(None));
    let x = PrivateKey::generate(&unknown, None).expect("a key").x().expect("x");
    assert_eq!(bits(x.expose()), 2047);
}

/// The library makes a safe prime; of 1024 bits, to be done soon.
#[test]
fn generated_groups_are_safe() {
    let generated = Parameters::generate(1024).expect("a group");
    let (p, g, q) = (generated.p().expect("p"), generated.g().expect("g"), generated.q().expect("q"));
    assert_eq!((p.len(), &g[..], q.as_ref()), (128, &[4][..], Some(&half(&p))));
    // From the prime alone, as a PKCS#3 file has it, the order is found again.
    let imported = Parameters::new(&p, &g, None).expect("a group");
    assert_eq!(imported.q(), Ok(q));
    let (a, b) = (PrivateKey::generate(&generated, None), PrivateKey::generate(&imported, Some(160)));
    let (a, b) = (a.expect("a key"), b.expect("a key"));
    let (y_a, y_b) = (a.public_value().expect("memory"), b.public_value().expect("memory"));
    assert!(a.agree(&y_b).expect("agreed").ct_eq(b.agree(&y_a).expect("agreed").expose()));
    assert_eq!(imported.check_public_value(&y_a), Ok(()));
    for bits in [0, 512, 1000, 1025, 4160, usize::MAX] {
        assert_eq!(Parameters::generate(bits).err(), Some(Error::Parameter("the size of the prime")));
    }
}

#[test]
fn one_key_serves_many_threads() {
    let parameters = Parameters::of(KnownGroup::Ffdhe2048).expect("a group");
    let key = PrivateKey::generate(&parameters, None).expect("a key");
    let public = key.public_value().expect("memory");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (key, public, parameters) = (&key, &public, &parameters);
            scope.spawn(move || {
                for _ in 0..10 {
                    let peer = PrivateKey::generate(parameters, None).expect("a key");
                    let agreed = key.agree(&peer.public_value().expect("memory")).expect("agreed");
                    assert!(agreed.ct_eq(peer.agree(public).expect("agreed").expose()));
                }
            });
        }
    });
}

#[test]
fn secrets_are_not_shown() {
    let parameters = Parameters::of(KnownGroup::Ffdhe3072).expect("a group");
    let key = PrivateKey::new(&parameters, &[77]).expect("a key");
    assert_eq!(format!("{key:?}"), "dh::PrivateKey(dh::Parameters(3072 bits))");
}

/// Bits of a big-endian number without leading zeros.
fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| 8 * number.len() - first.leading_zeros() as usize)
}

/// Half of an odd number, less a half.
fn half(number: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let halves = number.iter().map(|byte| std::mem::replace(&mut carry, byte << 7) | byte >> 1);
    halves.skip_while(|byte| *byte == 0).collect()
}

fn minus(number: &[u8], small: u8) -> Vec<u8> {
    subtract(number, &[small])
}

/// The larger number less the smaller.
fn subtract(larger: &[u8], smaller: &[u8]) -> Vec<u8> {
    let mut rest = larger.to_vec();
    let mut borrow = 0;
    for (index, byte) in rest.iter_mut().rev().enumerate() {
        let take = smaller.iter().rev().nth(index).copied().unwrap_or(0);
        let (less, first) = byte.overflowing_sub(take);
        let (less, second) = less.overflowing_sub(borrow);
        (*byte, borrow) = (less, u8::from(first || second));
    }
    assert_eq!(borrow, 0);
    rest
}
