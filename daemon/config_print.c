/* config_print.c - the configuration as a file, and its keys as help. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_print.h"

#include <string.h>

static const char *type_name(enum config_type type)
{
    switch (type) {
    case CONFIG_BYTES:
        return "SIZE";
    case CONFIG_SECONDS:
        return "SECONDS";
    case CONFIG_OCTAL:
        return "MODE";
    case CONFIG_UINT:
        return "NUMBER";
    default:
        return "TEXT";
    }
}

/* "seconds, 0.010 .. 3600, default 10" */
static void describe(FILE *out, const struct config_key *key)
{
    struct config bound;
    char low[CONFIG_TEXT_BYTES];
    char high[CONFIG_TEXT_BYTES];

    if (key->type == CONFIG_ENUM) {
        fprintf(out, "%s; default %s", key->choices, key->text);
    } else if (key->type == CONFIG_TEXT) {
        fprintf(out, "text; default %s", key->text[0] != '\0' ? key->text : "empty");
    } else {
        memcpy((char *)&bound + key->offset, &key->low, sizeof(key->low));
        config_format(&bound, key, low, sizeof(low));
        memcpy((char *)&bound + key->offset, &key->high, sizeof(key->high));
        config_format(&bound, key, high, sizeof(high));
        fprintf(out, "%s .. %s%s; default %s", low, high,
                key->type == CONFIG_SECONDS ? " seconds" : "", key->text);
    }
}

void config_print(FILE *out, const struct config *config)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    const char *section = "";
    char value[CONFIG_TEXT_BYTES];

    fputs("# overlapd.conf - the configuration of overlapd, every key.\n"
          "# Precedence: --section.key=value, then OVERLAPD_SECTION_KEY, then this file.\n"
          "# Sizes take K, M, G, T (powers of 1024); times are seconds.\n",
          out);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(section, keys[i].section) != 0)
            fprintf(out, "\n[%s]\n", keys[i].section);
        section = keys[i].section;
        config_format(config, &keys[i], value, sizeof(value));
        fprintf(out, "# %s (", keys[i].help);
        describe(out, &keys[i]);
        fprintf(out, ")\n%s =%s%s\n", keys[i].name, value[0] != '\0' ? " " : "", value);
    }
}

void config_print_help(FILE *out)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);

    for (size_t i = 0; i < n; i++) {
        fprintf(out, "  --%s.%s=%s\n        %s (", keys[i].section, keys[i].name,
                type_name(keys[i].type), keys[i].help);
        describe(out, &keys[i]);
        fputs(")\n", out);
    }
}
