/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_plant.h: what a plant step has found out, for inspect steps.
 */
#ifndef OUTRIGGER_STEP_PLANT_H
#define OUTRIGGER_STEP_PLANT_H

#include "run_execution.h"

/* Where the first block of a plant lies. */
typedef struct PlantPlace {
    bool found;
    unsigned drive; /* index in the card's list */
    uint64_t offset, bytes;
} PlantPlace;

/* Of a step that has been run; NULL otherwise. */
const PlantPlace *step_plant_place(const StepRun *s);

/* The image of the node's drive @index. Caller frees. */
char *step_plant_image(const RunNode *n, unsigned index);
/* The path of drive images: card drives first, then QEMU's own nvme. */
unsigned step_plant_images(const RunNode *n);

#endif
