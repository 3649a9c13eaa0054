/* status.c - what a status means in words, and the version. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/overlap.h"

#define STRING(x)   #x
#define EXPANDED(x) STRING(x)
#define VERSION_TEXT           \
    EXPANDED(OV_VERSION_MAJOR) \
    "." EXPANDED(OV_VERSION_MINOR) "." EXPANDED(OV_VERSION_PATCH)

const char *ov_version(void)
{
    return VERSION_TEXT;
}

#define TEXT_CASE(symbol, value, text) \
    case symbol:                       \
        return text;

const char *ov_status_text(enum ov_status status)
{
    switch (status) {
        OV_STATUS_MAP(TEXT_CASE)
    }
    return "unknown status";
}
