/* main.c - overlapd, the command. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "daemon/backup.h"
#include "daemon/config_print.h"
#include "daemon/healthcheck.h"
#include "daemon/options.h"
#include "daemon/server.h"
#include "daemon/token_command.h"
#include "lib/overlap.h"

/* What can be read has been; this reads the tokens and the certificate. */
static int check(const struct config *config)
{
    struct config_error error = {""};
    struct settings *settings = settings_new(config, &error);

    const char *fault = settings != NULL ? settings_fault(settings) : NULL;

    if (settings == NULL)
        fprintf(stderr, "overlapd: %s\n", error.text);
    if (fault != NULL)
        fprintf(stderr, "overlapd: warning: %s: %s\n", config->listen_tls_cert, fault);
    settings_release(settings);
    return settings != NULL ? 0 : 2;
}

int main(int argc, char **argv)
{
    struct config config;
    struct config_error error = {""};
    enum options_action action;

    if (argc > 1 && strcmp(argv[1], "token") == 0)
        return token_command_run(argv + 2);
    if (!options_parse(argv, environ, &config, &action, &error)) {
        fprintf(stderr, "overlapd: %s\n", error.text);
        return 2;
    }
    switch (action) {
    case OPTIONS_HELP:
        options_help(stdout);
        return 0;
    case OPTIONS_VERSION:
        printf("overlapd %s\n", ov_version());
        return 0;
    case OPTIONS_PRINT_CONFIG:
        config_print(stdout, &config);
        return 0;
    case OPTIONS_CHECK_CONFIG:
        return check(&config);
    case OPTIONS_HEALTHCHECK:
        return healthcheck_run(&config) ? 0 : 1;
    case OPTIONS_BACKUP:
        return backup_run(&config, options_backup_file(argv)) ? 0 : 1;
    default:
        return server_run(&config, argv, environ);
    }
}
