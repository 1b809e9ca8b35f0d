#!/bin/sh
# Repeats the papers' experiments that are part of the program, each at its own scale, and leaves a folder with a page and figures for each
# whose data are there. Tables of seconds say something on a quiet machine alone.
#
#     experiments/papers.sh ALTMIN DIR OUT [NAME...]
#
# DIR has the data sets' folders: mnist, kmnist, cifar10, cifar100, svhn. An experiment that was interrupted goes on.
set -eu
altmin=$1 data=$2 out=$3
shift 3
mkdir -p "$out"
[ $# -gt 0 ] || set -- $("$altmin" experiment list | cut -d' ' -f1)
for name; do
    if [ -e "$out/$name/experiment.jsonl" ]; then
        "$altmin" experiment run --resume "$out/$name" --quiet
    elif [ ! -e "$out/$name" ]; then
        "$altmin" experiment run --preset "$name" --data "$data" --out "$out/$name" --quiet || continue
    fi
done
