/* settings.c - what a request goes by: configuration, limits, tokens; replaced whole by a reload.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "daemon/clock.h"
#include "daemon/crew.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/token_file.h"

size_t settings_threads(const struct config *config)
{
    uint64_t n = config->workers_threads;

    return n != 0 ? (size_t)n : uv_available_parallelism();
}

static struct env make_env(const struct config *config)
{
    return (struct env){
        .limits = {.body_bytes = config->limits_body_bytes,
                   .decoded_bytes = config->limits_decoded_bytes,
                   .voxels = config->limits_voxels,
                   .labels = config->limits_labels,
                   .confusion_labels = config->limits_confusion_labels,
                   .regions = config->limits_regions,
                   .request_bytes = config->limits_request_bytes,
                   .json_depth = config->limits_json_depth,
                   .json_values = config->limits_json_values,
                   .part_header_bytes = config->limits_part_header_bytes,
                   .overlay_pixels = config->limits_overlay_pixels,
                   .overlay_slices = config->limits_overlay_slices,
                   .parts = config->limits_parts},
        .budget_bytes = memory_budget(),
        .now_ns = clock_ns,
        .memory_take = memory_take,
        .memory_give = memory_give,
        .each = crew_each,
        .n_threads = settings_threads(config),
    };
}

static bool fill(struct settings *settings, struct config_error *reterr)
{
    const struct config *config = &settings->config;
    char path[PATH_MAX];

    settings->env = make_env(config);
    if (uv_random(NULL, NULL, &settings->env.hash_seed, sizeof(settings->env.hash_seed), 0, NULL) !=
        0)
        return config_fail(reterr, "no random numbers");
    if (config->listen_tls_cert[0] != '\0' && (settings->tls = tls_new(config, reterr)) == NULL)
        return false;
    if (strcmp(config->auth_mode, "none") == 0 || !token_file_find(config, path))
        return true;
    settings->has_tokens = true;
    return token_file_load(config, &settings->tokens, reterr);
}

struct settings *settings_new(const struct config *config, struct config_error *reterr)
{
    struct settings *settings = calloc(1, sizeof(*settings));

    if (settings == NULL) {
        config_fail(reterr, "out of memory");
        return NULL;
    }
    settings->n_holders = 1;
    settings->config = *config;
    if (fill(settings, reterr))
        return settings;
    settings_release(settings);
    return NULL;
}

const char *settings_fault(const struct settings *settings)
{
    return settings->tls != NULL ? tls_fault(settings->tls, time(NULL)) : NULL;
}

void settings_log_certificate(const struct settings *settings)
{
    const char *fault = settings_fault(settings);
    char ends[TLS_TIME_BYTES];

    if (settings->tls == NULL)
        return;
    tls_print_expiry(settings->tls, ends);
    log_event(fault != NULL ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "certificate",
              LOG_TEXT("file", settings->config.listen_tls_cert), LOG_TEXT("ends", ends),
              LOG_TEXT("reason", fault));
}

struct settings *settings_hold(struct settings *settings)
{
    settings->n_holders++;
    return settings;
}

void settings_release(struct settings *settings)
{
    if (settings == NULL || --settings->n_holders > 0)
        return;
    tokens_done(&settings->tokens);
    tls_release(settings->tls);
    free(settings->info);
    free(settings);
}
