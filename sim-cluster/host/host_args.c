/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_args.c: the command line of one emulated host.
 */
#include "host_args.h"

#include <string.h>

#include "host_seed.h"
#include "scenario_board.h"
#include "scenario_net.h"
#include "switch_core.h"

typedef struct Builder {
    const HostArgs *a;
    GPtrArray *argv;
    unsigned ports; /* PCIe root ports so far */
} Builder;

/* ---- words ------------------------------------------------------------- */

static void add(Builder *b, const char *word)
{
    g_ptr_array_add(b->argv, g_strdup(word));
}

G_GNUC_PRINTF(3, 4)
static void add_option(Builder *b, const char *option, const char *format, ...)
{
    va_list ap;

    add(b, option);
    va_start(ap, format);
    g_ptr_array_add(b->argv, g_strdup_vprintf(format, ap));
    va_end(ap);
}

/* A value inside a comma-separated option: commas are doubled. */
static char *escaped(const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);

    return g_strjoinv(",,", parts);
}

static bool lockstep(const HostArgs *a)
{
    return a->mode != SCN_MODE_WALL;
}

/* ---- machine ----------------------------------------------------------- */

static unsigned icount_shift(const ScnCpu *cpu)
{
    unsigned shift = 0;

    while ((UINT64_C(1) << shift) < cpu->ns_per_insn) {
        shift++;
    }
    return shift;
}

static void add_time(Builder *b)
{
    const HostArgs *a = b->a;
    uint64_t seed = seed_derive_u64(a->seed, a->host->node.name, "qemu");

    if (!lockstep(a)) {
        add_option(b, "-accel", "tcg");
        add_option(b, "-seed", "%u", (unsigned)(seed & G_MAXUINT32));
        add(b, "-S"); /* until the card is configured */
        if (a->net) {
            net_host_args(a->net, a->index, b->argv);
        }
        return;
    }
    add_option(b, "-accel", "tcg");
    add_option(b, "-icount", "shift=%u,sleep=off", icount_shift(a->host->cpu));
    add_option(b, "-seed", "%u", (unsigned)(seed & G_MAXUINT32));
    add_option(b, "-rtc", "base=%s,clock=vm", a->rtc);
    if (a->net) {
        net_host_args(a->net, a->index, b->argv);
    } else {
        add_option(b, "-device", "outrigger-clock");
    }
}

static void add_machine(Builder *b)
{
    const HostArgs *a = b->a;
    const ScnHost *h = a->host;
    g_autofree char *uuid = seed_derive_uuid(a->seed, h->node.name, "uuid");

    add(b, a->install->qemu);
    add(b, "-nodefaults");
    add(b, "-no-user-config");
    add_option(b, "-display", "none");
    add_option(b, "-name", "%s", h->node.name);
    add_option(b, "-uuid", "%s", uuid);
    add_option(b, "-machine", "q35,memory-backend=ram");
    add_option(b, "-object",
               "memory-backend-file,id=ram,size=%" G_GUINT64_FORMAT
               ",mem-path=ram,share=on",
               h->memory_bytes);
    add_option(b, "-smp", "%" G_GUINT64_FORMAT, h->cpu->count);
    if (h->image) {
        add_option(b, "-cpu", "%s", a->install->cpu);
    }
    add_time(b);
    /* A guest that powers off is looked at before its process ends. */
    add_option(b, "-action", "shutdown=pause");
}

static void add_monitors(Builder *b)
{
    const char *s = b->a->sockets;

    add_option(b, "-qmp", "unix:%sqmp,server=on,wait=off", s);
    add_option(b, "-qmp", "unix:%sctl,server=on,wait=off", s);
    add_option(b, "-chardev", "socket,id=gdb,path=%sgdb,server=on,wait=off", s);
    add_option(b, "-gdb", "chardev:gdb");
    if (lockstep(b->a)) {
        add_option(b, "-chardev", "file,id=console,path=console.log,append=on");
    } else { /* a person may type */
        add_option(b, "-chardev",
                   "socket,id=console,path=%sconsole,server=on,wait=off,"
                   "logfile=console.log,logappend=on",
                   s);
    }
    add_option(b, "-serial", "chardev:console");
    add_option(b, "-chardev", "file,id=agent,path=agent.out,append=on");
    add_option(b, "-device", "isa-serial,chardev=agent");
}

static void add_firmware(Builder *b)
{
    const HostArgs *a = b->a;
    const char *firmware = a->host->firmware;

    if (strcmp(firmware, "seabios") == 0) {
        return; /* QEMU's default */
    }
    if (strcmp(firmware, "ovmf") == 0) {
        g_autofree char *code = g_build_filename(
            a->install->build, "share", "qemu", "OVMF_CODE_4M.fd", NULL);
        g_autofree char *name = escaped(code);

        add_option(b, "-drive",
                   "if=pflash,unit=0,format=raw,readonly=on,file=%s", name);
        add_option(b, "-drive", "if=pflash,unit=1,format=raw,file=uefi-vars");
        return;
    }
    add_option(b, "-bios", "%s", firmware);
}

static void add_boot(Builder *b)
{
    const HostArgs *a = b->a;
    const ScnHost *h = a->host;
    const char *kernel = h->image ? a->install->kernel : h->kernel;
    const char *initrd = h->image ? a->install->initrd : h->initrd;
    const char *base = h->image ? a->install->cmdline : "";
    g_autofree char *append = NULL;

    add_firmware(b);
    if (!kernel) {
        return;
    }
    add_option(b, "-kernel", "%s", kernel);
    if (initrd) {
        add_option(b, "-initrd", "%s", initrd);
    }
    append = g_strconcat(
        base, h->image && !lockstep(a) ? " outrigger.shell=ttyS0" : "",
        base[0] && h->append[0] ? " " : "", h->append, NULL);
    if (append[0]) {
        add_option(b, "-append", "%s", append);
    }
}

/* ---- cards ------------------------------------------------------------- */

/* A port of its own for each function: an interface is a device. */
static unsigned add_port(Builder *b)
{
    unsigned n = b->ports++;

    add_option(b, "-device", "pcie-root-port,id=rp%u,chassis=%u,slot=%u", n,
               n + 1, n + 1);
    return n;
}

static void add_drives(Builder *b, const ScnCard *card)
{
    for (unsigned i = 0; i < card->drives->len; i++) {
        const ScnDrive *d = g_ptr_array_index(card->drives, i);
        g_autofree char *profile = escaped(d->profile);

        add_option(b, "-device",
                   "offload-drive,id=%s,file=%s.img,size=%" G_GUINT64_FORMAT
                   ",profile=%s",
                   d->name, d->name, d->size_bytes, profile);
    }
}

static char *drive_list(const ScnCard *card)
{
    GString *s = g_string_new(NULL);

    for (unsigned i = 0; i < card->drives->len; i++) {
        const ScnDrive *d = g_ptr_array_index(card->drives, i);

        g_string_append_printf(s, "%s%s", i ? ":" : "", d->name);
    }
    return g_string_free(s, FALSE);
}

static char *card_options(const HostArgs *a, const ScnCard *card)
{
    g_autofree char *app = host_install_app(a->install, a->application);
    g_autofree char *app_name = escaped(app);
    g_autofree char *profile = escaped(card->profile);
    g_autofree char *drives = drive_list(card);
    g_autofree char *events = host_args_events_name(a->process);
    uint64_t seed = seed_derive_u64(a->seed, a->host->node.name, "card");
    GString *s = g_string_new("offload-card,id=" HOST_CARD);

    g_string_append_printf(
        s,
        ",drives=%s,secret=root0,nvram=nvram,app=%s,profile=%s,timing=%s"
        ",seed=%" G_GUINT64_FORMAT ",events=%s",
        drives, app_name, profile,
        a->mode == SCN_MODE_UNTIMED ? "untimed" : "model", seed, events);
    if (a->waves) {
        g_string_append_printf(s, ",waves=../../waves/%s-" HOST_CARD,
                               a->host->node.name);
    }
    if (!card->controls->encryption) {
        g_string_append(s, ",no-encryption=on");
    }
    if (!card->controls->throttle) {
        g_string_append(s, ",no-throttle=on");
    }
    if (card->controls->fanout == SCN_FANOUT_FIRST) {
        g_string_append(s, ",complete-on-first=on");
    }
    return g_string_free(s, FALSE);
}

/* The port is there when the host has a link (net.h). */
static void add_vnic(Builder *b, const ScnVnic *vnic)
{
    const Topology *t = b->a->topology;
    uint32_t link = t ? topology_port(t, b->a->index, 0, NULL) : TOPO_NONE;
    const TopoLink *l = link == TOPO_NONE ? NULL : t->links->pdata[link];
    g_autofree char *mac = scn_mac_text(vnic->mac);
    unsigned port = add_port(b);
    GString *s = g_string_new("offload-ena,card=" HOST_CARD);

    g_string_append_printf(
        s, ",id=%s,interface=%s,mac=%s,queues=%" G_GUINT64_FORMAT ",bus=rp%u",
        vnic->name, vnic->name, mac, vnic->queues, port);
    if (vnic->low_latency) {
        g_string_append(s, ",llq=on");
    }
    if (l) {
        g_string_append_printf(s, ",port=port0,speed=%" G_GUINT64_FORMAT,
                               l->rate_bps / 1000000);
    }
    add_option(b, "-device", "%s", s->str);
    g_string_free(s, TRUE);
}

static void add_card(Builder *b, const ScnCard *card)
{
    g_autofree char *options = card_options(b->a, card);

    add_drives(b, card);
    add_option(b, "-device", "%s", options);
    for (unsigned i = 0; i < card->interfaces->len; i++) {
        const ScnInterface *vif = g_ptr_array_index(card->interfaces, i);
        unsigned port = add_port(b);

        add_option(b, "-device",
                   "offload-nvme,card=" HOST_CARD
                   ",interface=%s,bus=rp%u,serial=%s,queues=%" G_GUINT64_FORMAT,
                   vif->name, port, vif->name, vif->queues);
    }
    for (unsigned i = 0; i < card->nic->len; i++) {
        add_vnic(b, g_ptr_array_index(card->nic, i));
    }
}

/* The user's disk image: a drive on a card of its own, so that booting from
 * it is as repeatable as everything else. EDK II's driver wants two I/O
 * queues. */
static void add_disk(Builder *b)
{
    g_autofree char *app = host_install_app(b->a->install, "stock");
    g_autofree char *name = escaped(app);
    unsigned port;

    add_option(b, "-device",
               "offload-drive,id=" HOST_DISK_CARD
               "-drive,file=" HOST_DISK_IMAGE);
    add_option(b, "-device",
               "offload-card,id=" HOST_DISK_CARD ",drives=" HOST_DISK_CARD
               "-drive,secret=root0,nvram=disk-nvram,app=%s,timing=untimed",
               name);
    port = add_port(b);
    add_option(b, "-device",
               "offload-nvme,card=" HOST_DISK_CARD
               ",interface=" HOST_DISK_INTERFACE
               ",bus=rp%u,serial=" HOST_DISK_INTERFACE ",queues=4,bootindex=0",
               port);
}

static void add_qemu_nvme(Builder *b)
{
    const GPtrArray *list = b->a->host->qemu_nvme;

    for (unsigned i = 0; i < list->len; i++) {
        const ScnQemuNvme *n = g_ptr_array_index(list, i);
        unsigned port = add_port(b);

        add_option(b, "-drive", "if=none,id=%s,format=raw,file=%s.img", n->name,
                   n->name);
        add_option(b, "-device", "nvme,drive=%s,serial=%s,bus=rp%u", n->name,
                   n->name, port);
    }
}

/* ",setbacks=0:30000:70000", or nothing. */
static char *setbacks_option(const GeometryParams *p)
{
    GString *text = g_string_new(p->n_setbacks ? ",setbacks=" : "");

    for (unsigned i = 0; i < p->n_setbacks; i++) {
        g_string_append_printf(text, "%s%d", i ? ":" : "", p->setback_um[i]);
    }
    return g_string_free(text, FALSE);
}

/* The core of a switch that forwards here, and its ports with links. */
static void append_forwarding(const Builder *b, GString *s, const char *name)
{
    const Topology *t = b->a->topology;
    uint32_t index = topology_node(t, name);
    const TopoNode *n = t->nodes->pdata[index];
    SwitchConfig c;

    switch_config_default(&c, n->ports);
    net_switch_config(n, &c);
    g_string_append_printf(s,
                           ",lanes=%u,pipeline-ps=%" G_GUINT64_FORMAT
                           ",buffer-cells=%u,ecn-cells=%u,idle-signal=off"
                           ",ports=",
                           scn_switch_lanes(n->written), c.pipeline_ps,
                           c.buffer_cells, c.queue[0].ecn_min_cells);
    for (unsigned i = 0; i < n->ports; i++) {
        g_string_append(s, i ? ":" : "");
        if (topology_port(t, index, i, NULL) != TOPO_NONE) {
            g_string_append_printf(s, "%s.p%u", name, i);
        }
    }
}

/* The device with the board of a switch. */
static void add_management(Builder *b, const char *name)
{
    const TopoNode *node =
        b->a->topology->nodes->pdata[topology_node(b->a->topology, name)];
    GString *s = g_string_new("receded-switch,id=" HOST_SWITCH);
    const ScnGeometry *written = node->written->geometry;
    const GeometryParams *p = &node->board->params;
    GeometryRate rate = GEOMETRY_25G;
    unsigned port = add_port(b);
    g_autofree char *setbacks = setbacks_option(p);

    scn_board_rate(written, &rate);
    g_string_append_printf(
        s,
        ",layout=%s,baseline=%s,recede=%s,routing=%s,columns=%u,rows=%u,"
        "pitch-um=%d,setback-um=%d,steps=%u%s,radius-um=%d,asic-um=%d,"
        "asic-offset-um=%d,rate=%s,budget-mdb=%d,loss-mdb=%d,retimers=%s,"
        "seed=%" G_GUINT64_FORMAT ",bus=rp%u",
        geometry_layout_name(p->layout), p->baseline ? "on" : "off",
        geometry_recede_name(p->recede), geometry_routing_name(p->routing),
        p->columns, p->rows, p->pitch_um, p->max_setback_um, p->steps, setbacks,
        p->arc_radius_um, p->asic_behind_um, p->asic_offset_um,
        geometry_rate_name(rate), p->budget_mdb[rate],
        p->loss_mdb_per_inch[rate], written->retimers ? "needed" : "none",
        seed_derive_u64(b->a->seed, name, "switch"), port);
    if (node->device_host != TOPO_NONE) {
        append_forwarding(b, s, name);
    }
    add_option(b, "-device", "%s", s->str);
    g_string_free(s, TRUE);
}

/* ---- all --------------------------------------------------------------- */

char *host_args_events_name(unsigned process)
{
    return g_strdup_printf("card-events-%u.bin", process);
}

GPtrArray *host_args_build(const HostArgs *a)
{
    Builder b = { .a = a, .argv = g_ptr_array_new_with_free_func(g_free) };

    add_machine(&b);
    add_monitors(&b);
    add_boot(&b);
    if (a->host->card || a->host->disk) {
        add_option(&b, "-object", "secret,id=root0,file=root-secret");
    }
    if (a->host->disk) {
        add_disk(&b);
    }
    if (a->host->card) {
        add_card(&b, a->host->card);
    }
    add_qemu_nvme(&b);
    if (a->host->manages) {
        add_management(&b, a->host->manages);
    }
    if (a->incoming) {
        add_option(&b, "-incoming", "defer");
    }
    g_ptr_array_add(b.argv, NULL);
    return b.argv;
}

char *host_args_script(const HostArgs *a, const GPtrArray *argv)
{
    g_autofree char *sockets = g_path_get_dirname(a->sockets);
    g_autofree char *sockets_quoted = g_shell_quote(sockets);
    g_autofree char *ram_dir = g_path_get_dirname(a->ram_path);
    g_autofree char *ram_quoted = g_shell_quote(ram_dir);
    GString *s = g_string_new("#!/bin/sh\n");

    g_string_append_printf(
        s,
        "# Process %u of node %s. Its working directory is this folder; the\n"
        "# two private folders hold sockets and guest RAM.%s\n"
        "cd \"$(dirname \"$0\")\" && mkdir -p -m 700 %s %s && : >>ram\n"
        "exec",
        a->process, a->host->node.name,
        lockstep(a) ? " It stands still until\n# the first outrigger-grant "
                      "on its QMP socket."
                    : "",
        sockets_quoted, ram_quoted);
    for (unsigned i = 0; g_ptr_array_index(argv, i); i++) {
        const char *word = g_ptr_array_index(argv, i);
        g_autofree char *quoted = g_shell_quote(word);
        bool plain =
            strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
                         "QRSTUVWXYZ0123456789-_=,.:/+") == strlen(word) &&
            word[0];

        g_string_append_printf(s, "%s%s", word[0] == '-' ? " \\\n  " : " ",
                               plain ? word : quoted);
    }
    g_string_append_c(s, '\n');
    return g_string_free(s, FALSE);
}
