/* Rows to clusters to standard errors. The rows are put in order by group, then cluster. Some groups at
 * a time, as many as have BATCH_CELLS cells: the parts with their rows are taken by the threads, each
 * of which has sums of its own for the cells of these groups, and the sums, which are whole numbers,
 * are added up. So memory goes with the batch, not with all cells, and the sums stay in the cache.
 *
 * Most clusters have one row in a group. What such a row adds depends on its cell and its cause alone:
 * these rows are counted, and each kind is added once, so many times (4 million rows, 3,060 groups,
 * persons who are there 1.3 times: 4 times as fast). */
#include "curve_clusters.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_CELLS = 1 << 16 };

/* ---------------------------------------------------------------- rows as words */

static rr_status fail_row_of(rr_error *error, int64_t row)
{
    return rr_fail_row(error, RR_ERR_ARGUMENT, row, "a row is not in the tally");
}

static rr_status pack_rows(const void *job, int64_t start, int64_t end, uint64_t *words, int64_t *n,
                           rr_error *error)
{
    const rr_clustering *of = job;
    const rr_leavers *rows = of->rows;
    int64_t counted = 0;

    for (int64_t i = start; i < end; i++) {
        int64_t g = rr_group_of(&rows->grouped, i);
        uint64_t word;

        if (g == RR_NOT_COUNTED) {
            continue;
        }
        if (g >= rows->grouped.n_groups || (uint8_t)rows->cause[i] > of->in.n_causes ||
            (uint32_t)rows->duration[i] > (uint32_t)of->longest) {
            return fail_row_of(error, i);
        }
        word = (uint64_t)g << of->cluster_bits | rows->cluster[i];
        word = word << of->in.day_bits | (uint64_t)rows->duration[i];
        words[counted++] = word << of->in.cause_bits | (uint64_t)rows->cause[i];
    }
    *n = counted;
    return RR_OK;
}

/* The cell of a day within its group, or -1. */
static int64_t find_cell(const rr_influences *in, int64_t group, int64_t day)
{
    int64_t low = in->first[group], end = in->first[group + 1], high = end;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (in->cells->day[middle] < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < end && in->cells->day[low] == day ? low - in->first[group] : -1;
}

/* The first row that has no cell. There must be one. */
static rr_status fail_missing(const rr_clustering *of, rr_error *error)
{
    const rr_leavers *rows = of->rows;
    int64_t i = 0, g = rr_group_of(&rows->grouped, 0);

    while (g == RR_NOT_COUNTED || find_cell(&of->in, g, rows->duration[i]) >= 0) {
        g = rr_group_of(&rows->grouped, ++i);
    }
    return fail_row_of(error, i);
}

/* In n words of a group, the day becomes the cell. Many days are looked up in a table; an entry of it
 * that belongs to another group is found out by the day of its cell. */
static int look_up_days(const rr_clustering *of, int64_t group, uint64_t *words, int64_t n,
                        uint32_t *cell_of)
{
    const rr_influences *in = &of->in;
    const int32_t *day_of = in->cells->day + in->first[group];
    int64_t n_cells = in->first[group + 1] - in->first[group];
    uint64_t mask = ((UINT64_C(1) << in->day_bits) - 1) << in->cause_bits;
    int missing = 0, by_table = cell_of != NULL && n_cells <= n;

    for (int64_t c = 0; c < n_cells && by_table; c++) {
        cell_of[day_of[c]] = (uint32_t)c;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t day = rr_word_day(in, words[i]), cell;

        if (by_table) {
            cell = cell_of[day];
            missing |= cell >= n_cells || day_of[cell < n_cells ? cell : 0] != day;
        } else {
            cell = find_cell(in, group, day);
            missing |= cell < 0;
        }
        words[i] = (words[i] & ~mask) | ((uint64_t)cell << in->cause_bits & mask);
    }
    return !missing;
}

static rr_status sort_part(void *job, int64_t part, int worker, rr_error *error)
{
    const rr_clustering *of = job;
    uint64_t *words;

    (void)error;
    rr_sort_part(&of->dealt, part, of->tables[worker].scratch, &words);
    return RR_OK;
}

/* ---------------------------------------------------------------- a batch of groups */

static rr_status prepare_group(void *job, int64_t task, int worker, rr_error *error)
{
    const rr_clustering *of = job;

    (void)worker;
    (void)error;
    rr_influences_of_group(&of->in, of->in.group + task);
    return RR_OK;
}

/* The first word from `from` on that belongs to this group or a later one. */
static int64_t find_group(const rr_clustering *of, const uint64_t *words, int64_t n, int64_t group)
{
    int shift = of->cluster_bits + of->in.day_bits + of->in.cause_bits;
    int64_t low = 0, high = n;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if ((int64_t)(words[middle] >> shift) < group) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Adds the clusters among n words of a group. */
static void add_clusters(const rr_clustering *of, int64_t group, uint64_t *words, int64_t n,
                         const rr_cluster_tables *to)
{
    const rr_influences *in = &of->in;
    int low = in->day_bits + in->cause_bits, ways = in->n_causes + 1;
    int64_t *singles = to->singles + rr_group_cell(in, group) * ways, clusters = 0;

    for (int64_t i = 0, end; i < n; i = end) {
        uint64_t key = words[i] >> low;

        for (end = i + 1; end < n && words[end] >> low == key; end++) {
        }
        clusters++;
        if (end == i + 1) {
            singles[rr_word_day(in, words[i]) * ways + rr_word_cause(in, words[i])]++;
        } else {
            rr_sort_words(words + i, NULL, to->scratch, NULL, end - i, 0, low);
            rr_add_cluster(in, group, words + i, NULL, end - i, 1, to->sums);
        }
    }
    to->clusters[group - in->group] += clusters;
}

static rr_status add_part(void *job, int64_t task, int worker, rr_error *error)
{
    const rr_clustering *of = job;
    const rr_cluster_tables *to = of->tables + worker;
    int64_t part = of->first_part + task, start = of->dealt.start[part];
    uint64_t *words = of->dealt.words + start;
    int64_t n = of->dealt.start[part + 1] - start;
    int64_t i = find_group(of, words, n, of->in.group), last = find_group(of, words, n, of->in.end);
    int shift = of->cluster_bits + of->in.day_bits + of->in.cause_bits;

    while (i < last) {
        int64_t group = (int64_t)(words[i] >> shift);
        int64_t end = i + find_group(of, words + i, last - i, group + 1);

        if (!look_up_days(of, group, words + i, end - i, to->cell)) {
            return fail_missing(of, error);
        }
        add_clusters(of, group, words + i, end - i, to);
        i = end;
    }
    return RR_OK;
}

/* The tables of all threads come to those of the first. */
static rr_status finish_group(void *job, int64_t task, int worker, rr_error *error)
{
    const rr_clustering *of = job;
    const rr_influences *in = &of->in;
    const rr_cluster_tables *all = of->tables;
    int64_t group = in->group + task, n_sums = rr_influence_sums(in), ways = in->n_causes + 1;
    int64_t first = rr_group_cell(in, group), end = rr_group_cell(in, group + 1);

    (void)worker;
    (void)error;
    for (int w = 1; w < of->workers; w++) {
        for (int64_t s = first * n_sums; s < end * n_sums; s++) {
            all[0].sums[s].high += all[w].sums[s].high;
            all[0].sums[s].low += all[w].sums[s].low;
        }
        for (int64_t s = first * ways; s < end * ways; s++) {
            all[0].singles[s] += all[w].singles[s];
        }
        all[0].clusters[task] += all[w].clusters[task];
    }
    for (int64_t s = first * ways; s < end * ways; s++) {
        uint64_t word = (uint64_t)(s / ways - first) << in->cause_bits | (uint64_t)(s % ways);

        if (all[0].singles[s] > 0) {
            rr_add_single(in, group, word, (uint64_t)all[0].singles[s], all[0].sums);
        }
    }
    of->clusters[group] = all[0].clusters[task];
    rr_put_std_errors(in, group, of->clusters[group], all[0].sums,
                      of->std_error + in->first[in->group] * in->n_targets);
    return RR_OK;
}

/* The groups from `group` on that make the next batch: one, or as many as have few cells together. */
static int64_t end_of_batch(const rr_clustering *of, int64_t group)
{
    int64_t n_groups = of->rows->grouped.n_groups, end = group + 1;

    while (end < n_groups && of->in.first[end + 1] - of->in.first[group] <= of->cells_at_once) {
        end++;
    }
    return end;
}

/* Adds the rows of a batch of groups. */
static rr_status add_rows(rr_clustering *of, const rr_call *call, rr_error *error)
{
    int below = of->cluster_bits + of->in.day_bits + of->in.cause_bits;
    int64_t last_part = of->dealt.n_parts - 1;

    of->first_part = 0;
    if (of->dealt.n_parts > 1) {
        of->first_part = (int64_t)((uint64_t)of->in.group << below >> of->dealt.shift);
        last_part = (int64_t)((((uint64_t)of->in.end << below) - 1) >> of->dealt.shift);
    }
    return rr_run(add_part, of, last_part - of->first_part + 1, call, error);
}

static rr_status add_batch(rr_clustering *of, const rr_call *call, rr_error *error)
{
    int64_t n_groups = of->in.end - of->in.group;
    int64_t n_cells = rr_group_cell(&of->in, of->in.end);
    rr_status status = rr_run(prepare_group, of, n_groups, call, error);

    if (status != RR_OK) {
        return status;
    }
    for (int w = 0; w < of->workers; w++) {
        const rr_cluster_tables *to = of->tables + w;

        memset(to->sums, 0, (size_t)(n_cells * rr_influence_sums(&of->in)) * sizeof *to->sums);
        memset(to->singles, 0, (size_t)(n_cells * (of->in.n_causes + 1)) * sizeof *to->singles);
        memset(to->clusters, 0, (size_t)n_groups * sizeof *to->clusters);
    }
    status = of->add(of, call, error);
    return status == RR_OK ? rr_run(finish_group, of, n_groups, call, error) : status;
}

/* ---------------------------------------------------------------- */

/* Cells that do not come from a tally of these rows would be read out of range. */
static rr_status find_groups(rr_clustering *of, int64_t *first, rr_error *error)
{
    const rr_cells *cells = of->in.cells;
    int64_t at = 0, n_groups = of->rows->grouped.n_groups;

    for (int64_t g = 0; g <= n_groups; g++) {
        first[g] = at;
        if (g < n_groups && (at == of->n_cells || cells->group[at] != g)) {
            return rr_fail(error, RR_ERR_ARGUMENT, "a group has no cell");
        }
        for (; at < of->n_cells && cells->group[at] == g; at++) {
            if (cells->day[at] <= (at > first[g] ? cells->day[at - 1] : -1)) {
                return rr_fail_row(error, RR_ERR_ARGUMENT, at, "the days of a group must rise");
            }
            of->longest = cells->day[at] > of->longest ? cells->day[at] : of->longest;
        }
    }
    if (at < of->n_cells) {
        return rr_fail_row(error, RR_ERR_ARGUMENT, at, "the groups of the cells must rise");
    }
    for (int64_t g = 0, end; g < n_groups; g = end) {
        int64_t n;

        end = end_of_batch(of, g);
        n = first[end] - first[g];
        of->batch_cells = n > of->batch_cells ? n : of->batch_cells;
        of->batch_groups = end - g > of->batch_groups ? end - g : of->batch_groups;
    }
    return RR_OK;
}

static rr_status deal_rows(rr_clustering *of, const rr_call *call, rr_error *error)
{
    rr_packing packing = {pack_rows, of, of->rows->grouped.n, 0, 0};
    rr_status status = rr_cluster_bits(&of->rows->grouped, of->rows->cluster, &of->cluster_bits,
                                       call, error);

    if (status != RR_OK) {
        return status;
    }
    packing.low = of->in.cause_bits + of->in.day_bits;
    packing.bits = packing.low + of->cluster_bits + rr_group_bits(&of->rows->grouped);
    if (packing.bits > 64) {
        return rr_fail(error, RR_ERR_TOO_LARGE,
                       "more groups, clusters, days and causes than can be counted");
    }
    return rr_pack(&packing, &of->dealt, call, error);
}

rr_status rr_make_tables(rr_clustering *of, int workers, rr_error *error)
{
    rr_influences *in = &of->in;
    int64_t n = of->batch_cells, n_sums = rr_influence_sums(in);
    int failed, has_table = of->longest <= of->rows->grouped.n;

    if (n > INT64_MAX / n_sums) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more days and causes than can be counted");
    }
    of->workers = workers;
    in->scale = rr_allocate(of->batch_groups, sizeof *in->scale);
    in->jump = rr_allocate(n, sizeof *in->jump);
    in->slope = rr_allocate(n, 2 * sizeof *in->slope);
    in->stay = rr_allocate(n * in->n_targets, sizeof *in->stay);
    in->later = rr_allocate(n * in->n_targets, sizeof *in->later);
    of->tables = calloc((size_t)of->workers, sizeof *of->tables);
    failed = in->scale == NULL || in->jump == NULL || in->slope == NULL || in->stay == NULL ||
             in->later == NULL || of->tables == NULL;
    for (int w = 0; !failed && w < of->workers; w++) {
        rr_cluster_tables *to = of->tables + w;

        to->sums = rr_allocate(n * n_sums, sizeof *to->sums);
        to->singles = rr_allocate(n, (size_t)(in->n_causes + 1) * sizeof *to->singles);
        to->clusters = rr_allocate(of->batch_groups, sizeof *to->clusters);
        if (has_table) {
            to->cell = calloc((size_t)of->longest + 1, sizeof *to->cell);
        }
        to->scratch = rr_allocate(of->dealt.largest, sizeof *to->scratch);
        failed = to->sums == NULL || to->singles == NULL || to->clusters == NULL ||
                 (has_table && to->cell == NULL) || to->scratch == NULL;
    }
    return failed ? rr_fail(error, RR_ERR_MEMORY, "out of memory") : RR_OK;
}

static void free_tables(rr_clustering *of)
{
    for (int w = 0; of->tables != NULL && w < of->workers; w++) {
        free(of->tables[w].sums);
        free(of->tables[w].singles);
        free(of->tables[w].clusters);
        free(of->tables[w].cell);
        free(of->tables[w].scratch);
    }
    free(of->tables);
    free(of->in.scale);
    free(of->in.jump);
    free(of->in.slope);
    free(of->in.stay);
    free(of->in.later);
}

rr_status rr_add_batches(rr_clustering *of, const rr_call *call, rr_error *error)
{
    rr_status status = RR_OK;

    for (int64_t g = 0; status == RR_OK && g < of->rows->grouped.n_groups; g = of->in.end) {
        of->in.group = g;
        of->in.end = end_of_batch(of, g);
        status = add_batch(of, call, error);
    }
    return status;
}

rr_status rr_clustering_open(rr_clustering *of, int n_causes, int repeats, const rr_cells *cells,
                             rr_error *error)
{
    rr_status status = rr_check_grouped(&of->rows->grouped, error);

    if (status != RR_OK) {
        return status;
    }
    if (rr_curve_room(of->n_cells, n_causes) < 0 || (repeats && n_causes != 2)) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the number of causes is out of range");
    }
    of->in = (rr_influences){.cells = cells, .n_causes = n_causes, .repeats = repeats};
    of->in.n_targets = repeats ? 1 : n_causes;
    of->in.cause_bits = rr_bits((uint64_t)n_causes);
    of->first = rr_allocate(of->rows->grouped.n_groups + 1, sizeof *of->first);
    if (of->first == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    of->in.first = of->first;
    status = find_groups(of, of->first, error);
    of->in.day_bits = rr_bits((uint64_t)of->longest);
    return status;
}

void rr_clustering_close(rr_clustering *of)
{
    free_tables(of);
    free(of->first);
    rr_packed_free(&of->dealt);
}

rr_status rr_curve_clusters(const rr_leavers *rows, int n_causes, int repeats,
                            const rr_cells *cells, int64_t n_cells, int64_t *clusters,
                            double *std_error, const rr_call *call, rr_error *error)
{
    rr_clustering of = {.rows = rows,
                        .n_cells = n_cells,
                        .cells_at_once = BATCH_CELLS,
                        .add = add_rows,
                        .clusters = clusters,
                        .std_error = std_error};
    rr_status status = rr_clustering_open(&of, n_causes, repeats, cells, error);
    rr_call limited;

    if (status != RR_OK) {
        goto out;
    }
    status = deal_rows(&of, call, error);
    if (status != RR_OK) {
        goto out;
    }
    limited = rr_sorters(&of.dealt, call);
    status = rr_make_tables(&of, rr_workers(&limited, INT64_MAX), error);
    if (status == RR_OK) {
        status = rr_run(sort_part, &of, of.dealt.n_parts, &limited, error);
    }
    if (status == RR_OK) {
        status = rr_add_batches(&of, &limited, error);
    }
out:
    rr_clustering_close(&of);
    return status;
}
