#include "parts.h"
#include "threads.h"

#include <string.h>

static uint64_t key_of(uint64_t key_day, int day_bits)
{
    return key_day >> day_bits;
}

/* Index and event rows of a part come in the same order, so one merge serves: spells are taken in as
 * the days go on, and all that must be remembered of them is the latest end. */
typedef struct spells {
    const rr_parts *parts;
    const int64_t *end;
    uint8_t *open;
} spells;

static rr_status sweep_part(void *job, int64_t part, int worker, rr_error *error)
{
    const spells *s = job;
    const rr_parts *parts = s->parts;
    int64_t event = parts->events->start[part], last_event = parts->events->start[part + 1];
    int64_t latest = RR_NULL_DAY; /* below every day */
    uint64_t key = UINT64_MAX;

    for (int64_t i = parts->index.start[part]; i < parts->index.start[part + 1]; i++) {
        uint64_t key_day = rr_key_day(&parts->index, i), now = key_of(key_day, parts->day_bits);
        int64_t day = (int64_t)(key_day & ((UINT64_C(1) << parts->day_bits) - 1)) + parts->origin;

        if (now != key) {
            key = now;
            latest = RR_NULL_DAY;
            while (event < last_event &&
                   key_of(rr_key_day(parts->events, event), parts->day_bits) < key) {
                event++;
            }
        }
        for (; event < last_event && rr_key_day(parts->events, event) <= key_day; event++) {
            int64_t end = s->end[rr_row_of(parts->events, event)];

            end = end == RR_NULL_DAY ? INT64_MAX : end;
            latest = end > latest ? end : latest;
        }
        s->open[rr_row_of(&parts->index, i)] = latest > day;
    }
    (void)worker;
    (void)error;
    return RR_OK;
}

rr_status rr_shared_days(const rr_parts *parts, int64_t n_events, uint8_t *shared,
                         const rr_call *call, rr_error *error)
{
    rr_status status = rr_check_lengths(parts, parts->index.n_table, n_events, error);

    if (status != RR_OK) {
        return status;
    }
    status = rr_parts_in_order(parts, call, error);
    memset(shared, 0, (size_t)n_events);
    for (int64_t p = 0; p < parts->n_parts && status == RR_OK; p++) {
        for (int64_t i = parts->events->start[p] + 1; i < parts->events->start[p + 1]; i++) {
            if (rr_key_day(parts->events, i) == rr_key_day(parts->events, i - 1)) {
                shared[rr_row_of(parts->events, i)] = 1;
                shared[rr_row_of(parts->events, i - 1)] = 1;
            }
        }
    }
    rr_parts_done(parts);
    return status;
}

rr_status rr_open_spells(const rr_parts *parts, const int64_t *spell_end, int64_t n_index,
                         int64_t n_events, uint8_t *open, const rr_call *call, rr_error *error)
{
    spells job = {parts, spell_end, open};
    rr_status status = rr_check_lengths(parts, n_index, n_events, error);

    if (status != RR_OK) {
        return status;
    }
    memset(open, 0, (size_t)n_index);
    status = rr_parts_in_order(parts, call, error);
    if (status == RR_OK) {
        status = rr_run(sweep_part, &job, parts->n_parts, call, error);
    }
    rr_parts_done(parts);
    return status;
}
