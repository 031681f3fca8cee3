//! Parameters with an IV that the module may make and a tag apart from the ciphertext: those of messages and of key
//! wraps.

use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::session::{Message, MessageKind};

use super::{Input, Pointer, pair, pair_len, read_struct};

/// `CK_GCM_MESSAGE_PARAMS`, `CK_CCM_MESSAGE_PARAMS`, `CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS`, `CK_GCM_WRAP_PARAMS` or
/// `CK_CCM_WRAP_PARAMS`, still unread where it leads to.
#[derive(Clone, Copy)]
pub(crate) struct CallerMessage {
    kind: MessageKind,
    iv: Input,
    fixed_bits: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    /// Of the structs for messages alone.
    tag: Pointer<u8>,
    tag_bits: CK_ULONG,
    /// Of the structs for wraps alone.
    aad: Input,
}

/// What a [`CallerMessage`] leads to, copied: the caller's IV, tag and output may lie in one another.
pub(crate) struct OwnMessage {
    kind: MessageKind,
    iv: Vec<u8>,
    fixed_bits: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    tag: [u8; TAG_BYTES_MAX],
    tag_bytes: usize,
}

impl CallerMessage {
    /// The struct for a message, known by its length.
    pub(crate) fn read(parameter: &Input) -> Option<CallerMessage> {
        if let Some(params) = read_struct::<CK_GCM_MESSAGE_PARAMS>(parameter) {
            return Some(CallerMessage {
                kind: MessageKind::Gcm,
                iv: pair(params.pIv, params.ulIvLen),
                fixed_bits: params.ulIvFixedBits,
                generator: params.ivGenerator,
                tag: Pointer(params.pTag),
                tag_bits: params.ulTagBits,
                aad: NOTHING,
            });
        }
        if let Some(params) = read_struct::<CK_CCM_MESSAGE_PARAMS>(parameter) {
            return Some(CallerMessage {
                kind: MessageKind::Ccm { data_bytes: params.ulDataLen },
                iv: pair(params.pNonce, params.ulNonceLen),
                fixed_bits: params.ulNonceFixedBits,
                generator: params.nonceGenerator,
                tag: Pointer(params.pMAC),
                tag_bits: params.ulMACLen.checked_mul(8)?,
                aad: NOTHING,
            });
        }
        let params: CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS = read_struct(parameter)?;
        Some(CallerMessage {
            kind: MessageKind::ChaCha20Poly1305,
            iv: pair(params.pNonce, params.ulNonceLen),
            fixed_bits: 0,
            generator: CKG_NO_GENERATE,
            tag: Pointer(params.pTag),
            tag_bits: 8 * TAG_BYTES_MAX as CK_ULONG,
            aad: NOTHING,
        })
    }

    /// The struct for `C_WrapKey` with AES-GCM.
    pub(crate) fn read_gcm_wrap(parameter: &Input) -> Option<CallerMessage> {
        let params: CK_GCM_WRAP_PARAMS = read_struct(parameter)?;
        Some(CallerMessage {
            kind: MessageKind::Gcm,
            iv: pair(params.pIv, params.ulIvLen),
            fixed_bits: params.ulIvFixedBits,
            generator: params.ivGenerator,
            tag: Pointer(std::ptr::null_mut()),
            tag_bits: params.ulTagBits,
            aad: pair(params.pAAD, params.ulAADLen),
        })
    }

    /// The struct for `C_WrapKey` with AES-CCM.
    pub(crate) fn read_ccm_wrap(parameter: &Input) -> Option<CallerMessage> {
        let params: CK_CCM_WRAP_PARAMS = read_struct(parameter)?;
        Some(CallerMessage {
            kind: MessageKind::Ccm { data_bytes: params.ulDataLen },
            iv: pair(params.pNonce, params.ulNonceLen),
            fixed_bits: params.ulNonceFixedBits,
            generator: params.nonceGenerator,
            tag: Pointer(std::ptr::null_mut()),
            tag_bits: params.ulMACLen.checked_mul(8)?,
            aad: pair(params.pAAD, params.ulAADLen),
        })
    }

    /// Which mechanism it is for.
    pub(crate) fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The additional data in the struct for a wrap.
    pub(crate) fn aad(&self) -> &Input {
        &self.aad
    }

    /// Copies the IV, and makes room for a tag.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` for an IV that can mean no memory or is too long, and for a tag that is no whole
    /// number of bytes or too long; `CKR_HOST_MEMORY`.
    pub(crate) fn copy(&self) -> Result<OwnMessage, Error> {
        if self.iv.len() > IV_BYTES_MAX {
            return Err(Error::MechanismParameter("the IV is too long"));
        }
        let caller = self.iv.bytes().map_err(|_| Error::MechanismParameter("an IV at NULL with a length"))?;
        let mut iv = Vec::new();
        iv.try_reserve_exact(caller.len()).map_err(|_| Error::HostMemory)?;
        iv.extend_from_slice(caller);
        if !self.tag_bits.is_multiple_of(8) || self.tag_bits > 8 * TAG_BYTES_MAX as CK_ULONG {
            return Err(Error::MechanismParameter("the tag has whole bytes and at most 16 of them"));
        }
        let (fixed_bits, generator) = (self.fixed_bits, self.generator);
        let tag_bytes = (self.tag_bits / 8) as usize;
        Ok(OwnMessage { kind: self.kind, iv, fixed_bits, generator, tag: [0; TAG_BYTES_MAX], tag_bytes })
    }

    /// As [`CallerMessage::copy`], with the tag.
    ///
    /// # Errors
    /// As [`CallerMessage::copy`] and [`CallerMessage::require_tag`].
    pub(crate) fn copy_with_tag(&self) -> Result<OwnMessage, Error> {
        let mut own = self.copy()?;
        self.require_tag()?;
        let tag = pair(self.tag.0, own.tag_bytes as CK_ULONG);
        own.tag_mut().copy_from_slice(tag.bytes()?);
        Ok(own)
    }

    /// Checks that there is a place for the tag.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn require_tag(&self) -> Result<(), Error> {
        let place = self.tag.required().and_then(|tag| pair_len(tag.0, self.tag_bits.div_ceil(8)));
        place.map(drop).map_err(|_| Error::MechanismParameter("there is no place for the tag"))
    }

    /// Stores an IV that the module made where the caller's is.
    pub(crate) fn return_iv(&self, own: &OwnMessage) {
        if self.generator != CKG_NO_GENERATE && own.iv.len() as CK_ULONG == self.iv.len() && !self.iv.is_null() {
            // SAFETY: not NULL, vouched for as so many bytes, and no slice of the caller's memory is in use any more.
            unsafe { std::ptr::copy(own.iv.as_ptr(), self.iv.start().0, own.iv.len()) };
        }
    }

    /// Stores the tag where the caller's struct has its place; [`CallerMessage::require_tag`] has been asked.
    pub(crate) fn return_tag(&self, own: &OwnMessage) {
        let tag = own.tag();
        if !self.tag.is_null() {
            // SAFETY: not NULL, vouched for as so many bytes, and no slice of the caller's memory is in use any more.
            unsafe { std::ptr::copy(tag.as_ptr(), self.tag.0, tag.len()) };
        }
    }
}

impl OwnMessage {
    /// The message as the core knows it.
    pub(crate) fn message(&mut self) -> Message<'_> {
        let OwnMessage { kind, iv, fixed_bits, generator, tag, tag_bytes } = self;
        let tag = tag.get_mut(..*tag_bytes).unwrap_or_default();
        Message { kind: *kind, iv, fixed_bits: *fixed_bits, generator: *generator, tag }
    }

    pub(crate) fn tag(&self) -> &[u8] {
        self.tag.get(..self.tag_bytes).unwrap_or_default()
    }

    pub(crate) fn tag_mut(&mut self) -> &mut [u8] {
        self.tag.get_mut(..self.tag_bytes).unwrap_or_default()
    }
}

const TAG_BYTES_MAX: usize = 16;
/// IVs have 12 bytes as a rule; protocols with long ones use some hundreds.
const IV_BYTES_MAX: CK_ULONG = 65_536;
const NOTHING: Input = Input::new(Pointer(std::ptr::null_mut()), 0);

#[cfg(test)]
mod tests {
    use super::super::super::tests::pointer;
    use super::super::tests::parameter;
    use super::*;

    fn whole<T>(params: &mut T) -> Input {
        Input::new(pointer((&raw mut *params).cast()), size_of::<T>() as CK_ULONG)
    }

    #[test]
    fn structs_are_known_by_their_length() {
        let mut words = [1 as CK_ULONG, 2, 3, 4, 5, 6, 7, 8];
        let gcm = CallerMessage::read(&parameter(&mut words, 48)).unwrap();
        assert_eq!((gcm.kind, gcm.iv.len(), gcm.fixed_bits), (MessageKind::Gcm, 2, 3));
        assert_eq!((gcm.generator, gcm.tag_bits), (4, 6));
        let ccm = CallerMessage::read(&parameter(&mut words, 56)).unwrap();
        assert_eq!((ccm.kind, ccm.iv.len(), ccm.fixed_bits), (MessageKind::Ccm { data_bytes: 1 }, 3, 4));
        assert_eq!((ccm.generator, ccm.tag_bits), (5, 56));
        let chacha = CallerMessage::read(&parameter(&mut words, 24)).unwrap();
        assert_eq!((chacha.kind, chacha.iv.len(), chacha.tag_bits), (MessageKind::ChaCha20Poly1305, 2, 128));
        let wrap = CallerMessage::read_gcm_wrap(&parameter(&mut words, 56)).unwrap();
        assert_eq!((wrap.iv.len(), wrap.fixed_bits, wrap.generator, wrap.aad.len(), wrap.tag_bits), (2, 3, 4, 6, 7));
        let wrap = CallerMessage::read_ccm_wrap(&parameter(&mut words, 64)).unwrap();
        assert_eq!((wrap.iv.len(), wrap.fixed_bits, wrap.generator, wrap.aad.len(), wrap.tag_bits), (3, 4, 5, 7, 64));
        for len in [0, 8, 16, 23, 25, 32, 40, 47, 64] {
            assert!(CallerMessage::read(&parameter(&mut words, len)).is_none(), "{len}");
        }
        words[6] = CK_ULONG::MAX;
        assert!(CallerMessage::read(&parameter(&mut words, 56)).is_none());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let (mut iv, mut tag) = ([7u8; 12], [0u8; 16]);
        let good = CK_GCM_MESSAGE_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvFixedBits: 0,
            ivGenerator: CKG_GENERATE,
            pTag: tag.as_mut_ptr(),
            ulTagBits: 96,
        };
        let read = |mut params| CallerMessage::read(&whole(&mut params)).unwrap();
        assert!(read(good).copy_with_tag().is_ok());
        for wrong in [
            CK_GCM_MESSAGE_PARAMS { pIv: std::ptr::null_mut(), ..good },
            CK_GCM_MESSAGE_PARAMS { ulIvLen: IV_BYTES_MAX + 1, ..good },
            CK_GCM_MESSAGE_PARAMS { ulIvLen: CK_ULONG::MAX, ..good },
            CK_GCM_MESSAGE_PARAMS { ulTagBits: 97, ..good },
            CK_GCM_MESSAGE_PARAMS { ulTagBits: 136, ..good },
            CK_GCM_MESSAGE_PARAMS { ulTagBits: CK_ULONG::MAX, ..good },
        ] {
            assert_eq!(read(wrong).copy().err().map(|error| error.rv()), Some(CKR_MECHANISM_PARAM_INVALID));
        }
        assert!(read(CK_GCM_MESSAGE_PARAMS { pTag: std::ptr::null_mut(), ..good }).copy_with_tag().is_err());

        let caller = read(good);
        let mut own = caller.copy().unwrap();
        let message = own.message();
        message.iv.fill(9);
        message.tag.fill(8);
        caller.return_iv(&own);
        caller.return_tag(&own);
        assert_eq!((iv, &tag[..13]), ([9; 12], &[8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 0][..]));
    }
}
