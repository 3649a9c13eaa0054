/* rule.h - how the bits of an element become a label. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_RULE_H
#define OV_RULE_H

#include "lib/overlap.h"

struct ov__rule {
    struct ov_encoding encoding;
    bool has_threshold;
    double threshold;
};

bool ov__rule_equal(const struct ov__rule *a, const struct ov__rule *b);

/* The label of an element's bits. Errors: OV_ENAN, OV_EFRACTION, OV_ELABEL. */
enum ov_status ov__rule_label(const struct ov__rule *rule, uint64_t bits, int64_t *ret_label);

#endif
