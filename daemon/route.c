/* route.c - the paths that are answered. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/route.h"

#include <stdio.h>
#include <string.h>

#include "daemon/info.h"
#include "daemon/probe.h"
#include "daemon/scope.h"
#include "daemon/work.h"

static const struct route routes[] = {
    {"POST", "/v1/score", SCOPE_SCORE, work_check, work_begin},
    {"GET", "/v1/info", SCOPE_ANY, NULL, info_handle},
    {"GET", "/openapi.yaml", SCOPE_ANY, NULL, info_openapi},
    {"GET", "/livez", SCOPE_NONE, NULL, probe_livez},
    {"GET", "/readyz", SCOPE_NONE, NULL, probe_readyz},
};

const struct route *route_list(size_t *ret_n)
{
    *ret_n = sizeof(routes) / sizeof(routes[0]);
    return routes;
}

const struct route *route_find(const char *method, const char *path, bool *ret_known)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

    *ret_known = strcmp(path, "*") == 0 && strcmp(method, "OPTIONS") == 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(routes[i].path, path) != 0)
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
        n = (size_t)snprintf(text, cap, "GET, HEAD, POST, ");
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(routes[i].path, path) == 0)
            n += (size_t)snprintf(text + n, cap - n, "%s, %s", routes[i].method,
                                  strcmp(routes[i].method, "GET") == 0 ? "HEAD, " : "");
    }
    snprintf(text + n, cap - n, "OPTIONS");
}
