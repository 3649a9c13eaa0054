/* main.c - overlapd, the command. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "daemon/backup.h"
#include "daemon/config_print.h"
#include "daemon/healthcheck.h"
#include "daemon/options.h"
#include "daemon/server.h"
#include "lib/overlap.h"

int main(int argc, char **argv)
{
    static struct config config; /* a worker that is busy may outlive this function */
    struct config_error error = {""};
    enum options_action action;

    (void)argc;
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
        return 0;
    case OPTIONS_HEALTHCHECK:
        return healthcheck_run(&config) ? 0 : 1;
    case OPTIONS_BACKUP:
        return backup_run(&config, options_backup_file(argv)) ? 0 : 1;
    default:
        return server_run(&config);
    }
}
