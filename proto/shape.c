/* shape.c - extents of axes, or a place along them, as a person reads them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/shape.h"

#include <stdio.h>

struct shape_text shape_text(int ndim, const uint64_t *shape)
{
    struct shape_text text = {"["};
    size_t n = 1;

    for (int i = 0; i < ndim; i++)
        n += (size_t)snprintf(text.at + n, sizeof(text.at) - n, "%s%llu", i > 0 ? "," : "",
                              (unsigned long long)shape[i]);
    snprintf(text.at + n, sizeof(text.at) - n, "]");
    return text;
}
