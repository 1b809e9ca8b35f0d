"""What the experiments share: grids of settings, runs of the program, cells of Markdown tables."""

import json
import subprocess

# The program's exit code for options that it does not take. A run that diverges has another, and its sweeps.
WRONGLY_USED = 2


def grid(*keys):
    """Settings from tuples of values."""
    return lambda *rows: [dict(zip(keys, row if isinstance(row, tuple) else (row,))) for row in rows]


def run(altmin, folder, *options):
    """The sweeps of a training run."""
    command = [altmin, "train", "--data", folder, "--json", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode == WRONGLY_USED:
        raise SystemExit(f"refused: {' '.join(command)}")
    rows = [row for row in map(json.loads, done.stdout.splitlines()) if row["kind"] == "sweep"]
    # With samples held out these are the ones to test on.
    return [{"test_accuracy": row.get("held_out_accuracy"), **row} for row in rows]


def flags(settings):
    """Settings as the program's options."""
    return [f"--{key}={value}" for key, value in settings.items()]


def text(settings):
    return ", ".join(f"{key} {value}" for key, value in settings.items())


def first(rows, mark):
    return next((row for row in rows if row["test_accuracy"] >= mark), None)


def to_marks(rows, marks, seconds=False):
    """Sweeps, and seconds if asked for, to each mark of test accuracy."""
    for row in (first(rows, mark) for mark in marks):
        time = f" / {row['seconds']:.1f} s" if row and seconds else ""
        yield f"{row['sweep']}{time}" if row else "-"


def fastest(rows):
    """Seconds of the fastest sweep: others were held up by what else the machine does."""
    times = [0.0, *(row["seconds"] for row in rows)]
    return min((after - before for before, after in zip(times, times[1:])), default=float("nan"))


def show(*columns):
    print("| " + " | ".join(map(str, columns)) + " |", flush=True)


def header(*columns):
    show(*columns)
    print("|" + "---|" * len(columns), flush=True)
