/*
 * Guest manners: what the module must leave alone in a process it is loaded into. Signal handlers, threads, umask,
 * current directory, environment and the standard streams are compared before and after a working life.
 *
 * The caller checks that nothing was printed and what the files' modes are.
 */
#define _POSIX_C_SOURCE 200809L
#include "module.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIGNALS 65

extern char **environ;

static int count_threads(void);
static unsigned long environment_sum(void);

int main(void) {
    static struct sigaction before[SIGNALS], after[SIGNALS];
    sigset_t mask_before, mask_after;
    unsigned long environment_before;
    char place[4096], place_after[4096];
    CK_FUNCTION_LIST_PTR p11;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    void *library;
    int number;

    /* The most careless umask: files are private because the module says so. */
    umask(0);
    REQUIRE(getcwd(place, sizeof place) != NULL);
    for (number = 1; number < SIGNALS; number++)
        sigaction(number, NULL, &before[number]);
    REQUIRE(sigprocmask(SIG_SETMASK, NULL, &mask_before) == 0);
    environment_before = environment_sum();

    library = open_library();
    REQUIRE(count_threads() == 1);
    p11 = function_list(library);
    CHECK(CKR_OK, p11->C_Initialize(NULL));
    session = make_token(p11);
    key = session_key(p11, session);
    encrypt_once(p11, session, key);
    REQUIRE(count_threads() == 1);

    REQUIRE(umask(0) == 0);
    REQUIRE(getcwd(place_after, sizeof place_after) != NULL && strcmp(place, place_after) == 0);
    for (number = 1; number < SIGNALS; number++) {
        sigaction(number, NULL, &after[number]);
        REQUIRE(before[number].sa_handler == after[number].sa_handler);
        REQUIRE(before[number].sa_flags == after[number].sa_flags);
    }
    REQUIRE(sigprocmask(SIG_SETMASK, NULL, &mask_after) == 0);
    REQUIRE(memcmp(&mask_before, &mask_after, sizeof(unsigned long)) == 0);
    REQUIRE(environment_sum() == environment_before);

    /* The token is found by its absolute directory, whatever becomes of the current one. */
    REQUIRE(chdir("/") == 0);
    encrypt_once(p11, session, key);
    CHECK(CKR_OK, p11->C_Finalize(NULL));
    CHECK(CKR_OK, p11->C_Initialize(NULL));
    CHECK(CKR_OK, p11->C_OpenSession(find_slot(p11, 1), CKF_SERIAL_SESSION, NULL, NULL, &session));
    CHECK(CKR_OK, p11->C_Finalize(NULL));
    REQUIRE(count_threads() == 1);
    return 0;
}

static int count_threads(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/task");
    REQUIRE(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count - 2;
}

static unsigned long environment_sum(void) {
    unsigned long sum = 5381;
    char **entry;
    const char *character;
    for (entry = environ; *entry != NULL; entry++)
        for (character = *entry; *character != '\0'; character++)
            sum = sum * 33 + (unsigned char)*character;
    return sum;
}
