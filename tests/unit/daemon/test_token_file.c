/* test_token_file.c - tokens files: what is read, what is refused, and by which modes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/scope.h"
#include "daemon/token_file.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NIL "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static char folder[] = "/tmp/overlapd-test-XXXXXX";
static char path[64];
static struct config config;

static int make_folder(void **state)
{
    (void)state;
    unsetenv("CREDENTIALS_DIRECTORY");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/tokens", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return unlink(path) != 0 || rmdir(folder) != 0;
}

static void write_file(const char *text, mode_t mode)
{
    FILE *file;

    unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    config_init(&config);
    snprintf(config.auth_tokens_file, sizeof(config.auth_tokens_file), "%s", path);
}

static void expect_error(const char *text, mode_t mode, const char *wanted)
{
    struct config_error error = {""};
    struct tokens tokens = {NULL, 77};

    write_file(text, mode);
    assert_false(token_file_load(&config, &tokens, &error));
    assert_int_equal(tokens.n, 77);
    if (strstr(error.text, wanted) == NULL)
        fail_msg("'%s' lacks '%s'", error.text, wanted);
}

static void names_scopes_and_digests_are_read(void **state)
{
    struct config_error error = {""};
    struct tokens tokens;

    (void)state;
    write_file("# tokens\n\none score,read " ABC "\n  two\tadmin " NIL, 0600);
    assert_true(token_file_load(&config, &tokens, &error));
    assert_int_equal(tokens.n, 2);
    assert_string_equal(tokens.list[0].name, "one");
    assert_int_equal(tokens.list[0].scopes, SCOPE_SCORE | SCOPE_READ);
    assert_ptr_equal(token_find(&tokens, "abc", 3), &tokens.list[0]);
    assert_int_equal(tokens.list[1].scopes, SCOPE_ADMIN);
    assert_ptr_equal(token_find(&tokens, "", 0), &tokens.list[1]);
    tokens_done(&tokens);
}

static void a_printed_line_is_read_again(void **state)
{
    struct token token = {.name = "n", .scopes = SCOPE_ANY};
    struct config_error error = {""};
    struct tokens tokens;
    char line[TOKEN_FILE_LINE_BYTES];
    size_t n;

    (void)state;
    memset(token.name, 'n', TOKEN_NAME_BYTES - 1);
    token_digest("abc", 3, token.digest);
    n = token_file_print(&token, line);
    assert_int_equal(n, strlen(line));
    assert_non_null(strstr(line, " score,read,write,shm,metrics,admin " ABC "\n"));
    write_file(line, 0600);
    assert_true(token_file_load(&config, &tokens, &error));
    assert_memory_equal(&tokens.list[0], &token, sizeof(token));
    tokens_done(&tokens);
}

static void a_file_without_tokens_has_none(void **state)
{
    struct config_error error = {""};
    struct tokens tokens;

    (void)state;
    write_file("# nobody\n", 0400);
    assert_true(token_file_load(&config, &tokens, &error));
    assert_int_equal(tokens.n, 0);
    tokens_done(&tokens);
}

static void bad_lines_are_named(void **state)
{
    char many[300];

    (void)state;
    memset(many, 'a', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    expect_error("one score " ABC "\ntwo score\n", 0600, "tokens:2: ");
    expect_error("one score " ABC " x\n", 0600, "tokens:1: ");
    expect_error("one scores " ABC "\n", 0600, "scopes");
    expect_error("o/ne score " ABC "\n", 0600, "name");
    expect_error("one score " ABC "0\n", 0600, "digest");
    expect_error("one score BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\n",
                 0600, "digest");
    expect_error("one score " ABC "\none read " NIL "\n", 0600, "before");
    expect_error("one score " ABC "\ntwo read " ABC "\n", 0600, "before");
    expect_error(many, 0600, "too long");
}

static void a_file_that_others_can_open_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        bool good;
    } modes[] = {{0600, true},  {0400, true},  {0640, true},  {0440, true},  {0644, false},
                 {0604, false}, {0602, false}, {0620, false}, {0660, false}, {0650, false}};
    struct config_error error = {""};
    struct tokens tokens;

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (!modes[i].good) {
            expect_error("", modes[i].mode, "0600");
            continue;
        }
        write_file("", modes[i].mode);
        assert_true(token_file_load(&config, &tokens, &error));
    }
}

static void what_is_no_file_is_refused(void **state)
{
    struct config_error error = {""};
    struct tokens tokens;

    (void)state;
    config_init(&config);
    strcpy(config.auth_tokens_file, "/nonsense/tokens");
    assert_false(token_file_load(&config, &tokens, &error));
    assert_non_null(strstr(error.text, "/nonsense/tokens: No such file"));
    error.text[0] = '\0';
    strcpy(config.auth_tokens_file, "/dev/null");
    assert_false(token_file_load(&config, &tokens, &error));
    assert_non_null(strstr(error.text, "not a regular file"));
}

static void a_credential_serves_where_no_file_is_named(void **state)
{
    struct config_error error = {""};
    struct tokens tokens;
    char found[PATH_MAX];

    (void)state;
    write_file("one score " ABC "\n", 0644); /* systemd sees to who may read it */
    config.auth_tokens_file[0] = '\0';
    assert_false(token_file_find(&config, found));
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_true(token_file_find(&config, found));
    assert_string_equal(found, path);
    assert_true(token_file_load(&config, &tokens, &error));
    assert_int_equal(tokens.n, 1);
    tokens_done(&tokens);
    setenv("CREDENTIALS_DIRECTORY", "/nonsense", 1);
    assert_false(token_file_find(&config, found));
    strcpy(config.auth_tokens_file, "/elsewhere");
    assert_true(token_file_find(&config, found));
    assert_string_equal(found, "/elsewhere");
    unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_scopes_and_digests_are_read),
        cmocka_unit_test(a_printed_line_is_read_again),
        cmocka_unit_test(a_file_without_tokens_has_none),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(a_file_that_others_can_open_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_credential_serves_where_no_file_is_named),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
