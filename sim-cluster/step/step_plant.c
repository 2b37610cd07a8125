/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_plant.c: known content at a known place of a namespace.
 *
 * Two commands in the guest: the first writes the first block, so that what
 * changes in the images is that block's physical place; the second writes the
 * rest and reads everything back. Both images are compared from outside, at
 * edges.
 */
#include "step_plant.h"

#include <string.h>

#include "inspect.h"
#include "step_command.h"
#include "step_ops.h"

typedef enum Phase { PLANT_FIRST, PLANT_REST } Phase;

typedef struct Plant {
    Phase phase;
    char *id;
    GPtrArray *before; /* ImageMap of each image */
    PlantPlace place;
    uint64_t changed_bytes;
} Plant;

static void plant_free(void *opaque)
{
    Plant *p = opaque;

    g_free(p->id);
    g_ptr_array_unref(p->before);
    g_free(p);
}

/* ---- images ------------------------------------------------------------ */

unsigned step_plant_images(const RunNode *n)
{
    const ScnHost *h = host_scenario(n->host);

    return (h->card ? h->card->drives->len : 0) + h->qemu_nvme->len;
}

char *step_plant_image(const RunNode *n, unsigned index)
{
    const ScnHost *h = host_scenario(n->host);
    unsigned drives = h->card ? h->card->drives->len : 0;
    g_autofree char *file = NULL;

    if (index < drives) {
        const ScnDrive *d = g_ptr_array_index(h->card->drives, index);

        file = g_strconcat(d->name, ".img", NULL);
    } else {
        const ScnQemuNvme *q = g_ptr_array_index(h->qemu_nvme, index - drives);

        file = g_strconcat(q->name, ".img", NULL);
    }
    return g_build_filename(host_dir(n->host), file, NULL);
}

static GPtrArray *map_images(const RunNode *n, GError **error)
{
    g_autoptr(GPtrArray) maps =
        g_ptr_array_new_with_free_func((GDestroyNotify)image_map_free);

    for (unsigned i = 0; i < step_plant_images(n); i++) {
        g_autofree char *path = step_plant_image(n, i);
        ImageMap *m = image_map_new(path, error);

        if (!m) {
            return NULL;
        }
        g_ptr_array_add(maps, m);
    }
    return g_steal_pointer(&maps);
}

/* What has changed since the last look; sets the place when asked. */
static bool compare_images(StepRun *s, PlantPlace *ret_place, GError **error)
{
    Plant *p = s->data;
    GPtrArray *now = map_images(s->node, error);

    if (!now) {
        return false;
    }
    for (unsigned i = 0; i < now->len; i++) {
        g_autoptr(GArray) ranges = image_map_changes(
            g_ptr_array_index(p->before, i), g_ptr_array_index(now, i));

        for (unsigned k = 0; k < ranges->len; k++) {
            ImageRange r = g_array_index(ranges, ImageRange, k);

            p->changed_bytes += r.bytes;
            if (ret_place && !ret_place->found) {
                *ret_place = (PlantPlace){ true, i, r.offset, r.bytes };
            }
        }
    }
    g_ptr_array_unref(p->before);
    p->before = now;
    return true;
}

/* ---- scripts ----------------------------------------------------------- */

/*
 * The guest knows the block size: a partition may have been attached by a
 * card step. All records are written in one go to a file; dd takes the blocks
 * from there.
 */
static char *script_for(StepRun *s, Phase phase)
{
    const ScnPlant *plant = (const ScnPlant *)s->scn;
    g_autofree char *tag = inspect_plant_tag(s->x->scn->seed, plant->pattern);
    g_autofree char *head = g_strdup_printf(
        "d=/dev/outrigger/%s/%u; f=/run/plant-%s\n"
        "lba=%" G_GUINT64_FORMAT "; n=%" G_GUINT64_FORMAT "\n"
        "[ -b $d ] || { echo \"$d is not there\"; exit 2; }\n"
        "k=$(readlink -f $d) &&\n"
        "b=$(cat /sys/class/block/${k##*/}/queue/logical_block_size) ||"
        " exit 2\n",
        plant->interface, plant->nsid, s->scn->as, plant->lba, plant->blocks);

    if (phase == PLANT_FIRST) {
        return g_strdup_printf(
            "%s"
            "awk -v r=$((n * b / %u)) 'BEGIN { for (i = 0; i < r; i++)"
            " printf \"%%-47s%%016d\\n\", \"%s\", i }' >$f || exit 2\n"
            "dd if=$f of=$d bs=$b seek=$lba count=1 oflag=direct"
            " conv=notrunc,fsync",
            head, INSPECT_RECORD_BYTES, tag);
    }
    return g_strdup_printf(
        "%s"
        "if [ $n -gt 1 ]; then\n"
        " dd if=$f of=$d bs=$b skip=1 seek=$((lba + 1)) count=$((n - 1))"
        " oflag=direct conv=notrunc,fsync || exit 2\n"
        "fi\n"
        "dd if=$d of=$f.back bs=$b skip=$lba count=$n iflag=direct"
        " || exit 2\n"
        "cmp $f $f.back; c=$?; rm $f $f.back; exit $c",
        head);
}

/* ---- the step ---------------------------------------------------------- */

static bool begin_phase(StepRun *s, Phase phase, GError **error)
{
    Plant *p = s->data;
    g_autofree char *script = script_for(s, phase);

    p->phase = phase;
    g_clear_pointer(&p->id, g_free);
    return step_command_begin(s, script, true, &p->id, error);
}

static bool plant_begin(StepRun *s, GError **error)
{
    Plant *p = g_new0(Plant, 1);

    s->data = p;
    p->before = map_images(s->node, error);
    if (!p->before) {
        p->before = g_ptr_array_new();
        return false;
    }
    return begin_phase(s, PLANT_FIRST, error);
}

static bool failed(const AgentResult *r, const char *what, GError **error)
{
    g_autofree char *line = step_command_last_line(r->output);

    return step_broken(error, "%s: exit code %d: %s", what, r->exit_code, line);
}

static void finish(StepRun *s, bool read_back)
{
    Plant *p = s->data;
    Execution *x = s->x;

    metrics_store_set_u64(x->metrics, x->now_ps, s->scn->as, "changed_bytes",
                          UNIT_SIZE, p->changed_bytes);
    metrics_store_set(x->metrics, x->now_ps, s->scn->as, "read_back_bool",
                      UNIT_BOOL, read_back);
}

static bool plant_poll(StepRun *s, bool *ret_done, GError **error)
{
    Plant *p = s->data;
    g_autoptr(AgentResult) r = step_command_result(s, p->id);

    if (!r) {
        return true;
    }
    if (!step_command_check(r, error)) {
        return false;
    }
    if (p->phase == PLANT_FIRST) {
        if (r->exit_code != 0) {
            return failed(r, "writing", error);
        }
        return compare_images(s, &p->place, error) &&
               begin_phase(s, PLANT_REST, error);
    }
    if (r->exit_code > 1) {
        return failed(r, "reading back", error);
    }
    *ret_done = true;
    if (!compare_images(s, NULL, error)) {
        return false;
    }
    finish(s, r->exit_code == 0);
    return true;
}

const PlantPlace *step_plant_place(const StepRun *s)
{
    const Plant *p = s->data;

    return s->status == STEP_OK ? &p->place : NULL;
}

const StepOps step_plant_ops = { .begin = plant_begin,
                                 .poll = plant_poll,
                                 .free_data = plant_free };
