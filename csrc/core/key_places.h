/* The table that numbers the keys of one part after another: open addressing in the cache, one a
 * worker, that grows with the keys of a part. */
#ifndef RR_KEY_PLACES_H
#define RR_KEY_PLACES_H

#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { RR_PLACES_LOAD = 4 /* places for each key, at least */ };

typedef struct rr_place {
    uint64_t key;
    uint32_t code;
    uint32_t part; /* for which it was made, from 1: in all other parts the place is free */
} rr_place;

typedef struct rr_places {
    rr_place *entries;
    uint64_t n; /* a power of two */
} rr_places;

static inline uint64_t rr_place_of(const rr_places *p, uint64_t key, uint64_t hash_mask)
{
    key *= UINT64_C(0xD6E8FEB86659FD93);
    return (key ^ key >> 32) & hash_mask & (p->n - 1);
}

static inline rr_status rr_places_open(rr_places *p, uint64_t n, rr_error *error)
{
    p->n = n;
    p->entries = n > INT64_MAX / 2 ? NULL : rr_allocate((int64_t)n, sizeof *p->entries);
    if (p->entries == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory to number the keys");
    }
    memset(p->entries, 0, n * sizeof *p->entries);
    return RR_OK;
}

static inline void rr_places_close(rr_places *p)
{
    free(p->entries);
}

/* The number of a key in its part: that of its place, or the next. New keys are one in four, at random;
 * so what is asked of every place is asked in one branch, which is nearly always taken. */
static inline uint32_t rr_place_number(const rr_places *p, uint32_t part, uint64_t key,
                                       uint64_t place, uint32_t *found)
{
    rr_place *e = &p->entries[place];
    uint32_t fresh, code;

    while (!((e->part != part) | (e->key == key))) {
        place = (place + 1) & (p->n - 1);
        e = &p->entries[place];
    }
    fresh = e->part != part;
    code = fresh ? *found : e->code;
    *e = (rr_place){key, code, part};
    *found += fresh;
    return code;
}

static inline rr_status rr_places_grow(rr_places *p, uint32_t part, uint64_t hash_mask,
                                       rr_error *error)
{
    rr_places wider;
    rr_status status = rr_places_open(&wider, p->n * 2, error);

    if (status != RR_OK) {
        return status;
    }
    for (uint64_t i = 0; i < p->n; i++) {
        uint64_t place;

        if (p->entries[i].part != part) {
            continue;
        }
        place = rr_place_of(&wider, p->entries[i].key, hash_mask);
        while (wider.entries[place].part == part) {
            place = (place + 1) & (wider.n - 1);
        }
        wider.entries[place] = p->entries[i];
    }
    rr_places_close(p);
    *p = wider;
    return RR_OK;
}

#endif
