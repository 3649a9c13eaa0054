/* run_case.c - runs and cases as JSON: the parts that all answers are made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "proto/json.h"
#include "proto/runs_impl.h"

bool runs_name_check(const char *text, struct problem *reterr)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-");

    /* "." is a step in a path, which clients take before they ask. */
    return (n > 0 && n < RUNS_NAME_BYTES && text[n] == '\0' && strcmp(text, ".") != 0) ||
           problem_set(
               reterr, PROBLEM_BAD_PARAMETER, NULL,
               "The name of a run or case is 1 to 128 of A-Z a-z 0-9 . _ : @ - but not \".\" "
               "or \"..\".");
}

json_t *run_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *run_time(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char date[40];
    char text[64];
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL)
        return json_null();
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof(text), "%s.%03uZ", date, (unsigned)(ms % 1000));
    return json_string(text);
}

json_t *run_stored(const char *text)
{
    return text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_null();
}

json_t *run_facts_json(const struct run_facts *run)
{
    return json_pack("{s:s, s:I, s:o, s:o, s:I, s:o}", "run", run->name, "revision",
                     (json_int_t)run->revision, "created", run_time(run->created_ms), "updated",
                     run_time(run->updated_ms), "n_cases", (json_int_t)run->n_cases, "info",
                     run_stored(run->info));
}

void run_put_counts(json_t **object, const struct ov_counts *counts)
{
    json_put(object, "tp", json_integer((json_int_t)counts->tp));
    json_put(object, "fp", json_integer((json_int_t)(counts->prediction - counts->tp)));
    json_put(object, "fn", json_integer((json_int_t)(counts->reference - counts->tp)));
    json_put(object, "prediction", json_integer((json_int_t)counts->prediction));
    json_put(object, "reference", json_integer((json_int_t)counts->reference));
}

void run_put_metrics(json_t **object, const struct run_query *query, const struct ov_counts *counts)
{
    for (size_t i = 0; i < query->n_metrics; i++)
        json_put(object, ov_metric_name(query->metrics[i]),
                 run_number(ov_metric_value(query->metrics[i], counts, NULL, 1)));
}

void run_put_key(json_t **object, const struct kept_entry *entry)
{
    if (!entry->is_region)
        json_put(object, "label", json_integer(entry->label));
    json_put(object, "name",
             entry->n_name > 0 ? json_stringn(entry->name, entry->n_name) : json_null());
}

bool run_selects(const struct run_query *query, const struct kept_entry *entry)
{
    if (query->has_label)
        return !entry->is_region && entry->label == query->label;
    if (query->region != NULL)
        return entry->is_region && strlen(query->region) == entry->n_name &&
               memcmp(query->region, entry->name, entry->n_name) == 0;
    return true;
}

static json_t *entry_json(const struct kept_entry *entry, const struct run_query *query)
{
    json_t *object = json_object();

    run_put_key(&object, entry);
    json_put(&object, "state", json_string(ov_state_name(ov_state(&entry->counts))));
    run_put_counts(&object, &entry->counts);
    run_put_metrics(&object, query, &entry->counts);
    return object;
}

static void put_scores(json_t **object, const struct case_row *row, const struct run_query *query)
{
    json_t *classes = json_array();
    json_t *regions = json_array();
    struct kept_reader reader;
    struct kept_entry entry;

    kept_open(&reader, row->counts, row->n_counts);
    while (kept_next(&reader, &entry)) {
        if (run_selects(query, &entry))
            json_push(entry.is_region ? &regions : &classes, entry_json(&entry, query));
    }
    json_put(object, "voxels", json_integer((json_int_t)reader.n_voxels));
    json_put(object, "classes", classes);
    json_put(object, "regions", regions);
}

static void put_meta(json_t **object, const struct case_row *row)
{
    static const char *const names[] = {"tags", "image"};
    json_t *meta = run_stored(row->meta);

    json_put(object, "group", row->group != NULL ? json_string(row->group) : json_null());
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *member = json_object_get(meta, names[i]);

        json_put(object, names[i],
                 meta == NULL     ? NULL
                 : member != NULL ? json_incref(member)
                 : i == 0         ? json_array()
                                  : json_null());
    }
    json_decref(meta);
}

json_t *run_case_json(const struct case_row *row, const struct run_query *query)
{
    json_t *object = json_pack("{s:s, s:I, s:o}", "case", row->name, "revision",
                               (json_int_t)row->revision, "kept", run_time(row->kept_ms));

    put_meta(&object, row);
    put_scores(&object, row, query);
    return object;
}

char *run_print(json_t *json, size_t *ret_bytes, struct problem *reterr)
{
    char *text = json != NULL ? json_print(json, ret_bytes) : NULL;

    json_decref(json);
    if (text == NULL)
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the answer.");
    return text;
}

char *run_case_print(const struct run_facts *run, const struct case_row *row,
                     const struct run_query *query, size_t *ret_bytes, struct problem *reterr)
{
    json_t *object = run_case_json(row, query);

    json_put(&object, "run", json_string(run->name));
    json_put(&object, "overlay", run_stored(row->overlay));
    return run_print(object, ret_bytes, reterr);
}

bool run_kept_append(char **text, size_t *n_bytes, const struct run_kept *kept)
{
    char *longer = realloc(*text, *n_bytes + (size_t)2 * RUNS_NAME_BYTES + 128);

    if (longer == NULL)
        return false;
    *text = longer;
    /* Names need no escaping; the text ends with the brace of its object. */
    *n_bytes +=
        (size_t)sprintf(longer + *n_bytes - 1,
                        ",\"kept\":{\"run\":\"%s\",\"case\":\"%s\",\"revision\":%llu,"
                        "\"replaced\":%s,\"relabelled\":%s}}",
                        kept->run, kept->name, (unsigned long long)kept->revision,
                        kept->created ? "false" : "true", kept->relabelled ? "true" : "false") -
        1;
    return true;
}
