/* What must be known of a text column before anything reads it, in one pass on threads: that its
 * offsets stay inside its data, that its values are well-formed UTF-8, and how many are blank.
 *
 * A pass costs what the column weighs: a block of rows whose bytes are all visible ASCII, and whose
 * values all hold one, is through after two loops of vector code. */
#include "columns.h"
#include "internal.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { TASK_ROWS = 1 << 16, BLOCK_ROWS = 512 };

static int is_ascii(const uint8_t *bytes, int64_t length)
{
    uint64_t high = 0;
    int64_t i = 0;

    for (; i + 8 <= length; i += 8) {
        uint64_t word;

        memcpy(&word, bytes + i, 8);
        high |= word;
    }
    for (; i < length; i++) {
        high |= bytes[i];
    }
    return (high & UINT64_C(0x8080808080808080)) == 0;
}

int rr_text_is_visible(const uint8_t *bytes, int64_t n)
{
    uint8_t other = 0;

    for (int64_t i = 0; i < n; i++) {
        other |= (uint8_t)((int8_t)bytes[i] <= ' ');
    }
    return !other;
}

static int is_space(uint32_t c)
{
    if (c < 0x80) {
        return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    }
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static int is_blank(const uint8_t *bytes, int64_t length)
{
    int64_t i = 0;

    while (i < length) {
        uint32_t c = bytes[i];
        int64_t step = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

        if (step == 4 || step > length - i) { /* no space lies beyond the basic plane */
            return 0;
        }
        if (step == 2) {
            c = (c & 0x1F) << 6 | (bytes[i + 1] & 0x3F);
        } else if (step == 3) {
            c = (c & 0x0F) << 12 | (uint32_t)(bytes[i + 1] & 0x3F) << 6 | (bytes[i + 2] & 0x3F);
        }
        if (!is_space(c)) {
            return 0;
        }
        i += step;
    }
    return 1;
}

/* ---------------------------------------------------------------- one block of rows */

const int64_t *rr_text_offsets(const rr_text *text, int64_t first, int64_t n, int64_t *room)
{
    if (text->offsets != NULL) {
        return text->offsets + first;
    }
    for (int64_t i = 0; i <= n; i++) {
        room[i] = text->offsets_32[first + i];
    }
    return room;
}

rr_status rr_text_check_block(const int64_t *offsets, int64_t first, int64_t n, int64_t n_data,
                              rr_error *error)
{
    int falls = 0;

    for (int64_t i = 0; i < n; i++) {
        falls |= offsets[i + 1] < offsets[i];
    }
    for (int64_t i = 0; falls && i < n; i++) {
        if (offsets[i + 1] < offsets[i]) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, first + i,
                               "the offsets of a text column must not fall");
        }
    }
    if (offsets[0] < 0 || offsets[n] > n_data) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the offsets of a text column leave its data");
    }
    return RR_OK;
}

static rr_status check_utf8(const rr_text *text, const int64_t *offsets, int64_t first, int64_t n,
                            rr_error *error)
{
    if (is_ascii(text->data + offsets[0], offsets[n] - offsets[0])) {
        return RR_OK;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t at = offsets[i], end = offsets[i + 1];

        if (text->valid != NULL && !text->valid[first + i]) { /* under a null lies anything */
            continue;
        }
        while (at < end) {
            int64_t step = rr_utf8_sequence(text->data + at, end - at);

            if (step == 0) {
                rr_status status = rr_fail_row(error, RR_ERR_VALUE, first + i,
                                               "not well-formed UTF-8");

                rr_fail_value(error, (const char *)text->data + offsets[i], end - offsets[i]);
                return status;
            }
            at += step;
        }
    }
    return RR_OK;
}

/* Whether no value of a block is empty. */
static int all_hold_some(const int64_t *offsets, int64_t n)
{
    int empty = 0;

    for (int64_t i = 0; i < n; i++) {
        empty |= offsets[i + 1] == offsets[i];
    }
    return !empty;
}

/* Counts the blank values, and unless it is NULL writes where there are others. */
static int64_t mark_present(const rr_text *text, const int64_t *offsets, int64_t first, int64_t n,
                            uint8_t *present)
{
    int64_t blank = 0;

    for (int64_t i = 0; i < n; i++) {
        const uint8_t *bytes = text->data + offsets[i];
        int64_t length = offsets[i + 1] - offsets[i];
        int valid = text->valid == NULL || text->valid[first + i];
        int visible = length > 0 && bytes[0] > ' ' && bytes[0] < 0x80;
        int empty = !visible && is_blank(bytes, length);

        blank += valid && empty;
        if (present != NULL) {
            present[first + i] = (uint8_t)(valid && !empty);
        }
    }
    return blank;
}

/* ---------------------------------------------------------------- a column */

typedef struct check_job {
    const rr_text *text;
    int64_t n_data;
    int check;
    uint8_t *present; /* or NULL */
    int64_t *blank;   /* by task */
} check_job;

static rr_status check_rows(void *argument, int64_t task, int worker, rr_error *error)
{
    const check_job *job = argument;
    int64_t end = job->text->n < (task + 1) * TASK_ROWS ? job->text->n : (task + 1) * TASK_ROWS;
    int64_t room[BLOCK_ROWS + 1], blank = 0;

    (void)worker;
    for (int64_t first = task * TASK_ROWS; first < end; first += BLOCK_ROWS) {
        int64_t n = end - first < BLOCK_ROWS ? end - first : BLOCK_ROWS;
        const int64_t *offsets = rr_text_offsets(job->text, first, n, room);
        rr_status status = RR_OK;

        if (job->check) {
            status = rr_text_check_block(offsets, first, n, job->n_data, error);
        }
        if (status == RR_OK && job->present == NULL && all_hold_some(offsets, n) &&
            rr_text_is_visible(job->text->data + offsets[0], offsets[n] - offsets[0])) {
            continue;
        }
        if (status == RR_OK && job->check) {
            status = check_utf8(job->text, offsets, first, n, error);
        }
        if (status != RR_OK) {
            return status;
        }
        blank += mark_present(job->text, offsets, first, n, job->present);
    }
    job->blank[task] = blank;
    return RR_OK;
}

static rr_status run(check_job *job, int64_t *blank, const rr_call *call, rr_error *error)
{
    int64_t n_tasks = job->text->n / TASK_ROWS + (job->text->n % TASK_ROWS != 0);
    rr_status status;

    job->blank = rr_allocate(n_tasks, sizeof *job->blank);
    if (job->blank == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory to check text");
    }
    status = rr_run(check_rows, job, n_tasks, call, error);
    *blank = 0;
    for (int64_t t = 0; t < n_tasks && status == RR_OK; t++) {
        *blank += job->blank[t];
    }
    free(job->blank);
    return status;
}

rr_status rr_text_check_offsets(const rr_text *text, int64_t n_data, rr_error *error)
{
    return rr_text_check_block(text->offsets, 0, text->n, n_data, error);
}

rr_status rr_text_check(const rr_text *text, int64_t n_data, int64_t *blank, const rr_call *call,
                        rr_error *error)
{
    check_job job = {.text = text, .n_data = n_data, .check = 1};
    int64_t room[1];

    if (text->n == 0) { /* whose one offset is in no block */
        *blank = 0;
        return rr_text_check_block(rr_text_offsets(text, 0, 0, room), 0, 0, n_data, error);
    }
    return run(&job, blank, call, error);
}

rr_status rr_text_present(const rr_text *text, uint8_t *present, int64_t *blank,
                          const rr_call *call, rr_error *error)
{
    check_job job = {.text = text, .present = present};

    return run(&job, blank, call, error);
}

/* ---------------------------------------------------------------- text of a fixed width */

typedef struct fixed_job {
    const rr_fixed_text *text;
    uint8_t *present;
    int64_t *blank; /* by task */
    uint8_t *other; /* by task: there is a character that is not ASCII */
} fixed_job;

/* Character j of a text; NUL beyond the last. */
static inline uint32_t character_at(const rr_fixed_text *text, int64_t row, int64_t j)
{
    int64_t at = row * text->width + j;

    return text->bytes != NULL ? text->bytes[at] : text->wide[at];
}

static int is_fixed_blank(const rr_fixed_text *text, int64_t row)
{
    int64_t length = text->width;

    while (length > 0 && character_at(text, row, length - 1) == 0) {
        length--;
    }
    while (length > 0 && is_space(character_at(text, row, length - 1))) {
        length--;
    }
    return length == 0;
}

static rr_status check_fixed_rows(void *argument, int64_t task, int worker, rr_error *error)
{
    const fixed_job *job = argument;
    const rr_fixed_text *text = job->text;
    int64_t first = task * TASK_ROWS, end = first + TASK_ROWS, blank = 0;
    uint32_t any = 0;

    (void)worker, (void)error;
    end = end < text->n ? end : text->n;
    if (text->bytes != NULL) {
        job->other[task] = !is_ascii(text->bytes + first * text->width,
                                     (end - first) * text->width);
    } else {
        for (int64_t i = first * text->width; i < end * text->width; i++) {
            any |= text->wide[i];
        }
        job->other[task] = any >= 0x80;
    }
    for (int64_t i = first; i < end; i++) {
        int valid = text->valid == NULL || text->valid[i];
        int empty = character_at(text, i, 0) <= ' ' && is_fixed_blank(text, i);

        blank += valid && empty;
        if (job->present != NULL) {
            job->present[i] = (uint8_t)(valid && !empty);
        }
    }
    job->blank[task] = blank;
    return RR_OK;
}

rr_status rr_fixed_text_check(const rr_fixed_text *text, uint8_t *present, int64_t *blank,
                              int *ascii, const rr_call *call, rr_error *error)
{
    int64_t n_tasks = text->n / TASK_ROWS + (text->n % TASK_ROWS != 0);
    fixed_job job = {.text = text, .present = present};
    rr_status status = rr_fail(error, RR_ERR_MEMORY, "no memory to check text");

    job.blank = rr_allocate(n_tasks, sizeof *job.blank);
    job.other = rr_allocate(n_tasks, sizeof *job.other);
    if (job.blank == NULL || job.other == NULL) {
        goto out;
    }
    status = rr_run(check_fixed_rows, &job, n_tasks, call, error);
    *blank = 0;
    *ascii = 1;
    for (int64_t t = 0; t < n_tasks && status == RR_OK; t++) {
        *blank += job.blank[t];
        *ascii &= !job.other[t];
    }
out:
    free(job.blank);
    free(job.other);
    return status;
}
