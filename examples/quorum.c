/*
 * A key that several people use, and none alone: users, sharing and approvals (quorum) from a C program.
 *
 *     quorum MODULE
 *
 * Makes a token with the users alice, bob and carol; an RSA key of alice's that she shares with bob and carol and that
 * signs only with the approval of two of them; asks for a quorum token, has it approved, signs once, and shows how the
 * second signature is refused. It works in the current directory and runs the program `openssl` for the approvers.
 */
#include <strongroom/strongroom.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SO_PIN "5678-officer"
#define PIN "1234-of-each"
#define APPROVALS 2

struct buffer {
    CK_BYTE bytes[4096];
    CK_ULONG length;
};

static CK_FUNCTION_LIST_3_0_PTR p11;
static SR_FUNCTION_LIST_PTR strongroom;

static void load(const char *path);
static CK_SESSION_HANDLE make_token(CK_ULONG users[3]);
static void register_approver(CK_SESSION_HANDLE session, const char *name, CK_ULONG user);
static void log_in(CK_SESSION_HANDLE session, const char *name);
static CK_OBJECT_HANDLE make_key(CK_SESSION_HANDLE session, CK_ULONG use_approvals, CK_ULONG first_sharee);
static void approve(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const char *names[], const CK_ULONG users[]);
static CK_RV sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const char *text);
static void openssl(const char *format, const char *name);
static struct buffer read_file(const char *format, const char *name);
static void write_file(const char *name, const CK_BYTE *bytes, CK_ULONG length);
static void check(CK_RV code);
static void stop(const char *message, const char *detail);

int main(int argument_count, char **arguments) {
    static const char *names[] = {"alice", "bob", "carol"};
    CK_ULONG users[3], at;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_UTF8CHAR text[512];
    CK_ULONG text_length = sizeof text;
    if (argument_count != 2) {
        fprintf(stderr, "usage: %s MODULE\n", arguments[0]);
        return 2;
    }
    load(arguments[1]);
    check(p11->C_Initialize(NULL));
    session = make_token(users);
    for (at = 0; at < 3; at++)
        register_approver(session, names[at], users[at]);
    check(p11->C_Logout(session));

    log_in(session, "alice");
    /* A key is shared when it is made, or later. That it takes approvals is settled when it is made. */
    key = make_key(session, APPROVALS, users[1]);
    check(strongroom->SR_ShareKey(session, key, users[2]));
    check(p11->C_Logout(session));

    /* Bob uses it: alice and carol approve. */
    log_in(session, "bob");
    approve(session, key, names, users);
    check(sign(session, key, "pay 10 to dora"));
    puts("signed once, with the approval of alice and carol");
    if (sign(session, key, "pay 10000 to dora") != CKR_FUNCTION_REJECTED)
        stop("one quorum token was good for two signatures", "");
    check(strongroom->SR_GetLastErrorText(text, &text_length));
    printf("refused: %.*s\n", (int)text_length, (const char *)text);
    check(p11->C_Finalize(NULL));
    return 0;
}

/* The standard's functions and Strongroom's own, both by C_GetInterface. */
static void load(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    CK_C_GetInterface get_interface = NULL;
    CK_INTERFACE_PTR found = NULL;
    CK_VERSION version = {3, 0};
    if (library == NULL)
        stop("cannot load the module", dlerror());
    *(void **)&get_interface = dlsym(library, "C_GetInterface");
    if (get_interface == NULL || get_interface((CK_UTF8CHAR_PTR)"PKCS 11", &version, &found, 0) != CKR_OK)
        stop("the module has no interface of PKCS#11 3.0", path);
    p11 = (CK_FUNCTION_LIST_3_0_PTR)found->pFunctionList;
    version.major = 1;
    if (get_interface((CK_UTF8CHAR_PTR)SR_INTERFACE_NAME, &version, &found, 0) != CKR_OK)
        stop("the module is not Strongroom", path);
    strongroom = (SR_FUNCTION_LIST_PTR)found->pFunctionList;
}

/* A session in which the officer is logged in, and three users. */
static CK_SESSION_HANDLE make_token(CK_ULONG users[3]) {
    static const char *names[] = {"alice", "bob", "carol"};
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slots[64];
    CK_ULONG count = sizeof slots / sizeof slots[0], at;
    CK_UTF8CHAR label[32];
    memset(label, ' ', sizeof label);
    memcpy(label, "quorum", strlen("quorum"));
    check(p11->C_GetSlotList(CK_TRUE, slots, &count));
    /* The last slot is always free. */
    check(p11->C_InitToken(slots[count - 1], (CK_UTF8CHAR_PTR)SO_PIN, strlen(SO_PIN), label));
    check(p11->C_OpenSession(slots[count - 1], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    check(p11->C_Login(session, CKU_SO, (CK_UTF8CHAR_PTR)SO_PIN, strlen(SO_PIN)));
    for (at = 0; at < 3; at++)
        check(strongroom->SR_CreateUser(session, SR_ROLE_USER, (CK_UTF8CHAR_PTR)names[at], strlen(names[at]),
                                        (CK_UTF8CHAR_PTR)PIN, strlen(PIN), &users[at]));
    return session;
}

/*
 * In life each approver makes the private key on a machine of his own, keeps it there, and gives the officer the public key
 * and a signature that proves he has the other.
 */
static void register_approver(CK_SESSION_HANDLE session, const char *name, CK_ULONG user) {
    static CK_BYTE challenge[] = "registered with the officer";
    struct buffer public_key, signature;
    openssl("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out %s.pem 2>%s.log", name);
    openssl("openssl pkey -in %s.pem -pubout -outform DER -out %s.der", name);
    write_file("file", challenge, sizeof challenge);
    openssl("openssl dgst -sha256 -sign %s.pem -out %s.signature file", name);
    public_key = read_file("%s.der", name);
    signature = read_file("%s.signature", name);
    check(strongroom->SR_RegisterApprover(session, user, public_key.bytes, public_key.length, challenge,
                                          sizeof challenge, signature.bytes, signature.length));
}

static void log_in(CK_SESSION_HANDLE session, const char *name) {
    check(p11->C_LoginUser(session, CKU_USER, (CK_UTF8CHAR_PTR)PIN, strlen(PIN), (CK_UTF8CHAR_PTR)name, strlen(name)));
}

/* An RSA pair, the private half with terms. */
static CK_OBJECT_HANDLE make_key(CK_SESSION_HANDLE session, CK_ULONG use_approvals, CK_ULONG first_sharee) {
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG bits = 2048;
    CK_ATTRIBUTE public_template[] = {{CKA_MODULUS_BITS, NULL, sizeof bits}, {CKA_TOKEN, NULL, sizeof yes}};
    CK_ATTRIBUTE private_template[] = {
        {CKA_TOKEN, NULL, sizeof yes},
        {CKA_PRIVATE, NULL, sizeof yes},
        {CKA_SR_SHARED_WITH, NULL, sizeof first_sharee}, /* an array of users, here of one */
        {CKA_SR_USE_APPROVALS, NULL, sizeof use_approvals},
    };
    CK_OBJECT_HANDLE public_key, private_key;
    public_template[0].pValue = &bits;
    public_template[1].pValue = &yes;
    private_template[0].pValue = &yes;
    private_template[1].pValue = &yes;
    private_template[2].pValue = &first_sharee;
    private_template[3].pValue = &use_approvals;
    check(p11->C_GenerateKeyPair(session, &mechanism, public_template, 2, private_template, 4, &public_key,
                                 &private_key));
    return private_key;
}

/* Asks for a quorum token, and brings the signatures of the first and the third user. */
static void approve(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const char *names[], const CK_ULONG users[]) {
    CK_BYTE file[SR_QUORUM_FILE_BYTES];
    CK_ULONG length = sizeof file, missing = 0, at;
    check(strongroom->SR_RequestApproval(session, SR_SERVICE_USE_KEY, key, file, &length));
    /* In life the file goes to the approvers, who have ten minutes. */
    write_file("file", file, length);
    for (at = 0; at < 3; at += 2) {
        struct buffer signature;
        openssl("openssl dgst -sha256 -sign %s.pem -out %s.signature file", names[at]);
        signature = read_file("%s.signature", names[at]);
        check(strongroom->SR_Approve(session, file, length, users[at], signature.bytes, signature.length, &missing));
        printf("approved by %s, %lu missing\n", names[at], missing);
    }
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const char *text) {
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_BYTE signature[512];
    CK_ULONG length = sizeof signature;
    CK_RV code = p11->C_SignInit(session, &mechanism, key);
    if (code != CKR_OK)
        return code;
    return p11->C_Sign(session, (CK_BYTE_PTR)text, strlen(text), signature, &length);
}

/* Runs a command in which the name stands twice. */
static void openssl(const char *format, const char *name) {
    char command[512];
    snprintf(command, sizeof command, format, name, name);
    if (system(command) != 0)
        stop("this failed:", command);
}

static struct buffer read_file(const char *format, const char *name) {
    struct buffer data;
    char path[64];
    FILE *file;
    snprintf(path, sizeof path, format, name);
    file = fopen(path, "rb");
    if (file == NULL)
        stop("cannot open", path);
    data.length = fread(data.bytes, 1, sizeof data.bytes, file);
    fclose(file);
    return data;
}

static void write_file(const char *name, const CK_BYTE *bytes, CK_ULONG length) {
    FILE *file = fopen(name, "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        stop("cannot write", name);
}

/* Where a call fails, the module says why. */
static void check(CK_RV code) {
    CK_UTF8CHAR text[512];
    CK_ULONG length = sizeof text - 1;
    if (code == CKR_OK)
        return;
    if (strongroom->SR_GetLastErrorText(text, &length) != CKR_OK)
        length = 0;
    text[length] = 0;
    stop((const char *)text, "");
}

static void stop(const char *message, const char *detail) {
    fprintf(stderr, "quorum: %s %s\n", message, detail);
    exit(1);
}
