//! One session's calls, with Rust values in and out.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Code, Outcome};
use crate::parameters::Mechanism;
use crate::template::{Entry, lend};

/// A session handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session(pub(crate) CK_SESSION_HANDLE);

/// A kind of operation that turns data into output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
}

pub(crate) const ALL_WORK: [Work; 4] = [Work::Encrypt, Work::Decrypt, Work::Digest, Work::Sign];

/// What to do with data: a pointer and length in, a pointer and length out.
pub(crate) type Exchange = (*mut u8, CK_ULONG, *mut u8, *mut CK_ULONG);

fn len(bytes: &[u8]) -> CK_ULONG {
    bytes.len() as CK_ULONG
}

fn start(bytes: &[u8]) -> *mut u8 {
    bytes.as_ptr().cast_mut()
}

impl Session {
    pub(crate) fn close(self) -> Outcome {
        call!(C_CloseSession(self.0))
    }

    pub(crate) fn login(self, user: CK_USER_TYPE, pin: &[u8]) -> Outcome {
        call!(C_Login(self.0, user, start(pin), len(pin)))
    }

    pub(crate) fn login_user(self, user: CK_USER_TYPE, pin: &[u8], name: &[u8]) -> Outcome {
        call!(C_LoginUser(self.0, user, start(pin), len(pin), start(name), len(name)))
    }

    pub(crate) fn logout(self) -> Outcome {
        call!(C_Logout(self.0))
    }

    pub(crate) fn init_pin(self, pin: &[u8]) -> Outcome {
        call!(C_InitPIN(self.0, start(pin), len(pin)))
    }

    pub(crate) fn set_pin(self, old: &[u8], new: &[u8]) -> Outcome {
        call!(C_SetPIN(self.0, start(old), len(old), start(new), len(new)))
    }

    pub(crate) fn info(self) -> Outcome<CK_SESSION_INFO> {
        let mut info = CK_SESSION_INFO::default();
        call!(C_GetSessionInfo(self.0, &mut info)).map(|()| info)
    }

    pub(crate) fn state(self) -> CK_STATE {
        self.info().unwrap().state
    }

    pub(crate) fn cancel(self, flags: CK_FLAGS) -> Outcome {
        call!(C_SessionCancel(self.0, flags))
    }

    pub(crate) fn create(self, template: &[Entry]) -> Outcome<CK_OBJECT_HANDLE> {
        let mut object = 0;
        lend(template, |start, count| call!(C_CreateObject(self.0, start, count, &mut object)))?;
        Ok(object)
    }

    pub(crate) fn generate(self, mechanism: &Mechanism, template: &[Entry]) -> Outcome<CK_OBJECT_HANDLE> {
        let mut object = 0;
        mechanism.lend(|mechanism| {
            lend(template, |start, count| call!(C_GenerateKey(self.0, mechanism, start, count, &mut object)))
        })?;
        Ok(object)
    }

    pub(crate) fn copy(self, object: CK_OBJECT_HANDLE, template: &[Entry]) -> Outcome<CK_OBJECT_HANDLE> {
        let mut copy = 0;
        lend(template, |start, count| call!(C_CopyObject(self.0, object, start, count, &mut copy)))?;
        Ok(copy)
    }

    pub(crate) fn destroy(self, object: CK_OBJECT_HANDLE) -> Outcome {
        call!(C_DestroyObject(self.0, object))
    }

    pub(crate) fn size(self, object: CK_OBJECT_HANDLE) -> Outcome<CK_ULONG> {
        let mut size = 0;
        call!(C_GetObjectSize(self.0, object, &mut size)).map(|()| size)
    }

    pub(crate) fn set(self, object: CK_OBJECT_HANDLE, template: &[Entry]) -> Outcome {
        lend(template, |start, count| call!(C_SetAttributeValue(self.0, object, start, count)))
    }

    /// The bytes of one attribute, asked for the way the standard advises: length first.
    pub(crate) fn get(self, object: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> Outcome<Vec<u8>> {
        let mut entry = CK_ATTRIBUTE { type_: attribute, pValue: ptr::null_mut(), ulValueLen: 0 };
        call!(C_GetAttributeValue(self.0, object, &mut entry, 1))?;
        let mut value = vec![0xa5; entry.ulValueLen as usize];
        if !value.is_empty() {
            entry.pValue = value.as_mut_ptr().cast();
            call!(C_GetAttributeValue(self.0, object, &mut entry, 1))?;
            assert_eq!(entry.ulValueLen, len(&value));
        }
        Ok(value)
    }

    pub(crate) fn flag(self, object: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> bool {
        match self.get(object, attribute).unwrap()[..] {
            [CK_FALSE] => false,
            [CK_TRUE] => true,
            ref other => panic!("attribute 0x{attribute:x} is {other:?}"),
        }
    }

    pub(crate) fn number(self, object: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> CK_ULONG {
        CK_ULONG::from_ne_bytes(self.get(object, attribute).unwrap().try_into().unwrap())
    }

    pub(crate) fn find_init(self, template: &[Entry]) -> Outcome {
        lend(template, |start, count| call!(C_FindObjectsInit(self.0, start, count)))
    }

    pub(crate) fn find_some(self, max: usize) -> Outcome<Vec<CK_OBJECT_HANDLE>> {
        let mut found = vec![0; max];
        let mut count = 0;
        call!(C_FindObjects(self.0, found.as_mut_ptr(), max as CK_ULONG, &mut count))?;
        found.truncate(count as usize);
        Ok(found)
    }

    pub(crate) fn find_final(self) -> Outcome {
        call!(C_FindObjectsFinal(self.0))
    }

    /// All handles that match, in ascending order.
    pub(crate) fn find(self, template: &[Entry]) -> Vec<CK_OBJECT_HANDLE> {
        self.find_init(template).unwrap();
        let mut all = Vec::new();
        loop {
            let some = self.find_some(7).unwrap();
            if some.is_empty() {
                break;
            }
            all.extend(some);
        }
        self.find_final().unwrap();
        all.sort_unstable();
        all
    }

    /// Begins an operation; a digest takes no key.
    pub(crate) fn begin(self, work: Work, mechanism: &Mechanism, key: CK_OBJECT_HANDLE) -> Outcome {
        mechanism.lend(|mechanism| self.begin_raw(work, mechanism, key))
    }

    pub(crate) fn begin_raw(self, work: Work, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> Outcome {
        match work {
            Work::Encrypt => call!(C_EncryptInit(self.0, mechanism, key)),
            Work::Decrypt => call!(C_DecryptInit(self.0, mechanism, key)),
            Work::Digest => call!(C_DigestInit(self.0, mechanism)),
            Work::Sign => call!(C_SignInit(self.0, mechanism, key)),
        }
    }

    pub(crate) fn whole_raw(self, work: Work, (data, data_len, output, output_len): Exchange) -> Outcome {
        match work {
            Work::Encrypt => call!(C_Encrypt(self.0, data, data_len, output, output_len)),
            Work::Decrypt => call!(C_Decrypt(self.0, data, data_len, output, output_len)),
            Work::Digest => call!(C_Digest(self.0, data, data_len, output, output_len)),
            Work::Sign => call!(C_Sign(self.0, data, data_len, output, output_len)),
        }
    }

    /// A part; digests and signatures give no output.
    pub(crate) fn update_raw(self, work: Work, (data, data_len, output, output_len): Exchange) -> Outcome {
        match work {
            Work::Encrypt => call!(C_EncryptUpdate(self.0, data, data_len, output, output_len)),
            Work::Decrypt => call!(C_DecryptUpdate(self.0, data, data_len, output, output_len)),
            Work::Digest => call!(C_DigestUpdate(self.0, data, data_len)),
            Work::Sign => call!(C_SignUpdate(self.0, data, data_len)),
        }
    }

    pub(crate) fn finish_raw(self, work: Work, output: *mut u8, output_len: *mut CK_ULONG) -> Outcome {
        match work {
            Work::Encrypt => call!(C_EncryptFinal(self.0, output, output_len)),
            Work::Decrypt => call!(C_DecryptFinal(self.0, output, output_len)),
            Work::Digest => call!(C_DigestFinal(self.0, output, output_len)),
            Work::Sign => call!(C_SignFinal(self.0, output, output_len)),
        }
    }

    /// All data in one call, into ample room.
    pub(crate) fn whole(self, work: Work, data: &[u8]) -> Outcome<Vec<u8>> {
        let room = if work == Work::Sign { SIGNATURE_BYTES } else { ROOM_BYTES };
        let mut output = vec![0; data.len() + room];
        let mut output_len = len(&output);
        self.whole_raw(work, (start(data), len(data), output.as_mut_ptr(), &mut output_len))?;
        output.truncate(output_len as usize);
        Ok(output)
    }

    /// One part, into ample room.
    pub(crate) fn update(self, work: Work, data: &[u8]) -> Outcome<Vec<u8>> {
        let mut output = vec![0; data.len() + ROOM_BYTES];
        let mut output_len = if matches!(work, Work::Encrypt | Work::Decrypt) { len(&output) } else { 0 };
        self.update_raw(work, (start(data), len(data), output.as_mut_ptr(), &mut output_len))?;
        output.truncate(output_len as usize);
        Ok(output)
    }

    /// The end, into room for whatever an authenticated cipher held back.
    pub(crate) fn finish(self, work: Work) -> Outcome<Vec<u8>> {
        let mut output_len = 0;
        self.finish_raw(work, ptr::null_mut(), &mut output_len)?;
        let mut output = vec![0; output_len as usize + ROOM_BYTES];
        output_len = len(&output);
        self.finish_raw(work, output.as_mut_ptr(), &mut output_len)?;
        output.truncate(output_len as usize);
        Ok(output)
    }

    /// A whole operation from its beginning.
    pub(crate) fn run(self, work: Work, mechanism: &Mechanism, key: CK_OBJECT_HANDLE, data: &[u8]) -> Outcome<Vec<u8>> {
        self.begin(work, mechanism, key)?;
        self.whole(work, data)
    }

    /// A whole operation in parts that end at `cuts`.
    pub(crate) fn run_in_parts(
        self,
        work: Work,
        mechanism: &Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        cuts: &[usize],
    ) -> Outcome<Vec<u8>> {
        self.begin(work, mechanism, key)?;
        let mut output = Vec::new();
        let mut from = 0;
        for to in cuts.iter().copied().chain([data.len()]) {
            output.extend(self.update(work, &data[from..to])?);
            from = to;
        }
        output.extend(self.finish(work)?);
        Ok(output)
    }

    pub(crate) fn verify_init(self, mechanism: &Mechanism, key: CK_OBJECT_HANDLE) -> Outcome {
        mechanism.lend(|mechanism| call!(C_VerifyInit(self.0, mechanism, key)))
    }

    pub(crate) fn verify(self, data: &[u8], signature: &[u8]) -> Outcome {
        call!(C_Verify(self.0, start(data), len(data), start(signature), len(signature)))
    }

    pub(crate) fn verify_update(self, part: &[u8]) -> Outcome {
        call!(C_VerifyUpdate(self.0, start(part), len(part)))
    }

    pub(crate) fn verify_final(self, signature: &[u8]) -> Outcome {
        call!(C_VerifyFinal(self.0, start(signature), len(signature)))
    }

    /// Whether the operation is active: a length query answers, and changes nothing.
    pub(crate) fn is_active(self, work: Work) -> bool {
        let mut length = 0;
        match self.finish_raw(work, ptr::null_mut(), &mut length) {
            Ok(()) => true,
            Err(Code(CKR_OPERATION_NOT_INITIALIZED)) => false,
            Err(code) => panic!("{work:?}: {code:?}"),
        }
    }

    /// Ends whatever is active.
    pub(crate) fn cancel_all(self) {
        let crypt = CKF_ENCRYPT | CKF_DECRYPT | CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT;
        let sign = CKF_SIGN | CKF_VERIFY | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY;
        let recover = CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER;
        self.cancel(crypt | sign | recover | CKF_DIGEST | CKF_FIND_OBJECTS).unwrap();
    }

    /// A pair: its public and its private key.
    pub(crate) fn generate_pair(
        self,
        mechanism: &Mechanism,
        public: &[Entry],
        private: &[Entry],
    ) -> Outcome<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let (mut public_key, mut private_key) = (0, 0);
        mechanism.lend(|mechanism| {
            lend(public, |public, public_count| {
                lend(private, |private, private_count| {
                    call!(C_GenerateKeyPair(
                        self.0,
                        mechanism,
                        public,
                        public_count,
                        private,
                        private_count,
                        &mut public_key,
                        &mut private_key,
                    ))
                })
            })
        })?;
        Ok((public_key, private_key))
    }

    /// A signature of the data in one call.
    pub(crate) fn sign(self, mechanism: &Mechanism, key: CK_OBJECT_HANDLE, data: &[u8]) -> Outcome<Vec<u8>> {
        self.run(Work::Sign, mechanism, key, data)
    }

    /// A verification in one call, from its beginning.
    pub(crate) fn check(self, mechanism: &Mechanism, key: CK_OBJECT_HANDLE, data: &[u8], signature: &[u8]) -> Outcome {
        self.verify_init(mechanism, key)?;
        self.verify(data, signature)
    }

    /// A verification in parts that end at `cuts`.
    pub(crate) fn check_in_parts(
        self,
        mechanism: &Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        signature: &[u8],
        cuts: &[usize],
    ) -> Outcome {
        self.verify_init(mechanism, key)?;
        let mut from = 0;
        for to in cuts.iter().copied().chain([data.len()]) {
            self.verify_update(&data[from..to])?;
            from = to;
        }
        self.verify_final(signature)
    }

    pub(crate) fn sign_recover_init(self, mechanism: &Mechanism, key: CK_OBJECT_HANDLE) -> Outcome {
        mechanism.lend(|mechanism| call!(C_SignRecoverInit(self.0, mechanism, key)))
    }

    pub(crate) fn sign_recover(self, mechanism: &Mechanism, key: CK_OBJECT_HANDLE, data: &[u8]) -> Outcome<Vec<u8>> {
        self.sign_recover_init(mechanism, key)?;
        into_room(ROOM_BYTES, |output, output_len| {
            call!(C_SignRecover(self.0, start(data), len(data), output, output_len))
        })
    }

    pub(crate) fn verify_recover_init(self, mechanism: &Mechanism, key: CK_OBJECT_HANDLE) -> Outcome {
        mechanism.lend(|mechanism| call!(C_VerifyRecoverInit(self.0, mechanism, key)))
    }

    /// The data that the signature is of.
    pub(crate) fn verify_recover(
        self,
        mechanism: &Mechanism,
        key: CK_OBJECT_HANDLE,
        signature: &[u8],
    ) -> Outcome<Vec<u8>> {
        self.verify_recover_init(mechanism, key)?;
        into_room(ROOM_BYTES, |output, output_len| {
            call!(C_VerifyRecover(self.0, start(signature), len(signature), output, output_len))
        })
    }

    pub(crate) fn wrap(
        self,
        mechanism: &Mechanism,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Outcome<Vec<u8>> {
        mechanism.lend(|mechanism| {
            into_room(WRAPPED_BYTES, |output, output_len| {
                call!(C_WrapKey(self.0, mechanism, wrapping, key, output, output_len))
            })
        })
    }

    pub(crate) fn unwrap(
        self,
        mechanism: &Mechanism,
        unwrapping: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: &[Entry],
    ) -> Outcome<CK_OBJECT_HANDLE> {
        let mut key = 0;
        let (from, from_len) = (start(wrapped), len(wrapped));
        mechanism.lend(|mechanism| {
            lend(template, |start, count| {
                call!(C_UnwrapKey(self.0, mechanism, unwrapping, from, from_len, start, count, &mut key))
            })
        })?;
        Ok(key)
    }

    pub(crate) fn wrap_authenticated(
        self,
        mechanism: &Mechanism,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        aad: &[u8],
    ) -> Outcome<Vec<u8>> {
        let (aad, aad_len) = (start(aad), len(aad));
        mechanism.lend(|mechanism| {
            into_room(WRAPPED_BYTES, |output, output_len| {
                call!(C_WrapKeyAuthenticated(self.0, mechanism, wrapping, key, aad, aad_len, output, output_len))
            })
        })
    }

    pub(crate) fn unwrap_authenticated(
        self,
        mechanism: &Mechanism,
        unwrapping: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: &[Entry],
        aad: &[u8],
    ) -> Outcome<CK_OBJECT_HANDLE> {
        let mut key = 0;
        let (from, from_len, aad, aad_len) = (start(wrapped), len(wrapped), start(aad), len(aad));
        mechanism.lend(|mechanism| {
            lend(template, |start, count| {
                call!(C_UnwrapKeyAuthenticated(
                    self.0, mechanism, unwrapping, from, from_len, start, count, aad, aad_len, &mut key
                ))
            })
        })?;
        Ok(key)
    }

    pub(crate) fn derive(
        self,
        mechanism: &Mechanism,
        base: CK_OBJECT_HANDLE,
        template: &[Entry],
    ) -> Outcome<CK_OBJECT_HANDLE> {
        let mut key = 0;
        mechanism.lend(|mechanism| {
            lend(template, |start, count| call!(C_DeriveKey(self.0, mechanism, base, start, count, &mut key)))
        })?;
        Ok(key)
    }

    /// A derivation whose keys go where the parameter says: `phKey` is NULL.
    pub(crate) fn derive_apart(self, mechanism: &Mechanism, base: CK_OBJECT_HANDLE, template: &[Entry]) -> Outcome {
        mechanism.lend(|mechanism| {
            lend(template, |start, count| call!(C_DeriveKey(self.0, mechanism, base, start, count, ptr::null_mut())))
        })
    }

    /// A ciphertext and the key that is in it.
    pub(crate) fn encapsulate(
        self,
        mechanism: &Mechanism,
        public: CK_OBJECT_HANDLE,
        template: &[Entry],
    ) -> Outcome<(Vec<u8>, CK_OBJECT_HANDLE)> {
        let mut key = 0;
        let ciphertext = mechanism.lend(|mechanism| {
            lend(template, |start, count| {
                into_room(ROOM_BYTES, |output, output_len| {
                    call!(C_EncapsulateKey(self.0, mechanism, public, start, count, output, output_len, &mut key))
                })
            })
        })?;
        Ok((ciphertext, key))
    }

    pub(crate) fn decapsulate(
        self,
        mechanism: &Mechanism,
        private: CK_OBJECT_HANDLE,
        template: &[Entry],
        ciphertext: &[u8],
    ) -> Outcome<CK_OBJECT_HANDLE> {
        let mut key = 0;
        let (from, from_len) = (start(ciphertext), len(ciphertext));
        mechanism.lend(|mechanism| {
            lend(template, |start, count| {
                call!(C_DecapsulateKey(self.0, mechanism, private, start, count, from, from_len, &mut key))
            })
        })?;
        Ok(key)
    }

    pub(crate) fn verify_signature_init(
        self,
        mechanism: &Mechanism,
        key: CK_OBJECT_HANDLE,
        signature: &[u8],
    ) -> Outcome {
        let (signature, signature_len) = (start(signature), len(signature));
        mechanism.lend(|mechanism| call!(C_VerifySignatureInit(self.0, mechanism, key, signature, signature_len)))
    }

    pub(crate) fn verify_signature(self, data: &[u8]) -> Outcome {
        call!(C_VerifySignature(self.0, start(data), len(data)))
    }

    pub(crate) fn verify_signature_update(self, part: &[u8]) -> Outcome {
        call!(C_VerifySignatureUpdate(self.0, start(part), len(part)))
    }

    pub(crate) fn verify_signature_final(self) -> Outcome {
        call!(C_VerifySignatureFinal(self.0))
    }

    pub(crate) fn message_sign_init(self, mechanism: &Mechanism, key: CK_OBJECT_HANDLE) -> Outcome {
        mechanism.lend(|mechanism| call!(C_MessageSignInit(self.0, mechanism, key)))
    }

    /// The signature of one message of a series.
    pub(crate) fn sign_message(self, data: &[u8]) -> Outcome<Vec<u8>> {
        into_room(SIGNATURE_BYTES, |output, output_len| {
            call!(C_SignMessage(self.0, ptr::null_mut(), 0, start(data), len(data), output, output_len))
        })
    }

    pub(crate) fn sign_message_begin(self) -> Outcome {
        call!(C_SignMessageBegin(self.0, ptr::null_mut(), 0))
    }

    /// A part of a message that is not its last.
    pub(crate) fn sign_message_part(self, part: &[u8]) -> Outcome {
        let (no_output, no_len) = (ptr::null_mut(), ptr::null_mut());
        call!(C_SignMessageNext(self.0, ptr::null_mut(), 0, start(part), len(part), no_output, no_len))
    }

    /// The signature of a message that ends with this part.
    pub(crate) fn sign_message_end(self, part: &[u8]) -> Outcome<Vec<u8>> {
        into_room(SIGNATURE_BYTES, |output, output_len| {
            call!(C_SignMessageNext(self.0, ptr::null_mut(), 0, start(part), len(part), output, output_len))
        })
    }

    pub(crate) fn message_sign_final(self) -> Outcome {
        call!(C_MessageSignFinal(self.0))
    }

    pub(crate) fn message_verify_init(self, mechanism: &Mechanism, key: CK_OBJECT_HANDLE) -> Outcome {
        mechanism.lend(|mechanism| call!(C_MessageVerifyInit(self.0, mechanism, key)))
    }

    pub(crate) fn verify_message(self, data: &[u8], signature: &[u8]) -> Outcome {
        let (signature, signature_len) = (start(signature), len(signature));
        call!(C_VerifyMessage(self.0, ptr::null_mut(), 0, start(data), len(data), signature, signature_len))
    }

    pub(crate) fn verify_message_begin(self) -> Outcome {
        call!(C_VerifyMessageBegin(self.0, ptr::null_mut(), 0))
    }

    /// A part of a message; with a signature, its last.
    pub(crate) fn verify_message_next(self, part: &[u8], signature: Option<&[u8]>) -> Outcome {
        let (signature, signature_len) = signature.map_or((ptr::null_mut(), 0), |bytes| (start(bytes), len(bytes)));
        call!(C_VerifyMessageNext(self.0, ptr::null_mut(), 0, start(part), len(part), signature, signature_len))
    }

    pub(crate) fn message_verify_final(self) -> Outcome {
        call!(C_MessageVerifyFinal(self.0))
    }
}

/// What a call writes into ample room.
fn into_room(room: usize, run: impl FnOnce(*mut u8, *mut CK_ULONG) -> Outcome) -> Outcome<Vec<u8>> {
    let mut output = vec![0; room];
    let mut output_len = len(&output);
    run(output.as_mut_ptr(), &mut output_len)?;
    output.truncate(output_len as usize);
    Ok(output)
}

/// No object at all.
pub(crate) const NOTHING: [CK_OBJECT_HANDLE; 0] = [];
/// More than any padding, tag or digest, and than the largest modulus.
const ROOM_BYTES: usize = 2200;
/// More than any wrapped key.
const WRAPPED_BYTES: usize = 20_000;
/// More than the longest signature.
const SIGNATURE_BYTES: usize = 50_000;
