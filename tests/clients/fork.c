/*
 * The fork matrix. In a child every call answers CKR_CRYPTOKI_NOT_INITIALIZED until the child's own C_Initialize, which
 * succeeds; the parent notices nothing, whatever its other threads were doing at the time.
 */
#define _POSIX_C_SOURCE 200809L
#include "module.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUSY_FORKS 25

static CK_FUNCTION_LIST_PTR p11;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key;

static void in_child(void (*body)(void));
static void child_is_not_initialised(void);
static void child_initialises(void);
static void child_finalises_first(void);
static void child_leaves_at_once(void);
static void grandchild(void);
static void child_of_the_uninitialised(void);
static void fork_during_use(void);

int main(void) {
    void *library = open_library();
    p11 = function_list(library);

    /* Fork before the first C_Initialize: parent and child start on their own. */
    in_child(child_of_the_uninitialised);

    CHECK(CKR_OK, initialize_for_threads(p11));
    session = make_token(p11);
    key = session_key(p11, session);

    in_child(child_is_not_initialised);
    in_child(child_initialises);
    in_child(child_finalises_first);
    in_child(child_leaves_at_once);
    in_child(grandchild);
    encrypt_once(p11, session, key);

    fork_during_use();
    encrypt_once(p11, session, key);
    CHECK(CKR_OK, p11->C_Finalize(NULL));
    key = CK_INVALID_HANDLE;

    in_child(child_of_the_uninitialised);
    CHECK(CKR_OK, initialize_for_threads(p11));
    CHECK(CKR_OK, p11->C_Finalize(NULL));
    return 0;
}

/* A child that hangs is killed by its alarm, and seen. */
static void in_child(void (*body)(void)) {
    int status = 0;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(30);
        body();
        exit(0);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "child ended with status 0x%X\n", (unsigned)status);
        exit(1);
    }
    if (key != CK_INVALID_HANDLE)
        encrypt_once(p11, session, key);
}

static void child_is_not_initialised(void) {
    CK_INFO info;
    CK_ULONG count = 0;
    CK_BYTE bytes[4];
    CK_SESSION_INFO session_info;
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetInfo(&info));
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetSlotList(CK_FALSE, NULL, &count));
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetSessionInfo(session, &session_info));
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GenerateRandom(session, bytes, sizeof bytes));
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_DestroyObject(session, key));
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_Logout(session));
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_CloseSession(session));
}

static void child_initialises(void) {
    CK_SESSION_INFO session_info;
    CK_SESSION_HANDLE own;
    CK_BYTE bytes[16];
    CHECK(CKR_OK, initialize_for_threads(p11));
    /* The parent's sessions and its login are the parent's. */
    CHECK(CKR_SESSION_HANDLE_INVALID, p11->C_GetSessionInfo(session, &session_info));
    CHECK(CKR_OK,
          p11->C_OpenSession(find_slot(p11, 1), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &own));
    CHECK(CKR_OK, p11->C_GetSessionInfo(own, &session_info));
    REQUIRE(session_info.state == CKS_RW_PUBLIC_SESSION);
    CHECK(CKR_OK, p11->C_GenerateRandom(own, bytes, sizeof bytes));
    CHECK(CKR_OK, p11->C_Login(own, CKU_USER, text(USER_PIN), sizeof USER_PIN - 1));
    encrypt_once(p11, own, session_key(p11, own));
    CHECK(CKR_OK, p11->C_Finalize(NULL));
}

static void child_finalises_first(void) {
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_Finalize(NULL));
    child_initialises();
}

static void child_leaves_at_once(void) {
}

static void grandchild(void) {
    CHECK(CKR_OK, initialize_for_threads(p11));
    CHECK(CKR_OK,
          p11->C_OpenSession(find_slot(p11, 1), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    CHECK(CKR_OK, p11->C_Login(session, CKU_USER, text(USER_PIN), sizeof USER_PIN - 1));
    key = session_key(p11, session);
    in_child(child_is_not_initialised);
    in_child(child_initialises);
    CHECK(CKR_OK, p11->C_Finalize(NULL));
}

static void child_of_the_uninitialised(void) {
    CK_INFO info;
    CHECK(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetInfo(&info));
    CHECK(CKR_OK, initialize_for_threads(p11));
    CHECK(CKR_OK, p11->C_GetInfo(&info));
    CHECK(CKR_OK, p11->C_Finalize(NULL));
}

static volatile int stop;
static CK_SESSION_HANDLE worker_sessions[2];

/* Keeps locks of the session, the object store and the random source busy while the main thread forks. */
static void *worker(void *argument) {
    CK_SESSION_HANDLE own = *(CK_SESSION_HANDLE *)argument;
    CK_BYTE bytes[32];
    CK_OBJECT_HANDLE found;
    CK_ULONG count;
    while (!stop) {
        CK_OBJECT_HANDLE own_key = session_key(p11, own);
        encrypt_once(p11, own, own_key);
        CHECK(CKR_OK, p11->C_GenerateRandom(own, bytes, sizeof bytes));
        CHECK(CKR_OK, p11->C_FindObjectsInit(own, NULL, 0));
        CHECK(CKR_OK, p11->C_FindObjects(own, &found, 1, &count));
        CHECK(CKR_OK, p11->C_FindObjectsFinal(own));
        CHECK(CKR_OK, p11->C_DestroyObject(own, own_key));
    }
    return NULL;
}

static void fork_during_use(void) {
    pthread_t threads[2];
    int index;
    for (index = 0; index < 2; index++) {
        CHECK(CKR_OK, p11->C_OpenSession(find_slot(p11, 1), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                         &worker_sessions[index]));
        REQUIRE(pthread_create(&threads[index], NULL, worker, &worker_sessions[index]) == 0);
    }
    for (index = 0; index < BUSY_FORKS; index++) {
        in_child(index % 2 == 0 ? child_is_not_initialised : child_initialises);
    }
    stop = 1;
    for (index = 0; index < 2; index++)
        REQUIRE(pthread_join(threads[index], NULL) == 0);
}
