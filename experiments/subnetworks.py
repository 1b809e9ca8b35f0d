#!/usr/bin/env python3
"""Networks cut into two subnetworks (gsADMM) beside the same networks undivided: the searches for their settings, and the
runs of the tables of docs/results.md.

usage: subnetworks.py search EXPERIMENT ALTMIN DIR [NAME...]   each setting on a part of the training images, scored on those
                                                               held out
       subnetworks.py table EXPERIMENT ALTMIN DIR [NAME...]    the best of them, and settings from print, scored on the test
                                                               set; each split also with its first subnetwork frozen

EXPERIMENT is one of
  proximal   proximal sweeps inside, 196,500x9,10; DIR a folder with MNIST's IDX files
  mlp        SGD or Adam inside, `mlp 512x9`; the same DIR
  cnn        the same on `cnn`; DIR a folder with CIFAR-10's binary files

ALTMIN is the release binary, NAMEs choose among the rows. Needs nothing but Python's standard library.

With the mean convention M samples weigh a gradient by 1/M, but neither rho nor tau_2: alpha, rho, tau_2 with means is alpha,
M rho, M tau_2 with sums. What matters is told by sums, so the searches use them. There p goes, with tau_2 = rho, in one
step to `q - (grad R(p) + u)/rho`, and comes to rest where `q - f = -grad R/alpha`: a step of 1/alpha along the gradient,
for which the first subnetwork then fits its weights. So alpha = rho = tau_2 is a single number to search for. The paper's 1, 1,
100 are, on 10,000 images, 1, 10^4, 10^6 with sums: p moves by a millionth of its gradient in an epoch.
"""

import sys
from dataclasses import dataclass, field

import runs
from runs import fastest, flags, grid, header, show, text, to_marks

# The first subnetwork as it began, and its output as good as fixed: the last one trained on random features.
RANDOM = {"freeze": 1, "tau2": 1e9}


@dataclass
class Experiment:
    data: dict
    # Options of a search, of a table.
    search: dict
    table: dict
    # Sweeps whose accuracies are shown, and which ("train" or "test").
    sweeps: tuple
    shown: str
    # Name: options, settings to search.
    rows: dict
    # Name and setting of each row of the table.
    best: list
    marks: tuple = field(default=())


def gsadmm(inner, **more):
    return {"method": "gsadmm", "subnetworks": 2, "inner": inner, **more}


def together(a, **more):
    """alpha = rho = tau_2."""
    return {"alpha": a, "rho": a, "tau2": a, **more}


rate, proximal = grid("learning-rate"), grid("nu")
# Section 3.2.1; its authors' program.
PAPER = {"alpha": 1, "rho": 1, "tau2": 100, "learning-rate": 0.01}
AUTHORS = {"alpha": 1, "rho": 10, "tau2": 10_000, "learning-rate": 0.001, "guard": 0.1}


def optimisers(*alphas):
    """Rows of mlp and cnn."""
    return {
        "SGD": ({"method": "gd"}, rate(0.01)),
        "Adam": ({"method": "adam"}, rate(0.001)),
        "gsADMM, SGD, paper": (gsadmm("sgd", convention="mean"), []),
        "gsADMM, Adam, authors": (gsadmm("adam", convention="mean"), []),
        "gsADMM, Adam": (gsadmm("adam", convention="sum"), [*map(together, alphas)]),
        "last on random features, Adam": (gsadmm("adam", convention="sum", **RANDOM), [{}]),
    }


EXPERIMENTS = {
    "proximal": Experiment(
        data={"pool": 2, "network": "mlp 500x9"},
        search={"samples": 10_000, "sweeps": 20, "holdout": "true"},
        table={"samples": 55_000, "sweeps": 15},
        sweeps=(1, 2, 3, 5, 10, 15),
        shown="test",
        marks=(0.95, 0.96),
        rows={
            "gsADMM": (
                gsadmm("proxprop"),
                [{"alpha": 10, "rho": 1, "tau2": 3, "nu": 3}]
                + [together(a, nu=3) for a in (30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003)]
                + [together(0.03, nu=1), together(0.03, nu=10), together(0.03, nu=3, damping=0.3)],
            ),
            "last on random features": (gsadmm("proxprop", **RANDOM), proximal(3, 10)),
            "undivided": ({"method": "proxprop", "batch": "all"}, proximal(3)),
            "gsADMM, Adam": (gsadmm("adam", convention="sum", batch=120), [together(0.1)]),
            "Adam": ({"method": "adam"}, rate(0.0003, 0.001, 0.003)),
        },
        best=[
            ("gsADMM", together(0.03, nu=3)),
            ("last on random features", {"nu": 3}),
            ("undivided", {"nu": 3}),
            ("gsADMM, Adam", together(0.1)),
            ("Adam", {"learning-rate": 0.001}),
        ],
    ),
    "mlp": Experiment(
        data={"pool": 2, "network": "mlp 512x9", "batch": 120},
        search={"samples": 5_000, "sweeps": 20, "holdout": "true"},
        table={"samples": 5_000, "sweeps": 20},
        sweeps=(1, 5, 10, 15, 20),
        shown="train",
        rows=optimisers(0.01, 0.1, 1),
        best=[
            ("SGD", {"learning-rate": 0.01}),
            ("Adam", {"learning-rate": 0.001}),
            ("gsADMM, SGD, paper", PAPER),
            ("gsADMM, Adam, authors", AUTHORS),
            ("gsADMM, Adam", together(0.1)),
            ("last on random features, Adam", {}),
        ],
    ),
    "cnn": Experiment(
        data={"pool": 2, "scale": "true", "network": "cnn", "batch": 120},
        search={"samples": 2_000, "sweeps": 20, "holdout": "true"},
        table={"samples": 2_000, "sweeps": 40},
        sweeps=(1, 5, 10, 20, 40),
        shown="train",
        rows=optimisers(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
        best=[
            ("SGD", {"learning-rate": 0.01}),
            ("Adam", {"learning-rate": 0.001}),
            ("gsADMM, SGD, paper", PAPER),
            ("gsADMM, Adam, authors", AUTHORS),
            ("gsADMM, Adam", together(3)),
            ("last on random features, Adam", {}),
        ],
    ),
}


def train(altmin, folder, experiment, mode, options, settings):
    chosen = {**experiment.data, **getattr(experiment, mode), **options, **settings}
    # The method of undivided proximal sweeps has layers where others have blocks.
    if chosen["method"] == "proxprop":
        chosen["hidden"] = chosen.pop("network").removeprefix("mlp ")
    return runs.run(altmin, folder, *flags(chosen))


def at(rows, sweep, key):
    return f"{rows[sweep - 1][key]:.4f}" if len(rows) >= sweep else "-"


def late(rows):
    """The mean held-out accuracy of the last three sweeps: one sweep alone is luck."""
    last = [row["test_accuracy"] for row in rows[-3:]]
    return f"{sum(last) / len(last):.4f}" if last else "-"


def columns(experiment, *more):
    after = [f"{experiment.shown} after {n}" for n in experiment.sweeps]
    header("method", "setting", *after, *(f"sweeps to {mark:.2f}" for mark in experiment.marks), *more)


def row(experiment, name, settings, rows, *more):
    after = [at(rows, sweep, f"{experiment.shown}_accuracy") for sweep in experiment.sweeps]
    show(name, text(settings), *after, *to_marks(rows, experiment.marks), *more)


def search(experiment, altmin, folder, names):
    columns(experiment, "best held out", "at", "mean of the last three")
    for name in names:
        options, candidates = experiment.rows[name]
        for settings in candidates:
            rows = train(altmin, folder, experiment, "search", options, settings)
            best = max(rows, key=lambda row: row["test_accuracy"], default={"test_accuracy": 0, "sweep": "-"})
            row(experiment, name, settings, rows, f"{best['test_accuracy']:.4f}", best["sweep"], late(rows))


def variants(options):
    """A row, and for a split its controls."""
    yield "", {}
    if options["method"] == "gsadmm" and "freeze" not in options:
        yield ", first frozen", {"freeze": 1}


def table(experiment, altmin, folder, names):
    columns(experiment, "train at the end", "test at the end", "s of the fastest sweep")
    for name, settings in experiment.best:
        if name not in names:
            continue
        options, _ = experiment.rows[name]
        for suffix, more in variants(options):
            rows = train(altmin, folder, experiment, "table", options, {**settings, **more})
            end = [at(rows, len(rows), f"{kind}_accuracy") for kind in ("train", "test")]
            row(experiment, name + suffix, settings, rows, *end, f"{fastest(rows):.2f}")


MODES = {"search": search, "table": table}

if __name__ == "__main__":
    words = sys.argv[1:]
    if len(words) < 4 or words[0] not in MODES or words[1] not in EXPERIMENTS:
        sys.exit(__doc__)
    mode, experiment, altmin, folder, *names = words
    experiment = EXPERIMENTS[experiment]
    if not set(names) <= set(experiment.rows):
        sys.exit(f"names are {', '.join(experiment.rows)}")
    MODES[mode](experiment, altmin, folder, names or list(experiment.rows))
