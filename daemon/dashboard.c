/* dashboard.c - the pages for people: what stands in daemon/dashboard/, as part of the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/dashboard.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/job.h"

#define HTML   "text/html; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

/* Symbol, file, type; the Makefile lays each beside its gzip where the assembler finds them. */
#define DASHBOARD_MAP(X)                               \
    X(index, "index.html", HTML)                       \
    X(style, "style.css", "text/css; charset=utf-8")   \
    X(parts, "parts.css", "text/css; charset=utf-8")   \
    X(charts, "charts.css", "text/css; charset=utf-8") \
    X(icon, "icon.svg", "image/svg+xml")               \
    X(api, "api.js", SCRIPT)                           \
    X(app, "app.js", SCRIPT)                           \
    X(dom, "dom.js", SCRIPT)                           \
    X(format, "format.js", SCRIPT)                     \
    X(live, "live.js", SCRIPT)                         \
    X(plot, "plot.js", SCRIPT)                         \
    X(table, "table.js", SCRIPT)                       \
    X(view_case, "view_case.js", SCRIPT)               \
    X(view_cases, "view_cases.js", SCRIPT)             \
    X(view_compare, "view_compare.js", SCRIPT)         \
    X(view_run, "view_run.js", SCRIPT)                 \
    X(view_runs, "view_runs.js", SCRIPT)               \
    X(chart_js, "chart.min.js", SCRIPT)

#define EMBED_ONE(symbol, file)                                         \
    __asm__(".section .rodata\n"                                        \
            ".balign 8\n"                                               \
            "dashboard_" #symbol "_bytes:\n"                            \
            ".quad dashboard_" #symbol "_end - dashboard_" #symbol "\n" \
            "dashboard_" #symbol ":\n"                                  \
            ".incbin \"" file "\"\n"                                    \
            "dashboard_" #symbol "_end:\n"                              \
            ".previous\n");                                             \
    extern const uint64_t dashboard_##symbol##_bytes;                   \
    extern const char dashboard_##symbol[];

#define EMBED(symbol, file, type) EMBED_ONE(symbol, file) EMBED_ONE(symbol##_gz, file ".gz")
DASHBOARD_MAP(EMBED)

struct file {
    const char *name;
    const char *type;
    const char *text;
    const uint64_t *n_bytes;
    const char *gzip;
    const uint64_t *n_gzip_bytes;
};

#define FILE_ROW(symbol, file, type) \
    {file,                           \
     type,                           \
     dashboard_##symbol,             \
     &dashboard_##symbol##_bytes,    \
     dashboard_##symbol##_gz,        \
     &dashboard_##symbol##_gz_bytes},
static const struct file files[] = {DASHBOARD_MAP(FILE_ROW)};

/*
 * Nothing but this daemon's own files, and nothing of it in a frame. Images may be blobs, because
 * an overlay is fetched with a token.
 */
#define POLICY                                                                            \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "       \
    "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " \
    "require-trusted-types-for 'script'"

/* The first is for the packed file alone. */
static const struct answer_field headers[] = {
    {MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip"},
    {MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING},
    {"Content-Security-Policy", POLICY},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {NULL, NULL}};

/* Browsers say "gzip, deflate, br"; who gives it a weight of its own gets the plain file. */
static bool takes_gzip(const char *accepted)
{
    while (accepted != NULL && *accepted != '\0') {
        size_t n;

        accepted += strspn(accepted, ", \t");
        n = strcspn(accepted, ",");
        if (n >= 4 && memcmp(accepted, "gzip", 4) == 0 && strspn(accepted + 4, " \t") >= n - 4)
            return true;
        accepted += n;
    }
    return false;
}

static void answer_file(struct job *job, const struct file *file)
{
    bool gzip = takes_gzip(
        MHD_lookup_connection_value(job->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING));
    const char *none =
        MHD_lookup_connection_value(job->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
    size_t n_bytes = (size_t)(gzip ? *file->n_gzip_bytes : *file->n_bytes);
    const char *text = gzip ? file->gzip : file->text;
    char etag[ETAG_BYTES];

    snprintf(etag, sizeof(etag), "\"%016" PRIx64 "\"", (uint64_t)XXH3_64bits(text, n_bytes));
    if (etag_matches(none, etag))
        answer_fixed(&job->answer, MHD_HTTP_NOT_MODIFIED, NULL, "", 0);
    else
        answer_fixed(&job->answer, MHD_HTTP_OK, file->type, text, n_bytes);
    memcpy(job->answer.etag, etag, sizeof(etag));
    job->answer.more = gzip ? headers : headers + 1;
}

bool dashboard_page(struct job *job)
{
    answer_file(job, &files[0]);
    return true;
}

bool dashboard_file(struct job *job)
{
    struct problem problem = {0};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(files[i].name, job->values.text[0]) == 0) {
            answer_file(job, &files[i]);
            return true;
        }
    }
    problem_set(&problem, PROBLEM_NOT_FOUND, NULL, "The dashboard has no such file.");
    job_fail(job, &problem);
    return true;
}
