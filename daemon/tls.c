/* tls.c - the certificate of the TCP listeners, and the sessions that begin with it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/secret.h"

/* A chain of ten certificates with long keys has 30 KB. */
#define MAX_FILE_BYTES ((size_t)256 << 10)

struct tls {
    size_t n_holders;
    gnutls_certificate_credentials_t credentials;
    time_t begins;
    time_t ends;
};

/* The file that fd is, which is closed; text is allocated. */
static bool read_whole(int fd, const char *what, const char *path, gnutls_datum_t *ret_text,
                       struct config_error *reterr)
{
    unsigned char *text = malloc(MAX_FILE_BYTES);
    size_t n = 0;
    ssize_t got = text != NULL ? 1 : -1;

    while (got > 0 && n < MAX_FILE_BYTES) {
        got = read(fd, text + n, MAX_FILE_BYTES - n);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (got == 0) {
        *ret_text = (gnutls_datum_t){text, (unsigned)n};
        return true;
    }
    free(text);
    return config_fail(reterr, "%s %s: %s", what, path,
                       got > 0 ? "too long for what it should be" : strerror(errno));
}

static void forget(gnutls_datum_t *text)
{
    if (text->data != NULL)
        gnutls_memset(text->data, 0, text->size);
    free(text->data);
}

static bool read_dates(struct tls *tls, const char *path, const gnutls_datum_t *text,
                       struct config_error *reterr)
{
    gnutls_x509_crt_t *chain = NULL;
    unsigned n = 0;
    int error = gnutls_x509_crt_list_import2(&chain, &n, text, GNUTLS_X509_FMT_PEM, 0);

    if (error < 0)
        return config_fail(reterr, "listen.tls_cert %s: not a certificate in PEM: %s", path,
                           gnutls_strerror(error));
    tls->begins = gnutls_x509_crt_get_activation_time(chain[0]);
    tls->ends = gnutls_x509_crt_get_expiration_time(chain[0]);
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    return true;
}

static bool join(struct tls *tls, const struct config *config, const gnutls_datum_t *certificate,
                 const gnutls_datum_t *key, struct config_error *reterr)
{
    int error = gnutls_certificate_allocate_credentials(&tls->credentials);

    if (error >= 0)
        error = gnutls_certificate_set_x509_key_mem(tls->credentials, certificate, key,
                                                    GNUTLS_X509_FMT_PEM);
    if (error == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return config_fail(reterr, "listen.tls_key %s: not the key of the certificate in %s",
                           config->listen_tls_key, config->listen_tls_cert);
    return error >= 0 || config_fail(reterr, "listen.tls_key %s: not a private key in PEM: %s",
                                     config->listen_tls_key, gnutls_strerror(error));
}

static bool load(struct tls *tls, const struct config *config, struct config_error *reterr)
{
    const char *path = config->listen_tls_cert;
    gnutls_datum_t certificate = {0};
    gnutls_datum_t key = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool ok;

    if (fd < 0)
        return config_fail(reterr, "listen.tls_cert %s: %s", path, strerror(errno));
    ok = read_whole(fd, "listen.tls_cert", path, &certificate, reterr) &&
         read_dates(tls, path, &certificate, reterr);
    fd = ok ? secret_open(config->listen_tls_key, "listen.tls_key", false, reterr) : -1;
    ok = fd >= 0 && read_whole(fd, "listen.tls_key", config->listen_tls_key, &key, reterr) &&
         join(tls, config, &certificate, &key, reterr);
    forget(&certificate);
    forget(&key);
    return ok;
}

struct tls *tls_new(const struct config *config, struct config_error *reterr)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    if (tls == NULL) {
        config_fail(reterr, "out of memory");
        return NULL;
    }
    tls->n_holders = 1;
    if (load(tls, config, reterr))
        return tls;
    tls_release(tls);
    return NULL;
}

struct tls *tls_hold(struct tls *tls)
{
    tls->n_holders++;
    return tls;
}

void tls_release(struct tls *tls)
{
    if (tls == NULL || --tls->n_holders > 0)
        return;
    if (tls->credentials != NULL)
        gnutls_certificate_free_credentials(tls->credentials);
    free(tls);
}

const char *tls_fault(const struct tls *tls, time_t now)
{
    if (now > tls->ends)
        return "the certificate has expired";
    return now < tls->begins ? "the certificate is not valid yet" : NULL;
}

void tls_print_expiry(const struct tls *tls, char text[TLS_TIME_BYTES])
{
    struct tm utc = {0};

    gmtime_r(&tls->ends, &utc);
    strftime(text, TLS_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* Where a client asks for other protocols alone it is told so: what it would send is not HTTP/1. */
void tls_begin(struct tls *tls, gnutls_session_t session)
{
    static unsigned char name[] = "http/1.1";
    const gnutls_datum_t protocol = {name, sizeof(name) - 1};

    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
    gnutls_alpn_set_protocols(session, &protocol, 1, GNUTLS_ALPN_MANDATORY);
}

/* The parameters are GnuTLS's.
 * NOLINTBEGIN(readability-function-size,readability-non-const-parameter) */
int tls_no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                       gnutls_pcert_st **certificates, unsigned *n_certificates,
                       gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp, gnutls_privkey_t *key,
                       unsigned *flags)
{
    (void)session;
    (void)info;
    (void)certificates;
    (void)n_certificates;
    (void)ocsp;
    (void)n_ocsp;
    (void)key;
    (void)flags;
    return -1;
}
/* NOLINTEND(readability-function-size,readability-non-const-parameter) */
