/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * machine.c: see machine.h.
 */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DRIVE_BYTES (64u << 20)
#define START_TIMEOUT_MS 20000

static void G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

char *machine_make_dir(void)
{
    GError *error = NULL;
    char *dir = g_dir_make_tmp("or-qtest-XXXXXX", &error);

    if (!dir) {
        fail("no private folder: %s", error->message);
    }
    return dir;
}

static int listen_on(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        listen(fd, 1) < 0) {
        fail("%s: %s", path, strerror(errno));
    }
    return fd;
}

static void make_file(const char *dir, const char *name, uint64_t bytes)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, bytes) < 0) {
        fail("%s: %s", path, strerror(errno));
    }
    close(fd);
}

static void make_secret(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "root", NULL);

    if (!g_file_set_contents(path, "0123456789abcdef0123456789abcdef", 32,
                             NULL)) {
        fail("%s: cannot be written", path);
    }
}

/* What every test machine has; $D stands for its folder. */
static const char *const base_args[] = {
    "-nodefaults",
    "-no-user-config",
    "-display",
    "none",
    "-machine",
    "q35,accel=qtest",
    "-m",
    "64M",
    "-nic",
    "none",
    "-qtest",
    "unix:$D/qtest.sock",
    "-qtest-log",
    "none",
    "-qmp",
    "unix:$D/qmp.sock,server=on,wait=off",
    "-object",
    "secret,id=root0,file=$D/root",
    "-device",
    "offload-drive,id=ssd0,file=$D/ssd0.img,profile=$P/drive-tlc.profile",
    "-device",
    "offload-drive,id=ssd1,file=$D/ssd1.img,profile=$P/drive-tlc.profile",
    NULL
};

static void add_args(GPtrArray *argv, const char *dir, const char *const *args)
{
    const char *build = g_getenv("OUTRIGGER_BUILD");
    const char *root = g_getenv("OUTRIGGER_ROOT");
    g_autofree char *profiles = g_build_filename(root, "models/profiles", NULL);

    for (; *args; args++) {
        GString *s = g_string_new(*args);

        g_string_replace(s, "$D", dir, 0);
        g_string_replace(s, "$B", build, 0);
        g_string_replace(s, "$P", profiles, 0);
        g_ptr_array_add(argv, g_string_free(s, false));
    }
}

Machine *machine_start(const char *dir, const char *const *extra)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *qtest = g_build_filename(dir, "qtest.sock", NULL);
    g_autofree char *sock = g_build_filename(dir, "qmp.sock", NULL);
    g_autofree char *log = g_build_filename(dir, "qemu.log", NULL);
    const char *build = g_getenv("OUTRIGGER_BUILD");
    Machine *m = g_new0(Machine, 1);
    GError *error = NULL;
    ProcessSpec spec = { .stdout_path = log, .cpu = -1 };
    QmpWatch watch = { .death_fd = -1, .interrupt_fd = -1 };
    int listener = listen_on(qtest);

    if (!build || !g_getenv("OUTRIGGER_ROOT")) {
        fail("OUTRIGGER_BUILD and OUTRIGGER_ROOT are not set");
    }
    m->dir = g_strdup(dir);
    m->line = g_string_new("");
    make_file(dir, "ssd0.img", DRIVE_BYTES);
    make_file(dir, "ssd1.img", DRIVE_BYTES);
    make_secret(dir);
    g_ptr_array_add(argv,
                    g_build_filename(build, "bin/qemu-system-x86_64", NULL));
    add_args(argv, dir, base_args);
    add_args(argv, dir, extra);
    g_ptr_array_add(argv, NULL);
    spec.argv = (const char *const *)argv->pdata;
    m->process = process_spawn(&spec, &error);
    if (!m->process) {
        fail("QEMU: %s", error->message);
    }
    watch.death_fd = process_death_fd(m->process);
    m->qmp = qmp_connect(sock, &watch, NULL, START_TIMEOUT_MS, &error);
    if (!m->qmp) {
        g_autofree char *text = NULL;

        g_file_get_contents(log, &text, NULL, NULL);
        fail("QMP: %s\n%s", error->message, text ? text : "");
    }
    m->fd = accept(listener, NULL, NULL);
    close(listener);
    return m;
}

void machine_stop(Machine *m, bool keep_dir)
{
    qmp_run(m->qmp, "quit", NULL, NULL);
    if (!process_wait(m->process, 10000)) {
        fail("QEMU did not end after quit");
    }
    process_free(m->process);
    qmp_free(m->qmp);
    close(m->fd);
    if (!keep_dir) {
        static const char *const names[] = {
            "ssd0.img",   "ssd1.img", "root",  "qemu.log", "qmp.sock",
            "qtest.sock", "nvram",    "state", "hostile",  "events"
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
            g_autofree char *p = g_build_filename(m->dir, names[i], NULL);

            g_unlink(p);
        }
        g_rmdir(m->dir);
    }
    g_string_free(m->line, true);
    g_free(m->dir);
    g_free(m);
}

/* ---- QMP ----------------------------------------------------------------- */

static JsonObject *parse(const char *json)
{
    g_autoptr(JsonNode) node = NULL;
    g_autofree char *text = g_strdup_printf("{%s}", json ? json : "");
    GError *error = NULL;

    g_strdelimit(text, "'", '"');
    node = json_from_string(text, &error);
    if (!node) {
        fail("%s: %s", text, error->message);
    }
    return json_node_dup_object(node);
}

JsonNode *machine_qmp(Machine *m, const char *command, const char *json)
{
    GError *error = NULL;
    JsonNode *node = qmp_execute(m->qmp, command, parse(json), &error);

    if (!node) {
        fail("%s: %s", command, error->message);
    }
    return node;
}

char *machine_qmp_refused(Machine *m, const char *command, const char *json)
{
    GError *error = NULL;
    JsonNode *node = qmp_execute(m->qmp, command, parse(json), &error);
    char *message;

    if (node) {
        fail("%s was not refused", command);
    }
    message = g_strdup(error->message);
    g_error_free(error);
    return message;
}

/* ---- qtest --------------------------------------------------------------- */

/* One answer line; interrupt announcements in between are skipped. */
static char *answer(Machine *m)
{
    for (;;) {
        char c;

        g_string_truncate(m->line, 0);
        do {
            if (read(m->fd, &c, 1) != 1) {
                fail("QEMU closed the qtest socket");
            }
            if (c != '\n') {
                g_string_append_c(m->line, c);
            }
        } while (c != '\n');
        if (g_str_has_prefix(m->line->str, "OK")) {
            return m->line->str + 2;
        }
        if (!g_str_has_prefix(m->line->str, "IRQ")) {
            fail("qtest: %s", m->line->str);
        }
    }
}

static char *G_GNUC_PRINTF(2, 3) ask(Machine *m, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;
    size_t len, done = 0;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    len = strlen(text);
    while (done < len) {
        ssize_t n = write(m->fd, text + done, len - done);

        if (n <= 0) {
            fail("qtest socket: %s", strerror(errno));
        }
        done += n;
    }
    return answer(m);
}

static char suffix(unsigned size)
{
    return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

void machine_refuses(Machine *m, const MachineRefusal *rows, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *text =
            machine_qmp_refused(m, rows[i].command, rows[i].json);

        if (!strstr(text, rows[i].says)) {
            fail("%s %s: '%s' is not in: %s", rows[i].command, rows[i].json,
                 rows[i].says, text);
        }
    }
}

static void migrate(Machine *m, const char *command)
{
    g_autofree char *json = g_strdup_printf("'uri': 'file:%s/state'", m->dir);
    bool done = false;

    json_node_unref(machine_qmp(m, command, json));
    while (!done) {
        JsonNode *node = machine_qmp(m, "query-migrate", NULL);
        JsonObject *o = json_node_get_object(node);
        const char *status =
            json_object_get_string_member_with_default(o, "status", "none");

        if (!strcmp(status, "failed")) {
            fail("%s failed", command);
        }
        done = !strcmp(status, "completed");
        json_node_unref(node);
        if (!done) {
            g_usleep(2000); /* between two looks at another process */
        }
    }
}

void machine_save(Machine *m)
{
    migrate(m, "migrate");
}

void machine_load(Machine *m)
{
    migrate(m, "migrate-incoming");
}

uint64_t machine_read(Machine *m, uint64_t addr, unsigned size)
{
    return g_ascii_strtoull(
        ask(m, "read%c 0x%" G_GINT64_MODIFIER "x\n", suffix(size), addr), NULL,
        0);
}

void machine_write(Machine *m, uint64_t addr, uint64_t value, unsigned size)
{
    ask(m, "write%c 0x%" G_GINT64_MODIFIER "x 0x%" G_GINT64_MODIFIER "x\n",
        suffix(size), addr, value);
}

void machine_ram_read(Machine *m, uint64_t addr, void *buf, size_t len)
{
    const char *hex =
        ask(m, "read 0x%" G_GINT64_MODIFIER "x 0x%zx\n", addr, len) + 3;
    uint8_t *out = buf;

    for (size_t i = 0; i < len; i++) {
        out[i] = g_ascii_xdigit_value(hex[2 * i]) << 4 |
                 g_ascii_xdigit_value(hex[2 * i + 1]);
    }
}

void machine_ram_write(Machine *m, uint64_t addr, const void *buf, size_t len)
{
    g_autoptr(GString) hex = g_string_sized_new(2 * len + 1);
    const uint8_t *in = buf;

    for (size_t i = 0; i < len; i++) {
        g_string_append_printf(hex, "%02x", in[i]);
    }
    ask(m, "write 0x%" G_GINT64_MODIFIER "x 0x%zx 0x%s\n", addr, len, hex->str);
}

int64_t machine_clock_next(Machine *m)
{
    return g_ascii_strtoll(ask(m, "clock_step\n"), NULL, 0);
}

int64_t machine_clock_step(Machine *m, int64_t ns)
{
    return g_ascii_strtoll(ask(m, "clock_step %" G_GINT64_MODIFIER "d\n", ns),
                           NULL, 0);
}

static void pci_select(Machine *m, unsigned dev, unsigned offset)
{
    ask(m, "outl 0xcf8 0x%x\n", 1u << 31 | dev << 11 | (offset & 0xfc));
}

uint32_t machine_pci_read(Machine *m, unsigned dev, unsigned offset,
                          unsigned size)
{
    pci_select(m, dev, offset);
    return g_ascii_strtoull(
        ask(m, "in%c 0x%x\n", suffix(size), 0xcfc + (offset & 3)), NULL, 0);
}

void machine_pci_write(Machine *m, unsigned dev, unsigned offset,
                       uint32_t value, unsigned size)
{
    pci_select(m, dev, offset);
    ask(m, "out%c 0x%x 0x%x\n", suffix(size), 0xcfc + (offset & 3), value);
}

unsigned machine_pci_capability(Machine *m, unsigned dev, uint8_t id)
{
    unsigned at = machine_pci_read(m, dev, 0x34, 1);

    while (at && machine_pci_read(m, dev, at, 1) != id) {
        at = machine_pci_read(m, dev, at + 1, 1);
    }
    return at;
}

void machine_pci_map(Machine *m, unsigned dev, uint64_t bar, uint32_t msix)
{
    machine_pci_write(m, dev, 0x10, (uint32_t)bar, 4);
    machine_pci_write(m, dev, 0x14, (uint32_t)(bar >> 32), 4);
    machine_pci_write(m, dev, 0x20, (uint32_t)(bar + msix), 4);
    machine_pci_write(m, dev, 0x04, 0x6, 2);
}

void machine_pci_msix(Machine *m, unsigned dev, bool on)
{
    unsigned cap = machine_pci_capability(m, dev, 0x11);

    if (!cap) {
        fail("device %u has no MSI-X capability", dev);
    }
    machine_pci_write(m, dev, cap + 2, on ? 0x8000 : 0, 2);
}
