/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transaction.cpp: lists of page transactions inside a drive's state, linked
 * both ways by index.
 *
 * Not here: what the transactions mean (drive_front.cpp, flash_channel.cpp).
 */
#include "modules.h"

void push_transaction(DriveState *drive, OpList *list, uint16_t index)
{
    drive->tx[index].prev = list->tail;
    drive->tx[index].next = NONE16;
    (list->tail == NONE16 ? list->head : drive->tx[list->tail].next) = index;
    list->tail = index;
}

static bool is_before(const Transaction &a, const Transaction &b)
{
    return a.at_ps != b.at_ps ? a.at_ps < b.at_ps : a.seq < b.seq;
}

void insert_transaction(DriveState *drive, OpList *list, uint16_t index)
{
    Transaction *tx = drive->tx;
    uint16_t before = list->tail;

    while (before != NONE16 && is_before(tx[index], tx[before])) {
        before = tx[before].prev;
    }
    tx[index].prev = before;
    tx[index].next = before == NONE16 ? list->head : tx[before].next;
    (before == NONE16 ? list->head : tx[before].next) = index;
    uint16_t after = tx[index].next;

    (after == NONE16 ? list->tail : tx[after].prev) = index;
}

uint16_t pop_transaction(DriveState *drive, OpList *list)
{
    uint16_t index = list->head;

    list->head = drive->tx[index].next;
    (list->head == NONE16 ? list->tail : drive->tx[list->head].prev) = NONE16;
    return index;
}
