#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# cli-test.sh PROGRAM ROOT: exit codes and words of the command line, of
# everything that starts no host.
set -u
program=$(realpath "$1")
OUTRIGGER_ROOT=$2
OUTRIGGER_BUILD=$2/build
export OUTRIGGER_ROOT OUTRIGGER_BUILD
unset NO_COLOR 2>/dev/null
first_light=$OUTRIGGER_ROOT/scenarios/first-light.yaml
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
failures=0

fail() {
    echo "FAIL: $*"
    cat out err
    failures=$((failures + 1))
}

# want CODE ARGUMENT...
want() {
    code=$1
    shift
    "$program" "$@" >out 2>err </dev/null
    got=$?
    [ "$got" = "$code" ] || fail "outrigger $*: exit code $got, not $code"
}

# says FILE TEXT: a line of out or err has it
says() {
    grep -qF -- "$2" "$1" || fail "$1 does not say: $2"
}

# quiet FILE: it is empty
quiet() {
    [ ! -s "$1" ] || fail "$1 is not empty"
}

# ---- help and usage -------------------------------------------------------
want 2
says err 'usage: outrigger VERB'
quiet out
for word in help --help -h; do
    want 0 $word
    says out 'usage: outrigger VERB'
    quiet err
done
verbs='run validate show list report diff bench gdb regs schema version help
    up ps console exec fault logs down replay graph'
for verb in $verbs; do
    want 0 "$verb" --help
    quiet err
    want 0 help "$verb"
    quiet err
    want 2 "$verb" --no-such-option
    quiet out
done
want 2 vlaidate
says err "outrigger: no verb 'vlaidate'; did you mean 'validate'?"
want 2 fly
says err "outrigger: no verb 'fly'; see \`outrigger help\`"
want 0 run --help
for option in set seed mode capture quick controls repeat until wall-limit \
    runs keep progress; do
    says out "--$option"
done

# ---- validate and show ----------------------------------------------------
want 0 validate "$first_light"
says out 'first-light.yaml: valid: nodes 1,'
quiet err
want 0 validate --quick --quiet "$first_light"
quiet out
want 2 validate
want 2 validate nowhere.yaml
says err 'nowhere.yaml'
want 2 validate "$first_light" nowhere.yaml
says out 'first-light.yaml: valid'

sed 's/memory: 256MiB/memroy: 256MiB/' "$first_light" >typo.yaml
want 2 validate typo.yaml
line=$(grep -n memroy typo.yaml | cut -d: -f1)
says err "typo.yaml:$line:5: no key 'memroy' in host; did you mean 'memory'?"
says err '      memroy: 256MiB'
says err '      ^'
quiet out
want 2 run typo.yaml
says err "did you mean 'memory'?"
quiet out
[ ! -e runs ] || fail 'an invalid scenario left a run folder'

cat > modelled.yaml <<'EOF'
format: 1
name: modelled
fabric: {kind: single, hosts: 3}
traffic: {t: {pattern: trace, trace: flows.txt}}
steps: [{wait: {time: 1us}}]
expect: [{id: ends, metric: run.steps_count, is: 1}]
EOF
echo '10 m-0 m-1 1500' > flows.txt
want 0 validate modelled.yaml
echo '20 m-0 m-7 1500' >> flows.txt
want 2 validate modelled.yaml
says err "flows.txt:2: TO is no other host"
want 2 run modelled.yaml
says err "flows.txt:2: TO is no other host"
[ ! -e runs ] || fail 'an invalid file of flows left a run folder'

want 2 validate --set expect.latency.below=5 "$first_light"
says err "--set expect.latency.below=5: '5' has no unit"
want 2 validate --set expect.latncy.below=5us "$first_light"
says err "no expectation 'latncy'; did you mean 'latency'?"
want 2 validate --seed x "$first_light"
says err "--set seed=x: 'x' is not a whole number"
want 2 validate --mode lokstep "$first_light"
says err "did you mean 'lockstep'?"
want 2 validate --capture vawes "$first_light"
says err "no --capture 'vawes'; there are waves, waves:NODE and trace"
want 2 validate --capture waves:host7 "$first_light"
says err "no node 'host7'"

want 0 show "$first_light"
cp out resolved.yaml
want 0 show resolved.yaml
cmp -s out resolved.yaml || fail 'a resolved scenario resolves to another'
want 0 show --seed 4711 --mode untimed --capture waves --capture trace \
    "$first_light"
says out 'seed: 4711'
says out 'mode: untimed'
says out 'waves: [host0]'
says out 'trace: true'
want 0 show --control throttle-off "$first_light"
says out 'throttle: false'
want 2 show --control nothing "$first_light"
want 2 show "$first_light" "$first_light"

# ---- run, before anything starts -------------------------------------------
want 2 run
says err 'outrigger: run: which scenario?'
want 2 run --repeat 0 "$first_light"
want 2 run --seeds 0 "$first_light"
want 2 run --until 5 "$first_light"
says err "outrigger: --until: '5' has no unit"
want 2 run --until 0s "$first_light"
want 2 run --wall-limit soon "$first_light"
want 2 run --progress loud "$first_light"
says err "no --progress 'loud'"
sed '/^controls:/,/^quick:/{/^quick:/!d}' "$first_light" >plain.yaml
want 0 validate plain.yaml
want 2 run --controls plain.yaml
says err 'plain.yaml: --controls, but the scenario has none'

want 2 run --runs '' "$first_light"
says err 'outrigger: --runs: which folder?'
want 2 validate --capture waves: "$first_light"
says err "no --capture 'waves:'"
cp "$first_light" ./--dashes.yaml
want 0 validate -- --dashes.yaml
want 2 run -- --nowhere.yaml
says err 'nowhere.yaml'

# ---- a signal, wherever it falls ---------------------------------------------
# The first scenario is interrupted, or was just finishing; none follows it.
modelled="$OUTRIGGER_ROOT/scenarios/degraded-core.yaml"
"$program" run --progress plain --runs caught "$modelled" "$modelled" \
    >out 2>err </dev/null &
run=$!
tries=0
while [ ! -e caught/degraded-core-1/events.ndjson ] && [ $tries -lt 600 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
kill -TERM $run
wait $run
code=$?
[ $code = 130 ] || fail "an interrupted run: exit code $code, not 130"
[ ! -e caught/degraded-core-2 ] || fail 'a signal ended one scenario of two'

# ---- completion ---------------------------------------------------------------
# offers WORD... COMPLETION: after these words bash offers it
offers() {
    bash -c '. "$OUTRIGGER_ROOT/scripts/completion.bash"
        compopt() { :; }
        want=${*: -1}
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        unset "COMP_WORDS[$COMP_CWORD]"
        COMP_WORDS+=("")
        _outrigger
        for word in "${COMPREPLY[@]}"; do
            [ "$word" = "$want" ] && exit 0
        done
        exit 1' bash "$program" "$@" >out 2>err ||
        fail "no completion: outrigger $*"
}
for verb in $verbs; do
    offers "$verb"
done
offers bench fabric
offers list benches
offers fault set
offers fault set link-loss
offers fault set link-loss loss=

# ---- lists ------------------------------------------------------------------
want 0 list
says out 'scenarios/first-light.yaml'
want 0 list metrics
says out 'lat_read_p99_ps'
says out 'NODE.INTERFACE'
want 0 list profiles
says out 'drive-tlc'
want 0 list faults
says out 'reset-interface'
want 0 list steps
says out 'poweroff'
want 0 list benches
want 2 list unicorns

# ---- the rest ----------------------------------------------------------------
want 0 schema
cmp -s out "$OUTRIGGER_ROOT/docs/scenario.schema.json" ||
    fail 'docs/scenario.schema.json is old'
want 0 validate --schema
cmp -s out "$OUTRIGGER_ROOT/docs/scenario.schema.json" ||
    fail 'validate --schema prints another schema'
want 0 version
says out 'outrigger '
want 0 --version
want 2 version 5
want 2 help run validate
want 2 ps no-such-cluster
says err "no cluster 'no-such-cluster' is running"
if [ -w /dev/full ]; then
    "$program" schema >/dev/full 2>err
    [ $? = 99 ] || fail 'output that could not be written went unnoticed'
    says err 'cannot write to the standard output: No space left on device'
fi
want 2 report no-such-run
says err "outrigger: no run 'no-such-run'"
mkdir empty
want 2 report empty
want 2 diff empty
want 2 diff empty empty
says err 'there is no summary.json'
mkdir one two
summary='{"scenario":"s","verdict":"held","seed":1,"trace_hash":"a","metrics":'
echo "$summary"'{"x.n_count":{"value":1000,"unit":"count"}}}' >one/summary.json
echo "$summary"'{"x.n_count":{"value":1010,"unit":"count"}}}' >two/summary.json
want 0 diff one one
says out equal
[ -s one/diff-one.html ] || fail 'diff wrote no page'
want 1 diff one two --no-html
says out 'x.n_count'
says out '+1.0 %'
[ ! -e two/diff-one.html ] || fail 'diff --no-html wrote a page'
want 0 diff one two --tolerance 1% --html page.html
[ -s page.html ] || fail 'diff --html wrote no page'
want 1 diff one two --tolerance 0.9% --no-html
want 2 diff one two --tolerance 1
says err "--tolerance: '1' has no unit"
want 2 diff one two --tolerance 1% --html nowhere/page.html
says err 'nowhere/page.html'
mkdir torn odd
echo "$summary"'{}}' >torn/summary.json
echo '{"t_ps":1,"seq":0,"kind":"run-begin","x":[1' >torn/events.ndjson
want 2 report --rewrite torn
says err 'torn/events.ndjson:1: '
echo "$summary"'{},"replay":7,"versions":[],"hashes":3,"network":{"switches":[1],'\
'"links":[null]}}' >odd/summary.json
: >odd/events.ndjson
want 0 report --rewrite odd
quiet err
want 2 replay odd
says err 'odd'
want 2 gdb
want 2 regs
want 2 regs host0
says err 'regs: NODE/DEVICE, such as host0/data'
want 2 bench
want 2 bench no-such-bench
want 2 bench ../outrigger

# Without a project around it, what needs none still works.
OUTRIGGER_ROOT=
OUTRIGGER_BUILD=
cp "$program" alone
program=./alone
want 0 validate plain.yaml
want 2 list
says err 'set OUTRIGGER_ROOT to its folder'
want 2 run plain.yaml

[ "$failures" = 0 ] || {
    echo "$failures failures"
    exit 1
}
