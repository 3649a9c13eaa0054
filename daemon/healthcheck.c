/* healthcheck.c - ask a running daemon whether it lives, as containers want it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/healthcheck.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/address.h"
#include "daemon/socket.h"

#define TIMEOUT_S 3

static bool ask(int fd, const struct config *config)
{
    char request[CONFIG_TEXT_BYTES + 64];
    char reply[16] = "";
    const char *hosts = config->http_allowed_hosts;
    const char *host = hosts + strspn(hosts, ", \t");
    size_t n_host = strcspn(host, ", \t");
    int n = snprintf(request, sizeof(request),
                     "GET /livez HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n\r\n",
                     n_host > 0 ? (int)n_host : 9, n_host > 0 ? host : "localhost");

    if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        return false;
    if (recv(fd, reply, sizeof(reply) - 1, MSG_WAITALL) < 13)
        return false;
    return strncmp(reply, "HTTP/1.1 200 ", 13) == 0;
}

bool healthcheck_run(const struct config *config)
{
    const char *where = config->listen_unix[0] != '\0' ? config->listen_unix : config->listen_tcp;
    struct address address;
    bool known = config->listen_unix[0] != '\0' ? address_unix(where, &address)
                                                : address_parse(where, &address);
    bool ok;
    int fd;

    address_reach(&address);
    fd = known ? socket_connect(&address, TIMEOUT_S) : -1;
    if (fd < 0) {
        fprintf(stderr, "overlapd: %s: %s\n", where, strerror(errno));
        return false;
    }
    ok = ask(fd, config);
    if (!ok)
        fprintf(stderr, "overlapd: %s: /livez is not answered with 200\n", where);
    close(fd);
    return ok;
}
