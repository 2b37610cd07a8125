/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_balance.h: path balancing of modelled hosts; what its files share.
 *
 * A pair is one direction between two hosts under one load. Its left half
 * belongs to the sender, its right half to the receiver: within a window the
 * two stand at different instants, so neither reads the other's. What a packet
 * tells the other side is in its cargo.
 */
#ifndef OUTRIGGER_FABRIC_BALANCE_H
#define OUTRIGGER_FABRIC_BALANCE_H

#include "fabric_priv.h"

typedef enum FabricCargoKind {
    FABRIC_CARGO_DATA,
    FABRIC_CARGO_ECHO,
    FABRIC_CARGO_NOTICE
} FabricCargoKind;

/* What a packet with FABRIC_PKT_BALANCED carries: its outer header. The
 * packet's user is its number. */
typedef struct FabricCargo {
    uint64_t created_ps, sent_ps; /* by the application, first bit at the MAC */
    uint32_t pair, flow;          /* pair of the data; free: the next free */
    uint8_t kind, value;
    uint16_t bytes;
    uint32_t more; /* echoes: cargo of the packet's next one; FABRIC_NONE */
    union {
        struct {
            uint32_t sequence, byte_end;
        };
        PathEcho echo;
    };
} FabricCargo;
_Static_assert(sizeof(FabricCargo) == 64, "FabricCargo");

typedef struct FabricBalanceConfig {
    uint32_t load;
    uint64_t rate_bps;
    PathConfig path;
} FabricBalanceConfig;

typedef struct FabricPair {
    /* sender */
    PathSender *sender;
    uint32_t from, to, load; /* nodes; number of the load */
    uint32_t hash;           /* of both addresses */
    bool echoes;             /* the policy listens */
    bool waits;              /* caps or rates may hold packets back */
    bool sequencing;
    const PathConfig *config;
    /* receiver; made with the first packet */
    PathReceiver *receiver __attribute__((aligned(64)));
    PathOrder *order;
    bool echo_armed, order_armed;
    uint64_t goodput_bytes;
    /* at the end of warm-up */
    PathStats base;
    uint64_t base_reordered, base_goodput_bytes;
} FabricPair;

typedef struct FabricBalanceTimer {
    uint64_t due_ps, tie;
    uint32_t pair;
    bool order; /* else echo */
} FabricBalanceTimer;

/* Of a host that sends or may receive balanced traffic. */
typedef struct FabricBalanceHost {
    /* what is planned: FabricHost.start_ps and chosen; BALANCE_CONTROL */
    uint64_t plan_ps; /* its departure; FABRIC_NEVER_PS: nothing */
    bool plan_held;   /* a cap or rate has moved it */
    /* what the MAC sends and is not out before the window's end */
    uint64_t out_ps; /* FABRIC_NEVER_PS: nothing */
    SwitchPacket out;
    /* echoes that wait for the MAC: ring */
    uint32_t *control; /* cargo */
    uint32_t control_head, control_n, control_cap;
    FabricBalanceTimer *timer; /* heap by (due_ps, tie) */
    uint32_t n_timers, cap_timers;
} FabricBalanceHost;

typedef struct FabricBalancer {
    FabricCargo *cargo; /* aligned to cache lines */
    uint32_t n_cargo, cap_cargo, free_cargo;
    FabricPair **pair;
    uint32_t n_pairs, cap_pairs;
    uint32_t *sorted; /* pairs by (from, to, load); n_sorted may be old */
    uint32_t n_sorted;
    uint8_t **paths;          /* [to switch][from switch], 255: 255 or more */
    GPtrArray *configs;       /* FabricBalanceConfig, owned */
    FabricBalanceStats count; /* of what path.h does not count */
    FabricBalanceStats base;  /* all of it at the end of warm-up */
} FabricBalancer;

/* fabric_balance_pool.c */
FabricBalancer *fabric_balancer(Fabric *f); /* made if there is none */
uint32_t fabric_cargo_new(Fabric *f);
void fabric_balance_timer_push(FabricBalanceHost *b, FabricBalanceTimer t);
FabricBalanceTimer fabric_balance_timer_pop(FabricBalanceHost *b);

/* fabric_balance.c */
uint32_t fabric_balance_path_hash(const FabricPair *p, uint32_t port,
                                  bool back);

/* fabric_balance_pair.c */
void fabric_pair_receiver(Fabric *f, FabricPair *p);

#endif
