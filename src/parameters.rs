//! Mechanism parameters: from the caller's structs to the core's values, by what the catalogue says of each mechanism.

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::error::Error;
use strongroom_core::mechanism::{self, Call, MechanismName, Parameter, ParameterKind};

use crate::memory::{self, CallerMechanism, Ccm, ChaCha20, ChaCha20Poly1305, Ctr, Gcm, Input, Pointer};

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
    let CallerMechanism { id, parameter } = CallerMechanism::read(pointer)?;
    let mechanism = mechanism::find(id).ok_or(Error::MechanismInvalid(MechanismName(id)))?;
    with_parameter(mechanism.parameter, &parameter, |parameter| run(Call { mechanism, parameter }))
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
    }
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
