//! The exported functions: every `C_*` of PKCS#11 2.40, 3.0 and 3.2, each translated into a call of its chapter.

// The attribute that exports a name unmangled counts as unsafe code, and `exported!` takes the callers' promise here.
#![allow(unsafe_code)]
// The standard's signatures are as long as they are.
#![allow(clippy::too_many_arguments)]

use std::ffi::c_void;

use cryptoki_sys::*;

use crate::memory::{Attributes, Handles, Input, List, Room, Space, exported};
use crate::{
    asynchronous, decryption, digests, dual, encryption, general, interfaces, keys, lifecycle, message_signing,
    messages, objects, random, sessions, signing, slots, verification, wrapping,
};

exported! {
    /// Starts the module for this process (PKCS#11 3.2 §5.4).
    fn C_Initialize(arguments: *mut c_void) => initialising(|gate| lifecycle::initialize(gate, arguments));
    /// Ends the module for this process (§5.4).
    fn C_Finalize(reserved: *mut c_void) => any_time(|| lifecycle::finalize(reserved));
    /// Tells about the module (§5.4).
    fn C_GetInfo(info: *mut CK_INFO) => initialised(|hsm| general::info(hsm, info));
    /// Gives the functions of version 2.40 (§5.4).
    fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) => any_time(|| interfaces::function_list(list));
    /// Lists the interfaces (§5.4).
    fn C_GetInterfaceList(list: *mut CK_INTERFACE, count: *mut CK_ULONG) =>
        any_time(|| interfaces::list(List::new(list, count)));
    /// Gives the interface with a name, version and flags (§5.4).
    fn C_GetInterface(
        name: *mut CK_UTF8CHAR, version: *mut CK_VERSION, interface: *mut *mut CK_INTERFACE, flags: CK_FLAGS,
    ) => any_time(|| interfaces::find(name, version, interface, flags));
    /// Lists the slots (§5.5).
    fn C_GetSlotList(token_present: CK_BBOOL, list: *mut CK_SLOT_ID, count: *mut CK_ULONG) =>
        initialised(|hsm| slots::list(hsm, token_present, List::new(list, count)));
    /// Tells about a slot (§5.5).
    fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) => initialised(|hsm| slots::info(hsm, slot, info));
    /// Tells about a token (§5.5).
    fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) =>
        initialised(|hsm| slots::token_info(hsm, slot, info));
    /// Tells about a change of the slots (§5.5).
    fn C_WaitForSlotEvent(flags: CK_FLAGS, slot: *mut CK_SLOT_ID, reserved: *mut c_void) =>
        initialised(|hsm| slots::wait_for_event(hsm, flags, slot, reserved));
    /// Lists the mechanisms of a token (§5.5).
    fn C_GetMechanismList(slot: CK_SLOT_ID, list: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG) =>
        initialised(|hsm| slots::mechanisms(hsm, slot, List::new(list, count)));
    /// Tells about a mechanism (§5.5).
    fn C_GetMechanismInfo(slot: CK_SLOT_ID, mechanism_type: CK_MECHANISM_TYPE, info: *mut CK_MECHANISM_INFO) =>
        initialised(|hsm| slots::mechanism_info(hsm, slot, mechanism_type, info));
    /// Initialises a token, and empties it if it was one already (§5.5).
    fn C_InitToken(slot: CK_SLOT_ID, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG, label: *mut CK_UTF8CHAR) =>
        initialised(|hsm| slots::initialize_token(hsm, slot, Input::new(pin, pin_len), label.label()));
    /// Sets the PIN of the user, by the officer (§5.5).
    fn C_InitPIN(session: CK_SESSION_HANDLE, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG) =>
        initialised(|hsm| sessions::initialize_pin(hsm, session, Input::new(pin, pin_len)));
    /// Changes the PIN of who is logged in (§5.5).
    fn C_SetPIN(
        session: CK_SESSION_HANDLE, old: *mut CK_UTF8CHAR, old_len: CK_ULONG, new: *mut CK_UTF8CHAR,
        new_len: CK_ULONG,
    ) =>
        initialised(|hsm| sessions::set_pin(hsm, session, Input::new(old, old_len), Input::new(new, new_len)));
    /// Opens a session with a token (§5.6).
    fn C_OpenSession(
        slot: CK_SLOT_ID, flags: CK_FLAGS, application: *mut c_void, notify: CK_NOTIFY,
        session: *mut CK_SESSION_HANDLE,
    ) => initialised(|hsm| sessions::open(hsm, slot, flags, session));
    /// Closes a session (§5.6).
    fn C_CloseSession(session: CK_SESSION_HANDLE) => initialised(|hsm| sessions::close(hsm, session));
    /// Closes all sessions with a token (§5.6).
    fn C_CloseAllSessions(slot: CK_SLOT_ID) => initialised(|hsm| sessions::close_all(hsm, slot));
    /// Tells about a session (§5.6).
    fn C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) =>
        initialised(|hsm| sessions::info(hsm, session, info));
    /// Ends operations of a session (§5.6).
    fn C_SessionCancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) =>
        initialised(|hsm| sessions::cancel(hsm, session, flags));
    /// Saves the state of the operations of a session (§5.6).
    fn C_GetOperationState(session: CK_SESSION_HANDLE, state: *mut CK_BYTE, state_len: *mut CK_ULONG) =>
        initialised(|hsm| sessions::operation_state(hsm, session, Space::new(state, state_len)));
    /// Restores a saved state (§5.6).
    fn C_SetOperationState(
        session: CK_SESSION_HANDLE, state: *mut CK_BYTE, state_len: CK_ULONG, encryption_key: CK_OBJECT_HANDLE,
        authentication_key: CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| {
            let state = Input::new(state, state_len);
            sessions::set_operation_state(hsm, session, state, encryption_key, authentication_key)
        });
    /// Logs a user in (§5.6).
    fn C_Login(session: CK_SESSION_HANDLE, user_type: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG) =>
        initialised(|hsm| sessions::login(hsm, session, user_type, Input::new(pin, pin_len)));
    /// Logs in a user with a name (§5.6).
    fn C_LoginUser(
        session: CK_SESSION_HANDLE, user_type: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG,
        name: *mut CK_UTF8CHAR, name_len: CK_ULONG,
    ) =>
        initialised(|hsm| {
            sessions::login_user(hsm, session, user_type, Input::new(pin, pin_len), Input::new(name, name_len))
        });
    /// Logs the user out (§5.6).
    fn C_Logout(session: CK_SESSION_HANDLE) => initialised(|hsm| sessions::logout(hsm, session));
    /// Makes an object of given values (§5.7).
    fn C_CreateObject(
        session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG, object: *mut CK_OBJECT_HANDLE,
    ) => initialised(|hsm| objects::create(hsm, session, Attributes::new(template, count), object));
    /// Copies an object (§5.7).
    fn C_CopyObject(
        session: CK_SESSION_HANDLE, original: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
        object: *mut CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| objects::copy(hsm, session, original, Attributes::new(template, count), object));
    /// Destroys an object (§5.7).
    fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) =>
        initialised(|hsm| objects::destroy(hsm, session, object));
    /// Tells about how many bytes an object takes (§5.7).
    fn C_GetObjectSize(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, size: *mut CK_ULONG) =>
        initialised(|hsm| objects::size(hsm, session, object, size));
    /// Gives attributes of an object (§5.7).
    fn C_GetAttributeValue(
        session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, wanted: *mut CK_ATTRIBUTE, count: CK_ULONG,
    ) => initialised(|hsm| objects::attributes(hsm, session, object, Attributes::new(wanted, count)));
    /// Changes attributes of an object (§5.7).
    fn C_SetAttributeValue(
        session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
    ) => initialised(|hsm| objects::set_attributes(hsm, session, object, Attributes::new(template, count)));
    /// Begins a search (§5.7).
    fn C_FindObjectsInit(session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG) =>
        initialised(|hsm| objects::find_init(hsm, session, Attributes::new(template, count)));
    /// Gives the next objects found (§5.7).
    fn C_FindObjects(
        session: CK_SESSION_HANDLE, objects: *mut CK_OBJECT_HANDLE, places: CK_ULONG, count: *mut CK_ULONG,
    ) => initialised(|hsm| objects::find(hsm, session, Handles::new(objects, places, count)));
    /// Ends a search (§5.7).
    fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) => initialised(|hsm| objects::find_final(hsm, session));
    /// Begins an encryption (§5.8).
    fn C_EncryptInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| encryption::initialize(hsm, session, mechanism, key));
    /// Encrypts in one part (§5.8).
    fn C_Encrypt(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            encryption::encrypt(hsm, session, Input::new(data, data_len), Space::new(encrypted, encrypted_len))
        });
    /// Encrypts a part (§5.8).
    fn C_EncryptUpdate(
        session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            encryption::update(hsm, session, Input::new(part, part_len), Space::new(encrypted, encrypted_len))
        });
    /// Ends an encryption in parts (§5.8).
    fn C_EncryptFinal(session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: *mut CK_ULONG) =>
        initialised(|hsm| encryption::finish(hsm, session, Space::new(encrypted, encrypted_len)));
    /// Begins a decryption (§5.10).
    fn C_DecryptInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| decryption::initialize(hsm, session, mechanism, key));
    /// Decrypts in one part (§5.10).
    fn C_Decrypt(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, data: *mut CK_BYTE,
        data_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            decryption::decrypt(hsm, session, Input::new(encrypted, encrypted_len), Space::new(data, data_len))
        });
    /// Decrypts a part (§5.10).
    fn C_DecryptUpdate(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, part: *mut CK_BYTE,
        part_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            decryption::update(hsm, session, Input::new(encrypted, encrypted_len), Space::new(part, part_len))
        });
    /// Ends a decryption in parts (§5.10).
    fn C_DecryptFinal(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: *mut CK_ULONG) =>
        initialised(|hsm| decryption::finish(hsm, session, Space::new(part, part_len)));
    /// Begins a digest (§5.12).
    fn C_DigestInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM) =>
        initialised(|hsm| digests::initialize(hsm, session, mechanism));
    /// Digests in one part (§5.12).
    fn C_Digest(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, digest: *mut CK_BYTE,
        digest_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| digests::digest(hsm, session, Input::new(data, data_len), Space::new(digest, digest_len)));
    /// Digests a part (§5.12).
    fn C_DigestUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG) =>
        initialised(|hsm| digests::update(hsm, session, Input::new(part, part_len)));
    /// Digests the value of a key (§5.12).
    fn C_DigestKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| digests::key(hsm, session, key));
    /// Ends a digest in parts (§5.12).
    fn C_DigestFinal(session: CK_SESSION_HANDLE, digest: *mut CK_BYTE, digest_len: *mut CK_ULONG) =>
        initialised(|hsm| digests::finish(hsm, session, Space::new(digest, digest_len)));
    /// Begins a signature or MAC (§5.13).
    fn C_SignInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| signing::initialize(hsm, session, mechanism, key));
    /// Signs in one part (§5.13).
    fn C_Sign(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, signature: *mut CK_BYTE,
        signature_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            signing::sign(hsm, session, Input::new(data, data_len), Space::new(signature, signature_len))
        });
    /// Signs a part (§5.13).
    fn C_SignUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG) =>
        initialised(|hsm| signing::update(hsm, session, Input::new(part, part_len)));
    /// Ends a signature in parts (§5.13).
    fn C_SignFinal(session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_len: *mut CK_ULONG) =>
        initialised(|hsm| signing::finish(hsm, session, Space::new(signature, signature_len)));
    /// Begins a signature that holds its data (§5.13).
    fn C_SignRecoverInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| signing::recover_initialize(hsm, session, mechanism, key));
    /// Signs data so that the signature holds it (§5.13).
    fn C_SignRecover(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, signature: *mut CK_BYTE,
        signature_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            signing::recover(hsm, session, Input::new(data, data_len), Space::new(signature, signature_len))
        });
    /// Begins the verification of a signature or MAC (§5.15).
    fn C_VerifyInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| verification::initialize(hsm, session, mechanism, key));
    /// Verifies in one part (§5.15).
    fn C_Verify(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, signature: *mut CK_BYTE,
        signature_len: CK_ULONG,
    ) =>
        initialised(|hsm| {
            verification::verify(hsm, session, Input::new(data, data_len), Input::new(signature, signature_len))
        });
    /// Verifies a part (§5.15).
    fn C_VerifyUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG) =>
        initialised(|hsm| verification::update(hsm, session, Input::new(part, part_len)));
    /// Ends a verification in parts (§5.15).
    fn C_VerifyFinal(session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_len: CK_ULONG) =>
        initialised(|hsm| verification::finish(hsm, session, Input::new(signature, signature_len)));
    /// Begins to take data from a signature (§5.15).
    fn C_VerifyRecoverInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| verification::recover_initialize(hsm, session, mechanism, key));
    /// Verifies a signature and gives the data it holds (§5.15).
    fn C_VerifyRecover(
        session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_len: CK_ULONG, data: *mut CK_BYTE,
        data_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            verification::recover(hsm, session, Input::new(signature, signature_len), Space::new(data, data_len))
        });
    /// Digests and encrypts a part (§5.17).
    fn C_DigestEncryptUpdate(
        session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            dual::digest_encrypt(hsm, session, Input::new(part, part_len), Space::new(encrypted, encrypted_len))
        });
    /// Decrypts a part and digests the result (§5.17).
    fn C_DecryptDigestUpdate(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, part: *mut CK_BYTE,
        part_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            dual::decrypt_digest(hsm, session, Input::new(encrypted, encrypted_len), Space::new(part, part_len))
        });
    /// Signs and encrypts a part (§5.17).
    fn C_SignEncryptUpdate(
        session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            dual::sign_encrypt(hsm, session, Input::new(part, part_len), Space::new(encrypted, encrypted_len))
        });
    /// Decrypts a part and verifies the result (§5.17).
    fn C_DecryptVerifyUpdate(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, part: *mut CK_BYTE,
        part_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            dual::decrypt_verify(hsm, session, Input::new(encrypted, encrypted_len), Space::new(part, part_len))
        });
    /// Generates a secret key (§5.18).
    fn C_GenerateKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| keys::generate(hsm, session, mechanism, Attributes::new(template, count), key));
    /// Generates a key pair (§5.18).
    fn C_GenerateKeyPair(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, public_template: *mut CK_ATTRIBUTE,
        public_count: CK_ULONG, private_template: *mut CK_ATTRIBUTE, private_count: CK_ULONG,
        public_key: *mut CK_OBJECT_HANDLE, private_key: *mut CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| {
            let templates = (
                Attributes::new(public_template, public_count),
                Attributes::new(private_template, private_count),
            );
            keys::generate_pair(hsm, session, mechanism, templates, (public_key, private_key))
        });
    /// Encrypts a key with another (§5.18).
    fn C_WrapKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE, wrapped: *mut CK_BYTE, wrapped_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            wrapping::wrap(hsm, session, mechanism, wrapping_key, key, Space::new(wrapped, wrapped_len))
        });
    /// Decrypts a key with another (§5.18).
    fn C_UnwrapKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: *mut CK_BYTE, wrapped_len: CK_ULONG, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| {
            let template = Attributes::new(template, count);
            wrapping::unwrap(
                hsm, session, mechanism, unwrapping_key, Input::new(wrapped, wrapped_len), template, key,
            )
        });
    /// Derives keys from another (§5.18).
    fn C_DeriveKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, base_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE, count: CK_ULONG, key: *mut CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| keys::derive(hsm, session, mechanism, base_key, Attributes::new(template, count), key));
    /// Adds to the state of the random number generator (§5.19).
    fn C_SeedRandom(session: CK_SESSION_HANDLE, seed: *mut CK_BYTE, seed_len: CK_ULONG) =>
        initialised(|hsm| random::seed(hsm, session, Input::new(seed, seed_len)));
    /// Gives random bytes (§5.19).
    fn C_GenerateRandom(session: CK_SESSION_HANDLE, random: *mut CK_BYTE, random_len: CK_ULONG) =>
        initialised(|hsm| random::generate(hsm, session, Room::new(random, random_len)));
    /// Left from a time before threads (§5.20).
    fn C_GetFunctionStatus(session: CK_SESSION_HANDLE) => initialised(|hsm| general::not_parallel(hsm, session));
    /// Left from a time before threads (§5.20).
    fn C_CancelFunction(session: CK_SESSION_HANDLE) => initialised(|hsm| general::not_parallel(hsm, session));
    /// Begins a series of messages to encrypt (§5.9).
    fn C_MessageEncryptInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| messages::encrypt_initialize(hsm, session, mechanism, key));
    /// Encrypts a message (§5.9).
    fn C_EncryptMessage(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, associated: *mut CK_BYTE,
        associated_len: CK_ULONG, data: *mut CK_BYTE, data_len: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let associated = Input::new(associated, associated_len);
            let data = Input::new(data, data_len);
            let encrypted = Space::new(encrypted, encrypted_len);
            messages::encrypt(hsm, session, parameter, associated, data, encrypted)
        });
    /// Begins a message in parts (§5.9).
    fn C_EncryptMessageBegin(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, associated: *mut CK_BYTE,
        associated_len: CK_ULONG,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let associated = Input::new(associated, associated_len);
            messages::encrypt_begin(hsm, session, parameter, associated)
        });
    /// Encrypts a part of a message (§5.9).
    fn C_EncryptMessageNext(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, data: *mut CK_BYTE,
        data_len: CK_ULONG, encrypted: *mut CK_BYTE, encrypted_len: *mut CK_ULONG, flags: CK_FLAGS,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let data = Input::new(data, data_len);
            let encrypted = Space::new(encrypted, encrypted_len);
            messages::encrypt_next(hsm, session, parameter, data, encrypted, flags)
        });
    /// Ends a series of messages to encrypt (§5.9).
    fn C_MessageEncryptFinal(session: CK_SESSION_HANDLE) =>
        initialised(|hsm| messages::encrypt_final(hsm, session));
    /// Begins a series of messages to decrypt (§5.11).
    fn C_MessageDecryptInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| messages::decrypt_initialize(hsm, session, mechanism, key));
    /// Decrypts a message (§5.11).
    fn C_DecryptMessage(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, associated: *mut CK_BYTE,
        associated_len: CK_ULONG, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, data: *mut CK_BYTE,
        data_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let associated = Input::new(associated, associated_len);
            let encrypted = Input::new(encrypted, encrypted_len);
            let data = Space::new(data, data_len);
            messages::decrypt(hsm, session, parameter, associated, encrypted, data)
        });
    /// Begins a message in parts (§5.11).
    fn C_DecryptMessageBegin(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, associated: *mut CK_BYTE,
        associated_len: CK_ULONG,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let associated = Input::new(associated, associated_len);
            messages::decrypt_begin(hsm, session, parameter, associated)
        });
    /// Takes a part of a message, and with the last decrypts it (§5.11).
    fn C_DecryptMessageNext(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_len: CK_ULONG, data: *mut CK_BYTE, data_len: *mut CK_ULONG, flags: CK_FLAGS,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let encrypted = Input::new(encrypted, encrypted_len);
            let data = Space::new(data, data_len);
            messages::decrypt_next(hsm, session, parameter, encrypted, data, flags)
        });
    /// Ends a series of messages to decrypt (§5.11).
    fn C_MessageDecryptFinal(session: CK_SESSION_HANDLE) =>
        initialised(|hsm| messages::decrypt_final(hsm, session));
    /// Begins a series of messages to sign (§5.14).
    fn C_MessageSignInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| message_signing::sign_initialize(hsm, session, mechanism, key));
    /// Signs a message (§5.14).
    fn C_SignMessage(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, data: *mut CK_BYTE,
        data_len: CK_ULONG, signature: *mut CK_BYTE, signature_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let data = Input::new(data, data_len);
            let signature = Space::new(signature, signature_len);
            message_signing::sign(hsm, session, parameter, data, signature)
        });
    /// Begins a message in parts (§5.14).
    fn C_SignMessageBegin(session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG) =>
        initialised(|hsm| message_signing::sign_begin(hsm, session, Input::new(parameter.bytes(), parameter_len)));
    /// Takes a part of a message, and with the last signs it (§5.14).
    fn C_SignMessageNext(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, data: *mut CK_BYTE,
        data_len: CK_ULONG, signature: *mut CK_BYTE, signature_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let data = Input::new(data, data_len);
            let signature = Space::new(signature, signature_len);
            message_signing::sign_next(hsm, session, parameter, data, signature)
        });
    /// Ends a series of messages to sign (§5.14).
    fn C_MessageSignFinal(session: CK_SESSION_HANDLE) =>
        initialised(|hsm| message_signing::sign_final(hsm, session));
    /// Begins a series of messages to verify (§5.16).
    fn C_MessageVerifyInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) =>
        initialised(|hsm| message_signing::verify_initialize(hsm, session, mechanism, key));
    /// Verifies a message (§5.16).
    fn C_VerifyMessage(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, data: *mut CK_BYTE,
        data_len: CK_ULONG, signature: *mut CK_BYTE, signature_len: CK_ULONG,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let data = Input::new(data, data_len);
            let signature = Input::new(signature, signature_len);
            message_signing::verify(hsm, session, parameter, data, signature)
        });
    /// Begins a message in parts (§5.16).
    fn C_VerifyMessageBegin(session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG) =>
        initialised(|hsm| message_signing::verify_begin(hsm, session, Input::new(parameter.bytes(), parameter_len)));
    /// Takes a part of a message, and with the last verifies it (§5.16).
    fn C_VerifyMessageNext(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_len: CK_ULONG, data: *mut CK_BYTE,
        data_len: CK_ULONG, signature: *mut CK_BYTE, signature_len: CK_ULONG,
    ) =>
        initialised(|hsm| {
            let parameter = Input::new(parameter.bytes(), parameter_len);
            let data = Input::new(data, data_len);
            let signature = Input::new(signature, signature_len);
            message_signing::verify_next(hsm, session, parameter, data, signature)
        });
    /// Ends a series of messages to verify (§5.16).
    fn C_MessageVerifyFinal(session: CK_SESSION_HANDLE) =>
        initialised(|hsm| message_signing::verify_final(hsm, session));
    /// Makes a key and a ciphertext that holds it (§5.18).
    fn C_EncapsulateKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, public_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE, count: CK_ULONG, ciphertext: *mut CK_BYTE, ciphertext_len: *mut CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| {
            let (template, ciphertext) = (Attributes::new(template, count), Space::new(ciphertext, ciphertext_len));
            keys::encapsulate(hsm, session, mechanism, public_key, template, ciphertext, key)
        });
    /// Takes a key out of a ciphertext (§5.18).
    fn C_DecapsulateKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, private_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE, count: CK_ULONG, ciphertext: *mut CK_BYTE, ciphertext_len: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| {
            let (template, ciphertext) = (Attributes::new(template, count), Input::new(ciphertext, ciphertext_len));
            keys::decapsulate(hsm, session, mechanism, private_key, template, ciphertext, key)
        });
    /// Begins the verification of a signature given first (§5.15).
    fn C_VerifySignatureInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE, signature: *mut CK_BYTE,
        signature_len: CK_ULONG,
    ) =>
        initialised(|hsm| {
            verification::signature_initialize(hsm, session, mechanism, key, Input::new(signature, signature_len))
        });
    /// Verifies it in one part (§5.15).
    fn C_VerifySignature(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG) =>
        initialised(|hsm| verification::signature(hsm, session, Input::new(data, data_len)));
    /// Verifies a part (§5.15).
    fn C_VerifySignatureUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG) =>
        initialised(|hsm| verification::signature_update(hsm, session, Input::new(part, part_len)));
    /// Ends the verification in parts (§5.15).
    fn C_VerifySignatureFinal(session: CK_SESSION_HANDLE) =>
        initialised(|hsm| verification::signature_final(hsm, session));
    /// Tells about validations of what the session did (§5.6).
    fn C_GetSessionValidationFlags(
        session: CK_SESSION_HANDLE, validation_type: CK_SESSION_VALIDATION_FLAGS_TYPE, flags: *mut CK_FLAGS,
    ) =>
        initialised(|hsm| sessions::validation_flags(hsm, session, validation_type, flags));
    /// Not offered: asynchronous sessions (§5.20).
    fn C_AsyncComplete(session: CK_SESSION_HANDLE, function: *mut CK_UTF8CHAR, result: *mut CK_ASYNC_DATA) =>
        initialised(|hsm| asynchronous::not_offered(hsm, session));
    /// Not offered (§5.20).
    fn C_AsyncGetID(session: CK_SESSION_HANDLE, function: *mut CK_UTF8CHAR, id: *mut CK_ULONG) =>
        initialised(|hsm| asynchronous::not_offered(hsm, session));
    /// Not offered (§5.20).
    fn C_AsyncJoin(
        session: CK_SESSION_HANDLE, function: *mut CK_UTF8CHAR, id: CK_ULONG, data: *mut CK_BYTE,
        data_len: CK_ULONG,
    ) =>
        initialised(|hsm| asynchronous::not_offered(hsm, session));
    /// Encrypts a key with another, with a tag (§5.18).
    fn C_WrapKeyAuthenticated(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE, associated: *mut CK_BYTE, associated_len: CK_ULONG, wrapped: *mut CK_BYTE,
        wrapped_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            let wrapped = Space::new(wrapped, wrapped_len);
            let associated = Input::new(associated, associated_len);
            wrapping::wrap_authenticated(hsm, session, mechanism, (wrapping_key, key), associated, wrapped)
        });
    /// Decrypts a key with another, and checks its tag (§5.18).
    fn C_UnwrapKeyAuthenticated(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: *mut CK_BYTE, wrapped_len: CK_ULONG, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
        associated: *mut CK_BYTE, associated_len: CK_ULONG, key: *mut CK_OBJECT_HANDLE,
    ) =>
        initialised(|hsm| {
            let (wrapped, template) = (Input::new(wrapped, wrapped_len), Attributes::new(template, count));
            let associated = Input::new(associated, associated_len);
            wrapping::unwrap_authenticated(
                hsm, session, mechanism, unwrapping_key, wrapped, template, (associated, key),
            )
        });
}
