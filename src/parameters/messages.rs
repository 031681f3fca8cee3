//! Messages and authenticated key wraps: IVs that the module makes, tags apart from the ciphertext.

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::error::Error;
use strongroom_core::mechanism::{Call, Mechanism, Parameter, ParameterKind};
use strongroom_core::session::{MessageKind, Session};

use super::{WRONG_LENGTH, bytes, known};
use crate::memory::{CallerMessage, Input, OwnMessage, Pointer};

/// The parameter of one message.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(crate) fn caller_message(parameter: &Input) -> Result<CallerMessage, Error> {
    known(CallerMessage::read(parameter))
}

/// A key wrap by an authenticated cipher, with a parameter in which the IV may be the module's to make and the tag may
/// have a place of its own.
pub(crate) struct Wrap {
    mechanism: &'static Mechanism,
    caller: CallerMessage,
    own: OwnMessage,
}

impl Wrap {
    /// The mechanism and parameter of `C_WrapKey` or `C_UnwrapKey`, if the parameter is `CK_GCM_WRAP_PARAMS` or
    /// `CK_CCM_WRAP_PARAMS`.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD`, `CKR_MECHANISM_INVALID`, `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn read(pointer: Pointer<CK_MECHANISM>) -> Result<Option<Wrap>, Error> {
        let (mechanism, parameter) = super::read(pointer)?;
        let caller = match mechanism.parameter {
            ParameterKind::Gcm => CallerMessage::read_gcm_wrap(&parameter),
            ParameterKind::Ccm => CallerMessage::read_ccm_wrap(&parameter),
            _ => None,
        };
        caller.map(|caller| Ok(Wrap { mechanism, caller, own: caller.copy()? })).transpose()
    }

    /// The mechanism and parameter of `C_WrapKeyAuthenticated` or, with the tag, of `C_UnwrapKeyAuthenticated`, if the
    /// mechanism is an authenticated cipher: its parameter is then that of a message.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD`, `CKR_MECHANISM_INVALID`, `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn read_authenticated(pointer: Pointer<CK_MECHANISM>, with_tag: bool) -> Result<Option<Wrap>, Error> {
        let (mechanism, parameter) = super::read(pointer)?;
        let fits: fn(MessageKind) -> bool = match mechanism.parameter {
            ParameterKind::Gcm => |kind| kind == MessageKind::Gcm,
            ParameterKind::Ccm => |kind| matches!(kind, MessageKind::Ccm { .. }),
            ParameterKind::ChaCha20Poly1305 => |kind| kind == MessageKind::ChaCha20Poly1305,
            _ => return Ok(None),
        };
        let caller = CallerMessage::read(&parameter).filter(|caller| fits(caller.kind())).ok_or(WRONG_LENGTH)?;
        caller.require_tag()?;
        let own = if with_tag { caller.copy_with_tag() } else { caller.copy() }?;
        Ok(Some(Wrap { mechanism, caller, own }))
    }

    /// Makes the IV, if that is asked for.
    ///
    /// # Errors
    /// The generator's.
    pub(crate) fn make_iv(&mut self, session: &Session) -> Result<(), Error> {
        session.make_wrap_iv(&mut self.own.message())
    }

    /// Runs `run` with the parameter as the core knows it, in which the tag follows the ciphertext.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`, and what `run` gives.
    pub(crate) fn with_call<R>(&mut self, run: impl FnOnce(Call<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let aad = bytes(self.caller.aad())?;
        let message = self.own.message();
        let (iv, tag_bytes) = (&*message.iv, message.tag.len() as u64);
        let parameter = match message.kind {
            MessageKind::Gcm => Parameter::Gcm { iv, aad, tag_bits: tag_bytes * 8 },
            MessageKind::Ccm { data_bytes } => Parameter::Ccm { data_bytes, nonce: iv, aad, mac_bytes: tag_bytes },
            MessageKind::ChaCha20Poly1305 => Parameter::ChaCha20Poly1305 { nonce: iv, aad },
        };
        run(Call { mechanism: self.mechanism, parameter })
    }

    /// Bytes of the tag.
    pub(crate) fn tag(&mut self) -> &mut [u8] {
        self.own.tag_mut()
    }

    /// Stores the IV that was made, and the tag where it has a place.
    pub(crate) fn store(&self) {
        self.caller.return_iv(&self.own);
        self.caller.return_tag(&self.own);
    }
}
