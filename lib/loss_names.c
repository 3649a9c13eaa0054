/* loss_names.c - the losses and their options by name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/overlap_loss.h"

static const char *name_of(const char *const *names, int n, unsigned value)
{
    return value < (unsigned)n ? names[value] : NULL;
}

static int find(const char *const *names, int n, const char *name)
{
    for (int i = 0; name != NULL && i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

#define NAME(symbol, text) [symbol] = (text),

/* Both directions of one table. */
#define NAMED(noun, map)                                                         \
    static const char *const noun##_names[] = {map(NAME)};                       \
    enum { N_##noun = sizeof noun##_names / sizeof noun##_names[0] };            \
                                                                                 \
    const char *ov_##noun##_name(enum ov_##noun value)                           \
    {                                                                            \
        return name_of(noun##_names, N_##noun, (unsigned)value);                 \
    }                                                                            \
                                                                                 \
    enum ov_status ov_##noun##_find(const char *name, enum ov_##noun *ret_value) \
    {                                                                            \
        int i = find(noun##_names, N_##noun, name);                              \
        if (i < 0)                                                               \
            return OV_EINVAL;                                                    \
        *ret_value = (enum ov_##noun)i;                                          \
        return OV_OK;                                                            \
    }

NAMED(loss, OV_LOSS_MAP)
NAMED(activation, OV_ACTIVATION_MAP)
NAMED(target, OV_TARGET_MAP)
NAMED(reduction, OV_REDUCTION_MAP)
NAMED(weighting, OV_LOSS_WEIGHTING_MAP)
