/* config_environment.c - the configuration from OVERLAPD_SECTION_KEY variables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_environment.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char prefix[] = "OVERLAPD_";

/* "LISTEN_UNIX_MODE" is section listen, key unix_mode. */
static bool is_name_of(const struct config_key *key, const char *name, size_t n)
{
    char wanted[64];
    int length = snprintf(wanted, sizeof(wanted), "%s_%s", key->section, key->name);

    if (length < 0 || (size_t)length != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (toupper((unsigned char)wanted[i]) != name[i])
            return false;
    }
    return true;
}

static const struct config_key *find(const char *name, size_t n)
{
    size_t n_keys;
    const struct config_key *keys = config_keys(&n_keys);

    for (size_t i = 0; i < n_keys; i++) {
        if (is_name_of(&keys[i], name, n))
            return &keys[i];
    }
    return NULL;
}

/* Others' variables may begin like ours: Kubernetes sets OVERLAPD_PORT for a service overlapd. */
static bool is_ours(const char *name, size_t n)
{
    size_t n_keys;
    const struct config_key *keys = config_keys(&n_keys);

    for (size_t i = 0; i < n_keys; i++) {
        size_t n_section = strlen(keys[i].section);

        if (n > n_section && name[n_section] == '_' &&
            strncasecmp(name, keys[i].section, n_section) == 0)
            return true;
    }
    return false;
}

static bool take(struct config *config, const char *variable, struct config_error *reterr)
{
    const char *name = variable + sizeof(prefix) - 1;
    size_t n = strcspn(name, "=");
    const struct config_key *key = find(name, n);
    struct config_error error = {""};

    if (key == NULL && !is_ours(name, n))
        return true;
    if (key == NULL)
        return config_fail(reterr, "environment: unknown variable %s%.*s", prefix, (int)n, name);
    if (!config_set(config, key, name + n + (name[n] == '='), &error))
        return config_fail(reterr, "environment: %s%.*s: %s", prefix, (int)n, name, error.text);
    return true;
}

bool config_environment_load(struct config *config, char *const *variables,
                             struct config_error *reterr)
{
    for (; *variables != NULL; variables++) {
        if (strncmp(*variables, prefix, sizeof(prefix) - 1) == 0 &&
            !take(config, *variables, reterr))
            return false;
    }
    return true;
}
