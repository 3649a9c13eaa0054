/* test_reload.c - which keys a reload takes, all of them listed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/reload.h"

static const char *const takes[] = {
    "limits.body_bytes",
    "limits.decoded_bytes",
    "limits.voxels",
    "limits.labels",
    "limits.confusion_labels",
    "limits.regions",
    "limits.request_bytes",
    "limits.json_depth",
    "limits.json_values",
    "limits.parts",
    "limits.part_header_bytes",
    "limits.overlay_pixels",
    "limits.overlay_slices",
    "limits.polls",
    "limits.waiting",
    "limits.share",
    "timeouts.queue",
    "timeouts.worker",
    "timeouts.drain_delay",
    "timeouts.drain",
    "auth.mode",
    "auth.tokens_file",
    "auth.failures",
    "auth.unix_uids",
    "auth.unix_gids",
    "http.allowed_hosts",
    "http.cors_origins",
    "log.level",
    "log.format",
    "log.access",
};

static bool is_listed(const struct config_key *key)
{
    char name[64];

    snprintf(name, sizeof(name), "%s.%s", key->section, key->name);
    for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
        if (strcmp(takes[i], name) == 0)
            return true;
    }
    return false;
}

static void a_reload_takes_these_keys_and_no_other(void **state)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        if (reload_takes(&keys[i]) != is_listed(&keys[i]))
            fail_msg("%s.%s", keys[i].section, keys[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_takes_these_keys_and_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
