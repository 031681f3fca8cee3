//! Numbers that AWS CloudHSM's PKCS#11 library has for mechanisms the standard numbers otherwise. Programs written for
//! it name these. They take no initial value, as that library takes none of the caller's choice.

/// AES key wrap of RFC 3394: `CKM_AES_KEY_WRAP`.
pub const CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD: u64 = 0x8000_2109;
/// AES key wrap of data with PKCS #7 padding: `CKM_AES_KEY_WRAP_PKCS7`.
pub const CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD: u64 = 0x8000_210A;
/// AES key wrap with padding of RFC 5649: `CKM_AES_KEY_WRAP_KWP`.
pub const CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD: u64 = 0x8000_216F;
