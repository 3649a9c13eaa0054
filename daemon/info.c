/* info.c - /v1/info and /openapi.yaml: what this daemon can do, and its limits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/info.h"

#include <jansson.h>
#include <microhttpd.h>
#include <string.h>

#include "daemon/job.h"
#include "daemon/memory.h"
#include "daemon/server.h"
#include "proto/json.h"

static json_t *value(const struct config *config, const struct config_key *key)
{
    uint64_t number = config_number(config, key);

    if (key->type == CONFIG_SECONDS && number % 1000 != 0)
        return json_real((double)number / 1000);
    if (key->type == CONFIG_SECONDS)
        number /= 1000;
    if (strcmp(key->name, "budget_bytes") == 0)
        number = memory_budget(); /* the key may say 0 */
    return json_integer((json_int_t)number);
}

/* A config section as an object. */
static json_t *section(const struct config *config, const char *name)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    json_t *json = json_object();

    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i].section, name) == 0)
            json_put(&json, keys[i].name, value(config, &keys[i]));
    }
    return json;
}

static json_t *facts(const struct server *server)
{
    json_t *listeners = json_array();

    for (size_t i = 0; i < server->n_listeners; i++) {
        const struct listener *listener = &server->listeners[i];

        json_push(&listeners, json_string(listener->is_tls ? "tls" : listener->kind));
    }
    return json_pack("{s:o, s:I}", "listeners", listeners, "workers",
                     (json_int_t)server->n_workers);
}

char *info_text(const struct server *server, const struct config *config, size_t *ret_bytes)
{
    static const char *const sections[] = {"limits", "timeouts", "workers"};
    json_t *json = info_json();
    char *text;

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
        json_put(&json, sections[i], section(config, sections[i]));
    json_put(&json, "server", facts(server));
    text = json != NULL ? json_print(json, ret_bytes) : NULL;
    json_decref(json);
    return text;
}

static bool refuse(struct job *job, const struct problem *problem)
{
    job_fail(job, problem);
    return true;
}

bool info_handle(struct job *job)
{
    struct problem problem = {0};

    if (!job_has_no_query(job, &problem))
        return refuse(job, &problem);
    answer_fixed(&job->answer, MHD_HTTP_OK, "application/json", job->settings->info,
                 job->settings->info_bytes);
    return true;
}

bool info_openapi(struct job *job)
{
    struct problem problem = {0};
    size_t n_bytes = 0;
    const char *text = openapi_text(&n_bytes);

    if (!job_has_no_query(job, &problem))
        return refuse(job, &problem);
    answer_fixed(&job->answer, MHD_HTTP_OK, "application/yaml", text, n_bytes);
    return true;
}
