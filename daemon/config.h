/* config.h - the configuration: typed values, and the keys that set them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/config_keys.h"

/* With its key a text must fit a line of inih's, 200 bytes: what is printed can be read. */
#define CONFIG_TEXT_BYTES 176

#define CONFIG_FIELD_TEXT(section, key)    char section##_##key[CONFIG_TEXT_BYTES];
#define CONFIG_FIELD_ENUM(section, key)    char section##_##key[CONFIG_TEXT_BYTES];
#define CONFIG_FIELD_UINT(section, key)    uint64_t section##_##key;
#define CONFIG_FIELD_BYTES(section, key)   uint64_t section##_##key;
#define CONFIG_FIELD_OCTAL(section, key)   uint64_t section##_##key;
#define CONFIG_FIELD_SECONDS(section, key) uint64_t section##_##key##_ms;

/* A field per key: limits_body_bytes, timeouts_header_ms, log_level, ... */
struct config {
#define CONFIG_FIELD(type, section, key, text, low, high, choices, help) \
    CONFIG_FIELD_##type(section, key)
    CONFIG_MAP(CONFIG_FIELD)
#undef CONFIG_FIELD
};

enum config_type {
    CONFIG_TEXT,
    CONFIG_ENUM,
    CONFIG_UINT,
    CONFIG_BYTES,
    CONFIG_OCTAL,
    CONFIG_SECONDS
};

#define CONFIG_INDEX(type, section, key, text, low, high, choices, help) \
    CONFIG_INDEX_##section##_##key,
enum { CONFIG_MAP(CONFIG_INDEX) CONFIG_N_KEYS };
#undef CONFIG_INDEX

struct config_key {
    enum config_type type;
    const char *section;
    const char *name;
    const char *text; /* default */
    uint64_t low;
    uint64_t high;
    const char *choices; /* "a|b|c" */
    const char *help;
    size_t offset; /* of the field in struct config */
};

/* What is wrong, as one line for the user. The first error wins. */
struct config_error {
    char text[512];
};

const struct config_key *config_keys(size_t *ret_n);
const struct config_key *config_find(const char *section, const char *name); /* NULL for none */
bool config_has_section(const char *section);

void config_init(struct config *config); /* defaults */

/* Parse a value into its field, which is untouched on failure. */
bool config_set(struct config *config, const struct config_key *key, const char *value,
                struct config_error *reterr);

/* What no single key can tell: addresses, and listeners that must not be open to all. */
bool config_check(const struct config *config, struct config_error *reterr);

/* Whether a TCP address that others reach may be listened on: only with tokens, or auth.mode none.
 */
bool config_check_open(const struct config *config, const char *where, struct config_error *reterr);

/* A value as config_set takes it. */
void config_format(const struct config *config, const struct config_key *key, char *text,
                   size_t cap);
/* A value that is not TEXT or ENUM. */
uint64_t config_number(const struct config *config, const struct config_key *key);

/* Returns false, so that callers can return it. */
bool config_fail(struct config_error *reterr, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
