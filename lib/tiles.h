/* tiles.h - two tiles of elements of one width, counted side by side. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_TILES_H
#define OV_TILES_H

#include "lib/counter.h"

/* Whether the pieces that the streams were opened with are such tiles. */
bool ov__tiles_are_alike(const struct ov_counter *counter);

/* Count them whole. Errors: as ov__stream_refill; OV_EPAIRS. */
enum ov_status ov__tiles_add(struct ov_counter *counter);

#endif
