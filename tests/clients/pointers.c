/*
 * Bad pointers and lengths: every function is called with every combination of NULL, valid buffers, and lengths that
 * do not fit. Nothing may crash, no impossible pair may be accepted, and nothing may answer CKR_GENERAL_ERROR, which
 * from this module means a caught panic.
 *
 *     pointers uninitialised | public | user
 *
 * Lengths that are merely wrong (a valid pointer and 2^40) are not tried: no library can tell those from right ones.
 */
#include "module.h"

#include <stddef.h>

#define HUGE (1UL << 63)
#define ARGUMENTS_MAX 10

/*
 * The shape of each function in the order of the 3.2 list:
 * s session   S slot    k object    u number        P pointer + length      O buffer + pointer to its length
 * m mechanism T template + count    i output struct (or reserved, or name)   H handles + maximum + pointer to count
 * n NULL: no module can tell a bad callback from a good one.
 * A dash stands for a function that is not called here: it has no bad pair, blocks, or ends the module's life.
 */
static const struct {
    const char *name, *shape;
} functions[] = {
    {"C_Initialize", "-"}, {"C_Finalize", "-"}, {"C_GetInfo", "i"}, {"C_GetFunctionList", "i"},
    {"C_GetSlotList", "uO"}, {"C_GetSlotInfo", "Si"}, {"C_GetTokenInfo", "Si"}, {"C_GetMechanismList", "SO"},
    {"C_GetMechanismInfo", "Sui"}, {"C_InitToken", "SPi"}, {"C_InitPIN", "sP"}, {"C_SetPIN", "sPP"},
    {"C_OpenSession", "Suini"}, {"C_CloseSession", "-"}, {"C_CloseAllSessions", "-"}, {"C_GetSessionInfo", "si"},
    {"C_GetOperationState", "sO"}, {"C_SetOperationState", "sPkk"}, {"C_Login", "suP"}, {"C_Logout", "-"},
    {"C_CreateObject", "sTi"}, {"C_CopyObject", "skTi"}, {"C_DestroyObject", "-"}, {"C_GetObjectSize", "ski"},
    {"C_GetAttributeValue", "skT"}, {"C_SetAttributeValue", "skT"}, {"C_FindObjectsInit", "sT"},
    {"C_FindObjects", "sH"}, {"C_FindObjectsFinal", "s"}, {"C_EncryptInit", "smk"}, {"C_Encrypt", "sPO"},
    {"C_EncryptUpdate", "sPO"}, {"C_EncryptFinal", "sO"}, {"C_DecryptInit", "smk"}, {"C_Decrypt", "sPO"},
    {"C_DecryptUpdate", "sPO"}, {"C_DecryptFinal", "sO"}, {"C_DigestInit", "sm"}, {"C_Digest", "sPO"},
    {"C_DigestUpdate", "sP"}, {"C_DigestKey", "sk"}, {"C_DigestFinal", "sO"}, {"C_SignInit", "smk"},
    {"C_Sign", "sPO"}, {"C_SignUpdate", "sP"}, {"C_SignFinal", "sO"}, {"C_SignRecoverInit", "smk"},
    {"C_SignRecover", "sPO"}, {"C_VerifyInit", "smk"}, {"C_Verify", "sPP"}, {"C_VerifyUpdate", "sP"},
    {"C_VerifyFinal", "sP"}, {"C_VerifyRecoverInit", "smk"}, {"C_VerifyRecover", "sPO"},
    {"C_DigestEncryptUpdate", "sPO"}, {"C_DecryptDigestUpdate", "sPO"}, {"C_SignEncryptUpdate", "sPO"},
    {"C_DecryptVerifyUpdate", "sPO"}, {"C_GenerateKey", "smTi"}, {"C_GenerateKeyPair", "smTTii"},
    {"C_WrapKey", "smkkO"}, {"C_UnwrapKey", "smkPTi"}, {"C_DeriveKey", "smkTi"}, {"C_SeedRandom", "sP"},
    {"C_GenerateRandom", "sP"}, {"C_GetFunctionStatus", "s"}, {"C_CancelFunction", "s"},
    {"C_WaitForSlotEvent", "-"}, {"C_GetInterfaceList", "O"}, {"C_GetInterface", "-"}, {"C_LoginUser", "suPP"},
    {"C_SessionCancel", "su"}, {"C_MessageEncryptInit", "smk"}, {"C_EncryptMessage", "sPPPO"},
    {"C_EncryptMessageBegin", "sPP"}, {"C_EncryptMessageNext", "sPPOu"}, {"C_MessageEncryptFinal", "s"},
    {"C_MessageDecryptInit", "smk"}, {"C_DecryptMessage", "sPPPO"}, {"C_DecryptMessageBegin", "sPP"},
    {"C_DecryptMessageNext", "sPPOu"}, {"C_MessageDecryptFinal", "s"}, {"C_MessageSignInit", "smk"},
    {"C_SignMessage", "sPPO"}, {"C_SignMessageBegin", "sP"}, {"C_SignMessageNext", "sPPO"},
    {"C_MessageSignFinal", "s"}, {"C_MessageVerifyInit", "smk"}, {"C_VerifyMessage", "sPPP"},
    {"C_VerifyMessageBegin", "sP"}, {"C_VerifyMessageNext", "sPPP"}, {"C_MessageVerifyFinal", "s"},
    {"C_EncapsulateKey", "smkTOi"}, {"C_DecapsulateKey", "smkTPi"}, {"C_VerifySignatureInit", "smkP"},
    {"C_VerifySignature", "sP"}, {"C_VerifySignatureUpdate", "sP"}, {"C_VerifySignatureFinal", "s"},
    {"C_GetSessionValidationFlags", "sui"}, {"C_AsyncComplete", "sii"}, {"C_AsyncGetID", "sii"},
    {"C_AsyncJoin", "siuP"}, {"C_WrapKeyAuthenticated", "smkkPO"}, {"C_UnwrapKeyAuthenticated", "smkPTPi"},
};

/*
 * All parameters are as wide as a register, and a function ignores those it has not: on the systems the module runs on
 * one type calls them all.
 */
typedef CK_RV (*any_function)(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG,
                              CK_ULONG, CK_ULONG);

struct arguments {
    CK_ULONG values[ARGUMENTS_MAX];
    int count;
    /* A pair no call can accept. */
    int impossible;
};

static CK_FUNCTION_LIST_PTR p11;
static const char *phase;
static CK_SESSION_HANDLE session;
static CK_SLOT_ID slot;
static CK_OBJECT_HANDLE key;
static unsigned long call_count;

static CK_ULONG function_count(const void *list);
static void try_function(const char *name, const char *shape, any_function function);
static void make_templates(void);
static void make_mechanisms(void);
static void clear_cases(void);

int main(int argument_count, char **arguments) {
    CK_C_GetInterface get_interface = NULL;
    CK_INTERFACE_PTR best = NULL;
    const void *list;
    CK_ULONG index;
    void *library = open_library();
    phase = argument_count > 1 ? arguments[1] : "";
    p11 = function_list(library);
    find_symbol(library, "C_GetInterface", &get_interface);
    list = p11;
    if (get_interface != NULL) {
        CHECK(CKR_OK, get_interface(NULL, NULL, &best, 0));
        list = best->pFunctionList;
    }
    make_templates();
    make_mechanisms();
    if (strcmp(phase, "uninitialised") != 0) {
        CHECK(CKR_OK, p11->C_Initialize(NULL));
        session = make_token(p11);
        slot = find_slot(p11, 1);
        key = session_key(p11, session);
        clear_cases();
        if (strcmp(phase, "public") == 0)
            CHECK(CKR_OK, p11->C_Logout(session));
        else
            REQUIRE(strcmp(phase, "user") == 0);
    }
    for (index = 0; index < function_count(list); index++) {
        any_function function;
        memcpy(&function, (const char *)list + offsetof(CK_FUNCTION_LIST, C_Initialize) + index * sizeof function,
               sizeof function);
        if (functions[index].shape[0] != '-')
            try_function(functions[index].name, functions[index].shape, function);
    }
    if (strcmp(phase, "uninitialised") != 0) {
        CK_SESSION_INFO info;
        CHECK(CKR_OK, p11->C_GetSessionInfo(session, &info));
        if (strcmp(phase, "user") == 0) {
            p11->C_EncryptInit(session, NULL, CK_INVALID_HANDLE);
            p11->C_DecryptInit(session, NULL, CK_INVALID_HANDLE);
            encrypt_once(p11, session, session_key(p11, session));
        }
        CHECK(CKR_OK, p11->C_Finalize(NULL));
    }
    printf("%lu calls\n", call_count);
    return 0;
}

static CK_ULONG function_count(const void *list) {
    CK_VERSION version;
    memcpy(&version, list, sizeof version);
    if (version.major == 3 && version.minor >= 2)
        return sizeof functions / sizeof functions[0];
    if (version.major == 3)
        return (sizeof(CK_FUNCTION_LIST_3_0) - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof(any_function);
    return (sizeof(CK_FUNCTION_LIST) - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof(any_function);
}

/* Buffers that calls read from and write to; large enough for anything an honest length asks for. */
static union {
    CK_BYTE bytes[16384];
    CK_ULONG numbers[2048];
} input, output, structure;
static CK_ULONG length_word;

#define TEMPLATES 9
static CK_ATTRIBUTE templates[TEMPLATES][2];
#define MECHANISMS 24
static CK_MECHANISM mechanisms[MECHANISMS];

static void push(struct arguments *call, CK_ULONG value) {
    call->values[call->count++] = value;
}

static CK_ULONG address(const void *pointer) {
    return (CK_ULONG)(size_t)pointer;
}

static int push_pair(struct arguments *call, int choice) {
    static const CK_ULONG with_null[] = {0, 5, HUGE - 1, HUGE, HUGE + 1, ~0UL};
    static const CK_ULONG with_buffer[] = {0, 1, 16, HUGE, HUGE + 1, ~0UL};
    if (choice >= 12)
        return 0;
    if (choice < 6) {
        push(call, 0), push(call, with_null[choice]);
        call->impossible |= with_null[choice] != 0;
    } else {
        push(call, address(input.bytes)), push(call, with_buffer[choice - 6]);
        call->impossible |= with_buffer[choice - 6] >= HUGE;
    }
    return 1;
}

static int push_output(struct arguments *call, int choice) {
    static const CK_ULONG lengths[] = {0, 1, 16, 8192};
    if (choice >= 10)
        return 0;
    push(call, choice % 2 == 0 ? 0 : address(output.bytes));
    if (choice / 2 == 4) {
        push(call, 0);
        call->impossible = 1;
    } else {
        length_word = lengths[choice / 2];
        push(call, address(&length_word));
    }
    return 1;
}

static int push_template(struct arguments *call, int choice) {
    static const CK_ULONG counts[] = {1UL << 60, HUGE, ~0UL};
    if (choice < TEMPLATES) {
        push(call, address(templates[choice])), push(call, choice == 0 ? 1 : 2);
    } else if (choice < TEMPLATES + 3) {
        push(call, address(templates[0])), push(call, counts[choice - TEMPLATES]);
        call->impossible = 1;
    } else if (choice < TEMPLATES + 6) {
        push(call, 0), push(call, counts[choice - TEMPLATES - 3]);
        call->impossible = 1;
    } else if (choice == TEMPLATES + 6) {
        push(call, 0), push(call, 5);
        call->impossible = 1;
    } else if (choice == TEMPLATES + 7) {
        push(call, 0), push(call, 0);
    } else {
        return 0;
    }
    return 1;
}

/* Adds the choice-th variant of one letter; 0 when there are no more. */
static int push_choice(struct arguments *call, char letter, int choice) {
    const CK_ULONG sessions[] = {session, 0, ~0UL}, slots[] = {slot, 99, ~0UL}, keys[] = {key, 0, ~0UL};
    const CK_ULONG numbers[] = {0, 1, 4, CKM_AES_CBC, ~0UL};
    switch (letter) {
    case 's':
        return choice < 3 ? push(call, sessions[choice]), 1 : 0;
    case 'S':
        return choice < 3 ? push(call, slots[choice]), 1 : 0;
    case 'k':
        return choice < 3 ? push(call, keys[choice]), 1 : 0;
    case 'u':
        return choice < 5 ? push(call, numbers[choice]), 1 : 0;
    case 'i':
        return choice < 2 ? push(call, choice == 0 ? 0 : address(structure.bytes)), 1 : 0;
    case 'n':
        return choice < 1 ? push(call, 0), 1 : 0;
    case 'm':
        return choice <= MECHANISMS ? push(call, choice == 0 ? 0 : address(&mechanisms[choice - 1])), 1 : 0;
    case 'P':
        return push_pair(call, choice);
    case 'O':
        return push_output(call, choice);
    case 'T':
        return push_template(call, choice);
    default: /* H */
        if (choice >= 8)
            return 0;
        push(call, choice & 1 ? address(output.bytes) : 0);
        push(call, choice & 2 ? 4 : ~0UL);
        push(call, choice & 4 ? address(&length_word) : 0);
        return 1;
    }
}

/* Begins every operation, so that calls reach beyond CKR_OPERATION_NOT_INITIALIZED. What fails, fails. */
static void begin_operations(void) {
    static CK_BYTE vector[16];
    CK_MECHANISM cipher = {CKM_AES_CBC_PAD, vector, 16}, mac = {CKM_AES_CMAC, NULL, 0}, digest = {CKM_SHA256, NULL, 0};
    if (strcmp(phase, "user") != 0 || is_peer())
        return;
    p11->C_EncryptInit(session, &cipher, key);
    p11->C_DecryptInit(session, &cipher, key);
    p11->C_SignInit(session, &mac, key);
    p11->C_VerifyInit(session, &mac, key);
    p11->C_DigestInit(session, &digest);
    p11->C_FindObjectsInit(session, NULL, 0);
}

static void report(const char *name, const struct arguments *call, CK_RV code, const char *why) {
    int index;
    fprintf(stderr, "%s (%s): 0x%lX is %s. Arguments:", name, phase, code, why);
    for (index = 0; index < call->count; index++)
        fprintf(stderr, " 0x%lX", call->values[index]);
    fprintf(stderr, "\n");
    exit(1);
}

static void judge(const char *name, const struct arguments *call, CK_RV code) {
    if (code == CKR_GENERAL_ERROR && !is_peer())
        report(name, call, code, "a caught panic");
    if (code == CKR_OK && call->impossible)
        report(name, call, code, "not an answer to an impossible pair");
    if (strcmp(phase, "uninitialised") != 0 || strcmp(name, "C_GetFunctionList") == 0 ||
        strcmp(name, "C_GetInterfaceList") == 0)
        return;
    if (code != CKR_CRYPTOKI_NOT_INITIALIZED && code != CKR_ARGUMENTS_BAD && code != CKR_FUNCTION_NOT_SUPPORTED &&
        code != CKR_FUNCTION_NOT_PARALLEL)
        report(name, call, code, "not for an uninitialised module");
}

/* Calls the function with the product of all variants of its letters. */
static void try_function(const char *name, const char *shape, any_function function) {
    int choices[ARGUMENTS_MAX] = {0};
    int letters = (int)strlen(shape), position;
    for (;;) {
        struct arguments call;
        memset(&call, 0, sizeof call);
        for (position = 0; position < letters; position++) {
            if (!push_choice(&call, shape[position], choices[position])) {
                /* This wheel has turned round: the one before it moves. */
                if (position == 0)
                    return;
                choices[position] = 0;
                choices[position - 1]++;
                break;
            }
        }
        if (position < letters)
            continue;
        if (strchr(shape, 'm') == NULL)
            begin_operations();
        call_count++;
        judge(name, &call,
              function(call.values[0], call.values[1], call.values[2], call.values[3], call.values[4],
                       call.values[5], call.values[6], call.values[7], call.values[8], call.values[9]));
        choices[letters - 1]++;
    }
}

static void set(CK_ATTRIBUTE *attribute, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG length_bytes) {
    attribute->type = type;
    attribute->pValue = value;
    attribute->ulValueLen = length_bytes;
}

static void make_templates(void) {
    static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
    static CK_ATTRIBUTE nested[1];
    int index;
    set(&nested[0], CKA_LABEL, NULL, 5);
    for (index = 0; index < TEMPLATES; index++)
        set(&templates[index][1], CKA_CLASS, &secret_key, sizeof secret_key);
    set(&templates[0][0], CKA_LABEL, NULL, 5);
    set(&templates[1][0], CKA_VALUE, NULL, HUGE);
    set(&templates[2][0], CKA_VALUE, NULL, ~0UL);
    set(&templates[3][0], CKA_CLASS, structure.bytes, 3);
    set(&templates[4][0], CKA_WRAP_TEMPLATE, nested, sizeof nested);
    set(&templates[5][0], CKA_WRAP_TEMPLATE, nested, sizeof nested - 1);
    set(&templates[6][0], 0x5EADBEEFUL, structure.bytes, 8);
    set(&templates[7][0], CKA_ALLOWED_MECHANISMS, NULL, HUGE);
    set(&templates[8][0], CKA_UNWRAP_TEMPLATE, NULL, ~0UL - 23);
}

static void mechanism(int index, CK_MECHANISM_TYPE type, void *parameter, CK_ULONG length_bytes) {
    mechanisms[index].mechanism = type;
    mechanisms[index].pParameter = parameter;
    mechanisms[index].ulParameterLen = length_bytes;
}

static void make_mechanisms(void) {
    static CK_GCM_PARAMS gcm[6];
    static CK_CCM_PARAMS ccm[4];
    static CK_AES_CTR_PARAMS counter;
    static CK_MAC_GENERAL_PARAMS mac_length = ~0UL;
    static CK_CHACHA20_PARAMS chacha;
    static CK_SALSA20_CHACHA20_POLY1305_PARAMS poly;
    int index;
    mechanism(0, CKM_AES_CBC_PAD, NULL, 16);
    mechanism(1, CKM_AES_CBC_PAD, NULL, HUGE);
    mechanism(2, CKM_AES_CBC, input.bytes, ~0UL);
    mechanism(3, CKM_AES_ECB, NULL, ~0UL);
    mechanism(4, CKM_AES_KEY_GEN, NULL, 5);
    mechanism(5, CKM_SHA256, input.bytes, HUGE);
    mechanism(6, ~0UL, NULL, 0);
    for (index = 0; index < 6; index++) {
        gcm[index].pIv = input.bytes, gcm[index].ulIvLen = 12, gcm[index].ulTagBits = 128;
        mechanism(7 + index, CKM_AES_GCM, &gcm[index], sizeof gcm[index]);
    }
    gcm[0].pIv = NULL;
    gcm[1].ulIvLen = HUGE;
    gcm[2].ulAADLen = 5;
    gcm[3].pAAD = input.bytes, gcm[3].ulAADLen = ~0UL;
    gcm[4].ulTagBits = ~0UL;
    gcm[5].ulIvBits = ~0UL, gcm[5].ulIvLen = 0;
    for (index = 0; index < 4; index++) {
        ccm[index].ulDataLen = 16, ccm[index].pNonce = input.bytes, ccm[index].ulNonceLen = 12;
        ccm[index].ulMACLen = 16;
        mechanism(13 + index, CKM_AES_CCM, &ccm[index], sizeof ccm[index]);
    }
    ccm[0].ulDataLen = ~0UL;
    ccm[1].pNonce = NULL;
    ccm[2].ulAADLen = HUGE;
    ccm[3].ulMACLen = ~0UL;
    counter.ulCounterBits = ~0UL;
    mechanism(17, CKM_AES_CTR, &counter, sizeof counter);
    mechanism(18, CKM_SHA256_HMAC_GENERAL, &mac_length, sizeof mac_length);
    mechanism(19, CKM_AES_CMAC_GENERAL, &mac_length, sizeof mac_length);
    chacha.blockCounterBits = 32, chacha.ulNonceBits = ~0UL;
    mechanism(20, CKM_CHACHA20, &chacha, sizeof chacha);
    poly.ulNonceLen = 12, poly.ulAADLen = 5;
    mechanism(21, CKM_CHACHA20_POLY1305, &poly, sizeof poly);
    mechanism(22, CKM_AES_GCM, &gcm[0], 3);
    mechanism(23, CKM_AES_XTS, NULL, 0);
}

/* Where the standard leaves no doubt, the exact code. */
static void clear_cases(void) {
    CK_SESSION_HANDLE another;
    CK_MECHANISM digest = {CKM_SHA256, NULL, 0};
    CK_ULONG count = 0;
    CK_BYTE bytes[32];
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GetInfo(NULL));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GetSlotList(CK_FALSE, NULL, NULL));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GetSlotInfo(slot, NULL));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GetTokenInfo(slot, NULL));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GetMechanismList(slot, NULL, NULL));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GetSessionInfo(session, NULL));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL));
    CHECK(CKR_SESSION_PARALLEL_NOT_SUPPORTED, p11->C_OpenSession(slot, CKF_RW_SESSION, NULL, NULL, &another));
    CHECK_OURS(CKR_SLOT_ID_INVALID, p11->C_OpenSession(~0UL, CKF_SERIAL_SESSION, NULL, NULL, &another));
    CHECK(CKR_SESSION_HANDLE_INVALID, p11->C_GenerateRandom(~0UL, bytes, sizeof bytes));
    CHECK(CKR_SESSION_HANDLE_INVALID, p11->C_GenerateRandom(0, bytes, sizeof bytes));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GenerateRandom(session, NULL, 5));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_SeedRandom(session, NULL, 5));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_CreateObject(session, NULL, 5, &another));
    CHECK_OURS(CKR_ARGUMENTS_BAD, p11->C_FindObjectsInit(session, NULL, 5));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_GetAttributeValue(session, key, NULL, 5));
    CHECK_OURS(CKR_ARGUMENTS_BAD, p11->C_Finalize(bytes));
    CHECK(CKR_OK, p11->C_DigestInit(session, &digest));
    CHECK(CKR_ARGUMENTS_BAD, p11->C_DigestUpdate(session, NULL, 5));
    /* An error ended the operation. */
    CHECK_OURS(CKR_OPERATION_NOT_INITIALIZED, p11->C_DigestFinal(session, bytes, &count));
}
