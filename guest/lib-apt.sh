# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian packages without installing anything: a private apt below one folder,
# and a cache of .debs named by content. Sourced. The mirror is the one the
# system's own apt sources name; apt verifies with the system's Debian keyring.

debs=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/outrigger/debs

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
# die CODE TEXT: 77 is a missing prerequisite, 99 a fault of ours.
die() { code=$1; shift; say "$*"; exit "$code"; }

need() {
    for tool; do
        command -v "$tool" >/dev/null || die 77 "needs '$tool', which is not installed"
    done
}

# The system's sources as "URI SUITE", in either of apt's two notations;
# apt itself reads them, so this works before the first apt-get update.
apt_system_sources() {
    apt-get --print-uris update 2>/dev/null |
        sed -n "s,^'\(.*\)/dists/\([^/']*\)/InRelease' .*,\1 \2,p"
}

# apt_configure DIR SUITE MAIN SECURITY
apt_configure() {
    rm -rf "${1:?}/etc"
    mkdir -p "$1/etc" "$1/state/lists/partial" "$1/cache/archives/partial"
    : >"$1/state/status"
    {
        echo "deb [signed-by=$apt_keyring arch=amd64] $3 $2 main"
        [ -z "$4" ] || echo "deb [signed-by=$apt_keyring arch=amd64] $4 $2-security main"
    } >"$1/etc/sources.list"
    # Read after the system's own configuration, whose proxy settings hold.
    cat >"$1/apt.conf" <<END
Dir::Etc::sourcelist "$1/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$1/state";
Dir::State::status "$1/state/status";
Dir::Cache "$1/cache";
Dir::Log "$1";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Sandbox::User "$(id -un)";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}

# apt_run DIR TOOL ARGS...: apt-get or apt-cache with the private configuration.
apt_run() {
    apt_dir=$1 apt_tool=$2
    shift 2
    "$apt_tool" -q -c "$apt_dir/apt.conf" "$@"
}

# apt_update DIR SUITE: read the package index of SUITE and its security suite.
# Third-party archives may carry the same suite name; Debian's keys tell which
# one is Debian's.
apt_update() {
    apt_keyring=
    for k in /usr/share/keyrings/debian-archive-keyring.gpg \
        /usr/share/keyrings/debian-archive-keyring.pgp; do
        [ -e "$k" ] && apt_keyring=$k && break
    done
    [ -n "$apt_keyring" ] || die 77 "needs the package debian-archive-keyring"
    here=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    sources=$(apt_system_sources)
    mains=$(echo "$sources" | awk -v c="$here" '$2 == c { print $1 }' | sort -u)
    security=$(echo "$sources" | awk -v c="$here-security" '$2 == c { print $1; exit }')
    [ -n "$mains" ] || die 77 "the system's apt sources name no Debian mirror for '$here'"
    for main in $mains; do
        for sec in $security ''; do
            apt_configure "$1" "$2" "$main" "$sec"
            apt_run "$1" apt-get update >"$1/update.log" 2>&1 && return 0
        done
    done
    return 1
}

# apt_candidates DIR PACKAGE...: prints "PACKAGE VERSION SHA256" lines, in the
# order given; a package that the suite does not have is left out.
apt_candidates() {
    d=$1
    shift
    apt_run "$d" apt-cache show --no-all-versions "$@" 2>/dev/null | awk '
        $1 == "Package:" { p = $2 }
        $1 == "Version:" { v = $2 }
        $1 == "SHA256:" { print p, v, $2 }'
}

# deb_path PACKAGE VERSION SHA256
deb_path() {
    echo "$debs/$1_$2_$(echo "$3" | cut -c1-16).deb"
}

deb_good() {
    [ -e "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}

# debs_fetch DIR LOCK: every package of LOCK (lines of apt_candidate) is in the
# cache afterwards; prints nothing when there is nothing to load.
debs_fetch() {
    mkdir -p "$debs" || die 77 "cannot write to $debs"
    wanted=
    while read -r p v s; do
        deb_good "$(deb_path "$p" "$v" "$s")" "$s" || wanted="$wanted $p=$v"
    done <"$2"
    [ -n "$wanted" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    set -- "$1" "$2" $wanted
    say "fetching $(($# - 2)) packages"
    rm -rf "$1/download"
    mkdir "$1/download"
    dir=$1 lock=$2
    shift 2
    (cd "$dir/download" && apt_run "$dir" apt-get download "$@") >"$dir/download.log" 2>&1 ||
        die 77 "cannot download packages, is the network up? see $dir/download.log"
    while read -r p v s; do
        for f in "$dir/download/${p}"_*.deb; do
            [ -e "$f" ] || continue
            deb_good "$f" "$s" || die 99 "$p $v does not have the hash of the index"
            mv "$f" "$(deb_path "$p" "$v" "$s")"
        done
    done <"$lock"
    rm -rf "$dir/download"
}
