/* healthcheck.c - ask a running daemon whether it lives, as containers want it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/healthcheck.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <unistd.h>

#include "daemon/address.h"
#include "daemon/socket.h"

#define TIMEOUT_S 3

/*
 * The certificate is made for the names that others call the daemon by, and this is not about it:
 * whoever is asked says no more than whether it lives.
 */
static gnutls_session_t shake_hands(int fd, gnutls_certificate_credentials_t credentials)
{
    gnutls_session_t session = NULL;
    int error = gnutls_init(&session, GNUTLS_CLIENT);

    if (error < 0)
        return NULL;
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session, fd);
    do
        error = gnutls_handshake(session);
    while (error < 0 && error != GNUTLS_E_AGAIN && gnutls_error_is_fatal(error) == 0);
    if (error >= 0)
        return session;
    gnutls_deinit(session);
    return NULL;
}

static bool exchange_by_tls(int fd, const char *request, size_t n, char *reply, size_t n_reply)
{
    gnutls_certificate_credentials_t credentials = NULL;
    gnutls_session_t session = NULL;
    bool ok;

    if (gnutls_certificate_allocate_credentials(&credentials) >= 0)
        session = shake_hands(fd, credentials);
    ok = session != NULL && gnutls_record_send(session, request, n) == (ssize_t)n &&
         gnutls_record_recv(session, reply, n_reply) == (ssize_t)n_reply;
    if (session != NULL)
        gnutls_deinit(session);
    if (credentials != NULL)
        gnutls_certificate_free_credentials(credentials);
    return ok;
}

static bool exchange(int fd, const char *request, size_t n, char *reply, size_t n_reply)
{
    return send(fd, request, n, MSG_NOSIGNAL) == (ssize_t)n &&
           recv(fd, reply, n_reply, MSG_WAITALL) == (ssize_t)n_reply;
}

static bool ask(int fd, const struct config *config, bool is_tls)
{
    char request[CONFIG_TEXT_BYTES + 64];
    char reply[13] = "";
    const char *hosts = config->http_allowed_hosts;
    const char *host = hosts + strspn(hosts, ", \t");
    size_t n_host = strcspn(host, ", \t");
    int n = snprintf(request, sizeof(request),
                     "GET /livez HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n\r\n",
                     n_host > 0 ? (int)n_host : 9, n_host > 0 ? host : "localhost");

    return (is_tls ? exchange_by_tls : exchange)(fd, request, (size_t)n, reply, sizeof(reply)) &&
           memcmp(reply, "HTTP/1.1 200 ", sizeof(reply)) == 0;
}

bool healthcheck_run(const struct config *config)
{
    const char *where = config->listen_unix[0] != '\0' ? config->listen_unix : config->listen_tcp;
    struct address address;
    bool is_unix = where == config->listen_unix;
    bool known = is_unix ? address_unix(where, &address) : address_parse(where, &address);
    bool ok;
    int fd;

    address_reach(&address);
    fd = known ? socket_connect(&address, TIMEOUT_S) : -1;
    if (fd < 0) {
        fprintf(stderr, "overlapd: %s: %s\n", where, strerror(errno));
        return false;
    }
    ok = ask(fd, config, !is_unix && config->listen_tls_cert[0] != '\0');
    if (!ok)
        fprintf(stderr, "overlapd: %s: /livez is not answered with 200\n", where);
    close(fd);
    return ok;
}
