//! The mechanism catalogue: one entry per mechanism, from which come the mechanism list, `C_GetMechanismInfo`,
//! parameter parsing, dispatch and the table in the manual. What is not here does not work, and what is here works.

mod catalogue;
pub mod cloudhsm;
pub(crate) mod hashes;
mod modes;
pub mod parameter;

use std::{fmt, slice};

use cryptoki_sys::*;
use strongroom_crypto::hash;

use crate::error::Error;
use crate::object::MacForm;
use crate::policy::Policy;

pub use catalogue::CATALOGUE;
pub use parameter::{
    CounterFormat, Hkdf, Ike, Kdf108 as Kdf108Parameter, Kdf108Field, Oaep, Parameter, ParameterKind, Pbkdf2, TlsRandom,
};

/// One mechanism.
#[derive(Debug)]
pub struct Mechanism {
    /// `CK_MECHANISM_TYPE`.
    pub id: u64,
    /// Its name in the standard, or its vendor's.
    pub name: &'static str,
    /// The smallest key, in the unit the standard defines for the mechanism (`ulMinKeySize`).
    pub min_key: u64,
    /// The largest key, in the same unit (`ulMaxKeySize`).
    pub max_key: u64,
    /// What it does: `CKF_ENCRYPT` and so on.
    pub functions: u64,
    /// What parameter it takes.
    pub parameter: ParameterKind,
    /// Which policies offer it.
    pub grade: Grade,
    /// How it works.
    pub work: Work,
}

/// How far a mechanism is trusted today, which decides the policies that offer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// Approved by FIPS 140-3: offered under every policy.
    Approved,
    /// Sound but not approved: not offered under `fips`.
    Sound,
    /// Broken, obsolete, or a way to read keys where it meets others (RSA without padding, derivations that put a key's
    /// bytes beside chosen ones): for programs that still ask, offered under `standard` only.
    Legacy,
}

/// How a mechanism works.
#[derive(Debug)]
pub enum Work {
    /// Generates a secret key of this type.
    GenerateSecret(u64),
    /// Hashes.
    Digest(hash::Algorithm),
    /// Encrypts and decrypts with keys of these types.
    Cipher {
        /// The types of key.
        key_types: &'static [u64],
        /// The mode.
        mode: CipherMode,
    },
    /// Generates a key pair of this type.
    GeneratePair(u64),
    /// Generates domain parameters for keys of this type.
    GenerateParameters(u64),
    /// Signs and verifies with key pairs of this type.
    Signature {
        /// The type of key.
        key_type: u64,
        /// How.
        scheme: Scheme,
    },
    /// Encrypts, decrypts, wraps and unwraps with RSA keys; without padding or with PKCS #1's it signs too.
    Rsa(RsaForm),
    /// Wraps and unwraps with AES keys, and encrypts and decrypts likewise.
    KeyWrap(KeyWrap),
    /// Wraps and unwraps with an AES key that is encrypted, or agreed, for a key pair.
    HybridWrap(HybridWrap),
    /// Derives keys.
    Derive {
        /// The types of key it derives from; all secret keys where there are none.
        key_types: &'static [u64],
        /// How.
        derivation: Derivation,
    },
    /// Encapsulates and decapsulates with key pairs of this type.
    Encapsulation(u64),
    /// Makes and checks the MAC in the last messages of a TLS handshake, with a generic secret.
    TlsMac,
    /// Makes and checks MACs with keys of these types.
    Mac {
        /// The types of key.
        key_types: &'static [u64],
        /// The MAC.
        form: MacForm,
        /// How long the MAC is.
        length: MacLength,
    },
}

/// The keys a mechanism is used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys<'a> {
    /// Their types; all of these classes where there are none.
    pub types: &'a [u64],
    /// `CKO_SECRET_KEY`, or the halves of pairs.
    pub classes: &'static [u64],
}

/// A mode of encryption, without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the modes' own names
pub enum CipherMode {
    Ecb,
    Cbc,
    CbcPad,
    CbcCts,
    Ctr,
    Ofb,
    Cfb1,
    Cfb8,
    Cfb128,
    Gcm,
    Ccm,
    Xts,
    Rc4,
    ChaCha20,
    ChaCha20Poly1305,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// PKCS #1 v1.5, of the data as it is or of its hash.
    RsaPkcs1(Option<hash::Algorithm>),
    /// RSA without padding.
    RsaRaw,
    /// PSS, of a hash as it is or of the data's hash.
    RsaPss(Option<hash::Algorithm>),
    /// ECDSA, of a hash as it is or of the data's hash.
    Ecdsa(Option<hash::Algorithm>),
    /// EdDSA.
    EdDsa,
    /// DSA, of a hash as it is or of the data's hash.
    Dsa(Option<hash::Algorithm>),
    /// ML-DSA.
    MlDsa(Message),
    /// SLH-DSA.
    SlhDsa(Message),
}

impl Scheme {
    /// The hash of the data that is signed, where the mechanism makes it.
    pub(crate) fn hash(self) -> Option<hash::Algorithm> {
        match self {
            Scheme::RsaPkcs1(hash) | Scheme::RsaPss(hash) | Scheme::Ecdsa(hash) | Scheme::Dsa(hash) => hash,
            Scheme::MlDsa(Message::Hash(hash)) | Scheme::SlhDsa(Message::Hash(hash)) => Some(hash),
            Scheme::RsaRaw | Scheme::EdDsa | Scheme::MlDsa(_) | Scheme::SlhDsa(_) => None,
        }
    }
}

/// What the stateless post-quantum signatures sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The data.
    Pure,
    /// A hash the caller made; the parameter names the algorithm.
    Hashed,
    /// The data's hash.
    Hash(hash::Algorithm),
}

/// How RSA encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the paddings' own names
pub enum RsaForm {
    Pkcs1,
    Raw,
    Oaep,
}

/// How an AES key wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWrap {
    /// RFC 3394.
    Plain,
    /// RFC 5649.
    Padded,
    /// RFC 3394 of data with PKCS #7 padding.
    Pkcs7,
}

/// How the AES key in between is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HybridWrap {
    /// By OAEP.
    Rsa,
    /// By an agreement with a new pair on the same curve.
    Ecdh,
    /// By an agreement with a new pair on the same Montgomery curve.
    Montgomery,
}

/// How a key is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the mechanisms' own names
pub enum Derivation {
    Ecdh,
    Dh,
    X942Dh,
    ConcatenateKey,
    ConcatenateData,
    ConcatenateBefore,
    Xor,
    Extract,
    Hash(hash::Algorithm),
    /// Encrypts the data of the parameter in this mode.
    Encrypt(CipherMode),
    Hkdf,
    HkdfData,
    Pbkdf2,
    Kdf108(Kdf108),
    TlsMaster {
        dh: bool,
    },
    TlsExtendedMaster {
        dh: bool,
    },
    TlsKeys {
        safe: bool,
    },
    TlsKdf,
    Ike2PrfPlus,
    IkePrf,
    Ike1Prf,
    Ike1Extended,
    PublicFromPrivate,
}

/// The modes of SP 800-108.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the modes' own names
pub enum Kdf108 {
    Counter,
    Feedback,
    DoublePipeline,
}

/// How long a mechanism's MAC is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacLength {
    /// Always this many bytes.
    Fixed(usize),
    /// The parameter says, up to this many bytes (the `_GENERAL` mechanisms).
    Given(usize),
    /// The tag length of `CK_GCM_PARAMS`.
    GcmTag,
}

/// A mechanism with the parameter of one call.
#[derive(Debug)]
pub struct Call<'a> {
    /// The mechanism.
    pub mechanism: &'static Mechanism,
    /// Its parameter.
    pub parameter: Parameter<'a>,
}

impl Call<'_> {
    /// Whether `policy` takes the hash that the parameter of an RSA mechanism names, for this function (`CKF_SIGN` and
    /// so on), as it would take a mechanism of its own with this hash.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn check_hash(&self, policy: Policy, function: u64) -> Result<(), Error> {
        let number = match &self.parameter {
            Parameter::Pss { hash, .. } => *hash,
            Parameter::Oaep(oaep) | Parameter::RsaAes { oaep, .. } => oaep.hash,
            _ => return Ok(()),
        };
        let signs = function & (CKF_SIGN | CKF_MESSAGE_SIGN) != 0;
        if find(number).is_some_and(|hash| !hash.is_offered(policy))
            || (policy == Policy::Fips && signs && number == CKM_SHA_1)
        {
            return Err(Error::MechanismParameter(match policy {
                Policy::Strict => "the token's policy (strict) does not take this hash",
                Policy::Standard | Policy::Fips => "the token's policy (fips) does not take this hash",
            }));
        }
        Ok(())
    }
}

/// The number of a mechanism; displays as its name where we know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MechanismName(pub u64);

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match find(self.0) {
            Some(mechanism) => f.write_str(mechanism.name),
            None => write!(f, "mechanism 0x{:08x}", self.0),
        }
    }
}

/// The mechanism with this number.
pub fn find(id: u64) -> Option<&'static Mechanism> {
    let at = CATALOGUE.binary_search_by_key(&id, |mechanism| mechanism.id).ok()?;
    CATALOGUE.get(at)
}

/// The mechanism with this name, with or without `CKM_`.
pub fn named(name: &str) -> Option<&'static Mechanism> {
    CATALOGUE.iter().find(|mechanism| {
        mechanism.name.eq_ignore_ascii_case(name)
            || mechanism.name.strip_prefix("CKM_").is_some_and(|short| short.eq_ignore_ascii_case(name))
    })
}

/// Whether `policy` offers a mechanism for secret keys of this type in particular.
pub(crate) fn is_used(policy: Policy, key_type: u64) -> bool {
    let takes = |keys: Keys<'_>| keys.classes.contains(&CKO_SECRET_KEY) && keys.types.contains(&key_type);
    CATALOGUE.iter().any(|mechanism| mechanism.is_offered(policy) && mechanism.keys().is_some_and(takes))
}

impl Mechanism {
    /// Whether tokens under `policy` offer it.
    pub fn is_offered(&self, policy: Policy) -> bool {
        match self.grade {
            Grade::Approved => true,
            Grade::Sound => policy != Policy::Fips,
            Grade::Legacy => policy == Policy::Standard,
        }
    }

    /// Whether it has this function (`CKF_ENCRYPT` and so on).
    pub fn does(&self, function: CK_FLAGS) -> bool {
        self.functions & function != 0
    }

    /// What it does under `policy`. `strict` and `fips` leave out wraps that do not tell a wrong key from a right one,
    /// or tell whoever sends tampered ones about it: without authentication, and with RSA without OAEP. `strict` leaves
    /// out those of GCM and CCM too: whoever chooses the IV twice has two keys under one key stream, and one of them
    /// may be known. `fips` also leaves out encryption with PKCS #1 v1.5 padding (SP 800-131A) and new signatures with
    /// SHA-1.
    pub fn functions_under(&self, policy: Policy) -> u64 {
        const WRAPS: CK_FLAGS = CKF_WRAP | CKF_UNWRAP;
        let left_out = match self.work {
            _ if policy == Policy::Standard => 0,
            Work::Cipher { .. } if policy == Policy::Strict => WRAPS,
            Work::Cipher { mode: CipherMode::Ecb | CipherMode::Cbc | CipherMode::CbcPad, .. } => WRAPS,
            Work::Rsa(RsaForm::Pkcs1) if policy == Policy::Fips => CKF_ENCRYPT | CKF_DECRYPT | WRAPS,
            Work::Rsa(RsaForm::Pkcs1 | RsaForm::Raw) => WRAPS,
            Work::Signature { scheme, .. }
                if policy == Policy::Fips && scheme.hash() == Some(hash::Algorithm::Sha1) =>
            {
                CKF_SIGN | CKF_MESSAGE_SIGN
            }
            _ => 0,
        };
        self.functions & !left_out
    }

    /// The keys it is used with; `None` where it makes them or needs none.
    pub fn keys(&self) -> Option<Keys<'_>> {
        let secret = |types| Some(Keys { types, classes: &[CKO_SECRET_KEY] });
        let private = |types| Some(Keys { types, classes: &[CKO_PRIVATE_KEY] });
        let pair = |types| Some(Keys { types, classes: &[CKO_PRIVATE_KEY, CKO_PUBLIC_KEY] });
        match &self.work {
            Work::GenerateSecret(_) | Work::GeneratePair(_) | Work::GenerateParameters(_) | Work::Digest(_) => None,
            Work::Cipher { key_types, .. } | Work::Mac { key_types, .. } => secret(key_types),
            Work::Signature { key_type, .. } | Work::Encapsulation(key_type) => pair(slice::from_ref(key_type)),
            Work::Rsa(_) | Work::HybridWrap(HybridWrap::Rsa) => pair(&[CKK_RSA]),
            Work::HybridWrap(HybridWrap::Ecdh) if self.id == CKM_ECDH_AES_KEY_WRAP => {
                pair(&[CKK_EC, CKK_EC_MONTGOMERY])
            }
            Work::HybridWrap(HybridWrap::Ecdh) => pair(&[CKK_EC]),
            Work::HybridWrap(HybridWrap::Montgomery) => pair(&[CKK_EC_MONTGOMERY]),
            Work::KeyWrap(_) => secret(&[CKK_AES]),
            Work::TlsMac => secret(&[CKK_GENERIC_SECRET]),
            Work::Derive { key_types, derivation } => match derivation {
                Derivation::Pbkdf2 => None,
                Derivation::Ecdh | Derivation::Dh | Derivation::X942Dh | Derivation::PublicFromPrivate => {
                    private(key_types)
                }
                _ => secret(key_types),
            },
        }
    }

    /// Whether it is used with keys of this class and type.
    pub fn takes(&self, class: u64, key_type: u64) -> bool {
        self.keys().is_some_and(|Keys { types, classes }| {
            classes.contains(&class) && (types.is_empty() || types.contains(&key_type))
        })
    }

    /// How it signs with key pairs, if it does.
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        match self.work {
            Work::Signature { scheme, .. } => Some(scheme),
            Work::Rsa(RsaForm::Pkcs1) => Some(Scheme::RsaPkcs1(None)),
            Work::Rsa(RsaForm::Raw) => Some(Scheme::RsaRaw),
            _ => None,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::schema::Kind;

    #[test]
    fn catalogue_is_in_order() {
        for pair in CATALOGUE.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} before {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn functions_fit_the_work() {
        const CRYPT: CK_FLAGS = CKF_ENCRYPT | CKF_DECRYPT;
        const WRAPS: CK_FLAGS = CKF_WRAP | CKF_UNWRAP;
        const SIGNS: CK_FLAGS = CKF_SIGN | CKF_VERIFY;
        const MESSAGES: CK_FLAGS = CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
        const MESSAGE_SIGNS: CK_FLAGS = CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE;
        for mechanism in CATALOGUE {
            let (needed, possible) = match mechanism.work {
                Work::GenerateSecret(_) | Work::GenerateParameters(_) => (CKF_GENERATE, 0),
                Work::GeneratePair(_) => (CKF_GENERATE_KEY_PAIR, 0),
                Work::Digest(_) => (CKF_DIGEST, 0),
                Work::Cipher { .. } => (CRYPT, WRAPS | MESSAGES),
                Work::Mac { .. } | Work::TlsMac => (SIGNS, 0),
                Work::Signature { .. } => (SIGNS | MESSAGE_SIGNS, 0),
                Work::Rsa(_) => (CRYPT | WRAPS, SIGNS | CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER),
                Work::KeyWrap(_) => (CRYPT | WRAPS, 0),
                Work::HybridWrap(_) => (WRAPS, 0),
                Work::Derive { derivation: Derivation::Pbkdf2, .. } => (CKF_GENERATE, 0),
                Work::Derive { .. } => (CKF_DERIVE, 0),
                Work::Encapsulation(_) => (CKF_ENCAPSULATE | CKF_DECAPSULATE, 0),
            };
            // Elliptic curves also tell what they are.
            let told = mechanism.functions
                & !(CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS);
            assert_eq!(told & needed, needed, "{mechanism}");
            assert_eq!(told & !(needed | possible), 0, "{mechanism}");
        }
    }

    #[test]
    fn keys_fit_the_functions() {
        const OF_SECRETS: CK_FLAGS =
            CKF_ENCRYPT | CKF_DECRYPT | CKF_SIGN | CKF_VERIFY | CKF_WRAP | CKF_UNWRAP | CKF_DERIVE;
        for mechanism in CATALOGUE {
            let with_keys = mechanism.functions & (OF_SECRETS | CKF_ENCAPSULATE) != 0;
            assert_eq!(mechanism.keys().is_some(), with_keys, "{mechanism}");
            let kinds = Kind::all().iter().filter(|kind| kind.is_key());
            let mut taken = kinds.filter(|kind| mechanism.takes(kind.class, kind.subtype.unwrap()));
            assert_eq!(taken.next().is_some(), with_keys, "{mechanism}");
        }
        // Public keys of DH are kept, but come into an agreement as a parameter.
        for kind in Kind::all().iter().filter(|kind| kind.is_key() && kind.is_secret()) {
            let is_taken = |mechanism: &Mechanism| mechanism.takes(kind.class, kind.subtype.unwrap());
            assert!(CATALOGUE.iter().any(is_taken), "{}", kind.name);
        }
    }

    #[test]
    fn only_the_general_agreement_wraps_on_both_kinds_of_curves() {
        let takes = |id| {
            let types = [CKK_EC, CKK_EC_MONTGOMERY, CKK_EC_EDWARDS];
            types.map(|key_type| find(id).unwrap().takes(CKO_PUBLIC_KEY, key_type))
        };
        assert_eq!(takes(CKM_ECDH_AES_KEY_WRAP), [true, true, false]);
        assert_eq!(takes(CKM_ECDH_COF_AES_KEY_WRAP), [true, false, false]);
        assert_eq!(takes(CKM_ECDH_X_AES_KEY_WRAP), [false, true, false]);
    }

    #[test]
    fn policies_narrow() {
        let offered = |id, policy| find(id).unwrap().is_offered(policy);
        assert!(offered(CKM_MD5, Policy::Standard));
        assert!(!offered(CKM_MD5, Policy::Strict));
        assert!(!offered(CKM_DES_CBC, Policy::Fips));
        assert!(offered(CKM_RC4, Policy::Standard));
        assert!(!offered(CKM_RC4, Policy::Fips));
        assert!(offered(CKM_AES_GCM, Policy::Fips));
        assert!(!offered(CKM_RSA_X_509, Policy::Strict));
        assert!(!offered(CKM_XOR_BASE_AND_DATA, Policy::Strict));
    }

    #[test]
    fn policies_have_a_use_for_the_keys_they_take() {
        let unused = |policy| -> Vec<&str> {
            let secrets = Kind::all().iter().filter(|kind| kind.class == CKO_SECRET_KEY);
            secrets.filter(|kind| !is_used(policy, kind.subtype.unwrap())).map(|kind| kind.name).collect()
        };
        assert_eq!(unused(Policy::Standard), [""; 0]);
        assert_eq!(unused(Policy::Strict), ["des", "rc4", "md5-hmac"]);
        assert_eq!(unused(Policy::Fips), ["des", "des2", "des3", "rc4", "chacha20", "md5-hmac"]);
    }

    #[test]
    fn only_the_standard_policy_wraps_without_authentication() {
        let wraps = |id, policy| find(id).unwrap().functions_under(policy) & (CKF_WRAP | CKF_UNWRAP) != 0;
        for id in [CKM_AES_ECB, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_DES3_CBC, CKM_RSA_PKCS, CKM_RSA_X_509] {
            assert!(wraps(id, Policy::Standard));
            assert!(!wraps(id, Policy::Strict));
            assert!(!wraps(id, Policy::Fips));
        }
        for id in [CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_RSA_PKCS_OAEP] {
            assert!(wraps(id, Policy::Strict) && wraps(id, Policy::Fips));
        }
        for id in [CKM_AES_GCM, CKM_AES_CCM] {
            assert!(!wraps(id, Policy::Strict) && wraps(id, Policy::Fips));
        }
        let functions = |id, policy| find(id).unwrap().functions_under(policy);
        assert_ne!(functions(CKM_AES_CBC, Policy::Fips) & CKF_ENCRYPT, 0);
        assert_ne!(functions(CKM_RSA_PKCS, Policy::Strict) & CKF_DECRYPT, 0);
        assert_eq!(functions(CKM_RSA_PKCS, Policy::Fips) & (CKF_ENCRYPT | CKF_DECRYPT), 0);
        assert_ne!(functions(CKM_RSA_PKCS, Policy::Fips) & CKF_SIGN, 0);
    }
}
