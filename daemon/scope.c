/* scope.c - what a token is for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/scope.h"

#include <stdio.h>
#include <string.h>

#include "daemon/words.h"

#define SCOPE_NAME(symbol, name) name,
static const char *const names[SCOPE_N] = {SCOPE_MAP(SCOPE_NAME)};
#undef SCOPE_NAME

static unsigned find(const char *word, size_t n)
{
    for (size_t i = 0; i < SCOPE_N; i++) {
        if (strlen(names[i]) == n && memcmp(names[i], word, n) == 0)
            return 1u << i;
    }
    return SCOPE_NONE;
}

bool scope_parse(const char *text, unsigned *ret_scopes)
{
    unsigned scopes = SCOPE_NONE;
    const char *word;
    size_t n;

    while (words_next(&text, &word, &n)) {
        unsigned scope = find(word, n);

        if (scope == SCOPE_NONE)
            return false;
        scopes |= scope;
    }
    if (scopes == SCOPE_NONE)
        return false;
    *ret_scopes = scopes;
    return true;
}

void scope_print(unsigned scopes, const char *separator, char *text)
{
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < SCOPE_N; i++) {
        if ((scopes & 1u << i) != 0)
            n += (size_t)snprintf(text + n, SCOPE_TEXT_BYTES - n, "%s%s", n > 0 ? separator : "",
                                  names[i]);
    }
}
