/*
 * What the C and C++ client programs share: finding the module, checking a return value, finding a token.
 *
 * Compiled with -DLINKED the program uses the symbols of -lstrongroom; otherwise it loads the file named in
 * STRONGROOM_MODULE as a stranger would. Includes no PKCS#11 header but ours.
 */
#ifndef CLIENTS_MODULE_H
#define CLIENTS_MODULE_H

#include <strongroom/strongroom.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SO_PIN "officer-pin"
#define USER_PIN "user-pin"

/* The call must answer exactly the expected code. */
#define CHECK(expected, call) check_code(__FILE__, __LINE__, #call, (expected), (call))
/* As CHECK, but where we expect an error another module than ours may answer otherwise. */
#define CHECK_OURS(expected, call) check_code_ours(__FILE__, __LINE__, #call, (expected), (call))
#define REQUIRE(condition) require_true(__FILE__, __LINE__, #condition, (condition) ? 1 : 0)

static void fail(const char *file, int line) {
    fprintf(stderr, "FAILED at %s:%d\n", file, line);
    exit(1);
}

static void check_code(const char *file, int line, const char *call, CK_RV expected, CK_RV got) {
    if (got != expected) {
        fprintf(stderr, "%s\n  expected 0x%lX, got 0x%lX\n", call, expected, got);
        fail(file, line);
    }
}

static int is_peer(void) {
    return getenv("STRONGROOM_TEST_PEER") != NULL;
}

static inline void check_code_ours(const char *file, int line, const char *call, CK_RV expected, CK_RV got) {
    if (is_peer() && expected != CKR_OK)
        return;
    check_code(file, line, call, expected, got);
}

static inline void require_true(const char *file, int line, const char *condition, int holds) {
    if (!holds) {
        fprintf(stderr, "not so: %s\n", condition);
        fail(file, line);
    }
}

/* The module as a library: NULL when linked. */
static void *open_library(void) {
#ifdef LINKED
    return NULL;
#else
    const char *path = getenv("STRONGROOM_MODULE");
    void *library;
    if (path == NULL) {
        fprintf(stderr, "STRONGROOM_MODULE is not set\n");
        exit(1);
    }
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return library;
#endif
}

/* ISO C has no cast from a data pointer to a function pointer; POSIX says the bytes are the same. */
static inline void find_symbol(void *library, const char *name, void *function_pointer) {
    void *symbol = dlsym(library, name);
    memcpy(function_pointer, &symbol, sizeof symbol);
}

static inline CK_FUNCTION_LIST_PTR function_list(void *library) {
    CK_FUNCTION_LIST_PTR list = NULL;
    CK_C_GetFunctionList get = NULL;
#ifdef LINKED
    (void)library;
    get = C_GetFunctionList;
#else
    find_symbol(library, "C_GetFunctionList", &get);
#endif
    REQUIRE(get != NULL);
    CHECK(CKR_OK, get(&list));
    REQUIRE(list != NULL);
    return list;
}

/* The slot of the first token that is (or is not) initialised. */
static inline CK_SLOT_ID find_slot(CK_FUNCTION_LIST_PTR p11, int initialised) {
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64, index;
    CHECK(CKR_OK, p11->C_GetSlotList(CK_TRUE, slots, &count));
    for (index = 0; index < count; index++) {
        CK_TOKEN_INFO info;
        CHECK(CKR_OK, p11->C_GetTokenInfo(slots[index], &info));
        if (((info.flags & CKF_TOKEN_INITIALIZED) != 0) == (initialised != 0))
            return slots[index];
    }
    fprintf(stderr, "no %s token\n", initialised ? "initialised" : "uninitialised");
    exit(1);
}

static inline CK_UTF8CHAR_PTR text(const char *characters) {
    return (CK_UTF8CHAR_PTR)characters;
}

/* C_Initialize for a program with several threads. */
static inline CK_RV initialize_for_threads(CK_FUNCTION_LIST_PTR p11) {
    CK_C_INITIALIZE_ARGS arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CKF_OS_LOCKING_OK;
    return p11->C_Initialize(&arguments);
}

/* Makes a token with both PINs. Returns a read-write session with the user logged in. */
static inline CK_SESSION_HANDLE make_token(CK_FUNCTION_LIST_PTR p11) {
    CK_UTF8CHAR label[32];
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slot = find_slot(p11, 0);
    memset(label, ' ', sizeof label);
    memcpy(label, "client test", 11);
    CHECK(CKR_OK, p11->C_InitToken(slot, text(SO_PIN), sizeof SO_PIN - 1, label));
    slot = find_slot(p11, 1);
    CHECK(CKR_OK, p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    CHECK(CKR_OK, p11->C_Login(session, CKU_SO, text(SO_PIN), sizeof SO_PIN - 1));
    CHECK(CKR_OK, p11->C_InitPIN(session, text(USER_PIN), sizeof USER_PIN - 1));
    CHECK(CKR_OK, p11->C_Logout(session));
    CHECK(CKR_OK, p11->C_Login(session, CKU_USER, text(USER_PIN), sizeof USER_PIN - 1));
    return session;
}

/* Makes a token and leaves with the module finalised. */
static inline void make_token_and_finalize(CK_FUNCTION_LIST_PTR p11) {
    CHECK(CKR_OK, p11->C_Initialize(NULL));
    make_token(p11);
    CHECK(CKR_OK, p11->C_Finalize(NULL));
}

/* An AES-256 key that is not on the token. */
static inline CK_OBJECT_HANDLE session_key(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session) {
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_BBOOL no = CK_FALSE, yes = CK_TRUE;
    CK_ULONG length_bytes = 32;
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE key_template[4];
    key_template[0].type = CKA_TOKEN, key_template[0].pValue = &no, key_template[0].ulValueLen = sizeof no;
    key_template[1].type = CKA_VALUE_LEN, key_template[1].pValue = &length_bytes;
    key_template[1].ulValueLen = sizeof length_bytes;
    key_template[2].type = CKA_ENCRYPT, key_template[2].pValue = &yes, key_template[2].ulValueLen = sizeof yes;
    key_template[3].type = CKA_DECRYPT, key_template[3].pValue = &yes, key_template[3].ulValueLen = sizeof yes;
    CHECK(CKR_OK, p11->C_GenerateKey(session, &mechanism, key_template, 4, &key));
    return key;
}

/* One AES-CBC-PAD encryption of 20 bytes: the smallest proof that a session works. */
static inline void encrypt_once(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
    CK_BYTE vector[16] = {0}, plain[20] = {1, 2, 3}, sealed[32], opened[32];
    CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, NULL, 0};
    CK_ULONG sealed_length = sizeof sealed, opened_length = sizeof opened;
    mechanism.pParameter = vector;
    mechanism.ulParameterLen = sizeof vector;
    CHECK(CKR_OK, p11->C_EncryptInit(session, &mechanism, key));
    CHECK(CKR_OK, p11->C_Encrypt(session, plain, sizeof plain, sealed, &sealed_length));
    REQUIRE(sealed_length == 32);
    CHECK(CKR_OK, p11->C_DecryptInit(session, &mechanism, key));
    CHECK(CKR_OK, p11->C_Decrypt(session, sealed, sealed_length, opened, &opened_length));
    REQUIRE(opened_length == sizeof plain && memcmp(opened, plain, sizeof plain) == 0);
}

#endif
