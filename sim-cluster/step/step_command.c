/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_command.c: commands in the guest.
 */
#include "step_command.h"

#include <string.h>

#include "host_card.h"
#include "run_files.h"
#include "runtime.h"

#define LAST_LINE_CHARS 200

/*
 * Names that do not depend on the order in which the guest found its
 * controllers: /dev/outrigger/SERIAL/NSID and /dev/outrigger/SERIAL/ctrl.
 * Drivers look for devices in the background: what the card has attached is
 * waited for, a second at most (a driver may have given up on a device).
 */
static const char links_script[] =
    "links() {\n"
    " for l in /dev/outrigger/*/*; do [ -e \"$l\" ] || rm -f \"$l\"; done\n"
    " for c in /sys/class/nvme/nvme*; do\n"
    "  [ -e \"$c/serial\" ] || continue\n"
    "  read -r s <\"$c/serial\"; d=/dev/outrigger/$s; mkdir -p \"$d\"\n"
    "  ln -sfn \"/dev/${c##*/}\" \"$d/ctrl\"\n"
    "  for n in \"$c\"/nvme*n*; do\n"
    "   [ -e \"$n/nsid\" ] && read -r i <\"$n/nsid\" &&\n"
    "    ln -sfn \"/dev/${n##*/}\" \"$d/$i\"\n"
    "  done\n"
    " done\n"
    " for w in $want; do [ -b \"/dev/outrigger/$w\" ] || return 1; done\n"
    "}\n"
    "t=0\n"
    "until links || [ $t = 100 ]; do t=$((t + 1)); usleep 10000; done\n"
    "unset want t\n";

/* "IF/NSID" of everything the card has attached now. */
static void add_attached(JsonObject *card, GString *want)
{
    JsonArray *list = json_object_get_array_member(card, "partitions");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *p = json_array_get_object_element(list, i);
        const char *vif =
            json_object_get_string_member_with_default(p, "interface", NULL);

        if (vif) {
            g_string_append_printf(
                want, " %s/%" G_GINT64_FORMAT, vif,
                json_object_get_int_member_with_default(p, "nsid", 1));
        }
    }
}

static char *wanted_links(Host *host, GError **error)
{
    const ScnHost *h = host_scenario(host);
    g_autoptr(GString) want = g_string_new("want='");

    if (h->card) {
        g_autoptr(JsonObject) card = host_card_query(host, error);

        if (!card) {
            return NULL;
        }
        add_attached(card, want);
    }
    for (unsigned i = 0; i < h->qemu_nvme->len; i++) {
        const ScnQemuNvme *n = g_ptr_array_index(h->qemu_nvme, i);

        g_string_append_printf(want, " %s/1", n->name);
    }
    g_string_append(want, "'\n");
    return g_strdup(want->str);
}

char *step_command_text(Host *host, const char *script, GError **error)
{
    g_autofree char *want = wanted_links(host, error);

    return want ? g_strconcat(want, links_script, script, "\n", NULL) : NULL;
}

bool step_command_begin(StepRun *s, const char *script, bool links,
                        char **ret_id, GError **error)
{
    g_autofree char *text = NULL;

    if (host_state(s->node->host) != HOST_ON) {
        return step_broken(error, "the node is off");
    }
    text = links ? step_command_text(s->node->host, script, error)
                 : g_strconcat(script, "\n", NULL);
    return text && host_run_command(s->node->host, text, ret_id, error);
}

AgentResult *step_command_result(StepRun *s, const char *id)
{
    return agent_take_result(host_agent(s->node->host), id);
}

static void write_output(StepRun *s, const AgentResult *r)
{
    g_autofree char *dir = g_build_filename(s->x->dir, "steps", NULL);
    g_autofree char *name = g_strconcat(s->scn->as, ".out", NULL);
    g_autofree char *path = g_build_filename(dir, name, NULL);

    /* For people only: a run does not fail for it. */
    if (run_files_mkdir(dir, NULL)) {
        g_file_set_contents(path, r->output, (gssize)r->output_len, NULL);
    }
}

void step_command_metrics(StepRun *s, const AgentResult *r)
{
    Execution *x = s->x;
    const char *as = s->scn->as;
    bool done = r->outcome == AGENT_DONE;

    metrics_store_set(x->metrics, x->now_ps, as, "finished_bool", UNIT_BOOL,
                      done);
    if (!done) {
        return;
    }
    metrics_store_set(x->metrics, x->now_ps, as, "exit_code", UNIT_COUNT,
                      r->exit_code);
    metrics_store_set_u64(x->metrics, x->now_ps, as, "runtime_ps",
                          UNIT_DURATION, (r->end_ns - r->begin_ns) * PS_PER_NS);
    metrics_store_set_u64(x->metrics, x->now_ps, as, "output_bytes", UNIT_SIZE,
                          r->output_len);
    write_output(s, r);
}

bool step_command_check(const AgentResult *r, GError **error)
{
    switch (r->outcome) {
    case AGENT_DONE:
        return true;
    case AGENT_LOST:
        return step_broken(error, "the guest went down or started anew while "
                                  "the command ran");
    case AGENT_REFUSED:
        return step_broken(error, "the guest agent refused: %.100s", r->output);
    case AGENT_GARBLED:
        return step_broken(error, "the guest agent's answer is garbled");
    }
    g_return_val_if_reached(false);
}

char *step_command_last_line(const char *text)
{
    g_autofree char *copy = g_utf8_make_valid(text, -1);
    const char *line;

    g_strchomp(copy);
    line = strrchr(copy, '\n');
    line = line ? line + 1 : copy;
    return g_utf8_substring(line, 0,
                            MIN(g_utf8_strlen(line, -1), LAST_LINE_CHARS));
}
