//! Mechanism parameters: from the caller's structs to the core's values, by what the catalogue says of each mechanism.
//!
//! | file | what for |
//! | --- | --- |
//! | `asymmetric` | RSA, key agreement, signatures with a context |
//! | `derivation` | deriving keys, and where the keys go that a parameter asks for |
//! | `messages` | messages and authenticated key wraps: IVs that the module makes, tags apart |

mod asymmetric;
mod derivation;
mod messages;

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::error::Error;
use strongroom_core::mechanism::{self, Call, Mechanism, MechanismName, Parameter, ParameterKind};

use crate::memory::{
    self, Agreement, CallerMechanism, Ccm, ChaCha20, ChaCha20Poly1305, Ctr, EncryptData, Gcm, Input, Kdf108, Pointer,
    SignContext,
};

pub(crate) use derivation::Destinations;
pub(crate) use messages::{Wrap, caller_message};

/// Runs `run` with the caller's mechanism and parameter, which live as long as it runs.
///
/// # Errors
/// `CKR_ARGUMENTS_BAD` for NULL, `CKR_MECHANISM_INVALID` for a mechanism that does not exist,
/// `CKR_MECHANISM_PARAM_INVALID` for a parameter of the wrong length or with pointers that can mean no memory, and what
/// `run` gives.
pub(crate) fn with_call<R>(
    pointer: Pointer<CK_MECHANISM>,
    run: impl FnOnce(Call<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let (mechanism, parameter) = read(pointer)?;
    with_parameter(mechanism.parameter, &parameter, |parameter| run(Call { mechanism, parameter }))
}

/// The mechanism alone: the parameters of messages come with the messages.
///
/// # Errors
/// `CKR_ARGUMENTS_BAD` for NULL, `CKR_MECHANISM_INVALID` for a mechanism that does not exist.
pub(crate) fn mechanism(pointer: Pointer<CK_MECHANISM>) -> Result<&'static Mechanism, Error> {
    read(pointer).map(|(mechanism, _)| mechanism)
}

fn read(pointer: Pointer<CK_MECHANISM>) -> Result<(&'static Mechanism, Input), Error> {
    let CallerMechanism { id, parameter } = CallerMechanism::read(pointer)?;
    let mechanism = mechanism::find(id).ok_or(Error::MechanismInvalid(MechanismName(id)))?;
    Ok((mechanism, parameter))
}

/// Stores an IV that the module made where the caller's `CK_GCM_PARAMS` has its IV.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` where there is no such place.
pub(crate) fn return_iv(pointer: Pointer<CK_MECHANISM>, iv: &[u8]) -> Result<(), Error> {
    Gcm::read(&CallerMechanism::read(pointer)?.parameter).ok_or(WRONG_LENGTH)?.write_iv(iv)
}

fn with_parameter<R>(
    kind: ParameterKind,
    caller: &Input,
    run: impl FnOnce(Parameter<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    match kind {
        ParameterKind::None if caller.len() == 0 => run(Parameter::None),
        ParameterKind::None => Err(Error::MechanismParameter("this mechanism takes none")),
        ParameterKind::Iv(len) => run(Parameter::Bytes(exactly(caller, len)?)),
        ParameterKind::Tweak => run(Parameter::Bytes(exactly(caller, TWEAK_BYTES)?)),
        ParameterKind::Ctr => {
            let Ctr { counter_bits, block } = Ctr::read(caller).ok_or(WRONG_LENGTH)?;
            run(Parameter::Ctr { counter_bits, block })
        }
        ParameterKind::Gcm => {
            let gcm = Gcm::read(caller).ok_or(WRONG_LENGTH)?;
            let (iv, aad) = (bytes(&gcm.iv)?, bytes(&gcm.aad)?);
            run(Parameter::Gcm { iv, aad, tag_bits: gcm.tag_bits })
        }
        ParameterKind::Ccm => {
            let ccm = Ccm::read(caller).ok_or(WRONG_LENGTH)?;
            let (nonce, aad) = (bytes(&ccm.nonce)?, bytes(&ccm.aad)?);
            run(Parameter::Ccm { data_bytes: ccm.data_bytes, nonce, aad, mac_bytes: ccm.mac_bytes })
        }
        ParameterKind::ChaCha20 => run(chacha20(&ChaCha20::read(caller).ok_or(WRONG_LENGTH)?)?),
        ParameterKind::ChaCha20Poly1305 => {
            let chacha = ChaCha20Poly1305::read(caller).ok_or(WRONG_LENGTH)?;
            let (nonce, aad) = (bytes(&chacha.nonce)?, bytes(&chacha.aad)?);
            run(Parameter::ChaCha20Poly1305 { nonce, aad })
        }
        ParameterKind::MacLength => run(Parameter::MacLength(memory::ulong(caller).ok_or(WRONG_LENGTH)?)),
        ParameterKind::Bytes => run(Parameter::Bytes(bytes(caller)?)),
        ParameterKind::IvOrNone(_) | ParameterKind::EdDsa | ParameterKind::SignContext if caller.len() == 0 => {
            run(Parameter::None)
        }
        ParameterKind::IvOrNone(len) => run(Parameter::Bytes(exactly(caller, len)?)),
        ParameterKind::Pss => run(asymmetric::pss(caller)?),
        ParameterKind::Oaep => run(Parameter::Oaep(asymmetric::oaep(&known(memory::Oaep::read(caller))?)?)),
        ParameterKind::RsaAes => {
            let both = known(memory::RsaAes::read(caller))?;
            run(Parameter::RsaAes { key_bits: both.key_bits, oaep: asymmetric::oaep(&both.oaep)? })
        }
        ParameterKind::Ecdh => run(asymmetric::agreement(&known(Agreement::read_ecdh(caller))?)?),
        ParameterKind::EcdhAes => run(asymmetric::agreement(&known(Agreement::read_ecdh_aes(caller))?)?),
        ParameterKind::X942Dh => run(asymmetric::agreement(&known(Agreement::read_x942(caller))?)?),
        ParameterKind::EdDsa => {
            let eddsa = known(memory::EdDsa::read(caller))?;
            run(Parameter::EdDsa { prehash: eddsa.prehash, context: bytes(&eddsa.context)? })
        }
        ParameterKind::SignContext => run(asymmetric::context(&known(SignContext::read(caller))?)?),
        ParameterKind::HashSignContext => run(asymmetric::context(&known(SignContext::read_with_hash(caller))?)?),
        ParameterKind::StringData => run(Parameter::Bytes(bytes(&known(memory::string_data(caller))?)?)),
        ParameterKind::EncryptData(iv_len) => {
            let both = known(EncryptData::read(caller, iv_len))?;
            run(Parameter::EncryptData { iv: both.iv(), data: bytes(&both.data)? })
        }
        ParameterKind::Extract => run(Parameter::Extract(known(memory::ulong(caller))?)),
        ParameterKind::Key => run(Parameter::Key(known(memory::ulong(caller))?)),
        ParameterKind::Hkdf => run(derivation::hkdf(&known(memory::Hkdf::read(caller))?)?),
        ParameterKind::Pbkdf2 => run(derivation::pbkdf2(&known(memory::Pbkdf2::read(caller))?)?),
        ParameterKind::CounterKdf => run(derivation::kdf108(&Kdf108::read(caller)?)?),
        ParameterKind::FeedbackKdf => run(derivation::kdf108(&Kdf108::read_feedback(caller)?)?),
        ParameterKind::TlsMaster => {
            let tls = known(memory::TlsMaster::read(caller))?;
            run(Parameter::TlsMaster { hash: tls.hash, random: derivation::random(&tls.random)? })
        }
        ParameterKind::TlsExtendedMaster => {
            let tls = known(memory::TlsExtendedMaster::read(caller))?;
            run(Parameter::TlsExtendedMaster { hash: tls.hash, session_hash: bytes(&tls.session_hash)? })
        }
        ParameterKind::TlsKeys => run(derivation::tls_keys(&known(memory::TlsKeys::read(caller))?)?),
        ParameterKind::TlsMac => {
            let memory::TlsMac { hash, bytes, server_or_client } = known(memory::TlsMac::read(caller))?;
            run(Parameter::TlsMac { hash, bytes, server_or_client })
        }
        ParameterKind::TlsKdf => run(derivation::tls_kdf(&known(memory::TlsKdf::read(caller))?)?),
        ParameterKind::Ike2PrfPlus => run(derivation::ike2_prf_plus(&known(memory::Ike2PrfPlus::read(caller))?)?),
        ParameterKind::IkePrf => run(derivation::ike_prf(&known(memory::IkePrf::read(caller))?)?),
        ParameterKind::Ike1Prf => run(derivation::ike1_prf(&known(memory::Ike1Prf::read(caller))?)?),
        ParameterKind::Ike1Extended => run(derivation::ike1_extended(&known(memory::Ike1Extended::read(caller))?)?),
    }
}

/// A struct, if the caller's parameter was one.
fn known<T>(params: Option<T>) -> Result<T, Error> {
    params.ok_or(WRONG_LENGTH)
}

fn chacha20(chacha: &ChaCha20) -> Result<Parameter<'_>, Error> {
    let counter = match (chacha.counter_bits, bytes(&chacha.counter)?) {
        (32, &[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]).into(),
        (64, counter) => u64::from_le_bytes(counter.try_into().map_err(|_| WRONG_LENGTH)?),
        _ => return Err(Error::MechanismParameter("blockCounterBits is 32 or 64")),
    };
    if !matches!(chacha.nonce_bits, 64 | 96) {
        return Err(Error::MechanismParameter("ulNonceBits is 64 or 96"));
    }
    Ok(Parameter::ChaCha20 {
        counter,
        counter_bits: chacha.counter_bits,
        nonce_bits: chacha.nonce_bits,
        nonce: bytes(&chacha.nonce)?,
    })
}

fn exactly(input: &Input, len: usize) -> Result<&[u8], Error> {
    let bytes = bytes(input)?;
    if bytes.len() == len { Ok(bytes) } else { Err(WRONG_LENGTH) }
}

fn bytes(input: &Input) -> Result<&[u8], Error> {
    input.bytes().map_err(|_| Error::MechanismParameter("a pointer and its length can mean no memory"))
}

const TWEAK_BYTES: usize = 16;
const WRONG_LENGTH: Error = Error::MechanismParameter("it is missing or not of the length this mechanism takes");

#[cfg(test)]
mod tests {
    use cryptoki_sys::*;

    use super::*;
    use crate::memory::tests::pointer;

    /// Each kind, the bytes of its struct or structs, and whether a pointer is in it.
    const KINDS: &[(ParameterKind, &[usize], bool)] = &[
        (ParameterKind::None, &[0], false),
        (ParameterKind::Iv(16), &[16], false),
        (ParameterKind::IvOrNone(8), &[0, 8], false),
        (ParameterKind::Tweak, &[16], false),
        (ParameterKind::Ctr, &[size_of::<CK_AES_CTR_PARAMS>()], false),
        (ParameterKind::Gcm, &[40, size_of::<CK_GCM_PARAMS>()], true),
        (ParameterKind::Ccm, &[size_of::<CK_CCM_PARAMS>()], true),
        (ParameterKind::ChaCha20Poly1305, &[size_of::<CK_SALSA20_CHACHA20_POLY1305_PARAMS>()], true),
        (ParameterKind::MacLength, &[8], false),
        (ParameterKind::Pss, &[size_of::<CK_RSA_PKCS_PSS_PARAMS>()], false),
        (ParameterKind::Oaep, &[size_of::<CK_RSA_PKCS_OAEP_PARAMS>()], true),
        (ParameterKind::Ecdh, &[size_of::<CK_ECDH1_DERIVE_PARAMS>()], true),
        (ParameterKind::EcdhAes, &[size_of::<CK_ECDH_AES_KEY_WRAP_PARAMS>()], true),
        (ParameterKind::X942Dh, &[size_of::<CK_X9_42_DH1_DERIVE_PARAMS>()], true),
        (ParameterKind::EdDsa, &[0, size_of::<CK_EDDSA_PARAMS>()], true),
        (ParameterKind::SignContext, &[0, size_of::<CK_SIGN_ADDITIONAL_CONTEXT>()], true),
        (ParameterKind::HashSignContext, &[size_of::<CK_HASH_SIGN_ADDITIONAL_CONTEXT>()], true),
        (ParameterKind::StringData, &[size_of::<CK_KEY_DERIVATION_STRING_DATA>()], true),
        (ParameterKind::EncryptData(16), &[size_of::<CK_AES_CBC_ENCRYPT_DATA_PARAMS>()], true),
        (ParameterKind::EncryptData(8), &[size_of::<CK_DES_CBC_ENCRYPT_DATA_PARAMS>()], true),
        (ParameterKind::Extract, &[8], false),
        (ParameterKind::Key, &[8], false),
        (ParameterKind::Hkdf, &[size_of::<CK_HKDF_PARAMS>()], true),
        (ParameterKind::Pbkdf2, &[size_of::<CK_PKCS5_PBKD2_PARAMS2>()], true),
        (ParameterKind::CounterKdf, &[size_of::<CK_SP800_108_KDF_PARAMS>()], true),
        (ParameterKind::FeedbackKdf, &[size_of::<CK_SP800_108_FEEDBACK_KDF_PARAMS>()], true),
        (ParameterKind::TlsMaster, &[size_of::<CK_TLS12_MASTER_KEY_DERIVE_PARAMS>()], true),
        (ParameterKind::TlsExtendedMaster, &[size_of::<CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS>()], true),
        (ParameterKind::TlsKeys, &[size_of::<CK_TLS12_KEY_MAT_PARAMS>()], true),
        (ParameterKind::TlsMac, &[size_of::<CK_TLS_MAC_PARAMS>()], false),
        (ParameterKind::TlsKdf, &[size_of::<CK_TLS_KDF_PARAMS>()], true),
        (ParameterKind::Ike2PrfPlus, &[size_of::<CK_IKE2_PRF_PLUS_DERIVE_PARAMS>()], true),
        (ParameterKind::IkePrf, &[size_of::<CK_IKE_PRF_DERIVE_PARAMS>()], true),
        (ParameterKind::Ike1Prf, &[size_of::<CK_IKE1_PRF_DERIVE_PARAMS>()], true),
        (ParameterKind::Ike1Extended, &[size_of::<CK_IKE1_EXTENDED_DERIVE_PARAMS>()], true),
    ];

    fn read(kind: ParameterKind, start: *mut CK_ULONG, len: CK_ULONG) -> CK_RV {
        let parameter = Input::new(pointer(start.cast()), len);
        with_parameter(kind, &parameter, |_| Ok(())).map_or_else(|error| error.rv(), |()| CKR_OK)
    }

    #[test]
    fn parameters_have_one_length_and_pointers_that_can_be() {
        for (kind, sizes, pointers) in KINDS {
            for len in (0..100).chain([1 << 40, 1 << 63, CK_ULONG::MAX]) {
                let fits = sizes.contains(&(len as usize));
                let expected = if fits { CKR_OK } else { CKR_MECHANISM_PARAM_INVALID };
                assert_eq!(read(*kind, [0; 16].as_mut_ptr(), len), expected, "{kind:?} of {len} bytes");
                if len > 0 {
                    assert_eq!(read(*kind, std::ptr::null_mut(), len), CKR_MECHANISM_PARAM_INVALID, "{kind:?} at NULL");
                }
                // A pointer to nowhere with a length wherever there is a pair.
                if fits && len > 0 && *pointers {
                    assert_eq!(read(*kind, [1; 16].as_mut_ptr(), len), CKR_MECHANISM_PARAM_INVALID, "{kind:?}");
                }
            }
        }
        let mut wrap = [256, 0];
        assert_eq!(read(ParameterKind::RsaAes, wrap.as_mut_ptr(), 16), CKR_MECHANISM_PARAM_INVALID);
        wrap[1] = 1;
        assert_eq!(read(ParameterKind::RsaAes, wrap.as_mut_ptr(), 16), CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(read(ParameterKind::Bytes, wrap.as_mut_ptr(), 16), CKR_OK);
        assert_eq!(read(ParameterKind::Bytes, std::ptr::null_mut(), 0), CKR_OK);
        assert_eq!(read(ParameterKind::Bytes, std::ptr::null_mut(), 1), CKR_MECHANISM_PARAM_INVALID);
    }
}
