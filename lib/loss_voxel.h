/* loss_voxel.h - cross-entropy and focal loss of one voxel and class, and their slopes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_LOSS_VOXEL_H
#define OV_LOSS_VOXEL_H

#include "lib/loss.h"

/* Probabilities below this have this logarithm, and no slope: given as numbers, not as logits. */
#define OV__LOWEST_P 1e-12

/* A probability, 1 minus it, and the logarithms of both. */
struct ov__chance {
    double p;
    double q;
    double log_p;
    double log_q;
    bool is_cut_p; /* its logarithm is cut off */
    bool is_cut_q;
};

struct ov__chance ov__chance_of_p(double p);
struct ov__chance ov__chance_of_logit(double z);

/* By the logarithm of p, from softmax: log_q is not filled. */
struct ov__chance ov__chance_of_log(double p, double log_p);

/* -g q^gamma ln p, and -(1 - g) p^gamma ln q with it where the class is a yes or no. */
double ov__voxel_loss(struct ov__chance chance, double g, double gamma, bool is_binary);

/* Its slope by p. */
double ov__voxel_slope(struct ov__chance chance, double g, double gamma, bool is_binary);

#endif
