#include "pair_batch.h"

rr_status rr_pair_search_open(rr_pair_search *s, const rr_parts *parts, const rr_rule *rule,
                              const rr_call *call, rr_error *error)
{
    const int64_t chunks = parts->index.n_chunks;
    const int backwards = rule->window.direction == RR_BACKWARD;
    const rr_status status = rr_asking_open(&s->asking, parts, rule, backwards, error);

    if (status != RR_OK) {
        return status;
    }
    s->parts = parts;
    s->rule = rule;
    s->event_days = rr_read_days(&rule->event_day);
    s->row_bits = parts->events->row_bits;
    s->row_mask = (UINT64_C(1) << s->row_bits) - 1;
    s->turn = backwards ? s->asking.day_mask << s->row_bits : 0;
    s->index_row_bits = parts->index.row_bits;
    s->by_row = rule->anchor != NULL || rule->lower != NULL || rule->upper != NULL ||
                rule->use != NULL;
    s->selves = rule->same_table || rule->self_row != NULL;
    s->workers = rr_workers(call, parts->n_parts > chunks ? parts->n_parts : chunks);
    s->buckets = calloc((size_t)s->workers, sizeof *s->buckets);
    s->of_chunk = calloc((size_t)s->workers, sizeof *s->of_chunk);
    if (s->buckets == NULL || s->of_chunk == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int i = 0; i < s->workers; i++) {
        if (rr_buckets_open(parts, &s->buckets[i]) != RR_OK) {
            return rr_fail(error, RR_ERR_MEMORY, "out of memory");
        }
    }
    return RR_OK;
}

void rr_pair_search_close(rr_pair_search *s)
{
    for (int i = 0; i < s->workers; i++) {
        if (s->buckets != NULL) {
            rr_buckets_close(&s->buckets[i]);
        }
        if (s->of_chunk != NULL) {
            free(s->of_chunk[i]);
        }
    }
    free(s->buckets);
    free(s->of_chunk);
    rr_asking_close(&s->asking);
}

uint32_t *rr_numbers_of_chunk(const rr_pair_search *s, int worker)
{
    if (s->of_chunk[worker] == NULL) {
        s->of_chunk[worker] = rr_allocate(INT64_C(1) << s->parts->index.chunk_bits,
                                          sizeof **s->of_chunk);
    }
    return s->of_chunk[worker];
}

void rr_ask_by_row(const rr_pair_search *s, const uint64_t *words, int64_t n, int64_t *anchor,
                   rr_span_days *days)
{
    const int64_t in_row = (INT64_C(1) << s->index_row_bits) - 1;

    for (int64_t i = 0; i < n; i++) {
        const int64_t row = (int64_t)words[i] & in_row;
        const int64_t day = (int64_t)(words[i] >> s->index_row_bits & s->asking.day_mask);
        const int used = s->rule->use == NULL || s->rule->use[row];
        const rr_question q = used ? rr_question_of(&s->asking, row, day)
                                   : (rr_question){day, RR_NO_DAYS};

        anchor[i] = q.anchor;
        days[i] = q.days;
    }
}

/* Whether the words of row i from `from` to `to`, which are sorted, hold the event that the row is. With
 * its day, its word is known. */
static int holds_self(const rr_pair_search *s, const rr_buckets *all, const rr_batch *batch,
                      int64_t i, uint32_t from, uint32_t to)
{
    const int64_t self = rr_self_of(s->rule, rr_batch_row(s, batch, i));
    const uint64_t mask = s->asking.day_mask, key = batch->base[i] >> s->row_bits & ~mask;
    uint64_t place, day, word;

    if (self < 0) {
        return 0;
    }
    place = rr_day_place(&s->event_days, self);
    day = place + (uint64_t)(s->event_days.first - s->parts->origin);
    if (place > s->event_days.n_days || day > mask) {
        return 0;
    }
    word = ((key | day) << s->row_bits | (uint64_t)self) ^ s->turn;
    from = rr_first_of_many(all->words, from, to, word);
    return from < to && all->words[from] == word;
}

int64_t rr_find_range(const rr_pair_search *s, const rr_buckets *all, const rr_batch *batch,
                      int64_t i, uint32_t *from, uint32_t *to)
{
    const uint64_t base = batch->base[i];
    const uint32_t start = all->start[batch->bucket[i]], end = all->start[batch->bucket[i] + 1];

    *from = rr_first_of_many(all->words, start, end, base);
    *to = rr_first_of_many(all->words, *from, end, base + batch->limit[i]);
    return (int64_t)(*to - *from) - (s->selves && holds_self(s, all, batch, i, *from, *to));
}

void rr_sort_few(uint64_t *difference, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const uint64_t moving = difference[i];
        int64_t at = i;

        for (; at > 0 && difference[at - 1] > moving; at--) {
            difference[at] = difference[at - 1];
        }
        difference[at] = moving;
    }
}

void rr_remove_selves(const rr_pair_search *s, const rr_batch *batch, rr_pairs_found *found)
{
    int64_t n = 0;

    for (int64_t k = 0; k < found->n; k++) {
        const int64_t self = rr_self_of(s->rule, rr_batch_row(s, batch, found->owner[k]));

        found->difference[n] = found->difference[k];
        found->owner[n] = found->owner[k];
        n += rr_event_of(s, found->difference[k]) != self;
    }
    found->n = n;
}
