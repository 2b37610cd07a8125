# SPDX-License-Identifier: GPL-2.0-or-later
# The devices of the fork, all of them: QEMU is built without its default set.

# the machine
CONFIG_Q35=y
CONFIG_PCIE_PORT=y
CONFIG_SERIAL_ISA=y
CONFIG_HPET=y

# ours
CONFIG_OUTRIGGER=y

# a guest's way to its console, the outside and entropy
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_NET=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_VIRTIO_RNG=y

# the peer that our storage is measured against
CONFIG_NVME_PCI=y

# measured boot
CONFIG_TPM_CRB=y
CONFIG_TPM_TIS_ISA=y
CONFIG_TPM_EMULATOR=y
