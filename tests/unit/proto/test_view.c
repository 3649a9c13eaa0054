/* test_view.c - elements in shared memory: picked as their strides say, or not at all. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/view.h"

#define N_BYTES 200000

/* A segment in memory of ours, which counts what is read, and ends where `there` says. */
static uint8_t memory[N_BYTES];
static uint64_t there;
static size_t n_reads;

static bool read_memory(const struct segment *segment, uint64_t offset, void *bytes, size_t n)
{
    n_reads++;
    assert_true(offset + n <= segment->n_bytes);
    if (offset + n > there)
        return false;
    memcpy(bytes, memory + offset, n);
    return true;
}

static struct segment unmapped = {.n_bytes = N_BYTES, .read = read_memory};
static struct segment mapped = {.n_bytes = N_BYTES, .mapped = memory, .read = read_memory};

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_BYTES; i++)
        memory[i] = (uint8_t)(i * 31 + i / 257);
    there = N_BYTES;
    n_reads = 0;
    return 0;
}

struct layout {
    enum ov_dtype dtype;
    int ndim;
    uint64_t shape[3];
    uint64_t offset;
    int n_strides;
    int64_t strides[3];
};

static bool make(struct view *view, struct segment *segment, const struct layout *layout,
                 struct mask_header *header, struct problem *problem)
{
    struct source source = {.pointer = "#/prediction",
                            .segment = segment,
                            .offset = layout->offset,
                            .n_strides = layout->n_strides};

    *header = (struct mask_header){.ndim = layout->ndim, .encoding = {.dtype = layout->dtype}};
    header->n_voxels = 1;
    for (int i = 0; i < layout->ndim; i++) {
        header->shape[i] = layout->shape[i];
        header->n_voxels *= layout->shape[i];
        source.strides_bytes[i] = layout->strides[i];
    }
    return view_init(view, &source, header, problem);
}

/* The byte of element `index`, counted in the header's order. */
static uint64_t place_of(const struct layout *layout, enum ov_order order, uint64_t index)
{
    uint64_t at = layout->offset;

    for (int i = 0; i < layout->ndim; i++) {
        int axis = order == OV_ORDER_F ? i : layout->ndim - 1 - i;

        at += (uint64_t)((int64_t)(index % layout->shape[axis]) * layout->strides[axis]);
        index /= layout->shape[axis];
    }
    return at;
}

static void expect_elements(const struct layout *layout, struct segment *segment, size_t tile)
{
    size_t width = ov_dtype_bytes(layout->dtype);
    struct problem problem = {0};
    struct mask_header header;
    struct view_window window = {.bytes = NULL};
    struct view view;
    uint8_t *room = malloc(tile * width);

    assert_non_null(room);
    assert_true(make(&view, segment, layout, &header, &problem));
    for (uint64_t first = 0; first < header.n_voxels; first += tile) {
        size_t n = header.n_voxels - first < tile ? (size_t)(header.n_voxels - first) : tile;
        const uint8_t *got = view_tile(&view, &window, first, n, room, &problem);

        assert_non_null(got);
        for (size_t i = 0; i < n; i++)
            assert_memory_equal(got + i * width, memory + place_of(layout, header.order, first + i),
                                width);
    }
    view_window_done(&window);
    free(room);
}

static const struct layout layouts[] = {
    {OV_U8, 3, {7, 11, 13}, 5, 3, {143, 13, 1}},         /* dense */
    {OV_U8, 3, {7, 11, 13}, 0, 3, {1, 7, 77}},           /* Fortran's order */
    {OV_I16, 2, {50, 300}, 100, 2, {1000, 2}},           /* rows of an image, cropped */
    {OV_I32, 3, {20, 20, 20}, 0, 3, {4800, 240, 12}},    /* a channel of three */
    {OV_U8, 2, {40, 60}, 199, 2, {200, -1}},             /* backwards along a row */
    {OV_U8, 2, {40, 60}, 8000, 2, {-200, 1}},            /* and from row to row */
    {OV_F64, 2, {3, 5}, 8, 2, {0, 8}},                   /* one row, again and again */
    {OV_U16, 1, {3}, 10, 1, {66000}},                    /* further apart than a window */
    {OV_U8, 1, {1}, N_BYTES - 1, 1, {INT64_MIN}},        /* nobody steps */
    {OV_U8, 3, {1, 90000, 1}, 1, 3, {77, 2, INT64_MAX}}, /* one long row with gaps */
    {OV_U8, 3, {2, 3, 30000}, 0, 3, {90000, 30000, 1}},  /* rows longer than a tile */
    {OV_I64, 3, {4, 50, 100}, 16, 3, {40000, 8, 400}},   /* neither order */
};

static void elements_are_where_the_strides_say(void **state)
{
    static const size_t tiles[] = {1, 7, 8192, 1 << 20};

    (void)state;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        for (size_t k = 0; k < 4; k++) {
            if (tiles[k] == 1 && layouts[i].shape[layouts[i].ndim - 1] > 1000)
                continue;
            expect_elements(&layouts[i], &unmapped, tiles[k]);
            expect_elements(&layouts[i], &mapped, tiles[k]);
        }
    }
}

static void what_is_mapped_and_dense_is_not_copied(void **state)
{
    const struct layout layout = {OV_U8, 2, {30, 40}, 9, 0, {0}};
    struct problem problem = {0};
    struct view_window window = {.bytes = NULL};
    struct mask_header header;
    struct view view;

    (void)state;
    assert_true(make(&view, &mapped, &layout, &header, &problem));
    assert_true(view_is_in_place(&view));
    assert_ptr_equal(view_tile(&view, &window, 7, 20, NULL, &problem), memory + 16);
    assert_int_equal(n_reads, 0);
    assert_true(make(&view, &unmapped, &layout, &header, &problem));
    assert_false(view_is_in_place(&view));
}

static void rows_that_lie_closely_are_read_together(void **state)
{
    const struct layout layout = {OV_U8, 2, {400, 100}, 0, 2, {300, 1}};
    struct problem problem = {0};
    struct view_window window = {.bytes = NULL};
    struct mask_header header;
    struct view view;
    uint8_t room[40000];

    (void)state;
    assert_true(make(&view, &unmapped, &layout, &header, &problem));
    assert_non_null(view_tile(&view, &window, 0, 40000, room, &problem));
    assert_in_range(n_reads, 1, 3);
    view_window_done(&window);
}

static void a_segment_that_became_shorter_is_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        struct problem problem = {0};
        struct view_window window = {.bytes = NULL};
        struct mask_header header;
        struct view view;
        uint8_t *room = malloc(1 << 20);

        assert_non_null(room);
        assert_true(make(&view, &unmapped, &layouts[i], &header, &problem));
        there = view.end - 1;
        assert_null(view_tile(&view, &window, 0, (size_t)header.n_voxels, room, &problem));
        assert_int_equal(problem.code, PROBLEM_SHM_TRUNCATED);
        assert_string_equal(problem.pointer, "#/prediction");
        there = N_BYTES;
        view_window_done(&window);
        free(room);
    }
}

static void expect_refused(const struct layout *layout, enum problem_code code)
{
    struct problem problem = {0};
    struct mask_header header;
    struct view view;

    assert_false(make(&view, &unmapped, layout, &header, &problem));
    assert_int_equal(problem.code, code);
}

static void what_leads_outside_is_refused_wherever_it_wraps(void **state)
{
    static const struct layout outside[] = {
        {OV_U8, 1, {N_BYTES + 1}, 0, 0, {0}},
        {OV_U8, 1, {1}, N_BYTES, 0, {0}},
        {OV_U8, 1, {1}, UINT64_MAX, 0, {0}},
        {OV_U16, 1, {1}, N_BYTES - 1, 0, {0}},
        {OV_U8, 1, {2}, 0, 1, {-1}},
        {OV_U8, 1, {2}, 0, 1, {INT64_MIN}},
        {OV_U8, 1, {2}, 0, 1, {INT64_MAX}},
        {OV_U8, 1, {3}, 1, 1, {INT64_MAX}},
        {OV_U8, 2, {3, 3}, 0, 2, {INT64_MAX, INT64_MAX}},
        {OV_U8, 2, {1 << 20, 1 << 20}, 0, 2, {(int64_t)1 << 44, 1}},
        {OV_U8, 2, {2, 2}, 5, 2, {N_BYTES, -6}},
        {OV_U8, 2, {2, 2}, 1, 2, {INT64_MIN, INT64_MIN}},
    };
    static const struct layout odd = {OV_I32, 1, {4}, 0, 1, {6}};
    static const struct layout few = {OV_U8, 2, {4, 4}, 0, 1, {4}};

    (void)state;
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        expect_refused(&outside[i], PROBLEM_SHM_TOO_SMALL);
    expect_refused(&odd, PROBLEM_BAD_PARAMETER);
    expect_refused(&few, PROBLEM_BAD_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(elements_are_where_the_strides_say, fill),
        cmocka_unit_test_setup(what_is_mapped_and_dense_is_not_copied, fill),
        cmocka_unit_test_setup(rows_that_lie_closely_are_read_together, fill),
        cmocka_unit_test_setup(a_segment_that_became_shorter_is_truncated, fill),
        cmocka_unit_test_setup(what_leads_outside_is_refused_wherever_it_wraps, fill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
