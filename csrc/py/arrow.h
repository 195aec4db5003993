/* The Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html, and the stream
 * and capsule pages beside it): three structs, whose members and order are fixed by that page, and
 * what the two files that read and write them share. */
#ifndef RR_ARROW_H
#define RR_ARROW_H

#include "binding.h"

typedef struct rr_arrow_schema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct rr_arrow_schema **children;
    struct rr_arrow_schema *dictionary;
    void (*release)(struct rr_arrow_schema *);
    void *private_data;
} rr_arrow_schema;

typedef struct rr_arrow_array {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct rr_arrow_array **children;
    struct rr_arrow_array *dictionary;
    void (*release)(struct rr_arrow_array *);
    void *private_data;
} rr_arrow_array;

typedef struct rr_arrow_stream {
    int (*get_schema)(struct rr_arrow_stream *, rr_arrow_schema *);
    int (*get_next)(struct rr_arrow_stream *, rr_arrow_array *);
    const char *(*get_last_error)(struct rr_arrow_stream *);
    void (*release)(struct rr_arrow_stream *);
    void *private_data;
} rr_arrow_stream;

/* How the buffers of a format lie. Buffer 0 is the validity, except for RR_ARROW_NONE. */
typedef enum rr_arrow_kind {
    RR_ARROW_UNKNOWN,   /* a format that is not read: no buffer of it is touched */
    RR_ARROW_NONE,      /* null: no buffers */
    RR_ARROW_VALIDITY,  /* struct: nothing but the validity */
    RR_ARROW_BITS,      /* bool */
    RR_ARROW_FIXED,     /* `width` bytes a value */
    RR_ARROW_OFFSETS_4, /* int32 offsets, then data */
    RR_ARROW_OFFSETS_8, /* int64 offsets, then data */
    RR_ARROW_VIEWS      /* views of 16 bytes, any number of data buffers, their int64 lengths */
} rr_arrow_kind;

typedef struct rr_arrow_layout {
    rr_arrow_kind kind;
    int64_t width;
} rr_arrow_layout;

rr_arrow_layout rr_arrow_layout_of(const char *format);

/* Bytes of buffer `i` of an array whose length and offset add up to `total`, so far as the layout
 * says: the data of offsets and views is for the caller to look up. -1 on overflow. */
int64_t rr_arrow_buffer_size(rr_arrow_layout layout, int64_t i, int64_t total);

#endif
