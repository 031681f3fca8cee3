//! Parameters of RSA, of key agreement and of the signatures with a context.

use cryptoki_sys::*;

use super::{Input, pair, read_struct};

/// `CK_RSA_PKCS_PSS_PARAMS`.
pub(crate) struct Pss {
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) mgf: CK_RSA_PKCS_MGF_TYPE,
    pub(crate) salt_bytes: CK_ULONG,
}

impl Pss {
    pub(crate) fn read(parameter: &Input) -> Option<Pss> {
        let CK_RSA_PKCS_PSS_PARAMS { hashAlg, mgf, sLen } = read_struct(parameter)?;
        Some(Pss { hash: hashAlg, mgf, salt_bytes: sLen })
    }
}

/// `CK_RSA_PKCS_OAEP_PARAMS`.
pub(crate) struct Oaep {
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) mgf: CK_RSA_PKCS_MGF_TYPE,
    pub(crate) source: CK_RSA_PKCS_OAEP_SOURCE_TYPE,
    pub(crate) label: Input,
}

impl Oaep {
    pub(crate) fn read(parameter: &Input) -> Option<Oaep> {
        let CK_RSA_PKCS_OAEP_PARAMS { hashAlg, mgf, source, pSourceData, ulSourceDataLen } = read_struct(parameter)?;
        Some(Oaep { hash: hashAlg, mgf, source, label: pair(pSourceData, ulSourceDataLen) })
    }
}

/// `CK_RSA_AES_KEY_WRAP_PARAMS` with the struct it leads to.
pub(crate) struct RsaAes {
    pub(crate) key_bits: CK_ULONG,
    pub(crate) oaep: Oaep,
}

impl RsaAes {
    /// None where the inner struct is missing, too.
    pub(crate) fn read(parameter: &Input) -> Option<RsaAes> {
        let CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits, pOAEPParams } = read_struct(parameter)?;
        let oaep = Oaep::read(&pair(pOAEPParams, size_of::<CK_RSA_PKCS_OAEP_PARAMS>() as CK_ULONG))?;
        Some(RsaAes { key_bits: ulAESKeyBits, oaep })
    }
}

/// `CK_ECDH1_DERIVE_PARAMS`, `CK_X9_42_DH1_DERIVE_PARAMS`, `CK_ECDH_AES_KEY_WRAP_PARAMS`.
pub(crate) struct Agreement {
    pub(crate) kdf: CK_ULONG,
    pub(crate) shared: Input,
    pub(crate) public: Input,
    pub(crate) key_bits: CK_ULONG,
}

impl Agreement {
    pub(crate) fn read_ecdh(parameter: &Input) -> Option<Agreement> {
        let CK_ECDH1_DERIVE_PARAMS { kdf, ulSharedDataLen, pSharedData, ulPublicDataLen, pPublicData } =
            read_struct(parameter)?;
        let (shared, public) = (pair(pSharedData, ulSharedDataLen), pair(pPublicData, ulPublicDataLen));
        Some(Agreement { kdf, shared, public, key_bits: 0 })
    }

    pub(crate) fn read_x942(parameter: &Input) -> Option<Agreement> {
        let CK_X9_42_DH1_DERIVE_PARAMS { kdf, ulOtherInfoLen, pOtherInfo, ulPublicDataLen, pPublicData } =
            read_struct(parameter)?;
        let (shared, public) = (pair(pOtherInfo, ulOtherInfoLen), pair(pPublicData, ulPublicDataLen));
        Some(Agreement { kdf, shared, public, key_bits: 0 })
    }

    /// The peer's public value is the wrapping key's.
    pub(crate) fn read_ecdh_aes(parameter: &Input) -> Option<Agreement> {
        let CK_ECDH_AES_KEY_WRAP_PARAMS { ulAESKeyBits, kdf, ulSharedDataLen, pSharedData } = read_struct(parameter)?;
        let public = pair(std::ptr::null_mut::<u8>(), 0);
        Some(Agreement { kdf, shared: pair(pSharedData, ulSharedDataLen), public, key_bits: ulAESKeyBits })
    }
}

/// `CK_EDDSA_PARAMS`.
pub(crate) struct EdDsa {
    pub(crate) prehash: bool,
    pub(crate) context: Input,
}

impl EdDsa {
    pub(crate) fn read(parameter: &Input) -> Option<EdDsa> {
        let CK_EDDSA_PARAMS { phFlag, ulContextDataLen, pContextData } = read_struct(parameter)?;
        Some(EdDsa { prehash: phFlag != CK_FALSE, context: pair(pContextData, ulContextDataLen) })
    }
}

/// `CK_SIGN_ADDITIONAL_CONTEXT`, `CK_HASH_SIGN_ADDITIONAL_CONTEXT`.
pub(crate) struct SignContext {
    pub(crate) hedge: CK_HEDGE_TYPE,
    pub(crate) context: Input,
    pub(crate) hash: Option<CK_MECHANISM_TYPE>,
}

impl SignContext {
    pub(crate) fn read(parameter: &Input) -> Option<SignContext> {
        let CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant, pContext, ulContextLen } = read_struct(parameter)?;
        Some(SignContext { hedge: hedgeVariant, context: pair(pContext, ulContextLen), hash: None })
    }

    pub(crate) fn read_with_hash(parameter: &Input) -> Option<SignContext> {
        let CK_HASH_SIGN_ADDITIONAL_CONTEXT { hedgeVariant, pContext, ulContextLen, hash } = read_struct(parameter)?;
        Some(SignContext { hedge: hedgeVariant, context: pair(pContext, ulContextLen), hash: Some(hash) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::pointer;
    use super::super::tests::parameter;
    use super::*;

    #[test]
    fn structs_are_read_by_their_exact_length() {
        let mut words = [1 as CK_ULONG, 2, 3, 4, 5, 6];
        assert_eq!(Pss::read(&parameter(&mut words, 24)).unwrap().salt_bytes, 3);
        assert!(Pss::read(&parameter(&mut words, 23)).is_none());
        let oaep = Oaep::read(&parameter(&mut words, 40)).unwrap();
        assert_eq!((oaep.hash, oaep.mgf, oaep.source, oaep.label.len()), (1, 2, 3, 5));
        assert!(Oaep::read(&parameter(&mut words, 48)).is_none());
        let ecdh = Agreement::read_ecdh(&parameter(&mut words, 40)).unwrap();
        assert_eq!((ecdh.kdf, ecdh.shared.len(), ecdh.public.len(), ecdh.key_bits), (1, 2, 4, 0));
        let x942 = Agreement::read_x942(&parameter(&mut words, 40)).unwrap();
        assert_eq!((x942.kdf, x942.shared.len(), x942.public.len()), (1, 2, 4));
        let wrap = Agreement::read_ecdh_aes(&parameter(&mut words, 32)).unwrap();
        assert_eq!((wrap.key_bits, wrap.kdf, wrap.shared.len(), wrap.public.len()), (1, 2, 3, 0));
        assert!(Agreement::read_ecdh_aes(&parameter(&mut words, 40)).is_none());
        let eddsa = EdDsa::read(&parameter(&mut words, 24)).unwrap();
        assert_eq!((eddsa.prehash, eddsa.context.len()), (true, 2));
        let context = SignContext::read(&parameter(&mut words, 24)).unwrap();
        assert_eq!((context.hedge, context.context.len(), context.hash), (1, 3, None));
        let context = SignContext::read_with_hash(&parameter(&mut words, 32)).unwrap();
        assert_eq!((context.context.len(), context.hash), (3, Some(4)));
        assert!(SignContext::read(&parameter(&mut words, 32)).is_none());
    }

    #[test]
    fn the_inner_struct_of_a_key_wrap_must_be_there() {
        let mut inner = CK_RSA_PKCS_OAEP_PARAMS { hashAlg: CKM_SHA256, ulSourceDataLen: 7, ..Default::default() };
        let mut outer = CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: 256, pOAEPParams: &raw mut inner };
        let read = |outer: &mut CK_RSA_AES_KEY_WRAP_PARAMS| {
            RsaAes::read(&Input::new(pointer((&raw mut *outer).cast()), size_of_val(outer) as CK_ULONG))
        };
        let both = read(&mut outer).unwrap();
        assert_eq!((both.key_bits, both.oaep.hash, both.oaep.label.len()), (256, CKM_SHA256, 7));
        assert!(both.oaep.label.bytes().is_err());
        outer.pOAEPParams = std::ptr::null_mut();
        assert!(read(&mut outer).is_none());
    }
}
