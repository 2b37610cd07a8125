/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * drive_qemu.c: offload-drive, the raw image behind one drive of a card.
 *
 * The host never sees it: it hangs behind the card, not on the guest's bus.
 * Data moves at once (pread/pwrite); when is the models' matter.
 *
 * Not modelled: image formats other than raw, host durability (no fsync).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/qdev-properties.h"
#include "card_qemu.h"

#include <sys/file.h>

#define DRIVE_UNIT_BYTES (1u << 20)

bool offload_drive_claim(OffloadDrive *drive, OffloadCard *card, Error **errp)
{
    if (drive->card) {
        error_setg(errp, "drive '%s' belongs to another card already",
                   DEVICE(drive)->id);
        return false;
    }
    drive->card = card;
    return true;
}

static void drive_realize(DeviceState *dev, Error **errp)
{
    OffloadDrive *d = OFFLOAD_DRIVE(dev);
    struct stat st;

    if (!dev->id || !d->file) {
        error_setg(errp, "offload-drive needs id= and file=");
        return;
    }
    d->fd = open(d->file, O_RDWR | O_CLOEXEC);
    if (d->fd < 0) {
        error_setg_errno(errp, errno, "drive '%s': %s", dev->id, d->file);
        return;
    }
    if (flock(d->fd, LOCK_EX | LOCK_NB) < 0) {
        error_setg(errp, "drive '%s': %s is in use by another process", dev->id,
                   d->file);
        goto fail;
    }
    if (fstat(d->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        error_setg(errp, "drive '%s': %s is not a regular file", dev->id,
                   d->file);
        goto fail;
    }
    if (d->size == 0) {
        d->size = st.st_size;
    }
    if (d->size != st.st_size) {
        error_setg(errp,
                   "drive '%s': %s has %" PRId64 " bytes, size= says %" PRIu64,
                   dev->id, d->file, (int64_t)st.st_size, d->size);
        goto fail;
    }
    if (d->size == 0 || d->size % DRIVE_UNIT_BYTES) {
        error_setg(errp,
                   "drive '%s': %" PRIu64 " bytes is not a multiple of"
                   " 1 MiB above 0",
                   dev->id, d->size);
        goto fail;
    }
    return;

fail:
    close(d->fd);
    d->fd = -1;
}

static void drive_unrealize(DeviceState *dev)
{
    OffloadDrive *d = OFFLOAD_DRIVE(dev);

    if (d->fd >= 0) {
        close(d->fd);
        d->fd = -1;
    }
}

static void drive_init(Object *obj)
{
    OFFLOAD_DRIVE(obj)->fd = -1;
}

static const Property drive_properties[] = {
    DEFINE_PROP_STRING("file", OffloadDrive, file),
    DEFINE_PROP_SIZE("size", OffloadDrive, size, 0),
    DEFINE_PROP_STRING("profile", OffloadDrive, profile),
};

static void drive_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "Drive behind an offload card";
    dc->realize = drive_realize;
    dc->unrealize = drive_unrealize;
    dc->hotpluggable = false;
    device_class_set_props(dc, drive_properties);
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
}

static const TypeInfo drive_info = {
    .name = TYPE_OFFLOAD_DRIVE,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(OffloadDrive),
    .instance_init = drive_init,
    .class_init = drive_class_init,
};

static void drive_register_types(void)
{
    type_register_static(&drive_info);
}

type_init(drive_register_types)
