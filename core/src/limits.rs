//! Every maximum of the product, in one place. Exceeding one is a named error, never a crash.

/// Entries in one attribute template; the longest legitimate one has about forty.
pub const TEMPLATE_ENTRIES_MAX: usize = 256;
/// Bytes of one attribute value (certificates and data objects included).
pub const ATTRIBUTE_BYTES_MAX: usize = 1 << 20;
/// Depth of templates within templates: `CKA_WRAP_TEMPLATE` holds plain attributes only.
pub const TEMPLATE_DEPTH_MAX: usize = 1;
/// Bytes of the shortest PIN accepted when one is set (`ulMinPinLen`).
pub const PIN_BYTES_MIN: usize = 4;
/// Bytes of the longest PIN (`ulMaxPinLen`).
pub const PIN_BYTES_MAX: usize = 255;
/// Wrong PINs in a row before a user is locked.
pub const PIN_FAILURES_MAX: u32 = 10;
/// The same on tokens founded as a CloudHSM: there "more than five" wrong passwords lock.
pub const CLOUDHSM_PIN_FAILURES_MAX: u32 = 6;
/// Bytes of the shortest password on tokens founded as a CloudHSM.
pub const CLOUDHSM_PIN_BYTES_MIN: usize = 7;
/// Bytes of the longest password there.
pub const CLOUDHSM_PIN_BYTES_MAX: usize = 32;
/// Users who may share a key, its owner among them, and the most approvals its use may take: CloudHSM's number.
pub const KEY_USERS_MAX: usize = 8;
/// Quorum tokens of one HSM that are still good: CloudHSM's number.
pub const QUORUM_TOKENS_MAX: usize = 1024;
/// Quorum tokens of one user that are still good, so that no user takes all of them.
pub const QUORUM_TOKENS_OF_USER_MAX: usize = 128;
/// Bytes of a user name.
pub const USER_NAME_BYTES_MAX: usize = 31;
/// Slots: their numbers stay below this, which every client's integers can hold.
pub const SLOTS_MAX: u64 = 1 << 31;
/// Sessions of one application on one token.
pub const SESSIONS_MAX: usize = 65_536;
/// Session objects of one application on one token.
pub const SESSION_OBJECTS_MAX: usize = 4_000_000;
/// Token objects kept decrypted in memory, per token.
pub const CACHED_OBJECTS_MAX: usize = 100_000;
/// Bytes of the additional authenticated data of one operation.
pub const AAD_BYTES_MAX: usize = 1 << 24;
/// Bytes of the longest RC4 key: the CloudHSM guide says "below 256".
pub const RC4_KEY_BYTES_MAX: usize = 255;
/// Bytes of the longest generic secret: the CloudHSM guide says "below 3584".
pub const GENERIC_SECRET_BYTES_MAX: usize = 3583;
/// Milliseconds a writer waits for other writers of the same token.
pub const STORE_WAIT_MS: u64 = 30_000;
/// Steps of PBKDF2 in one call: iterations times blocks of output. About a minute.
pub const PASSWORD_STEPS_MAX: u64 = 100_000_000;
/// Bytes of the fields of SP 800-108, each of which goes into every block of the output.
pub const KDF_FIELD_BYTES_MAX: usize = 64 * 1024;
