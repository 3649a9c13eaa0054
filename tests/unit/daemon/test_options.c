/* test_options.c - where a value comes from, which source wins, and how errors name theirs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "daemon/config_file.h"
#include "daemon/config_print.h"
#include "daemon/options.h"

#define ARGUMENTS(...) ((const char *[]){"overlapd", __VA_ARGS__, NULL})
#define NOTHING        ((const char *[]){NULL})

static char path[] = "/tmp/overlapd-test-conf-XXXXXX";
static char config_is[64];
static struct config config;
static enum options_action action;
static struct config_error error;

static int make_path(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    snprintf(config_is, sizeof(config_is), "--config=%s", path);
    return fd < 0 || close(fd) != 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

static bool parse(const char **arguments, const char **variables)
{
    /* argv and environ are not const in C, but options.c does not write to them. */
    union {
        const char **from;
        char **to;
    } argv = {arguments}, environment = {variables};

    error.text[0] = '\0';
    return options_parse(argv.to, environment.to, &config, &action, &error);
}

static void expect_error(const char **arguments, const char **variables, const char *message)
{
    assert_false(parse(arguments, variables));
    if (strstr(error.text, message) == NULL)
        fail_msg("'%s' does not have '%s' in it", error.text, message);
}

static void expect_file_error(const char *text, int line, const char *message)
{
    char wanted[256];

    snprintf(wanted, sizeof(wanted), "%s:%d: %s", path, line, message);
    write_file(text);
    expect_error(ARGUMENTS("--config", path), NOTHING, wanted);
}

static void the_later_source_wins(void **state)
{
    const char *variables[] = {"HOME=/", "OVERLAPD_LIMITS_LABELS=3", NULL};

    (void)state;
    write_file("[limits]\nlabels = 2\nregions = 9\n");
    assert_true(parse(ARGUMENTS("--limits.parts=4"), NOTHING));
    assert_int_equal(config.limits_labels, 1024);
    assert_true(parse(ARGUMENTS("--config", path), NOTHING));
    assert_int_equal(config.limits_labels, 2);
    assert_true(parse(ARGUMENTS(config_is), variables));
    assert_int_equal(config.limits_labels, 3);
    assert_int_equal(config.limits_regions, 9);
    assert_true(parse(ARGUMENTS("--limits.labels=4", config_is), variables));
    assert_int_equal(config.limits_labels, 4);
}

static void every_key_has_its_variable_and_its_option(void **state)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    char variable[256];
    char option[256];

    (void)state;
    for (size_t i = 0; i < n; i++) {
        snprintf(option, sizeof(option), "--%s.%s=%s", keys[i].section, keys[i].name, keys[i].text);
        assert_true(parse(ARGUMENTS(option), NOTHING));
        snprintf(variable, sizeof(variable), "OVERLAPD_%s_%s=%s", keys[i].section, keys[i].name,
                 keys[i].text);
        for (char *at = variable; *at != '='; at++)
            *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 0x20 : *at);
        assert_true(parse(ARGUMENTS(option), ((const char *[]){variable, NULL})));
    }
}

static void what_is_printed_can_be_read_again(void **state)
{
    struct config first;
    FILE *file;

    (void)state;
    assert_true(parse(ARGUMENTS("--listen.tcp=[::1]:9", "--listen.unix=/a b", "--limits.labels=7",
                                "--timeouts.body=1.5", "--limits.body_bytes=3M"),
                      NOTHING));
    first = config;
    file = fopen(path, "w");
    config_print(file, &config);
    fclose(file);
    assert_true(parse(ARGUMENTS("--config", path), NOTHING));
    assert_memory_equal(&config, &first, sizeof(config));
}

static void the_longest_texts_can_be_read_again(void **state)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    char text[CONFIG_TEXT_BYTES];
    struct config first;
    FILE *file;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    config_init(&config);
    for (size_t i = 0; i < n; i++) {
        if (keys[i].type == CONFIG_TEXT)
            assert_true(config_set(&config, &keys[i], text, &error));
    }
    first = config;
    file = fopen(path, "w");
    config_print(file, &config);
    fclose(file);
    config_init(&config);
    assert_true(config_file_load(&config, path, &error));
    assert_memory_equal(&config, &first, sizeof(config));
}

static void errors_in_a_file_name_their_line(void **state)
{
    char longest[400];

    (void)state;
    expect_file_error("\n[limits]\nnonsense = 1\n", 3, "unknown key nonsense");
    expect_file_error("[nonsense]\n", 1, "unknown section nonsense");
    expect_file_error("[nonsense]\ntcp = 1\n", 1, "unknown section nonsense");
    expect_file_error("labels = 1\n", 1, "unknown key labels");
    expect_file_error("[limits]\nlabels = 0\n", 2, "limits.labels: 0 is outside 1 .. 65536");
    expect_file_error("[limits]\nlabels = x\n", 2, "limits.labels: 'x' is not");
    expect_file_error("[limits]\nlabels = 1\nlabels = 2\n", 3, "given twice: labels");
    expect_file_error("[limits]\nlabels = 1\n  2\n", 3, "given twice: labels");
    expect_file_error("[limits]\n\nlabels\n", 3, "neither");
    expect_file_error("[limits\nlabels = 0\n", 1, "neither");
    expect_file_error("[log] level = debug\n", 1,
                      "a key needs a line of its own after section log");
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    expect_file_error(longest, 1, "the line is too long");
}

static void comments_and_blanks_are_fine_in_a_file(void **state)
{
    (void)state;
    write_file("# first\n\n[limits] ; second\n; third\n  labels=5 ; fourth\nparts : 6\n");
    assert_true(parse(ARGUMENTS("--config", path), NOTHING));
    assert_int_equal(config.limits_labels, 5);
    assert_int_equal(config.limits_parts, 6);
}

static void a_file_must_be_there_and_be_named(void **state)
{
    (void)state;
    expect_error(ARGUMENTS("--config", "/nonsense/overlapd.conf"), NOTHING,
                 "/nonsense/overlapd.conf: No such file");
    expect_error(ARGUMENTS("--config"), NOTHING, "needs a file name");
    expect_error(ARGUMENTS("--config=/"), NOTHING, "/:");
}

static void what_lacks_its_value_is_told_apart_from_what_is_not_known(void **state)
{
    (void)state;
    expect_error(ARGUMENTS("--limits.labels"), NOTHING, "--limits.labels needs a value");
    expect_error(ARGUMENTS("--limits.labels", "5"), NOTHING, "--limits.labels needs a value");
    expect_error(ARGUMENTS("--limits.nonsense"), NOTHING, "unknown option --limits.nonsense");
    expect_error(ARGUMENTS("backup"), NOTHING, "backup comes first, and then a file name");
}

static void errors_in_the_environment_name_their_variable(void **state)
{
    (void)state;
    expect_error(ARGUMENTS("--check-config"),
                 ((const char *[]){"OVERLAPD_LISTEN_NONSENSE=1", NULL}),
                 "unknown variable OVERLAPD_LISTEN_NONSENSE");
    expect_error(ARGUMENTS("--check-config"), ((const char *[]){"OVERLAPD_LIMITS_LABELS=0", NULL}),
                 "OVERLAPD_LIMITS_LABELS: limits.labels: 0 is outside");
    expect_error(ARGUMENTS("--check-config"), ((const char *[]){"OVERLAPD_LIMITS_LABELS", NULL}),
                 "OVERLAPD_LIMITS_LABELS: limits.labels: '' is not");
    expect_error(ARGUMENTS("--check-config"), ((const char *[]){"OVERLAPD_limits_labels=1", NULL}),
                 "unknown");
}

static void variables_of_others_are_left_alone(void **state)
{
    (void)state;
    assert_true(parse(ARGUMENTS("--check-config"),
                      ((const char *[]){"OVERLAPDX=1", "OVERLAPD=1", "OVERLAPD_=1", NULL})));
    assert_true(parse(ARGUMENTS("--check-config"),
                      ((const char *[]){"OVERLAPD_PORT=tcp://10.0.0.1:8040", "OVERLAPD_LISTEN=1",
                                        "OVERLAPD_SERVICE_HOST=10.0.0.1",
                                        "OVERLAPD_PORT_8040_TCP_PROTO=tcp", NULL})));
}

static void help_and_version_need_no_configuration(void **state)
{
    const char *variables[] = {"OVERLAPD_LIMITS_LABELS=0", NULL};

    (void)state;
    assert_true(parse(ARGUMENTS("--config=/nonsense", "--nonsense", "--help"), variables));
    assert_int_equal(action, OPTIONS_HELP);
    assert_true(parse(ARGUMENTS("--version", "--limits.labels=x"), variables));
    assert_int_equal(action, OPTIONS_VERSION);
    expect_error(ARGUMENTS("--config", "--help"), NOTHING, "--help: No such file");
}

static void errors_on_the_command_line_name_their_option(void **state)
{
    (void)state;
    expect_error(ARGUMENTS("--limits.nonsense=1"), NOTHING, "--limits.nonsense=1");
    expect_error(ARGUMENTS("--limits.labels"), NOTHING, "--limits.labels");
    expect_error(ARGUMENTS("--nonsense"), NOTHING, "--nonsense");
    expect_error(ARGUMENTS("nonsense"), NOTHING, "nonsense");
    expect_error(ARGUMENTS("--limits.labels="), NOTHING, "limits.labels");
    expect_error(ARGUMENTS("--listen.tcp=8.8.8.8:1"), NOTHING, "auth.mode");
}

static void actions_are_told_apart(void **state)
{
    (void)state;
    assert_true(parse(ARGUMENTS("--limits.parts=4"), NOTHING));
    assert_int_equal(action, OPTIONS_RUN);
    assert_true(parse(ARGUMENTS("--help"), NOTHING));
    assert_int_equal(action, OPTIONS_HELP);
    assert_true(parse(ARGUMENTS("--version"), NOTHING));
    assert_int_equal(action, OPTIONS_VERSION);
    assert_true(parse(ARGUMENTS("--print-config"), NOTHING));
    assert_int_equal(action, OPTIONS_PRINT_CONFIG);
    assert_true(parse(ARGUMENTS("--check-config"), NOTHING));
    assert_int_equal(action, OPTIONS_CHECK_CONFIG);
    assert_true(parse(ARGUMENTS("--healthcheck"), NOTHING));
    assert_int_equal(action, OPTIONS_HEALTHCHECK);
}

static void the_help_names_every_action(void **state)
{
    char text[16384];
    FILE *out = tmpfile();

    (void)state;
    options_help(out);
    rewind(out);
    text[fread(text, 1, sizeof(text) - 1, out)] = '\0';
    fclose(out);
    assert_non_null(strstr(text, "--config FILE"));
    assert_non_null(strstr(text, "--check-config"));
    assert_non_null(strstr(text, "--healthcheck"));
    assert_non_null(strstr(text, "--limits.body_bytes=SIZE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_source_wins),
        cmocka_unit_test(every_key_has_its_variable_and_its_option),
        cmocka_unit_test(what_is_printed_can_be_read_again),
        cmocka_unit_test(the_longest_texts_can_be_read_again),
        cmocka_unit_test(errors_in_a_file_name_their_line),
        cmocka_unit_test(comments_and_blanks_are_fine_in_a_file),
        cmocka_unit_test(a_file_must_be_there_and_be_named),
        cmocka_unit_test(what_lacks_its_value_is_told_apart_from_what_is_not_known),
        cmocka_unit_test(what_lacks_its_value_is_told_apart_from_what_is_not_known),
        cmocka_unit_test(errors_in_the_environment_name_their_variable),
        cmocka_unit_test(variables_of_others_are_left_alone),
        cmocka_unit_test(help_and_version_need_no_configuration),
        cmocka_unit_test(errors_on_the_command_line_name_their_option),
        cmocka_unit_test(actions_are_told_apart),
        cmocka_unit_test(the_help_names_every_action),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
