/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qmp.h: client of one QEMU's monitor (QMP, docs/interop/qmp-spec of QEMU)
 * over a UNIX socket.
 *
 * Blocking calls, one thread. Every wait ends at its time-out (wall time),
 * when the peer process dies, or when the run is interrupted; what had been
 * received before a death is delivered first. Events are kept in order of
 * arrival until somebody asks for them. All traffic is logged, one JSON
 * object a line: {"wall_ns", "to": "qemu"|"engine", "message"}.
 */
#ifndef OUTRIGGER_QMP_H
#define OUTRIGGER_QMP_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#define QMP_ERROR (qmp_error_quark())
GQuark qmp_error_quark(void);

typedef enum QmpErrorCode {
    QMP_ERROR_CONNECT,     /* no monitor answered */
    QMP_ERROR_GONE,        /* the peer closed the socket or died */
    QMP_ERROR_TIMEOUT,     /* no answer in time */
    QMP_ERROR_COMMAND,     /* the peer refused a command */
    QMP_ERROR_PROTOCOL,    /* what came is not QMP */
    QMP_ERROR_INTERRUPTED, /* the interrupt fd became readable */
    QMP_ERROR_HUNG         /* as QmpWatch.hung says */
} QmpErrorCode;

/* What ends a wait. */
typedef struct QmpWatch {
    int death_fd; /* when readable; -1: none */
    int interrupt_fd;
    /* Called some times a second: how the process hangs, or NULL. May be NULL
     * itself; must not use the connection. */
    const char *(*hung)(void *opaque);
    void *opaque;
} QmpWatch;

typedef struct QmpEvent {
    char *name;
    JsonObject *data; /* never NULL */
} QmpEvent;

typedef struct Qmp Qmp;

/*
 * Connects (again and again until the server listens), reads the greeting,
 * negotiates capabilities. @log_path may be NULL.
 */
Qmp *qmp_connect(const char *socket_path, const QmpWatch *watch,
                 const char *log_path, int timeout_ms, GError **error);

/*
 * Sends a command and waits for its answer. Takes @arguments (may be NULL).
 * Returns the "return" member, or NULL and @error.
 */
JsonNode *qmp_execute(Qmp *q, const char *command, JsonObject *arguments,
                      GError **error);

/* Same, when only success matters. */
bool qmp_run(Qmp *q, const char *command, JsonObject *arguments,
             GError **error);

/* Asks without waiting; qmp_answered() later reads what is there, and tells
 * whether the answer (any) has come. */
gint64 qmp_ask(Qmp *q, const char *command);
bool qmp_answered(Qmp *q, gint64 question);

/*
 * Takes the oldest event out of the queue whose name is in @names (NULL
 * ends; NULL list: any), waiting for one if there is none.
 */
QmpEvent *qmp_wait_event(Qmp *q, const char *const *names, int timeout_ms,
                         GError **error);

/* Reads what is there without waiting; then like above. NULL: none. */
QmpEvent *qmp_poll_event(Qmp *q, const char *const *names);

/* Wall-time limit of one command; 60 s unless set. */
void qmp_set_timeout(Qmp *q, int timeout_ms);

void qmp_event_free(QmpEvent *ev);
void qmp_free(Qmp *q); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpEvent, qmp_event_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Qmp, qmp_free)

#endif
