/* What the files of the core share with one another and with nobody else. */
#ifndef RR_INTERNAL_H
#define RR_INTERNAL_H

#include "rereferral.h"

#include <stddef.h>

/* Writes the place and the sentence into `error` (NULL is accepted) and returns `status`, so that a
 * failing line reads `return rr_fail(error, RR_ERR_ARGUMENT, "...")`. The place is cleared. */
rr_status rr_fail(rr_error *error, rr_status status, const char *format, ...) RR_PRINTF(3, 4);

/* Copies at most sizeof(error->value) - 1 bytes of a value, replacing what is not UTF-8 or not
 * printable by '?', and ends it with "..." when it was cut. NULL error is accepted. */
void rr_fail_value(rr_error *error, const char *bytes, int64_t length);

/* malloc of count * size with the product checked by division. NULL on overflow, on a negative
 * count, or out of memory; never NULL because count is 0. The caller frees. */
void *rr_allocate(int64_t count, size_t size) RR_MUST_CHECK;

/* Non-zero when the poll, which may be NULL, asks to stop. */
int rr_stopped(const rr_poll *poll, int64_t done, int64_t total);

#endif
