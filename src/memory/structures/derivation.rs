//! Parameters of key derivation, without those of TLS.

use std::fs::File;
use std::os::unix::fs::FileExt;

use cryptoki_sys::*;
use strongroom_core::error::Error;

use super::{Attributes, Input, Pointer, array, pair, read_struct};

/// `CK_KEY_DERIVATION_STRING_DATA`: the data.
pub(crate) fn string_data(parameter: &Input) -> Option<Input> {
    let CK_KEY_DERIVATION_STRING_DATA { pData, ulLen } = read_struct(parameter)?;
    Some(pair(pData, ulLen))
}

/// `CK_AES_CBC_ENCRYPT_DATA_PARAMS`, and with an IV half as long `CK_DES_CBC_ENCRYPT_DATA_PARAMS`.
pub(crate) struct EncryptData {
    iv: [u8; 16],
    iv_len: usize,
    pub(crate) data: Input,
}

impl EncryptData {
    /// None where the struct with an IV of `iv_len` bytes is not what is there.
    pub(crate) fn read(parameter: &Input, iv_len: usize) -> Option<EncryptData> {
        match iv_len {
            16 => {
                let CK_AES_CBC_ENCRYPT_DATA_PARAMS { iv, pData, length } = read_struct(parameter)?;
                Some(EncryptData { iv, iv_len, data: pair(pData, length) })
            }
            8 => {
                let CK_DES_CBC_ENCRYPT_DATA_PARAMS { iv: short, pData, length } = read_struct(parameter)?;
                let mut iv = [0; 16];
                iv[..8].copy_from_slice(&short);
                Some(EncryptData { iv, iv_len, data: pair(pData, length) })
            }
            _ => None,
        }
    }

    pub(crate) fn iv(&self) -> &[u8] {
        self.iv.get(..self.iv_len).unwrap_or_default()
    }
}

/// `CK_HKDF_PARAMS`.
pub(crate) struct Hkdf {
    pub(crate) extract: bool,
    pub(crate) expand: bool,
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) salt_type: CK_ULONG,
    pub(crate) salt: Input,
    pub(crate) salt_key: CK_OBJECT_HANDLE,
    pub(crate) info: Input,
}

impl Hkdf {
    pub(crate) fn read(parameter: &Input) -> Option<Hkdf> {
        let params: CK_HKDF_PARAMS = read_struct(parameter)?;
        Some(Hkdf {
            extract: params.bExtract != CK_FALSE,
            expand: params.bExpand != CK_FALSE,
            hash: params.prfHashMechanism,
            salt_type: params.ulSaltType,
            salt: pair(params.pSalt, params.ulSaltLen),
            salt_key: params.hSaltKey,
            info: pair(params.pInfo, params.ulInfoLen),
        })
    }
}

/// `CK_PKCS5_PBKD2_PARAMS2`, or `CK_PKCS5_PBKD2_PARAMS`.
pub(crate) struct Pbkdf2 {
    pub(crate) salt_source: CK_ULONG,
    pub(crate) salt: Input,
    pub(crate) iterations: CK_ULONG,
    pub(crate) prf: CK_ULONG,
    pub(crate) prf_data: Input,
    pub(crate) password: Input,
}

impl Pbkdf2 {
    /// The two structs have one size, and in the older one `ulPasswordLen` is a pointer to the length. No password is
    /// as long as the lowest address a pointer can have, so a larger number is taken for a pointer if a length can be
    /// read there.
    pub(crate) fn read(parameter: &Input) -> Option<Pbkdf2> {
        let params: CK_PKCS5_PBKD2_PARAMS2 = read_struct(parameter)?;
        let password_len = match params.ulPasswordLen {
            len @ ..LOWEST_ADDRESS => len,
            address => word_at(address).filter(|len| *len < LOWEST_ADDRESS)?,
        };
        Some(Pbkdf2 {
            salt_source: params.saltSource,
            salt: pair(params.pSaltSourceData, params.ulSaltSourceDataLen),
            iterations: params.iterations,
            prf: params.prf,
            prf_data: pair(params.pPrfData, params.ulPrfDataLen),
            password: pair(params.pPassword, password_len),
        })
    }
}

/// The number at an address that may be none. The kernel reads it, which refuses what would be a fault here.
fn word_at(address: CK_ULONG) -> Option<CK_ULONG> {
    let mut word = [0; size_of::<CK_ULONG>()];
    File::open("/proc/self/mem").ok()?.read_exact_at(&mut word, address).ok()?;
    Some(CK_ULONG::from_ne_bytes(word))
}

/// Linux maps nothing below (`vm.mmap_min_addr`).
const LOWEST_ADDRESS: CK_ULONG = 65_536;

/// `CK_SP800_108_KDF_PARAMS`, `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
pub(crate) struct Kdf108 {
    pub(crate) prf: CK_MECHANISM_TYPE,
    pub(crate) fields: Vec<Kdf108Field>,
    pub(crate) iv: Input,
    pub(crate) additional: Vec<DerivedKey>,
}

/// `CK_PRF_DATA_PARAM` with what it leads to.
pub(crate) enum Kdf108Field {
    Iteration(Option<CounterFormat>),
    Counter(CounterFormat),
    Length { method: CK_ULONG, format: CounterFormat },
    Bytes(Input),
    Key(CK_OBJECT_HANDLE),
}

/// `CK_SP800_108_COUNTER_FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CounterFormat {
    pub(crate) little_endian: bool,
    pub(crate) bits: CK_ULONG,
}

/// `CK_DERIVED_KEY`.
#[derive(Clone, Copy)]
pub(crate) struct DerivedKey {
    pub(crate) template: Attributes,
    /// Where its handle goes.
    pub(crate) key: Pointer<CK_OBJECT_HANDLE>,
}

impl Kdf108 {
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn read(parameter: &Input) -> Result<Kdf108, Error> {
        let params: CK_SP800_108_KDF_PARAMS = read_struct(parameter).ok_or(NO_STRUCT)?;
        Kdf108::of(
            params.prfType,
            array(params.pDataParams, params.ulNumberOfDataParams, FIELDS_MAX)?,
            pair(std::ptr::null_mut::<u8>(), 0),
            array(params.pAdditionalDerivedKeys, params.ulAdditionalDerivedKeys, ADDITIONAL_KEYS_MAX)?,
        )
    }

    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn read_feedback(parameter: &Input) -> Result<Kdf108, Error> {
        let params: CK_SP800_108_FEEDBACK_KDF_PARAMS = read_struct(parameter).ok_or(NO_STRUCT)?;
        Kdf108::of(
            params.prfType,
            array(params.pDataParams, params.ulNumberOfDataParams, FIELDS_MAX)?,
            pair(params.pIV, params.ulIVLen),
            array(params.pAdditionalDerivedKeys, params.ulAdditionalDerivedKeys, ADDITIONAL_KEYS_MAX)?,
        )
    }

    fn of(
        prf: CK_MECHANISM_TYPE,
        fields: Vec<CK_PRF_DATA_PARAM>,
        iv: Input,
        additional: Vec<CK_DERIVED_KEY>,
    ) -> Result<Kdf108, Error> {
        let fields = fields.iter().map(Kdf108Field::of).collect::<Option<_>>();
        Ok(Kdf108 {
            prf,
            fields: fields.ok_or(Error::MechanismParameter("a CK_PRF_DATA_PARAM is of no known kind or length"))?,
            iv,
            additional: additional.iter().map(DerivedKey::of).collect(),
        })
    }
}

impl Kdf108Field {
    fn of(param: &CK_PRF_DATA_PARAM) -> Option<Kdf108Field> {
        let value = pair(param.pValue, param.ulValueLen);
        Some(match param.type_ {
            CK_SP800_108_ITERATION_VARIABLE if value.len() == 0 => Kdf108Field::Iteration(None),
            CK_SP800_108_ITERATION_VARIABLE => Kdf108Field::Iteration(Some(CounterFormat::read(&value)?)),
            CK_SP800_108_COUNTER => Kdf108Field::Counter(CounterFormat::read(&value)?),
            CK_SP800_108_DKM_LENGTH => {
                let CK_SP800_108_DKM_LENGTH_FORMAT { dkmLengthMethod, bLittleEndian, ulWidthInBits } =
                    read_struct(&value)?;
                let format = CounterFormat { little_endian: bLittleEndian != CK_FALSE, bits: ulWidthInBits };
                Kdf108Field::Length { method: dkmLengthMethod, format }
            }
            CK_SP800_108_BYTE_ARRAY => Kdf108Field::Bytes(value),
            CK_SP800_108_KEY_HANDLE => Kdf108Field::Key(read_struct(&value)?),
            _ => return None,
        })
    }
}

impl CounterFormat {
    fn read(value: &Input) -> Option<CounterFormat> {
        let CK_SP800_108_COUNTER_FORMAT { bLittleEndian, ulWidthInBits } = read_struct(value)?;
        Some(CounterFormat { little_endian: bLittleEndian != CK_FALSE, bits: ulWidthInBits })
    }
}

impl DerivedKey {
    fn of(key: &CK_DERIVED_KEY) -> DerivedKey {
        DerivedKey { template: Attributes::new(Pointer(key.pTemplate), key.ulAttributeCount), key: Pointer(key.phKey) }
    }
}

/// The fields of one derivation: protocols use four or five.
const FIELDS_MAX: usize = 64;
/// The keys of one derivation besides the first.
const ADDITIONAL_KEYS_MAX: usize = 64;
const NO_STRUCT: Error = Error::MechanismParameter("it is missing or not of the length this mechanism takes");

/// `CK_IKE2_PRF_PLUS_DERIVE_PARAMS`.
pub(crate) struct Ike2PrfPlus {
    pub(crate) prf: CK_MECHANISM_TYPE,
    pub(crate) seed_key: Option<CK_OBJECT_HANDLE>,
    pub(crate) seed: Input,
}

impl Ike2PrfPlus {
    pub(crate) fn read(parameter: &Input) -> Option<Ike2PrfPlus> {
        let CK_IKE2_PRF_PLUS_DERIVE_PARAMS { prfMechanism, bHasSeedKey, hSeedKey, pSeedData, ulSeedDataLen } =
            read_struct(parameter)?;
        let seed_key = (bHasSeedKey != CK_FALSE).then_some(hSeedKey);
        Some(Ike2PrfPlus { prf: prfMechanism, seed_key, seed: pair(pSeedData, ulSeedDataLen) })
    }
}

/// `CK_IKE_PRF_DERIVE_PARAMS`.
pub(crate) struct IkePrf {
    pub(crate) prf: CK_MECHANISM_TYPE,
    pub(crate) data_as_key: bool,
    pub(crate) rekey: bool,
    pub(crate) initiator: Input,
    pub(crate) responder: Input,
    pub(crate) new_key: CK_OBJECT_HANDLE,
}

impl IkePrf {
    pub(crate) fn read(parameter: &Input) -> Option<IkePrf> {
        let params: CK_IKE_PRF_DERIVE_PARAMS = read_struct(parameter)?;
        Some(IkePrf {
            prf: params.prfMechanism,
            data_as_key: params.bDataAsKey != CK_FALSE,
            rekey: params.bRekey != CK_FALSE,
            initiator: pair(params.pNi, params.ulNiLen),
            responder: pair(params.pNr, params.ulNrLen),
            new_key: params.hNewKey,
        })
    }
}

/// `CK_IKE1_PRF_DERIVE_PARAMS`.
pub(crate) struct Ike1Prf {
    pub(crate) prf: CK_MECHANISM_TYPE,
    pub(crate) previous: Option<CK_OBJECT_HANDLE>,
    pub(crate) shared: CK_OBJECT_HANDLE,
    pub(crate) initiator: Input,
    pub(crate) responder: Input,
    pub(crate) number: u8,
}

impl Ike1Prf {
    pub(crate) fn read(parameter: &Input) -> Option<Ike1Prf> {
        let params: CK_IKE1_PRF_DERIVE_PARAMS = read_struct(parameter)?;
        Some(Ike1Prf {
            prf: params.prfMechanism,
            previous: (params.bHasPrevKey != CK_FALSE).then_some(params.hPrevKey),
            shared: params.hKeygxy,
            initiator: pair(params.pCKYi, params.ulCKYiLen),
            responder: pair(params.pCKYr, params.ulCKYrLen),
            number: params.keyNumber,
        })
    }
}

/// `CK_IKE1_EXTENDED_DERIVE_PARAMS`.
pub(crate) struct Ike1Extended {
    pub(crate) prf: CK_MECHANISM_TYPE,
    pub(crate) shared: Option<CK_OBJECT_HANDLE>,
    pub(crate) extra: Input,
}

impl Ike1Extended {
    pub(crate) fn read(parameter: &Input) -> Option<Ike1Extended> {
        let CK_IKE1_EXTENDED_DERIVE_PARAMS { prfMechanism, bHasKeygxy, hKeygxy, pExtraData, ulExtraDataLen } =
            read_struct(parameter)?;
        let shared = (bHasKeygxy != CK_FALSE).then_some(hKeygxy);
        Some(Ike1Extended { prf: prfMechanism, shared, extra: pair(pExtraData, ulExtraDataLen) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::pointer;
    use super::super::tests::parameter;
    use super::*;

    fn whole<T>(params: &mut T) -> Input {
        Input::new(pointer((&raw mut *params).cast()), size_of::<T>() as CK_ULONG)
    }

    #[test]
    fn structs_are_read_by_their_exact_length() {
        let mut words = [1 as CK_ULONG, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        assert_eq!(string_data(&parameter(&mut words, 16)).unwrap().len(), 2);
        assert!(string_data(&parameter(&mut words, 8)).is_none());
        let aes = EncryptData::read(&parameter(&mut words, 32), 16).unwrap();
        assert_eq!((aes.iv().len(), aes.data.len()), (16, 4));
        let des = EncryptData::read(&parameter(&mut words, 24), 8).unwrap();
        assert_eq!((des.iv(), des.data.len()), (&1u64.to_ne_bytes()[..], 3));
        assert!(EncryptData::read(&parameter(&mut words, 24), 16).is_none());
        assert!(EncryptData::read(&parameter(&mut words, 32), 8).is_none());
        assert!(EncryptData::read(&parameter(&mut words, 32), 12).is_none());
        let hkdf = Hkdf::read(&parameter(&mut words, 64)).unwrap();
        assert_eq!((hkdf.hash, hkdf.salt_type, hkdf.salt.len(), hkdf.salt_key, hkdf.info.len()), (2, 3, 5, 6, 8));
        assert_eq!((hkdf.extract, hkdf.expand), (true, false));
        let plus = Ike2PrfPlus::read(&parameter(&mut words, 40)).unwrap();
        assert_eq!((plus.prf, plus.seed_key, plus.seed.len()), (1, Some(3), 5));
        let prf = IkePrf::read(&parameter(&mut words, 56)).unwrap();
        assert_eq!((prf.initiator.len(), prf.responder.len(), prf.new_key), (4, 6, 7));
        let first = Ike1Prf::read(&parameter(&mut words, 72)).unwrap();
        assert_eq!((first.shared, first.previous), (3, Some(4)));
        assert_eq!((first.initiator.len(), first.responder.len(), first.number), (6, 8, 9));
        words[1] = 0;
        let extended = Ike1Extended::read(&parameter(&mut words, 40)).unwrap();
        assert_eq!((extended.shared, extended.extra.len()), (None, 5));
        assert!(Ike1Extended::read(&parameter(&mut words, 48)).is_none());
    }

    #[test]
    fn both_structs_of_pbkdf2_are_told_apart() {
        let password = b"secret";
        let params = |len| CK_PKCS5_PBKD2_PARAMS2 {
            pPassword: password.as_ptr().cast_mut(),
            ulPasswordLen: len,
            ..Default::default()
        };
        let read = |len| Pbkdf2::read(&whole(&mut params(len)));
        assert_eq!(read(6).unwrap().password.bytes().unwrap(), b"secret");
        assert_eq!(read(0).unwrap().password.bytes().unwrap(), b"");
        let lengths: [CK_ULONG; 2] = [4, CK_ULONG::MAX];
        let address = lengths.as_ptr().expose_provenance() as CK_ULONG;
        if !cfg!(miri) {
            assert_eq!(read(address).unwrap().password.bytes().unwrap(), b"secr");
        }
        // A length nobody's password has, and no pointer either: read by the kernel, never by this process.
        for len in [LOWEST_ADDRESS, 1 << 40, 1 << 47, 1 << 62, CK_ULONG::MAX - 7, CK_ULONG::MAX] {
            assert!(read(len).is_none(), "{len:x}");
        }
        assert!(read(address + 8).is_none());
    }

    #[test]
    fn fields_of_a_kdf_are_read() {
        let mut counter = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_TRUE, ulWidthInBits: 32 };
        let mut length = CK_SP800_108_DKM_LENGTH_FORMAT {
            dkmLengthMethod: CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS,
            bLittleEndian: CK_FALSE,
            ulWidthInBits: 16,
        };
        let mut key: CK_OBJECT_HANDLE = 77;
        let mut label = *b"label";
        let param = |type_, start: *mut std::ffi::c_void, len: usize| CK_PRF_DATA_PARAM {
            type_,
            pValue: start,
            ulValueLen: len as CK_ULONG,
        };
        let mut fields = [
            param(CK_SP800_108_ITERATION_VARIABLE, (&raw mut counter).cast(), 16),
            param(CK_SP800_108_ITERATION_VARIABLE, std::ptr::null_mut(), 0),
            param(CK_SP800_108_COUNTER, (&raw mut counter).cast(), 16),
            param(CK_SP800_108_DKM_LENGTH, (&raw mut length).cast(), 24),
            param(CK_SP800_108_BYTE_ARRAY, (&raw mut label).cast(), 5),
            param(CK_SP800_108_KEY_HANDLE, (&raw mut key).cast(), 8),
        ];
        let read = |fields: &mut [CK_PRF_DATA_PARAM]| {
            Kdf108::read(&whole(&mut CK_SP800_108_KDF_PARAMS {
                prfType: CKM_SHA256_HMAC,
                ulNumberOfDataParams: fields.len() as CK_ULONG,
                pDataParams: fields.as_mut_ptr(),
                ..Default::default()
            }))
        };
        let format = CounterFormat { little_endian: true, bits: 32 };
        let kdf = read(&mut fields).unwrap();
        let [first, second, third, fourth, fifth, sixth] = &kdf.fields[..] else { panic!("six fields") };
        assert!(matches!(first, Kdf108Field::Iteration(Some(own)) if *own == format));
        assert!(matches!(second, Kdf108Field::Iteration(None)));
        assert!(matches!(third, Kdf108Field::Counter(own) if *own == format));
        let big_endian = CounterFormat { little_endian: false, bits: 16 };
        assert!(matches!(fourth, Kdf108Field::Length { method: 1, format } if *format == big_endian));
        assert!(matches!(fifth, Kdf108Field::Bytes(bytes) if bytes.bytes().unwrap() == b"label"));
        assert!(matches!(sixth, Kdf108Field::Key(77)));
        for wrong in [
            param(CK_SP800_108_ITERATION_VARIABLE, (&raw mut counter).cast(), 15),
            param(CK_SP800_108_COUNTER, std::ptr::null_mut(), 16),
            param(CK_SP800_108_COUNTER, std::ptr::null_mut(), 0),
            param(CK_SP800_108_DKM_LENGTH, (&raw mut length).cast(), 16),
            param(CK_SP800_108_KEY_HANDLE, (&raw mut key).cast(), 4),
            param(99, (&raw mut key).cast(), 8),
        ] {
            assert_eq!(read(&mut [wrong]).err().map(|error| error.rv()), Some(CKR_MECHANISM_PARAM_INVALID));
        }
    }

    #[test]
    fn arrays_are_bounded() {
        let mut key: CK_OBJECT_HANDLE = 0;
        let mut keys = [CK_DERIVED_KEY { phKey: &raw mut key, ..Default::default() }; 2];
        let read = |count, start| {
            Kdf108::read_feedback(&whole(&mut CK_SP800_108_FEEDBACK_KDF_PARAMS {
                ulAdditionalDerivedKeys: count,
                pAdditionalDerivedKeys: start,
                ..Default::default()
            }))
        };
        assert_eq!(read(2, keys.as_mut_ptr()).unwrap().additional.len(), 2);
        assert_eq!(read(0, std::ptr::null_mut()).unwrap().additional.len(), 0);
        for count in [1, ADDITIONAL_KEYS_MAX as CK_ULONG] {
            assert!(read(count, std::ptr::null_mut()).is_err());
        }
        for count in [ADDITIONAL_KEYS_MAX as CK_ULONG + 1, 1 << 60, CK_ULONG::MAX] {
            assert!(read(count, keys.as_mut_ptr()).is_err());
        }
        let mut field = CK_PRF_DATA_PARAM::default();
        for count in [FIELDS_MAX as CK_ULONG + 1, 1 << 59, CK_ULONG::MAX] {
            let mut params = CK_SP800_108_KDF_PARAMS {
                ulNumberOfDataParams: count,
                pDataParams: &raw mut field,
                ..Default::default()
            };
            assert!(Kdf108::read(&whole(&mut params)).is_err());
        }
    }
}
