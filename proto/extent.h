/* extent.h - masks that leave out their empty slices, made as long as the other one. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_EXTENT_H
#define PROTO_EXTENT_H

#include "proto/reader.h"
#include "proto/request.h"

/*
 * Where a mask is_open_ended and both lie on one grid, of which they hold different slices: put
 * empty slices at its ends, so that both masks hold all slices that either has. Masks for which
 * that cannot be done are left as they are; pair_make says why they do not match.
 *
 * Problems: those of reader_extend.
 */
bool extent_match(struct reader *prediction, struct reader *reference,
                  const struct request *request, struct problem *reterr);

#endif
