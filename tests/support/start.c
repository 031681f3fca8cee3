/*
 * The shortest program that uses a token: loads the module, logs in, encrypts once, and ends.
 *
 *     start MODULE PIN KEY-LABEL
 *
 * Waits for the end of its standard input first, so that several start at the same moment. Prints what failed.
 */
#include <strongroom/pkcs11.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failed(const char *what, CK_RV rv) {
    fprintf(stderr, "%s: 0x%lX\n", what, rv);
    return 1;
}

#define MUST(call)                      \
    do {                                \
        CK_RV rv = (call);              \
        if (rv != CKR_OK)               \
            return failed(#call, rv);   \
    } while (0)

int main(int count, char **arguments) {
    CK_C_GetFunctionList get_list;
    CK_FUNCTION_LIST_PTR p11;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE label;
    CK_ULONG found, length;
    CK_BYTE iv[12] = {1}, data[16] = {2}, out[32];
    CK_GCM_PARAMS gcm = {iv, sizeof iv, 96, NULL, 0, 128};
    CK_MECHANISM mechanism = {CKM_AES_GCM, &gcm, sizeof gcm};
    void *library;
    char byte;

    if (count != 4)
        return 2;
    while (read(0, &byte, 1) > 0)
        continue;
    library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    MUST(get_list(&p11));
    MUST(p11->C_Initialize(NULL));
    MUST(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session));
    MUST(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)arguments[2], strlen(arguments[2])));
    label.type = CKA_LABEL;
    label.pValue = arguments[3];
    label.ulValueLen = strlen(arguments[3]);
    MUST(p11->C_FindObjectsInit(session, &label, 1));
    MUST(p11->C_FindObjects(session, &key, 1, &found));
    MUST(p11->C_FindObjectsFinal(session));
    if (found != 1)
        return failed("the key is not found", found);
    MUST(p11->C_EncryptInit(session, &mechanism, key));
    length = sizeof out;
    MUST(p11->C_Encrypt(session, data, sizeof data, out, &length));
    return length == sizeof out ? 0 : failed("C_Encrypt gave another length", length);
}
