/* words.h - lists in the configuration: words with commas or blanks between them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_WORDS_H
#define DAEMON_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next word, which is not NUL-terminated; *list moves behind it. false where none is left. */
bool words_next(const char **list, const char **ret_word, size_t *ret_bytes);

/* Whether the list has the word, ASCII letters of either case being the same. */
bool words_have(const char *list, const char *word);

/* For lists of numbers below 2^32 - 1, as user ids are. */
bool words_are_ids(const char *list);
bool words_have_id(const char *list, uint32_t id);

#endif
