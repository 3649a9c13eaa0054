/* reload.c - new settings for a daemon that runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reload.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/info.h"
#include "daemon/listeners.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/server.h"
#include "daemon/status.h"

/*
 * Sections, and keys of others, that are taken over; "!" leaves a key out. libmicrohttpd gets its
 * limits of heads and connections and its backup timeout when a listener starts; the budget is
 * shared out and the store opened then.
 */
static const char *const taken[] = {
    "auth",
    "http",
    "limits",
    "!limits.head_bytes",
    "!limits.connections",
    "!limits.budget_bytes",
    "!limits.connections_per_address",
    "!limits.runs",
    "!limits.run_cases",
    "log",
    "timeouts.queue",
    "timeouts.worker",
    "timeouts.drain",
    "timeouts.drain_delay",
};

bool reload_takes(const struct config_key *key)
{
    char name[64];
    bool takes = false;

    snprintf(name, sizeof(name), "%s.%s", key->section, key->name);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (taken[i][0] == '!' && strcmp(taken[i] + 1, name) == 0)
            return false;
        takes = takes || strcmp(taken[i], name) == 0 || strcmp(taken[i], key->section) == 0;
    }
    return takes;
}

static bool differs(const struct config *a, const struct config *b, const struct config_key *key,
                    char *before, char *after)
{
    config_format(a, key, before, CONFIG_TEXT_BYTES);
    config_format(b, key, after, CONFIG_TEXT_BYTES);
    return strcmp(before, after) != 0;
}

/* What is in force, with those keys of read that a reload takes. */
static bool merge(const struct config *now, const struct config *read, struct config *ret_config,
                  struct config_error *reterr)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    char before[CONFIG_TEXT_BYTES];
    char after[CONFIG_TEXT_BYTES];

    *ret_config = *now;
    for (size_t i = 0; i < n; i++) {
        if (reload_takes(&keys[i]) && differs(now, read, &keys[i], before, after) &&
            !config_set(ret_config, &keys[i], after, reterr))
            return false;
    }
    return true;
}

static void report(const struct config *before, const struct config *read)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);

    for (size_t i = 0; i < n; i++) {
        char name[64];
        char old[CONFIG_TEXT_BYTES];
        char new[CONFIG_TEXT_BYTES];
        bool takes = reload_takes(&keys[i]);

        if (!differs(before, read, &keys[i], old, new))
            continue;
        snprintf(name, sizeof(name), "%s.%s", keys[i].section, keys[i].name);
        if (takes)
            log_event(LOG_LEVEL_INFO, "reloaded", LOG_TEXT("key", name), LOG_TEXT("from", old),
                      LOG_TEXT("to", new));
        else
            log_event(LOG_LEVEL_WARN, "restart-needed", LOG_TEXT("key", name),
                      LOG_TEXT("in_force", old), LOG_TEXT("wanted", new));
    }
}

/* Of the configuration as read, what it comes to here. NULL for failure. */
static struct settings *make(const struct server *server, const struct config *read,
                             struct config_error *reterr)
{
    struct config merged;
    struct settings *settings;

    if (!merge(server->config, read, &merged, reterr))
        return NULL;
    settings = settings_new(&merged, reterr);
    if (settings == NULL)
        return NULL;
    settings->info = info_text(server, &merged, &settings->info_bytes);
    if (settings->info == NULL)
        config_fail(reterr, "out of memory");
    if (settings->info != NULL && listeners_are_allowed(server, settings, reterr))
        return settings;
    settings_release(settings);
    return NULL;
}

static bool replace(struct server *server, struct config_error *reterr)
{
    struct config read;
    enum options_action action;
    struct settings *before = server->settings;
    struct settings *after;

    if (!options_parse(server->arguments, server->variables, &read, &action, reterr))
        return false;
    after = make(server, &read, reterr);
    if (after == NULL)
        return false;
    report(&before->config, &read);
    server_use(server, after);
    log_event(LOG_LEVEL_INFO, "reload", LOG_UINT("tokens", after->tokens.n),
              LOG_UINT("tokens_before", before->tokens.n));
    settings_release(before);
    log_set_format(after->config.log_format);
    settings_log_certificate(after);
    log_set_level(after->config.log_level); /* last, for these lines may not be lost to it */
    return true;
}

void reload_run(struct server *server)
{
    struct config_error error = {""};
    char state[128];

    if (server->state != SERVER_SERVING)
        return;
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", clock_ns() / 1000);
    notify_send(state);
    if (replace(server, &error)) {
        status_say_listening("READY=1\n", server);
        return;
    }
    log_event(LOG_LEVEL_ERROR, "reload-failed", LOG_TEXT("reason", error.text));
    status_say("READY=1\n", "the reload failed: %s", error.text);
}
