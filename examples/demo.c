/*
 * A stranger's use of Strongroom: a C program that knows only the path of a PKCS#11 module.
 *
 *     demo MODULE FILE
 *
 * Makes a token named "demo" if there is none, with an AES key and a key pair on P-256; seals FILE with AES-GCM into
 * FILE.sealed, opens that into FILE.opened, signs FILE with ECDSA into FILE.signature and verifies that. `make demo` runs
 * it.
 */
#include <strongroom/pkcs11.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SO_PIN "5678-officer"
#define USER_PIN "1234-user"
#define IV_BYTES 12
#define TAG_BYTES 16

struct buffer {
    CK_BYTE *bytes;
    CK_ULONG length;
};

static CK_FUNCTION_LIST_PTR load(const char *path);
static CK_SESSION_HANDLE open_token(CK_FUNCTION_LIST_PTR p11);
static CK_OBJECT_HANDLE secret_key(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, const char *label);
static CK_OBJECT_HANDLE key_pair(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, const char *label,
                                 CK_OBJECT_HANDLE *public_key);
static struct buffer seal(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                          struct buffer plain);
static struct buffer unseal(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                            struct buffer sealed);
static struct buffer sign(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE private_key,
                          CK_OBJECT_HANDLE public_key, struct buffer data);
static struct buffer read_file(const char *name);
static void write_file(const char *name, const char *suffix, struct buffer data);
static void check(CK_RV code, const char *what);
static void stop(const char *message, const char *detail);

int main(int argument_count, char **arguments) {
    CK_FUNCTION_LIST_PTR p11;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE aes, private_key, public_key;
    struct buffer plain, sealed, opened, signature;
    if (argument_count != 3) {
        fprintf(stderr, "usage: %s MODULE FILE\n", arguments[0]);
        return 2;
    }
    p11 = load(arguments[1]);
    check(p11->C_Initialize(NULL), "C_Initialize");
    session = open_token(p11);
    aes = secret_key(p11, session, "demo aes");
    private_key = key_pair(p11, session, "demo pair", &public_key);

    plain = read_file(arguments[2]);
    sealed = seal(p11, session, aes, plain);
    write_file(arguments[2], ".sealed", sealed);
    printf("  sealed      %s (%lu bytes) -> %s.sealed (%lu bytes, AES-256-GCM)\n", arguments[2], plain.length,
           arguments[2], sealed.length);
    opened = unseal(p11, session, aes, sealed);
    write_file(arguments[2], ".opened", opened);
    if (opened.length != plain.length || memcmp(opened.bytes, plain.bytes, plain.length) != 0)
        stop("the opened file differs from the first", arguments[2]);
    printf("  opened      %s.sealed -> %s.opened, the same bytes\n", arguments[2], arguments[2]);
    signature = sign(p11, session, private_key, public_key, plain);
    write_file(arguments[2], ".signature", signature);

    check(p11->C_Finalize(NULL), "C_Finalize");
    free(plain.bytes);
    free(sealed.bytes);
    free(opened.bytes);
    free(signature.bytes);
    return 0;
}

static CK_FUNCTION_LIST_PTR load(const char *path) {
    CK_C_GetFunctionList get_function_list = NULL;
    CK_FUNCTION_LIST_PTR p11 = NULL;
    void *symbol, *library = dlopen(path, RTLD_NOW);
    if (library == NULL)
        stop("cannot load the module", dlerror());
    symbol = dlsym(library, "C_GetFunctionList");
    if (symbol == NULL)
        stop("not a PKCS#11 module", path);
    memcpy(&get_function_list, &symbol, sizeof symbol);
    check(get_function_list(&p11), "C_GetFunctionList");
    printf("  module      %s\n", path);
    return p11;
}

/* The slot of the token named demo, or else of an empty token. */
static CK_SLOT_ID find_slot(CK_FUNCTION_LIST_PTR p11, int *is_new) {
    CK_SLOT_ID slots[256], empty = 0;
    CK_ULONG count = 256, index;
    int empty_found = 0;
    check(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (index = 0; index < count; index++) {
        CK_TOKEN_INFO info;
        check(p11->C_GetTokenInfo(slots[index], &info), "C_GetTokenInfo");
        *is_new = 0;
        if ((info.flags & CKF_TOKEN_INITIALIZED) && memcmp(info.label, "demo ", 5) == 0)
            return slots[index];
        if (!(info.flags & CKF_TOKEN_INITIALIZED) && !empty_found) {
            empty = slots[index];
            empty_found = 1;
        }
    }
    if (!empty_found)
        stop("no empty slot", "initialise none by hand and try again");
    *is_new = 1;
    return empty;
}

static CK_SESSION_HANDLE open_token(CK_FUNCTION_LIST_PTR p11) {
    const CK_FLAGS read_write = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    CK_SESSION_HANDLE session;
    CK_UTF8CHAR label[32];
    int is_new, still_new;
    CK_SLOT_ID slot = find_slot(p11, &is_new);
    if (is_new) {
        memset(label, ' ', sizeof label);
        memcpy(label, "demo", 4);
        check(p11->C_InitToken(slot, (CK_UTF8CHAR_PTR)SO_PIN, sizeof SO_PIN - 1, label), "C_InitToken");
        slot = find_slot(p11, &still_new);
    }
    check(p11->C_OpenSession(slot, read_write, NULL, NULL, &session), "C_OpenSession");
    if (is_new) {
        check(p11->C_Login(session, CKU_SO, (CK_UTF8CHAR_PTR)SO_PIN, sizeof SO_PIN - 1), "C_Login as officer");
        check(p11->C_InitPIN(session, (CK_UTF8CHAR_PTR)USER_PIN, sizeof USER_PIN - 1), "C_InitPIN");
        check(p11->C_Logout(session), "C_Logout");
    }
    check(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)USER_PIN, sizeof USER_PIN - 1), "C_Login");
    printf("  token       \"demo\" %s in slot %lu, user logged in\n", is_new ? "made" : "found", slot);
    return session;
}

static CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG length) {
    CK_ATTRIBUTE made;
    made.type = type;
    made.pValue = value;
    made.ulValueLen = length;
    return made;
}

static CK_MECHANISM plain_mechanism(CK_MECHANISM_TYPE type) {
    CK_MECHANISM made;
    made.mechanism = type;
    made.pParameter = NULL;
    made.ulParameterLen = 0;
    return made;
}

/* The object of this class and label; 0 where there is none. */
static CK_OBJECT_HANDLE find(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_CLASS object_class,
                             const char *label) {
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG count = 0;
    CK_ATTRIBUTE wanted[2];
    wanted[0] = attribute(CKA_CLASS, &object_class, sizeof object_class);
    wanted[1] = attribute(CKA_LABEL, (void *)label, (CK_ULONG)strlen(label));
    check(p11->C_FindObjectsInit(session, wanted, 2), "C_FindObjectsInit");
    check(p11->C_FindObjects(session, &object, 1, &count), "C_FindObjects");
    check(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (count == 1)
        printf("  key         \"%s\" found, handle %lu\n", label, object);
    return count == 1 ? object : 0;
}

static CK_OBJECT_HANDLE secret_key(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, const char *label) {
    CK_MECHANISM mechanism = plain_mechanism(CKM_AES_KEY_GEN);
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG length = 32;
    CK_ATTRIBUTE whole[8];
    CK_OBJECT_HANDLE key = find(p11, session, CKO_SECRET_KEY, label);
    if (key != 0)
        return key;
    whole[0] = attribute(CKA_LABEL, (void *)label, (CK_ULONG)strlen(label));
    whole[1] = attribute(CKA_TOKEN, &yes, sizeof yes);
    whole[2] = attribute(CKA_PRIVATE, &yes, sizeof yes);
    whole[3] = attribute(CKA_SENSITIVE, &yes, sizeof yes);
    whole[4] = attribute(CKA_EXTRACTABLE, &no, sizeof no);
    whole[5] = attribute(CKA_VALUE_LEN, &length, sizeof length);
    whole[6] = attribute(CKA_ENCRYPT, &yes, sizeof yes);
    whole[7] = attribute(CKA_DECRYPT, &yes, sizeof yes);
    check(p11->C_GenerateKey(session, &mechanism, whole, 8, &key), "C_GenerateKey");
    printf("  key         \"%s\" generated, handle %lu; its value never leaves the token\n", label, key);
    return key;
}

static CK_OBJECT_HANDLE key_pair(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, const char *label,
                                 CK_OBJECT_HANDLE *public_key) {
    /* The object identifier of P-256. */
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM mechanism = plain_mechanism(CKM_EC_KEY_PAIR_GEN);
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE public_template[4], private_template[5];
    CK_OBJECT_HANDLE private_key = find(p11, session, CKO_PRIVATE_KEY, label);
    *public_key = private_key != 0 ? find(p11, session, CKO_PUBLIC_KEY, label) : 0;
    if (*public_key != 0)
        return private_key;
    public_template[0] = attribute(CKA_LABEL, (void *)label, (CK_ULONG)strlen(label));
    public_template[1] = attribute(CKA_TOKEN, &yes, sizeof yes);
    public_template[2] = attribute(CKA_EC_PARAMS, p256, sizeof p256);
    public_template[3] = attribute(CKA_VERIFY, &yes, sizeof yes);
    private_template[0] = public_template[0];
    private_template[1] = public_template[1];
    private_template[2] = attribute(CKA_PRIVATE, &yes, sizeof yes);
    private_template[3] = attribute(CKA_SENSITIVE, &yes, sizeof yes);
    private_template[4] = attribute(CKA_SIGN, &yes, sizeof yes);
    check(p11->C_GenerateKeyPair(session, &mechanism, public_template, 4, private_template, 5, public_key,
                                 &private_key),
          "C_GenerateKeyPair");
    printf("  key pair    \"%s\" generated, handles %lu and %lu; its private half never leaves the token\n", label,
           *public_key, private_key);
    return private_key;
}

static void gcm(CK_MECHANISM *mechanism, CK_GCM_PARAMS *parameters, CK_BYTE *iv) {
    memset(parameters, 0, sizeof *parameters);
    parameters->pIv = iv;
    parameters->ulIvLen = IV_BYTES;
    parameters->ulIvBits = IV_BYTES * 8;
    parameters->ulTagBits = TAG_BYTES * 8;
    mechanism->mechanism = CKM_AES_GCM;
    mechanism->pParameter = parameters;
    mechanism->ulParameterLen = sizeof *parameters;
}

static struct buffer allocate(CK_ULONG length) {
    struct buffer made;
    made.bytes = (CK_BYTE *)malloc(length + 1);
    made.length = length;
    if (made.bytes == NULL)
        stop("no memory", "");
    return made;
}

/* The sealed file: the random IV, then ciphertext and tag. */
static struct buffer seal(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                          struct buffer plain) {
    CK_MECHANISM mechanism;
    CK_GCM_PARAMS parameters;
    struct buffer sealed = allocate(IV_BYTES + plain.length + TAG_BYTES);
    CK_ULONG length = plain.length + TAG_BYTES;
    check(p11->C_GenerateRandom(session, sealed.bytes, IV_BYTES), "C_GenerateRandom");
    gcm(&mechanism, &parameters, sealed.bytes);
    check(p11->C_EncryptInit(session, &mechanism, key), "C_EncryptInit");
    check(p11->C_Encrypt(session, plain.bytes, plain.length, sealed.bytes + IV_BYTES, &length), "C_Encrypt");
    sealed.length = IV_BYTES + length;
    return sealed;
}

static struct buffer unseal(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                            struct buffer sealed) {
    CK_MECHANISM mechanism;
    CK_GCM_PARAMS parameters;
    struct buffer opened = allocate(sealed.length);
    gcm(&mechanism, &parameters, sealed.bytes);
    check(p11->C_DecryptInit(session, &mechanism, key), "C_DecryptInit");
    check(p11->C_Decrypt(session, sealed.bytes + IV_BYTES, sealed.length - IV_BYTES, opened.bytes, &opened.length),
          "C_Decrypt");
    return opened;
}

static struct buffer sign(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE private_key,
                          CK_OBJECT_HANDLE public_key, struct buffer data) {
    CK_MECHANISM mechanism = plain_mechanism(CKM_ECDSA_SHA256);
    struct buffer signature = allocate(64);
    CK_ULONG index;
    check(p11->C_SignInit(session, &mechanism, private_key), "C_SignInit");
    check(p11->C_Sign(session, data.bytes, data.length, signature.bytes, &signature.length), "C_Sign");
    printf("  signed      ECDSA with SHA-256: ");
    for (index = 0; index < 16; index++)
        printf("%02x", signature.bytes[index]);
    printf("...\n");
    check(p11->C_VerifyInit(session, &mechanism, public_key), "C_VerifyInit");
    check(p11->C_Verify(session, data.bytes, data.length, signature.bytes, signature.length), "C_Verify");
    signature.bytes[63] ^= 1;
    check(p11->C_VerifyInit(session, &mechanism, public_key), "C_VerifyInit");
    if (p11->C_Verify(session, data.bytes, data.length, signature.bytes, signature.length) != CKR_SIGNATURE_INVALID)
        stop("a wrong signature was accepted", "");
    signature.bytes[63] ^= 1;
    printf("  verified    the signature is accepted, and refused with one bit changed\n");
    return signature;
}

static struct buffer read_file(const char *name) {
    struct buffer data;
    long length;
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        stop("cannot open", name);
    fseek(file, 0, SEEK_END);
    length = ftell(file);
    rewind(file);
    if (length < 0)
        stop("cannot read", name);
    data = allocate((CK_ULONG)length);
    if (fread(data.bytes, 1, data.length, file) != data.length)
        stop("cannot read", name);
    fclose(file);
    return data;
}

static void write_file(const char *name, const char *suffix, struct buffer data) {
    char path[4096];
    FILE *file;
    if (strlen(name) + strlen(suffix) >= sizeof path)
        stop("too long a name", name);
    strcpy(path, name);
    strcat(path, suffix);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(data.bytes, 1, data.length, file) != data.length || fclose(file) != 0)
        stop("cannot write", path);
}

static void check(CK_RV code, const char *what) {
    if (code != CKR_OK) {
        fprintf(stderr, "demo: %s answered 0x%lX\n", what, code);
        exit(1);
    }
}

static void stop(const char *message, const char *detail) {
    fprintf(stderr, "demo: %s: %s\n", message, detail);
    exit(1);
}
