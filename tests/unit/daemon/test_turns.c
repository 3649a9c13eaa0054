/* test_turns.c - users take turns, whoever has more waiting; each one's own keep their order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/turns.h"

#define MOST 64

static struct turns turns;
static struct turn waiting[MOST];
static char names[MOST][4];
static size_t n_waiting;

static int begin(void **state)
{
    (void)state;
    turns = (struct turns){NULL, NULL, 0};
    n_waiting = 0;
    return 0;
}

/* "a1 b1" adds the first of user a, then the first of user b. */
static void add(const char *list)
{
    for (const char *at = list; *at != '\0'; at += at[2] == ' ' ? 3 : 2) {
        waiting[n_waiting].user = (uint64_t)at[0];
        snprintf(names[n_waiting], sizeof(names[0]), "%.2s", at);
        turns_add(&turns, &waiting[n_waiting++]);
    }
}

static struct turn *find(const char *name)
{
    for (size_t i = 0; i < n_waiting; i++) {
        if (strcmp(names[i], name) == 0)
            return &waiting[i];
    }
    fail_msg("%s does not wait", name);
    return NULL;
}

static void take(const char *list)
{
    char got[4 * MOST] = "";

    for (size_t n = (strlen(list) + 1) / 3; n > 0; n--) {
        assert_non_null(turns.first);
        strcat(got, names[turns.first - waiting]);
        strcat(got, n > 1 ? " " : "");
        turns_take(&turns, turns.first);
    }
    assert_string_equal(got, list);
}

static void take_all(const char *list)
{
    take(list);
    assert_null(turns.first);
    assert_null(turns.last);
    assert_int_equal(turns.n, 0);
}

static void one_user_has_order_of_arrival(void **state)
{
    (void)state;
    add("a1 a2 a3");
    take_all("a1 a2 a3");
}

static void who_has_one_waits_for_one_of_a_hog(void **state)
{
    (void)state;
    add("a1 a2 a3 a4 a5 b1");
    take_all("a1 b1 a2 a3 a4 a5");
}

static void three_users_take_turns(void **state)
{
    (void)state;
    add("a1 a2 a3 b1 b2 c1");
    take_all("a1 b1 c1 a2 b2 a3");
}

static void who_comes_again_and_again_has_every_other_turn(void **state)
{
    (void)state;
    add("a1 a2 a3 a4 b1");
    take("a1 b1");
    add("b2");
    take("a2 b2");
    add("b3");
    take_all("a3 b3 a4");
}

static void a_turn_may_be_taken_out_of_the_row(void **state)
{
    (void)state;
    add("a1 a2 b1 b2 c1");
    turns_take(&turns, find("b1"));
    take_all("a1 c1 b2 a2");
}

static void who_leaves_does_not_cost_its_user_the_turn(void **state)
{
    (void)state;
    add("a1 a2 a3 b1 b2 c1");
    assert_true(turns_remove(&turns, find("a1")));
    assert_true(turns_remove(&turns, find("b2")));
    take_all("a2 b1 c1 a3");
}

static void the_last_user_may_leave_and_others_come(void **state)
{
    (void)state;
    add("a1 b1");
    assert_true(turns_remove(&turns, find("b1")));
    add("c1 a2");
    assert_true(turns_remove(&turns, find("c1")));
    add("d1");
    take_all("a1 d1 a2");
}

static void the_last_of_a_user_may_leave_and_another_come(void **state)
{
    (void)state;
    add("a1 a2 a3");
    assert_true(turns_remove(&turns, find("a3")));
    add("a4");
    take_all("a1 a2 a4");
}

static void the_first_of_the_last_user_may_leave(void **state)
{
    (void)state;
    add("a1 b1 b2");
    assert_true(turns_remove(&turns, find("b1")));
    add("c1");
    take_all("a1 b2 c1");
}

static void who_does_not_wait_cannot_leave(void **state)
{
    (void)state;
    add("a1 a2 b1");
    assert_true(turns_remove(&turns, find("a2")));
    assert_false(turns_remove(&turns, find("a2")));
    take("a1");
    assert_false(turns_remove(&turns, find("a1")));
    take_all("b1");
    assert_false(turns_remove(&turns, find("b1")));
}

static void each_user_has_its_count(void **state)
{
    (void)state;
    add("a1 a2 a3 b1");
    assert_int_equal(turns_of(&turns, 'a'), 3);
    assert_int_equal(turns_of(&turns, 'b'), 1);
    assert_int_equal(turns_of(&turns, 'c'), 0);
    assert_int_equal(turns.n, 4);
    turns_remove(&turns, find("a1"));
    turns_remove(&turns, find("a3"));
    assert_int_equal(turns_of(&turns, 'a'), 1);
    take_all("a2 b1");
    assert_int_equal(turns_of(&turns, 'a'), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_user_has_order_of_arrival),
        TEST(who_has_one_waits_for_one_of_a_hog),
        TEST(three_users_take_turns),
        TEST(who_comes_again_and_again_has_every_other_turn),
        TEST(a_turn_may_be_taken_out_of_the_row),
        TEST(who_leaves_does_not_cost_its_user_the_turn),
        TEST(the_last_user_may_leave_and_others_come),
        TEST(the_last_of_a_user_may_leave_and_another_come),
        TEST(the_first_of_the_last_user_may_leave),
        TEST(who_does_not_wait_cannot_leave),
        TEST(each_user_has_its_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
