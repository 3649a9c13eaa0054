/* tiff_rows.h - the rows of one page of a TIFF file, from strips or tiles. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_TIFF_ROWS_H
#define PROTO_FORMAT_TIFF_ROWS_H

#include "proto/env.h"
#include "proto/format/tiff_page.h"

/* Memory up to this size needs no leave from the budget: a tile of the counting is as large. */
#define TIFF_FREE_BYTES 65536

struct tiff_rows {
    const struct tiff_file *file;
    const struct tiff_page *page;
    const struct env *env;
    uint64_t n_taken; /* from the budget */
    uint8_t *row;     /* samples as they are packed, in this machine's byte order */
    uint32_t n_rows;  /* read, the one in `row` the last of them */
    uint8_t *band;    /* tiles side by side; NULL where the page is in strips */
    uint64_t n_across;
    size_t tile_bytes;
    size_t tile_row_bytes;
};

/*
 * Begin with the page that is the file's current directory. Borrows everything. On failure nothing
 * is held.
 *
 * Problems: tiles that do not fit limits.decoded_bytes, no memory.
 */
bool tiff_rows_init(struct tiff_rows *rows, const struct tiff_file *file,
                    const struct tiff_page *page, const struct env *env, struct problem *reterr);
void tiff_rows_done(struct tiff_rows *rows);

/* Read the next row into rows->row; no more of them than the page is high. */
bool tiff_rows_next(struct tiff_rows *rows, struct problem *reterr);

#endif
