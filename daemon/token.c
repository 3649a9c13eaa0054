/* token.c - tokens: what is kept of them, and how one is recognised. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/token.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TOKEN_DIGEST_BYTES == SHA256_DIGEST_SIZE, "a digest is SHA-256");

void token_digest(const char *text, size_t n_bytes, uint8_t *ret_digest)
{
    struct sha256_ctx hash;

    sha256_init(&hash);
    sha256_update(&hash, n_bytes, (const uint8_t *)text);
    sha256_digest(&hash, TOKEN_DIGEST_BYTES, ret_digest);
}

bool token_is_equal(const uint8_t *digest, const uint8_t *other)
{
    return memeql_sec(digest, other, TOKEN_DIGEST_BYTES) != 0;
}

/* The digest alone would do: what it tells of a token by its time is nothing that helps to make
 * another. All are compared nevertheless, which costs little and needs no argument. */
const struct token *token_find(const struct tokens *tokens, const char *text, size_t n_bytes)
{
    uint8_t digest[TOKEN_DIGEST_BYTES];
    const struct token *found = NULL;

    token_digest(text, n_bytes, digest);
    for (size_t i = 0; i < tokens->n; i++)
        found = token_is_equal(tokens->list[i].digest, digest) ? &tokens->list[i] : found;
    return found;
}

bool token_is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-_";
    size_t n = strspn(name, allowed);

    return n > 0 && n < TOKEN_NAME_BYTES && name[n] == '\0';
}

void token_print_digest(const uint8_t *digest, char *text)
{
    for (size_t i = 0; i < TOKEN_DIGEST_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

void tokens_done(struct tokens *tokens)
{
    free(tokens->list);
    *tokens = (struct tokens){NULL, 0};
}
