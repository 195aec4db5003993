/* Blocks on the shelf: which are kept, which are found, and that none is lost (under a tool that
 * counts). */
#include "check.h"
#include "shelf.h"

#include <stdint.h>
#include <stdlib.h>

DEFINE_FAILING_ALLOCATION

#define MOST ((size_t)1 << 30)

static void *block_of(size_t bytes)
{
    char *block = malloc(bytes);

    CHECK(block != NULL);
    block[0] = block[bytes - 1] = 'x';
    return block;
}

static void test_what_is_found(void)
{
    rr_shelf *shelf = rr_shelf_new(MOST);
    void *small = block_of(RR_SHELF_LEAST), *large = block_of(2 * RR_SHELF_LEAST), *found;

    CHECK(shelf != NULL);
    CHECK(rr_shelf_take(shelf, RR_SHELF_LEAST) == NULL);
    rr_shelf_put(shelf, NULL);
    rr_shelf_put(shelf, malloc(100)); /* freed */
    CHECK(rr_shelf_take(shelf, 50) == NULL);
    rr_shelf_put(shelf, large);
    rr_shelf_put(shelf, small);
    CHECK(rr_shelf_take(shelf, 3 * RR_SHELF_LEAST) == NULL); /* too large for all */
    CHECK(rr_shelf_take(shelf, RR_SHELF_LEAST + RR_SHELF_LEAST / 2) == NULL); /* wastes too much */
    CHECK(rr_shelf_take(shelf, SIZE_MAX - 1) == NULL);
    found = rr_shelf_take(shelf, RR_SHELF_LEAST);
    CHECK(found == small || found == NULL); /* NULL: this system keeps no pages */
    if (found != NULL) {
        ((char *)found)[RR_SHELF_LEAST - 1] = 'y';
        CHECK(rr_shelf_take(shelf, RR_SHELF_LEAST) == NULL);
        CHECK(rr_shelf_take(shelf, 2 * RR_SHELF_LEAST - RR_SHELF_LEAST / 4) == large);
        free(large);
        free(found);
    }
    rr_shelf_leave(shelf);
}

static void test_room_from_the_shelf_or_new(void)
{
    enum { WORD = 8 };
    const int64_t n = (int64_t)RR_SHELF_LEAST / WORD;
    rr_shelf *shelf = rr_shelf_new(MOST);
    char *first = rr_shelf_allocate(shelf, n, WORD), *second, *none;

    CHECK(shelf != NULL && first != NULL);
    first[RR_SHELF_LEAST - 1] = 'x';
    rr_shelf_put(shelf, first);
    second = rr_shelf_allocate(shelf, n, WORD);
    none = rr_shelf_allocate(shelf, 0, WORD);
    CHECK(second != NULL && none != NULL);
    second[RR_SHELF_LEAST - 1] = 'y';
    CHECK(rr_shelf_take(shelf, RR_SHELF_LEAST) == NULL); /* it was found, or freed */
    CHECK(rr_shelf_allocate(shelf, INT64_MAX, WORD) == NULL);
    CHECK(rr_shelf_allocate(shelf, -1, WORD) == NULL);
    free(none);
    free(second);
    rr_shelf_leave(shelf);
}

static void test_the_oldest_go_first(void)
{
    enum { SOME = 70 };
    rr_shelf *shelf = rr_shelf_new(MOST);
    int64_t found = 0;

    CHECK(shelf != NULL);
    for (int i = 0; i < SOME; i++) {
        rr_shelf_put(shelf, block_of(RR_SHELF_LEAST + (size_t)i * 4096));
    }
    for (int i = SOME - 1; i >= 0; i--) {
        void *block = rr_shelf_take(shelf, RR_SHELF_LEAST + (size_t)i * 4096);

        found += block != NULL;
        CHECK(block == NULL || i >= SOME - 64);
        free(block);
    }
    CHECK(found == 64 || found == 0);
    rr_shelf_leave(shelf);
}

static void test_there_are_never_more_than_it_may_hold(void)
{
    rr_shelf *shelf = rr_shelf_new(4 * RR_SHELF_LEAST);
    const size_t sizes[] = {RR_SHELF_LEAST, 2 * RR_SHELF_LEAST, RR_SHELF_LEAST + (1 << 20)};
    void *found[3];

    CHECK(shelf != NULL);
    rr_shelf_put(shelf, block_of(5 * RR_SHELF_LEAST)); /* freed */
    CHECK(rr_shelf_take(shelf, 5 * RR_SHELF_LEAST) == NULL);
    for (int i = 0; i < 3; i++) {
        rr_shelf_put(shelf, block_of(sizes[i]));
    }
    for (int i = 2; i >= 0; i--) {
        found[i] = rr_shelf_take(shelf, sizes[i]);
    }
    CHECK(found[0] == NULL); /* the oldest went */
    CHECK((found[1] == NULL) == (found[2] == NULL));
    free(found[1]);
    free(found[2]);
    rr_shelf_leave(shelf);
}

static void test_owners(void)
{
    rr_shelf *shelf = rr_shelf_new(MOST);

    CHECK(rr_shelf_share(NULL) == NULL);
    rr_shelf_leave(NULL);
    rr_shelf_put(NULL, block_of(RR_SHELF_LEAST));
    CHECK(rr_shelf_take(NULL, RR_SHELF_LEAST) == NULL);
    CHECK(shelf != NULL && rr_shelf_share(shelf) == shelf);
    rr_shelf_leave(shelf);
    rr_shelf_put(shelf, block_of(RR_SHELF_LEAST)); /* still there */
    rr_shelf_leave(shelf);
}

int main(void)
{
    test_what_is_found();
    test_room_from_the_shelf_or_new();
    test_the_oldest_go_first();
    test_there_are_never_more_than_it_may_hold();
    test_owners();
    CHECK(rr_shelf_most_here() <= (size_t)1 << 32);
    failing_allocation = 0;
    CHECK(rr_shelf_new(MOST) == NULL);
    return 0;
}
