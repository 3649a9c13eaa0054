/* token_file.c - tokens kept in a file: lines of name, scopes and digest. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/token_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/scope.h"
#include "daemon/secret.h"

#define MAX_TOKENS 1024

struct file {
    FILE *stream;
    const char *path;
    unsigned line;
    struct tokens tokens;
    struct config_error *reterr;
};

bool token_file_find(const struct config *config, char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    int n;

    if (config->auth_tokens_file[0] != '\0') {
        snprintf(path, PATH_MAX, "%s", config->auth_tokens_file);
        return true;
    }
    if (folder == NULL || folder[0] == '\0')
        return false;
    n = snprintf(path, PATH_MAX, "%s/tokens", folder);
    return n < PATH_MAX && access(path, F_OK) == 0;
}

static bool fail(struct file *file, const char *what)
{
    return config_fail(file->reterr, "%s:%u: %s", file->path, file->line, what);
}

static bool scan_nibble(char c, unsigned *ret_nibble)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    if (at == NULL)
        return false;
    *ret_nibble = (unsigned)(at - digits);
    return true;
}

static bool scan_digest(const char *text, uint8_t *ret_digest)
{
    unsigned high;
    unsigned low;

    if (strlen(text) != 2 * (size_t)TOKEN_DIGEST_BYTES)
        return false;
    for (size_t i = 0; i < TOKEN_DIGEST_BYTES; i++) {
        if (!scan_nibble(text[2 * i], &high) || !scan_nibble(text[2 * i + 1], &low))
            return false;
        ret_digest[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_taken(const struct tokens *tokens, const struct token *token)
{
    for (size_t i = 0; i < tokens->n; i++) {
        if (strcmp(tokens->list[i].name, token->name) == 0 ||
            token_is_equal(tokens->list[i].digest, token->digest))
            return true;
    }
    return false;
}

static bool add(struct file *file, const struct token *token)
{
    struct tokens *tokens = &file->tokens;
    struct token *more;

    if (is_taken(tokens, token))
        return fail(file, "this name or token was there before");
    if (tokens->n == MAX_TOKENS)
        return fail(file, "there are more than 1024 tokens");
    more = realloc(tokens->list, (tokens->n + 1) * sizeof(*more));
    if (more == NULL)
        return fail(file, "out of memory");
    tokens->list = more;
    tokens->list[tokens->n++] = *token;
    return true;
}

/* "name scopes digest", anything but a comment or blanks. */
static bool take_line(struct file *file, char *text)
{
    struct token token = {0};
    char *rest = NULL;
    char *name = strtok_r(text, " \t\r\n", &rest);
    char *scopes = strtok_r(NULL, " \t\r\n", &rest);
    char *digest = strtok_r(NULL, " \t\r\n", &rest);

    if (name == NULL || name[0] == '#')
        return true;
    if (digest == NULL || strtok_r(NULL, " \t\r\n", &rest) != NULL)
        return fail(file, "not a name, scopes and a digest with blanks between them");
    if (!token_is_name(name))
        return fail(file, "a name has up to 63 letters, digits, '.', '-' and '_'");
    if (!scope_parse(scopes, &token.scopes))
        return fail(file, "scopes are of score,read,write,shm,metrics,admin");
    if (!scan_digest(digest, token.digest))
        return fail(file, "a digest is SHA-256 as 64 hexadecimal digits in lower case");
    snprintf(token.name, sizeof(token.name), "%s", name);
    return add(file, &token);
}

static bool take_lines(struct file *file)
{
    char text[TOKEN_FILE_LINE_BYTES];

    while (fgets(text, sizeof(text), file->stream) != NULL) {
        file->line++;
        if (strlen(text) == sizeof(text) - 1 && text[sizeof(text) - 2] != '\n')
            return fail(file, "the line is too long");
        if (!take_line(file, text))
            return false;
    }
    if (ferror(file->stream))
        return config_fail(file->reterr, "tokens file %s: %s", file->path, strerror(errno));
    return true;
}

bool token_file_load(const struct config *config, struct tokens *ret_tokens,
                     struct config_error *reterr)
{
    char path[PATH_MAX] = "";
    struct file file = {.path = path, .reterr = reterr};
    bool is_credential = config->auth_tokens_file[0] == '\0';
    bool ok;
    int fd;

    token_file_find(config, path);
    fd = secret_open(path, "tokens file", is_credential, reterr);
    file.stream = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file.stream == NULL) {
        config_fail(reterr, "tokens file %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    ok = take_lines(&file);
    fclose(file.stream);
    if (ok)
        *ret_tokens = file.tokens;
    else
        tokens_done(&file.tokens);
    return ok;
}

size_t token_file_print(const struct token *token, char *text)
{
    char scopes[SCOPE_TEXT_BYTES];
    char digest[2 * TOKEN_DIGEST_BYTES + 1];

    scope_print(token->scopes, ",", scopes);
    token_print_digest(token->digest, digest);
    return (size_t)snprintf(text, TOKEN_FILE_LINE_BYTES, "%s %s %s\n", token->name, scopes, digest);
}
