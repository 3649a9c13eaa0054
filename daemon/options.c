/* options.c - the command line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <string.h>

#include "daemon/config_environment.h"
#include "daemon/config_file.h"
#include "daemon/config_print.h"

static const struct action {
    const char *name;
    enum options_action action;
    const char *help;
} actions[] = {
    {"--help", OPTIONS_HELP, "print this and exit"},
    {"--version", OPTIONS_VERSION, "print the version and exit"},
    {"--print-config", OPTIONS_PRINT_CONFIG,
     "print the configuration in effect as a file and exit"},
    {"--check-config", OPTIONS_CHECK_CONFIG, "exit with 0 where the configuration is good, else 2"},
    {"--healthcheck", OPTIONS_HEALTHCHECK,
     "ask the daemon that runs with this configuration: 0, 1"},
};

static const struct action *find_action(const char *argument)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].name, argument) == 0)
            return &actions[i];
    }
    return NULL;
}

/* "--section.key=value" */
static bool set_key(struct config *config, const char *argument, struct config_error *reterr)
{
    char section[64];
    char name[64];
    int n = 0;
    const struct config_key *key = NULL;

    if (sscanf(argument, "--%63[^.=].%63[^=]%n", section, name, &n) == 2)
        key = config_find(section, name);
    if (strcmp(argument, "backup") == 0)
        return config_fail(reterr, "backup comes first, and then a file name");
    if (key == NULL)
        return config_fail(reterr, "unknown option %s; --help lists them", argument);
    if (argument[n] != '=')
        return config_fail(reterr, "%s needs a value: %s=...", argument, argument);
    return config_set(config, key, argument + n + 1, reterr);
}

const char *options_backup_file(char *const *arguments)
{
    bool is_backup =
        arguments[0] != NULL && arguments[1] != NULL && strcmp(arguments[1], "backup") == 0;

    return is_backup ? arguments[2] : NULL;
}

static size_t first_option(char *const *arguments)
{
    return options_backup_file(arguments) != NULL ? 3 : 1;
}

/* The file comes first although its name may stand anywhere: whether arguments[*i] is one. */
static bool is_file(char *const *arguments, size_t *i, const char **ret_path)
{
    if (strncmp(arguments[*i], "--config=", 9) == 0) {
        *ret_path = arguments[*i] + 9;
        return true;
    }
    if (strcmp(arguments[*i], "--config") != 0)
        return false;
    *ret_path = arguments[*i + 1];
    *i += arguments[*i + 1] != NULL;
    return true;
}

static bool load_files(char *const *arguments, struct config *config, struct config_error *reterr)
{
    const char *path;

    for (size_t i = first_option(arguments); arguments[0] != NULL && arguments[i] != NULL; i++) {
        if (!is_file(arguments, &i, &path))
            continue;
        if (path == NULL)
            return config_fail(reterr, "--config needs a file name");
        if (!config_file_load(config, path, reterr))
            return false;
    }
    return true;
}

static bool set_keys(char *const *arguments, struct config *config, enum options_action *ret_action,
                     struct config_error *reterr)
{
    const struct action *action;
    const char *path;

    for (size_t i = first_option(arguments); arguments[0] != NULL && arguments[i] != NULL; i++) {
        if (is_file(arguments, &i, &path))
            continue;
        action = find_action(arguments[i]);
        if (action != NULL)
            *ret_action = action->action;
        else if (!set_key(config, arguments[i], reterr))
            return false;
    }
    return true;
}

/* These two work whatever else is said. */
static bool find_early(char *const *arguments, enum options_action *ret_action)
{
    const struct action *action;
    const char *path;

    for (size_t i = first_option(arguments); arguments[0] != NULL && arguments[i] != NULL; i++) {
        if (is_file(arguments, &i, &path))
            continue;
        action = find_action(arguments[i]);
        if (action == NULL || (action->action != OPTIONS_HELP && action->action != OPTIONS_VERSION))
            continue;
        *ret_action = action->action;
        return true;
    }
    return false;
}

static bool set_backup(char *const *arguments, const struct config *config,
                       enum options_action *ret_action, struct config_error *reterr)
{
    if (options_backup_file(arguments) == NULL)
        return true;
    *ret_action = OPTIONS_BACKUP;
    return config->store_path[0] != '\0' ||
           config_fail(reterr, "backup: store.path is empty, so there is nothing to copy");
}

bool options_parse(char *const *arguments, char *const *variables, struct config *ret_config,
                   enum options_action *ret_action, struct config_error *reterr)
{
    *ret_action = OPTIONS_RUN;
    config_init(ret_config);
    if (find_early(arguments, ret_action))
        return true;
    return load_files(arguments, ret_config, reterr) &&
           config_environment_load(ret_config, variables, reterr) &&
           set_keys(arguments, ret_config, ret_action, reterr) &&
           config_check(ret_config, reterr) &&
           set_backup(arguments, ret_config, ret_action, reterr);
}

void options_help(FILE *out)
{
    fputs("overlapd [--config FILE] [--section.key=value ...]: scores segmentation masks\n"
          "overlapd token new --scope SCOPE[,SCOPE...] [...]: makes a token\n"
          "overlapd backup FILE [...]: copies the store, whether a daemon uses it or not\n\n"
          "  --config FILE\n        read the configuration from an INI file\n",
          out);
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        fprintf(out, "  %s\n        %s\n", actions[i].name, actions[i].help);
    fputs("\nEach key can also be set as OVERLAPD_SECTION_KEY; the command line wins.\n\n", out);
    config_print_help(out);
}
