/* fuzz_colors.h - an image read as labels, by listed colours, and as panoptic ids. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_COLORS_H
#define TESTS_FUZZ_COLORS_H

#include "fuzz_mask.h"

static inline void fuzz_colors(const uint8_t *bytes, size_t n_bytes, enum format_kind format)
{
    static json_t *options[3];
    struct source source = fuzz_source(bytes, n_bytes);

    if (options[1] == NULL) {
        options[1] =
            json_pack("{s:{s:i, s:i, s:i}}", "colors", "#ff0000", 1, "#00ff00", 300, "*", -1);
        options[2] = json_pack("{s:s}", "colors", "coco_panoptic");
    }
    source.format = format;
    source.coding = CODING_NONE;
    for (size_t i = 0; i < 3; i++) {
        source.options = options[i];
        fuzz_mask(&source);
    }
}

#endif
