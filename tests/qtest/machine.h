/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * machine.h: a machine without a running CPU for device tests: the fork under
 * `-accel qtest`, its RAM, PCI and clock driven from here.
 *
 * The qtest protocol is QEMU's (docs/devel/testing/qtest): one line a
 * command, one line an answer. Failures end the test with a message: these
 * are test helpers.
 */
#ifndef OUTRIGGER_TESTS_QTEST_MACHINE_H
#define OUTRIGGER_TESTS_QTEST_MACHINE_H

#include <glib.h>
#include <stdint.h>

#include "qmp.h"
#include "process.h"

#define MACHINE_RAM_BYTES (64u << 20)

typedef struct Machine {
    char *dir; /* private; removed by machine_stop() */
    Process *process;
    Qmp *qmp;
    int fd;
    GString *line;
} Machine;

/* Starts QEMU with two card drives of 64 MiB and @extra (NULL ends). */
Machine *machine_start(const char *dir, const char *const *extra);
void machine_stop(Machine *m, bool keep_dir);
/* A fresh private folder. Caller frees. */
char *machine_make_dir(void);

/* QMP command with `'key': value` text; returns the answer, fails on error */
JsonNode *machine_qmp(Machine *m, const char *command, const char *json);
/* As above, expected to be refused; returns the message. Caller frees. */
char *machine_qmp_refused(Machine *m, const char *command, const char *json);

/* Each is refused, and the message has @says in it. */
typedef struct MachineRefusal {
    const char *command, *json, *says;
} MachineRefusal;

void machine_refuses(Machine *m, const MachineRefusal *rows, unsigned n);

/* The state into the folder's file `state`, or from it into a machine that was
 * started with -incoming defer; either way until that has come to its end. */
void machine_save(Machine *m);
void machine_load(Machine *m);

uint64_t machine_read(Machine *m, uint64_t addr, unsigned size);
void machine_write(Machine *m, uint64_t addr, uint64_t value, unsigned size);
void machine_ram_read(Machine *m, uint64_t addr, void *buf, size_t len);
void machine_ram_write(Machine *m, uint64_t addr, const void *buf, size_t len);
/* Virtual time forward to the next timer, or by @ns; returns the new time. */
int64_t machine_clock_next(Machine *m);
int64_t machine_clock_step(Machine *m, int64_t ns);

/* PCI configuration space of a function on bus 0. */
uint32_t machine_pci_read(Machine *m, unsigned dev, unsigned offset,
                          unsigned size);
void machine_pci_write(Machine *m, unsigned dev, unsigned offset,
                       uint32_t value, unsigned size);
/* Where its capability @id is; 0: it has none. */
unsigned machine_pci_capability(Machine *m, unsigned dev, uint8_t id);
/* BAR 0 at @bar, BAR 4 (MSI-X) @msix behind; memory and bus mastering on. */
void machine_pci_map(Machine *m, unsigned dev, uint64_t bar, uint32_t msix);
void machine_pci_msix(Machine *m, unsigned dev, bool on);

#endif
