//! Mechanism parameters, once read from the caller's memory. Numbers are as the caller gave them: whoever uses them
//! checks them.

use std::fmt;

use crate::attribute::Template;

/// What parameter a mechanism takes: tells the door how to read the caller's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// None.
    None,
    /// An IV of so many bytes.
    Iv(usize),
    /// The 16-byte tweak of XTS.
    Tweak,
    /// `CK_AES_CTR_PARAMS`.
    Ctr,
    /// `CK_GCM_PARAMS`.
    Gcm,
    /// `CK_CCM_PARAMS`.
    Ccm,
    /// `CK_CHACHA20_PARAMS`.
    ChaCha20,
    /// `CK_SALSA20_CHACHA20_POLY1305_PARAMS`.
    ChaCha20Poly1305,
    /// `CK_MAC_GENERAL_PARAMS`.
    MacLength,
    /// Bytes of any length, possibly none: the peer's public value of `CKM_DH_PKCS_DERIVE`.
    Bytes,
    /// An IV of so many bytes or none at all: the fixed initial value of an AES key wrap.
    IvOrNone(usize),
    /// `CK_RSA_PKCS_PSS_PARAMS`.
    Pss,
    /// `CK_RSA_PKCS_OAEP_PARAMS`.
    Oaep,
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`.
    RsaAes,
    /// `CK_ECDH1_DERIVE_PARAMS`.
    Ecdh,
    /// `CK_ECDH_AES_KEY_WRAP_PARAMS`.
    EcdhAes,
    /// `CK_X9_42_DH1_DERIVE_PARAMS`.
    X942Dh,
    /// `CK_EDDSA_PARAMS`, or none.
    EdDsa,
    /// `CK_SIGN_ADDITIONAL_CONTEXT`, or none.
    SignContext,
    /// `CK_HASH_SIGN_ADDITIONAL_CONTEXT`.
    HashSignContext,
    /// `CK_KEY_DERIVATION_STRING_DATA`.
    StringData,
    /// `CK_AES_CBC_ENCRYPT_DATA_PARAMS`, `CK_DES_CBC_ENCRYPT_DATA_PARAMS`: by the length of their IV.
    EncryptData(usize),
    /// `CK_EXTRACT_PARAMS`.
    Extract,
    /// `CK_OBJECT_HANDLE`.
    Key,
    /// `CK_HKDF_PARAMS`.
    Hkdf,
    /// `CK_PKCS5_PBKD2_PARAMS2`, and the struct before it.
    Pbkdf2,
    /// `CK_SP800_108_KDF_PARAMS`.
    CounterKdf,
    /// `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
    FeedbackKdf,
    /// `CK_TLS12_MASTER_KEY_DERIVE_PARAMS`.
    TlsMaster,
    /// `CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS`.
    TlsExtendedMaster,
    /// `CK_TLS12_KEY_MAT_PARAMS`.
    TlsKeys,
    /// `CK_TLS_MAC_PARAMS`.
    TlsMac,
    /// `CK_TLS_KDF_PARAMS`.
    TlsKdf,
    /// `CK_IKE2_PRF_PLUS_DERIVE_PARAMS`.
    Ike2PrfPlus,
    /// `CK_IKE_PRF_DERIVE_PARAMS`.
    IkePrf,
    /// `CK_IKE1_PRF_DERIVE_PARAMS`.
    Ike1Prf,
    /// `CK_IKE1_EXTENDED_DERIVE_PARAMS`.
    Ike1Extended,
}

/// The parameter of one call.
#[derive(Clone)]
pub enum Parameter<'a> {
    /// None.
    None,
    /// An IV or a tweak.
    Bytes(&'a [u8]),
    /// `CK_AES_CTR_PARAMS`.
    Ctr {
        /// How many low bits of the block count.
        counter_bits: u64,
        /// The first counter block.
        block: [u8; 16],
    },
    /// `CK_GCM_PARAMS`.
    Gcm {
        /// The IV.
        iv: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
        /// Bits of the tag.
        tag_bits: u64,
    },
    /// `CK_CCM_PARAMS`.
    Ccm {
        /// Bytes of data, without the tag, in both directions.
        data_bytes: u64,
        /// The nonce.
        nonce: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
        /// Bytes of the tag.
        mac_bytes: u64,
    },
    /// `CK_CHACHA20_PARAMS`.
    ChaCha20 {
        /// The first block's number.
        counter: u64,
        /// Bits of the block counter: 32 or 64.
        counter_bits: u64,
        /// Bits of the nonce.
        nonce_bits: u64,
        /// The nonce.
        nonce: &'a [u8],
    },
    /// `CK_SALSA20_CHACHA20_POLY1305_PARAMS`.
    ChaCha20Poly1305 {
        /// The nonce.
        nonce: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
    },
    /// `CK_MAC_GENERAL_PARAMS`: bytes of the MAC.
    MacLength(u64),
    /// `CK_RSA_PKCS_PSS_PARAMS`.
    Pss {
        /// `CKM_*` of the hash.
        hash: u64,
        /// `CKG_MGF1_*`.
        mgf: u64,
        /// Bytes of the salt.
        salt_bytes: u64,
    },
    /// `CK_RSA_PKCS_OAEP_PARAMS`.
    Oaep(Oaep<'a>),
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`.
    RsaAes {
        /// Bits of the AES key in between.
        key_bits: u64,
        /// How that key is encrypted.
        oaep: Oaep<'a>,
    },
    /// `CK_ECDH1_DERIVE_PARAMS`, `CK_X9_42_DH1_DERIVE_PARAMS`; without `public`, `CK_ECDH_AES_KEY_WRAP_PARAMS`.
    Agreement {
        /// `CKD_*`.
        kdf: u64,
        /// Data that goes into the KDF.
        shared: &'a [u8],
        /// The peer's public value.
        public: &'a [u8],
        /// Bits of the AES key in between, for a key wrap.
        key_bits: u64,
    },
    /// `CK_EDDSA_PARAMS`.
    EdDsa {
        /// Whether the hash of the message is signed.
        prehash: bool,
        /// The context.
        context: &'a [u8],
    },
    /// `CK_SIGN_ADDITIONAL_CONTEXT`, `CK_HASH_SIGN_ADDITIONAL_CONTEXT`.
    SignContext {
        /// `CKH_*`.
        hedge: u64,
        /// The context.
        context: &'a [u8],
        /// `CKM_*` of the hash, in the second of the two.
        hash: Option<u64>,
    },
    /// `CK_AES_CBC_ENCRYPT_DATA_PARAMS` and its kin.
    EncryptData {
        /// The IV.
        iv: &'a [u8],
        /// The data that is encrypted to become the key.
        data: &'a [u8],
    },
    /// `CK_EXTRACT_PARAMS`: the first bit of the new key, counted from the most significant of the first byte.
    Extract(u64),
    /// `CK_OBJECT_HANDLE`.
    Key(u64),
    /// `CK_HKDF_PARAMS`.
    Hkdf(Hkdf<'a>),
    /// `CK_PKCS5_PBKD2_PARAMS2`.
    Pbkdf2(Pbkdf2<'a>),
    /// `CK_SP800_108_KDF_PARAMS`, `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
    Kdf108(Box<Kdf108<'a>>),
    /// `CK_TLS12_MASTER_KEY_DERIVE_PARAMS`.
    TlsMaster {
        /// `CKM_*` of the PRF's hash.
        hash: u64,
        /// The two random values of the handshake.
        random: TlsRandom<'a>,
    },
    /// `CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS`.
    TlsExtendedMaster {
        /// `CKM_*` of the PRF's hash.
        hash: u64,
        /// The hash of the handshake.
        session_hash: &'a [u8],
    },
    /// `CK_TLS12_KEY_MAT_PARAMS`.
    TlsKeys {
        /// `CKM_*` of the PRF's hash.
        hash: u64,
        /// The two random values of the handshake.
        random: TlsRandom<'a>,
        /// Bits of each MAC key.
        mac_bits: u64,
        /// Bits of each write key.
        key_bits: u64,
        /// Bits of each IV.
        iv_bits: u64,
        /// Whether keys of an export cipher suite are wanted.
        export: bool,
    },
    /// `CK_TLS_MAC_PARAMS`.
    TlsMac {
        /// `CKM_*` of the PRF's hash.
        hash: u64,
        /// Bytes of the MAC.
        bytes: u64,
        /// Who finishes: 1 the server, 2 the client.
        server_or_client: u64,
    },
    /// `CK_TLS_KDF_PARAMS`.
    TlsKdf {
        /// `CKM_*` of the PRF's hash.
        hash: u64,
        /// The label of the exporter.
        label: &'a [u8],
        /// The two random values of the handshake.
        random: TlsRandom<'a>,
        /// The context of the exporter, if there is one.
        context: Option<&'a [u8]>,
    },
    /// The IKE structs.
    Ike(Ike<'a>),
}

/// `CK_RSA_PKCS_OAEP_PARAMS`.
#[derive(Debug, Clone, Copy)]
pub struct Oaep<'a> {
    /// `CKM_*` of the hash.
    pub hash: u64,
    /// `CKG_MGF1_*`.
    pub mgf: u64,
    /// `CKZ_DATA_SPECIFIED`, or 0 for no label.
    pub source: u64,
    /// The label.
    pub label: &'a [u8],
}

/// `CK_SSL3_RANDOM_DATA`.
#[derive(Debug, Clone, Copy)]
pub struct TlsRandom<'a> {
    /// The client's.
    pub client: &'a [u8],
    /// The server's.
    pub server: &'a [u8],
}

/// `CK_HKDF_PARAMS`.
#[derive(Clone, Copy)]
pub struct Hkdf<'a> {
    /// Whether to extract.
    pub extract: bool,
    /// Whether to expand.
    pub expand: bool,
    /// `CKM_*` of the hash.
    pub hash: u64,
    /// `CKF_HKDF_SALT_*`.
    pub salt_type: u64,
    /// The salt, for `CKF_HKDF_SALT_DATA`.
    pub salt: &'a [u8],
    /// The key that is the salt, for `CKF_HKDF_SALT_KEY`.
    pub salt_key: u64,
    /// The context.
    pub info: &'a [u8],
}

/// `CK_PKCS5_PBKD2_PARAMS2`.
#[derive(Clone, Copy)]
pub struct Pbkdf2<'a> {
    /// `CKZ_SALT_SPECIFIED`.
    pub salt_source: u64,
    /// The salt.
    pub salt: &'a [u8],
    /// How often the function runs.
    pub iterations: u64,
    /// `CKP_PKCS5_PBKD2_*`.
    pub prf: u64,
    /// Data for the function: it takes none.
    pub prf_data: &'a [u8],
    /// The password.
    pub password: &'a [u8],
}

/// `CK_SP800_108_KDF_PARAMS`, and with an IV `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
#[derive(Clone)]
pub struct Kdf108<'a> {
    /// `CKM_*` of the PRF.
    pub prf: u64,
    /// What goes into each step, in this order.
    pub fields: Vec<Kdf108Field<'a>>,
    /// The IV of the feedback mode.
    pub iv: &'a [u8],
    /// The templates of the keys wanted besides the first.
    pub additional: Vec<Template<'a>>,
}

/// `CK_PRF_DATA_PARAM`.
#[derive(Clone, Copy)]
pub enum Kdf108Field<'a> {
    /// `CK_SP800_108_ITERATION_VARIABLE`: a counter in the counter mode, where it is a struct; none otherwise.
    Iteration(Option<CounterFormat>),
    /// `CK_SP800_108_COUNTER`.
    Counter(CounterFormat),
    /// `CK_SP800_108_DKM_LENGTH`.
    Length {
        /// `CK_SP800_108_DKM_LENGTH_SUM_OF_*`.
        method: u64,
        /// Its width and order of bytes.
        format: CounterFormat,
    },
    /// `CK_SP800_108_BYTE_ARRAY`.
    Bytes(&'a [u8]),
    /// `CK_SP800_108_KEY_HANDLE`.
    Key(u64),
}

/// `CK_SP800_108_COUNTER_FORMAT`.
#[derive(Debug, Clone, Copy)]
pub struct CounterFormat {
    /// Whether the least significant byte comes first.
    pub little_endian: bool,
    /// Bits.
    pub bits: u64,
}

/// The parameters of the IKE mechanisms (PKCS#11 3.2 §6.64).
#[derive(Clone, Copy)]
pub enum Ike<'a> {
    /// `CK_IKE2_PRF_PLUS_DERIVE_PARAMS`.
    Prf2Plus {
        /// `CKM_*` of the PRF.
        prf: u64,
        /// The key that is part of the seed.
        seed_key: Option<u64>,
        /// The rest of the seed.
        seed: &'a [u8],
    },
    /// `CK_IKE_PRF_DERIVE_PARAMS`.
    Prf {
        /// `CKM_*` of the PRF.
        prf: u64,
        /// Whether the nonces are the key and the base key the data.
        data_as_key: bool,
        /// Whether this is a new key for an old one.
        rekey: bool,
        /// The initiator's nonce.
        initiator: &'a [u8],
        /// The responder's nonce.
        responder: &'a [u8],
        /// The new key, when there is one.
        new_key: u64,
    },
    /// `CK_IKE1_PRF_DERIVE_PARAMS`.
    Prf1 {
        /// `CKM_*` of the PRF.
        prf: u64,
        /// The key before this one.
        previous: Option<u64>,
        /// The agreed secret.
        shared: u64,
        /// The initiator's cookie.
        initiator: &'a [u8],
        /// The responder's cookie.
        responder: &'a [u8],
        /// The number of the key.
        number: u8,
    },
    /// `CK_IKE1_EXTENDED_DERIVE_PARAMS`.
    Extended1 {
        /// `CKM_*` of the PRF.
        prf: u64,
        /// The agreed secret, where it goes in.
        shared: Option<u64>,
        /// More data.
        extra: &'a [u8],
    },
}

/// Shows which parameter it is, never what is in it.
impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parameter")
    }
}
