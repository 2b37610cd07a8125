/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime-fake-qemu.c: plays QEMU and its guest for the runtime's tests: the
 * QMP side of docs/control-plane.md and the agent of guest/PROTOCOL.md on a
 * virtual clock of its own. It runs no instruction: a script's lines
 * "FAKE:WORD [ARGUMENT]" say what the guest does.
 *
 *   print TEXT   output      exit N      exit code        sleep MS  takes time
 *   io N         N commands in the card's event log
 *   poweroff, reboot, die (SIGKILL), garbage TEXT, random
 *   hang (waits for ever), spin (computes for ever), freeze (is stopped),
 *   nap (is stopped for a second)
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>
#include <json-glib/json-glib.h>

#include "seam.h"

#define NS_PER_MS 1000000
#define HELLO_NS (50 * NS_PER_MS)
#define COMMAND_NS NS_PER_MS

typedef struct Command {
    char *id;
    char *script;
    int64_t begin_ns, end_ns;
} Command;

static int monitor = -1;
static int64_t now_ns, hello_ns = HELLO_NS;
static GPtrArray *commands; /* Command */
static GString *parts;
static const char *events_path;
static GPtrArray *interfaces; /* char * */
static uint64_t ios;

/* ---- output ------------------------------------------------------------ */

static void append(const char *file, const void *data, size_t len)
{
    FILE *f = fopen(file, "a");

    fwrite(data, 1, len, f);
    fclose(f);
}

G_GNUC_PRINTF(2, 3)
static void append_text(const char *file, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, format);
    text = g_strdup_vprintf(format, ap);
    va_end(ap);
    append(file, text, strlen(text));
}

G_GNUC_PRINTF(1, 2)
static void say(const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, format);
    text = g_strdup_vprintf(format, ap);
    va_end(ap);
    if (send(monitor, text, strlen(text), MSG_NOSIGNAL) < 0) {
        exit(1);
    }
}

static void card_event(unsigned kind, unsigned cid)
{
    CardEvent ev = { .at_ps = (uint64_t)now_ns * 1000,
                     .kind = (uint16_t)kind,
                     .qid = 1,
                     .cid = (uint16_t)cid,
                     .nsid = 1,
                     .b = 5000,
                     .c = 4096u << 8 | MODEL_DRIVE_READ };

    append(events_path, &ev, sizeof(ev));
}

static void do_io(unsigned n)
{
    static const unsigned kinds[] = { CARD_EV_DOORBELL,   CARD_EV_CMD_FETCH,
                                      CARD_EV_PHYS_START, CARD_EV_PHYS_DONE,
                                      CARD_EV_CMD_DONE,   CARD_EV_IRQ };

    for (unsigned i = 0; events_path && i < n; i++) {
        for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
            card_event(kinds[k], i);
        }
        ios++;
    }
}

/* ---- the guest --------------------------------------------------------- */

static void boot(void)
{
    append_text("console.log", "[    0.000000] fake guest\n");
    append_text("agent.out", "@hello 1 6.1.0-fake 00000000-0000\n");
}

static void reset(void)
{
    say("{\"event\":\"RESET\",\"data\":{\"guest\":true}}\r\n");
    g_ptr_array_set_size(commands, 0);
    hello_ns = now_ns + HELLO_NS;
}

/* Argument of the line "FAKE:@word ARGUMENT"; NULL: there is none. */
static const char *fake(const char *line, const char *word)
{
    size_t len = strlen(word);

    if (!g_str_has_prefix(line, "FAKE:") || strncmp(line + 5, word, len) != 0) {
        return NULL;
    }
    return line[5 + len] == ' ' ? line + 6 + len : line[5 + len] ? NULL : "";
}

static int64_t duration_ns(const char *script)
{
    g_auto(GStrv) lines = g_strsplit(script, "\n", -1);
    int64_t ns = COMMAND_NS;

    for (unsigned i = 0; lines[i]; i++) {
        const char *ms = fake(lines[i], "sleep");

        ns += ms ? g_ascii_strtoll(ms, NULL, 10) * NS_PER_MS : 0;
    }
    return ns;
}

static void nap(void)
{
    pid_t self = getpid();

    if (fork() == 0) {
        usleep(1000000);
        kill(self, SIGCONT);
        _exit(0);
    }
    raise(SIGSTOP);
}

static bool guest_line(const char *line, GString *out, int *code)
{
    const char *arg;

    if ((arg = fake(line, "print")) != NULL) {
        g_string_append_printf(out, "%s\n", arg);
    } else if ((arg = fake(line, "exit")) != NULL) {
        *code = atoi(arg);
    } else if ((arg = fake(line, "io")) != NULL) {
        do_io((unsigned)atoi(arg));
    } else if ((arg = fake(line, "garbage")) != NULL) {
        append_text("agent.out", "%s\n", arg);
    } else if (fake(line, "random")) {
        append_text("console.log", "pid %d\n", (int)getpid());
    } else if (fake(line, "die")) {
        raise(SIGKILL);
    } else if (fake(line, "hang")) {
        pause();
    } else if (fake(line, "spin")) {
        for (;;) {
            __asm__ volatile("");
        }
    } else if (fake(line, "freeze")) {
        raise(SIGSTOP);
    } else if (fake(line, "nap")) {
        nap();
    } else if (fake(line, "reboot") || strcmp(line, "reboot") == 0) {
        reset();
        return false;
    } else if (fake(line, "poweroff") || strcmp(line, "poweroff") == 0) {
        say("{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true}}\r\n");
        hello_ns = -1;
        now_ns = INT64_MAX;
        return false;
    }
    return true;
}

static void finish(const Command *c)
{
    g_auto(GStrv) lines = g_strsplit(c->script, "\n", -1);
    g_autofree char *id = g_strdup(c->id);
    int64_t begin_ns = c->begin_ns;
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *text = NULL;
    int code = 0;

    for (unsigned i = 0; lines[i]; i++) {
        if (!guest_line(lines[i], out, &code)) {
            return;
        }
    }
    text = g_base64_encode((const guchar *)out->str, out->len);
    append_text("agent.out",
                "@done %s %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                " %zu\n%s\n",
                id, code, begin_ns, now_ns, strlen(text), text);
}

static Command *next_command(void)
{
    Command *best = NULL;

    for (unsigned i = 0; i < commands->len; i++) {
        Command *c = g_ptr_array_index(commands, i);

        if (!best || c->end_ns < best->end_ns) {
            best = c;
        }
    }
    return best;
}

static void run_until(int64_t until_ns)
{
    while (now_ns < until_ns) {
        Command *c = next_command();

        if (hello_ns >= 0 && hello_ns <= until_ns) {
            now_ns = hello_ns;
            hello_ns = -1;
            boot();
        } else if (c && c->end_ns <= until_ns) {
            now_ns = c->end_ns;
            g_ptr_array_ref(commands);
            finish(c);
            g_ptr_array_remove(commands, c);
            g_ptr_array_unref(commands);
        } else {
            now_ns = until_ns;
        }
    }
    if (now_ns == until_ns) {
        say("{\"event\":\"OUTRIGGER_EDGE\",\"data\":{\"now\":%" G_GINT64_FORMAT
            "}}\r\n",
            now_ns);
    }
}

static void guest_input(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 3);
    gsize len;
    Command *c;

    if (g_strv_length(words) != 3) {
        return;
    }
    g_string_append(parts, words[2]);
    if (strcmp(words[0], "@run") != 0) {
        return;
    }
    c = g_new0(Command, 1);
    c->id = g_strdup(words[1]);
    c->script = (char *)g_base64_decode(parts->str, &len);
    c->script = g_realloc(c->script, len + 1);
    c->script[len] = '\0';
    c->begin_ns = now_ns;
    c->end_ns = now_ns + duration_ns(c->script);
    g_string_truncate(parts, 0);
    g_ptr_array_add(commands, c);
}

/* ---- the monitor ------------------------------------------------------- */

static char *offload_info(void)
{
    GString *s = g_string_new("{\"version\":\"1.0.0\",\"partitions\":[],"
                              "\"interfaces\":[");

    for (unsigned i = 0; i < interfaces->len; i++) {
        g_string_append_printf(
            s,
            "%s{\"name\":\"%s\",\"fn\":%u,\"iops\":0,\"stats\":"
            "{\"read-commands\":%" G_GUINT64_FORMAT ",\"guest-errors\":0}}",
            i ? "," : "", (char *)g_ptr_array_index(interfaces, i), i,
            i == 0 ? ios : 0);
    }
    g_string_append(s, "],\"counters\":[]}");
    return g_string_free(s, FALSE);
}

static void input(JsonObject *args)
{
    gsize len;
    g_autofree guchar *raw =
        g_base64_decode(json_object_get_string_member(args, "data"), &len);
    g_autofree char *text = g_strndup((char *)raw, len);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (unsigned i = 0; lines[i]; i++) {
        guest_input(lines[i]);
    }
}

static void answer(gint64 id, const char *value)
{
    say("{\"return\":%s,\"id\":%" G_GINT64_FORMAT "}\r\n", value, id);
}

static void execute(JsonObject *msg)
{
    const char *name = json_object_get_string_member(msg, "execute");
    gint64 id = json_object_get_int_member(msg, "id");
    JsonObject *args = json_object_has_member(msg, "arguments")
                           ? json_object_get_object_member(msg, "arguments")
                           : NULL;

    if (strcmp(name, "query-offload") == 0) {
        g_autofree char *info = offload_info();

        answer(id, info);
    } else if (strcmp(name, "query-outrigger") == 0) {
        answer(id, "{\"qemu-version\":\"0.0.1\"}");
    } else if (strcmp(name, "query-offload-registers") == 0) {
        answer(id, "[{\"name\":\"CC\",\"offset\":20,\"size\":4,\"value\":1}]");
    } else if (strcmp(name, "offload-rotate-key") == 0) {
        say("{\"error\":{\"class\":\"GenericError\",\"desc\":\"no key\"},"
            "\"id\":%" G_GINT64_FORMAT "}\r\n",
            id);
    } else {
        answer(id, "{}");
    }
    if (strcmp(name, "outrigger-grant") == 0) {
        run_until(json_object_get_int_member(args, "until"));
    } else if (strcmp(name, "outrigger-input") == 0) {
        input(args);
    } else if (strcmp(name, "offload-update") == 0) {
        say("{\"event\":\"OFFLOAD_UPDATED\",\"data\":{\"version\":\"2.0.0\"}}"
            "\r\n");
    } else if (g_str_has_prefix(name, "migrate") &&
               json_object_has_member(args, "uri")) {
        say("{\"event\":\"MIGRATION\",\"data\":{\"status\":\"active\"}}\r\n"
            "{\"event\":\"MIGRATION\",\"data\":{\"status\":\"completed\"}}"
            "\r\n");
    } else if (strcmp(name, "quit") == 0) {
        _exit(0); /* also when a sanitizer looks for leaks */
    }
}

static void serve(void)
{
    FILE *in = fdopen(monitor, "r");
    char *line = NULL;
    size_t room = 0;

    say("{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n");
    while (getline(&line, &room, in) > 0) {
        g_autoptr(JsonParser) parser = json_parser_new();

        if (json_parser_load_from_data(parser, line, -1, NULL)) {
            execute(json_node_get_object(json_parser_get_root(parser)));
        }
    }
}

/* ---- the command line -------------------------------------------------- */

static char *option_value(const char *option, const char *name)
{
    g_auto(GStrv) parts_of = g_strsplit(option, ",", -1);

    for (unsigned i = 0; parts_of[i]; i++) {
        if (g_str_has_prefix(parts_of[i], name)) {
            return g_strdup(parts_of[i] + strlen(name));
        }
    }
    return NULL;
}

static void create_events(const char *path)
{
    uint32_t words[2] = { 1, sizeof(CardEvent) };

    events_path = path;
    append(path, "ORCARDEV", 8);
    append(path, words, sizeof(words));
}

static char *read_options(int argc, char **argv)
{
    char *socket_path = NULL;

    for (int i = 1; i + 1 < argc; i++) {
        const char *value = argv[i + 1];

        if (strcmp(argv[i], "-qmp") == 0 && !socket_path) {
            socket_path = option_value(value, "unix:");
        } else if (strcmp(argv[i], "-append") == 0 && strstr(value, "refuse")) {
            fprintf(stderr, "qemu-system-x86_64: -append x: refused\n");
            exit(1);
        } else if (strcmp(argv[i], "-incoming") == 0) {
            hello_ns = -1; /* it has said so before it was saved */
        } else if (g_str_has_prefix(value, "offload-card,")) {
            create_events(option_value(value, "events="));
        } else if (g_str_has_prefix(value, "offload-nvme,")) {
            g_ptr_array_add(interfaces, option_value(value, "interface="));
        }
    }
    return socket_path;
}

int main(int argc, char **argv)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    char *path;
    int fd;

    signal(SIGTERM, SIG_IGN); /* a QEMU that waits for its lock does so */
    commands = g_ptr_array_new();
    interfaces = g_ptr_array_new();
    parts = g_string_new(NULL);
    path = read_options(argc, argv);
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(fd, 1) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    monitor = accept(fd, NULL, NULL);
    serve();
    return 0;
}
