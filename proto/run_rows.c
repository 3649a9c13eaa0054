/* run_rows.c - rows of runs and cases, copied out of the store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/runs_impl.h"

#define BLOCK_BYTES ((size_t)256 << 10)
#define FIRST_ROWS  ((size_t)64)

struct rows_block {
    struct rows_block *next;
    size_t n;
    size_t cap;
    char bytes[];
};

struct rows *rows_new(const struct env *env)
{
    struct rows *rows = calloc(1, sizeof(*rows));

    if (rows != NULL)
        rows->env = env;
    return rows;
}

void rows_free(struct rows *rows)
{
    if (rows == NULL)
        return;
    while (rows->blocks != NULL) {
        struct rows_block *block = rows->blocks;

        rows->blocks = block->next;
        free(block);
    }
    free(rows->cases);
    free(rows->runs);
    rows->env->memory_give(rows->taken_bytes);
    free(rows);
}

size_t rows_n(const struct rows *rows)
{
    return rows->n_cases + rows->n_runs;
}

const struct run_facts *rows_run(const struct rows *rows, size_t i)
{
    return &rows->runs[i];
}

static bool take(struct rows *rows, size_t n_bytes)
{
    if (!rows->env->memory_take(n_bytes))
        return false;
    rows->taken_bytes += n_bytes;
    return true;
}

static bool add_block(struct rows *rows, size_t n_bytes)
{
    size_t cap = n_bytes > BLOCK_BYTES ? n_bytes : BLOCK_BYTES;
    struct rows_block *block;

    if (!take(rows, sizeof(*block) + cap))
        return false;
    block = malloc(sizeof(*block) + cap);
    if (block == NULL)
        return false;
    *block = (struct rows_block){.next = rows->blocks, .cap = cap};
    rows->blocks = block;
    return true;
}

/* NULL for NULL, and where memory is out; *ok tells. */
static const void *copy(struct rows *rows, const void *bytes, size_t n_bytes, bool *ok)
{
    struct rows_block *block = rows->blocks;
    char *at;

    if (bytes == NULL || !*ok)
        return NULL;
    if (block == NULL || block->cap - block->n < n_bytes) {
        *ok = add_block(rows, n_bytes);
        if (!*ok)
            return NULL;
        block = rows->blocks;
    }
    at = block->bytes + block->n;
    memcpy(at, bytes, n_bytes);
    block->n += n_bytes;
    return at;
}

static const char *copy_text(struct rows *rows, const char *text, bool *ok)
{
    return copy(rows, text, text != NULL ? strlen(text) + 1 : 0, ok);
}

static void *room(struct rows *rows, void *array, size_t n, size_t element_bytes)
{
    size_t cap = rows->cap > 0 ? 2 * rows->cap : FIRST_ROWS;
    void *wider;

    if (n < rows->cap)
        return array;
    if (!take(rows, (cap - rows->cap) * element_bytes))
        return NULL;
    wider = realloc(array, cap * element_bytes);
    if (wider != NULL)
        rows->cap = cap;
    return wider;
}

bool rows_add_case(struct rows *rows, const struct case_row *row)
{
    struct case_row *cases = room(rows, rows->cases, rows->n_cases, sizeof(*cases));
    struct case_row made = *row;
    bool ok = cases != NULL;

    if (!ok)
        return false;
    rows->cases = cases;
    made.name = copy_text(rows, row->name, &ok);
    made.group = copy_text(rows, row->group, &ok);
    made.meta = copy_text(rows, row->meta, &ok);
    made.counts = copy(rows, row->counts, row->n_counts, &ok);
    if (ok)
        rows->cases[rows->n_cases++] = made;
    return ok;
}

bool rows_add_run(struct rows *rows, const struct run_facts *run)
{
    struct run_facts *runs = room(rows, rows->runs, rows->n_runs, sizeof(*runs));
    struct run_facts made = *run;
    bool ok = runs != NULL;

    if (!ok)
        return false;
    rows->runs = runs;
    made.name = copy_text(rows, run->name, &ok);
    made.info = copy_text(rows, run->info, &ok);
    if (ok)
        rows->runs[rows->n_runs++] = made;
    return ok;
}
