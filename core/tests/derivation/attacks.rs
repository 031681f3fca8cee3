//! Ways to a key that must not come out: by short or cut keys that give it away byte by byte, by derivations that show
//! some of it, by wrapping and unwrapping that answer questions about it.

use cryptoki_sys::*;
use strongroom_core::attribute::Flag;
use strongroom_core::mechanism::{
    Call, CounterFormat, Hkdf, Ike, Kdf108Field, Kdf108Parameter, Parameter, TlsRandom, find,
};
use strongroom_core::policy::Policy;
use strongroom_core::session::{Message, MessageKind, Output};

use crate::fixture::*;

const SECRET: &[u8; 16] = b"it must stay in.";
const RANDOM: TlsRandom<'static> = TlsRandom { client: &[1; 32], server: &[2; 32] };

fn closed() -> [Entry; 2] {
    [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)]
}

fn call(mechanism: u64, parameter: Parameter<'_>) -> Call<'_> {
    Call { mechanism: find(mechanism).unwrap(), parameter }
}

fn hkdf() -> Parameter<'static> {
    Parameter::Hkdf(Hkdf {
        extract: true,
        expand: true,
        hash: CKM_SHA256,
        salt_type: CKF_HKDF_SALT_NULL,
        salt: &[],
        salt_key: 0,
        info: b"app",
    })
}

/// A check value or a MAC tells a short key by trial.
#[test]
fn short_keys_do_not_come_of_a_confidential_one() {
    let token = token();
    let key = token.secret(CKK_GENERIC_SECRET, SECRET, &closed());
    let parameters = [(CKM_HKDF_DERIVE, hkdf()), (CKM_SHA256_KEY_DERIVATION, Parameter::None)];
    for (mechanism, parameter) in parameters {
        for bytes in [1, 15] {
            let asked = [number(CKA_VALUE_LEN, bytes)];
            assert_eq!(token.refusal(mechanism, parameter.clone(), key, &asked), CKR_KEY_SIZE_RANGE, "{mechanism:#x}");
        }
        let whole = [number(CKA_VALUE_LEN, 16)];
        assert_eq!(token.refusal(mechanism, parameter, key, &whole), CKR_OK, "{mechanism:#x}");
    }
    let open = token.generic(SECRET);
    assert_eq!(token.derived(CKM_HKDF_DERIVE, hkdf(), open, &[number(CKA_VALUE_LEN, 1)]).len(), 1);
}

/// The derivations that put the bytes of a key into another as they are, with what they take.
fn telling(other: u64) -> [(u64, Parameter<'static>); 5] {
    [
        (CKM_CONCATENATE_BASE_AND_KEY, Parameter::Key(other)),
        (CKM_CONCATENATE_BASE_AND_DATA, Parameter::Bytes(&[1; 3])),
        (CKM_CONCATENATE_DATA_AND_BASE, Parameter::Bytes(&[1; 3])),
        (CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&[1; 16])),
        (CKM_EXTRACT_KEY_FROM_KEY, Parameter::Extract(0)),
    ]
}

/// They tell it: cut short, beside known bytes, or in a cipher that is weak with such keys.
#[test]
fn the_bytes_of_a_confidential_key_go_into_others_only_where_its_maker_said_so() {
    let token = token();
    let plain = token.generic(&[9; 16]);
    let asked = [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 1)];
    for (mechanism, parameter) in telling(plain) {
        let refusal = |base| token.refusal(mechanism, parameter.clone(), base, &asked);
        for closed in [&closed()[..], &closed()[..1], &closed()[1..]] {
            let key = |more: &[Entry]| token.secret(CKK_GENERIC_SECRET, SECRET, &[closed, more].concat());
            assert_eq!(refusal(key(&[])), CKR_KEY_FUNCTION_NOT_PERMITTED, "{mechanism:#x}");
            assert_eq!(refusal(key(&[numbers(CKA_ALLOWED_MECHANISMS, &[mechanism])])), CKR_OK, "{mechanism:#x}");
        }
        assert_eq!(refusal(token.generic(SECRET)), CKR_OK, "{mechanism:#x}");
    }
    // Both of two keys.
    let named = [&closed()[..], &[numbers(CKA_ALLOWED_MECHANISMS, &[CKM_CONCATENATE_BASE_AND_KEY])]].concat();
    let key = |more: &[Entry]| token.secret(CKK_GENERIC_SECRET, SECRET, more);
    let join = |base, other| token.refusal(CKM_CONCATENATE_BASE_AND_KEY, Parameter::Key(other), base, &asked);
    assert_eq!(join(key(&named), key(&named)), CKR_OK);
    assert_eq!(join(key(&named), key(&closed())), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(join(key(&closed()), key(&named)), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/// Out of SKEYID_e (RFC 2409, appendix B), which is as long as the function's output: of a private key, unwrapped as a
/// generic secret, the beginning is known.
#[test]
fn ike_cuts_aes_keys_only_out_of_a_confidential_key() {
    let token = token();
    let cut = |bytes: usize, secrecy: &[Entry], key_type, length: &[Entry]| {
        let base = token.secret(CKK_GENERIC_SECRET, &vec![7; bytes], secrecy);
        let asked = [&[number(CKA_KEY_TYPE, key_type)], length].concat();
        let cut = Ike::Extended1 { prf: CKM_SHA256_HMAC, shared: None, extra: &[] };
        token.refusal(CKM_IKE1_EXTENDED_DERIVE, Parameter::Ike(cut), base, &asked)
    };
    let length = |bytes| [number(CKA_VALUE_LEN, bytes)];
    let named = [&closed()[..], &[numbers(CKA_ALLOWED_MECHANISMS, &[CKM_IKE1_EXTENDED_DERIVE])]].concat();
    for secrecy in [&closed()[..], &named] {
        assert_eq!(cut(32, secrecy, CKK_AES, &length(16)), CKR_OK);
        assert_eq!(cut(48, secrecy, CKK_AES, &length(16)), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_eq!(cut(32, secrecy, CKK_GENERIC_SECRET, &length(17)), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_eq!(cut(32, secrecy, CKK_DES3, &[]), CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    assert_eq!(cut(48, &open(), CKK_GENERIC_SECRET, &length(1)), CKR_OK);
}

/// Which is single DES, and searched.
#[test]
fn no_des_key_of_equal_parts_comes_of_a_confidential_key() {
    let token = token();
    for (secrecy, expected) in [(closed().to_vec(), CKR_TEMPLATE_INCONSISTENT), (open(), CKR_OK)] {
        let base = token.secret(CKK_DES3, &hex("0123456789abcdef 23456789abcdef01 456789abcdef0123"), &secrecy);
        for key_type in [CKK_DES2, CKK_DES3] {
            let derive = |data: &'static [u8]| {
                let asked = [number(CKA_KEY_TYPE, key_type)];
                token.refusal(CKM_DES3_ECB_ENCRYPT_DATA, Parameter::Bytes(data), base, &asked)
            };
            assert_eq!(derive(&[5; 24]), expected);
            assert_eq!(derive(b"one part another a third"), CKR_OK);
        }
    }
}

/// Nobody says of a key that comes of a confidential one what its maker did not say.
#[test]
fn who_derives_a_key_does_not_say_that_it_tells() {
    let token = token();
    let names = |mechanisms: &[u64]| numbers(CKA_ALLOWED_MECHANISMS, mechanisms);
    let key = |more: &[Entry]| token.secret(CKK_GENERIC_SECRET, SECRET, &[&closed()[..], more].concat());
    let derived = |base, mechanisms: &[u64]| {
        let asked = [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 32), names(mechanisms)];
        token.refusal(CKM_HKDF_DERIVE, hkdf(), base, &asked)
    };
    for (mechanism, _) in telling(0) {
        assert_eq!(derived(key(&[]), &[mechanism]), CKR_TEMPLATE_INCONSISTENT);
        assert_eq!(derived(key(&[names(&[CKM_HKDF_DERIVE])]), &[mechanism]), CKR_TEMPLATE_INCONSISTENT);
        assert_eq!(derived(key(&[names(&[CKM_HKDF_DERIVE, mechanism])]), &[mechanism]), CKR_OK);
        assert_eq!(derived(token.generic(SECRET), &[mechanism]), CKR_OK);
    }
    assert_eq!(derived(key(&[]), &[CKM_HKDF_DATA]), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(derived(key(&[]), &[CKM_HKDF_DERIVE, CKM_SHA256_HMAC]), CKR_OK);
    // The same of what comes in under a template that keeps it inside.
    let kek = |more: &[Entry]| {
        let hides = nested(CKA_UNWRAP_TEMPLATE, &[&closed()[..], more].concat());
        token.secret(CKK_AES, &[8; 32], &[flag(CKA_WRAP, true), flag(CKA_UNWRAP, true), hides])
    };
    let unwrapped = |kek, mechanism: u64| {
        let call = call(CKM_AES_KEY_WRAP, Parameter::None);
        let mut blob = [0; 64];
        let written = token.session.wrap_key(&call, kek, token.generic(SECRET), Output::Buffer(&mut blob)).unwrap();
        let asked = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), names(&[mechanism])];
        let made = token.session.unwrap_key(&call, kek, &blob[..written], &template(&asked));
        made.map_or_else(|error| error.rv(), |_| CKR_OK)
    };
    assert_eq!(unwrapped(kek(&[]), CKM_EXTRACT_KEY_FROM_KEY), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(unwrapped(kek(&[]), CKM_SHA256_HMAC), CKR_OK);
    assert_eq!(unwrapped(kek(&[names(&[CKM_EXTRACT_KEY_FROM_KEY])]), CKM_EXTRACT_KEY_FROM_KEY), CKR_OK);
    let (peer, _) = token.pair(CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, P256)], &[]);
    let point = token.bytes(peer, CKA_EC_POINT);
    let agreed = |private: &[Entry]| {
        let (_, key) = token.pair(CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, P256)], private);
        let parameter = Parameter::Agreement { kdf: CKD_NULL, shared: &[], public: &point, key_bits: 0 };
        token.refusal(CKM_ECDH1_DERIVE, parameter, key, &[names(&[CKM_XOR_BASE_AND_DATA])])
    };
    assert_eq!(agreed(&[nested(CKA_DERIVE_TEMPLATE, &closed())]), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(agreed(&[]), CKR_OK);
}

/// One after the other, MAC keys of 8, 16, 24 bits would spell the whole key block.
#[test]
fn tls_gives_no_short_keys_out_of_a_confidential_key_block() {
    let token = token();
    for more in [vec![], vec![numbers(CKA_ALLOWED_MECHANISMS, &[CKM_TLS12_KEY_AND_MAC_DERIVE])]] {
        let master = token.secret(CKK_GENERIC_SECRET, &[9; 48], &[&closed()[..], &more].concat());
        let keys = |mac_bits, key_bits| {
            let parameter =
                Parameter::TlsKeys { hash: CKM_SHA256, random: RANDOM, mac_bits, key_bits, iv_bits: 0, export: false };
            let asked = [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)];
            token.refusal(CKM_TLS12_KEY_AND_MAC_DERIVE, parameter, master, &asked)
        };
        assert_eq!(keys(8, 128), CKR_KEY_SIZE_RANGE);
        assert_eq!(keys(0, 120), CKR_KEY_SIZE_RANGE);
        // Nor the block again, a byte further.
        assert_eq!((keys(136, 128), keys(128, 136)), (CKR_KEY_SIZE_RANGE, CKR_KEY_SIZE_RANGE));
        assert_eq!((keys(0, 128), keys(160, 128)), (CKR_OK, CKR_OK));
    }
}

/// Under a key that is known, CMAC can be turned around, and MD5 collides: the bytes beside chosen ones come out.
#[test]
fn a_confidential_key_is_no_data_for_cmac_and_md5() {
    let token = token();
    let known = token.secret(CKK_AES, &[1; 16], &open());
    let (data, open_data) = (token.secret(CKK_GENERIC_SECRET, SECRET, &closed()), token.generic(SECRET));
    let format = CounterFormat { little_endian: false, bits: 32 };
    let kdf108 = |prf, base, key| {
        let fields = vec![Kdf108Field::Key(key), Kdf108Field::Iteration(Some(format))];
        let parameter = Kdf108Parameter { prf, fields, iv: &[], additional: Vec::new() };
        let asked = [number(CKA_VALUE_LEN, 16)];
        token.refusal(CKM_SP800_108_COUNTER_KDF, Parameter::Kdf108(Box::new(parameter)), base, &asked)
    };
    let known_generic = token.generic(&[1; 32]);
    assert_eq!(kdf108(CKM_AES_CMAC, known, data), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(kdf108(CKM_AES_CMAC, known, open_data), CKR_OK);
    assert_eq!(kdf108(CKM_SHA256_HMAC, known_generic, data), CKR_OK);
    let ike = |prf, base, key| {
        let extended = Ike::Extended1 { prf, shared: Some(key), extra: b"x" };
        let first = Ike::Prf1 { prf, previous: None, shared: key, initiator: b"i", responder: b"r", number: 0 };
        let plus = Ike::Prf2Plus { prf, seed_key: Some(key), seed: b"s" };
        let (initiator, responder) = (&b"i"[..], &b"r"[..]);
        let rekey = Ike::Prf { prf, data_as_key: false, rekey: true, initiator, responder, new_key: key };
        let asked = [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 16)];
        [
            (CKM_IKE1_EXTENDED_DERIVE, extended),
            (CKM_IKE1_PRF_DERIVE, first),
            (CKM_IKE2_PRF_PLUS_DERIVE, plus),
            (CKM_IKE_PRF_DERIVE, rekey),
        ]
        .map(|(mechanism, ike)| token.refusal(mechanism, Parameter::Ike(ike), base, &asked))
    };
    assert_eq!(ike(CKM_AES_CMAC, known, data), [CKR_KEY_FUNCTION_NOT_PERMITTED; 4]);
    assert_eq!(ike(CKM_MD5_HMAC, known_generic, data), [CKR_KEY_FUNCTION_NOT_PERMITTED; 4]);
    assert_eq!(ike(CKM_AES_CMAC, known, open_data), [CKR_OK; 4]);
}

/// In a group with small orders, each tells the private value's remainder.
#[test]
fn a_confidential_private_key_agrees_in_no_group_of_unknown_order() {
    let token = token();
    let own = strongroom_crypto::dsa::Parameters::generate(1024, 160).unwrap();
    let group = [bytes(CKA_PRIME, &own.p().unwrap()), bytes(CKA_BASE, &own.g().unwrap())];
    let agree = |private: &[Entry]| {
        let (public, private) = token.pair(CKM_DH_PKCS_KEY_PAIR_GEN, &group, private);
        let peer = token.value(public);
        token.refusal(CKM_DH_PKCS_DERIVE, Parameter::Bytes(&peer), private, &[])
    };
    assert_eq!(agree(&closed()), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(agree(&open()), CKR_OK);
}

/// Whether bytes of the key are zeros, or a padding, is nothing that unwrapping says.
#[test]
fn key_wrap_answers_no_questions_about_what_is_kept_inside() {
    let token = token();
    let hides = nested(CKA_UNWRAP_TEMPLATE, &closed());
    let kek = token.secret(CKK_AES, &[8; 32], &[flag(CKA_WRAP, true), flag(CKA_UNWRAP, true), hides]);
    let key = token.generic(b"with zeros\0\0\0\0\0\0");
    let mut blob = [0; 64];
    let plain = call(CKM_AES_KEY_WRAP, Parameter::None);
    let written = token.session.wrap_key(&plain, kek, key, Output::Buffer(&mut blob)).unwrap();
    let unwrapped = |call: &Call<'_>, length: &[Entry]| {
        let own = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)];
        let asked = [&own[..], length].concat();
        let made = token.session.unwrap_key(call, kek, &blob[..written], &template(&asked));
        made.map_or_else(|error| error.rv(), |_| CKR_OK)
    };
    assert_eq!(unwrapped(&plain, &[number(CKA_VALUE_LEN, 10)]), CKR_WRAPPED_KEY_LEN_RANGE);
    assert_eq!(unwrapped(&plain, &[number(CKA_VALUE_LEN, 16)]), CKR_OK);
    assert_eq!(unwrapped(&plain, &[]), CKR_OK);
    assert_eq!(unwrapped(&call(CKM_AES_KEY_WRAP_PKCS7, Parameter::None), &[]), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(unwrapped(&call(CKM_AES_KEY_WRAP_KWP, Parameter::Bytes(&[7; 4])), &[]), CKR_KEY_FUNCTION_NOT_PERMITTED);
    let iv = [0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 15];
    let padded = call(CKM_AES_KEY_WRAP, Parameter::Bytes(&iv));
    let refused = token.session.wrap_key(&padded, kek, key, Output::Buffer(&mut [0; 64]));
    assert_eq!(refused.unwrap_err().rv(), CKR_MECHANISM_PARAM_INVALID);
}

/// What a private key demands of agreed keys keeps them inside, short ones too.
#[test]
fn agreed_keys_that_are_kept_inside_are_not_spelled_out() {
    let token = token();
    let kept = |template| nested(template, &closed());
    let (peer, _) = token.pair(CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, P256)], &[]);
    let point = token.bytes(peer, CKA_EC_POINT);
    let agree = |private: &[Entry], kdf, bytes| {
        let (_, key) = token.pair(CKM_EC_KEY_PAIR_GEN, &[self::bytes(CKA_EC_PARAMS, P256)], private);
        let parameter = Parameter::Agreement { kdf, shared: &[], public: &point, key_bits: 0 };
        token.refusal(CKM_ECDH1_DERIVE, parameter, key, &[number(CKA_VALUE_LEN, bytes)])
    };
    for kdf in [CKD_NULL, CKD_SHA256_KDF] {
        assert_eq!(agree(&[kept(CKA_DERIVE_TEMPLATE)], kdf, 15), CKR_KEY_SIZE_RANGE);
        assert_eq!(agree(&[kept(CKA_DERIVE_TEMPLATE)], kdf, 16), CKR_OK);
        assert_eq!(agree(&[], kdf, 15), CKR_OK);
    }
    let kem = |private: &[Entry], bytes| {
        let set = [number(CKA_PARAMETER_SET, CKP_ML_KEM_768)];
        let (public, private) = token.pair(CKM_ML_KEM_KEY_PAIR_GEN, &set, private);
        let call = call(CKM_ML_KEM, Parameter::None);
        let asked = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)];
        let mut capsule = [0; 1088];
        token.session.encapsulate_key(&call, public, &template(&asked), Output::Buffer(&mut capsule)).unwrap();
        let asked = [&asked[..], &[number(CKA_VALUE_LEN, bytes)]].concat();
        let made = token.session.decapsulate_key(&call, private, &capsule, &template(&asked));
        made.map_or_else(|error| error.rv(), |_| CKR_OK)
    };
    assert_eq!(kem(&[kept(CKA_DECAPSULATE_TEMPLATE)], 15), CKR_KEY_SIZE_RANGE);
    assert_eq!(kem(&[kept(CKA_DECAPSULATE_TEMPLATE)], 16), CKR_OK);
    assert_eq!(kem(&[], 15), CKR_OK);
}

#[test]
fn of_a_confidential_premaster_no_more_is_told_than_a_version() {
    let token = token();
    let master = |byte: u8, more: &[Entry]| {
        let key = token.secret(CKK_GENERIC_SECRET, &[byte; 48], more);
        let parameter = Parameter::TlsMaster { hash: CKM_SHA256, random: RANDOM };
        token.derive(CKM_TLS12_MASTER_KEY_DERIVE, parameter, key, &[]).unwrap().version
    };
    assert_eq!(master(3, &open()), Some((3, 3)));
    assert_eq!(master(3, &closed()), Some((3, 3)));
    assert_eq!(master(7, &closed()), Some((0, 0)));
    assert_eq!(master(7, &open()), Some((7, 7)));
}

/// IVs are cut from the bytes that other sizes make keys of. TLS wants them outside, so `standard` gives them.
#[test]
fn strict_tokens_give_no_ivs_out_of_a_confidential_key_block() {
    let keys = |policy, iv_bits| {
        let token = under(policy);
        let master = token.secret(CKK_GENERIC_SECRET, &[9; 48], &closed());
        let parameter =
            Parameter::TlsKeys { hash: CKM_SHA256, random: RANDOM, mac_bits: 0, key_bits: 128, iv_bits, export: false };
        token.refusal(CKM_TLS12_KEY_AND_MAC_DERIVE, parameter, master, &[number(CKA_KEY_TYPE, CKK_AES)])
    };
    assert_eq!(keys(Policy::Standard, 96), CKR_OK);
    assert_eq!(keys(Policy::Strict, 96), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(keys(Policy::Strict, 0), CKR_OK);
}

#[test]
fn what_comes_of_a_key_for_trusted_wrapping_is_one_itself() {
    let token = token();
    let more = [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true), flag(CKA_WRAP_WITH_TRUSTED, true)];
    let named = numbers(CKA_ALLOWED_MECHANISMS, &[CKM_CONCATENATE_BASE_AND_DATA]);
    let key = token.secret(CKK_GENERIC_SECRET, SECRET, &[&more[..], &[named]].concat());
    let same = |more: &[Entry]| {
        let asked = [&[flag(CKA_EXTRACTABLE, true)], more].concat();
        token.derive(CKM_CONCATENATE_BASE_AND_DATA, Parameter::Bytes(&[]), key, &asked)
    };
    assert!(token.has(same(&[]).unwrap().key, Flag::WrapWithTrusted));
    assert_eq!(same(&[flag(CKA_WRAP_WITH_TRUSTED, false)]).unwrap_err().rv(), CKR_TEMPLATE_INCONSISTENT);
}

fn trust(token: &Token, key: u64) {
    token.session.logout().unwrap();
    token.session.login(CKU_SO, Some(b"officer"), None).unwrap();
    token.session.set_attributes(key, &template(&[flag(CKA_TRUSTED, true)])).unwrap();
    token.session.logout().unwrap();
    token.session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
}

/// A key of the token that wraps and does nothing else, trusted.
fn trusted_wrapper(token: &Token) -> u64 {
    let other = [CKA_UNWRAP, CKA_DERIVE, CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY].map(|use_| flag(use_, false));
    let own = [number(CKA_VALUE_LEN, 32), flag(CKA_TOKEN, true), flag(CKA_PRIVATE, false), flag(CKA_WRAP, true)];
    let wrapper = token.generate(CKM_AES_KEY_GEN, &[&own[..], &closed(), &other].concat());
    trust(token, wrapper);
    wrapper
}

fn for_trusted(token: &Token) -> u64 {
    let more = [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true), flag(CKA_WRAP_WITH_TRUSTED, true)];
    token.secret(CKK_AES, SECRET, &more)
}

#[test]
fn a_trusted_key_learns_nothing_new() {
    let token = token();
    let wrapper = trusted_wrapper(&token);
    for usage in [CKA_DECRYPT, CKA_UNWRAP, CKA_ENCRYPT, CKA_DERIVE] {
        let change = token.session.set_attributes(wrapper, &template(&[flag(usage, true)]));
        assert_eq!(change.unwrap_err().rv(), CKR_ACTION_PROHIBITED);
    }
    let same = [bytes(CKA_LABEL, b"backup"), flag(CKA_DECRYPT, false), flag(CKA_TRUSTED, true)];
    token.session.set_attributes(wrapper, &template(&same)).unwrap();
    assert!(token.has(wrapper, Flag::Trusted));
    // Its owner cannot let it go to learn more, nor has a copy that does.
    let change = |entries: &[Entry]| token.session.set_attributes(wrapper, &template(entries)).unwrap_err().rv();
    assert_eq!(change(&[flag(CKA_TRUSTED, false)]), CKR_ATTRIBUTE_READ_ONLY);
    assert_eq!(change(&[flag(CKA_TRUSTED, false), flag(CKA_DECRYPT, true)]), CKR_ATTRIBUTE_READ_ONLY);
    let copy = |key, entries: &[Entry]| token.session.copy_object(key, &template(entries)).map_err(|error| error.rv());
    for in_token in [true, false] {
        let decrypts = [flag(CKA_TOKEN, in_token), flag(CKA_DECRYPT, true)];
        let trusted = [flag(CKA_TRUSTED, true), flag(CKA_TOKEN, in_token)];
        assert_eq!(copy(wrapper, &decrypts), Err(CKR_ACTION_PROHIBITED));
        assert_eq!(copy(wrapper, &trusted), Err(CKR_ACTION_PROHIBITED));
        let plain = token.secret(CKK_AES, SECRET, &[]);
        assert_eq!(copy(plain, &trusted), Err(CKR_ATTRIBUTE_READ_ONLY));
    }
    // An officer takes trust back, and answers for what it covered.
    token.session.logout().unwrap();
    token.session.login(CKU_SO, Some(b"officer"), None).unwrap();
    token.session.set_attributes(wrapper, &template(&[flag(CKA_TRUSTED, false)])).unwrap();
    token.session.logout().unwrap();
    token.session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    assert!(!token.has(wrapper, Flag::Trusted));
    token.session.set_attributes(wrapper, &template(&[flag(CKA_DECRYPT, true)])).unwrap();
}

/// Two wraps with one counter differ by the two keys; an RSA power of a small number without padding has its root; the
/// last block of a long key may hold one unknown byte.
#[test]
fn keys_for_trusted_wrapping_leave_by_mechanisms_for_keys_only() {
    let token = token();
    let wrapper = trusted_wrapper(&token);
    let key = for_trusted(&token);
    let mut blob = [0; 512];
    let ciphers = [
        (CKM_AES_GCM, Parameter::Gcm { iv: &[3; 12], aad: &[], tag_bits: 128 }),
        (CKM_AES_CCM, Parameter::Ccm { data_bytes: 16, nonce: &[3; 12], aad: &[], mac_bytes: 16 }),
        (CKM_AES_CBC_PAD, Parameter::Bytes(&[0; 16])),
        (CKM_AES_CBC, Parameter::Bytes(&[0; 16])),
        (CKM_AES_ECB, Parameter::None),
    ];
    for (mechanism, parameter) in ciphers {
        let refused = token.session.wrap_key(&call(mechanism, parameter), wrapper, key, Output::Buffer(&mut blob));
        assert_eq!(refused.unwrap_err().rv(), CKR_KEY_NOT_WRAPPABLE, "{mechanism:#x}");
    }
    for mechanism in [CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP] {
        let call = call(mechanism, Parameter::None);
        token.session.wrap_key(&call, wrapper, key, Output::Buffer(&mut blob)).unwrap();
    }
    let own = [number(CKA_MODULUS_BITS, 2048), bytes(CKA_PUBLIC_EXPONENT, &[3]), flag(CKA_TOKEN, true)];
    let (public, _) = token.pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &own, &[]);
    trust(&token, public);
    let key = for_trusted(&token);
    let refused = token.session.wrap_key(&call(CKM_RSA_X_509, Parameter::None), public, key, Output::Buffer(&mut blob));
    assert_eq!(refused.unwrap_err().rv(), CKR_KEY_NOT_WRAPPABLE);
    token.session.wrap_key(&call(CKM_RSA_PKCS, Parameter::None), public, key, Output::Buffer(&mut blob)).unwrap();
}

/// Of blocks with a chosen IV, whether their end is zeros is an answer about each byte.
#[test]
fn what_an_unwrap_template_hides_comes_in_by_mechanisms_that_answer_nothing() {
    let token = token();
    let hides = nested(CKA_UNWRAP_TEMPLATE, &closed());
    let aes = token.secret(CKK_AES, &[8; 32], &[flag(CKA_WRAP, true), flag(CKA_UNWRAP, true), hides.clone()]);
    let rsa = token.pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &[number(CKA_MODULUS_BITS, 2048)], &[hides]);
    let asked = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), number(CKA_VALUE_LEN, 16)];
    let unwrap =
        |call: &Call<'_>, key, blob: &[u8]| token.session.unwrap_key(call, key, blob, &template(&asked)).map(|_| ());
    let gcm = || Parameter::Gcm { iv: &[3; 12], aad: &[], tag_bits: 128 };
    // A key stream that comes twice, and tags as short as the caller likes.
    let ccm = Parameter::Ccm { data_bytes: 16, nonce: &[3; 12], aad: &[], mac_bytes: 16 };
    for (mechanism, parameter, key, bytes) in [
        (CKM_AES_GCM, gcm(), aes, 32),
        (CKM_AES_CCM, ccm, aes, 32),
        (CKM_AES_ECB, Parameter::None, aes, 16),
        (CKM_AES_CBC, Parameter::Bytes(&[0; 16]), aes, 16),
        (CKM_AES_CBC_PAD, Parameter::Bytes(&[0; 16]), aes, 32),
        (CKM_RSA_X_509, Parameter::None, rsa.1, 256),
    ] {
        let refused = unwrap(&call(mechanism, parameter), key, &vec![1; bytes]);
        assert_eq!(refused.unwrap_err().rv(), CKR_KEY_FUNCTION_NOT_PERMITTED, "{mechanism:#x}");
    }
    let key = token.secret(CKK_AES, SECRET, &open());
    for (mechanism, parameter, keys) in [
        (CKM_AES_KEY_WRAP, Parameter::None, (aes, aes)),
        (CKM_AES_KEY_WRAP_KWP, Parameter::None, (aes, aes)),
        (CKM_RSA_PKCS, Parameter::None, rsa),
    ] {
        let call = call(mechanism, parameter);
        let mut blob = [0; 256];
        let written = token.session.wrap_key(&call, keys.0, key, Output::Buffer(&mut blob)).unwrap();
        unwrap(&call, keys.1, &blob[..written]).unwrap();
    }
}

/// Whether the number is below a chosen one is an answer that finds it in a few thousand calls.
#[test]
fn raw_rsa_unwrapping_does_not_compare() {
    let token = token();
    let (public, private) = token.pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &[number(CKA_MODULUS_BITS, 2048)], &[]);
    let raw = call(CKM_RSA_X_509, Parameter::None);
    let asked =
        [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 100)];
    for plain in [vec![1u8; 100], vec![1u8; 101]] {
        token.session.encrypt_init(&raw, public).unwrap();
        let mut blob = [0; 256];
        token.session.encrypt(&plain, Output::Buffer(&mut blob)).unwrap();
        let key = token.session.unwrap_key(&raw, private, &blob, &template(&open_and(&asked))).unwrap();
        assert_eq!(token.value(key), [1; 100]);
    }
}

#[test]
fn one_context_login_is_for_one_message() {
    let token = token();
    let key = token.secret(CKK_AES, &[1; 16], &[flag(CKA_ALWAYS_AUTHENTICATE, true), flag(CKA_PRIVATE, true)]);
    let login = || token.session.login(CKU_CONTEXT_SPECIFIC, Some(b"user-pin"), None).unwrap();
    let session = &token.session;
    session.message_encrypt_init(find(CKM_AES_GCM).unwrap(), key).unwrap();
    let whole = || {
        let (mut iv, mut tag, mut out) = ([7; 12], [0; 16], [0; 4]);
        let generator = CKG_NO_GENERATE;
        let mut message = Message { kind: MessageKind::Gcm, iv: &mut iv, fixed_bits: 0, generator, tag: &mut tag };
        session
            .encrypt_message(&mut message, &[], b"data", Output::Buffer(&mut out))
            .map_or_else(|e| e.rv(), |_| CKR_OK)
    };
    let begin = || {
        let (mut iv, mut tag) = ([7; 12], [0; 16]);
        let generator = CKG_NO_GENERATE;
        let mut message = Message { kind: MessageKind::Gcm, iv: &mut iv, fixed_bits: 0, generator, tag: &mut tag };
        session.encrypt_message_begin(&mut message, &[]).map_or_else(|e| e.rv(), |()| CKR_OK)
    };
    assert_eq!(whole(), CKR_USER_NOT_LOGGED_IN);
    login();
    assert_eq!((whole(), whole()), (CKR_OK, CKR_USER_NOT_LOGGED_IN));
    login();
    assert_eq!(begin(), CKR_OK);
    session.encrypt_message_next(b"data", Output::Buffer(&mut [0; 4]), Some(&mut [0; 16])).unwrap();
    assert_eq!(begin(), CKR_USER_NOT_LOGGED_IN);
    login();
    assert_eq!(begin(), CKR_OK);
    session.encrypt_message_abandon().unwrap();
    assert_eq!(begin(), CKR_USER_NOT_LOGGED_IN);
}

#[test]
fn fips_tokens_agree_in_known_groups_only() {
    let token = under(Policy::Fips);
    let generate = |p: &[u8], g: &[u8]| {
        let call = call(CKM_DH_PKCS_KEY_PAIR_GEN, Parameter::None);
        let group = [bytes(CKA_PRIME, p), bytes(CKA_BASE, g)];
        let made = token.session.generate_key_pair(&call, &template(&group), &template(&[]));
        made.map_or_else(|error| error.rv(), |_| CKR_OK)
    };
    let own = strongroom_crypto::dsa::Parameters::generate(1024, 160).unwrap();
    assert_eq!(generate(&own.p().unwrap(), &own.g().unwrap()), CKR_KEY_FUNCTION_NOT_PERMITTED);
    let short = strongroom_crypto::dh::KnownGroup::Modp1536.prime().unwrap();
    assert_eq!(generate(&short, &[2]), CKR_KEY_FUNCTION_NOT_PERMITTED);
    let known = strongroom_crypto::dh::KnownGroup::Ffdhe2048.prime().unwrap();
    assert_eq!(generate(&known, &[2]), CKR_OK);
    assert_eq!(generate(&known, &[5]), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

#[test]
fn fips_tokens_make_no_rsa_keys_with_small_exponents() {
    let generate = |policy, exponent: &[u8]| {
        let token = under(policy);
        let call = call(CKM_RSA_PKCS_KEY_PAIR_GEN, Parameter::None);
        let public = [number(CKA_MODULUS_BITS, 2048), bytes(CKA_PUBLIC_EXPONENT, exponent)];
        let made = token.session.generate_key_pair(&call, &template(&public), &template(&[]));
        made.map_or_else(|error| error.rv(), |_| CKR_OK)
    };
    assert_eq!(generate(Policy::Standard, &[3]), CKR_OK);
    assert_eq!(generate(Policy::Fips, &[3]), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(generate(Policy::Fips, &[1, 0, 1]), CKR_OK);
}

/// A user would wrap for a public key that anybody put there.
#[test]
fn nobody_makes_a_public_key_in_the_token() {
    let token = token();
    let (public, _) = token.pair(CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, P256)], &[]);
    let point = token.bytes(public, CKA_EC_POINT);
    token.session.logout().unwrap();
    let create = |in_token| {
        let entries = [
            number(CKA_CLASS, CKO_PUBLIC_KEY),
            number(CKA_KEY_TYPE, CKK_EC),
            bytes(CKA_EC_PARAMS, P256),
            bytes(CKA_EC_POINT, &point),
            flag(CKA_TOKEN, in_token),
            flag(CKA_PRIVATE, false),
        ];
        token.session.create_object(&template(&entries)).map_or_else(|error| error.rv(), |_| CKR_OK)
    };
    assert_eq!(create(true), CKR_USER_NOT_LOGGED_IN);
    assert_eq!(create(false), CKR_OK);
}

/// The object identifier of P-256.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
