/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_state_test.c: saving and loading: at every event of seeded mixes, with
 * operations continued or started again, and of streams that are wrong.
 */
#include "nvme_test.h"
#include "nvme_mix.h"

#define RAM (4u << 20)
#define NS_BYTES (1u << 20)

/* A smaller world than other tests': it is copied often. */
static Host *small_host(uint64_t seed)
{
    NvmeCtrlConfig config = host_config(0);
    Host *h = g_new0(Host, 1);

    h->m = mock_seam_new(RAM, seed);
    h->card = mock_card_new(h->m);
    mock_card_attach(h->card, 0, 1, NS_BYTES, 0);
    mock_card_attach(h->card, 0, 2, NS_BYTES, 1);
    h->ctrl = mock_card_add(h->card, &config);
    return h;
}

static Mix *small_mix(Host *h, uint64_t seed, unsigned budget)
{
    Mix *x = mix_new(h, seed, budget);

    mock_delays(h->m, 1000);
    h->m->jitter_ps = seed % 3 ? 900 : 0;
    h->m->delay_ps[MODEL_CRYPTO] = 4000;
    x->resets = seed % 2 ? 2 : 0;
    x->deletions = 4;
    x->aborts = 12;
    x->formats = seed % 4 == 2 ? 4 : 0;
    x->attaches = 6;
    x->holds = 8;
    x->faults = 4;
    x->use_shadow = seed % 3 == 1;
    x->pin = seed % 5 == 0;
    nvme_ctrl_set_msix(h->ctrl, !x->pin);
    return x;
}

/* Puts a fresh controller, loaded from the present one's state, in its place.
 * The card loses its pointers into the old one. */
static void replace(Host *h, bool resubmit)
{
    NvmeCtrlConfig config = host_config(0);
    GByteArray *image = g_byte_array_new();
    uint64_t timer = h->m->timer_ps[SEAM_TIMER_COALESCE];
    StateReader r;
    char *why = NULL;
    bool ok;

    nvme_ctrl_save(h->ctrl, image);
    nvme_ctrl_free(h->ctrl);
    for (unsigned i = 0; i < CARD_MAX_IO_SLOTS; i++) {
        h->card->io[0][i].io.buf = NULL;
    }
    if (resubmit) {
        h->m->ops.model_cancel(h->m, UINT16_MAX);
        mock_card_forget(h->card);
    }
    h->ctrl = h->card->ctrl[0] = nvme_ctrl_new(h->card, &config);
    state_reader_init(&r, image->data, image->len);
    ok = nvme_ctrl_load(h->ctrl, &r, resubmit);
    if (!state_reader_finish(&r, &why) || !ok) {
        fail_msg("%s", why);
    }
    assert_int_equal(h->m->timer_ps[SEAM_TIMER_COALESCE], timer);
    if (resubmit) {
        nvme_ctrl_resubmit(h->ctrl);
    } else {
        GByteArray *again = g_byte_array_new();

        nvme_ctrl_save(h->ctrl, again);
        assert_int_equal(again->len, image->len);
        assert_memory_equal(again->data, image->data, image->len);
        g_byte_array_unref(again);
    }
    g_byte_array_unref(image);
}

static void same_world(Host *a, Host *b)
{
    assert_int_equal(a->m->now_ps, b->m->now_ps);
    assert_int_equal(a->m->events->len, b->m->events->len);
    assert_memory_equal(a->m->events->data, b->m->events->data,
                        a->m->events->len * sizeof(CardEvent));
    assert_int_equal(a->m->irqs->len, b->m->irqs->len);
    assert_memory_equal(a->m->irqs->data, b->m->irqs->data,
                        a->m->irqs->len * sizeof(MockIrq));
    assert_memory_equal(a->m->ram, b->m->ram, RAM);
    for (unsigned n = 1; n <= 2; n++) {
        assert_memory_equal(a->card->ns[0][n].data, b->card->ns[0][n].data,
                            NS_BYTES);
    }
}

/* One world runs undisturbed; in the other the controller is saved and
 * replaced after every single event. Both must see the same, to the
 * picosecond. */
static void replaced_at_every_event(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        Host *a = small_host(seed), *b = small_host(seed);
        Mix *x = small_mix(a, seed, 300), *y = small_mix(b, seed, 300);
        unsigned steps = 0;
        bool more;

        do {
            mix_act(x);
            mix_act(y);
            replace(b, false);
            more = mock_step(a->m);
            assert_int_equal(more, mock_step(b->m));
            replace(b, false);
            steps++;
        } while (!mix_finished(x) && steps < 20000);
        assert_true(mix_finished(x) && mix_finished(y));
        mix_act(x);
        mix_act(y);
        same_world(a, b);
        mix_free(x);
        mix_free(y);
        host_free(a);
        host_free(b);
    }
}

/* Everything that was under way is forgotten by models and card again and
 * again, and started again. The mix checks that nothing is lost, done twice,
 * or damaged. */
static void resubmitted(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        Host *h = small_host(seed);
        Mix *x = small_mix(h, seed, 400);
        uint64_t rng = seed;

        do {
            mix_act(x);
            if (mock_random(&rng) % 16 == 0) {
                replace(h, true);
            }
            mock_step(h->m);
        } while (!mix_finished(x));
        assert_true(x->statuses[0] > 80);
        mix_free(x);
        host_free(h);
    }
}

/* Where every stage of a command has been seen in a saved state */
static void every_stage_is_saved(void **state)
{
    bool seen[16] = { false };

    for (uint64_t seed = 1; seed <= 8; seed++) {
        Host *h = small_host(seed);
        Mix *x = small_mix(h, seed, 300);

        h->m->jitter_ps = 0;
        do {
            mix_act(x);
            mock_step(h->m);
            for (unsigned i = 0; i < h->m->n_heap; i++) {
                uint64_t tag = h->m->heap[i].op.tag;

                if (seam_tag_owner(tag) == SEAM_OWNER_CTRL) {
                    seen[seam_tag_stage(tag) & 0xf] = true;
                }
            }
        } while (!mix_finished(x));
        mix_free(x);
        host_free(h);
    }
    for (unsigned stage = 1; stage <= 8; stage++) {
        /* ADMIT, CARD and CQ_WAIT have no operation; their numbers are also
         * those of other objects, which do. */
        assert_true(seen[stage]);
    }
}

/* The flush of a shutdown is under way. */
static void shutdown_is_saved(void **state)
{
    for (unsigned resubmit = 0; resubmit < 2; resubmit++) {
        Host *h = small_host(1);

        host_enable(h);
        mock_delays(h->m, 1000);
        host_write(h, NVME_REG_CC, 0x464001, 4);
        replace(h, resubmit);
        assert_int_equal(host_csts(h),
                         NVME_CSTS_RDY | NVME_CSTS_SHST_OCCURRING);
        mock_run_idle(h->m);
        assert_int_equal(host_csts(h), NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
        assert_true(nvme_ctrl_idle(h->ctrl));
        host_free(h);
    }
}

/* ---- wrong streams ------------------------------------------------------ */

static bool try_load(Host *h, Card *card, const uint8_t *data, size_t len,
                     bool resubmit)
{
    NvmeCtrlConfig config = host_config(0);
    StateReader r;
    bool ok;

    nvme_ctrl_free(card->ctrl[0]);
    card->ctrl[0] = nvme_ctrl_new(card, &config);
    state_reader_init(&r, data, len);
    ok = nvme_ctrl_load(card->ctrl[0], &r, resubmit);
    if (!ok) {
        assert_non_null(r.error);
    }
    g_free(r.error);
    if (ok && resubmit) {
        nvme_ctrl_resubmit(card->ctrl[0]);
    }
    return ok;
}

/* What loads must be harmless: everything runs out, and a reset works. */
static void run_out(Card *card)
{
    MockSeam *m = card->m;

    for (unsigned i = 0; i < 3000 && mock_step(m); i++) {
        mock_card_release(card);
    }
    nvme_ctrl_mmio_write(card->ctrl[0], 0x1008, 5, 4);
    for (unsigned i = 0; i < 3000 && mock_step(m); i++) {
    }
    nvme_ctrl_reset(card->ctrl[0], CARD_RESET_FUNCTION);
    assert_true(nvme_ctrl_idle(card->ctrl[0]));
}

static void mutate(GByteArray *b, uint64_t *rng)
{
    unsigned n = 1 + mock_random(rng) % 3;

    for (unsigned i = 0; i < n; i++) {
        size_t at = mock_random(rng) % b->len;

        switch (mock_random(rng) % 4) {
        case 0:
            b->data[at] ^= 1u << mock_random(rng) % 8;
            break;
        case 1:
            b->data[at] = mock_random(rng) % 2 ? 0xff : 0;
            break;
        case 2:
            b->data[at]++;
            break;
        default:
            b->data[at] = mock_random(rng);
            break;
        }
    }
}

static void mutations(void **state)
{
    unsigned loaded = 0, refused = 0;

    for (uint64_t seed = 1; seed <= 12; seed++) {
        Host *h = small_host(seed);
        Mix *x = small_mix(h, seed, 400);
        uint64_t rng = seed;

        for (unsigned i = 0; i < 4000 && !mix_finished(x); i++) {
            mix_act(x);
            mock_step(h->m);
            if (i % 40 != 17) {
                continue;
            }
            for (unsigned k = 0; k < 8; k++) {
                GByteArray *image = g_byte_array_new();
                MockSeam *m = mock_seam_clone(h->m);
                Card *card = mock_card_clone(h->card, m);
                bool resubmit = k % 2;

                if (resubmit) {
                    m->ops.model_cancel(m, UINT16_MAX);
                    mock_card_forget(card);
                }
                nvme_ctrl_save(h->ctrl, image);
                mutate(image, &rng);
                if (try_load(h, card, image->data, image->len, resubmit)) {
                    loaded++;
                    run_out(card);
                } else {
                    refused++;
                }
                g_byte_array_unref(image);
                mock_card_free(card);
                mock_seam_free(m);
            }
        }
        mix_free(x);
        host_free(h);
    }
    assert_true(loaded > 100 && refused > 100);
}

static void truncations(void **state)
{
    Host *h = small_host(1);
    Mix *x = small_mix(h, 2, 200);
    GByteArray *image = g_byte_array_new();

    for (unsigned i = 0; i < 500; i++) {
        mix_act(x);
        mock_step(h->m);
    }
    nvme_ctrl_save(h->ctrl, image);
    mock_card_forget(h->card);
    h->ctrl = NULL;
    for (size_t len = 0; len < image->len; len += len < 500 ? 1 : 97) {
        assert_false(try_load(h, h->card, image->data, len, true));
    }
    g_byte_array_append(image, (const uint8_t *)"x", 1);
    image->data[6]++; /* the section's length: a byte too many in it */
    assert_false(try_load(h, h->card, image->data, image->len, true));
    g_byte_array_unref(image);
    mix_free(x);
    host_free(h);
}

static void other_configuration(void **state)
{
    Host *h = small_host(1);
    GByteArray *image = g_byte_array_new();
    NvmeCtrlConfig config[5];
    uint32_t csts;

    nvme_ctrl_save(h->ctrl, image);
    for (unsigned i = 0; i < G_N_ELEMENTS(config); i++) {
        config[i] = host_config(0);
    }
    config[0].max_queues = 4;
    config[1].msix_vectors = 4;
    strcpy(config[2].serial, "ANOTHER");
    strcpy(config[3].model, "ANOTHER");
    config[4].no_shadow_doorbells = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(config); i++) {
        StateReader r;

        nvme_ctrl_free(h->ctrl);
        h->ctrl = h->card->ctrl[0] = nvme_ctrl_new(h->card, &config[i]);
        host_enable(h);
        csts = host_csts(h);
        state_reader_init(&r, image->data, image->len);
        assert_false(nvme_ctrl_load(h->ctrl, &r, false));
        assert_false(state_reader_finish(&r, NULL));
        /* Nothing has changed. */
        assert_int_equal(host_csts(h), csts);
        assert_int_equal(host_set_feature(h, NVME_FEAT_WRITE_CACHE, 0), 0);
    }
    g_byte_array_unref(image);
    host_free(h);
}

/* The card does not know an I/O that the controller waits for. */
static void card_disagrees(void **state)
{
    Host *h = small_host(1);
    GByteArray *image = g_byte_array_new();

    host_start(h, 1, 16);
    mock_delays(h->m, 1000);
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 8, 0x100000), true);
    mock_run_until(h->m, h->m->now_ps + 3500);
    nvme_ctrl_save(h->ctrl, image);
    h->card->rebind_fails = true;
    assert_false(try_load(h, h->card, image->data, image->len, false));
    h->card->rebind_fails = false;
    /* Its blocks have another size than the buffer was made for. */
    h->card->ns[0][1].info.block_bytes = 4096;
    assert_false(try_load(h, h->card, image->data, image->len, false));
    h->card->ns[0][1].info.block_bytes = 512;
    assert_true(try_load(h, h->card, image->data, image->len, false));
    h->ctrl = h->card->ctrl[0];
    g_byte_array_unref(image);
    host_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaced_at_every_event),
        cmocka_unit_test(resubmitted),
        cmocka_unit_test(every_stage_is_saved),
        cmocka_unit_test(shutdown_is_saved),
        cmocka_unit_test(mutations),
        cmocka_unit_test(truncations),
        cmocka_unit_test(other_configuration),
        cmocka_unit_test(card_disagrees),
    };

    host_setups_used();
    (void)host_teardown;
    return cmocka_run_group_tests_name("nvme-state", tests, NULL, NULL) != 0;
}
