/* loss_voxel.c - cross-entropy and focal loss of one voxel and class, and their slopes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/loss_voxel.h"

#include "lib/loss_math.h"

static double log_of(double p, bool *ret_is_cut)
{
    *ret_is_cut = p < OV__LOWEST_P;
    return ov__log(*ret_is_cut ? OV__LOWEST_P : p);
}

struct ov__chance ov__chance_of_p(double p)
{
    struct ov__chance chance = {.p = p, .q = 1 - p};
    chance.log_p = log_of(chance.p, &chance.is_cut_p);
    chance.log_q = log_of(chance.q, &chance.is_cut_q);
    return chance;
}

struct ov__chance ov__chance_of_logit(double z)
{
    double e = ov__exp(-fabs(z));
    double near = 1 / (1 + e);
    double far = e * near;
    double log_near = -ov__log1p(e);
    double log_far = log_near - fabs(z);
    if (z >= 0)
        return (struct ov__chance){.p = near, .q = far, .log_p = log_near, .log_q = log_far};
    return (struct ov__chance){.p = far, .q = near, .log_p = log_far, .log_q = log_near};
}

struct ov__chance ov__chance_of_log(double p, double log_p)
{
    return (struct ov__chance){.p = p, .q = 1 - p, .log_p = log_p};
}

double ov__voxel_loss(struct ov__chance chance, double g, double gamma, bool is_binary)
{
    double loss = 0;
    if (g != 0)
        loss -= g * ov__pow(chance.q, gamma) * chance.log_p;
    if (is_binary && g != 1)
        loss -= (1 - g) * ov__pow(chance.p, gamma) * chance.log_q;
    return loss;
}

/*
 * d/dp of -q^gamma ln p = q^gamma (gamma ln p / q - 1 / p), and the quotient is -1 where q is 0. A
 * logarithm that is cut off has no slope of its own, its factor has.
 */
static double slope_of_side(double p, double q, double log_p, bool is_cut, double gamma)
{
    double quotient = q > 0 ? log_p / q : -1;
    return ov__pow(q, gamma) * ((gamma > 0 ? gamma * quotient : 0) - (is_cut ? 0 : 1 / p));
}

double ov__voxel_slope(struct ov__chance chance, double g, double gamma, bool is_binary)
{
    double slope = 0;
    if (g != 0)
        slope += g * slope_of_side(chance.p, chance.q, chance.log_p, chance.is_cut_p, gamma);
    if (is_binary && g != 1)
        slope -= (1 - g) * slope_of_side(chance.q, chance.p, chance.log_q, chance.is_cut_q, gamma);
    return slope;
}
