/* route.c - the paths that are answered. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/route.h"

#include <stdio.h>
#include <string.h>

#include "daemon/dashboard.h"
#include "daemon/info.h"
#include "daemon/keep.h"
#include "daemon/loss.h"
#include "daemon/probe.h"
#include "daemon/run.h"
#include "daemon/scope.h"
#include "daemon/shm.h"
#include "daemon/stats.h"
#include "daemon/work.h"

static const struct route routes[] = {
    {"POST", "/v1/score", SCOPE_SCORE, work_check, work_begin},
    {"POST", "/v1/loss", SCOPE_SCORE, loss_check_job, loss_begin},
    {"GET", "/v1/info", SCOPE_ANY, NULL, info_handle},
    {"GET", "/openapi.yaml", SCOPE_ANY, NULL, info_openapi},
    {"GET", "/", SCOPE_NONE, NULL, dashboard_page},
    {"GET", "/dashboard/{file}", SCOPE_NONE, NULL, dashboard_file},
    {"GET", "/livez", SCOPE_NONE, NULL, probe_livez},
    {"GET", "/readyz", SCOPE_NONE, NULL, probe_readyz},
    {"GET", "/metrics", SCOPE_METRICS, NULL, stats_handle},
    {"GET", "/v1/shm", SCOPE_SHM, NULL, shm_list},
    {"GET", "/v1/shm/{name}", SCOPE_SHM, NULL, shm_get},
    {"PUT", "/v1/shm/{name}", SCOPE_SHM, shm_check, shm_put},
    {"DELETE", "/v1/shm/{name}", SCOPE_SHM, NULL, shm_delete},
    {"GET", "/v1/runs", SCOPE_READ, NULL, run_list},
    {"GET", "/v1/runs/{run}", SCOPE_READ, NULL, run_summary},
    {"PUT", "/v1/runs/{run}", SCOPE_WRITE, keep_check_info, keep_info},
    {"DELETE", "/v1/runs/{run}", SCOPE_WRITE, NULL, keep_forget_run},
    {"GET", "/v1/runs/{run}/cases", SCOPE_READ, NULL, run_cases},
    {"GET", "/v1/runs/{run}/cases/{case}", SCOPE_READ, NULL, run_case},
    {"PUT", "/v1/runs/{run}/cases/{case}", SCOPE_WRITE, keep_check, work_begin},
    {"DELETE", "/v1/runs/{run}/cases/{case}", SCOPE_WRITE, NULL, keep_forget_case},
    {"GET", "/v1/runs/{run}/cases/{case}/overlay", SCOPE_READ, NULL, run_overlay},
    {"GET", "/v1/runs/{run}/compare/{other}", SCOPE_READ, NULL, run_compare},
};

const struct route *route_list(size_t *ret_n)
{
    *ret_n = sizeof(routes) / sizeof(routes[0]);
    return routes;
}

_Static_assert(sizeof(routes) / sizeof(routes[0]) <= ROUTE_MAX, "ROUTE_MAX is too small");

size_t route_index(const struct route *route)
{
    return route != NULL ? (size_t)(route - routes) : ROUTE_MAX;
}

static size_t segment(const char *at)
{
    return (size_t)(strchrnul(at, '/') - at);
}

/* Segment by segment; `take` gets what stands for each name. */
static bool matches(const char *pattern, const char *path, struct route_values *take)
{
    size_t n_taken = 0;

    while (*pattern == '/' && *path == '/') {
        size_t n_pattern = segment(++pattern);
        size_t n_path = segment(++path);

        if (*pattern != '{') {
            if (n_pattern != n_path || memcmp(pattern, path, n_path) != 0)
                return false;
        } else if (n_path == 0) {
            return false;
        } else if (take != NULL && n_taken < ROUTE_MAX_VALUES) {
            take->too_long = take->too_long || n_path >= ROUTE_VALUE_BYTES;
            snprintf(take->text[n_taken++], ROUTE_VALUE_BYTES, "%.*s", (int)n_path, path);
        }
        pattern += n_pattern;
        path += n_path;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct route *route_find(const char *method, const char *path, bool *ret_known)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

    *ret_known = strcmp(path, "*") == 0 && strcmp(method, "OPTIONS") == 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!matches(routes[i].path, path, NULL))
            continue;
        *ret_known = true;
        if (strcmp(routes[i].method, wanted) == 0)
            return &routes[i];
    }
    return NULL;
}

void route_values(const struct route *route, const char *path, struct route_values *ret_values)
{
    *ret_values = (struct route_values){.too_long = false};
    matches(route->path, path, ret_values);
}

void route_allow(const char *path, char *text, size_t cap)
{
    size_t n = 0;

    if (strcmp(path, "*") == 0)
        n = (size_t)snprintf(text, cap, "GET, HEAD, POST, PUT, DELETE, ");
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (matches(routes[i].path, path, NULL))
            n += (size_t)snprintf(text + n, cap - n, "%s, %s", routes[i].method,
                                  strcmp(routes[i].method, "GET") == 0 ? "HEAD, " : "");
    }
    snprintf(text + n, cap - n, "OPTIONS");
}
