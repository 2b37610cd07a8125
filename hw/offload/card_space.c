/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_space.c: where partitions lie on the drives. First-fit allocation in
 * units of 1 MiB, and the mapping of a partition's bytes to drives' bytes.
 *
 * Not modelled: moving extents to close gaps, bad-block replacement (the
 * drive's own business).
 */
#include "card_priv.h"

#include <errno.h>
#include <string.h>

/* ---- mapping --------------------------------------------------------------
 */

uint64_t card_map_bytes(const CardMap *map)
{
    uint64_t bytes = 0;

    for (unsigned s = 0; s < map->n_segs; s++) {
        bytes += map->seg_bytes[s];
    }
    return bytes;
}

CardPiece card_map_piece(const CardMap *map, uint64_t at, uint64_t max)
{
    unsigned seg = 0;
    const CardExtentInfo *ext;
    uint64_t row, in;

    while (at >= map->seg_bytes[seg]) {
        at -= map->seg_bytes[seg++];
    }
    ext = &map->ext[seg * map->n_cols];
    max = MIN(max, map->seg_bytes[seg] - at);
    if (map->layout == CARD_LAYOUT_LINEAR) {
        return (CardPiece){ ext->drive, ext->drive_offset + at, max };
    }
    in = at % map->stripe_bytes;
    row = at / map->stripe_bytes / map->n_cols;
    ext += at / map->stripe_bytes % map->n_cols;
    return (CardPiece){ ext->drive,
                        ext->drive_offset + row * map->stripe_bytes + in,
                        MIN(max, map->stripe_bytes - in) };
}

/* How many of the first @at bytes of a segment lie in column @col. */
static uint64_t column_bytes(const CardMap *map, unsigned col, uint64_t at)
{
    uint64_t stripe = map->stripe_bytes;
    uint64_t row, rest;

    if (map->layout == CARD_LAYOUT_LINEAR) {
        return at;
    }
    row = at / (stripe * map->n_cols);
    rest = at % (stripe * map->n_cols);
    rest = rest > col * stripe ? rest - col * stripe : 0;
    return row * stripe + MIN(rest, stripe);
}

bool card_map_extent(const CardMap *map, unsigned ext, uint64_t from,
                     uint64_t to, CardPiece *ret)
{
    unsigned seg = ext / map->n_cols, col = ext % map->n_cols;
    uint64_t start = 0, lo, hi;

    for (unsigned s = 0; s < seg; s++) {
        start += map->seg_bytes[s];
    }
    from = MAX(from, start);
    to = MIN(to, start + map->seg_bytes[seg]);
    if (from >= to) {
        return false;
    }
    lo = column_bytes(map, col, from - start);
    hi = column_bytes(map, col, to - start);
    if (lo == hi) {
        return false;
    }
    *ret = (CardPiece){ map->ext[ext].drive, map->ext[ext].drive_offset + lo,
                        hi - lo };
    return true;
}

int card_space_discard(Card *card, const CardMap *map, uint64_t from,
                       uint64_t to)
{
    CardPiece p;

    for (unsigned e = 0; e < card_map_extents(map); e++) {
        if (card_map_extent(map, e, from, to, &p)) {
            int ret = card->seam->drive_discard(card->opaque, p.drive, p.offset,
                                                p.bytes);

            if (ret) {
                return ret;
            }
        }
    }
    return 0;
}

/* ---- free space ------------------------------------------------------------
 */

/*
 * The lowest end of anything in use on @drive that is above @at and overlaps
 * [@at, @at + @bytes); @at itself if that range is free.
 */
static uint64_t conflict_in(const CardMap *map, unsigned drive, uint64_t at,
                            uint64_t bytes)
{
    for (unsigned e = 0; e < card_map_extents(map); e++) {
        const CardExtentInfo *x = &map->ext[e];

        if (x->drive == drive && x->drive_offset < at + bytes &&
            at < x->drive_offset + x->bytes) {
            return x->drive_offset + x->bytes;
        }
    }
    return at;
}

/* Over all partitions and @extra, a map that is not in the card's list. */
static uint64_t conflict_end(const Card *card, const CardMap *extra,
                             unsigned drive, uint64_t at, uint64_t bytes)
{
    uint64_t end = conflict_in(extra, drive, at, bytes);

    for (unsigned i = 0; end == at && i < card->parts->len; i++) {
        end = conflict_in(&card_part_at(card, i)->map, drive, at, bytes);
    }
    return end;
}

/* First gap of at least @bytes on @drive. */
static bool find_gap(const Card *card, const CardMap *extra, unsigned drive,
                     uint64_t bytes, uint64_t *ret_at)
{
    uint64_t at = 0, end;

    while (bytes <= card->drive[drive].bytes &&
           at <= card->drive[drive].bytes - bytes) {
        end = conflict_end(card, extra, drive, at, bytes);
        if (end == at) {
            *ret_at = at;
            return true;
        }
        at = end;
    }
    return false;
}

/* First free unit of @drive and how much is free behind it, up to @max. */
static bool first_free(const Card *card, const CardMap *extra, unsigned drive,
                       uint64_t max, uint64_t *ret_at, uint64_t *ret_bytes)
{
    uint64_t at, bytes = CARD_UNIT_BYTES;

    if (!find_gap(card, extra, drive, bytes, &at)) {
        return false;
    }
    while (bytes < max && at + bytes < card->drive[drive].bytes &&
           conflict_end(card, extra, drive, at + bytes, CARD_UNIT_BYTES) ==
               at + bytes) {
        bytes += CARD_UNIT_BYTES;
    }
    *ret_at = at;
    *ret_bytes = MIN(bytes, max);
    return true;
}

/* ---- growing and shrinking --------------------------------------------------
 */

static bool append_linear(CardMap *map, unsigned drive, uint64_t at,
                          uint64_t bytes)
{
    CardExtentInfo *last = map->n_segs ? &map->ext[map->n_segs - 1] : NULL;

    if (last && last->drive == drive &&
        last->drive_offset + last->bytes == at) {
        last->bytes += bytes;
        map->seg_bytes[map->n_segs - 1] += bytes;
        return true;
    }
    if (map->n_segs == CARD_MAX_EXTENTS) {
        return false;
    }
    map->ext[map->n_segs] = (CardExtentInfo){ drive, at, bytes };
    map->seg_bytes[map->n_segs++] = bytes;
    return true;
}

/* One gap that takes it all, on the first drive that has one; else the gaps
 * in order. */
static bool grow_linear(const Card *card, const CardPart *part, CardMap *map,
                        uint64_t bytes)
{
    uint64_t at, got;

    for (unsigned d = 0; d < part->n_drives; d++) {
        if (find_gap(card, map, part->drives[d], bytes, &at)) {
            return append_linear(map, part->drives[d], at, bytes);
        }
    }
    for (unsigned d = 0; d < part->n_drives; d++) {
        while (bytes &&
               first_free(card, map, part->drives[d], bytes, &at, &got)) {
            if (!append_linear(map, part->drives[d], at, got)) {
                return false;
            }
            bytes -= got;
        }
    }
    return bytes == 0;
}

static uint64_t column_need(const CardMap *map, uint64_t seg_bytes)
{
    uint64_t row = (uint64_t)map->stripe_bytes * map->n_cols;
    uint64_t rows = seg_bytes / row + (seg_bytes % row != 0);

    return card_round_up(rows * map->stripe_bytes);
}

/* What is left over in the last row first, then a new segment. */
static bool grow_stripe(const Card *card, const CardPart *part, CardMap *map,
                        uint64_t bytes)
{
    CardExtentInfo *ext = &map->ext[card_map_extents(map)];
    uint64_t need;

    if (map->n_segs) {
        uint64_t *last = &map->seg_bytes[map->n_segs - 1];
        uint64_t rows = ext[-1].bytes / map->stripe_bytes;
        uint64_t room = rows * map->stripe_bytes * map->n_cols - *last;
        uint64_t use = MIN(bytes, room);

        *last += use;
        bytes -= use;
    }
    if (!bytes) {
        return true;
    }
    if (card_map_extents(map) + map->n_cols > CARD_MAX_EXTENTS) {
        return false;
    }
    need = column_need(map, bytes);
    for (unsigned c = 0; c < map->n_cols; c++) {
        ext[c] = (CardExtentInfo){ .drive = part->drives[c], .bytes = need };
        if (!find_gap(card, map, ext[c].drive, need, &ext[c].drive_offset)) {
            return false;
        }
    }
    map->seg_bytes[map->n_segs++] = bytes;
    return true;
}

bool card_space_grow(Card *card, CardPart *part, uint64_t bytes)
{
    CardMap map = part->map;
    bool ok = map.layout == CARD_LAYOUT_LINEAR
                  ? grow_linear(card, part, &map, bytes)
                  : grow_stripe(card, part, &map, bytes);

    if (ok) {
        part->map = map;
    }
    return ok;
}

void card_space_shrink(CardMap *map, uint64_t bytes)
{
    unsigned seg = 0;
    uint64_t keep;

    while (seg < map->n_segs && bytes) {
        keep = MIN(bytes, map->seg_bytes[seg]);
        map->seg_bytes[seg] = keep;
        for (unsigned c = 0; c < map->n_cols; c++) {
            map->ext[seg * map->n_cols + c].bytes =
                map->layout == CARD_LAYOUT_LINEAR ? keep
                                                  : column_need(map, keep);
        }
        bytes -= keep;
        seg++;
    }
    map->n_segs = seg;
}

/* ---- checking what was loaded ------------------------------------------- */

static const char *check_shape(const CardPart *part)
{
    const CardMap *map = &part->map;
    bool stripe = map->layout == CARD_LAYOUT_STRIPE;

    if (map->n_cols < 1 || map->n_segs < 1 || map->n_cols > CARD_MAX_EXTENTS ||
        map->n_segs > CARD_MAX_EXTENTS / map->n_cols) {
        return "its number of extents is impossible";
    }
    if (stripe ? (map->n_cols < 2 || map->stripe_bytes == 0 ||
                  map->stripe_bytes % 4096 ||
                  map->stripe_bytes > CARD_MAX_STRIPE_BYTES)
               : (map->n_cols != 1 || map->stripe_bytes != 0)) {
        return "its stripes are impossible";
    }
    for (unsigned s = 0; s < map->n_segs; s++) {
        if (!map->seg_bytes[s] || map->seg_bytes[s] > part->bytes) {
            return "a segment has an impossible size";
        }
    }
    if (card_map_bytes(map) != part->bytes) {
        return "its segments do not add up to its size";
    }
    return NULL;
}

static const char *check_extent(const Card *card, const CardMap *map,
                                unsigned e)
{
    const CardExtentInfo *x = &map->ext[e];
    uint64_t seg = map->seg_bytes[e / map->n_cols];
    uint64_t room;

    if (x->drive >= card->n_drives || x->drive_offset % CARD_UNIT_BYTES ||
        x->bytes % CARD_UNIT_BYTES || !x->bytes ||
        x->drive_offset > card->drive[x->drive].bytes ||
        x->bytes > card->drive[x->drive].bytes - x->drive_offset) {
        return "an extent is not on its drive";
    }
    if (map->layout == CARD_LAYOUT_LINEAR) {
        return x->bytes == seg ? NULL : "an extent has the wrong size";
    }
    room = x->bytes / map->stripe_bytes * map->stripe_bytes;
    if (x->bytes != map->ext[e / map->n_cols * map->n_cols].bytes ||
        room * map->n_cols < seg) {
        return "an extent has the wrong size";
    }
    return NULL;
}

static bool extents_clash(const CardExtentInfo *a, const CardExtentInfo *b)
{
    return a->drive == b->drive &&
           a->drive_offset < b->drive_offset + b->bytes &&
           b->drive_offset < a->drive_offset + a->bytes;
}

const char *card_space_check(const Card *card, const CardPart *part)
{
    const CardMap *map = &part->map;
    const char *why = check_shape(part);

    for (unsigned e = 0; !why && e < card_map_extents(map); e++) {
        why = check_extent(card, map, e);
        for (unsigned f = 0; !why && f < e; f++) {
            if (extents_clash(&map->ext[e], &map->ext[f])) {
                why = "its extents overlap";
            }
        }
        if (!why &&
            conflict_end(card, &(CardMap){ .n_cols = 1 }, map->ext[e].drive,
                         map->ext[e].drive_offset,
                         map->ext[e].bytes) != map->ext[e].drive_offset) {
            why = "it overlaps another partition";
        }
    }
    return why;
}
