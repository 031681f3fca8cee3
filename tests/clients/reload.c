/*
 * Loads and unloads the module 1,000 times with C_Initialize and C_Finalize in between: descriptors, threads and
 * mappings do not grow.
 */
#define _POSIX_C_SOURCE 200809L
#include "module.h"

#include <dirent.h>

#define CYCLES 1000
#define WARM_UP_CYCLES 20

struct footprint {
    int descriptors, threads, mappings;
};

static struct footprint measure(void);
static void cycle(void);

int main(void) {
    struct footprint before, after;
    int index;
    void *library = open_library();
    make_token_and_finalize(function_list(library));
    REQUIRE(dlclose(library) == 0);
    for (index = 0; index < WARM_UP_CYCLES; index++)
        cycle();
    before = measure();
    for (index = 0; index < CYCLES; index++)
        cycle();
    after = measure();
    printf("descriptors %d -> %d, threads %d -> %d, mappings %d -> %d\n", before.descriptors, after.descriptors,
           before.threads, after.threads, before.mappings, after.mappings);
    REQUIRE(after.descriptors == before.descriptors);
    REQUIRE(after.threads == 1);
    /* The allocator of the process may split a region once or twice; 1,000 leaks of one mapping cannot hide in it. */
    REQUIRE(after.mappings <= before.mappings + 4);
    return 0;
}

static void cycle(void) {
    CK_SESSION_HANDLE session;
    CK_BYTE bytes[8];
    void *library = open_library();
    CK_FUNCTION_LIST_PTR p11 = function_list(library);
    CHECK(CKR_OK, p11->C_Initialize(NULL));
    CHECK(CKR_OK, p11->C_OpenSession(find_slot(p11, 1), CKF_SERIAL_SESSION, NULL, NULL, &session));
    CHECK(CKR_OK, p11->C_GenerateRandom(session, bytes, sizeof bytes));
    CHECK(CKR_OK, p11->C_Finalize(NULL));
    REQUIRE(dlclose(library) == 0);
}

static int count_entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    REQUIRE(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count - 2;
}

static struct footprint measure(void) {
    struct footprint footprint;
    int character;
    FILE *maps = fopen("/proc/self/maps", "r");
    REQUIRE(maps != NULL);
    footprint.mappings = 0;
    while ((character = getc(maps)) != EOF)
        footprint.mappings += character == '\n';
    fclose(maps);
    footprint.threads = count_entries("/proc/self/task");
    footprint.descriptors = count_entries("/proc/self/fd");
    return footprint;
}
