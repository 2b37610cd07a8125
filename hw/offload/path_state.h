/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_state.h: path balancing as bytes: configurations, senders, receivers,
 * reorder buffers. Instants are kept as they are: the world's time is that of
 * saving. Loading fails through the reader and then returns NULL.
 */
#ifndef OUTRIGGER_PATH_STATE_H
#define OUTRIGGER_PATH_STATE_H

#include "path.h"
#include "state_buf.h"

void path_config_save(const PathConfig *c, GByteArray *out);
/* false: an error in @r; also when it has a problem. */
bool path_config_load(PathConfig *ret, StateReader *r);

void path_sender_save(const PathSender *s, GByteArray *out);
PathSender *path_sender_load(const PathConfig *c, uint64_t now_ps,
                             StateReader *r);
void path_receiver_save(const PathReceiver *v, GByteArray *out);
PathReceiver *path_receiver_load(const PathConfig *c, uint64_t now_ps,
                                 StateReader *r);
/* Items are saved and loaded by the caller's functions; @load returns NULL
 * after an error, and has been given the item's bytes as counted. */
void path_order_save(const PathOrder *o, GByteArray *out,
                     void (*save)(const void *item, GByteArray *out));
PathOrder *path_order_load(const PathConfig *c, uint64_t now_ps,
                           void (*free_item)(void *),
                           void *(*load)(uint32_t bytes, StateReader *r),
                           StateReader *r);

#endif
