/* words.c - lists in the configuration: words with commas or blanks between them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/words.h"

#include <string.h>
#include <strings.h>

#define SEPARATORS ", \t"

bool words_next(const char **list, const char **ret_word, size_t *ret_bytes)
{
    const char *word = *list + strspn(*list, SEPARATORS);
    size_t n = strcspn(word, SEPARATORS);

    if (n == 0)
        return false;
    *list = word + n;
    *ret_word = word;
    *ret_bytes = n;
    return true;
}

bool words_have(const char *list, const char *word)
{
    const char *at;
    size_t n;

    while (words_next(&list, &at, &n)) {
        if (n == strlen(word) && strncasecmp(at, word, n) == 0)
            return true;
    }
    return false;
}

static bool parse_id(const char *word, size_t n, uint32_t *ret_id)
{
    uint64_t id = 0;

    for (size_t i = 0; i < n; i++) {
        if (word[i] < '0' || word[i] > '9' || id >= UINT32_MAX)
            return false;
        id = id * 10 + (uint64_t)(word[i] - '0');
    }
    *ret_id = (uint32_t)id;
    return id < UINT32_MAX;
}

bool words_are_ids(const char *list)
{
    const char *word;
    size_t n;
    uint32_t id;

    while (words_next(&list, &word, &n)) {
        if (!parse_id(word, n, &id))
            return false;
    }
    return true;
}

bool words_have_id(const char *list, uint32_t id)
{
    const char *word;
    size_t n;
    uint32_t one;

    while (words_next(&list, &word, &n)) {
        if (parse_id(word, n, &one) && one == id)
            return true;
    }
    return false;
}
