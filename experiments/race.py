"""Seconds to marks of test accuracy: mini-batch methods, each tuned with the same budget, and PyTorch's Adam.

First every method's settings are tried on the last 5,000 training images, one run each of as many epochs; the best accuracy wins.
Then all methods run in turn, seed by seed, with 1, 2, 3 and 5 epochs, over which their steps fall; a method's time to a mark is that of the
first of its epochs, of any of these runs, that reaches it. Evaluation is not timed. Medians over the seeds. PyTorch's Adam has the rate of
altmin's, and is left out where this does not run.

    race.py ALTMIN DIR [--network 500,500] [--threads 2] [--seeds 5] [--methods proxprop,sgd,adam]
        [--pytorch PYTHON]

ALTMIN is the program, DIR a folder with MNIST's files, PYTHON an interpreter that has PyTorch; without one a virtual environment is made
in a temporary folder, which needs the network."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import venv

from runs import flags, header, run, show, text

SAMPLES = ["--pool=2", "--samples=55000", "--batch=128"]
EPOCHS = [1, 2, 3, 5]
ACCURACY_AFTER = [1, 2, 5]
MARKS = [0.97, 0.98]
TUNED_FOR = 2


def rates(method, *rates, **more):
    return [{"method": method, "step-schedule": "linear", **more, "learning-rate": rate} for rate in rates]

def methods(layers):
    """Six settings of each method; nu about its defaults, and the rates of gradient methods lower in deep networks."""
    nu, readouts_nu = (layers + 1) ** 2, 10 * (layers + 1) / 3
    scale = 1 if layers < 5 else 0.25
    adam = [scale * rate for rate in (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)]
    return {
        "local": [
            {"method": "local", "nu": round(readouts_nu * factor, 2), "damping": damping}
            for factor in (0.5, 1, 2)
            for damping in (1, 3)
        ],
        "proxprop": [
            {"method": "proxprop", "nu": nu * factor, "damping": damping}
            for factor in (0.5, 1, 2)
            for damping in (0.3, 1)
        ],
        "sgd": rates("gd", *(scale * rate for rate in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)), momentum=0.9),
        "adam": rates("adam", *adam),
        "adamw": rates("adamw", *adam),
        "muon": rates("muon", 0.003, 0.005, 0.01, 0.02, 0.03, 0.05),
    }


def pytorch(python, folder, given, rate, sweeps, seed):
    """The sweeps of PyTorch's Adam."""
    script = pathlib.Path(__file__).with_name("pytorch_adam.py")
    hidden = widths(given.network)
    command = [python, script, folder, "--hidden", *hidden, f"--rate={rate}", f"--sweeps={sweeps}"]
    command += [f"--seed={seed}", f"--threads={given.threads}"]
    done = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def widths(network):
    """`500x9,100` as a list."""
    parts = [part.split("x") for part in network.split(",")]
    return [width for width, *count in parts for _ in range(int(count[0]) if count else 1)]


def install(folder):
    """A Python with PyTorch."""
    venv.create(folder, with_pip=True)
    python = pathlib.Path(folder) / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "torch"], check=True)
    return python


def to_mark(runs, mark):
    """The fewest seconds after which an epoch of any of the runs reached the mark."""
    return min((row["seconds"] for rows in runs for row in rows if row["test_accuracy"] >= mark), default=float("inf"))


def seconds(values):
    middle = statistics.median(values)
    return "-" if middle == float("inf") else f"{middle:.2f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("altmin")
    parser.add_argument("folder")
    parser.add_argument("--network", default="500,500")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", help="some of them, separated by commas [default: all]")
    parser.add_argument("--pytorch")
    given = parser.parse_args()
    common = [*SAMPLES, f"--hidden={given.network}", f"--threads={given.threads}"]

    best = {}
    entrants = methods(len(widths(given.network)))
    names = given.methods.split(",") if given.methods else entrants
    for name, all_settings in ((name, entrants[name]) for name in names):
        def held_out(settings):
            rows = run(given.altmin, given.folder, *common, *flags(settings), f"--sweeps={TUNED_FOR}", "--holdout=true")
            return rows[-1]["test_accuracy"] if len(rows) == TUNED_FOR else 0.0

        best[name] = max(all_settings, key=held_out)
        print(f"{name}: {text(best[name])}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        python = "adam" in best and (given.pytorch or install(folder))
        found = {name: [] for name in [*best, *(["PyTorch's Adam"] if python else [])]}
        for seed in range(given.seeds):
            for name, settings in best.items():
                runs = [
                    run(given.altmin, given.folder, *common, *flags(settings), f"--sweeps={sweeps}", f"--seed={seed}")
                    for sweeps in EPOCHS
                ]
                found[name].append(runs)
            if python:
                rate = best["adam"]["learning-rate"]
                found["PyTorch's Adam"].append(
                    [pytorch(python, given.folder, given, rate, sweeps, seed) for sweeps in EPOCHS]
                )
    header(given.network, "settings", *MARKS, "an epoch", *(f"after {count}" for count in ACCURACY_AFTER))
    for name, seeds in found.items():
        times = [seconds([to_mark(runs, mark) for runs in seeds]) for mark in MARKS]
        epoch = statistics.median(rows[-1]["seconds"] / len(rows) for runs in seeds for rows in runs)
        accuracies = [
            statistics.median(runs[EPOCHS.index(count)][-1]["test_accuracy"] for runs in seeds)
            for count in ACCURACY_AFTER
        ]
        show(name, text(best.get(name, {})), *times, f"{epoch:.2f} s", *(f"{accuracy:.4f}" for accuracy in accuracies))


if __name__ == "__main__":
    main()
