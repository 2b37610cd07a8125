/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_balance_stats.c: what path balancing did, as numbers.
 */
#include "fabric_priv.h"

#include <string.h>

void fabric_stats_balance(const Fabric *f, FabricBalanceStats *ret)
{
    memset(ret, 0, sizeof(*ret));
}

uint32_t fabric_stats_pairs(const Fabric *f)
{
    return 0;
}

bool fabric_stats_pair(const Fabric *f, uint32_t pair, FabricPairStats *ret)
{
    return false;
}

bool fabric_stats_value(const Fabric *f, uint32_t pair, uint32_t value,
                        FabricValueStats *ret)
{
    return false;
}
