/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_spec.h: the ENA host interface as numbers: registers, admin entries,
 * I/O descriptors, event entries.
 *
 * There is no public specification. The layouts are facts taken from what
 * Linux 6.1's driver exchanges with the device
 * (drivers/net/ethernet/amazon/ena: ena_regs_defs.h, ena_admin_defs.h,
 * ena_eth_io_defs.h, ena_common_defs.h), written down anew.
 *
 * Everything is little endian. *_AT names are byte offsets in an entry.
 * Addresses in entries are 48 bits: u32 low, u16 high, u16 zero.
 *
 * Not listed: what this device does not offer (extended statistics, PTP clock,
 * header rings, head write-back).
 */
#ifndef OUTRIGGER_ENA_SPEC_H
#define OUTRIGGER_ENA_SPEC_H

#define ENA_PCI_VENDOR 0x1d0fu
#define ENA_PCI_DEVICE 0xec20u
#define ENA_PCI_REVISION 0x00u /* bit 0 clear: reads may go through memory */

/* ---- registers in BAR 0, 32 bits each ----------------------------------- */

#define ENA_REG_VERSION 0x00u
#define ENA_REG_CTRL_VERSION 0x04u
#define ENA_REG_CAPS 0x08u
#define ENA_REG_CAPS_EXT 0x0cu
#define ENA_REG_AQ_BASE_LO 0x10u
#define ENA_REG_AQ_BASE_HI 0x14u
#define ENA_REG_AQ_CAPS 0x18u
#define ENA_REG_ACQ_BASE_LO 0x20u
#define ENA_REG_ACQ_BASE_HI 0x24u
#define ENA_REG_ACQ_CAPS 0x28u
#define ENA_REG_AQ_DB 0x2cu
#define ENA_REG_ACQ_TAIL 0x30u
#define ENA_REG_AENQ_CAPS 0x34u
#define ENA_REG_AENQ_BASE_LO 0x38u
#define ENA_REG_AENQ_BASE_HI 0x3cu
#define ENA_REG_AENQ_HEAD_DB 0x40u
#define ENA_REG_AENQ_TAIL 0x44u
#define ENA_REG_INTR_MASK 0x4cu
#define ENA_REG_DEV_CTL 0x54u
#define ENA_REG_DEV_STS 0x58u
#define ENA_REG_MMIO_REG_READ 0x5cu
#define ENA_REG_MMIO_RESP_LO 0x60u
#define ENA_REG_MMIO_RESP_HI 0x64u
#define ENA_REG_RSS_IND_UPDATE 0x68u

/* VERSION: major << 8 | minor; CTRL_VERSION: impl << 24 | 3 numbers */
#define ENA_VERSION_VALUE 0x0002u
#define ENA_CTRL_VERSION_VALUE 0x01000001u

/* CAPS */
#define ENA_CAPS_CONTIGUOUS 0x1u
#define ENA_CAPS_RESET_TO_SHIFT 1 /* 5 bits, units of 100 ms */
#define ENA_CAPS_DMA_WIDTH_SHIFT 8
#define ENA_CAPS_ADMIN_TO_SHIFT 16 /* 4 bits, units of 100 ms */

/* AQ_CAPS, ACQ_CAPS, AENQ_CAPS: depth in entries, entry size << 16 */
#define ENA_QCAPS_DEPTH 0xffffu
#define ENA_QCAPS_SIZE_SHIFT 16

#define ENA_INTR_MASK_ADMIN 0x1u

/* DEV_CTL */
#define ENA_CTL_RESET 0x1u
#define ENA_CTL_REASON_SHIFT 28

/* DEV_STS */
#define ENA_STS_READY 0x01u
#define ENA_STS_RESET_IN_PROGRESS 0x08u
#define ENA_STS_RESET_FINISHED 0x10u
#define ENA_STS_FATAL_ERROR 0x20u

/* MMIO_REG_READ: request id, register offset << 16. Answer in memory: u16
 * request id, u16 register offset, u32 value. */
#define ENA_MMIO_READ_OFF_SHIFT 16
#define ENA_MMIO_RESP_BYTES 8u

/* ---- admin queue -------------------------------------------------------- */

#define ENA_ADMIN_ENTRY_BYTES 64u /* command, completion and event entries */

#define ENA_OP_CREATE_SQ 1u
#define ENA_OP_DESTROY_SQ 2u
#define ENA_OP_CREATE_CQ 3u
#define ENA_OP_DESTROY_CQ 4u
#define ENA_OP_GET_FEATURE 8u
#define ENA_OP_SET_FEATURE 9u
#define ENA_OP_GET_STATS 11u

#define ENA_ST_SUCCESS 0u
#define ENA_ST_NO_RESOURCE 1u
#define ENA_ST_BAD_OPCODE 2u
#define ENA_ST_UNSUPPORTED 3u
#define ENA_ST_MALFORMED 4u
#define ENA_ST_ILLEGAL 5u
#define ENA_ST_UNKNOWN 6u
#define ENA_ST_BUSY 7u

/* command: common part */
#define ENA_AQ_ID_AT 0u /* 12 bits */
#define ENA_AQ_OPCODE_AT 2u
#define ENA_AQ_FLAGS_AT 3u
#define ENA_AQ_ID_MASK 0x0fffu
#define ENA_AQ_PHASE 0x01u
#define ENA_AQ_CTRL_DATA 0x02u
#define ENA_AQ_CTRL_INDIRECT 0x04u /* drivers set it for plain buffers, too */
#define ENA_AQ_BUF_LEN_AT 4u
#define ENA_AQ_BUF_ADDR_AT 8u

/* completion: common part; what a command answers begins at DATA */
#define ENA_ACQ_ID_AT 0u
#define ENA_ACQ_STATUS_AT 2u
#define ENA_ACQ_FLAGS_AT 3u
#define ENA_ACQ_EXT_STATUS_AT 4u
#define ENA_ACQ_SQ_HEAD_AT 6u
#define ENA_ACQ_DATA_AT 8u
#define ENA_ACQ_DATA_BYTES 56u

/* Create SQ */
#define ENA_CSQ_IDENTITY_AT 4u /* direction << 5 */
#define ENA_CSQ_CAPS2_AT 6u    /* placement, completion policy << 4 */
#define ENA_CSQ_CAPS3_AT 7u    /* bit 0: contiguous */
#define ENA_CSQ_CQ_AT 8u
#define ENA_CSQ_DEPTH_AT 10u
#define ENA_CSQ_BASE_AT 12u
#define ENA_CSQ_R_IDX_AT 8u
#define ENA_CSQ_R_DOORBELL_AT 12u
#define ENA_CSQ_R_LLQ_DESC_AT 16u
#define ENA_CSQ_R_LLQ_HEADER_AT 20u
#define ENA_DIR_TX 1u
#define ENA_DIR_RX 2u
#define ENA_PLACE_HOST 1u
#define ENA_PLACE_DEV 3u
#define ENA_COMPLETE_DESC 0u

/* Destroy SQ */
#define ENA_DSQ_IDX_AT 4u
#define ENA_DSQ_IDENTITY_AT 6u

/* Create CQ */
#define ENA_CCQ_CAPS1_AT 4u /* bit 5: interrupts */
#define ENA_CCQ_CAPS2_AT 5u /* entry size in words, 5 bits */
#define ENA_CCQ_DEPTH_AT 6u
#define ENA_CCQ_VECTOR_AT 8u
#define ENA_CCQ_BASE_AT 12u
#define ENA_CCQ_INTERRUPT 0x20u
#define ENA_CCQ_R_IDX_AT 8u
#define ENA_CCQ_R_DEPTH_AT 10u
#define ENA_CCQ_R_NUMA_AT 12u
#define ENA_CCQ_R_HEAD_DB_AT 16u
#define ENA_CCQ_R_UNMASK_AT 20u

/* Destroy CQ */
#define ENA_DCQ_IDX_AT 4u

/* Get Statistics */
#define ENA_GST_TYPE_AT 16u
#define ENA_GST_SCOPE_AT 17u
#define ENA_STATS_BASIC 0u
#define ENA_STATS_ENI 2u

/* Get and Set Feature: common part at 16, parameters from 20 */
#define ENA_FEAT_SELECT_AT 16u
#define ENA_FEAT_ID_AT 17u
#define ENA_FEAT_VERSION_AT 18u
#define ENA_FEAT_DATA_AT 20u

#define ENA_FEAT_DEVICE_ATTRIBUTES 1u
#define ENA_FEAT_MAX_QUEUES 2u
#define ENA_FEAT_HW_HINTS 3u
#define ENA_FEAT_LLQ 4u
#define ENA_FEAT_MAX_QUEUES_EXT 7u
#define ENA_FEAT_HASH_FUNCTION 10u
#define ENA_FEAT_OFFLOAD 11u
#define ENA_FEAT_IND_TABLE 12u
#define ENA_FEAT_MTU 14u
#define ENA_FEAT_HASH_INPUT 18u
#define ENA_FEAT_INTR_MODERATION 20u
#define ENA_FEAT_AENQ 26u
#define ENA_FEAT_LINK 27u
#define ENA_FEAT_HOST_ATTR 28u

#define ENA_CAP_ENI_STATS 0x1u /* device attributes: capabilities */

/* stateless offloads */
#define ENA_TXO_L3_IPV4 0x01u
#define ENA_TXO_L4_IPV4_PART 0x02u
#define ENA_TXO_L4_IPV4_FULL 0x04u
#define ENA_TXO_L4_IPV6_PART 0x08u
#define ENA_TXO_L4_IPV6_FULL 0x10u
#define ENA_TXO_TSO_IPV4 0x20u
#define ENA_TXO_TSO_IPV6 0x40u
#define ENA_TXO_TSO_ECN 0x80u
#define ENA_RXO_L3_IPV4 0x1u
#define ENA_RXO_L4_IPV4 0x2u
#define ENA_RXO_L4_IPV6 0x4u
#define ENA_RXO_HASH 0x8u

/* RSS */
#define ENA_HASH_TOEPLITZ 0x2u /* bit 1 of the function masks */
#define ENA_RSS_KEY_BYTES 40u
#define ENA_RSS_KEY_BUF_BYTES 48u /* u32 words, u32 zero, key */
#define ENA_RSS_PROTOS 16u
#define ENA_RSS_INPUT_BUF_BYTES 256u /* 4 lists: supported, selected, 2 spare */
#define ENA_RSS_SORT_L3 0x2u
#define ENA_RSS_SORT_L4 0x4u
#define ENA_RSS_TABLE_LOG_MAX 7u
#define ENA_RSS_NO_INDEX 0xffffffffu

enum {
    ENA_RSS_TCP4 = 0,
    ENA_RSS_UDP4,
    ENA_RSS_TCP6,
    ENA_RSS_UDP6,
    ENA_RSS_IP4,
    ENA_RSS_IP6,
    ENA_RSS_IP4_FRAG,
    ENA_RSS_NOT_IP,
};

#define ENA_RSS_L2_DA 0x01u
#define ENA_RSS_L2_SA 0x02u
#define ENA_RSS_L3_DA 0x04u
#define ENA_RSS_L3_SA 0x08u
#define ENA_RSS_L4_DP 0x10u
#define ENA_RSS_L4_SP 0x20u

/* link */
#define ENA_LINK_AUTONEG 0x1u
#define ENA_LINK_FULL_DUPLEX 0x2u

/* low-latency queues */
#define ENA_LLQ_INLINE_HEADER 1u
#define ENA_LLQ_ENTRY_128 1u
#define ENA_LLQ_ENTRY_192 2u
#define ENA_LLQ_ENTRY_256 4u
#define ENA_LLQ_STRIDE_SINGLE 1u
#define ENA_LLQ_STRIDE_MULTIPLE 2u
#define ENA_LLQ_NO_META_CACHE 0x1u /* acceleration flags */

/* ---- asynchronous events ------------------------------------------------ */

#define ENA_AENQ_GROUP_AT 0u
#define ENA_AENQ_SYNDROME_AT 2u
#define ENA_AENQ_FLAGS_AT 4u
#define ENA_AENQ_TIME_AT 8u /* u64 */
#define ENA_AENQ_DATA_AT 16u
#define ENA_AENQ_PHASE 0x1u

#define ENA_GROUP_LINK 0u
#define ENA_GROUP_FATAL 1u
#define ENA_GROUP_WARNING 2u
#define ENA_GROUP_NOTIFICATION 3u
#define ENA_GROUP_KEEP_ALIVE 4u
#define ENA_SYNDROME_HINTS 2u

/* ---- I/O queues --------------------------------------------------------- */

#define ENA_DESC_BYTES 16u

/* transmit descriptor, word 0 */
#define ENA_TXD_LEN 0xffffu
#define ENA_TXD_ID_HI_SHIFT 16 /* 6 bits */
#define ENA_TXD_META 0x00800000u
#define ENA_TXD_PHASE 0x01000000u
#define ENA_TXD_FIRST 0x04000000u
#define ENA_TXD_LAST 0x08000000u
#define ENA_TXD_COMP_REQ 0x10000000u
/* word 1 */
#define ENA_TXD_L3_PROTO 0x0000000fu
#define ENA_TXD_DF 0x00000010u
#define ENA_TXD_TSO 0x00000080u
#define ENA_TXD_L4_PROTO_SHIFT 8 /* 5 bits */
#define ENA_TXD_L3_CSUM 0x00002000u
#define ENA_TXD_L4_CSUM 0x00004000u
#define ENA_TXD_L4_PARTIAL 0x00020000u
#define ENA_TXD_ID_LO_SHIFT 22 /* 10 bits */
/* word 2: address low; word 3: address high 16 bits, header bytes << 24 */
#define ENA_TXD_HDR_SHIFT 24

/* transmit metadata descriptor: word 0 (with META) and word 2 */
#define ENA_TXM_EXT_VALID 0x00004000u
#define ENA_TXM_MSS_HI_SHIFT 16 /* 4 bits */
#define ENA_TXM_TYPE_EXT 0x00100000u
#define ENA_TXM_STORE 0x00200000u
#define ENA_TXM_L3_LEN 0x000000ffu
#define ENA_TXM_L3_OFF_SHIFT 8    /* 8 bits */
#define ENA_TXM_L4_WORDS_SHIFT 16 /* 6 bits */
#define ENA_TXM_MSS_LO_SHIFT 22   /* 10 bits */

/* transmit completion, 8 bytes */
#define ENA_TXC_BYTES 8u
#define ENA_TXC_ID_AT 0u
#define ENA_TXC_STATUS_AT 2u
#define ENA_TXC_FLAGS_AT 3u
#define ENA_TXC_SUB_QID_AT 4u
#define ENA_TXC_SQ_HEAD_AT 6u
#define ENA_TXC_PHASE 0x1u

/* receive descriptor */
#define ENA_RXD_LEN_AT 0u /* 0: 64 KiB */
#define ENA_RXD_CTRL_AT 3u
#define ENA_RXD_ID_AT 4u
#define ENA_RXD_ADDR_AT 8u
#define ENA_RXD_PHASE 0x01u

/* receive completion, 16 bytes or 32 with the buffer's address */
#define ENA_RXC_BYTES 16u
#define ENA_RXC_EXT_BYTES 32u
#define ENA_RXC_STATUS_AT 0u
#define ENA_RXC_LEN_AT 4u
#define ENA_RXC_ID_AT 6u
#define ENA_RXC_HASH_AT 8u
#define ENA_RXC_SUB_QID_AT 12u
#define ENA_RXC_OFFSET_AT 14u
#define ENA_RXC_ADDR_AT 16u
#define ENA_RXC_L4_PROTO_SHIFT 8
#define ENA_RXC_L3_ERR 0x00002000u
#define ENA_RXC_L4_ERR 0x00004000u
#define ENA_RXC_FRAG 0x00008000u
#define ENA_RXC_L4_CHECKED 0x00010000u
#define ENA_RXC_PHASE 0x01000000u
#define ENA_RXC_L3_CSUM2 0x02000000u
#define ENA_RXC_FIRST 0x04000000u
#define ENA_RXC_LAST 0x08000000u
#define ENA_RXC_BUFFER 0x40000000u

#define ENA_L3_IPV4 8u
#define ENA_L3_IPV6 11u
#define ENA_L4_TCP 12u
#define ENA_L4_UDP 13u

/* interrupt control of a completion queue */
#define ENA_INTR_RX_DELAY 0x7fffu
#define ENA_INTR_TX_DELAY_SHIFT 15 /* 15 bits */
#define ENA_INTR_UNMASK 0x40000000u

#endif
