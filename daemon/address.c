/* address.c - TCP addresses as text, and Unix paths. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <xxhash.h>

/* Of an IPv6 address, what a network gets: whoever has one has 2^64 addresses. */
#define NETWORK_BYTES 8

static bool parse_port(const char *text, in_port_t *ret_port)
{
    unsigned long port = 0;
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n > 5 || text[n] != '\0')
        return false;
    port = strtoul(text, NULL, 10);
    *ret_port = htons((uint16_t)port);
    return port <= 65535;
}

static bool parse_ipv4(const char *host, const char *port, struct address *ret_address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&ret_address->storage;

    in->sin_family = AF_INET;
    ret_address->n_bytes = sizeof(*in);
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &in->sin_addr) ==
               1 &&
           parse_port(port, &in->sin_port);
}

static bool parse_ipv6(char *host, const char *port, struct address *ret_address)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret_address->storage;
    size_t n = strlen(host);

    if (n < 2 || host[n - 1] != ']')
        return false;
    host[n - 1] = '\0';
    in6->sin6_family = AF_INET6;
    ret_address->n_bytes = sizeof(*in6);
    return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 && parse_port(port, &in6->sin6_port);
}

bool address_parse(const char *text, struct address *ret_address)
{
    char host[ADDRESS_TEXT_BYTES];
    const char *colon = strrchr(text, ':');
    struct address address = {0};
    bool ok;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    ok = host[0] == '[' ? parse_ipv6(host, colon + 1, &address)
                        : parse_ipv4(host, colon + 1, &address);
    if (ok)
        *ret_address = address;
    return ok;
}

bool address_fits_unix(const char *path)
{
    return strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path);
}

bool address_unix(const char *path, struct address *ret_address)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&ret_address->storage;

    memset(ret_address, 0, sizeof(*ret_address));
    un->sun_family = AF_UNIX;
    ret_address->n_bytes = sizeof(*un);
    if (!address_fits_unix(path))
        return false;
    memcpy(un->sun_path, path, strlen(path) + 1);
    return true;
}

bool address_is_loopback(const struct address *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;

    if (address->storage.ss_family == AF_INET)
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    if (address->storage.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    return true;
}

void address_reach(struct address *address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->storage;

    if (address->storage.ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_ANY))
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (address->storage.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
        in6->sin6_addr = in6addr_loopback;
}

void address_print(const struct address *address, char *text)
{
    char host[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;

    if (address->storage.ss_family == AF_INET) {
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(text, ADDRESS_TEXT_BYTES, "%s:%u", host, ntohs(in->sin_port));
    } else if (address->storage.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(text, ADDRESS_TEXT_BYTES, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        snprintf(text, ADDRESS_TEXT_BYTES, "%s",
                 ((const struct sockaddr_un *)&address->storage)->sun_path);
    }
}

/* An IPv4 address in an IPv6 one is itself, not of one network with all others. */
static const void *host_of(const struct address *address, size_t *ret_n)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
    bool mapped;

    *ret_n = sizeof(in->sin_addr);
    if (address->storage.ss_family == AF_INET)
        return &in->sin_addr;
    mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
    if (!mapped)
        *ret_n = NETWORK_BYTES;
    return &in6->sin6_addr.s6_addr[mapped ? sizeof(in6->sin6_addr) - sizeof(in->sin_addr) : 0];
}

uint64_t address_hash(const struct address *address, uint64_t seed)
{
    const void *bytes;
    size_t n;

    if (address->storage.ss_family != AF_INET && address->storage.ss_family != AF_INET6)
        return 0;
    bytes = host_of(address, &n);
    return XXH3_64bits_withSeed(bytes, n, seed);
}
