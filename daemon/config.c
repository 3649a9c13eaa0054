/* config.c - the configuration: typed values, and the keys that set them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "daemon/address.h"
#include "daemon/origin.h"
#include "daemon/token_file.h"
#include "daemon/uid.h"
#include "daemon/words.h"

#define FIELD_TEXT(section, key)    section##_##key
#define FIELD_ENUM(section, key)    section##_##key
#define FIELD_UINT(section, key)    section##_##key
#define FIELD_BYTES(section, key)   section##_##key
#define FIELD_OCTAL(section, key)   section##_##key
#define FIELD_SECONDS(section, key) section##_##key##_ms

#define KEY(type, section, key, text, low, high, choices, help) \
    {CONFIG_##type, #section, #key,                             \
     text,          low,      high,                             \
     choices,       help,     offsetof(struct config, FIELD_##type(section, key))},
static const struct config_key keys[] = {CONFIG_MAP(KEY)};
#undef KEY

static const struct unit {
    char suffix;
    uint64_t factor;
} units[] = {{'T', TIB}, {'G', GIB}, {'M', MIB}, {'K', KIB}};

const struct config_key *config_keys(size_t *ret_n)
{
    *ret_n = sizeof(keys) / sizeof(keys[0]);
    return keys;
}

const struct config_key *config_find(const char *section, const char *name)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

bool config_has_section(const char *section)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i].section, section) == 0)
            return true;
    }
    return false;
}

bool config_fail(struct config_error *reterr, const char *format, ...)
{
    va_list arguments;

    if (reterr->text[0] != '\0')
        return false;
    va_start(arguments, format);
    vsnprintf(reterr->text, sizeof(reterr->text), format, arguments);
    va_end(arguments);
    return false;
}

static void *field(struct config *config, const struct config_key *key)
{
    return (char *)config + key->offset;
}

static const void *field_const(const struct config *config, const struct config_key *key)
{
    return (const char *)config + key->offset;
}

uint64_t config_number(const struct config *config, const struct config_key *key)
{
    uint64_t number;

    memcpy(&number, field_const(config, key), sizeof(number));
    return number;
}

/* Digits to a number; *text moves behind them. false for none, or for too many. */
static bool scan_digits(const char **text, unsigned base, uint64_t *ret_number)
{
    const char *at = *text;
    uint64_t number = 0;

    for (; *at >= '0' && *at < (char)('0' + base); at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (number > (UINT64_MAX - digit) / base)
            return false;
        number = number * base + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *ret_number = number;
    return true;
}

static bool scan_bytes(const char **text, uint64_t *ret_number)
{
    if (!scan_digits(text, 10, ret_number))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if ((**text & ~0x20) == units[i].suffix) {
            (*text)++;
            return !__builtin_mul_overflow(*ret_number, units[i].factor, ret_number);
        }
    }
    return true;
}

/* Seconds with up to three decimals, as milliseconds. */
static bool scan_seconds(const char **text, uint64_t *ret_ms)
{
    uint64_t scale = 1000;

    if (!scan_digits(text, 10, ret_ms) || __builtin_mul_overflow(*ret_ms, scale, ret_ms))
        return false;
    if (**text != '.')
        return true;
    for ((*text)++; **text >= '0' && **text <= '9' && scale > 1; (*text)++) {
        scale /= 10;
        *ret_ms += scale * (uint64_t)(**text - '0');
    }
    return scale < 1000;
}

static bool scan_number(enum config_type type, const char *text, uint64_t *ret_number)
{
    bool ok;

    if (type == CONFIG_BYTES)
        ok = scan_bytes(&text, ret_number);
    else if (type == CONFIG_SECONDS)
        ok = scan_seconds(&text, ret_number);
    else
        ok = scan_digits(&text, type == CONFIG_OCTAL ? 8 : 10, ret_number);
    return ok && *text == '\0';
}

static const char *type_text(enum config_type type)
{
    switch (type) {
    case CONFIG_BYTES:
        return "a size such as 65536, 64K, 256M or 1G";
    case CONFIG_SECONDS:
        return "a time in seconds such as 30 or 0.5";
    case CONFIG_OCTAL:
        return "an octal file mode such as 0660";
    default:
        return "a whole number";
    }
}

static void format_number(enum config_type type, uint64_t number, char *text, size_t cap)
{
    if (type == CONFIG_OCTAL) {
        snprintf(text, cap, "%04" PRIo64, number);
    } else if (type == CONFIG_SECONDS && number % 1000 != 0) {
        snprintf(text, cap, "%" PRIu64 ".%03" PRIu64, number / 1000, number % 1000);
    } else if (type == CONFIG_SECONDS) {
        snprintf(text, cap, "%" PRIu64, number / 1000);
    } else {
        char suffix[2] = "";

        for (size_t i = 0; type == CONFIG_BYTES && i < sizeof(units) / sizeof(units[0]); i++) {
            if (number != 0 && number % units[i].factor == 0 && suffix[0] == '\0') {
                number /= units[i].factor;
                suffix[0] = units[i].suffix;
            }
        }
        snprintf(text, cap, "%" PRIu64 "%s", number, suffix);
    }
}

static bool set_number(struct config *config, const struct config_key *key, const char *value,
                       struct config_error *reterr)
{
    char low[32];
    char high[32];
    uint64_t number = 0;

    if (!scan_number(key->type, value, &number))
        return config_fail(reterr, "%s.%s: '%s' is not %s", key->section, key->name, value,
                           type_text(key->type));
    if (number < key->low || number > key->high) {
        format_number(key->type, key->low, low, sizeof(low));
        format_number(key->type, key->high, high, sizeof(high));
        return config_fail(reterr, "%s.%s: %s is outside %s .. %s", key->section, key->name, value,
                           low, high);
    }
    memcpy(field(config, key), &number, sizeof(number));
    return true;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t n = strlen(value);

    if (n == 0 || strchr(value, '|') != NULL)
        return false;
    for (const char *at = choices; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, value, n) == 0 && (at[n] == '|' || at[n] == '\0'))
            return true;
    }
    return false;
}

/* A text must survive being printed as an INI line and read again. */
static bool is_plain(const char *value)
{
    size_t n = strlen(value);

    if (n > 0 && (value[0] == ' ' || value[n - 1] == ' '))
        return false;
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value < ' ' || *value == 0x7f || *value == ';')
            return false;
    }
    return true;
}

bool config_set(struct config *config, const struct config_key *key, const char *value,
                struct config_error *reterr)
{
    if (key->type != CONFIG_TEXT && key->type != CONFIG_ENUM)
        return set_number(config, key, value, reterr);
    if (key->type == CONFIG_ENUM && !is_choice(key->choices, value))
        return config_fail(reterr, "%s.%s: '%s' is not one of %s", key->section, key->name, value,
                           key->choices);
    if (strlen(value) >= CONFIG_TEXT_BYTES)
        return config_fail(reterr, "%s.%s: longer than %d bytes", key->section, key->name,
                           CONFIG_TEXT_BYTES - 1);
    if (!is_plain(value))
        return config_fail(reterr,
                           "%s.%s: ';', control characters and blanks at an end are not allowed",
                           key->section, key->name);
    snprintf(field(config, key), CONFIG_TEXT_BYTES, "%s", value);
    return true;
}

void config_format(const struct config *config, const struct config_key *key, char *text,
                   size_t cap)
{
    if (key->type == CONFIG_TEXT || key->type == CONFIG_ENUM)
        snprintf(text, cap, "%s", (const char *)field_const(config, key));
    else
        format_number(key->type, config_number(config, key), text, cap);
}

void config_init(struct config *config)
{
    struct config_error error = {""};

    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        config_set(config, &keys[i], keys[i].text, &error);
}

bool config_check_open(const struct config *config, const char *where, struct config_error *reterr)
{
    char path[PATH_MAX];

    return strcmp(config->auth_mode, "none") == 0 || token_file_find(config, path) ||
           config_fail(reterr,
                       "listen.tcp: %s is open to other machines, and there are no tokens; give "
                       "auth.tokens_file, or write auth.mode = none if that is wanted",
                       where);
}

static bool check_lists(const struct config *config, struct config_error *reterr)
{
    if (!words_are_ids(config->auth_unix_uids))
        return config_fail(reterr, "auth.unix_uids: '%s' are not user ids in numbers",
                           config->auth_unix_uids);
    if (!words_are_ids(config->auth_unix_gids))
        return config_fail(reterr, "auth.unix_gids: '%s' are not group ids in numbers",
                           config->auth_unix_gids);
    if (!origin_are_valid(config->http_cors_origins))
        return config_fail(reterr,
                           "http.cors_origins: '%s' are not like https://a.example:8443, in lower "
                           "case and without a path",
                           config->http_cors_origins);
    return true;
}

static bool check_tcp(const struct config *config, struct config_error *reterr)
{
    struct address address;

    if (config->listen_tcp[0] == '\0')
        return true;
    if (!address_parse(config->listen_tcp, &address))
        return config_fail(reterr, "listen.tcp: '%s' is not like 127.0.0.1:8040 or [::1]:8040",
                           config->listen_tcp);
    return address_is_loopback(&address) || config_check_open(config, config->listen_tcp, reterr);
}

bool config_check(const struct config *config, struct config_error *reterr)
{
    if (config->listen_tcp[0] == '\0' && config->listen_unix[0] == '\0')
        return config_fail(reterr, "listen.tcp and listen.unix are both empty");
    if (!address_fits_unix(config->listen_unix))
        return config_fail(reterr, "listen.unix: the path is longer than a Unix socket's may be");
    if (!address_fits_unix(config->listen_fd))
        return config_fail(reterr, "listen.fd: the path is longer than a Unix socket's may be");
    if (config->listen_fd[0] != '\0' && strcmp(config->shm_enabled, "yes") != 0)
        return config_fail(reterr, "listen.fd needs shm.enabled = yes");
    if ((config->listen_tls_cert[0] == '\0') != (config->listen_tls_key[0] == '\0'))
        return config_fail(reterr, "listen.tls_cert and listen.tls_key need each other");
    if (!uid_is_list(config->shm_uids))
        return config_fail(reterr, "shm.uids: '%s' is not a list of user numbers, self and any",
                           config->shm_uids);
    return check_lists(config, reterr) && check_tcp(config, reterr);
}
