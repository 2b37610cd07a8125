# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of ./outrigger and outrigger for bash:
#     . scripts/completion.bash
# Verbs and options come from the program itself, so they need no upkeep here.

_outrigger_words() {
    local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} verb='' i
    local runs nodes

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -*) ;;
        *) verb=${COMP_WORDS[i]}; break ;;
        esac
    done
    # The script ./outrigger would set up what has changed first.
    runs=$(dirname "$(readlink -f "$(type -P "$program")")")
    if [ -x "${OUTRIGGER_BUILD:-$runs/build}/meson/sim-cluster/outrigger" ]; then
        program=${OUTRIGGER_BUILD:-$runs/build}/meson/sim-cluster/outrigger
    fi
    runs=$runs/runs
    if [ -z "$verb" ]; then
        compgen -W "$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') setup test" -- "$cur"
        return
    fi
    case $cur in
    -*)
        compgen -W "$("$program" "$verb" --help 2>/dev/null | grep -o -- '--[a-z-]*' | sort -u)" -- "$cur"
        return ;;
    esac
    case $verb in
    run | validate | show | graph | up)
        compgen -f -X '!*.yaml' -- "$cur"
        compgen -d -S / -- "$cur" ;;
    report | replay | diff)
        compgen -W "$(cd "$runs" 2>/dev/null && ls)" -- "$cur"
        compgen -d -S / -- "$cur" ;;
    ps | down)
        compgen -W "$("$program" ps 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$cur" ;;
    console | exec | logs | gdb)
        if ((COMP_CWORD == i + 1)); then
            nodes=$("$program" ps 2>/dev/null | awk 'NR > 1 { print $2 }')
            compgen -W "$nodes" -- "$cur"
        fi ;;
    fault)
        if ((COMP_CWORD == i + 1)); then
            compgen -W 'set clear list' -- "$cur"
        elif [ "${COMP_WORDS[i + 1]}" = set ] && ((COMP_CWORD == i + 2)); then
            compgen -W "$("$program" list faults 2>/dev/null | awk '{ print $1 }')" -- "$cur"
        elif [ "${COMP_WORDS[i + 1]}" = set ]; then
            nodes=$("$program" ps 2>/dev/null | awk 'NR > 1 { print $2 }')
            compgen -W "$nodes drive= interface= link= switch= offset= size= count= loss= ber= rate= direction= time= as=" -- "$cur"
        elif [ "${COMP_WORDS[i + 1]}" = clear ]; then
            compgen -W "$("$program" fault list 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$cur"
        fi ;;
    regs)
        nodes=$("$program" ps 2>/dev/null | awk 'NR > 1 { print $2 "/" }')
        compgen -W "$nodes" -- "$cur" ;;
    bench)
        if ((COMP_CWORD == i + 1)); then
            compgen -W "$("$program" list benches 2>/dev/null | awk '{ print $1 }')" -- "$cur"
        fi ;;
    list) compgen -W 'scenarios metrics profiles faults steps benches' -- "$cur" ;;
    help) compgen -W "$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')" -- "$cur" ;;
    esac
}

_outrigger() {
    local IFS=$'\n'

    mapfile -t COMPREPLY < <(IFS=$' \t\n' _outrigger_words)
    case ${COMPREPLY[0]:-} in
    */ | *=) compopt -o nospace ;;
    esac
}

complete -F _outrigger outrigger ./outrigger
