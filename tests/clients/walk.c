/*
 * One walk through the life of a program that uses the module: token, PINs, keys, every kind of operation, the end and
 * a second beginning. Compiled as C99 and as C++11, linked and loaded; each return value is checked.
 */
#include "module.h"

static void read_information(CK_FUNCTION_LIST_PTR p11);
static void walk_pins(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session);
static CK_OBJECT_HANDLE token_key(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session);
static void walk_gcm(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);
static void walk_cbc(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);
static void walk_hmac(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session);
static void walk_digest(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session);
static void walk_random(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session);
static void walk_objects(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);
static void walk_again(CK_FUNCTION_LIST_PTR p11);

static CK_BBOOL yes = CK_TRUE;
static char key_label[] = "walk key";

int main(void) {
    void *library = open_library();
    CK_FUNCTION_LIST_PTR p11 = function_list(library);
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;

    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_Finalize(NULL));
    CHECK(CKR_OK, p11->C_Initialize(NULL));
    CHECK(CKR_CRYPTOKI_ALREADY_INITIALIZED, p11->C_Initialize(NULL));
    read_information(p11);

    session = make_token(p11);
    walk_pins(p11, session);
    key = token_key(p11, session);
    walk_gcm(p11, session, key);
    walk_cbc(p11, session, key);
    walk_hmac(p11, session);
    walk_digest(p11, session);
    walk_random(p11, session);
    walk_objects(p11, session, key);

    CHECK(CKR_OK, p11->C_CloseSession(session));
    CHECK(CKR_SESSION_HANDLE_INVALID, p11->C_CloseSession(session));
    CHECK(CKR_OK, p11->C_Finalize(NULL));
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GenerateRandom(session, NULL, 0));
    walk_again(p11);
    if (library != NULL)
        REQUIRE(dlclose(library) == 0);
    return 0;
}

static void read_information(CK_FUNCTION_LIST_PTR p11) {
    CK_INFO info;
    CK_SLOT_ID slots[8];
    CK_SLOT_INFO slot_info;
    CK_ULONG count = 0, one_too_few;
#ifdef LINKED
    /* The linked symbol and the table's entry are one function with one state. */
    CHECK(CKR_OK, C_GetInfo(&info));
#endif
    CHECK(CKR_OK, p11->C_GetInfo(&info));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GetInfo(NULL));
    REQUIRE(p11->version.major == 2 && p11->version.minor == 40);
    CHECK(CKR_OK, p11->C_GetSlotList(CK_FALSE, NULL, &count));
    REQUIRE(count >= 1 && count <= 8);
    one_too_few = count - 1;
    CHECK(CKR_BUFFER_TOO_SMALL, p11->C_GetSlotList(CK_FALSE, slots, &one_too_few));
    REQUIRE(one_too_few == count || is_peer());
    CHECK(CKR_OK, p11->C_GetSlotList(CK_FALSE, slots, &count));
    CHECK(CKR_OK, p11->C_GetSlotInfo(slots[0], &slot_info));
    REQUIRE(slot_info.flags & CKF_TOKEN_PRESENT);
    CHECK(CKR_SLOT_ID_INVALID, p11->C_GetSlotInfo(4711, &slot_info));
}

static void walk_pins(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session) {
    static const char second_pin[] = "second-user-pin";
    CK_SESSION_INFO info;
    CHECK(CKR_OK, p11->C_GetSessionInfo(session, &info));
    REQUIRE(info.state == CKS_RW_USER_FUNCTIONS);
    REQUIRE(info.flags == (CKF_SERIAL_SESSION | CKF_RW_SESSION));
    CHECK(CKR_USER_ALREADY_LOGGED_IN, p11->C_Login(session, CKU_USER, text(USER_PIN), sizeof USER_PIN - 1));
    CHECK(CKR_PIN_INCORRECT, p11->C_SetPIN(session, text("wrong-pin"), 9, text(second_pin), sizeof second_pin - 1));
    CHECK(CKR_OK,
          p11->C_SetPIN(session, text(USER_PIN), sizeof USER_PIN - 1, text(second_pin), sizeof second_pin - 1));
    CHECK(CKR_OK, p11->C_Logout(session));
    CHECK_OURS(CKR_USER_NOT_LOGGED_IN, p11->C_Logout(session));
    CHECK(CKR_PIN_INCORRECT, p11->C_Login(session, CKU_USER, text(USER_PIN), sizeof USER_PIN - 1));
    CHECK(CKR_OK, p11->C_Login(session, CKU_USER, text(second_pin), sizeof second_pin - 1));
    CHECK(CKR_OK,
          p11->C_SetPIN(session, text(second_pin), sizeof second_pin - 1, text(USER_PIN), sizeof USER_PIN - 1));
}

static void set(CK_ATTRIBUTE *attribute, CK_ATTRIBUTE_TYPE type, void *value, size_t length_bytes) {
    attribute->type = type;
    attribute->pValue = value;
    attribute->ulValueLen = (CK_ULONG)length_bytes;
}

static CK_OBJECT_HANDLE token_key(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session) {
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG length_bytes = 32, bad_length_bytes = 33;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_ATTRIBUTE key_template[7];
    set(&key_template[0], CKA_TOKEN, &yes, sizeof yes);
    set(&key_template[1], CKA_PRIVATE, &yes, sizeof yes);
    set(&key_template[2], CKA_SENSITIVE, &yes, sizeof yes);
    set(&key_template[3], CKA_ENCRYPT, &yes, sizeof yes);
    set(&key_template[4], CKA_DECRYPT, &yes, sizeof yes);
    set(&key_template[5], CKA_LABEL, key_label, sizeof key_label - 1);
    set(&key_template[6], CKA_VALUE_LEN, &bad_length_bytes, sizeof bad_length_bytes);
    CHECK_OURS(CKR_ATTRIBUTE_VALUE_INVALID, p11->C_GenerateKey(session, &mechanism, key_template, 7, &key));
    CHECK(CKR_TEMPLATE_INCOMPLETE, p11->C_GenerateKey(session, &mechanism, key_template, 6, &key));
    set(&key_template[6], CKA_VALUE_LEN, &length_bytes, sizeof length_bytes);
    CHECK(CKR_OK, p11->C_GenerateKey(session, &mechanism, key_template, 7, &key));
    REQUIRE(key != CK_INVALID_HANDLE);
    return key;
}

static void walk_gcm(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
    CK_BYTE vector[12] = {7}, additional[5] = {1, 2, 3, 4, 5}, plain[100], sealed[116], opened[116];
    CK_ULONG sealed_length = 0, opened_length = sizeof opened, too_small = 115;
    CK_GCM_PARAMS parameters;
    CK_MECHANISM mechanism = {CKM_AES_GCM, NULL, 0};
    memset(plain, 0x5A, sizeof plain);
    memset(&parameters, 0, sizeof parameters);
    parameters.pIv = vector;
    parameters.ulIvLen = sizeof vector;
    parameters.ulIvBits = sizeof vector * 8;
    parameters.pAAD = additional;
    parameters.ulAADLen = sizeof additional;
    parameters.ulTagBits = 128;
    mechanism.pParameter = &parameters;
    mechanism.ulParameterLen = sizeof parameters;

    CHECK(CKR_OPERATION_NOT_INITIALIZED, p11->C_Encrypt(session, plain, sizeof plain, sealed, &sealed_length));
    CHECK(CKR_OK, p11->C_EncryptInit(session, &mechanism, key));
    CHECK(CKR_OPERATION_ACTIVE, p11->C_EncryptInit(session, &mechanism, key));
    /* Neither a length query nor a too small buffer ends the operation. */
    CHECK(CKR_OK, p11->C_Encrypt(session, plain, sizeof plain, NULL, &sealed_length));
    REQUIRE(sealed_length == 116);
    CHECK(CKR_BUFFER_TOO_SMALL, p11->C_Encrypt(session, plain, sizeof plain, sealed, &too_small));
    REQUIRE(too_small == 116);
    CHECK(CKR_OK, p11->C_Encrypt(session, plain, sizeof plain, sealed, &sealed_length));
    REQUIRE(sealed_length == 116);

    CHECK(CKR_OK, p11->C_DecryptInit(session, &mechanism, key));
    CHECK(CKR_OK, p11->C_Decrypt(session, sealed, sealed_length, opened, &opened_length));
    REQUIRE(opened_length == sizeof plain && memcmp(opened, plain, sizeof plain) == 0);

    sealed[115] ^= 1;
    memset(opened, 0xEE, sizeof opened);
    opened_length = sizeof opened;
    CHECK(CKR_OK, p11->C_DecryptInit(session, &mechanism, key));
    CHECK_OURS(CKR_ENCRYPTED_DATA_INVALID, p11->C_Decrypt(session, sealed, sealed_length, opened, &opened_length));
    REQUIRE(memcmp(opened, plain, 16) != 0);
    CHECK(CKR_OPERATION_NOT_INITIALIZED, p11->C_Decrypt(session, sealed, sealed_length, opened, &opened_length));
}

static void walk_cbc(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
    CK_BYTE vector[16] = {9}, plain[50], sealed[80], opened[80];
    CK_ULONG part, sealed_length = 0, opened_length = 0;
    CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, NULL, 0};
    memset(plain, 0xA5, sizeof plain);
    mechanism.pParameter = vector;
    mechanism.ulParameterLen = sizeof vector;

    CHECK(CKR_OK, p11->C_EncryptInit(session, &mechanism, key));
    part = sizeof sealed;
    CHECK(CKR_OK, p11->C_EncryptUpdate(session, plain, 20, sealed, &part));
    sealed_length += part;
    part = sizeof sealed - sealed_length;
    CHECK(CKR_OK, p11->C_EncryptUpdate(session, plain + 20, 30, sealed + sealed_length, &part));
    sealed_length += part;
    part = sizeof sealed - sealed_length;
    CHECK(CKR_OK, p11->C_EncryptFinal(session, sealed + sealed_length, &part));
    sealed_length += part;
    REQUIRE(sealed_length == 64);

    CHECK(CKR_OK, p11->C_DecryptInit(session, &mechanism, key));
    part = sizeof opened;
    CHECK(CKR_OK, p11->C_DecryptUpdate(session, sealed, sealed_length, opened, &part));
    opened_length += part;
    part = sizeof opened - opened_length;
    CHECK(CKR_OK, p11->C_DecryptFinal(session, opened + opened_length, &part));
    opened_length += part;
    REQUIRE(opened_length == sizeof plain && memcmp(opened, plain, sizeof plain) == 0);
    encrypt_once(p11, session, key);

    mechanism.ulParameterLen = 15;
    CHECK_OURS(CKR_MECHANISM_PARAM_INVALID, p11->C_EncryptInit(session, &mechanism, key));
    mechanism.mechanism = 0x7FFFFFF0UL;
    CHECK(CKR_MECHANISM_INVALID, p11->C_EncryptInit(session, &mechanism, key));
}

/* RFC 4231, test case 6. */
static void walk_hmac(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session) {
    static const CK_BYTE expected[32] = {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26,
                                         0xaa, 0xcb, 0xf5, 0xb7, 0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28,
                                         0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3, 0x7f, 0x54};
    static char data[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    CK_BYTE value[131];
    CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
    CK_KEY_TYPE key_type = CKK_GENERIC_SECRET;
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    CK_BYTE mac[32];
    CK_ULONG mac_length = sizeof mac;
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE key_template[5];
    memset(value, 0xAA, sizeof value);
    set(&key_template[0], CKA_CLASS, &object_class, sizeof object_class);
    set(&key_template[1], CKA_KEY_TYPE, &key_type, sizeof key_type);
    set(&key_template[2], CKA_VALUE, value, sizeof value);
    set(&key_template[3], CKA_SIGN, &yes, sizeof yes);
    set(&key_template[4], CKA_VERIFY, &yes, sizeof yes);
    CHECK(CKR_OK, p11->C_CreateObject(session, key_template, 5, &key));
    CHECK(CKR_OK, p11->C_SignInit(session, &mechanism, key));
    CHECK(CKR_OK, p11->C_Sign(session, (CK_BYTE_PTR)data, sizeof data - 1, mac, &mac_length));
    REQUIRE(mac_length == 32 && memcmp(mac, expected, 32) == 0);

    CHECK(CKR_OK, p11->C_VerifyInit(session, &mechanism, key));
    CHECK(CKR_OK, p11->C_VerifyUpdate(session, (CK_BYTE_PTR)data, 10));
    CHECK(CKR_OK, p11->C_VerifyUpdate(session, (CK_BYTE_PTR)data + 10, sizeof data - 11));
    CHECK(CKR_OK, p11->C_VerifyFinal(session, mac, mac_length));
    mac[0] ^= 1;
    CHECK(CKR_OK, p11->C_VerifyInit(session, &mechanism, key));
    CHECK(CKR_SIGNATURE_INVALID, p11->C_Verify(session, (CK_BYTE_PTR)data, sizeof data - 1, mac, mac_length));
    CHECK(CKR_OK, p11->C_VerifyInit(session, &mechanism, key));
    CHECK(CKR_SIGNATURE_LEN_RANGE, p11->C_Verify(session, (CK_BYTE_PTR)data, sizeof data - 1, mac, 31));
    CHECK(CKR_OK, p11->C_DestroyObject(session, key));
    CHECK_OURS(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(session, &mechanism, key));
}

/* SHA-256 of "abc": FIPS 180-2, appendix B.1. */
static void walk_digest(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session) {
    static const CK_BYTE expected[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                         0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                         0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    CK_BYTE data[3] = {'a', 'b', 'c'}, digest[32];
    CK_ULONG digest_length = sizeof digest;
    CHECK(CKR_OK, p11->C_DigestInit(session, &mechanism));
    CHECK(CKR_OK, p11->C_Digest(session, data, 3, digest, &digest_length));
    REQUIRE(digest_length == 32 && memcmp(digest, expected, 32) == 0);
    CHECK(CKR_OK, p11->C_DigestInit(session, &mechanism));
    CHECK(CKR_OK, p11->C_DigestUpdate(session, data, 1));
    CHECK(CKR_OK, p11->C_DigestUpdate(session, data + 1, 2));
    memset(digest, 0, sizeof digest);
    CHECK(CKR_OK, p11->C_DigestFinal(session, digest, &digest_length));
    REQUIRE(digest_length == 32 && memcmp(digest, expected, 32) == 0);
}

static void walk_random(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session) {
    CK_BYTE first[32] = {0}, second[32] = {0}, zero[32] = {0};
    CHECK(CKR_OK, p11->C_GenerateRandom(session, first, sizeof first));
    CHECK(CKR_OK, p11->C_GenerateRandom(session, second, sizeof second));
    REQUIRE(memcmp(first, second, sizeof first) != 0 && memcmp(first, zero, sizeof first) != 0);
}

static CK_ULONG count_labelled(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found) {
    CK_OBJECT_HANDLE handles[4];
    CK_ULONG count = 0;
    CK_ATTRIBUTE search[1];
    set(&search[0], CKA_LABEL, key_label, sizeof key_label - 1);
    CHECK(CKR_OK, p11->C_FindObjectsInit(session, search, 1));
    CHECK(CKR_OK, p11->C_FindObjects(session, handles, 4, &count));
    CHECK(CKR_OK, p11->C_FindObjectsFinal(session));
    if (count > 0)
        *found = handles[0];
    return count;
}

static void walk_objects(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
    CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
    CK_OBJECT_CLASS object_class = 0;
    CK_KEY_TYPE key_type = 0;
    CK_ULONG length_bytes = 0;
    CK_BBOOL never_extractable = CK_FALSE;
    CK_BYTE value[64];
    char label[64];
    CK_ATTRIBUTE wanted[5], secret[1], label_only[1];
    REQUIRE(count_labelled(p11, session, &found) == 1 && found == key);

    set(&wanted[0], CKA_CLASS, &object_class, sizeof object_class);
    set(&wanted[1], CKA_KEY_TYPE, &key_type, sizeof key_type);
    set(&wanted[2], CKA_VALUE_LEN, &length_bytes, sizeof length_bytes);
    set(&wanted[3], CKA_ALWAYS_SENSITIVE, &never_extractable, sizeof never_extractable);
    set(&wanted[4], CKA_LABEL, NULL, 0);
    CHECK(CKR_OK, p11->C_GetAttributeValue(session, key, wanted, 5));
    REQUIRE(object_class == CKO_SECRET_KEY && key_type == CKK_AES && length_bytes == 32);
    REQUIRE(never_extractable == CK_TRUE && wanted[4].ulValueLen == sizeof key_label - 1);

    set(&label_only[0], CKA_LABEL, label, 2);
    CHECK(CKR_BUFFER_TOO_SMALL, p11->C_GetAttributeValue(session, key, label_only, 1));
    REQUIRE(label_only[0].ulValueLen == CK_UNAVAILABLE_INFORMATION);
    set(&secret[0], CKA_VALUE, value, sizeof value);
    CHECK(CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(session, key, secret, 1));
    REQUIRE(secret[0].ulValueLen == CK_UNAVAILABLE_INFORMATION);
    set(&secret[0], CKA_MODULUS, value, sizeof value);
    CHECK(CKR_ATTRIBUTE_TYPE_INVALID, p11->C_GetAttributeValue(session, key, secret, 1));
    CHECK(CKR_OBJECT_HANDLE_INVALID, p11->C_GetAttributeValue(session, 0x7FFFFFFF, wanted, 1));
}

/* A second life in one process: the token, its PIN and its key are still there. */
static void walk_again(CK_FUNCTION_LIST_PTR p11) {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CHECK(CKR_OK, initialize_for_threads(p11));
    CHECK(CKR_OK, p11->C_OpenSession(find_slot(p11, 1), CKF_SERIAL_SESSION, NULL, NULL, &session));
    REQUIRE(count_labelled(p11, session, &key) == 0);
    CHECK(CKR_OK, p11->C_Login(session, CKU_USER, text(USER_PIN), sizeof USER_PIN - 1));
    REQUIRE(count_labelled(p11, session, &key) == 1);
    encrypt_once(p11, session, key);
    CHECK_OURS(CKR_SESSION_READ_ONLY, p11->C_DestroyObject(session, key));
    CHECK(CKR_OK, p11->C_Finalize(NULL));
}
