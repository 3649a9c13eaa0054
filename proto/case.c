/* case.c - a case that is kept: what is said of it, and what of its scores. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/kept.h"
#include "proto/option.h"
#include "proto/overlay.h"

#define GROUP_BYTES 128
#define TAG_BYTES   64
#define IMAGE_BYTES 1024
#define MAX_TAGS    16

static bool is_text(const json_t *json, size_t most)
{
    const char *text = json_string_value(json);
    size_t n = json_string_length(json);

    if (text == NULL || n == 0 || n > most)
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    }
    return true;
}

static bool is_tags(const json_t *json)
{
    size_t n = json_array_size(json);

    for (size_t i = 0; i < n; i++) {
        if (!is_text(json_array_get(json, i), TAG_BYTES))
            return false;
    }
    return json_is_array(json) && n <= MAX_TAGS;
}

/* It becomes a link in somebody's browser: nothing that would run there. */
static bool is_image(const json_t *json)
{
    const char *text = json_string_value(json);

    return is_text(json, IMAGE_BYTES) &&
           (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0 ||
            (text[0] == '/' && text[1] != '/'));
}

static bool check_member(const char *name, const json_t *value, const char *base,
                         struct problem *reterr)
{
    struct json_pointer at = json_pointer_to(base, name);

    if (strcmp(name, "group") == 0)
        return is_text(value, GROUP_BYTES) ||
               problem_set(reterr, PROBLEM_BAD_PARAMETER, at.text,
                           "group must be a text of 1 to %d bytes.", GROUP_BYTES);
    if (strcmp(name, "tags") == 0)
        return is_tags(value) ||
               problem_set(reterr, PROBLEM_BAD_PARAMETER, at.text,
                           "tags must be at most %d texts of 1 to %d bytes.", MAX_TAGS, TAG_BYTES);
    if (strcmp(name, "image") == 0)
        return is_image(value) ||
               problem_set(
                   reterr, PROBLEM_BAD_PARAMETER, at.text,
                   "image must be an http or https URL, or a path that begins with one '/', "
                   "of at most %d bytes.",
                   IMAGE_BYTES);
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, at.text,
                       "case has no member of this name; there are group, tags and image.");
}

bool option_case(struct request *request, const struct option_value *value, struct problem *reterr)
{
    const char *name;
    json_t *member;

    if (!json_is_object(value->json))
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                           "case must be an object.");
    json_object_foreach(value->json, name, member)
    {
        if (!check_member(name, member, value->pointer.text, reterr))
            return false;
    }
    request->kept_case = value->json;
    return true;
}

static struct kept_entry entry_of(const struct scored *scored)
{
    return (struct kept_entry){.is_region = scored->labels != NULL,
                               .label = scored->label,
                               .name = scored->name,
                               .n_name = scored->name != NULL ? strlen(scored->name) : 0,
                               .counts = scored->counts};
}

static bool pack(const struct score *score, struct score_kept *kept)
{
    size_t n = score->n_classes + score->request.n_regions;
    struct kept_entry *entries = calloc(n + 1, sizeof(*entries));

    if (entries == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        entries[i] = entry_of(i < score->n_classes ? &score->classes[i]
                                                   : &score->regions[i - score->n_classes]);
    kept->counts = malloc(kept_room(entries, n));
    if (kept->counts != NULL)
        kept->n_counts = kept_pack(ov_counter_voxels(score->counter), entries, n, kept->counts);
    free(entries);
    return kept->counts != NULL;
}

/* What was said of the case beside its group, which is looked at often and stands alone. */
static bool say(const struct score *score, struct score_kept *kept)
{
    json_t *json = json_object();
    const char *group;
    size_t n_bytes;
    bool ok;

    json_merge(&json, score->request.kept_case);
    group = json_string_value(json_object_get(json, "group"));
    if (group != NULL) {
        kept->group = strdup(group);
        json_object_del(json, "group");
    }
    ok = json != NULL &&
         (kept->group != NULL || json_object_get(score->request.kept_case, "group") == NULL);
    if (ok && json_object_size(json) > 0) {
        kept->meta = json_print(json, &n_bytes);
        ok = kept->meta != NULL;
    }
    json_decref(json);
    return ok;
}

/* It outlives the score by as long as a commit takes. */
static bool draw(const struct score *score, struct score_kept *kept, struct problem *reterr)
{
    size_t n;

    if (score->overlay == NULL)
        return true;
    if (!overlay_print(score->overlay, &kept->overlay, &kept->picture, &n, reterr))
        return false;
    if (!score->env->memory_take(n))
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the overlay.");
    kept->n_picture = n;
    return true;
}

bool score_keep(const struct score *score, struct score_kept *ret_kept, struct problem *reterr)
{
    struct score_kept kept = {.env = score->env};

    if (pack(score, &kept) && (score->request.kept_case == NULL || say(score, &kept)) &&
        draw(score, &kept, reterr)) {
        *ret_kept = kept;
        return true;
    }
    score_kept_done(&kept);
    return reterr->code == PROBLEM_NONE &&
           problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for what is to be kept.");
}

void score_kept_done(struct score_kept *kept)
{
    free(kept->group);
    free(kept->meta);
    free(kept->counts);
    free(kept->overlay);
    free(kept->picture);
    if (kept->n_picture > 0)
        kept->env->memory_give(kept->n_picture);
    *kept = (struct score_kept){.group = NULL};
}
