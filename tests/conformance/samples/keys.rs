//! A key of every type: pairs that take long to generate come from numbers that never change.

use cryptoki_sys::*;

use super::{KEY_TYPES, Sample, Use, samples, usable_key};
use crate::module::Outcome;
use crate::parameters::{Mechanism, Parameter, Place, plain};
use crate::session::Session;
use crate::template::{Entry, bytes, flag, key_template, number, with};
use crate::vectors::hex;

/// Every type of key pair of the token.
pub(crate) const PAIR_TYPES: &[CK_KEY_TYPE] = &[
    CKK_RSA,
    CKK_EC,
    CKK_EC_EDWARDS,
    CKK_EC_MONTGOMERY,
    CKK_DSA,
    CKK_DH,
    CKK_X9_42_DH,
    CKK_ML_KEM,
    CKK_ML_DSA,
    CKK_SLH_DSA,
];

/// A session with one key of every type and class.
pub(crate) struct Bench {
    pub(crate) session: Session,
    pub(crate) keys: Vec<BenchKey>,
    /// A key that may be wrapped.
    pub(crate) target: CK_OBJECT_HANDLE,
}

/// A key and what it is.
pub(crate) struct BenchKey {
    pub(crate) class: CK_OBJECT_CLASS,
    pub(crate) key_type: CK_KEY_TYPE,
    pub(crate) handle: CK_OBJECT_HANDLE,
}

/// The value of the key that may be wrapped.
pub(crate) const TARGET_VALUE: [u8; 16] = *b"a key to wrap...";

impl Bench {
    pub(crate) fn new(session: Session) -> Bench {
        let bench = Bench::under_policy(session);
        let missing = bench.keys.iter().find(|key| key.handle == 0);
        assert!(missing.is_none(), "a key of type 0x{:x}", missing.map_or(0, |key| key.key_type));
        bench
    }

    /// Keys that the token's policy refuses have no handle: they are for what it leaves out, where nobody looks at a
    /// key.
    pub(crate) fn under_policy(session: Session) -> Bench {
        let open = [flag(CKA_EXTRACTABLE, true), flag(CKA_SENSITIVE, false)];
        let target = session.create(&with(&key_template(CKK_AES, &TARGET_VALUE), &open)).unwrap();
        let secrets = KEY_TYPES.iter().map(|key_type| (CKO_SECRET_KEY, *key_type));
        let pairs = PAIR_TYPES.iter().flat_map(|key_type| [(CKO_PUBLIC_KEY, *key_type), (CKO_PRIVATE_KEY, *key_type)]);
        let mut keys: Vec<BenchKey> = Vec::new();
        for (class, key_type) in secrets.chain(pairs) {
            // Both halves are of one pair.
            if keys.iter().any(|key| key.key_type == key_type) {
                continue;
            }
            match class {
                CKO_SECRET_KEY => {
                    let handle = session.create(&bench_secret(key_type)).unwrap_or_default();
                    keys.push(BenchKey { class, key_type, handle });
                }
                _ => {
                    let (public, private) = new_pair(session, key_type, &[], &[]).unwrap_or_default();
                    keys.push(BenchKey { class: CKO_PUBLIC_KEY, key_type, handle: public });
                    keys.push(BenchKey { class: CKO_PRIVATE_KEY, key_type, handle: private });
                }
            }
        }
        Bench { session, keys, target }
    }

    /// The key of this class and type.
    pub(crate) fn key(&self, class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE) -> CK_OBJECT_HANDLE {
        let found = self.keys.iter().find(|key| key.class == class && key.key_type == key_type);
        found.map(|key| key.handle).unwrap_or_else(|| panic!("a key of type 0x{key_type:x}"))
    }

    /// A key for this use of a mechanism; none where it takes none.
    pub(crate) fn key_for(&self, sample: &Sample, work: Use) -> CK_OBJECT_HANDLE {
        match sample.keys {
            [key_type, ..] if work.usage().is_some() => self.key(work.class_of(*key_type), *key_type),
            _ => 0,
        }
    }

    /// The mechanism with a good parameter for this use, its first type of key and 16 bytes of data.
    pub(crate) fn mechanism(&self, sample: &Sample, work: Use) -> Mechanism {
        self.mechanism_for(sample, work, sample.keys.first().copied().unwrap_or_default())
    }

    /// The mechanism with a good parameter for this use, a type of key and 16 bytes of data.
    pub(crate) fn mechanism_for(&self, sample: &Sample, work: Use, key_type: CK_KEY_TYPE) -> Mechanism {
        let mechanism = match sample.kind {
            super::Kind::Derive { parameter, .. } => Mechanism { id: sample.id, parameter: parameter(self, key_type) },
            _ => sample.mechanism(16),
        };
        // The parameter of an authenticated wrap is that of a message (§5.18.6).
        match work {
            Use::WrapAuthenticated | Use::UnwrapAuthenticated => {
                Mechanism { parameter: of_message(mechanism.parameter), ..mechanism }
            }
            _ => mechanism,
        }
    }
}

/// The parameter of a message with the same values.
fn of_message(parameter: Parameter) -> Parameter {
    let (fixed_bits, generator) = (0, CKG_NO_GENERATE);
    match parameter {
        Parameter::Gcm { iv, .. } => {
            Parameter::GcmMessage { iv: Place::of(&iv), fixed_bits, generator, tag: Place::of(&[0; 16]) }
        }
        Parameter::Ccm { nonce, data_len, .. } => {
            let (nonce, mac) = (Place::of(&nonce), Place::of(&[0; 16]));
            Parameter::CcmMessage { data_len, nonce, fixed_bits, generator, mac }
        }
        Parameter::Poly1305 { nonce, .. } => {
            Parameter::Poly1305Message { nonce: Place::of(&nonce), tag: Place::of(&[0; 16]) }
        }
        other => other,
    }
}

/// Generic secrets are as long as the master secret of TLS.
fn bench_secret(key_type: CK_KEY_TYPE) -> Vec<Entry> {
    let template = with(&usable_key(key_type, 0), &may_all(CKO_SECRET_KEY, key_type));
    match key_type {
        CKK_GENERIC_SECRET => with(&template, &[bytes(CKA_VALUE, [0x48; 48])]),
        _ => template,
    }
}

/// What a template says of a key that may do whatever a mechanism can do with it, and is no secret.
fn may_all(class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE) -> Vec<Entry> {
    let takes = |sample: &&'static Sample| sample.keys.contains(&key_type);
    let uses = samples().filter(takes).flat_map(Sample::uses).filter(|work| work.class_of(key_type) == class);
    let mut usages: Vec<_> = uses.filter_map(Use::usage).collect();
    usages.sort_unstable();
    usages.dedup();
    let open = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    let open = if class == CKO_PUBLIC_KEY { &[][..] } else { &open };
    with(&usages.into_iter().map(|usage| flag(usage, true)).collect::<Vec<_>>(), open)
}

/// A new session key of this class and type, with more attributes.
pub(crate) fn new_key(
    session: Session,
    class: CK_OBJECT_CLASS,
    key_type: CK_KEY_TYPE,
    more: &[Entry],
) -> Outcome<CK_OBJECT_HANDLE> {
    match class {
        CKO_SECRET_KEY => session.create(&with(&bench_secret(key_type), more)),
        CKO_PUBLIC_KEY => {
            let (public, private) = new_pair(session, key_type, more, &[])?;
            session.destroy(private).map(|()| public)
        }
        _ => {
            let (public, private) = new_pair(session, key_type, &[], more)?;
            session.destroy(public).map(|()| private)
        }
    }
}

/// A pair of this type: its public and its private key.
fn new_pair(
    session: Session,
    key_type: CK_KEY_TYPE,
    public: &[Entry],
    private: &[Entry],
) -> Outcome<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
    let public = &with(&may_all(CKO_PUBLIC_KEY, key_type), public);
    let private = &with(&may_all(CKO_PRIVATE_KEY, key_type), private);
    if let Some((public_values, private_values)) = numbers_of(key_type) {
        let template = |class, values: &[Entry], more: &[Entry]| {
            let kind = [number(CKA_CLASS, class), number(CKA_KEY_TYPE, key_type)];
            with(&with(&kind, values), more)
        };
        let public = session.create(&template(CKO_PUBLIC_KEY, &public_values, public))?;
        return Ok((public, session.create(&template(CKO_PRIVATE_KEY, &private_values, private))?));
    }
    let (mechanism, given) = super::pairs::generation(key_type);
    session.generate_pair(&plain(mechanism), &with(&[given], public), private)
}

/// The attributes of a pair that is imported.
fn numbers_of(key_type: CK_KEY_TYPE) -> Option<(Vec<Entry>, Vec<Entry>)> {
    let big = |attribute, number: &str| bytes(attribute, hex(number));
    let group = || vec![big(CKA_PRIME, DSA_P), big(CKA_SUBPRIME, DSA_Q), big(CKA_BASE, DSA_G)];
    let (numbers, public, private) = match key_type {
        CKK_RSA => {
            let private = [
                (CKA_PRIVATE_EXPONENT, RSA_D),
                (CKA_PRIME_1, RSA_P),
                (CKA_PRIME_2, RSA_Q),
                (CKA_EXPONENT_1, RSA_DP),
                (CKA_EXPONENT_2, RSA_DQ),
                (CKA_COEFFICIENT, RSA_QI),
            ];
            let numbers = vec![big(CKA_MODULUS, RSA_N), bytes(CKA_PUBLIC_EXPONENT, [1, 0, 1])];
            (numbers, vec![], private.map(|(attribute, number)| big(attribute, number)).to_vec())
        }
        CKK_DSA | CKK_X9_42_DH => (group(), vec![big(CKA_VALUE, DSA_Y)], vec![big(CKA_VALUE, DSA_X)]),
        CKK_DH => {
            let numbers = vec![big(CKA_PRIME, DH_P), bytes(CKA_BASE, [2])];
            (numbers, vec![big(CKA_VALUE, DH_Y)], vec![big(CKA_VALUE, DH_X)])
        }
        // A curve that not every policy generates pairs on.
        CKK_EC_MONTGOMERY => (
            vec![bytes(CKA_EC_PARAMS, X25519)],
            vec![bytes(CKA_EC_POINT, [&[4, 32][..], &hex(X25519_POINT)].concat())],
            vec![big(CKA_VALUE, X25519_SCALAR)],
        ),
        _ => return None,
    };
    Some((with(&numbers, &public), with(&numbers, &private)))
}

/// The domain parameters of a group with a subgroup.
pub(super) fn group() -> Vec<Entry> {
    numbers_of(CKK_DSA)
        .into_iter()
        .flat_map(|(public, _)| public)
        .filter(|entry| entry.attribute != CKA_VALUE)
        .collect()
}

/// The domain parameters of a group without one.
pub(super) fn plain_group() -> Vec<Entry> {
    numbers_of(CKK_DH).into_iter().flat_map(|(public, _)| public).filter(|entry| entry.attribute != CKA_VALUE).collect()
}

/// `CKA_EC_PARAMS` of X25519, and a pair on it.
pub(super) const X25519: [u8; 5] = [6, 3, 0x2b, 0x65, 0x6e];
const X25519_SCALAR: &str = "78b2bcce986bdbd2990eb15f4252688ec87059473bbe5178182306d49ea89644";
const X25519_POINT: &str = "588203141f2b5d6b4624add7641acac4af4506d111924caeadc8878e2dd0c053";
/// A pair of 2048 bits, with the exponent 65537.
const RSA_N: &str = "\
    d2d4f2feabd81b50125ca9a5213ce5964ca799a512f13ec6151ab407e3e12df2c97ce43e6b78598ef0a6c0710d6604c368d7\
    052447a365776a9c930a4726d5376eef0144482e38155cc4c59966b7212c31d45872a393cb7102e3e9ecfa3c82cbadd97470\
    7e81b515da9f690fed21bd2583b5a49ca7f0835697965e27089922ed772b5a8cd7fe01f6f24a959dcaa12ddba4768ed9507a\
    771f4ce6b8cabaa3f38faa31abbcbc3251de2f7367d438cb52c98088b639d679b79a201d68c3cd150b582d163d5d4b127cd0\
    99819c308cd9e9b0ea50e6dcbd5d8ed1c3d341785a1a43f9b1be395d0667d10f45a24f982a95281269af42414a113cf002fb\
    c076d35b9811";
const RSA_D: &str = "\
    3e35625bbdc5decd4215c062be8b72ece5c2604602705786e80c4089c1761c72327c9cf6440cb7544372d87ea326f289dc21\
    f1dcf21c66e094ff0d2defafa8231aa3001b2f37200a419cb7f75b04f70f4cc6acb06acebdad235eaf93e2843f4dad06e862\
    1719db9e4eab51bb46cb793d9bfed94af60cb41c354f4389bdf23d890dcb410d1f98121edf4787f497d2faa4e5644439a828\
    4c5c6a1bbd100692fa42d64cae261392294e389ad444e55cb8c776a7591e3663ae065303c534d6e3cee8f94c8ade5f4a3641\
    64c93c9455b5265997f0b286280080131f5f75788d81158c905c66d95163db6d08d93c81cc3826a9720688fdb38b17831636\
    ed0c40e2d8ef";
const RSA_P: &str = "\
    ed14a38cc3f49cb3304fadbbc544462fec4ae5eef91ac2d5f1ae35368624fa45aad2c8b56b85d674a8419933ffafed9fa6ac\
    8a8604413bb898266c1e41edbdcb3d266707126c31abf238113b1befaeb98b68f7bb8dd0e3083ba3137e325da346737795bf\
    8f6278e86a120175ebff4df2bcc3ff68e195630c1f8e2ebfa2d7588b";
const RSA_Q: &str = "\
    e3a811bd210de16df8586b6d0592e2ae77479e383d043b7ed3bfb77f36ac76aabe6f79b30fef28d857a5d168db9a0bd8e95b\
    b502f966c7b975236b49435d9c29ee1f7b015dea38452fc4a49d33d6d77d2103148616e5b4ab2d3ebcc7ef69657b76c3e2d3\
    7eaba118f5cfe5fc5f67831cbbe970cb0b1bcc5ba9346da1b0e70953";
const RSA_DP: &str = "\
    b673dfba01444b240bd6061a2fa26f718a23c9f8b374c8e4e56df03dd9d6b354d2360d88b10afb142438f7b270dfefbba205\
    bf458c18b7e14416adb64b7eaf45adf5d3ec395d528cc588289a98d148623acbb97b79947c6465a106eb63cf744c4fa88472\
    3be2c8b1f48f8ed8359af15e11afb4ebfe4f7d3e633a84f7ae569429";
const RSA_DQ: &str = "\
    d110b2a1a62e521ca499c6a5cb1d9650b437b004637c748ac738e3f1ceaad91b7a617338cee449f54ba07acc3a07a0e3a582\
    539c149f9fc11fe2d40ee6ef9b8f222004dd3f7aee0c138f19c1482eff9be8ea2439f3e32564a1db609097bb89b7b55cb4fc\
    96f254b2506389089830be467007344f32b76797b1aef5132d1b2f03";
const RSA_QI: &str = "\
    6b9604ac085ac59aa80e3c609c466a1cdb1479b29d099038d16b8678aa43d81aa781e3c7e2c4c0134dd3c4c37e36e50b7d9b\
    70b0b8bf6ba98ee4cc7b5f67da05b3896fbbbecf331d3edba3ab899bd1b6600407397289cffb782798667df60d16150daf7a\
    a889a9030636ab9d65cbc8aca734f0f02026068e885e7e00dcd4b858";
/// A group of 2048 bits with a subgroup of 224 bits, and a pair in it.
const DSA_P: &str = "\
    980888db91f5e39aab604d4c4e809f323aa74e50dea1c989131c407882002190e1efb05ebb9b5d91961c244b299632e5571c\
    7df60d685dc503acb95625ffdefcdf92eba37b460efbefa4c9e8e8f7b665eeebe9452a6698df200f4704a690986b59bbb27a\
    1df2acb0661aa83b0ca30ea9cf959363f6401aa1f31e95908f0d0a76009678a5f040ffdbc7744fb624b8351e3ea9d647bfca\
    9904284fcb76d393361ceac5ef46bea34afdc368c038ec0d2baaed5ee8589201b5870dc7b2df2cf7b487ac06736f0b2a102a\
    d03ab7a1c1e8b982f5698fff5b4efd5c47a8e47ac63323f2db4a9df618f8b4fba39590847f5ecb272d6b7f14cadb84479057\
    c6d98566baef";
const DSA_Q: &str = "9e5622445d12e7532c42b96a8b0b7e68121f97740b976d36705025bb";
const DSA_G: &str = "\
    6cdcbd22de956d8db37d825a13c0bc5a194fe9ecb93f7ff9934b9e9be9617ddf2a41f6f872f0d61854b86f828755c527d890\
    7eac3f9164083b6f81bd3259fa2c3ea009fdb893c187957fea24b48ef93c754819e1d8139ac0f6725eb96498e5b912c81c5a\
    3d6464d25590eb369ef072323a80285bc61179db2562f3a86aacae202f660d0b8771f88c119d9776c67649c39ae45369f51f\
    3f580abefa07f51dbf067d238702af5870bf14c9fb7f2483e3b3d1ad11896d5b02b4bfc402f33fbc5e5cf1ebfa4c3150324f\
    db05fc4db4801110553022246dc50c0cf0676790d91e82a75be2d91e39ff5bb6641bcdc8e5f3078878c4140be815910750ed\
    1894681ad7a8";
const DSA_X: &str = "1f12891639b225c3c4c5bfe74b78b551cd4f5ec468a593ca7b95dc27";
const DSA_Y: &str = "\
    5fd242cf3fcc4eb1ccdf2d3fae49071980f78e1d8d2ad93e22ceadea19f9bbc21eb5f5aa01dfbd303e239c81e28098e721ac\
    ec3991a124ce89b4502fe80588b712557afd05aaf1f8bfb92e92dc5982f98f5b2b9d07126bc86e3641f03af3882c5caa8cea\
    5cbfb05a4e6e2820d7ff7329ed63093baf128189ba3df257bf9b12e3e71f64d8a2c2a238e6d3f9267d7fe9abba05818e25cb\
    7ea0ac7e600677e99a7f7cba0a1d06a2e45cb5b9a408dd8dd65f966dd878a723f5ec55431b4c755cd0dfe05da08ee16b11e1\
    0b7e2b08c704b66663b8a41b8a15d6e256ff82ceb51fe891dec2eb731842df60ef308e473b9a39dd4bf7a57df08a881dec98\
    35c4e791caad";
/// The group ffdhe2048 of RFC 7919, and a pair in it.
const DH_P: &str = "\
    ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1d8b9c583ce2d3695a9e13641146433fbcc939dce249b3ef97d2f\
    e363630c75d8f681b202aec4617ad3df1ed5d5fd65612433f51f5f066ed0856365553ded1af3b557135e7f57c935984f0c70\
    e0e68b77e2a689daf3efe8721df158a136ade73530acca4f483a797abc0ab182b324fb61d108a94bb2c8e3fbb96adab760d7\
    f4681d4f42a3de394df4ae56ede76372bb190b07a7c8ee0a6d709e02fce1cdf7e2ecc03404cd28342f619172fe9ce98583ff\
    8e4f1232eef28183c3fe3b1b4c6fad733bb5fcbc2ec22005c58ef1837d1683b2c6f34a26c1b2effa886b423861285c97ffff\
    ffffffffffff";
const DH_X: &str = "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f";
const DH_Y: &str = "\
    15a55c9df49da511a33e417918a228cb72458b59abeba6f63a21597490640b444e9e78ae6f3671228dc5e3f4fc47a596e1fd\
    969a88723e5feaafb14285cdd9a3e3ee075a7d30a56940a93277ae99757dc0999574bf4eb0325778583e9b873cf54771d47d\
    a5889dd3dd9a0cd39fc89879174b137cc9f61560c5861c4371648a41034210e145b605af9c24d95b19ff64f30ecd65103bb0\
    3b8a49af3da22cd32f21fcc1f762cf97ddc3c5570e30d69c103fcc2913ae1a8eaaa4830fa4f55acf1bed866c96fca94d2e93\
    329280ca02269e34e3eb8889e5827779d41413e64dcabd11fc920957e31e8cf26827c7d161be87ba1151d44f56ac5f540148\
    7f79635c23f5";
