/* Text as numpy and Arrow lay it out, to offsets and data, on threads: every run of rows adds up its
 * own lengths; sums over the runs say where each begins; then every run writes its bytes. */
#include "columns.h"
#include "internal.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { TASK_ROWS = 1 << 17, VIEW = 16, VIEW_INLINE = 12 };

/* ---------------------------------------------------------------- UTF-32 */

static int64_t ucs4_length(const uint32_t *characters, int64_t width)
{
    while (width > 0 && characters[width - 1] == 0) {
        width--;
    }
    return width;
}

static int character_length(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Bytes of a value; -1 where it holds something that is no character. */
static int64_t ucs4_bytes(const uint32_t *value, int64_t width)
{
    int64_t own = ucs4_length(value, width), bytes = own;
    uint32_t any = 0;

    for (int64_t j = 0; j < own; j++) {
        any |= value[j];
    }
    if (any < 0x80) {
        return own;
    }
    bytes = 0;
    for (int64_t j = 0; j < own; j++) {
        uint32_t c = value[j];

        if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
            return -1;
        }
        bytes += character_length(c);
    }
    return bytes;
}

/* Writes a value that makes `bytes` bytes. */
static void write_ucs4(const uint32_t *value, int64_t width, uint8_t *data, int64_t bytes)
{
    int64_t own = ucs4_length(value, width);

    if (own == bytes) { /* ASCII */
        for (int64_t j = 0; j < own; j++) {
            data[j] = (uint8_t)value[j];
        }
        return;
    }
    for (int64_t j = 0; j < own; j++) {
        uint32_t c = value[j];
        int n = character_length(c);

        if (n == 1) {
            *data++ = (uint8_t)c;
            continue;
        }
        /* The lead byte says how many follow; each of them carries six bits. */
        *data++ = (uint8_t)((0xF00 >> n & 0xFF) | c >> 6 * (n - 1));
        for (int k = n - 2; k >= 0; k--) {
            *data++ = (uint8_t)(0x80 | (c >> 6 * k & 0x3F));
        }
    }
}

/* ---------------------------------------------------------------- bytes and views */

static int64_t bytes_length(const uint8_t *bytes, int64_t width)
{
    while (width > 0 && bytes[width - 1] == 0) {
        width--;
    }
    return width;
}

/* The bytes of value i and their number, -1 where the view leaves the buffers. */
static int64_t read_view(const rr_text_form *form, int64_t i, const uint8_t **bytes)
{
    const uint8_t *view = (const uint8_t *)form->values + VIEW * i;
    int32_t length, buffer, offset;

    if (form->valid != NULL && !form->valid[i]) {
        return 0;
    }
    memcpy(&length, view, 4);
    if (length <= VIEW_INLINE) {
        *bytes = view + 4;
        return length < 0 ? -1 : length;
    }
    memcpy(&buffer, view + 8, 4);
    memcpy(&offset, view + 12, 4);
    if (buffer < 0 || buffer >= form->n_buffers || offset < 0 ||
        length > form->buffer_lengths[buffer] - offset) {
        return -1;
    }
    *bytes = form->buffers[buffer] + offset;
    return length;
}

/* ---------------------------------------------------------------- any form */

/* Bytes of value i, -1 where it is malformed. */
static int64_t length_of(const rr_text_form *form, int64_t i)
{
    const uint8_t *bytes;

    switch (form->kind) {
    case RR_FORM_UCS4:
        return ucs4_bytes((const uint32_t *)form->values + i * form->width, form->width);
    case RR_FORM_BYTES:
        return bytes_length((const uint8_t *)form->values + i * form->width, form->width);
    case RR_FORM_VIEWS:
        return read_view(form, i, &bytes);
    }
    return -1;
}

static void write_value(const rr_text_form *form, int64_t i, uint8_t *data, int64_t length)
{
    const uint8_t *bytes = NULL;

    switch (form->kind) {
    case RR_FORM_UCS4:
        write_ucs4((const uint32_t *)form->values + i * form->width, form->width, data, length);
        return;
    case RR_FORM_BYTES:
        bytes = (const uint8_t *)form->values + i * form->width;
        break;
    case RR_FORM_VIEWS:
        (void)read_view(form, i, &bytes);
        break;
    }
    if (length > 0) {
        memcpy(data, bytes, (size_t)length);
    }
}

typedef struct form_job {
    const rr_text_form *form;
    int64_t *offsets;
    const int64_t *given;
    int64_t *start; /* by task: the bytes before it; at first, its own */
    uint8_t *data;
} form_job;

static int64_t count_tasks(int64_t n)
{
    return n / TASK_ROWS + (n % TASK_ROWS != 0);
}

static int64_t task_end(const rr_text_form *form, int64_t task)
{
    return form->n < (task + 1) * TASK_ROWS ? form->n : (task + 1) * TASK_ROWS;
}

static rr_status measure(void *argument, int64_t task, int worker, rr_error *error)
{
    form_job *job = argument;
    const char *malformed = job->form->kind == RR_FORM_VIEWS ? "a string view leaves its buffers"
                                                             : "not a Unicode character";
    int64_t at = 0;

    (void)worker;
    for (int64_t i = task * TASK_ROWS; i < task_end(job->form, task); i++) {
        int64_t length = length_of(job->form, i);

        if (length < 0) {
            return rr_fail_row(error, RR_ERR_VALUE, i, malformed);
        }
        if (length > INT64_MAX - at) {
            return rr_fail(error, RR_ERR_TOO_LARGE, "too much text");
        }
        at += length;
        job->offsets[i + 1] = at;
    }
    job->start[task] = at;
    return RR_OK;
}

static rr_status shift_offsets(void *argument, int64_t task, int worker, rr_error *error)
{
    form_job *job = argument;

    (void)worker, (void)error;
    for (int64_t i = task * TASK_ROWS; i < task_end(job->form, task); i++) {
        job->offsets[i + 1] += job->start[task];
    }
    return RR_OK;
}

rr_status rr_text_form_offsets(const rr_text_form *form, int64_t *offsets, const rr_call *call,
                               rr_error *error)
{
    form_job job = {.form = form, .offsets = offsets};
    int64_t n_tasks = count_tasks(form->n), size = form->kind == RR_FORM_UCS4 ? 4 : 1, sum = 0;
    rr_status status;

    if (form->width < 0 || (form->width > 0 && form->n > INT64_MAX / size / form->width)) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "too much text");
    }
    job.start = rr_allocate(n_tasks, sizeof *job.start);
    if (job.start == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory to read text");
    }
    offsets[0] = 0;
    status = rr_run(measure, &job, n_tasks, call, error);
    for (int64_t t = 0; t < n_tasks && status == RR_OK; t++) {
        int64_t own = job.start[t];

        job.start[t] = sum;
        if (own > INT64_MAX - sum) {
            status = rr_fail(error, RR_ERR_TOO_LARGE, "too much text");
        }
        sum += status == RR_OK ? own : 0;
    }
    if (status == RR_OK) {
        status = rr_run(shift_offsets, &job, n_tasks, call, error);
    }
    free(job.start);
    return status;
}

static rr_status write_values(void *argument, int64_t task, int worker, rr_error *error)
{
    form_job *job = argument;

    (void)worker;
    for (int64_t i = task * TASK_ROWS; i < task_end(job->form, task); i++) {
        int64_t length = length_of(job->form, i);

        if (length != job->given[i + 1] - job->given[i]) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "the offsets are not those of the text");
        }
        write_value(job->form, i, job->data + job->given[i], length);
    }
    return RR_OK;
}

rr_status rr_text_form_data(const rr_text_form *form, const int64_t *offsets, uint8_t *data,
                            int64_t length, const rr_call *call, rr_error *error)
{
    form_job job = {.form = form, .given = offsets, .data = data};

    if (offsets[0] != 0 || offsets[form->n] > length) {
        return rr_fail(error, RR_ERR_ARGUMENT, "no room for the data");
    }
    return rr_run(write_values, &job, count_tasks(form->n), call, error);
}
