/* token_command.c - `overlapd token new`: makes a token. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/token_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/scope.h"
#include "daemon/token.h"
#include "daemon/token_file.h"

static const char usage[] =
    "usage: overlapd token new --scope SCOPE[,SCOPE...] [--name NAME] [--file FILE]\n"
    "  --scope  what it is for: score, read, write, shm, metrics, admin\n"
    "  --name   by which the log calls it; otherwise the beginning of its digest\n"
    "  --file   the tokens file that its line is added to, and made with mode 0600\n"
    "The token is printed once, on stdout, and kept nowhere. Without --file its line goes to\n"
    "stderr.\n";

struct options {
    const char *scope;
    const char *name;
    const char *file;
};

/* NULL, or what is wrong. */
static const char *parse(char *const *arguments, struct options *ret_options)
{
    if (arguments[0] == NULL || strcmp(arguments[0], "new") != 0)
        return "there is only `token new`";
    for (arguments++; arguments[0] != NULL; arguments += 2) {
        if (arguments[1] == NULL)
            return "the last option has no value";
        if (strcmp(arguments[0], "--scope") == 0)
            ret_options->scope = arguments[1];
        else if (strcmp(arguments[0], "--name") == 0)
            ret_options->name = arguments[1];
        else if (strcmp(arguments[0], "--file") == 0)
            ret_options->file = arguments[1];
        else
            return "an option is unknown";
    }
    return ret_options->scope == NULL ? "--scope is missing" : NULL;
}

static const char *set(struct token *token, const struct options *options)
{
    if (!scope_parse(options->scope, &token->scopes))
        return "a scope is unknown";
    return options->name == NULL || token_is_name(options->name)
               ? NULL
               : "--name must be of A-Z a-z 0-9 . _ - and not too long";
}

/* text [TOKEN_TEXT_BYTES] */
static bool make_text(char *text)
{
    uint8_t secret[TOKEN_SECRET_BYTES];

    if (uv_random(NULL, NULL, secret, sizeof(secret), 0, NULL) != 0)
        return false;
    memcpy(text, TOKEN_PREFIX, sizeof(TOKEN_PREFIX));
    for (size_t i = 0; i < sizeof(secret); i++)
        snprintf(text + strlen(TOKEN_PREFIX) + 2 * i, 3, "%02x", secret[i]);
    return true;
}

static bool has_name(const struct tokens *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->n; i++) {
        if (strcmp(tokens->list[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Whether the daemon would read the file, where there is one, with another token of this name. */
static bool check_file(const char *path, const char *name)
{
    struct config config;
    struct config_error error = {""};
    struct tokens tokens = {0};
    bool ok;

    config_init(&config);
    if (access(path, F_OK) != 0)
        return true;
    ok = config_set(&config, config_find("auth", "tokens_file"), path, &error) &&
         token_file_load(&config, &tokens, &error);
    if (ok && has_name(&tokens, name))
        ok = config_fail(&error, "%s: there is a token named %s already", path, name);
    if (!ok)
        fprintf(stderr, "overlapd: %s\n", error.text);
    tokens_done(&tokens);
    return ok;
}

/* An editor may have left the last line without its end. */
static bool needs_line_end(int fd)
{
    off_t n = lseek(fd, 0, SEEK_END);
    char last;

    return n > 0 && pread(fd, &last, 1, n - 1) == 1 && last != '\n';
}

/* One write at the end, so that what others add meanwhile is not lost. */
static bool append(const char *path, const char *line)
{
    char text[TOKEN_FILE_LINE_BYTES + 1];
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int n = fd < 0 ? 0 : snprintf(text, sizeof(text), "%s%s", needs_line_end(fd) ? "\n" : "", line);
    bool ok = fd >= 0 && write(fd, text, (size_t)n) == n && fsync(fd) == 0;

    if (!ok)
        fprintf(stderr, "overlapd: %s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

/* The line first: a token that is kept nowhere would be worth nothing. */
static bool publish(const struct token *token, const char *text, const char *file)
{
    char line[TOKEN_FILE_LINE_BYTES];

    token_file_print(token, line);
    if (file != NULL && !(check_file(file, token->name) && append(file, line)))
        return false;
    if (file == NULL)
        fputs(line, stderr);
    return puts(text) >= 0 && fflush(stdout) == 0;
}

int token_command_run(char *const *arguments)
{
    struct options options = {0};
    struct token token = {0};
    char text[TOKEN_TEXT_BYTES];
    char digest[2 * TOKEN_DIGEST_BYTES + 1];

    const char *fault = parse(arguments, &options);

    if (fault == NULL)
        fault = set(&token, &options);
    if (fault != NULL) {
        fprintf(stderr, "overlapd: token: %s\n%s", fault, usage);
        return 2;
    }
    if (!make_text(text)) {
        fputs("overlapd: no random numbers\n", stderr);
        return 1;
    }
    token_digest(text, strlen(text), token.digest);
    token_print_digest(token.digest, digest);
    snprintf(token.name, sizeof(token.name), "%.*s", options.name != NULL ? 63 : 8,
             options.name != NULL ? options.name : digest);
    return publish(&token, text, options.file) ? 0 : 1;
}
