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

static json_t *value(const struct server *server, const struct config_key *key)
{
    uint64_t number = config_number(server->config, key);

    if (key->type == CONFIG_SECONDS && number % 1000 != 0)
        return json_real((double)number / 1000);
    if (key->type == CONFIG_SECONDS)
        number /= 1000;
    if (strcmp(key->name, "budget_bytes") == 0)
        number = memory_budget(); /* the key may say 0 */
    return json_integer((json_int_t)number);
}

/* A config section as an object; NULL where memory is out. */
static json_t *section(const struct server *server, const char *name)
{
    size_t n;
    const struct config_key *keys = config_keys(&n);
    json_t *json = json_object();
    bool ok = json != NULL;

    for (size_t i = 0; i < n && ok; i++) {
        if (strcmp(keys[i].section, name) == 0)
            ok = json_object_set_new(json, keys[i].name, value(server, &keys[i])) == 0;
    }
    if (ok)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *facts(const struct server *server)
{
    json_t *listeners = json_array();
    bool ok = listeners != NULL;

    for (size_t i = 0; i < server->n_listeners && ok; i++)
        ok = json_array_append_new(listeners, json_string(server->listeners[i].kind)) == 0;
    if (ok)
        return json_pack("{s:o, s:I}", "listeners", listeners, "workers",
                         (json_int_t)server->n_workers);
    json_decref(listeners);
    return NULL;
}

/* jansson refuses a NULL value, so that one failure is enough. */
char *info_text(const struct server *server, size_t *ret_bytes)
{
    json_t *json = info_json();
    char *text = NULL;

    if (json != NULL && json_object_set_new(json, "limits", section(server, "limits")) == 0 &&
        json_object_set_new(json, "timeouts", section(server, "timeouts")) == 0 &&
        json_object_set_new(json, "workers", section(server, "workers")) == 0 &&
        json_object_set_new(json, "server", facts(server)) == 0)
        text = json_print(json, ret_bytes);
    json_decref(json);
    return text;
}

bool info_handle(struct job *job)
{
    answer_fixed(&job->answer, MHD_HTTP_OK, "application/json", job->server->info,
                 job->server->info_bytes);
    return true;
}

bool info_openapi(struct job *job)
{
    size_t n_bytes = 0;
    const char *text = openapi_text(&n_bytes);

    answer_fixed(&job->answer, MHD_HTTP_OK, "application/yaml", text, n_bytes);
    return true;
}
