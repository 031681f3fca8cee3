//! The rows of the attribute schema: every kind of object, and the attributes each has.

use cryptoki_sys::*;

use super::schema::{
    CHANGEABLE, COPY_CHANGEABLE, CREATE_NEEDED, CREATE_NEVER, Default, GENERATE_NEEDED, GENERATE_NEVER, Kind, Lengths,
    MODULE_ONLY, OFFICER_TRUE, Rule, SECRET, STICKY_FALSE, STICKY_TRUE, UNWRAP_NEEDED, UNWRAP_NEVER,
};
use crate::attribute::{
    CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_OWNER, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS, Flag, Flags,
};

const fn flag(attribute: u64, notes: u16) -> Rule {
    Rule { attribute, notes, default: Default::Flag }
}

const fn empty(attribute: u64, notes: u16) -> Rule {
    Rule { attribute, notes, default: Default::Empty }
}

const fn ulong(attribute: u64, notes: u16, value: u64) -> Rule {
    Rule { attribute, notes, default: Default::Ulong(value) }
}

const fn own(attribute: u64, notes: u16) -> Rule {
    Rule { attribute, notes, default: Default::Own }
}

/// PKCS#11 3.2 §4.2 and §4.4: every object in storage.
static STORAGE: &[Rule] = &[
    own(CKA_CLASS, CREATE_NEEDED),
    flag(CKA_TOKEN, COPY_CHANGEABLE),
    flag(CKA_PRIVATE, COPY_CHANGEABLE),
    flag(CKA_MODIFIABLE, COPY_CHANGEABLE),
    empty(CKA_LABEL, CHANGEABLE),
    flag(CKA_COPYABLE, CHANGEABLE | STICKY_FALSE),
    flag(CKA_DESTROYABLE, COPY_CHANGEABLE),
    own(CKA_UNIQUE_ID, MODULE_ONLY),
];

/// PKCS#11 3.2 §4.5.
static DATA: &[Rule] = &[empty(CKA_APPLICATION, 0), empty(CKA_OBJECT_ID, 0), empty(CKA_VALUE, 0)];

/// PKCS#11 3.2 §4.6.2 and §4.6.3.
static X509: &[Rule] = &[
    own(CKA_CERTIFICATE_TYPE, CREATE_NEEDED),
    flag(CKA_TRUSTED, CHANGEABLE | OFFICER_TRUE),
    ulong(CKA_CERTIFICATE_CATEGORY, 0, CK_CERTIFICATE_CATEGORY_UNSPECIFIED),
    empty(CKA_CHECK_VALUE, 0),
    empty(CKA_START_DATE, 0),
    empty(CKA_END_DATE, 0),
    empty(CKA_PUBLIC_KEY_INFO, 0),
    empty(CKA_SUBJECT, CREATE_NEEDED),
    empty(CKA_ID, CHANGEABLE),
    empty(CKA_ISSUER, CHANGEABLE),
    empty(CKA_SERIAL_NUMBER, CHANGEABLE),
    empty(CKA_VALUE, 0),
    empty(CKA_URL, 0),
    empty(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, 0),
    empty(CKA_HASH_OF_ISSUER_PUBLIC_KEY, 0),
    ulong(CKA_JAVA_MIDP_SECURITY_DOMAIN, 0, CK_SECURITY_DOMAIN_UNSPECIFIED),
    ulong(CKA_NAME_HASH_ALGORITHM, 0, CKM_SHA_1),
];

/// PKCS#11 3.2 §4.13: nobody makes them.
static MECHANISM: &[Rule] =
    &[own(CKA_CLASS, MODULE_ONLY), own(CKA_UNIQUE_ID, MODULE_ONLY), ulong(CKA_MECHANISM_TYPE, MODULE_ONLY, 0)];

/// PKCS#11 3.2 §4.12: nobody makes them.
static PROFILE: &[Rule] =
    &[own(CKA_CLASS, MODULE_ONLY), own(CKA_UNIQUE_ID, MODULE_ONLY), ulong(CKA_PROFILE_ID, MODULE_ONLY, 0)];

/// PKCS#11 3.2 §4.7: every key.
static KEY: &[Rule] = &[
    own(CKA_KEY_TYPE, CREATE_NEEDED | UNWRAP_NEEDED),
    empty(CKA_ID, CHANGEABLE),
    empty(CKA_START_DATE, CHANGEABLE),
    empty(CKA_END_DATE, CHANGEABLE),
    flag(CKA_DERIVE, CHANGEABLE),
    flag(CKA_LOCAL, MODULE_ONLY),
    ulong(CKA_KEY_GEN_MECHANISM, MODULE_ONLY, CK_UNAVAILABLE_INFORMATION),
    empty(CKA_ALLOWED_MECHANISMS, 0),
    ulong(CKA_OBJECT_VALIDATION_FLAGS, MODULE_ONLY, 0),
];

/// Whose a secret is, and who else's: ours.
static SHARED: &[Rule] = &[
    own(CKA_SR_OWNER, MODULE_ONLY),
    own(CKA_SR_SHARED_WITH, 0),
    own(CKA_SR_USE_APPROVALS, 0),
    own(CKA_SR_MANAGEMENT_APPROVALS, 0),
];

/// PKCS#11 3.2 §4.10: every secret key. `CKA_ALWAYS_AUTHENTICATE` is the standard's for private keys only; here a
/// secret key may ask for it too.
static SECRET_KEY: &[Rule] = &[
    flag(CKA_SENSITIVE, CHANGEABLE | STICKY_TRUE),
    flag(CKA_ENCRYPT, CHANGEABLE),
    flag(CKA_DECRYPT, CHANGEABLE),
    flag(CKA_SIGN, CHANGEABLE),
    flag(CKA_VERIFY, CHANGEABLE),
    flag(CKA_WRAP, CHANGEABLE),
    flag(CKA_UNWRAP, CHANGEABLE),
    flag(CKA_EXTRACTABLE, CHANGEABLE | STICKY_FALSE),
    flag(CKA_ALWAYS_SENSITIVE, MODULE_ONLY),
    flag(CKA_NEVER_EXTRACTABLE, MODULE_ONLY),
    empty(CKA_CHECK_VALUE, 0),
    flag(CKA_WRAP_WITH_TRUSTED, CHANGEABLE | STICKY_TRUE),
    flag(CKA_TRUSTED, CHANGEABLE | OFFICER_TRUE),
    flag(CKA_ALWAYS_AUTHENTICATE, 0),
    empty(CKA_WRAP_TEMPLATE, 0),
    empty(CKA_UNWRAP_TEMPLATE, 0),
    empty(CKA_DERIVE_TEMPLATE, 0),
    own(CKA_VALUE, CREATE_NEEDED | GENERATE_NEVER | UNWRAP_NEVER | SECRET),
];

/// Secret keys whose length is a choice.
static SIZED: &[Rule] = &[own(CKA_VALUE_LEN, CREATE_NEVER | GENERATE_NEEDED)];

/// A value given when the object is created, and made by the module otherwise.
const GIVEN: u16 = CREATE_NEEDED | GENERATE_NEVER | UNWRAP_NEVER;
/// A value that may be given when the object is created, and is made by the module otherwise.
const OFFERED: u16 = GENERATE_NEVER | UNWRAP_NEVER;

/// PKCS#11 3.2 §4.8: every public key. The check value is the first bytes of the SHA-1 hash of the public key
/// info, the same for both halves of a pair.
static PUBLIC_KEY: &[Rule] = &[
    empty(CKA_SUBJECT, CHANGEABLE),
    flag(CKA_ENCRYPT, CHANGEABLE),
    flag(CKA_VERIFY, CHANGEABLE),
    flag(CKA_VERIFY_RECOVER, CHANGEABLE),
    flag(CKA_WRAP, CHANGEABLE),
    flag(CKA_ENCAPSULATE, CHANGEABLE),
    flag(CKA_TRUSTED, CHANGEABLE | OFFICER_TRUE),
    empty(CKA_WRAP_TEMPLATE, 0),
    empty(CKA_ENCAPSULATE_TEMPLATE, 0),
    empty(CKA_PUBLIC_KEY_INFO, OFFERED),
    empty(CKA_CHECK_VALUE, OFFERED),
];

/// PKCS#11 3.2 §4.9: every private key.
static PRIVATE_KEY: &[Rule] = &[
    empty(CKA_SUBJECT, CHANGEABLE),
    flag(CKA_SENSITIVE, CHANGEABLE | STICKY_TRUE),
    flag(CKA_DECRYPT, CHANGEABLE),
    flag(CKA_SIGN, CHANGEABLE),
    flag(CKA_SIGN_RECOVER, CHANGEABLE),
    flag(CKA_UNWRAP, CHANGEABLE),
    flag(CKA_DECAPSULATE, CHANGEABLE),
    flag(CKA_EXTRACTABLE, CHANGEABLE | STICKY_FALSE),
    flag(CKA_ALWAYS_SENSITIVE, MODULE_ONLY),
    flag(CKA_NEVER_EXTRACTABLE, MODULE_ONLY),
    flag(CKA_WRAP_WITH_TRUSTED, CHANGEABLE | STICKY_TRUE),
    empty(CKA_UNWRAP_TEMPLATE, 0),
    empty(CKA_DECAPSULATE_TEMPLATE, 0),
    empty(CKA_DERIVE_TEMPLATE, 0),
    flag(CKA_ALWAYS_AUTHENTICATE, 0),
    empty(CKA_PUBLIC_KEY_INFO, CHANGEABLE),
    empty(CKA_CHECK_VALUE, OFFERED),
];

/// PKCS#11 3.2 §6.1.2.
static RSA_PUBLIC: &[Rule] = &[
    empty(CKA_MODULUS, GIVEN),
    ulong(CKA_MODULUS_BITS, CREATE_NEVER | GENERATE_NEEDED, 0),
    empty(CKA_PUBLIC_EXPONENT, CREATE_NEEDED),
];

/// PKCS#11 3.2 §6.1.3.
static RSA_PRIVATE: &[Rule] = &[
    empty(CKA_MODULUS, GIVEN),
    empty(CKA_PUBLIC_EXPONENT, OFFERED),
    own(CKA_PRIVATE_EXPONENT, GIVEN | SECRET),
    own(CKA_PRIME_1, OFFERED | SECRET),
    own(CKA_PRIME_2, OFFERED | SECRET),
    own(CKA_EXPONENT_1, OFFERED | SECRET),
    own(CKA_EXPONENT_2, OFFERED | SECRET),
    own(CKA_COEFFICIENT, OFFERED | SECRET),
];

/// PKCS#11 3.2 §6.3.3, §6.3.5 and §6.3.7.
static EC_PUBLIC: &[Rule] = &[empty(CKA_EC_PARAMS, CREATE_NEEDED | GENERATE_NEEDED), empty(CKA_EC_POINT, GIVEN)];

/// PKCS#11 3.2 §6.3.4, §6.3.6 and §6.3.8.
static EC_PRIVATE: &[Rule] = &[empty(CKA_EC_PARAMS, GIVEN), own(CKA_VALUE, GIVEN | SECRET)];

/// PKCS#11 3.2 §6.2.2.
static DSA_PUBLIC: &[Rule] = &[
    empty(CKA_PRIME, CREATE_NEEDED | GENERATE_NEEDED),
    empty(CKA_SUBPRIME, CREATE_NEEDED | GENERATE_NEEDED),
    empty(CKA_BASE, CREATE_NEEDED | GENERATE_NEEDED),
    empty(CKA_VALUE, GIVEN),
];

/// PKCS#11 3.2 §6.2.3.
static DSA_PRIVATE: &[Rule] =
    &[empty(CKA_PRIME, GIVEN), empty(CKA_SUBPRIME, GIVEN), empty(CKA_BASE, GIVEN), own(CKA_VALUE, GIVEN | SECRET)];

/// PKCS#11 3.2 §6.2.4.
static DSA_PARAMETERS: &[Rule] = &[
    empty(CKA_PRIME, CREATE_NEEDED | GENERATE_NEVER),
    empty(CKA_SUBPRIME, CREATE_NEEDED | GENERATE_NEVER),
    empty(CKA_BASE, CREATE_NEEDED | GENERATE_NEVER),
    ulong(CKA_PRIME_BITS, CREATE_NEVER | GENERATE_NEEDED, 0),
    ulong(CKA_SUBPRIME_BITS, CREATE_NEVER, 0),
];

/// PKCS#11 3.2 §6.4.6: here the subprime's length must be said.
static X942_PARAMETERS: &[Rule] = &[
    empty(CKA_PRIME, CREATE_NEEDED | GENERATE_NEVER),
    empty(CKA_SUBPRIME, CREATE_NEEDED | GENERATE_NEVER),
    empty(CKA_BASE, CREATE_NEEDED | GENERATE_NEVER),
    ulong(CKA_PRIME_BITS, CREATE_NEVER | GENERATE_NEEDED, 0),
    ulong(CKA_SUBPRIME_BITS, CREATE_NEVER | GENERATE_NEEDED, 0),
];

/// PKCS#11 3.2 §6.4.2.
static DH_PUBLIC: &[Rule] = &[
    empty(CKA_PRIME, CREATE_NEEDED | GENERATE_NEEDED),
    empty(CKA_BASE, CREATE_NEEDED | GENERATE_NEEDED),
    empty(CKA_VALUE, GIVEN),
];

/// PKCS#11 3.2 §6.4.3.
static DH_PRIVATE: &[Rule] = &[
    empty(CKA_PRIME, GIVEN),
    empty(CKA_BASE, GIVEN),
    own(CKA_VALUE, GIVEN | SECRET),
    ulong(CKA_VALUE_BITS, CREATE_NEVER | UNWRAP_NEVER, 0),
];

/// PKCS#11 3.2 §6.4.4.
static DH_PARAMETERS: &[Rule] = &[
    empty(CKA_PRIME, CREATE_NEEDED | GENERATE_NEVER),
    empty(CKA_BASE, CREATE_NEEDED | GENERATE_NEVER),
    ulong(CKA_PRIME_BITS, CREATE_NEVER | GENERATE_NEEDED, 0),
];

/// PKCS#11 3.2 §4.11: domain parameters.
static PARAMETERS: &[Rule] = &[own(CKA_KEY_TYPE, CREATE_NEEDED), flag(CKA_LOCAL, MODULE_ONLY)];

/// PKCS#11 3.2 §6.68.2 (ML-KEM), §6.67.2 (ML-DSA), §6.69.2 (SLH-DSA).
static SET_PUBLIC: &[Rule] = &[ulong(CKA_PARAMETER_SET, CREATE_NEEDED | GENERATE_NEEDED, 0), empty(CKA_VALUE, GIVEN)];

/// PKCS#11 3.2 §6.68.3, §6.67.3: one of seed and value is given to `C_CreateObject`.
static SEEDED_PRIVATE: &[Rule] =
    &[ulong(CKA_PARAMETER_SET, GIVEN, 0), own(CKA_SEED, OFFERED | SECRET), own(CKA_VALUE, OFFERED | SECRET)];

/// PKCS#11 3.2 §6.69.3.
static SET_PRIVATE: &[Rule] = &[ulong(CKA_PARAMETER_SET, GIVEN, 0), own(CKA_VALUE, GIVEN | SECRET)];

const STORED: &[Flag] = &[Flag::Modifiable, Flag::Copyable, Flag::Destroyable];
const KEPT: &[Flag] = &[Flag::Modifiable, Flag::Copyable, Flag::Destroyable, Flag::Private, Flag::Sensitive];

const fn union(first: Flags, second: &[Flag]) -> Flags {
    Flags(first.0 | Flags::of(second).0)
}

const fn secret(
    key_type: u64,
    name: &'static str,
    lengths: Lengths,
    usage: &[Flag],
    groups: &'static [&'static [Rule]],
) -> Kind {
    let default_flags = union(Flags::of(KEPT), usage);
    Kind { class: CKO_SECRET_KEY, subtype: Some(key_type), name, lengths, default_flags, groups }
}

/// Both halves of pairs of one type: their own rules, and what they can do.
const fn public_half(key_type: u64, name: &'static str, usage: &[Flag], groups: &'static [&'static [Rule]]) -> Kind {
    let default_flags = union(Flags::of(STORED), usage);
    Kind { class: CKO_PUBLIC_KEY, subtype: Some(key_type), name, lengths: Lengths::None, default_flags, groups }
}

const fn private_half(key_type: u64, name: &'static str, usage: &[Flag], groups: &'static [&'static [Rule]]) -> Kind {
    let default_flags = union(Flags::of(KEPT), usage);
    Kind { class: CKO_PRIVATE_KEY, subtype: Some(key_type), name, lengths: Lengths::None, default_flags, groups }
}

const fn parameters(key_type: u64, name: &'static str, groups: &'static [&'static [Rule]]) -> Kind {
    let (class, default_flags) = (CKO_DOMAIN_PARAMETERS, Flags::of(STORED));
    Kind { class, subtype: Some(key_type), name, lengths: Lengths::None, default_flags, groups }
}

const SIZED_SECRET: &[&[Rule]] = &[STORAGE, KEY, SHARED, SECRET_KEY, SIZED];
const FIXED_SECRET: &[&[Rule]] = &[STORAGE, KEY, SHARED, SECRET_KEY];
const BLOCK: &[Flag] = &[Flag::Encrypt, Flag::Decrypt, Flag::Sign, Flag::Verify, Flag::Wrap, Flag::Unwrap];
const STREAM: &[Flag] = &[Flag::Encrypt, Flag::Decrypt];
const DERIVE: &[Flag] = &[Flag::Derive];
const MAC: &[Flag] = &[Flag::Sign, Flag::Verify];
const ANY_SECRET: Lengths = Lengths::Between(1, crate::limits::GENERIC_SECRET_BYTES_MAX);

/// A key may do what its type can where the template is silent: the standard leaves that default to the token, except
/// for `CKA_DERIVE`, which it has as false. Programs (Java's SunPKCS11) rely on it.
pub(super) static KINDS: &[Kind] = &[
    Kind {
        class: CKO_DATA,
        subtype: None,
        name: "data",
        lengths: Lengths::None,
        default_flags: union(Flags::of(STORED), &[Flag::Private]),
        groups: &[STORAGE, DATA],
    },
    Kind {
        class: CKO_CERTIFICATE,
        subtype: Some(CKC_X_509),
        name: "x509",
        lengths: Lengths::None,
        default_flags: Flags::of(STORED),
        groups: &[STORAGE, X509],
    },
    Kind {
        class: CKO_MECHANISM,
        subtype: None,
        name: "mechanism",
        lengths: Lengths::None,
        default_flags: Flags(0),
        groups: &[MECHANISM],
    },
    Kind {
        class: CKO_PROFILE,
        subtype: None,
        name: "profile",
        lengths: Lengths::None,
        default_flags: Flags(0),
        groups: &[PROFILE],
    },
    secret(CKK_AES, "aes", Lengths::OneOf(&[16, 24, 32]), BLOCK, SIZED_SECRET),
    secret(CKK_AES_XTS, "aes-xts", Lengths::OneOf(&[32, 64]), STREAM, SIZED_SECRET),
    secret(CKK_GENERIC_SECRET, "generic", ANY_SECRET, &[Flag::Sign, Flag::Verify, Flag::Derive], SIZED_SECRET),
    secret(CKK_DES, "des", Lengths::OneOf(&[8]), BLOCK, FIXED_SECRET),
    secret(CKK_DES2, "des2", Lengths::OneOf(&[16]), BLOCK, FIXED_SECRET),
    secret(CKK_DES3, "des3", Lengths::OneOf(&[24]), BLOCK, FIXED_SECRET),
    secret(CKK_RC4, "rc4", Lengths::Between(1, crate::limits::RC4_KEY_BYTES_MAX), STREAM, SIZED_SECRET),
    secret(CKK_CHACHA20, "chacha20", Lengths::OneOf(&[32]), STREAM, SIZED_SECRET),
    secret(CKK_MD5_HMAC, "md5-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA_1_HMAC, "sha1-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA224_HMAC, "sha224-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA256_HMAC, "sha256-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA384_HMAC, "sha384-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA512_HMAC, "sha512-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA512_224_HMAC, "sha512-224-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA512_256_HMAC, "sha512-256-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA3_224_HMAC, "sha3-224-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA3_256_HMAC, "sha3-256-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA3_384_HMAC, "sha3-384-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA3_512_HMAC, "sha3-512-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_HKDF, "hkdf", ANY_SECRET, DERIVE, SIZED_SECRET),
    public_half(
        CKK_RSA,
        "rsa-public",
        &[Flag::Encrypt, Flag::Verify, Flag::VerifyRecover, Flag::Wrap],
        &[STORAGE, KEY, PUBLIC_KEY, RSA_PUBLIC],
    ),
    private_half(
        CKK_RSA,
        "rsa",
        &[Flag::Decrypt, Flag::Sign, Flag::SignRecover, Flag::Unwrap],
        &[STORAGE, KEY, SHARED, PRIVATE_KEY, RSA_PRIVATE],
    ),
    public_half(CKK_EC, "ec-public", &[Flag::Verify, Flag::Derive], &[STORAGE, KEY, PUBLIC_KEY, EC_PUBLIC]),
    private_half(CKK_EC, "ec", &[Flag::Sign, Flag::Derive], &[STORAGE, KEY, SHARED, PRIVATE_KEY, EC_PRIVATE]),
    public_half(CKK_EC_EDWARDS, "edwards-public", &[Flag::Verify], &[STORAGE, KEY, PUBLIC_KEY, EC_PUBLIC]),
    private_half(CKK_EC_EDWARDS, "edwards", &[Flag::Sign], &[STORAGE, KEY, SHARED, PRIVATE_KEY, EC_PRIVATE]),
    public_half(CKK_EC_MONTGOMERY, "montgomery-public", DERIVE, &[STORAGE, KEY, PUBLIC_KEY, EC_PUBLIC]),
    private_half(CKK_EC_MONTGOMERY, "montgomery", DERIVE, &[STORAGE, KEY, SHARED, PRIVATE_KEY, EC_PRIVATE]),
    public_half(CKK_DSA, "dsa-public", &[Flag::Verify], &[STORAGE, KEY, PUBLIC_KEY, DSA_PUBLIC]),
    private_half(CKK_DSA, "dsa", &[Flag::Sign], &[STORAGE, KEY, SHARED, PRIVATE_KEY, DSA_PRIVATE]),
    parameters(CKK_DSA, "dsa-parameters", &[STORAGE, PARAMETERS, DSA_PARAMETERS]),
    public_half(CKK_DH, "dh-public", DERIVE, &[STORAGE, KEY, PUBLIC_KEY, DH_PUBLIC]),
    private_half(CKK_DH, "dh", DERIVE, &[STORAGE, KEY, SHARED, PRIVATE_KEY, DH_PRIVATE]),
    parameters(CKK_DH, "dh-parameters", &[STORAGE, PARAMETERS, DH_PARAMETERS]),
    public_half(CKK_X9_42_DH, "x942-dh-public", DERIVE, &[STORAGE, KEY, PUBLIC_KEY, DSA_PUBLIC]),
    private_half(CKK_X9_42_DH, "x942-dh", DERIVE, &[STORAGE, KEY, SHARED, PRIVATE_KEY, DSA_PRIVATE]),
    parameters(CKK_X9_42_DH, "x942-dh-parameters", &[STORAGE, PARAMETERS, X942_PARAMETERS]),
    public_half(CKK_ML_KEM, "ml-kem-public", &[Flag::Encapsulate], &[STORAGE, KEY, PUBLIC_KEY, SET_PUBLIC]),
    private_half(CKK_ML_KEM, "ml-kem", &[Flag::Decapsulate], &[STORAGE, KEY, SHARED, PRIVATE_KEY, SEEDED_PRIVATE]),
    public_half(CKK_ML_DSA, "ml-dsa-public", &[Flag::Verify], &[STORAGE, KEY, PUBLIC_KEY, SET_PUBLIC]),
    private_half(CKK_ML_DSA, "ml-dsa", &[Flag::Sign], &[STORAGE, KEY, SHARED, PRIVATE_KEY, SEEDED_PRIVATE]),
    public_half(CKK_SLH_DSA, "slh-dsa-public", &[Flag::Verify], &[STORAGE, KEY, PUBLIC_KEY, SET_PUBLIC]),
    private_half(CKK_SLH_DSA, "slh-dsa", &[Flag::Sign], &[STORAGE, KEY, SHARED, PRIVATE_KEY, SET_PRIVATE]),
];
