# shellcheck shell=sh disable=SC2034
# SPDX-License-Identifier: GPL-2.0-or-later
# What qemu/fetch, qemu/build and qemu/save-patch share: paths, messages, the
# lock and the patch series. Sourced, with $root set.

build=${OUTRIGGER_BUILD:-$root/build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
work=$build/qemu          # everything of the fork's build is below it
pristine=$work/pristine   # as the archive has it; never edited
src=$work/src             # pristine + patches + links to our tree
obj=$work/obj             # QEMU's build folder

say()  { printf '%s: %s\n' "${0##*/}" "$*"; }
warn() { printf '%s: warning: %s\n' "${0##*/}" "$*" >&2; }
# die CODE TEXT: 77 is a missing prerequisite, 99 a fault of ours.
die()  { code=$1; shift; printf '%s: %s\n' "${0##*/}" "$*" >&2; exit "$code"; }

need() {
    for tool; do
        command -v "$tool" >/dev/null || die 77 "needs '$tool', which is not installed"
    done
}

# need_space DIR MIB
need_space() {
    free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$2" ] || die 77 "needs $2 MiB of disk below $1, $free MiB are free"
}

# One writer below build/qemu at a time; a script that we call is covered.
lock() {
    [ "${OUTRIGGER_QEMU_LOCK:-}" != "$work" ] || return 0
    exec 9>"$work/lock"
    if ! flock -n 9; then
        say "waiting for another build of the fork"
        flock 9
    fi
    OUTRIGGER_QEMU_LOCK=$work
    export OUTRIGGER_QEMU_LOCK
}

# The names in the patch series, in order.
series() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$root/qemu/patches/series"; }

# apply TREE PATCH: all hunks exactly, or nothing useful: offsets are fine, fuzz is not.
apply() {
    patch -d "$1" -p1 -N -s -F0 --no-backup-if-mismatch -r - \
        <"$root/qemu/patches/$2" >"$work/patch.log" 2>&1 || {
        cat "$work/patch.log" >&2
        die 99 "qemu/patches/$2 does not apply to QEMU $(cat "$pristine/VERSION")"
    }
}

# The files a patch touches.
touched() { sed -n -e 's,^+++ b/\([^[:space:]]*\).*,\1,p' -e 's,^--- a/\([^[:space:]]*\).*,\1,p' "$1" | sort -u; }

# Files below src, as ./NAME, that were edited by hand: newer than its stamp.
hand_edits() {
    [ -e "$src/.outrigger-patched" ] || return 0
    (cd "$src" && find . -newer .outrigger-patched -type f \
        ! -name '*.pyc' ! -name '*.rej' ! -name '*.orig' ! -name '.*.sw?' \
        ! -path './.outrigger-*' ! -path './hw/outrigger/*' ! -path './subprojects/*')
}

# ccache where there is one; its cache is the user's, never in the tree.
compiler() {
    cc=${CC:-cc}
    case $cc in *ccache*) ;; *) if command -v ccache >/dev/null; then cc="ccache $cc"; fi ;; esac
    echo "$cc"
}

# flags DEVICES: what configure is given. Anything that changes this text
# reconfigures.
flags() {
    cat <<END
--python=/usr/bin/python3
--target-list=x86_64-softmmu
--without-default-features
--without-default-devices
--with-devices-x86_64=$1
--prefix=/usr/local
--enable-system
--enable-tools
--enable-tcg
--enable-tpm
--enable-slirp
--enable-gnutls
--enable-fdt=system
--disable-docs
--disable-download
--disable-install-blobs
--disable-debug-info
--extra-cflags=-g1
END
}

# configure SOURCE FOLDER DEVICES
configure() {
    key=$(flags "$3"; compiler; cat "$src/.outrigger-origin"
        sha256sum <"$1/configure"; sha256sum <"$1/pythondeps.toml")
    if [ -e "$2/build.ninja" ] && [ "$(cat "$2/.outrigger-key" 2>/dev/null)" = "$key" ]; then
        return 0
    fi
    say "configuring"
    from=$1 to=$2 devices=$3
    rm -rf "$to"
    mkdir -p "$to"
    flags "$devices" >"$to/.outrigger-flags"
    set --
    while read -r flag; do set -- "$@" "$flag"; done <"$to/.outrigger-flags"
    (cd "$to" && PYTHONPATH=$work/meson "$from/configure" "--cc=$(compiler)" "$@") \
        >"$work/configure.log" 2>&1 || {
        tail -20 "$work/configure.log" >&2
        die 99 "configure failed; all of its output is in build/qemu/configure.log"
    }
    echo "$key" >"$to/.outrigger-key"
}
