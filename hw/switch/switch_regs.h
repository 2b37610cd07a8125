/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_regs.h: BAR 0 of the receded-port switch, 32-bit registers. The page
 * docs/devices/receded-switch.md explains them. A register file of our own:
 * there is no public specification to follow.
 */
#ifndef OUTRIGGER_SWITCH_REGS_H
#define OUTRIGGER_SWITCH_REGS_H

#define RSW_MAGIC 0x5357524fu /* "ORWS" */
#define RSW_VERSION 1u
#define RSW_BAR_BYTES 0x10000u

/* The whole switch. */
enum {
    RSW_REG_MAGIC = 0x00,
    RSW_REG_VERSION = 0x04,
    RSW_REG_GEOMETRY_ID = 0x08,
    RSW_REG_BOARD = 0x0c,
    RSW_REG_PORTS = 0x10,
    RSW_REG_CONTROL = 0x14,
    RSW_REG_STATUS = 0x18,
    RSW_REG_LANE = 0x1c,
    RSW_REG_BUDGET_MDB = 0x20,
    RSW_REG_BUFFER_CELLS = 0x24,
    RSW_REG_USED_CELLS = 0x28,
    RSW_REG_MAC_COUNT = 0x2c,
    RSW_REG_IRQ_STATUS = 0x40, /* 4 words: a bit a port, write 1 to clear */
    RSW_REG_IRQ_ENABLE = 0x50, /* 4 words */
    RSW_REG_MAC_LO = 0x60,
    RSW_REG_MAC_HI = 0x64,
    RSW_REG_MAC_PORT = 0x68,
    RSW_REG_MAC_COMMAND = 0x6c,
    RSW_REG_ROUTE_PREFIX = 0x80,
    RSW_REG_ROUTE_LENGTH = 0x84,
    RSW_REG_ROUTE_GROUP = 0x88,
    RSW_REG_ROUTE_COMMAND = 0x8c,
    RSW_REG_GROUP = 0xa0,
    RSW_REG_GROUP_MEMBER = 0xa4,
    RSW_REG_GROUP_COMMAND = 0xa8,
};

/* BOARD, section 1 */
#define RSW_BOARD_LAYOUT 0xfu  /* GeometryLayout */
#define RSW_BOARD_CENTRE 0x10u /* receding in the centre */
#define RSW_BOARD_MANHATTAN 0x20u
#define RSW_BOARD_ROWS 0xc0u
#define RSW_BOARD_COLUMNS 0xff00u
#define RSW_BOARD_DEPTHS 0xff0000u

/* CONTROL, section 1 */
#define RSW_CONTROL_FORWARD 0x1u /* the switch is up */
#define RSW_CONTROL_L3 0x2u      /* IPv4 by route, not by MAC address */
#define RSW_CONTROL_CLEAR 0x4u   /* counters to zero; reads 0 */
#define RSW_CONTROL_RESET 0x8u   /* reads 0 */

/* STATUS, section 1 */
#define RSW_STATUS_READY 0x1u
#define RSW_STATUS_ERROR 0x2u /* a write was refused; write 1 to clear */

/* Table commands. FIND leaves its answer in the PORT or GROUP register,
 * 0xffffffff for none. */
enum {
    RSW_COMMAND_ADD = 1,
    RSW_COMMAND_REMOVE = 2, /* routes */
    RSW_COMMAND_FLUSH = 3,  /* learned addresses; all routes */
    RSW_COMMAND_FIND = 4,
};
enum {
    RSW_GROUP_BEGIN = 1, /* forget the members written so far */
    RSW_GROUP_COMMIT = 2,
};

/* One block a port. */
#define RSW_PORT_BASE 0x1000u
#define RSW_PORT_BYTES 0x100u
enum {
    RSW_PORT_REG_CONTROL = 0x00,
    RSW_PORT_REG_STATUS = 0x04,
    RSW_PORT_REG_POSITION = 0x08,
    RSW_PORT_REG_SETBACK_UM = 0x0c,
    RSW_PORT_REG_TRACE_UM = 0x10,
    RSW_PORT_REG_LOSS_MDB = 0x14,
    RSW_PORT_REG_MARGIN_MDB = 0x18, /* two's complement */
    RSW_PORT_REG_BER_EXPONENT = 0x1c,
    RSW_PORT_REG_DELAY_PS = 0x20,
    RSW_PORT_REG_SKEW_PS = 0x24,
    RSW_PORT_REG_RATE_MBPS = 0x28,
    RSW_PORT_REG_ATTEMPTS = 0x2c,
    RSW_PORT_REG_LINK_UPS = 0x30,
    RSW_PORT_REG_LINK_DOWNS = 0x34,
    RSW_PORT_REG_FAILURES = 0x38,
    RSW_PORT_REG_COUNTERS = 0x40, /* 64 bits each, low word first */
};

/* PORT_CONTROL, section 2 */
#define RSW_PORT_CONTROL_ENABLE 0x1u
#define RSW_PORT_CONTROL_BLOCK 0x2u   /* no L2 packets in or out */
#define RSW_PORT_CONTROL_RETRAIN 0x4u /* reads 0 */
#define RSW_PORT_CONTROL_RETIMER 0x8u /* fitted; with the port disabled */

/* PORT_STATUS, section 2 */
#define RSW_PORT_STATUS_STATE 0x3u /* SerdesState */
#define RSW_PORT_STATUS_SIGNAL 0x4u
#define RSW_PORT_STATUS_OVER 0x8u /* the board alone is over its budget */
#define RSW_PORT_STATUS_LANES 0xf0u

/* Reading a low word keeps the high word for the next read. */
typedef enum RswCounter {
    RSW_RX_PACKETS,
    RSW_RX_BYTES,
    RSW_TX_PACKETS,
    RSW_TX_BYTES,
    RSW_DROPS_BUFFER, /* at this output, as the next three */
    RSW_DROPS_THRESHOLD,
    RSW_DROPS_NO_ROUTE,
    RSW_DROPS_PORT_DOWN,
    RSW_MARKED,
    RSW_RX_BIT_ERRORS, /* frames lost on the trace, inwards */
    RSW_TX_BIT_ERRORS,
    RSW_RX_OVERSIZE,
    RSW_COUNTERS
} RswCounter;

#endif
