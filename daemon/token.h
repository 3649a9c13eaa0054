/* token.h - tokens: what is kept of them, and how one is recognised. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_TOKEN_H
#define DAEMON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_SECRET_BYTES 32
#define TOKEN_DIGEST_BYTES 32
#define TOKEN_NAME_BYTES   64

/* "overlapd_" and the secret in hexadecimal, so that scanners of repositories can tell one. */
#define TOKEN_PREFIX     "overlapd_"
#define TOKEN_TEXT_BYTES (sizeof(TOKEN_PREFIX) + 2 * (size_t)TOKEN_SECRET_BYTES)

/* What is kept: a token's text cannot be had from it. */
struct token {
    char name[TOKEN_NAME_BYTES]; /* letters, digits and .-_ */
    unsigned scopes;
    uint8_t digest[TOKEN_DIGEST_BYTES]; /* SHA-256 of its text */
};

struct tokens {
    struct token *list;
    size_t n;
};

void token_digest(const char *text, size_t n_bytes, uint8_t *ret_digest);

/* Takes the same time wherever the digests differ. */
bool token_is_equal(const uint8_t *digest, const uint8_t *other);

/* NULL for none. The time depends on the number of tokens alone, not on which it is, if any. */
const struct token *token_find(const struct tokens *tokens, const char *text, size_t n_bytes);

bool token_is_name(const char *name);

/* digest [2 * TOKEN_DIGEST_BYTES + 1] in hexadecimal */
void token_print_digest(const uint8_t *digest, char *text);

void tokens_done(struct tokens *tokens);

#endif
