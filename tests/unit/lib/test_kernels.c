/* test_kernels.c - every instruction set against a loop of one line, between guard pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include "lib/kernels/kernels.h"
#include "tests/unit/lib/naive.h"

enum { PAGES = 10, WIDEST = 8 };

/* Pages with an unreadable one on either side: one byte too far is a crash. */
static unsigned char *guarded;
static size_t n_guarded;
static uint16_t *guarded_ends; /* its end is the end of the readable pages */
static size_t n_guarded_ends;

static unsigned char *map_guarded(size_t *ret_n_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages =
        mmap(NULL, (PAGES + 2) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(pages + (PAGES + 1) * page, page, PROT_NONE), 0);
    *ret_n_bytes = PAGES * page;
    return pages + page;
}

static int map_pages(void **state)
{
    size_t n_bytes;
    (void)state;
    guarded = map_guarded(&n_guarded);
    guarded_ends = (uint16_t *)(void *)map_guarded(&n_bytes);
    n_guarded_ends = n_bytes / sizeof *guarded_ends;
    return 0;
}

static size_t naive_ends(const unsigned char *bytes, size_t n, size_t width, uint16_t *ret_ends)
{
    size_t n_ends = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || memcmp(bytes + i * width, bytes + (i + 1) * width, width) != 0)
            ret_ends[n_ends++] = (uint16_t)i;
    }
    return n_ends;
}

static ov__ends *ends_of(const struct ov__kernels *kernels, size_t width)
{
    ov__ends *all[] = {kernels->ends8, kernels->ends16, kernels->ends32, kernels->ends64};
    return all[__builtin_ctzll(width)];
}

/* All instruction sets on n elements; the room for the ends is no larger than promised. */
static void check(const unsigned char *bytes, size_t n, size_t width)
{
    static uint16_t expected[OV__CHUNK];
    size_t n_expected = naive_ends(bytes, n, width, expected);
    uint16_t *ends = guarded_ends + n_guarded_ends - n;
    const struct ov__kernels *kernels;
    for (size_t i = 0; (kernels = ov__kernels_available(i)) != NULL; i++) {
        memset(ends, 0xaa, n * sizeof *ends);
        size_t n_ends = ends_of(kernels, width)(bytes, n, ends);
        if (n_ends != n_expected || memcmp(ends, expected, n_ends * sizeof *ends) != 0)
            fail_msg("%s: width %zu, %zu elements at %p", kernels->name, width, n,
                     (const void *)bytes);
    }
}

/* Elements that change with probability 1/mean_run, in one byte of theirs only. */
static void fill(unsigned char *bytes, size_t n, size_t width, uint64_t mean_run, uint64_t *random)
{
    memset(bytes, 7, width);
    for (size_t i = 1; i < n; i++) {
        memcpy(bytes + i * width, bytes + (i - 1) * width, width);
        if (naive_below(random, mean_run) == 0)
            bytes[i * width + naive_below(random, width)] ^=
                (unsigned char)(1u << naive_below(random, 8));
    }
}

static void every_length_ends_at_the_guard_page(void **state)
{
    static const uint64_t mean_runs[] = {1, 2, 9, 100, 1000000};
    uint64_t random = 1;
    (void)state;
    for (size_t width = 1; width <= WIDEST; width *= 2) {
        for (size_t n = 1; n <= 600; n++) {
            unsigned char *bytes = guarded + n_guarded - n * width;
            for (size_t i = 0; i < N_OF(mean_runs); i++) {
                fill(bytes, n, width, mean_runs[i], &random);
                check(bytes, n, width);
            }
        }
    }
}

static void every_alignment_gives_the_same(void **state)
{
    uint64_t random = 2;
    (void)state;
    for (size_t width = 1; width <= WIDEST; width *= 2) {
        for (size_t offset = 0; offset < 64; offset++) {
            for (size_t n = 250; n < 330; n += 13) {
                fill(guarded + offset, n, width, 20, &random);
                check(guarded + offset, n, width);
            }
        }
    }
}

static void a_single_change_is_found_wherever_it_is(void **state)
{
    (void)state;
    for (size_t width = 1; width <= WIDEST; width *= 2) {
        const size_t n = 300;
        unsigned char *bytes = guarded + n_guarded - n * width;
        for (size_t at = 0; at < n * width; at++) {
            memset(bytes, 0, n * width);
            bytes[at] = 0x80;
            check(bytes, n, width);
        }
    }
}

static void whole_chunks_are_right_for_the_worst_shapes(void **state)
{
    static const uint64_t mean_runs[] = {1, 2, 3, 64, 5000, 1000000000};
    const size_t n = OV__CHUNK;
    uint64_t random = 3;
    (void)state;
    for (size_t width = 1; width <= WIDEST; width *= 2) {
        unsigned char *bytes = guarded + n_guarded - n * width;
        for (size_t i = 0; i < N_OF(mean_runs); i++) {
            fill(bytes, n, width, mean_runs[i], &random);
            check(bytes, n, width);
            check(bytes + width, n - 1, width);
        }
        for (size_t i = 0; i < n; i++)
            memset(bytes + i * width, i % 2 == 0 ? 0 : 255, width);
        check(bytes, n, width);
    }
}

static ov__joint_ends *joint_of(const struct ov__kernels *kernels, size_t width)
{
    ov__joint_ends *all[] = {kernels->joint8, kernels->joint16, kernels->joint32, kernels->joint64};
    return all[__builtin_ctzll(width)];
}

static void check_joint(const unsigned char *p, const unsigned char *r, size_t n, size_t width)
{
    static uint16_t expected[OV__CHUNK];
    size_t n_expected = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || memcmp(p + i * width, p + (i + 1) * width, width) != 0 ||
            memcmp(r + i * width, r + (i + 1) * width, width) != 0)
            expected[n_expected++] = (uint16_t)i;
    }
    uint16_t *ends = guarded_ends + n_guarded_ends - n - OV__SLACK;
    const struct ov__kernels *kernels;
    for (size_t i = 0; (kernels = ov__kernels_available(i)) != NULL; i++) {
        memset(ends, 0xaa, n * sizeof *ends);
        size_t n_ends = joint_of(kernels, width)(p, r, n, ends);
        if (n_ends != n_expected || memcmp(ends, expected, n_ends * sizeof *ends) != 0)
            fail_msg("%s: joint, width %zu, %zu elements", kernels->name, width, n);
    }
}

/* Two masks that end at guard pages or at any address, of every length. */
static void joint_runs_end_where_either_does(void **state)
{
    static const uint64_t mean_runs[] = {1, 2, 9, 100, 1000000};
    uint64_t random = 5;
    size_t n_other;
    (void)state;
    unsigned char *other = map_guarded(&n_other);
    for (size_t width = 1; width <= WIDEST; width *= 2) {
        for (size_t n = 1; n <= 600; n += n < 300 ? 1 : 7) {
            for (size_t i = 0; i < N_OF(mean_runs); i++) {
                unsigned char *p = guarded + n_guarded - n * width;
                unsigned char *r = other + (i % 2 == 0 ? n_other - n * width : n % 64);
                fill(p, n, width, mean_runs[i], &random);
                fill(r, n, width, mean_runs[(i + n) % N_OF(mean_runs)], &random);
                check_joint(p, r, n, width);
                check_joint(r, p, n, width);
            }
        }
        unsigned char *p = guarded + n_guarded - OV__CHUNK * width;
        fill(p, OV__CHUNK, width, 40, &random);
        fill(other, OV__CHUNK, width, 300, &random);
        check_joint(p, other, OV__CHUNK, width);
    }
}

static void check_few(const unsigned char *p, const unsigned char *r, size_t n, uint8_t first)
{
    struct ov__few expected = {0}, counts;
    const struct ov__kernels *kernels;
    for (size_t i = 0; i < n; i++) {
        uint8_t in_p = (uint8_t)(p[i] - first), in_r = (uint8_t)(r[i] - first);
        if (in_p < 8)
            expected.prediction[in_p]++;
        if (in_r < 8)
            expected.reference[in_r]++;
        if (in_p < 8 && p[i] == r[i])
            expected.tp[in_p]++;
    }
    for (size_t i = 0; (kernels = ov__kernels_available(i)) != NULL; i++) {
        if (kernels->few == NULL)
            continue;
        memset(&counts, 0xaa, sizeof counts);
        kernels->few(p, r, n, first, &counts);
        if (memcmp(&counts, &expected, sizeof counts) != 0)
            fail_msg("%s: few, %zu elements from label %u", kernels->name, n, first);
    }
}

static void few_labels_are_counted_at_every_length(void **state)
{
    static const uint8_t firsts[] = {0, 8, 120, 128, 248};
    uint64_t random = 6;
    size_t n_other;
    (void)state;
    unsigned char *other = map_guarded(&n_other);
    for (size_t n = 1; n < 9000; n += n < 600 ? 1 : 97) {
        unsigned char *p = guarded + n_guarded - n, *r = other + n_other - n - n % 64;
        uint8_t first = firsts[n % N_OF(firsts)];
        for (size_t i = 0; i < n; i++) {
            p[i] = (uint8_t)(first + naive_below(&random, 9));
            r[i] = (uint8_t)(n % 5 == 0 ? naive_below(&random, 256) : first + i % 8);
        }
        check_few(p, r, n, first);
    }
}

static void few_labels_do_not_overflow_in_the_largest_call(void **state)
{
    (void)state;
    memset(guarded, 3, OV__FEW);
    for (uint8_t first = 0; first <= 8; first++)
        check_few(guarded, guarded, OV__FEW, first);
}

static void kernels_are_chosen_by_name(void **state)
{
    const struct ov__kernels *kernels;
    (void)state;
    assert_string_equal(ov_isa(), ov__kernels_available(0)->name);
    for (size_t i = 0; (kernels = ov__kernels_available(i)) != NULL; i++) {
        OK(ov_isa_select(kernels->name));
        assert_string_equal(ov_isa(), kernels->name);
        FAILS(ov_isa_select("mmx"), OV_EISA);
        FAILS(ov_isa_select(NULL), OV_EISA);
        assert_string_equal(ov_isa(), kernels->name);
    }
    OK(ov_isa_select("auto"));
    assert_string_equal(ov_isa(), ov__kernels_available(0)->name);
}

static void every_instruction_set_counts_alike(void **state)
{
    enum { N = 20000 };
    static int64_t prediction[N], reference[N];
    static const enum ov_dtype dtypes[] = {OV_U8, OV_I16, OV_F32, OV_F64};
    const int64_t label = 3;
    uint64_t random = 4;
    const struct ov__kernels *kernels;
    (void)state;
    naive_fill(prediction, N, 7, 30, &random);
    naive_fill(reference, N, 7, 30, &random);
    struct ov_counts expected = naive_count(prediction, reference, N, &label, 1, NULL, 0);
    for (size_t k = 0; k < N_OF(dtypes); k++) {
        void *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = dtypes[k]});
        void *r = naive_encode(reference, N, (struct ov_encoding){.dtype = dtypes[k]});
        for (size_t i = 0; (kernels = ov__kernels_available(i)) != NULL; i++) {
            struct ov_counter *counter = naive_counter(NULL);
            struct ov_piece pieces[] = {naive_tile(p, dtypes[k], N), naive_tile(r, dtypes[k], N)};
            OK(ov_isa_select(kernels->name));
            OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
            naive_assert_equal(ov_counter_label(counter, label), expected);
            ov_counter_free(counter);
        }
        free(p);
        free(r);
    }
    OK(ov_isa_select("auto"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_ends_at_the_guard_page),
        cmocka_unit_test(every_alignment_gives_the_same),
        cmocka_unit_test(a_single_change_is_found_wherever_it_is),
        cmocka_unit_test(whole_chunks_are_right_for_the_worst_shapes),
        cmocka_unit_test(joint_runs_end_where_either_does),
        cmocka_unit_test(few_labels_are_counted_at_every_length),
        cmocka_unit_test(few_labels_do_not_overflow_in_the_largest_call),
        cmocka_unit_test(kernels_are_chosen_by_name),
        cmocka_unit_test(every_instruction_set_counts_alike),
    };
    return cmocka_run_group_tests(tests, map_pages, NULL);
}
