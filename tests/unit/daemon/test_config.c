/* test_config.c - every key takes its default and its bounds, and nothing else. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "daemon/config_print.h"

static struct config config;

static bool set(const char *section, const char *name, const char *value)
{
    struct config_error error = {""};
    const struct config_key *key = config_find(section, name);
    bool ok;

    assert_non_null(key);
    ok = config_set(&config, key, value, &error);
    assert_int_equal(ok, error.text[0] == '\0');
    return ok;
}

static void expect_refused(const char *section, const char *name, const char *value,
                           const char *message)
{
    struct config_error error = {""};
    struct config before = config;

    assert_false(config_set(&config, config_find(section, name), value, &error));
    assert_non_null(strstr(error.text, message));
    assert_memory_equal(&config, &before, sizeof(config));
}

static int reset(void **state)
{
    (void)state;
    config_init(&config);
    return 0;
}

static void defaults_are_those_of_the_table(void **state)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    char text[CONFIG_TEXT_BYTES];

    (void)state;
    assert_int_equal(n, CONFIG_N_KEYS);
    for (size_t i = 0; i < n; i++) {
        config_format(&config, &keys[i], text, sizeof(text));
        assert_string_equal(text, keys[i].text);
    }
    assert_int_equal(config.limits_body_bytes, 268435456);
    assert_int_equal(config.timeouts_header_ms, 10000);
    assert_int_equal(config.listen_unix_mode, 0660);
}

static void every_number_takes_its_bounds_and_nothing_beyond(void **state)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    char text[CONFIG_TEXT_BYTES];
    struct config bound;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        uint64_t around[] = {keys[i].low, keys[i].high, keys[i].low - 1, keys[i].high + 1};

        if (keys[i].type == CONFIG_TEXT || keys[i].type == CONFIG_ENUM)
            continue;
        for (size_t k = keys[i].low == 0 ? 3 : 0; k < 4; k++) {
            memcpy((char *)&bound + keys[i].offset, &around[k], sizeof(around[k]));
            config_format(&bound, &keys[i], text, sizeof(text));
            assert_int_equal(set(keys[i].section, keys[i].name, text), k < 2);
        }
    }
}

static void every_choice_is_taken_and_no_other(void **state)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        char choices[CONFIG_TEXT_BYTES];
        char *at = choices;
        char *choice;

        if (keys[i].type != CONFIG_ENUM)
            continue;
        snprintf(choices, sizeof(choices), "%s", keys[i].choices);
        while ((choice = strsep(&at, "|")) != NULL)
            assert_true(set(keys[i].section, keys[i].name, choice));
        expect_refused(keys[i].section, keys[i].name, "", keys[i].choices);
        expect_refused(keys[i].section, keys[i].name, "nonsense", keys[i].choices);
        expect_refused(keys[i].section, keys[i].name, "|", keys[i].choices);
    }
    expect_refused("log", "level", "inf", "log.level");
    expect_refused("log", "level", "info|debug", "log.level");
}

static void sizes_take_binary_suffixes(void **state)
{
    (void)state;
    assert_true(set("limits", "body_bytes", "3K"));
    assert_int_equal(config.limits_body_bytes, 3072);
    assert_true(set("limits", "body_bytes", "2m"));
    assert_int_equal(config.limits_body_bytes, 2 << 20);
    assert_true(set("limits", "body_bytes", "1G"));
    assert_int_equal(config.limits_body_bytes, 1 << 30);
    assert_true(set("limits", "body_bytes", "1T"));
    assert_int_equal(config.limits_body_bytes, TIB);
    expect_refused("limits", "body_bytes", "18014398509481984K", "not a size");
    expect_refused("limits", "body_bytes", "2T", "outside 1 .. 1T");
    expect_refused("limits", "body_bytes", "1KB", "not a size");
    expect_refused("limits", "labels", "1K", "not a whole number");
}

static void times_take_three_decimals(void **state)
{
    (void)state;
    assert_true(set("timeouts", "header", "0.5"));
    assert_int_equal(config.timeouts_header_ms, 500);
    assert_true(set("timeouts", "header", "1.025"));
    assert_int_equal(config.timeouts_header_ms, 1025);
    assert_true(set("timeouts", "header", "3600"));
    expect_refused("timeouts", "header", "1.", "a time");
    expect_refused("timeouts", "header", ".5", "a time");
    expect_refused("timeouts", "header", "1.0001", "a time");
    expect_refused("timeouts", "header", "-1", "a time");
    expect_refused("timeouts", "header", "18446744073709551615", "a time");
    expect_refused("timeouts", "header", "0.001", "outside 0.010 .. 3600");
}

static void modes_are_octal(void **state)
{
    (void)state;
    assert_true(set("listen", "unix_mode", "600"));
    assert_int_equal(config.listen_unix_mode, 0600);
    expect_refused("listen", "unix_mode", "0680", "octal");
    expect_refused("listen", "unix_mode", "1777", "outside 0000 .. 0777");
}

static void numbers_are_digits_alone(void **state)
{
    static const char *const bad[] = {
        "", " ", "1 ", " 1", "+1", "0x1", "1e3", "many", "18446744073709551616"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refused("limits", "labels", bad[i], "not a whole number");
}

static void texts_must_survive_a_file(void **state)
{
    char text[CONFIG_TEXT_BYTES + 1];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[CONFIG_TEXT_BYTES] = '\0';
    expect_refused("listen", "unix", text, "longer");
    expect_refused("listen", "unix", "/tmp/a;b", "';'");
    expect_refused("listen", "unix", "/tmp/a\nb", "control");
    expect_refused("listen", "unix", "/tmp/a ", "blanks");
    expect_refused("listen", "unix", " /tmp/a", "blanks");
    text[CONFIG_TEXT_BYTES - 1] = '\0';
    assert_true(set("listen", "unix", text));
}

static bool check(struct config_error *reterr)
{
    reterr->text[0] = '\0';
    return config_check(&config, reterr);
}

static void a_listener_open_to_all_must_be_asked_for(void **state)
{
    struct config_error error;

    (void)state;
    assert_true(check(&error));
    set("listen", "tcp", "0.0.0.0:8040");
    assert_false(check(&error));
    assert_non_null(strstr(error.text, "auth.mode"));
    set("auth", "mode", "none");
    assert_true(check(&error));
}

static void there_must_be_a_listener_that_can_be(void **state)
{
    struct config_error error;
    char path[160];

    (void)state;
    set("listen", "tcp", "");
    assert_false(check(&error));
    set("listen", "unix", "/run/overlapd.sock");
    assert_true(check(&error));
    set("listen", "tcp", "somewhere");
    assert_false(check(&error));
    set("listen", "tcp", "");
    memset(path, 'p', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    set("listen", "unix", path);
    assert_false(check(&error));
}

static void unknown_names_are_not_found(void **state)
{
    (void)state;
    assert_null(config_find("limits", "nonsense"));
    assert_null(config_find("nonsense", "tcp"));
    assert_true(config_has_section("timeouts"));
    assert_false(config_has_section(""));
}

static char *read_all(FILE *file)
{
    static char text[32768];

    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void the_sample_file_is_the_defaults_printed(void **state)
{
    static char printed[32768];
    FILE *sample = fopen("config/overlapd.conf", "r");
    FILE *out = tmpfile();

    (void)state;
    assert_non_null(sample);
    config_print(out, &config);
    strcpy(printed, read_all(out));
    assert_string_equal(read_all(sample), printed);
}

static void the_help_names_every_key(void **state)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    FILE *out = tmpfile();
    const char *text;
    char option[128];

    (void)state;
    config_print_help(out);
    text = read_all(out);
    for (size_t i = 0; i < n; i++) {
        snprintf(option, sizeof(option), "--%s.%s=", keys[i].section, keys[i].name);
        assert_non_null(strstr(text, option));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_are_those_of_the_table, reset),
        cmocka_unit_test_setup(every_number_takes_its_bounds_and_nothing_beyond, reset),
        cmocka_unit_test_setup(every_choice_is_taken_and_no_other, reset),
        cmocka_unit_test_setup(sizes_take_binary_suffixes, reset),
        cmocka_unit_test_setup(times_take_three_decimals, reset),
        cmocka_unit_test_setup(modes_are_octal, reset),
        cmocka_unit_test_setup(numbers_are_digits_alone, reset),
        cmocka_unit_test_setup(texts_must_survive_a_file, reset),
        cmocka_unit_test_setup(a_listener_open_to_all_must_be_asked_for, reset),
        cmocka_unit_test_setup(there_must_be_a_listener_that_can_be, reset),
        cmocka_unit_test_setup(unknown_names_are_not_found, reset),
        cmocka_unit_test_setup(the_sample_file_is_the_defaults_printed, reset),
        cmocka_unit_test_setup(the_help_names_every_key, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
