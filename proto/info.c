/* info.c - what this build understands, for /v1/info. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "lib/overlap_loss.h"
#include "proto/json.h"
#include "proto/proto.h"
#include "proto/reader.h"

struct metric_facts {
    double low;
    double high;
    bool by_policy;
};

#define METRIC_FACTS(symbol, name, low, high, policy) [symbol] = {low, high, policy},
static const struct metric_facts metric_facts[OV_N_METRICS] = {OV_METRIC_MAP(METRIC_FACTS)};
#undef METRIC_FACTS

/* The number in an id is raised when a definition changes: signatures depend on it. */
static json_t *metrics_json(void)
{
    json_t *array = json_array();

    for (int i = 0; i < OV_N_METRICS; i++)
        json_push(&array,
                  json_pack("{s:s, s:o, s:f, s:f, s:b}", "name", ov_metric_name((enum ov_metric)i),
                            "id", json_sprintf("%s.1", ov_metric_name((enum ov_metric)i)), "low",
                            metric_facts[i].low, "high", metric_facts[i].high, "empty_policy",
                            metric_facts[i].by_policy));
    json_push(&array,
              json_pack("{s:s, s:s, s:f, s:f, s:b}", "name", "generalised_dice", "id",
                        "generalised_dice.1", "low", 0.0, "high", 1.0, "empty_policy", false));
    return array;
}

static json_t *formats_json(void)
{
    json_t *array = json_array();

    for (int i = 0; i < FORMAT_N; i++)
        json_push(&array, json_string(format_name((enum format_kind)i)));
    return array;
}

static json_t *encodings_json(void)
{
    json_t *array = json_array();

    for (int i = 0; i < CODING_N; i++)
        json_push(&array, json_string(coding_name((enum coding_kind)i)));
    return array;
}

static json_t *dtypes_json(void)
{
    json_t *array = json_array();

    for (int i = 0; i < OV_N_DTYPES; i++)
        json_push(&array, json_string(ov_dtype_name((enum ov_dtype)i)));
    return array;
}

static json_t *losses_json(void)
{
    json_t *array = json_array();

    for (int i = 0; i < OV_N_LOSSES; i++)
        json_push(&array, json_string(ov_loss_name((enum ov_loss)i)));
    return array;
}

json_t *info_json(void)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:[s,s,s,s], s:o, s:o}", "version", ov_version(),
                     "isa", ov_isa(), "formats", formats_json(), "encodings", encodings_json(),
                     "dtypes", dtypes_json(), "content_encodings", "identity", "gzip", "deflate",
                     "zstd", "metrics", metrics_json(), "losses", losses_json());
}
