/* What the C tests share: a check that names its place, random numbers that are the same everywhere,
 * and allocation that fails on demand. Programs are linked with --wrap=malloc,calloc,realloc. */
#ifndef RR_TEST_CHECK_H
#define RR_TEST_CHECK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline void check_failed(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, text);
    exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* xorshift64*: a state of the test's own, never 0. */
static inline uint64_t random_word(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static inline int64_t random_below(uint64_t *state, int64_t n)
{
    return (int64_t)(random_word(state) % (uint64_t)n);
}

/* The allocation that fails, counted from 0; negative: none does. */
extern _Atomic int64_t failing_allocation;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

#define DEFINE_FAILING_ALLOCATION                                                                  \
    _Atomic int64_t failing_allocation = -1;                                                       \
    void *__wrap_malloc(size_t size)                                                               \
    {                                                                                              \
        return failing_allocation-- == 0 ? NULL : __real_malloc(size);                             \
    }                                                                                              \
    void *__wrap_calloc(size_t count, size_t size)                                                 \
    {                                                                                              \
        return failing_allocation-- == 0 ? NULL : __real_calloc(count, size);                      \
    }                                                                                              \
    void *__wrap_realloc(void *old, size_t size)                                                   \
    {                                                                                              \
        return failing_allocation-- == 0 ? NULL : __real_realloc(old, size);                       \
    }

#endif
