/* Rows of a person come in order of their starts, so of the spell that is being merged only the
 * latest end has to be remembered. Spells are numbered twice: as the sweep meets them, and then by
 * their first rows, so that their order is that of the table and not that of the parts. */
#include "merge.h"
#include "parts.h"

#include <stdlib.h>

enum { POLL_PARTS = 32 };

typedef struct merger {
    const int64_t *end; /* NULL: a row ends on the day on which it starts */
    rr_bounds reach;    /* its last: the last day on which a row still belongs */
    int64_t *spell;
    int64_t n_spells;
} merger;

static rr_status merge_part(const rr_parts *parts, int64_t part, merger *m, rr_error *error)
{
    const rr_side *index = &parts->index;
    const uint64_t day_mask = (UINT64_C(1) << parts->day_bits) - 1;
    uint64_t key = UINT64_MAX; /* no key has so many bits */
    int64_t latest = 0, reach = 0;

    for (int64_t i = index->start[part]; i < index->start[part + 1]; i++) {
        uint64_t key_day = rr_key_day(index, i);
        int64_t row = rr_row_of(index, i), first;
        int64_t day = parts->origin + (int64_t)(key_day & day_mask);
        int64_t end = m->end == NULL ? day : m->end[row] == RR_NULL_DAY ? INT64_MAX : m->end[row];

        if (end < day || (end > RR_DAY_MAX && end != INT64_MAX)) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, row,
                               "a spell must end on a day, and not before it starts");
        }
        if (key_day >> parts->day_bits != key || day > reach) {
            key = key_day >> parts->day_bits;
            latest = day;
            rr_bounds_at(&m->reach, latest, &first, &reach);
            m->n_spells++;
        }
        if (end > latest) {
            latest = end;
            if (end == INT64_MAX) {
                reach = INT64_MAX;
            } else {
                rr_bounds_at(&m->reach, latest, &first, &reach);
            }
        }
        m->spell[row] = m->n_spells - 1;
    }
    return RR_OK;
}

/* Numbers the spells by the first of their rows. */
static rr_status renumber(merger *m, int64_t n, rr_error *error)
{
    int64_t *number = rr_allocate(m->n_spells, sizeof *number);
    int64_t next = 0;

    if (number == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int64_t s = 0; s < m->n_spells; s++) {
        number[s] = -1;
    }
    for (int64_t row = 0; row < n; row++) {
        int64_t s = m->spell[row];

        if (s >= 0) {
            if (number[s] < 0) {
                number[s] = next++;
            }
            m->spell[row] = number[s];
        }
    }
    free(number);
    return RR_OK;
}

rr_status rr_merge_spells(const rr_parts *parts, const int64_t *end, rr_span gap, int64_t n_index,
                          int64_t *spell, int64_t *n_spells, const rr_call *call, rr_error *error)
{
    const rr_window window = {.direction = RR_FORWARD, .length = gap};
    merger m = {.end = end, .spell = spell};
    int64_t last_end = parts->last_day;
    rr_status status = rr_check_lengths(parts, n_index, parts->events->n_table, error);

    if (status != RR_OK) {
        return status;
    }
    for (int64_t row = 0; row < n_index; row++) {
        spell[row] = -1;
        if (end != NULL && end[row] > last_end && end[row] <= RR_DAY_MAX) {
            last_end = end[row];
        }
    }
    status = rr_bounds_make(&window, parts->first_day, last_end, parts->index.n, &m.reach, error);
    if (status != RR_OK) {
        goto out;
    }
    status = rr_parts_in_order(parts, call, error);
    for (int64_t p = 0; p < parts->n_parts && status == RR_OK; p++) {
        if (p % POLL_PARTS == 0 && rr_stopped(call, p, parts->n_parts)) {
            status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        } else {
            status = merge_part(parts, p, &m, error);
        }
    }
    rr_parts_done(parts);
    if (status == RR_OK) {
        status = renumber(&m, n_index, error);
    }
    *n_spells = m.n_spells;
out:
    rr_bounds_free(&m.reach);
    return status;
}

/* ---------------------------------------------------------------- what a spell is made of */

/* Is `row` to stand for the spell rather than `chosen`, an earlier row of the table? */
static int stands_before(const rr_spell_rows *rows, int64_t row, int64_t chosen)
{
    if (rows->rank != NULL && rows->rank[row] != rows->rank[chosen]) {
        return rows->rank[row] < rows->rank[chosen];
    }
    return rows->last ? rows->start[row] >= rows->start[chosen]
                      : rows->start[row] < rows->start[chosen];
}

static int ends_after(const int64_t *end, int64_t row, int64_t other)
{
    return end[other] != RR_NULL_DAY && (end[row] == RR_NULL_DAY || end[row] > end[other]);
}

rr_status rr_describe_spells(const rr_spell_rows *rows, const int64_t *spell, int64_t n,
                             int64_t n_spells, const rr_spells *spells, rr_error *error)
{
    const int64_t *end = rows->end != NULL ? rows->end : rows->start;

    for (int64_t s = 0; s < n_spells; s++) {
        spells->row[s] = spells->start_row[s] = spells->end_row[s] = -1;
        spells->parts[s] = 0;
    }
    for (int64_t row = 0; row < n; row++) {
        int64_t s = spell[row];

        if (s < -1 || s >= n_spells) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, row, "there is no spell of this number");
        }
        if (s < 0) {
            continue;
        }
        if (spells->parts[s]++ == 0) {
            spells->row[s] = spells->start_row[s] = spells->end_row[s] = row;
            continue;
        }
        if (rows->start[row] < rows->start[spells->start_row[s]]) {
            spells->start_row[s] = row;
        }
        if (ends_after(end, row, spells->end_row[s])) {
            spells->end_row[s] = row;
        }
        if (stands_before(rows, row, spells->row[s])) {
            spells->row[s] = row;
        }
    }
    return RR_OK;
}
