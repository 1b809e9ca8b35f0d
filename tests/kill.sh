#!/usr/bin/env bash
# Kills training runs at random moments and resumes them until they end: each must leave the model of the run without a break.
#
#   tests/kill.sh [KILLS] [SEED]      500 kills by default; ALTMIN names the program, else it is built
#
# pdADMM, dlADMM, proximal back-propagation in mini-batches, gsADMM on a convolutional network and Adam take turns, with a
# checkpoint after every sweep. A kill may come at any moment: while data are loaded, in a sweep, while a file is written or renamed.
set -euo pipefail
cd "$(dirname "$0")/.."

kills=${1:-500}
RANDOM=${2:-1}
if [[ -z ${ALTMIN:-} ]]; then
    cargo build --release --quiet
    ALTMIN=${CARGO_TARGET_DIR:-target}/release/altmin
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

common='--samples 400 --checkpoint-every 1 --quiet'
runs=(
    "--method pdadmm --hidden 40,40 --sweeps 60"
    "--method dladmm --hidden 40,40 --sweeps 60"
    "--method proxprop --batch 32 --hidden 40,40 --epochs 60"
    "--method gsadmm --network cnn --subnetworks 2 --batch 50 --epochs 12"
    "--method adam --batch 32 --hidden 40,40 --epochs 60"
)

now() { date +%s%N; }

# The run without a break, and how long it takes.
lengths=()
for index in "${!runs[@]}"; do
    begun=$(now)
    # shellcheck disable=SC2086
    "$ALTMIN" train $common ${runs[index]} --out "$work/whole-$index"
    lengths+=($((($(now) - begun) / 1000)))
done

# Starts or resumes a run; in a shell of its own, which says nothing of a kill.
start() {
    local index=$1 folder=$2
    if [[ -f $folder/config.toml ]]; then
        exec "$ALTMIN" train --resume "$folder" --threads $((1 + RANDOM % 3)) --quiet
    fi
    # Killed before it had written its settings: nothing was lost.
    rm -rf "$folder"
    # shellcheck disable=SC2086
    exec "$ALTMIN" train $common ${runs[index]} --out "$folder"
}

killed=0 ended=0
declare -A counts
while ((killed < kills)); do
    index=$((ended % ${#runs[@]})) folder=$work/run-$ended
    own=0
    while :; do
        start "$index" "$folder" 2> "$work/said" &
        child=$!
        if ((killed < kills && own < 8)); then
            # Up to the length of the run, in microseconds: the later kills of a run come at every stage of it.
            after=$(((RANDOM * 32768 + RANDOM) % (lengths[index] + 1)))
            sleep "$((after / 1000000)).$(printf %06d $((after % 1000000)))"
            if kill -KILL "$child" 2> /dev/null; then
                wait "$child" 2> /dev/null && code=0 || code=$?
                if ((code == 137)); then
                    killed=$((killed + 1)) own=$((own + 1))
                    continue
                fi
            else
                wait "$child" && code=0 || code=$?
            fi
        else
            wait "$child" && code=0 || code=$?
        fi
        if ((code != 0)); then
            echo "FAILED: ${runs[index]} after $own kills: exit code $code" >&2
            cat "$work/said" >&2
            exit 1
        fi
        break
    done
    if ! cmp "$work/whole-$index/model.safetensors" "$folder/model.safetensors"; then
        echo "FAILED: ${runs[index]} after $own kills: another model" >&2
        exit 1
    fi
    # All columns but the last, the seconds.
    if ! cmp <(sed 's/,[^,]*$//' "$work/whole-$index/metrics.csv") <(sed 's/,[^,]*$//' "$folder/metrics.csv"); then
        echo "FAILED: ${runs[index]} after $own kills: other metrics" >&2
        exit 1
    fi
    if compgen -G "$folder/.*.tmp" > /dev/null; then
        echo "FAILED: ${runs[index]} after $own kills: left half-written files" >&2
        exit 1
    fi
    counts[$index]=$((${counts[$index]:-0} + own)) ended=$((ended + 1))
    rm -rf "$folder"
done

for index in "${!runs[@]}"; do
    echo "${counts[$index]:-0} kills of train ${runs[index]}"
done
echo "$killed kills, $ended runs: every one ended in the bits of the run without a break"
