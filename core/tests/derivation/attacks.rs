//! Ways to a key that must not come out: by short or cut keys that give it away byte by byte, by derivations that show
//! some of it, by wrapping and unwrapping that answer questions about it.

use cryptoki_sys::*;
use strongroom_core::attribute::Flag;
use strongroom_core::mechanism::{Call, Hkdf, Parameter, TlsRandom, find};
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
    let parameters: [(u64, Parameter<'_>); 5] = [
        (CKM_HKDF_DERIVE, hkdf()),
        (CKM_CONCATENATE_BASE_AND_DATA, Parameter::Bytes(&[])),
        (CKM_CONCATENATE_DATA_AND_BASE, Parameter::Bytes(&[])),
        (CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&[0; 16])),
        (CKM_SHA256_KEY_DERIVATION, Parameter::None),
    ];
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

/// Known bytes beside a few unknown ones are no better than a short key.
#[test]
fn nothing_of_a_confidential_key_is_cut_off_beside_known_data() {
    let token = token();
    let key = token.secret(CKK_AES, SECRET, &closed());
    let asked = [number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 16)];
    let known = Parameter::Bytes(&[0; 15]);
    for mechanism in [CKM_CONCATENATE_DATA_AND_BASE, CKM_CONCATENATE_BASE_AND_DATA] {
        assert_eq!(token.refusal(mechanism, known.clone(), key, &asked), CKR_KEY_SIZE_RANGE, "{mechanism:#x}");
    }
    let long = token.secret(CKK_GENERIC_SECRET, &[7; 32], &closed());
    assert_eq!(token.refusal(CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&[1; 32]), long, &asked), CKR_KEY_SIZE_RANGE);
}

/// RC4 behind chosen bytes shows the next; a DES key is searched.
#[test]
fn a_confidential_key_is_not_put_into_a_cipher_that_tells_it() {
    let token = token();
    let key = |more: &[Entry]| token.secret(CKK_AES, SECRET, &[&closed()[..], more].concat());
    let joined = |key_type, length: &[Entry], data: &'static [u8], base| {
        let asked = [&[number(CKA_KEY_TYPE, key_type)], length].concat();
        token.refusal(CKM_CONCATENATE_DATA_AND_BASE, Parameter::Bytes(data), base, &asked)
    };
    let length = |bytes| [number(CKA_VALUE_LEN, bytes)];
    assert_eq!(joined(CKK_RC4, &length(19), &[1; 3], key(&[])), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(joined(CKK_DES3, &[], &[1; 8], key(&[])), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(joined(CKK_DES2, &[], &[], key(&[])), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(joined(CKK_AES, &length(32), &[1; 16], key(&[])), CKR_OK);
    let named = numbers(CKA_ALLOWED_MECHANISMS, &[CKM_CONCATENATE_DATA_AND_BASE]);
    assert_eq!(joined(CKK_RC4, &length(19), &[1; 3], key(&[named])), CKR_OK);
    assert_eq!(joined(CKK_RC4, &length(19), &[1; 3], token.secret(CKK_AES, SECRET, &open())), CKR_OK);
    let xored = [number(CKA_KEY_TYPE, CKK_RC4), number(CKA_VALUE_LEN, 16)];
    let refused = token.refusal(CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&[1; 16]), key(&[]), &xored);
    assert_eq!(refused, CKR_TEMPLATE_INCONSISTENT);
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
fn bits_of_a_confidential_key_are_extracted_only_where_it_was_made_for_that() {
    let token = token();
    let asked = [number(CKA_VALUE_LEN, 16)];
    let extract = |key| token.refusal(CKM_EXTRACT_KEY_FROM_KEY, Parameter::Extract(0), key, &asked);
    let key = token.secret(CKK_AES, SECRET, &closed());
    assert_eq!(extract(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    let named = numbers(CKA_ALLOWED_MECHANISMS, &[CKM_EXTRACT_KEY_FROM_KEY]);
    let made_for_it = token.secret(CKK_GENERIC_SECRET, &[3; 32], &[&closed()[..], &[named]].concat());
    assert_eq!(extract(made_for_it), CKR_OK);
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
    let named = numbers(CKA_ALLOWED_MECHANISMS, &[CKM_TLS12_MASTER_KEY_DERIVE]);
    assert_eq!(master(7, &[&closed()[..], &[named]].concat()), Some((7, 7)));
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
    let key = token.secret(CKK_GENERIC_SECRET, SECRET, &more);
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
    for (mechanism, parameter, key, bytes) in [
        (CKM_AES_ECB, Parameter::None, aes, 16),
        (CKM_AES_CBC, Parameter::Bytes(&[0; 16]), aes, 16),
        (CKM_AES_CBC_PAD, Parameter::Bytes(&[0; 16]), aes, 32),
        (CKM_RSA_X_509, Parameter::None, rsa.1, 256),
    ] {
        let refused = unwrap(&call(mechanism, parameter), key, &vec![1; bytes]);
        assert_eq!(refused.unwrap_err().rv(), CKR_KEY_FUNCTION_NOT_PERMITTED, "{mechanism:#x}");
    }
    let key = token.secret(CKK_AES, SECRET, &open());
    let gcm = Parameter::Gcm { iv: &[3; 12], aad: &[], tag_bits: 128 };
    for (mechanism, parameter, keys) in [
        (CKM_AES_KEY_WRAP, Parameter::None, (aes, aes)),
        (CKM_AES_GCM, gcm, (aes, aes)),
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
