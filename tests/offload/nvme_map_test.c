/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_map_test.c: PRPs and SGLs: offsets, lists, chains, segments, buckets,
 * lengths, loops, memory that may not be touched. NVM Express 1.4, sections
 * 4.3 and 4.4.
 */
#include "nvme_test.h"

#define PAGE 4096u
#define DATA 0x100000ull
#define LIST 0x400000ull

static void fill(Host *h)
{
    uint8_t *p = h->card->ns[0][1].data;

    for (unsigned i = 0; i < (1u << 20); i++) {
        p[i] = i * 13 + (i >> 9);
    }
}

static const uint8_t *disk(Host *h)
{
    return h->card->ns[0][1].data;
}

static NvmeSqe read_prp(unsigned nlb, uint64_t prp1, uint64_t prp2)
{
    NvmeSqe e = host_rw(NVME_IO_READ, 1, 0, nlb, prp1);

    e.prp2 = prp2;
    return e;
}

static void check(Host *h, uint64_t addr, unsigned offset, unsigned len)
{
    assert_memory_equal(mock_ram(h->m, addr, len), disk(h) + offset, len);
}

static void prp1_offset(void **state)
{
    Host *h = *state;

    fill(h);
    assert_status(h, 1, read_prp(1, DATA + 4, 0), 0);
    check(h, DATA + 4, 0, 512);
    for (unsigned i = 1; i < 4; i++) {
        assert_status(h, 1, read_prp(1, DATA + i, 0), NVME_PRP_OFFSET_INVALID);
    }
    /* Up to the page's end without PRP2 */
    assert_status(h, 1, read_prp(1, DATA + PAGE - 512, 0xffff), 0);
    check(h, DATA + PAGE - 512, 0, 512);
}

static void prp2_page(void **state)
{
    Host *h = *state;

    fill(h);
    assert_status(h, 1, read_prp(8, DATA + PAGE - 512, DATA + 8 * PAGE), 0);
    check(h, DATA + PAGE - 512, 0, 512);
    check(h, DATA + 8 * PAGE, 512, 3584);
    assert_status(h, 1, read_prp(16, DATA, DATA + 5 * PAGE), 0);
    check(h, DATA + 5 * PAGE, PAGE, PAGE);
    assert_status(h, 1, read_prp(16, DATA, DATA + 5 * PAGE + 8),
                  NVME_PRP_OFFSET_INVALID);
}

static void prp_list(void **state)
{
    Host *h = *state;

    fill(h);
    for (unsigned i = 0; i < 40; i++) {
        mock_put64(h->m, LIST + 0x108 + 8 * i, DATA + (64 - i) * PAGE);
    }
    /* The list may start anywhere, qword aligned. */
    assert_status(h, 1, read_prp(41 * 8, DATA, LIST + 0x108), 0);
    check(h, DATA, 0, PAGE);
    for (unsigned i = 0; i < 40; i++) {
        check(h, DATA + (64 - i) * PAGE, (i + 1) * PAGE, PAGE);
    }
    assert_status(h, 1, read_prp(41 * 8, DATA, LIST + 0x10c),
                  NVME_PRP_OFFSET_INVALID);
    mock_put64(h->m, LIST + 0x110, DATA + 512);
    assert_status(h, 1, read_prp(41 * 8, DATA, LIST + 0x108),
                  NVME_PRP_OFFSET_INVALID);
}

/* The last entry of a page is a pointer if more than a page is left, and
 * data if not. */
static void prp_list_chain(void **state)
{
    Host *h = *state;
    uint64_t at = LIST + PAGE - 3 * 8;

    fill(h);
    mock_put64(h->m, at, DATA + 1 * PAGE);
    mock_put64(h->m, at + 8, DATA + 2 * PAGE);
    mock_put64(h->m, at + 16, DATA + 3 * PAGE);
    assert_status(h, 1, read_prp(4 * 8, DATA, at), 0);
    check(h, DATA + 3 * PAGE, 3 * PAGE, PAGE);
    mock_put64(h->m, at + 16, LIST + 2 * PAGE);
    for (unsigned i = 0; i < 10; i++) {
        mock_put64(h->m, LIST + 2 * PAGE + 8 * i, DATA + (20 + i) * PAGE);
    }
    assert_status(h, 1, read_prp(10 * 8, DATA, at), 0);
    check(h, DATA + 2 * PAGE, 2 * PAGE, PAGE);
    check(h, DATA + 20 * PAGE, 3 * PAGE, PAGE);
    check(h, DATA + 26 * PAGE, 9 * PAGE, PAGE);
    /* A pointer that is not aligned */
    mock_put64(h->m, at + 16, LIST + 2 * PAGE + 4);
    assert_status(h, 1, read_prp(10 * 8, DATA, at), NVME_PRP_OFFSET_INVALID);
}

static void prp_list_loop(void **state)
{
    Host *h = *state;

    /* The last qword of a page points to itself. */
    mock_put64(h->m, LIST + PAGE - 8, LIST + PAGE - 8);
    assert_status(h, 1, read_prp(100 * 8, DATA, LIST + PAGE - 8),
                  NVME_PRP_OFFSET_INVALID);
    assert_true(nvme_ctrl_idle(h->ctrl));
}

static void refused(Host *h, NvmeSqe e)
{
    uint64_t before = h->m->event_count[CARD_EV_DMA_REFUSED];

    assert_status(h, 1, e, NVME_DATA_TRANSFER_ERROR);
    assert_int_equal(h->m->event_count[CARD_EV_DMA_REFUSED], before + 1);
}

static void outside_the_window(void **state)
{
    Host *h = *state;
    uint64_t end = HOST_RAM;

    fill(h);
    memset(mock_ram(h->m, end - PAGE, PAGE), 0xee, PAGE);
    refused(h, read_prp(1, end, 0));
    refused(h, read_prp(8, end - 512, end));
    refused(h, read_prp(1, UINT64_MAX - 511, 0));
    refused(h, read_prp(1, UINT64_MAX - 3, 0));
    refused(h, read_prp(100 * 8, DATA, end));
    refused(h, read_prp(100 * 8, DATA, UINT64_MAX - 7));
    /* Writes: nothing reaches the card. */
    refused(h, host_rw(NVME_IO_WRITE, 1, 0, 1, end));
    assert_int_equal(h->card->ops[CARD_IO_WRITE], 0);
    /* Memory of others: the window is smaller than the machine */
    h->m->window[0].bytes = end - PAGE;
    refused(h, read_prp(8, end - PAGE, 0));
    assert_int_equal(*(uint8_t *)mock_ram(h->m, end - PAGE, 1), 0xee);
    assert_int_equal(h->card->stats[0].dma_refused, 8);
    assert_int_equal(host_csts(h), NVME_CSTS_RDY);
}

/* ---- SGL ---------------------------------------------------------------- */

static void desc(Host *h, uint64_t at, uint64_t addr, uint32_t len,
                 unsigned type)
{
    mock_put64(h->m, at, addr);
    mock_put64(h->m, at + 8, len | (uint64_t)type << 60);
}

static NvmeSqe sgl(unsigned opcode, unsigned nlb, uint64_t addr, uint32_t len,
                   unsigned type)
{
    NvmeSqe e = host_rw(opcode, 1, 0, nlb, addr);

    e.flags = 1 << 6;
    e.prp2 = len | (uint64_t)type << 60;
    return e;
}

static void sgl_data_block(void **state)
{
    Host *h = *state;
    NvmeSqe e = sgl(NVME_IO_READ, 3, DATA + 1, 1536, NVME_SGL_DATA_BLOCK);

    fill(h);
    assert_status(h, 1, e, 0);
    check(h, DATA + 1, 0, 1536); /* byte aligned */
    e.flags = 2 << 6;
    assert_status(h, 1, e, 0);
    /* Longer than the data is fine, shorter is not. */
    assert_status(h, 1, sgl(NVME_IO_READ, 1, DATA, 9999, 0), 0);
    assert_status(h, 1, sgl(NVME_IO_READ, 1, DATA, 511, 0),
                  NVME_DATA_SGL_LENGTH);
    assert_status(h, 1, sgl(NVME_IO_READ, 1, DATA, 0, 0), NVME_DATA_SGL_LENGTH);
    assert_status(h, 1, sgl(NVME_IO_READ, 1, UINT64_MAX - 10, 512, 0),
                  NVME_DATA_TRANSFER_ERROR);
}

static void sgl_segments(void **state)
{
    Host *h = *state;

    fill(h);
    desc(h, LIST, DATA, 100, 0);
    desc(h, LIST + 16, DATA + 5000, 412, 0);
    desc(h, LIST + 32, LIST + 0x1001, 32, NVME_SGL_SEGMENT);
    desc(h, LIST + 0x1001, DATA + 9000, 512, 0);
    desc(h, LIST + 0x1011, LIST + 0x2000, 16, NVME_SGL_LAST_SEGMENT);
    desc(h, LIST + 0x2000, DATA + 20000, 512, 0);
    assert_status(h, 1, sgl(NVME_IO_READ, 3, LIST, 48, NVME_SGL_SEGMENT), 0);
    check(h, DATA, 0, 100);
    check(h, DATA + 5000, 100, 412);
    check(h, DATA + 9000, 512, 512);
    check(h, DATA + 20000, 1024, 512);
    /* The same as data for a write */
    assert_status(h, 1, sgl(NVME_IO_WRITE, 3, LIST, 48, NVME_SGL_SEGMENT), 0);
    /* One last segment only */
    assert_status(h, 1, sgl(NVME_IO_READ, 1, LIST, 32, NVME_SGL_LAST_SEGMENT),
                  0);
}

static void sgl_bit_bucket(void **state)
{
    Host *h = *state;

    fill(h);
    memset(mock_ram(h->m, DATA, PAGE), 0xee, PAGE);
    desc(h, LIST, 0, 512, NVME_SGL_BIT_BUCKET);
    desc(h, LIST + 16, DATA, 512, 0);
    desc(h, LIST + 32, 0, 512, NVME_SGL_BIT_BUCKET);
    assert_status(h, 1, sgl(NVME_IO_READ, 3, LIST, 48, NVME_SGL_LAST_SEGMENT),
                  0);
    check(h, DATA, 512, 512);
    assert_int_equal(mock_get16(h->m, DATA + 512), 0xeeee);
    /* All of it thrown away */
    assert_status(h, 1, sgl(NVME_IO_READ, 1, 0, 512, NVME_SGL_BIT_BUCKET), 0);
    /* A bucket has no length for a write. */
    assert_status(h, 1, sgl(NVME_IO_WRITE, 1, LIST, 48, NVME_SGL_LAST_SEGMENT),
                  0);
    assert_memory_equal(disk(h), mock_ram(h->m, DATA, 512), 512);
    assert_status(h, 1, sgl(NVME_IO_WRITE, 1, 0, 512, NVME_SGL_BIT_BUCKET),
                  NVME_DATA_SGL_LENGTH);
}

static void sgl_rejections(void **state)
{
    Host *h = *state;
    NvmeSqe e;

    for (unsigned type = 4; type < 16; type++) {
        assert_status(h, 1, sgl(NVME_IO_READ, 1, DATA, 512, type),
                      NVME_SGL_TYPE_INVALID);
    }
    e = sgl(NVME_IO_READ, 1, DATA, 512, 0);
    e.prp2 |= 1ull << 56; /* sub type */
    assert_status(h, 1, e, NVME_SGL_TYPE_INVALID);
    /* Segment lengths */
    assert_status(h, 1, sgl(NVME_IO_READ, 1, LIST, 0, NVME_SGL_SEGMENT),
                  NVME_INVALID_SGL_SEGMENT);
    assert_status(h, 1, sgl(NVME_IO_READ, 1, LIST, 24, NVME_SGL_LAST_SEGMENT),
                  NVME_INVALID_SGL_SEGMENT);
    assert_status(
        h, 1, sgl(NVME_IO_READ, 1, UINT64_MAX - 7, 16, NVME_SGL_LAST_SEGMENT),
        NVME_INVALID_SGL_SEGMENT);
    /* A segment descriptor that is not the last one */
    desc(h, LIST, LIST, 16, NVME_SGL_LAST_SEGMENT);
    desc(h, LIST + 16, DATA, 512, 0);
    assert_status(h, 1, sgl(NVME_IO_READ, 1, LIST, 32, NVME_SGL_SEGMENT),
                  NVME_INVALID_SGL_COUNT);
    /* A segment that does not lead on */
    desc(h, LIST, DATA, 512, 0);
    assert_status(h, 1, sgl(NVME_IO_READ, 1, LIST, 32, NVME_SGL_SEGMENT),
                  NVME_INVALID_SGL_SEGMENT);
    /* A last segment that does */
    desc(h, LIST + 16, LIST, 16, NVME_SGL_SEGMENT);
    assert_status(h, 1, sgl(NVME_IO_READ, 1, LIST, 32, NVME_SGL_LAST_SEGMENT),
                  NVME_INVALID_SGL_COUNT);
    /* A segment outside the window */
    assert_status(h, 1,
                  sgl(NVME_IO_READ, 1, HOST_RAM, 32, NVME_SGL_LAST_SEGMENT),
                  NVME_DATA_TRANSFER_ERROR);
}

static void sgl_loops(void **state)
{
    Host *h = *state;

    /* A segment that leads to itself; nothing in it moves on. */
    desc(h, LIST, DATA, 0, 0);
    desc(h, LIST + 16, LIST, 32, NVME_SGL_SEGMENT);
    assert_status(h, 1, sgl(NVME_IO_READ, 1, LIST, 32, NVME_SGL_SEGMENT),
                  NVME_INVALID_SGL_COUNT);
    /* A segment of 4 GiB of empty descriptors */
    assert_status(h, 1,
                  sgl(NVME_IO_READ, 1, DATA, 0xfffffff0, NVME_SGL_LAST_SEGMENT),
                  NVME_INVALID_SGL_COUNT);
}

/* A segment longer than one read of it */
static void sgl_long_segment(void **state)
{
    Host *h = *state;
    unsigned n = 700;

    fill(h);
    for (unsigned i = 0; i < n; i++) {
        desc(h, LIST + 16 * i, DATA + 2 * 512 * i, 512, 0);
    }
    assert_status(h, 1,
                  sgl(NVME_IO_READ, n, LIST, 16 * n, NVME_SGL_LAST_SEGMENT), 0);
    for (unsigned i = 0; i < n; i++) {
        check(h, DATA + 2 * 512 * i, 512 * i, 512);
    }
    /* More pieces than a command may have */
    for (unsigned i = 0; i < 1100; i++) {
        desc(h, LIST + 16 * i, DATA + 2 * i, 1, 0);
    }
    assert_status(h, 1,
                  sgl(NVME_IO_READ, 8, LIST, 16 * 1100, NVME_SGL_LAST_SEGMENT),
                  NVME_INVALID_SGL_COUNT);
}

/* Lists are read at the instant the model says, then never again. */
static void list_is_copied(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    fill(h);
    mock_delays(h->m, 1000);
    for (unsigned i = 0; i < 3; i++) {
        mock_put64(h->m, LIST + 8 * i, DATA + (i + 1) * PAGE);
    }
    host_put(h, 1, read_prp(32, DATA, LIST), true);
    mock_run_until(h->m, h->m->now_ps + 4500);
    memset(mock_ram(h->m, LIST, 64), 0xff, 64);
    mock_run_idle(h->m);
    assert_true(host_take(h, 1, &cqe));
    assert_int_equal(cqe.status >> 1, 0);
    check(h, DATA + 3 * PAGE, 3 * PAGE, PAGE);
    assert_int_equal(h->m->model_bytes[MODEL_DMA_READ] % 64, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED_TEST(prp1_offset),    STARTED_TEST(prp2_page),
        STARTED_TEST(prp_list),       STARTED_TEST(prp_list_chain),
        STARTED_TEST(prp_list_loop),  STARTED_TEST(outside_the_window),
        STARTED_TEST(sgl_data_block), STARTED_TEST(sgl_segments),
        STARTED_TEST(sgl_bit_bucket), STARTED_TEST(sgl_rejections),
        STARTED_TEST(sgl_loops),      STARTED_TEST(sgl_long_segment),
        STARTED_TEST(list_is_copied),
    };

    host_setups_used();
    return cmocka_run_group_tests_name("nvme-map", tests, NULL, NULL) != 0;
}
