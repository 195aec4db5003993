#include "counted_words.h"

#include <stdlib.h>
#include <string.h>

rr_status rr_counted_open(rr_counted *list, int64_t room)
{
    *list = (rr_counted){.room = room};
    list->words = rr_allocate(room, sizeof *list->words);
    list->times = rr_allocate(room, sizeof *list->times);
    return list->words != NULL && list->times != NULL ? RR_OK : RR_ERR_MEMORY;
}

void rr_counted_close(rr_counted *list)
{
    free(list->words);
    free(list->times);
    *list = (rr_counted){0};
}

void rr_count_together(rr_counted *list, const rr_counted *scratch, int bits)
{
    int64_t n = 0;

    if (list->n < 2) {
        return;
    }
    rr_sort_words(list->words, list->times, scratch->words, scratch->times, list->n, 0, bits);
    for (int64_t i = 0; i < list->n; i++) {
        if (n > 0 && list->words[n - 1] == list->words[i]) {
            list->times[n - 1] += list->times[i];
        } else {
            list->words[n] = list->words[i];
            list->times[n++] = list->times[i];
        }
    }
    list->n = n;
}

rr_status rr_counted_settle(rr_counted *list, int bits)
{
    rr_counted scratch;
    rr_status status = rr_counted_open(&scratch, list->n);

    if (status == RR_OK) {
        rr_count_together(list, &scratch, bits);
    }
    rr_counted_close(&scratch);
    return status;
}

static void copy_behind(rr_counted *list, const rr_counted *more)
{
    memcpy(list->words + list->n, more->words, (size_t)more->n * sizeof *list->words);
    memcpy(list->times + list->n, more->times, (size_t)more->n * sizeof *list->times);
    list->n += more->n;
}

rr_status rr_counted_make_room(rr_counted *list, int64_t n, int bits)
{
    rr_counted larger;

    if (list->n + n <= list->room) {
        return RR_OK;
    }
    if (rr_counted_settle(list, bits) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    if (2 * (list->n + n) <= list->room) {
        return RR_OK;
    }
    if (rr_counted_open(&larger, 2 * (list->n + n)) != RR_OK) {
        rr_counted_close(&larger);
        return RR_ERR_MEMORY;
    }
    if (list->n > 0) {
        copy_behind(&larger, list);
    }
    rr_counted_close(list);
    *list = larger;
    return RR_OK;
}

rr_status rr_counted_append(rr_counted *list, const rr_counted *more, int bits)
{
    if (more->n == 0) {
        return RR_OK;
    }
    if (rr_counted_make_room(list, more->n, bits) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    copy_behind(list, more);
    return RR_OK;
}
