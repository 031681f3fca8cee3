//! `CKM_ECDH1_DERIVE` as TLS libraries call it: no KDF, a length, a generic secret or an AES key.

use cryptoki_sys::*;

use super::program::P_256;
use super::rows::{AGREED, RESPONDER_POINT};
use super::{Bench, initiator, open, secret_of, without_length};
use crate::module::refused;
use crate::parameters::{Mechanism, Parameter, plain};
use crate::template::{bytes, flag, number, with};
use crate::vectors::hex;

fn ecdh(point: &[u8]) -> Mechanism {
    let parameter = Parameter::Ecdh { kdf: CKD_NULL, shared: Vec::new(), public: point.to_vec() };
    Mechanism { id: CKM_ECDH1_DERIVE, parameter }
}

/// RFC 5903 §8.1 on P-256, with every template that is about.
#[test]
fn java_nss_and_openssl_get_the_secret_of_p_256() {
    let bench = Bench::new();
    let session = bench.session;
    let key = session.create(&initiator(&[])).unwrap();
    let (bare, secret) = (hex(RESPONDER_POINT), hex(AGREED));
    let wrapped = [&[4, 65][..], &bare].concat();
    let aes = with(&secret_of(32), &[number(CKA_KEY_TYPE, CKK_AES)]);
    for (template, len) in [
        // SunPKCS11: the class and the type, then the value is read.
        (without_length(&secret_of(0)), 32),
        // NSS and OpenSSL's providers: with the length of the field.
        (with(&secret_of(32), &[flag(CKA_DERIVE, true)]), 32),
        (with(&secret_of(32), &[flag(CKA_SIGN, true), flag(CKA_VERIFY, true)]), 32),
        (aes.clone(), 32),
        (with(&aes, &[number(CKA_VALUE_LEN, 16), flag(CKA_ENCRYPT, true), flag(CKA_DECRYPT, true)]), 16),
        (with(&aes, &[number(CKA_VALUE_LEN, 24)]), 24),
    ] {
        for point in [&bare, &wrapped] {
            let key = session.derive(&ecdh(point), key, &with(&template, &open())).unwrap();
            // "The truncation removes bytes from the leading end of the secret value."
            assert_eq!(session.get(key, CKA_VALUE).unwrap(), secret[32 - len..]);
            assert_eq!(session.number(key, CKA_VALUE_LEN), len as CK_ULONG);
        }
    }
    // More than the field has.
    for template in [secret_of(33), secret_of(48), secret_of(66)] {
        assert_eq!(session.derive(&ecdh(&bare), key, &template), refused(CKR_KEY_SIZE_RANGE));
    }
}

/// 32, 48 and 66 bytes: the fields of the curves of TLS.
#[test]
fn both_sides_get_one_secret_of_the_length_of_the_field() {
    let bench = Bench::new();
    let session = bench.session;
    let mut count = 0;
    for (params, len) in [(P_256.to_vec(), 32), (hex("06052b81040022"), 48), (hex("06052b81040023"), 66)] {
        let pair = || {
            let public = [bytes(CKA_EC_PARAMS, &params)];
            let (public, private) = session.generate_pair(&plain(CKM_EC_KEY_PAIR_GEN), &public, &[]).unwrap();
            (session.get(public, CKA_EC_POINT).unwrap(), private)
        };
        let ((own_point, own), (peer_point, peer)) = (pair(), pair());
        let of = |point: &[u8], key, template: &[_]| {
            let key = session.derive(&ecdh(point), key, &with(template, &open())).unwrap();
            session.get(key, CKA_VALUE).unwrap()
        };
        let secret = of(&own_point, peer, &secret_of(len));
        assert_eq!(secret.len(), len as usize);
        assert_eq!(of(&peer_point, own, &secret_of(len)), secret);
        assert_eq!(of(&peer_point, own, &without_length(&secret_of(len))), secret);
        for bytes in [16, 24, 32] {
            let aes = with(&secret_of(bytes), &[number(CKA_KEY_TYPE, CKK_AES)]);
            assert_eq!(of(&peer_point, own, &aes), secret[(len - bytes) as usize..]);
            count += 1;
        }
        // An AES key of the whole field, where no AES key is that long.
        if len > 32 {
            let aes = with(&secret_of(len), &[number(CKA_KEY_TYPE, CKK_AES)]);
            assert_eq!(session.derive(&ecdh(&peer_point), own, &aes), refused(CKR_ATTRIBUTE_VALUE_INVALID));
        }
        assert_eq!(session.derive(&ecdh(&peer_point), own, &secret_of(len + 1)), refused(CKR_KEY_SIZE_RANGE));
        count += 3;
    }
    println!("{count} secrets of both sides");
}
