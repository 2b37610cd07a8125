/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_inspect.c: judges drive images from outside the emulated host.
 */
#include "inspect.h"

#include <string.h>

#include "step_ops.h"
#include "step_plant.h"

typedef struct Sums {
    uint64_t plants, not_found, distinct, equal, hits;
} Sums;

static const ScnPlant *plant_of(const StepRun *s)
{
    return (const ScnPlant *)s->scn;
}

/* The plants named, as steps that have been run. */
static GPtrArray *find_plants(StepRun *s)
{
    const ScnInspect *in = (const ScnInspect *)s->scn;
    GPtrArray *plants = g_ptr_array_new();

    for (unsigned i = 0; i < in->plants->len; i++) {
        StepRun *p = step_run_find(s->x, g_ptr_array_index(in->plants, i));

        if (p && step_plant_place(p)) {
            g_ptr_array_add(plants, p);
        }
    }
    return plants;
}

static bool same_place(const PlantPlace *a, const PlantPlace *b)
{
    return a->found && b->found && a->drive == b->drive &&
           a->offset == b->offset;
}

/* Present content of a plant's place; NULL when it has none. */
static GBytes *content(const StepRun *plant, GError **error)
{
    const PlantPlace *place = step_plant_place(plant);
    g_autofree char *path = step_plant_image(plant->node, place->drive);

    return inspect_read(path, place->offset, place->bytes, error);
}

static bool compare_places(const GPtrArray *plants, Sums *sums, GError **error)
{
    g_autoptr(GPtrArray) contents =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    for (unsigned i = 0; i < plants->len; i++) {
        StepRun *a = g_ptr_array_index(plants, i);
        const PlantPlace *place = step_plant_place(a);
        GBytes *bytes = g_bytes_new(NULL, 0);
        bool first = place->found;

        if (place->found) {
            g_bytes_unref(bytes);
            bytes = content(a, error);
            if (!bytes) {
                return false;
            }
        }
        g_ptr_array_add(contents, bytes);
        for (unsigned k = 0; k < i; k++) {
            StepRun *b = g_ptr_array_index(plants, k);

            if (same_place(place, step_plant_place(b))) {
                first = false;
            } else if (place->found &&
                       strcmp(plant_of(a)->pattern, plant_of(b)->pattern) ==
                           0 &&
                       g_bytes_equal(bytes, contents->pdata[k])) {
                sums->equal++;
            }
        }
        sums->distinct += first;
        sums->not_found += !place->found;
    }
    return true;
}

static bool count_plaintext(StepRun *s, const GPtrArray *plants, Sums *sums,
                            GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < plants->len; i++) {
        const ScnPlant *p = plant_of(g_ptr_array_index(plants, i));
        g_autofree char *tag = inspect_plant_tag(s->x->scn->seed, p->pattern);

        if (!g_hash_table_add(seen, p->pattern)) {
            continue;
        }
        for (unsigned k = 0; k < step_plant_images(s->node); k++) {
            g_autofree char *path = step_plant_image(s->node, k);
            uint64_t n = 0;

            if (!inspect_count(path, tag, strlen(tag), &n, error)) {
                return false;
            }
            sums->hits += n;
        }
    }
    return true;
}

static void set(StepRun *s, const char *name, uint64_t value)
{
    metrics_store_set_u64(s->x->metrics, s->x->now_ps, s->scn->as, name,
                          UNIT_COUNT, value);
}

static bool inspect_begin(StepRun *s, GError **error)
{
    g_autoptr(GPtrArray) plants = find_plants(s);
    Sums sums = { .plants = plants->len };

    if (!compare_places(plants, &sums, error) ||
        !count_plaintext(s, plants, &sums, error)) {
        return false;
    }
    set(s, "plants_count", sums.plants);
    set(s, "not_found_count", sums.not_found);
    set(s, "distinct_places_count", sums.distinct);
    set(s, "equal_ciphertext_count", sums.equal);
    set(s, "plaintext_hits_count", sums.hits);
    return true;
}

const StepOps step_inspect_ops = { .begin = inspect_begin };
