/* route.c - the paths that are answered. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/route.h"

#include <stdio.h>
#include <string.h>

#include "daemon/info.h"
#include "daemon/probe.h"
#include "daemon/shm.h"
#include "daemon/stats.h"
#include "daemon/work.h"

static const struct route routes[] = {
    {"POST", "/v1/score", work_check, work_begin},  {"GET", "/v1/shm", NULL, shm_list},
    {"PUT", "/v1/shm/{name}", shm_check, shm_put},  {"GET", "/v1/shm/{name}", NULL, shm_get},
    {"DELETE", "/v1/shm/{name}", NULL, shm_delete}, {"GET", "/v1/info", NULL, info_handle},
    {"GET", "/openapi.yaml", NULL, info_openapi},   {"GET", "/livez", NULL, probe_livez},
    {"GET", "/readyz", NULL, probe_readyz},         {"GET", "/metrics", NULL, stats_handle},
};

#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

const struct route *route_list(size_t *ret_n)
{
    *ret_n = N_ROUTES;
    return routes;
}

/* Part by part, a part being what stands between two slashes. */
static bool matches(const char *pattern, const char *path, struct route_values *ret_values)
{
    struct route_values values = {.n = 0};

    while (*pattern != '\0' && *path != '\0') {
        size_t n_pattern = strcspn(pattern + 1, "/") + 1;
        size_t n_path = strcspn(path + 1, "/") + 1;

        if (pattern[1] == '{' && path[0] == '/' && n_path > 1 && values.n < ROUTE_MAX_VALUES)
            values.list[values.n++] = (struct route_value){path + 1, n_path - 1};
        else if (n_pattern != n_path || memcmp(pattern, path, n_path) != 0)
            return false;
        pattern += n_pattern;
        path += n_path;
    }
    if (ret_values != NULL)
        *ret_values = values;
    return *pattern == *path;
}

const struct route *route_find(const char *method, const char *path,
                               struct route_values *ret_values, bool *ret_known)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

    *ret_known = strcmp(path, "*") == 0 && strcmp(method, "OPTIONS") == 0;
    for (size_t i = 0; i < N_ROUTES; i++) {
        if (!matches(routes[i].path, path, ret_values))
            continue;
        *ret_known = true;
        if (strcmp(routes[i].method, wanted) == 0)
            return &routes[i];
    }
    return NULL;
}

void route_allow(const char *path, char *text, size_t cap)
{
    size_t n = 0;

    if (strcmp(path, "*") == 0)
        n = (size_t)snprintf(text, cap, "GET, HEAD, POST, PUT, DELETE, ");
    for (size_t i = 0; i < N_ROUTES; i++) {
        if (matches(routes[i].path, path, NULL))
            n += (size_t)snprintf(text + n, cap - n, "%s, %s", routes[i].method,
                                  strcmp(routes[i].method, "GET") == 0 ? "HEAD, " : "");
    }
    snprintf(text + n, cap - n, "OPTIONS");
}
