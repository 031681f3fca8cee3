/*
 * Every way a program leaves without C_Finalize: from main, from an exit handler that still calls the module, with a
 * live second thread, after dlclose, from a thread that outlives the library. The exit code is the program's own.
 *
 *     leave WAY
 */
#define _DEFAULT_SOURCE
#include "module.h"

#include <pthread.h>
#include <unistd.h>

#define EXIT_CODE 7

static CK_FUNCTION_LIST_PTR p11;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key;

static void *use_for_ever(void *unused) {
    CK_SESSION_HANDLE own;
    CK_OBJECT_HANDLE own_key;
    (void)unused;
    if (p11->C_OpenSession(find_slot(p11, 1), CKF_SERIAL_SESSION, NULL, NULL, &own) != CKR_OK)
        _exit(1);
    own_key = session_key(p11, own);
    for (;;)
        encrypt_once(p11, own, own_key);
}

static void *use_once(void *unused) {
    (void)unused;
    encrypt_once(p11, session, key);
    return NULL;
}

static void *use_then_wait(void *pipe_end) {
    char byte;
    encrypt_once(p11, session, key);
    if (read(*(int *)pipe_end, &byte, 1) < 0)
        _exit(1);
    return NULL;
}

static void use_at_exit(void) {
    encrypt_once(p11, session, key);
}

static void finalize_at_exit(void) {
    CHECK(CKR_OK, p11->C_Finalize(NULL));
}

static void start(pthread_t *thread, void *(*body)(void *), void *argument) {
    REQUIRE(pthread_create(thread, NULL, body, argument) == 0);
}

int main(int argument_count, char **arguments) {
    const char *way = argument_count > 1 ? arguments[1] : "";
    void *library = open_library();
    pthread_t thread;
    p11 = function_list(library);
    CHECK(CKR_OK, initialize_for_threads(p11));
    session = make_token(p11);
    key = session_key(p11, session);
    encrypt_once(p11, session, key);

    if (strcmp(way, "return") == 0) {
        return EXIT_CODE;
    } else if (strcmp(way, "use-at-exit") == 0) {
        REQUIRE(atexit(use_at_exit) == 0);
    } else if (strcmp(way, "finalize-at-exit") == 0) {
        REQUIRE(atexit(finalize_at_exit) == 0);
    } else if (strcmp(way, "live-thread") == 0) {
        start(&thread, use_for_ever, NULL);
        usleep(50000);
    } else if (strcmp(way, "operation-active") == 0) {
        CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
        CHECK(CKR_OK, p11->C_DigestInit(session, &mechanism));
    } else if (strcmp(way, "dlclose") == 0) {
        REQUIRE(dlclose(library) == 0);
    } else if (strcmp(way, "finalize-dlclose") == 0) {
        start(&thread, use_once, NULL);
        REQUIRE(pthread_join(thread, NULL) == 0);
        CHECK(CKR_OK, p11->C_Finalize(NULL));
        REQUIRE(dlclose(library) == 0);
    } else if (strcmp(way, "thread-outlives") == 0) {
        /* The thread used the module; its end comes after the library was closed. */
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        start(&thread, use_then_wait, &ends[0]);
        usleep(50000);
        CHECK(CKR_OK, p11->C_Finalize(NULL));
        REQUIRE(dlclose(library) == 0);
        REQUIRE(write(ends[1], "x", 1) == 1);
        REQUIRE(pthread_join(thread, NULL) == 0);
    } else {
        fprintf(stderr, "unknown way: %s\n", way);
        return 2;
    }
    exit(EXIT_CODE);
}
