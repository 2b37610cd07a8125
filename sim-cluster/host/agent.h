/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * agent.h: the engine's end of the guest agent's line protocol
 * (guest/PROTOCOL.md), without any I/O of its own: what the guest printed
 * goes in by agent_feed(), what is to be sent comes back as text.
 *
 * The peer is a guest under test: whatever it prints, nothing here crashes,
 * blocks or grows without bound. Lines that do not parse are counted and
 * otherwise ignored. Time-outs are the caller's, in simulated time.
 */
#ifndef OUTRIGGER_AGENT_H
#define OUTRIGGER_AGENT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_MAX_LINE_BYTES (48u << 20)

typedef struct Agent Agent;

typedef enum AgentOutcome {
    AGENT_DONE,    /* the command has ended */
    AGENT_LOST,    /* the guest started anew while it ran */
    AGENT_REFUSED, /* the agent sent @error for it; text in output */
    AGENT_GARBLED  /* its answer did not parse */
} AgentOutcome;

typedef struct AgentResult {
    AgentOutcome outcome;
    int exit_code;             /* 0..255; 128 + signal */
    uint64_t begin_ns, end_ns; /* the guest's clock since its boot */
    char *output;              /* stdout and stderr; NUL-terminated as well */
    size_t output_len;
} AgentResult;

Agent *agent_new(void);
void agent_free(Agent *a); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Agent, agent_free)

/* The next bytes that the guest has printed. */
void agent_feed(Agent *a, const void *data, size_t len);

/* The guest is off or was replaced: commands under way are lost, a partial
 * line is dropped, and it is not ready until the next hello. */
void agent_reset(Agent *a);

/* A saved guest goes on: its agent listens without another hello. */
void agent_resume(Agent *a);

/* Hellos so far, and whether the guest is listening now. */
unsigned agent_hellos(const Agent *a);
bool agent_ready(const Agent *a);
/* Of the last hello; "" before it. */
const char *agent_kernel(const Agent *a);
/* Lines that were no protocol. */
uint64_t agent_garbage_lines(const Agent *a);

/*
 * Begins a command: returns the lines to send; *ret_id is its id. Caller
 * frees both. Any number may be under way.
 */
char *agent_begin(Agent *a, const char *script, char **ret_id);
/* The line that ends a command's process group early. Caller frees. */
char *agent_kill_text(const char *id);

/* Commands under way. */
unsigned agent_running(const Agent *a);
/* The command's result, once; NULL while it runs. Caller frees. */
AgentResult *agent_take_result(Agent *a, const char *id);
void agent_result_free(AgentResult *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentResult, agent_result_free)

#endif
