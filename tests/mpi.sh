#!/usr/bin/env bash
# Runs that several processes share over MPI: every grid leaves the model of one process, a signal ends in a checkpoint, and a process that is
# killed costs nothing but the sweeps since.
#
#   tests/mpi.sh [KILLS] [SEED] [DIR]      50 kills by default; ALTMIN names the program, else it is built
#
# Needs `mpirun` of Open MPI. DIR is a folder of MNIST for a second look at the grids, beside the digits in the program.
set -euo pipefail
cd "$(dirname "$0")/.."

kills=${1:-50}
RANDOM=${2:-1}
mnist=${3:-}
if [[ -z ${ALTMIN:-} ]]; then
    cargo build --release --quiet --package altmin --features mpi
    ALTMIN=${CARGO_TARGET_DIR:-target}/release/altmin
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Trains in a grid: `shared LxS ARGUMENTS`.
shared() {
    local grid=$1
    shift
    mpirun -n $((${grid%x*} * ${grid#*x})) "$ALTMIN" train --grid "$grid" --threads 1 --quiet "$@"
}

same() {
    cmp "$1/model.safetensors" "$2/model.safetensors" || {
        echo "the model of $2 is not that of $1"
        exit 1
    }
}

# Every method, every grid.
grids() {
    local data=$1 methods=0
    shift
    for run in pdadmm dladmm dlam taylor 'proxprop --batch all' 'proxprop --batch 32' gd 'adam --batch 32' \
        'muon --batch 32' 'gsadmm --subnetworks 3' 'gsam --subnetworks 3' 'local --batch 32' 'local --batch 32 --inner adam'; do
        rm -rf "$work"/one "$work"/grid-*
        # shellcheck disable=SC2086
        "$ALTMIN" train --method $run "$@" --quiet --out "$work/one"
        for grid in 1x1 2x1 1x2 2x2 3x2; do
            # shellcheck disable=SC2086
            shared $grid --method $run "$@" --out "$work/grid-$grid"
            same "$work/one" "$work/grid-$grid"
        done
        methods=$((methods + 1))
    done
    echo "$data: $methods runs, five grids of each, leave the models of one process"
}
grids digits --samples 400 --hidden 40,40,40 --sweeps 20
[[ -z $mnist ]] || grids MNIST --data "$mnist" --pool 2 --samples 4000 --hidden 100,100 --sweeps 20

# As a scheduler ends a job: a signal to mpirun, and the other one some time later.
run="--method pdadmm --samples 400 --hidden 40,40,40 --checkpoint-every 1000"
# shellcheck disable=SC2086
"$ALTMIN" train $run --sweeps 3000 --quiet --out "$work/long"
# shellcheck disable=SC2086
shared 2x2 $run --sweeps 3000 --out "$work/stopped" 2> "$work/said" &
job=$!
until [[ -f $work/stopped/metrics.csv && $(wc -l < "$work/stopped/metrics.csv") -gt 5 ]]; do sleep 0.1; done
pkill -TERM -P $job mpirun || kill -TERM $job
if wait $job; then
    echo "mpirun was stopped and says that all is well"
    exit 1
fi
[[ -f $work/stopped/checkpoint.altmin ]] || {
    echo "no checkpoint of a run that was stopped"
    cat "$work/said"
    exit 1
}
mpirun -n 3 "$ALTMIN" train --resume "$work/stopped" --grid 3x1 --threads 1 --quiet
same "$work/long" "$work/stopped"
echo "SIGTERM to mpirun leaves a checkpoint, and the run goes on on another grid to the same model"

# Kills of a process at random.
grids=(1x2 2x1 2x2 3x1 1x3)
kinds=("--method pdadmm --sweeps 400" "--method local --batch 32 --epochs 60" "--method dladmm --sweeps 200")
for index in "${!kinds[@]}"; do
    # shellcheck disable=SC2086
    "$ALTMIN" train ${kinds[index]} --samples 400 --hidden 40,40,40 --checkpoint-every 5 --quiet --out "$work/whole-$index"
done
killed=0 ended=0 slowest=0
while ((killed < kills)); do
    index=$((ended % ${#kinds[@]})) folder=$work/run-$ended own=0
    while :; do
        grid=${grids[RANDOM % ${#grids[@]}]}
        if [[ -f $folder/config.toml ]]; then
            shared "$grid" --resume "$folder" 2> "$work/said" &
        else
            rm -rf "$folder"
            # shellcheck disable=SC2086
            shared "$grid" ${kinds[index]} --samples 400 --hidden 40,40,40 --checkpoint-every 5 --out "$folder" 2> "$work/said" &
        fi
        job=$!
        if ((killed < kills && own < 4)); then
            sleep "0.$((3 + RANDOM % 7))$((RANDOM % 10))"
            mapfile -t ranks < <(pgrep -x "$(basename "$ALTMIN" | cut -c1-15)" || true)
            if [[ ${#ranks[@]} -gt 0 ]]; then
                begun=$SECONDS
                kill -KILL "${ranks[RANDOM % ${#ranks[@]}]}" 2> /dev/null || true
                if ! wait $job; then
                    took=$((SECONDS - begun))
                    slowest=$((took > slowest ? took : slowest))
                    killed=$((killed + 1)) own=$((own + 1))
                    grep -q "exited on signal 9" "$work/said" || {
                        echo "no line says what has happened:"
                        cat "$work/said"
                        exit 1
                    }
                    continue
                fi
                break
            fi
        fi
        wait $job || {
            echo "a run that nobody killed has failed:"
            cat "$work/said"
            exit 1
        }
        break
    done
    same "$work/whole-$index" "$folder"
    ended=$((ended + 1))
    rm -rf "$folder"
done
((slowest < 10)) || {
    echo "the others ended after $slowest s"
    exit 1
}
echo "$killed kills of a process over $ended runs: the others ended within $((slowest + 1)) s, and every run left the model of the one without a break"
