#!/usr/bin/env python3
"""The small search behind the defaults of nu and rho, and the runs of the README's results table.

usage: search.py search ALTMIN DIR     six or eight settings for each method and step rule, 50 sweeps on the first 10,000
                                       training images, scored on images 55,001 to 60,000
       search.py table ALTMIN DIR      the defaults on the first 55,000 images, 100 sweeps, scored on the test set

ALTMIN is the release binary, DIR a folder with MNIST's IDX files. Needs nothing but Python's standard library.
"""

import json
import subprocess
import sys

METHODS = ["pdadmm", "dladmm", "taylor"]
STEPS = dict.fromkeys(METHODS, ["least-squares", "vector", "scalar", "backtracking"]) | {"taylor": ["least-squares"]}
# rho as a multiple of nu for pdADMM (its threshold is 4), and by itself for dlADMM and Taylor's ADMM (1 and 0.71).
GRID = {
    "pdadmm": [(nu, factor * nu) for nu in (0.01, 0.1, 1.0) for factor in (1.0, 4.1)],
    "dladmm": [(nu, rho) for nu in (0.01, 0.1, 1.0) for rho in (0.3, 1.1)],
    "taylor": [(1.0, 0.1), (1.0, 0.3), (10.0, 0.1), (10.0, 0.3), (10.0, 1.1), (30.0, 0.3), (30.0, 1.1), (100.0, 0.3)],
}
MARKS = (0.90, 0.93)


def run(altmin, folder, *options):
    command = [altmin, "train", "--data", folder, "--pool", "2", "--hidden", "500,500", "--json", *options]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == "sweep"]


def first(rows, mark):
    return next((row["sweep"] for row in rows if row["test_accuracy"] >= mark), "-")


def at(rows, sweep):
    return f"{rows[sweep - 1]['test_accuracy']:.4f}" if len(rows) >= sweep else "-"


def search(altmin, folder):
    print("| method | step | nu | rho | sweeps to 0.90 | to 0.93 | after 50 | best |")
    for method in METHODS:
        for step in STEPS[method]:
            for nu, rho in GRID[method]:
                options = ["--samples", "10000", "--holdout", "--sweeps", "50", "--method", method]
                rows = run(altmin, folder, *options, "--step", step, "--nu", f"{nu:g}", "--rho", f"{rho:g}")
                best = max((row["test_accuracy"] for row in rows), default=float("nan"))
                marks = " | ".join(str(first(rows, mark)) for mark in MARKS)
                print(f"| {method} | {step} | {nu:g} | {rho:g} | {marks} | {at(rows, 50)} | {best:.4f} |", flush=True)


def table(altmin, folder):
    print("| method | step | sweeps to 0.90 | to 0.93 | test after 50 | after 100 |")
    for method in METHODS:
        for step in STEPS[method]:
            options = ["--samples", "55000", "--sweeps", "100", "--method", method, "--step", step]
            rows = run(altmin, folder, *options)
            marks = " | ".join(str(first(rows, mark)) for mark in MARKS)
            print(f"| {method} | {step} | {marks} | {at(rows, 50)} | {at(rows, 100)} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("search", "table"):
        sys.exit(__doc__)
    {"search": search, "table": table}[sys.argv[1]](sys.argv[2], sys.argv[3])
