//! Parameters of TLS 1.2, and the struct that takes the keys of a connection.

use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::session::TlsKeys as MadeKeys;

use super::{Input, Pointer, pair, read_struct};
use crate::memory::pair_len;

/// `CK_SSL3_RANDOM_DATA`.
pub(crate) struct TlsRandom {
    pub(crate) client: Input,
    pub(crate) server: Input,
}

impl TlsRandom {
    fn of(random: &CK_SSL3_RANDOM_DATA) -> TlsRandom {
        TlsRandom {
            client: pair(random.pClientRandom, random.ulClientRandomLen),
            server: pair(random.pServerRandom, random.ulServerRandomLen),
        }
    }
}

/// `CK_TLS12_MASTER_KEY_DERIVE_PARAMS`.
pub(crate) struct TlsMaster {
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) random: TlsRandom,
    /// Where the version in the premaster secret goes.
    pub(crate) version: Pointer<CK_VERSION>,
}

impl TlsMaster {
    pub(crate) fn read(parameter: &Input) -> Option<TlsMaster> {
        let CK_TLS12_MASTER_KEY_DERIVE_PARAMS { RandomInfo, pVersion, prfHashMechanism } = read_struct(parameter)?;
        Some(TlsMaster { hash: prfHashMechanism, random: TlsRandom::of(&RandomInfo), version: Pointer(pVersion) })
    }
}

/// `CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS`.
pub(crate) struct TlsExtendedMaster {
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) session_hash: Input,
    /// Where the version in the premaster secret goes.
    pub(crate) version: Pointer<CK_VERSION>,
}

impl TlsExtendedMaster {
    pub(crate) fn read(parameter: &Input) -> Option<TlsExtendedMaster> {
        let CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS { prfHashMechanism, pSessionHash, ulSessionHashLen, pVersion } =
            read_struct(parameter)?;
        let session_hash = pair(pSessionHash, ulSessionHashLen);
        Some(TlsExtendedMaster { hash: prfHashMechanism, session_hash, version: Pointer(pVersion) })
    }
}

/// `CK_TLS12_KEY_MAT_PARAMS`.
pub(crate) struct TlsKeys {
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) random: TlsRandom,
    pub(crate) mac_bits: CK_ULONG,
    pub(crate) key_bits: CK_ULONG,
    pub(crate) iv_bits: CK_ULONG,
    pub(crate) export: bool,
    output: Pointer<CK_SSL3_KEY_MAT_OUT>,
}

impl TlsKeys {
    pub(crate) fn read(parameter: &Input) -> Option<TlsKeys> {
        let params: CK_TLS12_KEY_MAT_PARAMS = read_struct(parameter)?;
        Some(TlsKeys {
            hash: params.prfHashMechanism,
            random: TlsRandom::of(&params.RandomInfo),
            mac_bits: params.ulMacSizeInBits,
            key_bits: params.ulKeySizeInBits,
            iv_bits: params.ulIVSizeInBits,
            export: params.bIsExport != CK_FALSE,
            output: Pointer(params.pReturnedKeyMaterial),
        })
    }

    /// Where the keys go, and with `ivs` the IVs.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` without a struct for them, or without room for IVs that are asked for.
    pub(crate) fn output(&self, ivs: bool) -> Result<TlsOutput, Error> {
        let iv_bits = if ivs { self.iv_bits } else { 0 };
        let no_room = |_| Error::MechanismParameter("there is no room for the keys and IVs of a connection");
        pair_len(self.output.0.cast(), size_of::<CK_SSL3_KEY_MAT_OUT>() as CK_ULONG).map_err(no_room)?;
        let material = self.output.read().map_err(no_room)?;
        for iv in [material.pIVClient, material.pIVServer] {
            pair_len(iv, iv_bits.div_ceil(8)).map_err(no_room)?;
        }
        Ok(TlsOutput { place: self.output, iv_bytes: iv_bits / 8 })
    }
}

/// A `CK_SSL3_KEY_MAT_OUT` with room for its IVs.
#[derive(Clone, Copy)]
pub(crate) struct TlsOutput {
    place: Pointer<CK_SSL3_KEY_MAT_OUT>,
    iv_bytes: CK_ULONG,
}

impl TlsOutput {
    /// Stores the handles and the IVs.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` where an IV is not as long as was asked for.
    pub(crate) fn write(&self, keys: &MadeKeys) -> Result<(), Error> {
        let material = self.place.read()?;
        for (place, iv) in [(material.pIVClient, &keys.client_iv), (material.pIVServer, &keys.server_iv)] {
            if iv.is_empty() {
                continue;
            }
            if place.is_null() || iv.len() as CK_ULONG != self.iv_bytes {
                return Err(Error::MechanismParameter("the IVs are not as long as ulIVSizeInBits says"));
            }
            // SAFETY: not NULL, and vouched for as `ulIVSizeInBits` bits.
            unsafe { std::ptr::copy(iv.as_ptr(), place, iv.len()) };
        }
        self.place.write(CK_SSL3_KEY_MAT_OUT {
            hClientMacSecret: keys.client_mac,
            hServerMacSecret: keys.server_mac,
            hClientKey: keys.client_key,
            hServerKey: keys.server_key,
            ..material
        })
    }
}

/// `CK_TLS_MAC_PARAMS`.
pub(crate) struct TlsMac {
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) bytes: CK_ULONG,
    pub(crate) server_or_client: CK_ULONG,
}

impl TlsMac {
    pub(crate) fn read(parameter: &Input) -> Option<TlsMac> {
        let CK_TLS_MAC_PARAMS { prfHashMechanism, ulMacLength, ulServerOrClient } = read_struct(parameter)?;
        Some(TlsMac { hash: prfHashMechanism, bytes: ulMacLength, server_or_client: ulServerOrClient })
    }
}

/// `CK_TLS_KDF_PARAMS`.
pub(crate) struct TlsKdf {
    pub(crate) hash: CK_MECHANISM_TYPE,
    pub(crate) label: Input,
    pub(crate) random: TlsRandom,
    /// NULL for no context, which is not the same as an empty one (RFC 5705 §4).
    pub(crate) context: Input,
}

impl TlsKdf {
    pub(crate) fn read(parameter: &Input) -> Option<TlsKdf> {
        let params: CK_TLS_KDF_PARAMS = read_struct(parameter)?;
        Some(TlsKdf {
            hash: params.prfMechanism,
            label: pair(params.pLabel, params.ulLabelLength),
            random: TlsRandom::of(&params.RandomInfo),
            context: pair(params.pContextData, params.ulContextDataLength),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::pointer;
    use super::super::tests::parameter;
    use super::*;

    #[test]
    fn structs_are_read_by_their_exact_length() {
        let mut words = [1 as CK_ULONG, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        let master = TlsMaster::read(&parameter(&mut words, 48)).unwrap();
        assert_eq!((master.random.client.len(), master.random.server.len(), master.hash), (2, 4, 6));
        let extended = TlsExtendedMaster::read(&parameter(&mut words, 32)).unwrap();
        assert_eq!((extended.hash, extended.session_hash.len()), (1, 3));
        let keys = TlsKeys::read(&parameter(&mut words, 80)).unwrap();
        assert_eq!((keys.mac_bits, keys.key_bits, keys.iv_bits, keys.hash), (1, 2, 3, 10));
        assert_eq!((keys.random.client.len(), keys.random.server.len(), keys.export), (6, 8, true));
        assert!(TlsKeys::read(&parameter(&mut words, 72)).is_none());
        let mac = TlsMac::read(&parameter(&mut words, 24)).unwrap();
        assert_eq!((mac.hash, mac.bytes, mac.server_or_client), (1, 2, 3));
        let kdf = TlsKdf::read(&parameter(&mut words, 72)).unwrap();
        assert_eq!((kdf.label.len(), kdf.random.server.len(), kdf.context.len()), (3, 7, 9));
        assert!(TlsKdf::read(&parameter(&mut words, 64)).is_none());
    }

    #[test]
    fn keys_of_a_connection_go_where_there_is_room() {
        let (mut client_iv, mut server_iv) = ([0u8; 5], [0u8; 5]);
        let mut material = CK_SSL3_KEY_MAT_OUT {
            pIVClient: client_iv.as_mut_ptr(),
            pIVServer: server_iv.as_mut_ptr(),
            ..Default::default()
        };
        let mut params = CK_TLS12_KEY_MAT_PARAMS {
            ulIVSizeInBits: 32,
            pReturnedKeyMaterial: &raw mut material,
            ..Default::default()
        };
        let read = |params: &mut CK_TLS12_KEY_MAT_PARAMS| {
            TlsKeys::read(&Input::new(pointer((&raw mut *params).cast()), size_of_val(params) as CK_ULONG)).unwrap()
        };
        let output = read(&mut params).output(true).unwrap();
        let mut keys = MadeKeys {
            client_mac: 1,
            server_mac: 2,
            client_key: 3,
            server_key: 4,
            client_iv: vec![5; 4],
            server_iv: vec![6; 4],
        };
        output.write(&keys).unwrap();
        keys.server_iv.push(6);
        assert!(output.write(&keys).is_err());
        assert_eq!((client_iv, server_iv), ([5, 5, 5, 5, 0], [6, 6, 6, 6, 0]));
        let handles = (material.hClientMacSecret, material.hServerMacSecret, material.hClientKey, material.hServerKey);
        assert_eq!(handles, (1, 2, 3, 4));
        let mut roomless = CK_SSL3_KEY_MAT_OUT { pIVServer: std::ptr::null_mut(), ..material };
        params.pReturnedKeyMaterial = &raw mut roomless;
        assert!(read(&mut params).output(true).is_err());
        assert!(read(&mut params).output(false).is_ok());
        params.ulIVSizeInBits = 0;
        assert!(read(&mut params).output(true).is_ok());
        params.pReturnedKeyMaterial = std::ptr::null_mut();
        assert!(read(&mut params).output(true).is_err());
    }
}
