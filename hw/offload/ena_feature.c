/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_feature.c: Get Feature and Set Feature.
 */
#include "ena_int.h"

#include <string.h>

#define AENQ_GROUPS                                                           \
    (1u << ENA_GROUP_LINK | 1u << ENA_GROUP_FATAL | 1u << ENA_GROUP_WARNING | \
     1u << ENA_GROUP_NOTIFICATION | 1u << ENA_GROUP_KEEP_ALIVE)
#define L3_BOTH (ENA_RSS_L3_DA | ENA_RSS_L3_SA)
#define L4_BOTH (ENA_RSS_L4_DP | ENA_RSS_L4_SP)
#define L2_BOTH (ENA_RSS_L2_DA | ENA_RSS_L2_SA)

/* RSS: what may be hashed of each kind of packet. */
static const uint16_t rss_supported[ENA_RSS_PROTOS] = {
    [ENA_RSS_TCP4] = L3_BOTH | L4_BOTH,
    [ENA_RSS_UDP4] = L3_BOTH | L4_BOTH,
    [ENA_RSS_TCP6] = L3_BOTH | L4_BOTH,
    [ENA_RSS_UDP6] = L3_BOTH | L4_BOTH,
    [ENA_RSS_IP4] = L3_BOTH,
    [ENA_RSS_IP6] = L3_BOTH,
    [ENA_RSS_IP4_FRAG] = L3_BOTH,
    [ENA_RSS_NOT_IP] = L2_BOTH,
};

/* The key after a reset; drivers that name none keep it. The one that
 * published test vectors of the hash use, so hashes can be checked by hand. */
static const uint8_t default_key[ENA_RSS_KEY_BYTES] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static uint32_t supported(const Ena *e)
{
    return 1u << ENA_FEAT_DEVICE_ATTRIBUTES | 1u << ENA_FEAT_MAX_QUEUES |
           1u << ENA_FEAT_HW_HINTS | (e->cfg.llq ? 1u << ENA_FEAT_LLQ : 0) |
           1u << ENA_FEAT_MAX_QUEUES_EXT | 1u << ENA_FEAT_HASH_FUNCTION |
           1u << ENA_FEAT_OFFLOAD | 1u << ENA_FEAT_IND_TABLE |
           1u << ENA_FEAT_MTU | 1u << ENA_FEAT_HASH_INPUT |
           1u << ENA_FEAT_INTR_MODERATION | 1u << ENA_FEAT_AENQ |
           1u << ENA_FEAT_LINK | 1u << ENA_FEAT_HOST_ATTR;
}

void ena_features_reset(Ena *e)
{
    e->mtu = ENA_MAX_MTU;
    e->host_info = e->debug_area = 0;
    e->debug_bytes = 0;
    e->llq_entry = e->llq_before = 0;
    memset(&e->rss, 0, sizeof(e->rss));
    memcpy(e->rss.key, default_key, sizeof(e->rss.key));
    memcpy(e->rss.fields, rss_supported, sizeof(e->rss.fields));
    memset(e->rss_table, 0, sizeof(e->rss_table));
    e->rss_log = ENA_RSS_TABLE_LOG_MAX;
    e->rss_set = false;
}

/* ---- get ------------------------------------------------------------------- */

static void get_attributes(const Ena *e, uint8_t *d)
{
    ena_put32(d, 1); /* implementation */
    ena_put32(d + 4, 1);
    ena_put32(d + 8, supported(e));
    ena_put32(d + 12, ENA_CAP_ENI_STATS);
    ena_put32(d + 16, 48); /* address bits */
    ena_put32(d + 20, 48);
    memcpy(d + 24, e->cfg.mac, 6);
    ena_put32(d + 32, ENA_MAX_MTU);
}

static void get_max_queues(const Ena *e, uint8_t *d)
{
    ena_put32(d, e->cfg.queues);
    ena_put32(d + 4, ENA_MAX_DEPTH);
    ena_put32(d + 8, e->cfg.queues);
    ena_put32(d + 12, ENA_MAX_DEPTH);
    ena_put32(d + 24, ENA_TX_HEADER_BYTES);
    ena_put16(d + 28, ENA_TX_BUFS);
    ena_put16(d + 30, ENA_RX_BUFS);
}

static void get_max_queues_ext(const Ena *e, uint8_t *d)
{
    d[0] = 1; /* layout version */
    for (unsigned i = 0; i < 4; i++) {
        ena_put32(d + 4 + 4 * i, e->cfg.queues);
        ena_put32(d + 20 + 4 * i, ENA_MAX_DEPTH);
    }
    ena_put32(d + 36, ENA_TX_HEADER_BYTES);
    ena_put16(d + 40, ENA_TX_BUFS);
    ena_put16(d + 42, ENA_RX_BUFS);
}

static void get_llq(const Ena *e, uint8_t *d)
{
    ena_put32(d, e->cfg.queues);
    ena_put32(d + 4, ENA_MAX_DEPTH);
    ena_put16(d + 8, ENA_LLQ_INLINE_HEADER);
    ena_put16(d + 12, ENA_LLQ_ENTRY_128 | ENA_LLQ_ENTRY_256);
    ena_put16(d + 16, 1 | 2 | 4 | 8); /* descriptors before the header */
    ena_put16(d + 20, ENA_LLQ_STRIDE_MULTIPLE);
}

static uint32_t link_bit(uint32_t mbps)
{
    static const uint32_t speeds[] = { 1000,  2500,  5000,   10000,  25000,
                                       40000, 50000, 100000, 200000, 400000 };

    for (unsigned i = 0; i < G_N_ELEMENTS(speeds); i++) {
        if (speeds[i] == mbps) {
            return 1u << i;
        }
    }
    return 0;
}

static unsigned get_hash_function(Ena *e, uint8_t *d)
{
    EnaAdmin *a = &e->admin;

    ena_put32(d, ENA_HASH_TOEPLITZ);
    ena_put32(d + 4, ENA_HASH_TOEPLITZ);
    if (ena_get32(a->cmd + ENA_AQ_BUF_LEN_AT) >= ENA_RSS_KEY_BUF_BYTES) {
        memset(a->control, 0, ENA_RSS_KEY_BUF_BYTES);
        ena_put32(a->control, ENA_RSS_KEY_BYTES / 4);
        memcpy(a->control + 8, e->rss.key, ENA_RSS_KEY_BYTES);
        a->control_len = ENA_RSS_KEY_BUF_BYTES;
    }
    return ENA_ST_SUCCESS;
}

static unsigned get_hash_input(Ena *e, uint8_t *d)
{
    EnaAdmin *a = &e->admin;

    ena_put16(d, ENA_RSS_SORT_L3 | ENA_RSS_SORT_L4);
    ena_put16(d + 2, e->rss.sort);
    if (ena_get32(a->cmd + ENA_AQ_BUF_LEN_AT) >= ENA_RSS_INPUT_BUF_BYTES) {
        memset(a->control, 0, ENA_RSS_INPUT_BUF_BYTES);
        for (unsigned i = 0; i < ENA_RSS_PROTOS; i++) {
            ena_put16(a->control + 4 * i, rss_supported[i]);
            ena_put16(a->control + 64 + 4 * i, e->rss.fields[i]);
        }
        a->control_len = ENA_RSS_INPUT_BUF_BYTES;
    }
    return ENA_ST_SUCCESS;
}

static unsigned get_table(Ena *e, uint8_t *d)
{
    EnaAdmin *a = &e->admin;
    uint32_t n = 1u << e->rss_log;

    ena_put16(d, 0);
    ena_put16(d + 2, ENA_RSS_TABLE_LOG_MAX);
    ena_put16(d + 4, e->rss_log);
    ena_put32(d + 8, ENA_RSS_NO_INDEX);
    if (ena_get32(a->cmd + ENA_AQ_BUF_LEN_AT) >= 4 * n) {
        memset(a->control, 0, 4 * n);
        for (unsigned i = 0; i < n; i++) {
            ena_put16(a->control + 4 * i, e->rss_table[i]);
        }
        a->control_len = 4 * n;
    }
    return ENA_ST_SUCCESS;
}

unsigned ena_get_feature(Ena *e)
{
    EnaAdmin *a = &e->admin;
    uint8_t *d = a->answer + ENA_ACQ_DATA_AT;
    unsigned id = a->cmd[ENA_FEAT_ID_AT];

    if (id >= 32 || !(supported(e) >> id & 1)) {
        return ENA_ST_UNSUPPORTED;
    }
    switch (id) {
    case ENA_FEAT_DEVICE_ATTRIBUTES:
        get_attributes(e, d);
        break;
    case ENA_FEAT_MAX_QUEUES:
        get_max_queues(e, d);
        break;
    case ENA_FEAT_MAX_QUEUES_EXT:
        get_max_queues_ext(e, d);
        break;
    case ENA_FEAT_LLQ:
        get_llq(e, d);
        break;
    case ENA_FEAT_HASH_FUNCTION:
        return get_hash_function(e, d);
    case ENA_FEAT_HASH_INPUT:
        return get_hash_input(e, d);
    case ENA_FEAT_IND_TABLE:
        return get_table(e, d);
    case ENA_FEAT_OFFLOAD:
        ena_put32(d, ENA_TXO_L3_IPV4 | ENA_TXO_L4_IPV4_PART |
                         ENA_TXO_L4_IPV4_FULL | ENA_TXO_L4_IPV6_PART |
                         ENA_TXO_L4_IPV6_FULL | ENA_TXO_TSO_IPV4 |
                         ENA_TXO_TSO_IPV6 | ENA_TXO_TSO_ECN);
        ena_put32(d + 4, ENA_RXO_L3_IPV4 | ENA_RXO_L4_IPV4 | ENA_RXO_L4_IPV6 |
                             ENA_RXO_HASH);
        ena_put32(d + 8, ENA_RXO_L3_IPV4 | ENA_RXO_L4_IPV4 | ENA_RXO_L4_IPV6 |
                             ENA_RXO_HASH);
        break;
    case ENA_FEAT_MTU:
        ena_put32(d, e->mtu);
        break;
    case ENA_FEAT_INTR_MODERATION:
        ena_put16(d, 1); /* unit: microseconds */
        break;
    case ENA_FEAT_AENQ:
        ena_put32(d, AENQ_GROUPS);
        ena_put32(d + 4, e->aenq.groups);
        break;
    case ENA_FEAT_LINK:
        ena_put32(d, e->cfg.link_mbps);
        ena_put32(d + 4, link_bit(e->cfg.link_mbps));
        ena_put32(d + 8, ENA_LINK_FULL_DUPLEX);
        break;
    case ENA_FEAT_HW_HINTS:
        for (unsigned i = 0; i < ENA_HINTS; i++) {
            ena_put16(d + 2 * i, e->hints[i]);
        }
        break;
    default:
        break;
    }
    return ENA_ST_SUCCESS;
}

/* ---- set ------------------------------------------------------------------- */

uint32_t ena_set_feature_reads(const Ena *e)
{
    const uint8_t *cmd = e->admin.cmd;

    switch (cmd[ENA_FEAT_ID_AT]) {
    case ENA_FEAT_HASH_FUNCTION:
        return ENA_RSS_KEY_BUF_BYTES;
    case ENA_FEAT_HASH_INPUT:
        return ENA_RSS_INPUT_BUF_BYTES;
    case ENA_FEAT_IND_TABLE: {
        uint32_t size = ena_get16(cmd + ENA_FEAT_DATA_AT + 4);

        if (ena_get32(cmd + ENA_FEAT_DATA_AT + 8) != ENA_RSS_NO_INDEX) {
            return 0; /* one entry, in the command */
        }
        return size <= ENA_RSS_TABLE_LOG_MAX ? 4u << size : 0;
    }
    default:
        return 0;
    }
}

static unsigned set_hash_function(Ena *e)
{
    const uint8_t *d = e->admin.cmd + ENA_FEAT_DATA_AT;
    const uint8_t *c = e->admin.control;

    if (ena_get32(d + 4) != ENA_HASH_TOEPLITZ ||
        ena_get32(c) != ENA_RSS_KEY_BYTES / 4) {
        return ENA_ST_ILLEGAL;
    }
    memcpy(e->rss.key, c + 8, ENA_RSS_KEY_BYTES);
    return ENA_ST_SUCCESS;
}

static unsigned set_hash_input(Ena *e)
{
    uint16_t sort = ena_get16(e->admin.cmd + ENA_FEAT_DATA_AT + 2);
    uint16_t fields[ENA_RSS_PROTOS];

    for (unsigned i = 0; i < ENA_RSS_PROTOS; i++) {
        fields[i] = ena_get16(e->admin.control + 64 + 4 * i);
        if (fields[i] & ~rss_supported[i]) {
            return ENA_ST_ILLEGAL;
        }
    }
    memcpy(e->rss.fields, fields, sizeof(fields));
    e->rss.sort = sort & (ENA_RSS_SORT_L3 | ENA_RSS_SORT_L4);
    return ENA_ST_SUCCESS;
}

static unsigned set_table(Ena *e)
{
    const uint8_t *d = e->admin.cmd + ENA_FEAT_DATA_AT;
    uint32_t index = ena_get32(d + 8), log = ena_get16(d + 4);

    if (index != ENA_RSS_NO_INDEX) {
        uint16_t queue = ena_get16(d + 12);

        if (index >= 1u << e->rss_log || queue >= ENA_MAX_SQS) {
            return ENA_ST_ILLEGAL;
        }
        e->rss_table[index] = queue;
        e->rss_set = true;
        return ENA_ST_SUCCESS;
    }
    if (log > ENA_RSS_TABLE_LOG_MAX) {
        return ENA_ST_ILLEGAL;
    }
    for (unsigned i = 0; i < 1u << log; i++) {
        if (ena_get16(e->admin.control + 4 * i) >= ENA_MAX_SQS) {
            return ENA_ST_ILLEGAL;
        }
    }
    for (unsigned i = 0; i < 1u << log; i++) {
        e->rss_table[i] = ena_get16(e->admin.control + 4 * i);
    }
    e->rss_log = log;
    e->rss_set = true;
    return ENA_ST_SUCCESS;
}

static unsigned set_llq(Ena *e)
{
    const uint8_t *d = e->admin.cmd + ENA_FEAT_DATA_AT;
    uint16_t entry = ena_get16(d + 14), before = ena_get16(d + 18);
    uint32_t bytes = entry == ENA_LLQ_ENTRY_128   ? 128
                     : entry == ENA_LLQ_ENTRY_256 ? 256
                                                  : 0;

    if (ena_get16(d + 10) != ENA_LLQ_INLINE_HEADER || !bytes ||
        (before != 1 && before != 2 && before != 4 && before != 8) ||
        before * ENA_DESC_BYTES >= bytes ||
        ena_get16(d + 22) != ENA_LLQ_STRIDE_MULTIPLE) {
        return ENA_ST_ILLEGAL;
    }
    for (unsigned i = 0; i < ENA_MAX_SQS; i++) {
        if (e->sq[i].active && e->sq[i].place == ENA_PLACE_DEV) {
            return ENA_ST_BUSY;
        }
    }
    e->llq_entry = bytes;
    e->llq_before = before;
    return ENA_ST_SUCCESS;
}

unsigned ena_set_feature(Ena *e)
{
    const uint8_t *d = e->admin.cmd + ENA_FEAT_DATA_AT;
    unsigned id = e->admin.cmd[ENA_FEAT_ID_AT];
    uint32_t v = ena_get32(d);

    if (id >= 32 || !(supported(e) >> id & 1)) {
        return ENA_ST_UNSUPPORTED;
    }
    switch (id) {
    case ENA_FEAT_MTU:
        if (v < 68 || v > ENA_MAX_MTU) {
            return ENA_ST_ILLEGAL;
        }
        e->mtu = v;
        return ENA_ST_SUCCESS;
    case ENA_FEAT_HOST_ATTR:
        e->host_info = ena_get_addr(d);
        e->debug_area = ena_get_addr(d + 8);
        e->debug_bytes = ena_get32(d + 16);
        return ENA_ST_SUCCESS;
    case ENA_FEAT_AENQ:
        v = ena_get32(d + 4);
        if (v & ~AENQ_GROUPS) {
            return ENA_ST_ILLEGAL;
        }
        ena_aenq_groups(e, v);
        return ENA_ST_SUCCESS;
    case ENA_FEAT_HASH_FUNCTION:
        return set_hash_function(e);
    case ENA_FEAT_HASH_INPUT:
        return set_hash_input(e);
    case ENA_FEAT_IND_TABLE:
        return set_table(e);
    case ENA_FEAT_LLQ:
        return set_llq(e);
    default:
        return ENA_ST_UNSUPPORTED;
    }
}
