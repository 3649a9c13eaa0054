/* test_registry.c - what is registered is its user's alone, within quotas, until it is forgotten.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/registry.h"

static const struct registry_limits limits = {
    .regions = 4, .regions_per_uid = 3, .bytes_per_uid = 1000};

/* Which object the memory is of: a descriptor, duplicated for each. */
static int object;

static int begin(void **state)
{
    (void)state;
    registry_set_limits(&limits);
    object = memfd_create("test", MFD_CLOEXEC);
    return ftruncate(object, 4096);
}

static int end(void **state)
{
    (void)state;
    registry_clear();
    return close(object);
}

static enum problem_code add(const char *name, uid_t uid, uint64_t n_bytes, const void *owner,
                             bool *ret_known)
{
    const struct memfile_wish wish = {.byte_size = n_bytes};
    struct region region = {.kind = SEGMENT_SHM, .uid = uid};
    struct problem problem = {0};
    struct memfile *memfile = memfile_new(dup(object), &wish, &problem);

    assert_non_null(memfile);
    snprintf(region.name, sizeof(region.name), "%s", name);
    return registry_add(&region, memfile, owner, ret_known, &problem) ? PROBLEM_NONE : problem.code;
}

static bool is_there(const char *name, uid_t uid)
{
    struct memfile *memfile = registry_take(SEGMENT_SHM, name, uid);

    memfile_release(memfile);
    return memfile != NULL;
}

static void a_region_is_its_users_alone(void **state)
{
    struct region region;
    bool known;

    (void)state;
    assert_int_equal(add("a", 1, 10, NULL, &known), PROBLEM_NONE);
    assert_false(known);
    assert_true(is_there("a", 1));
    assert_false(is_there("a", 2));
    assert_false(is_there("b", 1));
    assert_null(registry_take(SEGMENT_HANDLE, "a", 1));
    assert_false(registry_find(SEGMENT_SHM, "a", 2, &region));
    assert_false(registry_remove(SEGMENT_SHM, "a", 2, NULL));
    assert_int_equal(registry_list(SEGMENT_SHM, 2, &region, 1), 0);
    assert_int_equal(add("a", 2, 20, NULL, &known), PROBLEM_NONE);
    assert_true(registry_find(SEGMENT_SHM, "a", 1, &region));
    assert_int_equal(region.byte_size, 10);
    assert_true(registry_remove(SEGMENT_SHM, "a", 1, NULL));
    assert_false(is_there("a", 1));
    assert_true(is_there("a", 2));
}

static void the_same_again_is_known_and_another_refused(void **state)
{
    bool known;

    (void)state;
    assert_int_equal(add("a", 1, 10, NULL, &known), PROBLEM_NONE);
    assert_int_equal(add("a", 1, 10, NULL, &known), PROBLEM_NONE);
    assert_true(known);
    assert_int_equal(add("a", 1, 11, NULL, &known), PROBLEM_SHM_NAME_IN_USE);
    close(object);
    object = memfd_create("other", MFD_CLOEXEC);
    assert_int_equal(ftruncate(object, 4096), 0);
    assert_int_equal(add("a", 1, 10, NULL, &known), PROBLEM_SHM_NAME_IN_USE);
}

static void quotas_hold_to_the_byte(void **state)
{
    bool known;

    (void)state;
    assert_int_equal(add("a", 1, 1001, NULL, &known), PROBLEM_SHM_QUOTA);
    assert_int_equal(add("a", 1, 999, NULL, &known), PROBLEM_NONE);
    assert_int_equal(add("b", 1, 2, NULL, &known), PROBLEM_SHM_QUOTA);
    assert_int_equal(add("b", 1, 1, NULL, &known), PROBLEM_NONE);
    assert_int_equal(add("a", 2, 1, NULL, &known), PROBLEM_NONE);
    assert_int_equal(add("b", 2, 1, NULL, &known), PROBLEM_NONE);
    assert_int_equal(add("c", 2, 1, NULL, &known), PROBLEM_SHM_QUOTA); /* of all users */
    assert_true(registry_remove(SEGMENT_SHM, "b", 1, NULL));
    assert_int_equal(add("c", 2, 1, NULL, &known), PROBLEM_NONE);
    assert_int_equal(add("d", 2, 1, NULL, &known), PROBLEM_SHM_QUOTA); /* of one */
}

static void regions_die_with_their_owner(void **state)
{
    struct registry_counts counts;
    int owner = 0;
    bool known;

    (void)state;
    add("a", 1, 10, &owner, &known);
    add("b", 1, 10, NULL, &known);
    assert_false(registry_remove(SEGMENT_SHM, "a", 1, NULL));
    registry_remove_all(&owner);
    registry_count(&counts);
    assert_int_equal(counts.n[SEGMENT_SHM], 1);
    assert_int_equal(counts.bytes[SEGMENT_SHM], 10);
    assert_false(is_there("a", 1));
}

static void what_nobody_uses_is_forgotten_and_references_stay(void **state)
{
    struct region region;
    struct memfile *memfile;
    char byte;
    bool known;

    (void)state;
    add("a", 1, 10, NULL, &known);
    memfile = registry_take(SEGMENT_SHM, "a", 1);
    assert_true(registry_find(SEGMENT_SHM, "a", 1, &region));
    registry_expire(region.used_ms + 100, 100);
    assert_true(is_there("a", 1));
    registry_find(SEGMENT_SHM, "a", 1, &region);
    registry_expire(region.used_ms + 101, 100);
    assert_false(is_there("a", 1));
    assert_true(memfile->segment.read(&memfile->segment, 9, &byte, 1));
    memfile_release(memfile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_region_is_its_users_alone, begin, end),
        cmocka_unit_test_setup_teardown(the_same_again_is_known_and_another_refused, begin, end),
        cmocka_unit_test_setup_teardown(quotas_hold_to_the_byte, begin, end),
        cmocka_unit_test_setup_teardown(regions_die_with_their_owner, begin, end),
        cmocka_unit_test_setup_teardown(what_nobody_uses_is_forgotten_and_references_stay, begin,
                                        end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
