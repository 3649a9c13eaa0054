/* tally.c - the tally -> the table of labels. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tally.h"

#include <string.h>

#include "lib/counter.h"

enum { GROUP = 8 };

bool ov__tally_suffices(const struct ov_counter *counter)
{
    const struct ov__rule *rule = &counter->prediction.rule;
    return ov__rule_equal(rule, &counter->reference.rule) && !rule->has_threshold &&
           rule->encoding.slope == 0 && counter->options.n_ignore == 0 && !counter->options.pairs;
}

enum ov_status ov__tally_label(struct ov_counter *counter, size_t label, uint64_t prediction,
                               uint64_t reference, uint64_t tp)
{
    uint32_t slot;
    if (prediction == 0 && reference == 0)
        return OV_OK;
    size_t width = ov_dtype_bytes(counter->prediction.rule.encoding.dtype);
    enum ov_status status = ov__stream_slot(&counter->prediction, label, width, &slot);
    if (status != OV_OK)
        return status;
    struct ov__label *sum = &counter->labels.slots[slot];
    sum->prediction += prediction;
    sum->reference += reference;
    sum->tp += tp;
    return OV_OK;
}

static bool has_any(const struct ov__tally *tally, size_t first)
{
    uint64_t any = 0;
    for (size_t i = first; i < first + GROUP; i++)
        any |= tally->prediction[i] | tally->reference[i];
    return any != 0;
}

enum ov_status ov__tally_flush(struct ov_counter *counter)
{
    struct ov__tally *tally = &counter->tally;
    enum ov_status status = OV_OK;
    if (tally->n_voxels == 0)
        return OV_OK;
    for (size_t first = 0; first < OV__N_TALLY; first += GROUP) {
        if (!has_any(tally, first))
            continue;
        for (size_t i = first; status == OV_OK && i < first + GROUP; i++)
            status = ov__tally_label(counter, i, (uint32_t)tally->prediction[i],
                                     tally->reference[i], tally->prediction[i] >> 32);
        memset(&tally->prediction[first], 0, GROUP * sizeof tally->prediction[0]);
        memset(&tally->reference[first], 0, GROUP * sizeof tally->reference[0]);
    }
    tally->n_voxels = 0;
    return status;
}
