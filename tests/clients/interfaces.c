/*
 * C_GetInterfaceList and C_GetInterface (PKCS#11 3.0 and later): every version is offered, found by name, by version
 * and by default, and no entry of any function list is empty.
 */
#include "module.h"

#include <stddef.h>

static CK_C_GetInterface get_interface;
static CK_C_GetInterfaceList get_interface_list;

static void no_empty_entry(const void *list, size_t size_bytes);
static void check_list(void);
static void check_versions(CK_FUNCTION_LIST_PTR p11);
static void check_refusals(void);

static CK_UTF8CHAR standard_name[] = "PKCS 11";

int main(void) {
    void *library = open_library();
    CK_FUNCTION_LIST_PTR p11 = function_list(library);
#ifdef LINKED
    get_interface = C_GetInterface;
    get_interface_list = C_GetInterfaceList;
#else
    find_symbol(library, "C_GetInterface", &get_interface);
    find_symbol(library, "C_GetInterfaceList", &get_interface_list);
#endif
    REQUIRE(get_interface != NULL && get_interface_list != NULL);
    no_empty_entry(p11, sizeof *p11);
    /* All three functions work before C_Initialize, and after. */
    check_list();
    check_versions(p11);
    check_refusals();
    CHECK(CKR_OK, p11->C_Initialize(NULL));
    check_list();
    check_versions(p11);
    CHECK(CKR_OK, p11->C_Finalize(NULL));
    return 0;
}

/* All entries after the version are function pointers of one size. */
static void no_empty_entry(const void *list, size_t size_bytes) {
    size_t offset = offsetof(CK_FUNCTION_LIST, C_Initialize);
    for (; offset < size_bytes; offset += sizeof(CK_C_Initialize)) {
        CK_C_Initialize entry;
        memcpy(&entry, (const char *)list + offset, sizeof entry);
        if (entry == NULL) {
            fprintf(stderr, "empty entry at offset %lu\n", (unsigned long)offset);
            exit(1);
        }
    }
}

static void check_list(void) {
    CK_INTERFACE interfaces[16];
    CK_ULONG count = 0, index, too_few = 0;
    int seen_3_2 = 0, seen_3_0 = 0, seen_2_40 = 0;
    CHECK(CKR_ARGUMENTS_BAD, get_interface_list(NULL, NULL));
    CHECK(CKR_OK, get_interface_list(NULL, &count));
    REQUIRE(count >= 3 && count <= 16);
    CHECK(CKR_BUFFER_TOO_SMALL, get_interface_list(interfaces, &too_few));
    REQUIRE(too_few == count);
    CHECK(CKR_OK, get_interface_list(interfaces, &count));
    for (index = 0; index < count; index++) {
        CK_VERSION version;
        REQUIRE(interfaces[index].pInterfaceName != NULL && interfaces[index].pFunctionList != NULL);
        memcpy(&version, interfaces[index].pFunctionList, sizeof version);
        if (strcmp((const char *)interfaces[index].pInterfaceName, (const char *)standard_name) != 0)
            continue;
        seen_3_2 |= version.major == 3 && version.minor == 2;
        seen_3_0 |= version.major == 3 && version.minor == 0;
        seen_2_40 |= version.major == 2 && version.minor == 40;
    }
    REQUIRE(seen_3_2 && seen_3_0 && seen_2_40);
}

static void check_version(unsigned char major, unsigned char minor, size_t size_bytes, CK_FUNCTION_LIST_PTR p11) {
    CK_VERSION wanted;
    CK_INTERFACE_PTR found = NULL;
    CK_FUNCTION_LIST_PTR list;
    wanted.major = major;
    wanted.minor = minor;
    CHECK(CKR_OK, get_interface(standard_name, &wanted, &found, 0));
    REQUIRE(found != NULL);
    list = (CK_FUNCTION_LIST_PTR)found->pFunctionList;
    REQUIRE(list->version.major == major && list->version.minor == minor);
    no_empty_entry(list, size_bytes);
    /* The versions share their functions: a session of one is a session of all. */
    REQUIRE(list->C_OpenSession == p11->C_OpenSession && list->C_Encrypt == p11->C_Encrypt);
}

static void check_versions(CK_FUNCTION_LIST_PTR p11) {
    CK_INTERFACE_PTR found = NULL, fork_safe = NULL;
    CK_FUNCTION_LIST_3_2_PTR newest;
    check_version(2, 40, sizeof(CK_FUNCTION_LIST), p11);
    check_version(3, 0, sizeof(CK_FUNCTION_LIST_3_0), p11);
    check_version(3, 2, sizeof(CK_FUNCTION_LIST_3_2), p11);
    /* No name and no version: the module's best. A name alone: the best of that name. */
    CHECK(CKR_OK, get_interface(NULL, NULL, &found, 0));
    newest = (CK_FUNCTION_LIST_3_2_PTR)found->pFunctionList;
    REQUIRE(newest->version.major == 3 && newest->version.minor == 2);
    REQUIRE(newest->C_GetInterface == get_interface && newest->C_GetInterfaceList == get_interface_list);
    CHECK(CKR_OK, get_interface(standard_name, NULL, &found, 0));
    newest = (CK_FUNCTION_LIST_3_2_PTR)found->pFunctionList;
    REQUIRE(newest->version.major == 3 && newest->version.minor == 2);
    /* A wanted flag is a promise: whoever is found has it. */
    if (get_interface(standard_name, NULL, &fork_safe, CKF_INTERFACE_FORK_SAFE) == CKR_OK)
        REQUIRE(fork_safe->flags & CKF_INTERFACE_FORK_SAFE);
}

static void check_refusals(void) {
    static CK_UTF8CHAR unknown_name[] = "No such interface";
    CK_INTERFACE_PTR found = NULL;
    CK_VERSION unknown_version = {9, 9};
    CHECK(CKR_ARGUMENTS_BAD, get_interface(NULL, NULL, NULL, 0));
    CHECK(CKR_FUNCTION_FAILED, get_interface(unknown_name, NULL, &found, 0));
    CHECK(CKR_FUNCTION_FAILED, get_interface(standard_name, &unknown_version, &found, 0));
    CHECK(CKR_FUNCTION_FAILED, get_interface(NULL, NULL, &found, 0x40000000UL));
}
