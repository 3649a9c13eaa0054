/* scope.h - what a token is for. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCOPE_H
#define DAEMON_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

/* Symbol, name. None includes another. */
#define SCOPE_MAP(X)      \
    X(SCORE, "score")     \
    X(READ, "read")       \
    X(WRITE, "write")     \
    X(SHM, "shm")         \
    X(METRICS, "metrics") \
    X(ADMIN, "admin")

#define SCOPE_BIT_ENUM(symbol, name) SCOPE_BIT_##symbol,
enum scope_bit { SCOPE_MAP(SCOPE_BIT_ENUM) SCOPE_N };
#undef SCOPE_BIT_ENUM

/* A set of them is an unsigned. */
#define SCOPE_ENUM(symbol, name) SCOPE_##symbol = 1u << SCOPE_BIT_##symbol,
enum scope { SCOPE_MAP(SCOPE_ENUM) SCOPE_NONE = 0, SCOPE_ANY = (1u << SCOPE_N) - 1 };
#undef SCOPE_ENUM

#define SCOPE_TEXT_BYTES 64

/* "score,read" to a set. false for an unknown name, and for none at all. */
bool scope_parse(const char *text, unsigned *ret_scopes);

/* A set as names with separator between them; text [SCOPE_TEXT_BYTES] */
void scope_print(unsigned scopes, const char *separator, char *text);

#endif
