/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * capture_pcapng.h: writes links/NAME.pcapng of a run: the frames of one
 * link, stamped with simulated time, and what was done to the link.
 *
 * Format: draft-ietf-opsawg-pcapng-01 (section header, interface description,
 * enhanced packet). One section; all interfaces are Ethernet, with
 * if_tsresol 9: nanoseconds since the start of the run, simulated 0 being the
 * epoch. Picoseconds are cut, not rounded, so order is kept. The frame check
 * sequence is not captured.
 *
 * A comment at an instant stands as opt_comment on a small packet of its own:
 * addresses 0, EtherType 0x88b5 (IEEE 802, local experiments), the text as
 * payload, on an interface named "events". tshark shows it by
 *
 *     tshark -r FILE -Y frame.comment -T fields -e frame.time_epoch
 *            -e frame.comment
 *
 * An interface of another link type or an empty packet would look better in
 * one reader and be malformed or refused in another.
 *
 * Order: packets may be handed over in any order as long as they are not
 * before the last capture_advance(), which writes what is before an instant,
 * sorted by (time, comments first, interface, order of the calls). Until then
 * they are in memory, so advance after each closed window. Equal calls give
 * equal bytes. No wall time and no name of a machine is written.
 *
 * Threads: one at a time. Errors of writing are reported by capture_close().
 *
 * Not here: which links are captured, and encapsulation (frames are written
 * as they are on the wire).
 */
#ifndef OUTRIGGER_CAPTURE_PCAPNG_H
#define OUTRIGGER_CAPTURE_PCAPNG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Capture Capture;

/* Makes or empties @path. NULL and @errp (G_FILE_ERROR) on failure. */
Capture *capture_open(const char *path, GError **errp);

/*
 * At most @bytes of each frame are written from now on; 0: all. For the
 * interfaces that follow it is their snap length, too.
 */
void capture_set_snap_bytes(Capture *c, uint32_t bytes);

/* A place where frames are seen. Ids count from 0. */
unsigned capture_interface(Capture *c, const char *name);

/*
 * A frame whose last bit passes @iface at @ps. @inbound: towards the node
 * after which the interface is named.
 */
void capture_frame(Capture *c, unsigned iface, uint64_t ps, const void *buf,
                   uint32_t len, bool inbound);

/* The same with a comment of its own ("dropped: link down"); may be NULL. */
void capture_frame_note(Capture *c, unsigned iface, uint64_t ps,
                        const void *buf, uint32_t len, bool inbound,
                        const char *note);

/* What happened at @ps ("fault: loss 1e-3"). */
void capture_comment(Capture *c, uint64_t ps, const char *text);

/*
 * Writes everything before @ps; what is handed over later should not be before
 * it (it would be written late and out of order, and is counted).
 */
void capture_advance(Capture *c, uint64_t ps);

/* Packets handed over before the instant reached by capture_advance(). */
uint64_t capture_late(const Capture *c);

/* Packets so far, comments included. */
uint64_t capture_packets(const Capture *c);

/*
 * Writes the rest and frees @c (NULL: nothing happens, true). False with
 * @errp if anything could not be written.
 */
bool capture_close(Capture *c, GError **errp);

#endif
