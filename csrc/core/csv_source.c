#include "csv_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

rr_status rr_csv_check_options(const rr_csv_source *source, const rr_csv_options *options,
                               rr_error *error)
{
    if (options->encoding != RR_CSV_UTF8 && options->encoding != RR_CSV_LATIN1 &&
        options->encoding != RR_CSV_CP1252) {
        return rr_fail(error, RR_ERR_ARGUMENT, "an encoding that is not known");
    }
    if (options->block_size < 0) {
        return rr_fail(error, RR_ERR_ARGUMENT, "block_size must not be negative");
    }
    if (source->fd < 0 && source->length < 0) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the length of the source must not be negative");
    }
    return RR_OK;
}

rr_status rr_csv_stamp_take(const rr_csv_source *source, rr_csv_stamp *stamp, rr_error *error)
{
    struct stat now;

    memset(stamp, 0, sizeof *stamp);
    if (source->fd < 0) {
        stamp->size = source->length;
        return RR_OK;
    }
    if (fstat(source->fd, &now) != 0) {
        rr_status status = rr_fail(error, RR_ERR_IO, "the file cannot be examined");

        if (error != NULL) {
            error->code = errno;
        }
        return status;
    }
    stamp->size = (int64_t)now.st_size;
    stamp->seconds = (int64_t)now.st_mtim.tv_sec;
    stamp->nanoseconds = (int64_t)now.st_mtim.tv_nsec;
    return RR_OK;
}

rr_status rr_csv_stamp_check(const rr_csv_source *source, const rr_csv_stamp *stamp,
                             rr_error *error)
{
    rr_csv_stamp now;
    rr_status status = rr_csv_stamp_take(source, &now, error);

    if (status != RR_OK) {
        return status;
    }
    if (now.size != stamp->size) {
        return rr_fail(error, RR_ERR_CSV, "the file %s from %lld to %lld bytes while it was read",
                       now.size < stamp->size ? "shrank" : "grew", (long long)stamp->size,
                       (long long)now.size);
    }
    if (now.seconds != stamp->seconds || now.nanoseconds != stamp->nanoseconds) {
        return rr_fail(error, RR_ERR_CSV, "the file was written to while it was read");
    }
    return RR_OK;
}

rr_status rr_csv_bytes(const rr_csv_source *source, int64_t offset, char *buffer, int64_t want,
                       int64_t *got, rr_error *error)
{
    *got = 0;
    if (source->fd < 0) {
        int64_t left = source->length - offset;

        *got = left < want ? left : want;
        memcpy(buffer, source->bytes + offset, (size_t)*got);
        return RR_OK;
    }
    while (*got < want) {
        ssize_t n = pread(source->fd, buffer + *got, (size_t)(want - *got), (off_t)(offset + *got));

        if (n < 0 && errno != EINTR) {
            int code = errno;
            rr_status status = rr_fail(error, RR_ERR_IO, "the file cannot be read");

            if (error != NULL) {
                error->byte = offset;
                error->code = code;
            }
            return status;
        }
        if (n == 0) {
            break;
        }
        *got += n < 0 ? 0 : n;
    }
    return RR_OK;
}

static int begins(const unsigned char *bytes, int64_t n, const char *mark, int64_t length)
{
    return n >= length && memcmp(bytes, mark, (size_t)length) == 0;
}

rr_status rr_csv_start(const rr_csv_source *source, rr_csv_encoding encoding, int64_t *start,
                       rr_error *error)
{
    unsigned char head[4] = {0};
    int64_t n;
    rr_status status = rr_csv_bytes(source, 0, (char *)head, sizeof head, &n, error);

    *start = 0;
    if (status != RR_OK) {
        return status;
    }
    if (begins(head, n, "\x1f\x8b", 2) || begins(head, n, "\x28\xb5\x2f\xfd", 4) ||
        begins(head, n, "BZh", 3) ||
        begins(head, n,
               "\xfd"
               "7zX",
               4)) {
        return rr_fail(error, RR_ERR_CSV, "the file is compressed; decompress it first");
    }
    if (begins(head, n, "PK\x03\x04", 4)) {
        return rr_fail(error, RR_ERR_CSV,
                       "the file is a zip archive or a workbook, not CSV; unpack it, or save the "
                       "sheet as CSV UTF-8");
    }
    if (begins(head, n, "\xff\xfe", 2) || begins(head, n, "\xfe\xff", 2)) {
        return rr_fail(error, RR_ERR_CSV, "the file is UTF-16; save it as CSV UTF-8");
    }
    if (begins(head, n, "\xef\xbb\xbf", 3)) {
        if (encoding != RR_CSV_UTF8) {
            return rr_fail(error, RR_ERR_CSV,
                           "the file says that it is UTF-8 (it starts with a byte order mark); "
                           "leave the encoding out");
        }
        *start = 3;
    }
    return RR_OK;
}
