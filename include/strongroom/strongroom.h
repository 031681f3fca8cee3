/*
 * What Strongroom adds to PKCS#11: users, sharing and approvals (quorum), the words of the last error, its version and the
 * names of its settings. docs/sharing.md tells the rules, examples/quorum.c is a program.
 *
 * A program that keeps to the standard needs only <strongroom/pkcs11.h>, which this header includes.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef STRONGROOM_STRONGROOM_H
#define STRONGROOM_STRONGROOM_H

#include <strongroom/pkcs11.h>

/* The version of this header. The module that is loaded tells its own in CK_INFO.libraryVersion (C_GetInfo). */
#define STRONGROOM_VERSION_MAJOR 0
#define STRONGROOM_VERSION_MINOR 1
#define STRONGROOM_VERSION_PATCH 0
#define STRONGROOM_VERSION "0.1.0"

/*
 * Environment variables the module reads in C_Initialize.
 *
 * STRONGROOM_DIR: the directory of all tokens. Without it: $XDG_DATA_HOME/strongroom, else ~/.local/share/strongroom;
 * for root /var/lib/strongroom.
 */
#define STRONGROOM_ENV_DIR "STRONGROOM_DIR"
/* The TOML file of settings (strongroom.toml(5)). Without it: strongroom.toml in that directory, then in /etc. */
#define STRONGROOM_ENV_CONF "STRONGROOM_CONF"
/* "stderr" or a file: each call is written there with its arguments, never secrets, its result and the reason. */
#define STRONGROOM_ENV_TRACE "STRONGROOM_TRACE"

/*
 * Mechanisms under the numbers that AWS CloudHSM's PKCS#11 library gives them, for programs written for it: the standard
 * names are CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PKCS7 and CKM_AES_KEY_WRAP_KWP. They take no parameter.
 */
#ifndef CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD
#define CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD 0x80002109UL
#define CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD 0x8000210AUL
#define CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD 0x8000216FUL
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Attributes of keys. A template that makes a private or secret key in the token may have the last three; nothing changes
 * the numbers of approvals later. C_GetAttributeValue and C_FindObjectsInit take them all.
 */
/* CK_ULONG: the user who owns the object; 0 is nobody. */
#define CKA_SR_OWNER 0xD3520001UL
/* An array of CK_ULONG: the users who share the key, besides its owner; at most 7. */
#define CKA_SR_SHARED_WITH 0xD3520002UL
/* CK_ULONG, 0 to 8: how many of its users must approve each use of the key; 0 is none. */
#define CKA_SR_USE_APPROVALS 0xD3520003UL
/* CK_ULONG, 0 to 8: how many must approve that it is shared, changed, wrapped, destroyed, or wraps another. */
#define CKA_SR_MANAGEMENT_APPROVALS 0xD3520004UL

/* Roles of users. */
#define SR_ROLE_OFFICER 1UL     /* manages users, never uses keys: CKU_SO; on a CloudHSM CO */
#define SR_ROLE_USER 2UL        /* owns and uses keys: CKU_USER; on a CloudHSM CU */
#define SR_ROLE_UNACTIVATED 3UL /* the first officer of a fresh CloudHSM, with the published password: PRECO */
#define SR_ROLE_APPLIANCE 4UL   /* a CloudHSM's own user, who has no login: AU */

/* Flags of users. */
#define SR_USER_LOCKED 1UL   /* too many wrong PINs */
#define SR_USER_ESCROWED 2UL /* an officer can set the PIN, and the keys stay usable */
#define SR_USER_APPROVER 4UL /* a key to approve with is registered */

/* What approvals are given for. */
#define SR_SERVICE_USER_MANAGEMENT 3UL /* making, deleting, unlocking users, setting PINs: by officers */
#define SR_SERVICE_OFFICERS 4UL        /* setting how many officers approve: by officers */
#define SR_SERVICE_USE_KEY 5UL         /* using a key: by its users */
#define SR_SERVICE_MANAGE_KEY 6UL      /* sharing, changing, wrapping, destroying a key, wrapping with it: by its users */

#define SR_USER_NAME_BYTES 32
#define SR_QUORUM_FILE_BYTES 80

typedef struct SR_USER_INFO {
    CK_ULONG userID;         /* never given to another user of the token */
    CK_ULONG role;           /* SR_ROLE_... */
    CK_FLAGS flags;          /* SR_USER_... */
    CK_ULONG ulAttemptsLeft; /* wrong PINs that are left before the user is locked */
    CK_UTF8CHAR name[SR_USER_NAME_BYTES]; /* lower case, with NULs behind it */
} SR_USER_INFO;
typedef SR_USER_INFO *SR_USER_INFO_PTR;

typedef struct SR_QUORUM_TOKEN_INFO {
    CK_ULONG tokenID;
    CK_ULONG service;       /* SR_SERVICE_... */
    CK_OBJECT_HANDLE hKey;  /* 0 where the service is about users */
    CK_ULONG requesterID;   /* the user who asked for it, and alone may use it */
    CK_ULONG ulNeeded;      /* approvals it takes */
    CK_ULONG ulGiven;       /* approvals it has */
    CK_ULONG ulSecondsLeft; /* to be approved or, once it is, to be used */
    CK_BYTE file[SR_QUORUM_FILE_BYTES]; /* what approvers sign */
} SR_QUORUM_TOKEN_INFO;
typedef SR_QUORUM_TOKEN_INFO *SR_QUORUM_TOKEN_INFO_PTR;

/*
 * Functions. They follow the standard's conventions: a NULL output asks for its length or count, and an output that is too
 * small gives CKR_BUFFER_TOO_SMALL with what is needed. Besides what is said at each, all but SR_GetLastErrorText answer
 * CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID, CKR_ARGUMENTS_BAD (a NULL, an impossible length or number),
 * CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED and CKR_HOST_MEMORY as the standard says; those that need a login
 * CKR_USER_NOT_LOGGED_IN for nobody and for the wrong role, and CKR_PIN_EXPIRED for an officer who must change the published
 * password first. A user number that nobody has gives CKR_USER_TYPE_INVALID. What takes approvals that are not there gives
 * CKR_FUNCTION_REJECTED.
 */

/* Lists all users by number. Needs no login. */
typedef CK_RV (*CK_SR_ListUsers)(CK_SESSION_HANDLE hSession, SR_USER_INFO_PTR pUsers, CK_ULONG_PTR pulCount);
CK_RV SR_ListUsers(CK_SESSION_HANDLE hSession, SR_USER_INFO_PTR pUsers, CK_ULONG_PTR pulCount);

/*
 * Makes a user or an officer (SR_ROLE_USER, SR_ROLE_OFFICER) with a name of 1 to 31 letters, digits, '_', '-' and '.', and
 * stores the new number. For an officer, in a read-write session.
 *
 * CKR_ARGUMENTS_BAD for a name that cannot be or is taken; CKR_PIN_LEN_RANGE, CKR_PIN_INVALID; CKR_SESSION_READ_ONLY.
 */
typedef CK_RV (*CK_SR_CreateUser)(CK_SESSION_HANDLE hSession, CK_ULONG role, CK_UTF8CHAR_PTR pName, CK_ULONG ulNameLen,
    CK_UTF8CHAR_PTR pPin, CK_ULONG ulPinLen, CK_ULONG_PTR pulUserID);
CK_RV SR_CreateUser(CK_SESSION_HANDLE hSession, CK_ULONG role, CK_UTF8CHAR_PTR pName, CK_ULONG ulNameLen,
    CK_UTF8CHAR_PTR pPin, CK_ULONG ulPinLen, CK_ULONG_PTR pulUserID);

/*
 * Removes a user. For an officer, in a read-write session.
 *
 * CKR_ACTION_PROHIBITED while the user owns objects, shares a key that would be left with fewer users than must approve of
 * it, or is the officer who asks; CKR_SESSION_READ_ONLY.
 */
typedef CK_RV (*CK_SR_DeleteUser)(CK_SESSION_HANDLE hSession, CK_ULONG userID);
CK_RV SR_DeleteUser(CK_SESSION_HANDLE hSession, CK_ULONG userID);

/*
 * Sets a user's PIN and unlocks the user. The user's keys stay usable. For an officer, in a read-write session.
 *
 * CKR_ACTION_PROHIBITED for a user without SR_USER_ESCROWED; CKR_PIN_LEN_RANGE, CKR_PIN_INVALID; CKR_SESSION_READ_ONLY.
 */
typedef CK_RV (*CK_SR_SetUserPIN)(CK_SESSION_HANDLE hSession, CK_ULONG userID, CK_UTF8CHAR_PTR pPin, CK_ULONG ulPinLen);
CK_RV SR_SetUserPIN(CK_SESSION_HANDLE hSession, CK_ULONG userID, CK_UTF8CHAR_PTR pPin, CK_ULONG ulPinLen);

/*
 * Forgets a user's wrong PINs. Where there are none it takes no approval and writes nothing. For an officer, in a
 * read-write session (else CKR_SESSION_READ_ONLY).
 */
typedef CK_RV (*CK_SR_UnlockUser)(CK_SESSION_HANDLE hSession, CK_ULONG userID);
CK_RV SR_UnlockUser(CK_SESSION_HANDLE hSession, CK_ULONG userID);

/*
 * Shares a private or secret key in the token, which must be private (CKA_PRIVATE), with a user, who may use it and read
 * its attributes from now on. For the key's owner, in a read-write session. Takes CKA_SR_MANAGEMENT_APPROVALS.
 *
 * CKR_OBJECT_HANDLE_INVALID for what the caller cannot see, CKR_ACTION_PROHIBITED for who merely shares it and for what
 * cannot be shared, CKR_ATTRIBUTE_VALUE_INVALID for an eighth sharee and one who is there; CKR_SESSION_READ_ONLY.
 */
typedef CK_RV (*CK_SR_ShareKey)(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hKey, CK_ULONG userID);
CK_RV SR_ShareKey(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hKey, CK_ULONG userID);

/*
 * Ends the sharing of a key with a user, for whom it is gone at the next call of any process. For the key's owner, in a
 * read-write session. Takes CKA_SR_MANAGEMENT_APPROVALS.
 *
 * As SR_ShareKey; CKR_ACTION_PROHIBITED also where fewer users would be left than must approve.
 */
typedef CK_RV (*CK_SR_UnshareKey)(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hKey, CK_ULONG userID);
CK_RV SR_UnshareKey(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hKey, CK_ULONG userID);

/*
 * Declares an object trusted (CKA_TRUSTED), or no longer. Unlike C_SetAttributeValue this works for private keys too, of
 * which an officer sees nothing: name them by the handle their owner tells. For an officer, in a read-write session.
 *
 * CKR_OBJECT_HANDLE_INVALID; CKR_ATTRIBUTE_TYPE_INVALID for what cannot be trusted; CKR_SESSION_READ_ONLY.
 */
typedef CK_RV (*CK_SR_SetTrusted)(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hObject, CK_BBOOL trusted);
CK_RV SR_SetTrusted(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hObject, CK_BBOOL trusted);

/*
 * Registers the key with which a user approves, or another in its place: RSA of 2048 to 4096 bits, as a
 * SubjectPublicKeyInfo in DER. The signature over a challenge, any 1 to 245 bytes, shows that somebody has the private key:
 * RSASSA-PKCS1-v1_5 with SHA-256, as `openssl dgst -sha256 -sign` makes it. For that user or an officer, in a read-write
 * session.
 *
 * CKR_FUNCTION_REJECTED for another key and a signature that does not verify; CKR_SESSION_READ_ONLY.
 */
typedef CK_RV (*CK_SR_RegisterApprover)(CK_SESSION_HANDLE hSession, CK_ULONG userID, CK_BYTE_PTR pPublicKey,
    CK_ULONG ulPublicKeyLen, CK_BYTE_PTR pChallenge, CK_ULONG ulChallengeLen, CK_BYTE_PTR pSignature,
    CK_ULONG ulSignatureLen);
CK_RV SR_RegisterApprover(CK_SESSION_HANDLE hSession, CK_ULONG userID, CK_BYTE_PTR pPublicKey,
    CK_ULONG ulPublicKeyLen, CK_BYTE_PTR pChallenge, CK_ULONG ulChallengeLen, CK_BYTE_PTR pSignature,
    CK_ULONG ulSignatureLen);

/*
 * Makes a quorum token for one operation of the caller, and gives its file of SR_QUORUM_FILE_BYTES for approvers to sign.
 * hKey is the key for SR_SERVICE_USE_KEY and SR_SERVICE_MANAGE_KEY, else CK_INVALID_HANDLE. Approvals are taken for ten
 * minutes, and an approved token is good for ten more. Asking for the length makes none.
 *
 * CKR_OBJECT_HANDLE_INVALID; CKR_FUNCTION_REJECTED where no approval is needed; CKR_DEVICE_MEMORY for too many tokens.
 */
typedef CK_RV (*CK_SR_RequestApproval)(CK_SESSION_HANDLE hSession, CK_ULONG service, CK_OBJECT_HANDLE hKey,
    CK_BYTE_PTR pFile, CK_ULONG_PTR pulFileLen);
CK_RV SR_RequestApproval(CK_SESSION_HANDLE hSession, CK_ULONG service, CK_OBJECT_HANDLE hKey,
    CK_BYTE_PTR pFile, CK_ULONG_PTR pulFileLen);

/*
 * Adds the approval of a user, a signature over the file as in SR_RegisterApprover, to a quorum token of the caller's own.
 * pulMissing, if not NULL, gets how many approvals are still missing. The next operation it is for uses the token up; one
 * that fails gives it back.
 *
 * CKR_FUNCTION_REJECTED for a token that is not the caller's, has expired or was used, a user who may not approve of it or
 * has registered no key, and a signature that does not verify.
 */
typedef CK_RV (*CK_SR_Approve)(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pFile, CK_ULONG ulFileLen, CK_ULONG userID,
    CK_BYTE_PTR pSignature, CK_ULONG ulSignatureLen, CK_ULONG_PTR pulMissing);
CK_RV SR_Approve(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pFile, CK_ULONG ulFileLen, CK_ULONG userID,
    CK_BYTE_PTR pSignature, CK_ULONG ulSignatureLen, CK_ULONG_PTR pulMissing);

/* Lists the quorum tokens of all users that are good for something. For any user or officer. */
typedef CK_RV (*CK_SR_ListQuorumTokens)(CK_SESSION_HANDLE hSession, SR_QUORUM_TOKEN_INFO_PTR pTokens,
    CK_ULONG_PTR pulCount);
CK_RV SR_ListQuorumTokens(CK_SESSION_HANDLE hSession, SR_QUORUM_TOKEN_INFO_PTR pTokens,
    CK_ULONG_PTR pulCount);

/* Deletes a quorum token of one's own, as an officer anybody's. CKR_FUNCTION_REJECTED where there is no such token. */
typedef CK_RV (*CK_SR_DeleteQuorumToken)(CK_SESSION_HANDLE hSession, CK_ULONG tokenID);
CK_RV SR_DeleteQuorumToken(CK_SESSION_HANDLE hSession, CK_ULONG tokenID);

/*
 * Tells how many officers approve of SR_SERVICE_USER_MANAGEMENT or SR_SERVICE_OFFICERS; 1 where each acts alone. Needs no
 * login. CKR_FUNCTION_REJECTED for a service about keys, of which each key has its own numbers.
 */
typedef CK_RV (*CK_SR_GetQuorumValue)(CK_SESSION_HANDLE hSession, CK_ULONG service, CK_ULONG_PTR pulValue);
CK_RV SR_GetQuorumValue(CK_SESSION_HANDLE hSession, CK_ULONG service, CK_ULONG_PTR pulValue);

/*
 * Sets that number: 2 to 8, or 0 and 1 for none. For an officer, in a read-write session.
 *
 * CKR_FUNCTION_REJECTED for more than there are officers, and for a service about keys; CKR_SESSION_READ_ONLY.
 */
typedef CK_RV (*CK_SR_SetQuorumValue)(CK_SESSION_HANDLE hSession, CK_ULONG service, CK_ULONG value);
CK_RV SR_SetQuorumValue(CK_SESSION_HANDLE hSession, CK_ULONG service, CK_ULONG value);

/*
 * Tells in words the last error that any function of the module gave the calling thread, as
 * "C_Sign: CKR_FUNCTION_REJECTED: this takes the approval of 2 users; 0 approved, 2 missing (quorum)": no end mark, at most
 * 512 bytes, no secrets, nothing where there was none. Works at any time and changes nothing; a success leaves the text.
 */
typedef CK_RV (*CK_SR_GetLastErrorText)(CK_UTF8CHAR_PTR pText, CK_ULONG_PTR pulTextLen);
CK_RV SR_GetLastErrorText(CK_UTF8CHAR_PTR pText, CK_ULONG_PTR pulTextLen);

/*
 * The list of these functions: pFunctionList of the interface that C_GetInterface gives for SR_INTERFACE_NAME. A later
 * version has more functions behind these.
 */
#define SR_INTERFACE_NAME "Strongroom"
typedef struct SR_FUNCTION_LIST {
    CK_VERSION version; /* 1.0 */
    CK_SR_ListUsers SR_ListUsers;
    CK_SR_CreateUser SR_CreateUser;
    CK_SR_DeleteUser SR_DeleteUser;
    CK_SR_SetUserPIN SR_SetUserPIN;
    CK_SR_UnlockUser SR_UnlockUser;
    CK_SR_ShareKey SR_ShareKey;
    CK_SR_UnshareKey SR_UnshareKey;
    CK_SR_SetTrusted SR_SetTrusted;
    CK_SR_RegisterApprover SR_RegisterApprover;
    CK_SR_RequestApproval SR_RequestApproval;
    CK_SR_Approve SR_Approve;
    CK_SR_ListQuorumTokens SR_ListQuorumTokens;
    CK_SR_DeleteQuorumToken SR_DeleteQuorumToken;
    CK_SR_GetQuorumValue SR_GetQuorumValue;
    CK_SR_SetQuorumValue SR_SetQuorumValue;
    CK_SR_GetLastErrorText SR_GetLastErrorText;
} SR_FUNCTION_LIST;
typedef SR_FUNCTION_LIST *SR_FUNCTION_LIST_PTR;

#ifdef __cplusplus
}
#endif

#endif
