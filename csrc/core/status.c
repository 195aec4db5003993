#define _DEFAULT_SOURCE /* madvise */

#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const char *rr_strerror(rr_status status)
{
    /* No default: the compiler names a status that was forgotten here. */
    switch (status) {
    case RR_OK:
        return "no error";
    case RR_ERR_MEMORY:
        return "out of memory";
    case RR_ERR_INTERRUPTED:
        return "interrupted";
    case RR_ERR_IO:
        return "input or output failed";
    case RR_ERR_ARGUMENT:
        return "argument out of range";
    case RR_ERR_DAY_RANGE:
        return "day out of range";
    case RR_ERR_TOO_LARGE:
        return "too many rows or keys";
    case RR_ERR_CSV:
        return "not well-formed CSV";
    case RR_ERR_VALUE:
        return "a value does not fit its column";
    }
    return "unknown status";
}

rr_status rr_fail(rr_error *error, rr_status status, const char *format, ...)
{
    va_list arguments;

    if (error == NULL) {
        return status;
    }
    memset(error, 0, sizeof *error);
    error->row = error->line = error->byte = error->column = -1;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

rr_status rr_fail_row(rr_error *error, rr_status status, int64_t row, const char *message)
{
    status = rr_fail(error, status, "%s", message);
    if (error != NULL) {
        error->row = row;
    }
    return status;
}

void rr_fail_value(rr_error *error, const char *bytes, int64_t length)
{
    const unsigned char *source = (const unsigned char *)bytes;
    const int64_t room = (int64_t)sizeof error->value - 4; /* for "..." and the final NUL */
    int64_t used = 0, i = 0;

    if (error == NULL) {
        return;
    }
    while (i < length) {
        int printable = source[i] >= 0x20 && source[i] != 0x7F;
        int64_t step = printable ? rr_utf8_sequence(source + i, length - i) : 0;
        int64_t width = step == 0 ? 1 : step;

        if (used + width > room) {
            memcpy(error->value + used, "...", 3);
            used += 3;
            break;
        }
        if (step == 0) {
            error->value[used] = '?';
        } else {
            memcpy(error->value + used, source + i, (size_t)step);
        }
        used += width;
        i += width;
    }
    error->value[used] = '\0';
}

enum { LARGE = 8 << 20, HUGE_PAGE = 2 << 20 };

/* Columns of millions of rows are touched in many places at a time; in huge pages the addresses of all
 * of them are known to the processor, and the system has 500 times fewer pages to hand out. Without
 * such pages it is memory as any other. */
static void *allocate_large(size_t bytes)
{
    void *memory;

    if (bytes > SIZE_MAX - HUGE_PAGE) {
        return NULL;
    }
    memory = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
#ifdef MADV_HUGEPAGE
    if (memory != NULL) {
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
    }
#endif
    return memory;
}

void *rr_allocate(int64_t count, size_t size)
{
    if (count < 0 || (uint64_t)count > SIZE_MAX / (size == 0 ? 1 : size)) {
        return NULL;
    }
    if ((uint64_t)count > LARGE / (size == 0 ? 1 : size)) {
        return allocate_large((size_t)count * size);
    }
    return malloc(count == 0 || size == 0 ? 1 : (size_t)count * size);
}

int rr_stopped(const rr_call *call, int64_t done, int64_t total)
{
    return call != NULL && call->stop != NULL && call->stop(call->context, done, total) != 0;
}
