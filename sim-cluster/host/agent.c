/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * agent.c: guest/PROTOCOL.md, version 1, the engine's end.
 */
#include "agent.h"

#include <string.h>

/* A line the guest's terminal takes in one piece (PROTOCOL.md). */
#define AGENT_PART_CHARS 49152u

typedef struct Command {
    AgentResult *result; /* NULL while it runs */
} Command;

struct Agent {
    GString *line;        /* the line being received */
    bool skipping;        /* it is too long: dropped to its end */
    GHashTable *commands; /* id -> Command */
    unsigned next_id;
    unsigned hellos;
    bool ready;
    char *kernel;
    uint64_t garbage;
    /* a @done whose output line comes next */
    char *done_id;
    AgentResult *done;
    uint64_t done_chars; /* of base64 */
};

/* ---- results ----------------------------------------------------------- */

void agent_result_free(AgentResult *r)
{
    if (r) {
        g_free(r->output);
        g_free(r);
    }
}

static void command_free(void *opaque)
{
    Command *c = opaque;

    agent_result_free(c->result);
    g_free(c);
}

static AgentResult *result_new(AgentOutcome outcome, const char *text)
{
    AgentResult *r = g_new0(AgentResult, 1);

    r->outcome = outcome;
    r->output = g_strdup(text);
    r->output_len = strlen(text);
    return r;
}

/* Takes @r. An id nobody asked for, or answered already, is garbage. */
static void settle(Agent *a, const char *id, AgentResult *r)
{
    Command *c = g_hash_table_lookup(a->commands, id);

    if (!c || c->result) {
        a->garbage++;
        agent_result_free(r);
        return;
    }
    c->result = r;
}

static void lose_all(Agent *a)
{
    GHashTableIter iter;
    void *value;

    g_clear_pointer(&a->done, agent_result_free);
    g_clear_pointer(&a->done_id, g_free);
    g_hash_table_iter_init(&iter, a->commands);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Command *c = value;

        if (!c->result) {
            c->result = result_new(AGENT_LOST, "");
        }
    }
}

/* ---- lines ------------------------------------------------------------- */

static bool parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
    return g_ascii_string_to_unsigned(text, 10, 0, max, ret, NULL);
}

/* "@hello 1 KERNEL BOOTID" */
static bool on_hello(Agent *a, char *const *words, unsigned n)
{
    if (n < 3 || strcmp(words[1], "1") != 0) {
        return false;
    }
    lose_all(a);
    a->hellos++;
    a->ready = true;
    g_free(a->kernel);
    a->kernel = g_utf8_make_valid(words[2], -1);
    return true;
}

/* "@done ID CODE T0 T1 LENGTH", then a line of base64 */
static bool on_done(Agent *a, char *const *words, unsigned n)
{
    uint64_t code, begin_ns, end_ns, chars;

    if (n != 6 || !parse_u64(words[2], 255, &code) ||
        !parse_u64(words[3], G_MAXINT64, &begin_ns) ||
        !parse_u64(words[4], G_MAXINT64, &end_ns) || end_ns < begin_ns ||
        !parse_u64(words[5], AGENT_MAX_LINE_BYTES, &chars)) {
        return false;
    }
    a->done_id = g_strdup(words[1]);
    a->done = g_new0(AgentResult, 1);
    a->done->exit_code = (int)code;
    a->done->begin_ns = begin_ns;
    a->done->end_ns = end_ns;
    a->done_chars = chars;
    return true;
}

static bool is_base64(const char *text, size_t len)
{
    size_t plain = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                "qrstuvwxyz0123456789+/");

    return len % 4 == 0 && plain + strspn(text + plain, "=") == len &&
           len - plain <= 2;
}

/* The line after @done. */
static void on_output(Agent *a, const char *line, size_t line_len)
{
    g_autofree char *id = g_steal_pointer(&a->done_id);
    AgentResult *r = g_steal_pointer(&a->done);
    gsize len = 0;

    r->outcome = AGENT_GARBLED;
    if (line_len == a->done_chars && is_base64(line, line_len)) {
        g_autofree guchar *data = g_base64_decode(line, &len);

        r->outcome = AGENT_DONE;
        r->output = g_malloc(len + 1);
        memcpy(r->output, data, len);
        r->output[len] = '\0';
        r->output_len = len;
    }
    if (!r->output) {
        r->output = g_strdup("");
        a->garbage++;
    }
    settle(a, id, r);
}

/* "@error TEXT"; about a command when TEXT begins with its id. */
static bool on_error(Agent *a, char *const *words, unsigned n)
{
    g_autofree char *text = NULL;

    if (n < 3 || !g_hash_table_contains(a->commands, words[1])) {
        return false;
    }
    text = g_strjoinv(" ", (char **)words + 2);
    settle(a, words[1], result_new(AGENT_REFUSED, text));
    return true;
}

/* Base64 has no '@': what stands before one is what a guest had printed of
 * a line when it was reset. */
static const char *skip_torn(Agent *a, const char *line, size_t *len)
{
    const char *at = strchr(line, '@');

    if (!at || (at == line && !a->done)) {
        return line;
    }
    if (a->done) {
        on_output(a, "?", 1);
    } else {
        a->garbage++;
    }
    *len -= (size_t)(at - line);
    return at;
}

static void on_line(Agent *a, const char *line, size_t len)
{
    g_auto(GStrv) words = NULL;
    unsigned n;
    bool good = false;

    line = skip_torn(a, line, &len);
    if (a->done) {
        on_output(a, line, len);
        return;
    }
    if (len == 0) {
        return;
    }
    if (line[0] == '@' && len < 512) {
        words = g_strsplit(line, " ", -1);
        n = g_strv_length(words);
        if (strcmp(words[0], "@hello") == 0) {
            good = on_hello(a, words, n);
        } else if (strcmp(words[0], "@done") == 0) {
            good = on_done(a, words, n);
        } else if (strcmp(words[0], "@error") == 0) {
            good = on_error(a, words, n);
        } else {
            good = strcmp(words[0], "@pong") == 0;
        }
    }
    if (!good) {
        a->garbage++;
    }
}

static void end_of_line(Agent *a)
{
    GString *l = a->line;

    if (a->skipping) {
        a->skipping = false;
        a->garbage++;
        if (a->done) {
            on_output(a, "?", 1);
        }
    } else {
        while (l->len > 0 && l->str[l->len - 1] == '\r') {
            g_string_truncate(l, l->len - 1);
        }
        on_line(a, l->str, strlen(l->str));
    }
    g_string_truncate(l, 0);
}

void agent_feed(Agent *a, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        const char *nl = memchr(p, '\n', len);
        size_t n = nl ? (size_t)(nl - p) : len;

        if (a->line->len + n > AGENT_MAX_LINE_BYTES) {
            a->skipping = true;
            g_string_truncate(a->line, 0);
        }
        if (!a->skipping) {
            g_string_append_len(a->line, p, (gssize)n);
        }
        if (nl) {
            end_of_line(a);
            n++;
        }
        p += n;
        len -= n;
    }
}

/* ---- the engine's side ------------------------------------------------- */

Agent *agent_new(void)
{
    Agent *a = g_new0(Agent, 1);

    a->line = g_string_new(NULL);
    a->commands =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, command_free);
    a->kernel = g_strdup("");
    return a;
}

void agent_free(Agent *a)
{
    if (a) {
        agent_result_free(a->done);
        g_free(a->done_id);
        g_hash_table_unref(a->commands);
        g_string_free(a->line, TRUE);
        g_free(a->kernel);
        g_free(a);
    }
}

void agent_reset(Agent *a)
{
    lose_all(a);
    g_string_truncate(a->line, 0);
    a->skipping = false;
    a->ready = false;
}

void agent_resume(Agent *a)
{
    a->ready = true;
}

unsigned agent_hellos(const Agent *a)
{
    return a->hellos;
}

bool agent_ready(const Agent *a)
{
    return a->ready;
}

const char *agent_kernel(const Agent *a)
{
    return a->kernel;
}

uint64_t agent_garbage_lines(const Agent *a)
{
    return a->garbage;
}

char *agent_begin(Agent *a, const char *script, char **ret_id)
{
    g_autofree char *code =
        g_base64_encode((const guchar *)script, strlen(script));
    char *id = g_strdup_printf("c%u", ++a->next_id);
    GString *text = g_string_new(NULL);
    const char *p = code;

    g_hash_table_insert(a->commands, g_strdup(id), g_new0(Command, 1));
    while (strlen(p) > AGENT_PART_CHARS) {
        g_string_append_printf(text, "@part %s %.*s\n", id,
                               (int)AGENT_PART_CHARS, p);
        p += AGENT_PART_CHARS;
    }
    g_string_append_printf(text, "@run %s %s\n", id, p);
    *ret_id = id;
    return g_string_free(text, FALSE);
}

char *agent_kill_text(const char *id)
{
    return g_strdup_printf("@kill %s\n", id);
}

unsigned agent_running(const Agent *a)
{
    GHashTableIter iter;
    unsigned n = 0;
    void *value;

    g_hash_table_iter_init(&iter, a->commands);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        n += ((Command *)value)->result == NULL;
    }
    return n;
}

AgentResult *agent_take_result(Agent *a, const char *id)
{
    Command *c = g_hash_table_lookup(a->commands, id);
    AgentResult *r = c ? g_steal_pointer(&c->result) : NULL;

    if (r) {
        g_hash_table_remove(a->commands, id);
    }
    return r;
}
