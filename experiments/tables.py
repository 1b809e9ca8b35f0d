"""Tables with defaults: altmin, scikit-learn's multilayer perceptron with early stopping, and linear models, on the same splits.

Each data set is split ten times into four fifths for training and one for testing, by class where there are classes. altmin gets the two
parts as CSV files and no option but the loss; scikit-learn gets them standardised, the targets too, with early stopping and otherwise
its defaults. Linear models are logistic regression and ridge regression whose lambda is chosen by leave-one-out, of scikit-learn. Medians of
accuracy or R^2 over the splits, and altmin's seconds a run as a whole process.

    tables.py ALTMIN [--splits 10]

Run it with an interpreter that has scikit-learn. Five of the data sets come with it or are made by it; `housing` is made here, of the kind of
California's prices: incomes, ages, rooms and places near two cities, with noise and a ceiling."""

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import tempfile
import time
import warnings

import numpy
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine, make_friedman1
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from runs import header, show


def housing(rows=5000):
    draw = numpy.random.default_rng(0)
    income, age = draw.lognormal(1.3, 0.45, rows), draw.integers(1, 53, rows)
    rooms, bedrooms = draw.lognormal(1.65, 0.3, rows), draw.lognormal(0.07, 0.15, rows)
    people, household = draw.lognormal(7, 0.7, rows), draw.lognormal(1.05, 0.25, rows)
    north = draw.uniform(32.5, 42, rows)
    east = -114 - (north - 32) * 0.9 + draw.normal(0, 1.2, rows)
    near = sum(numpy.exp(-((north - a) ** 2 + (east - b) ** 2) / 2) for a, b in ((34, -118.3), (37.7, -122.3)))
    log = -0.4 + 0.17 * numpy.minimum(income, 9) ** 0.9 + 0.9 * near + 0.004 * age - 0.12 * numpy.log(household)
    log += 0.1 * numpy.log(rooms / bedrooms) + draw.normal(0, 0.22, rows)
    features = [income, age, rooms, bedrooms, people, household, north, east]
    return numpy.stack(features, axis=1), numpy.minimum(5, numpy.exp(log))


def classes(load):
    data = load()
    return data.data, numpy.array(data.target_names)[data.target]


DATA = {
    "iris": lambda: classes(load_iris),
    "wine": lambda: classes(load_wine),
    "breast cancer": lambda: classes(load_breast_cancer),
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "friedman1": lambda: make_friedman1(1000, noise=1.0, random_state=0),
    "housing": housing,
}


def write(path, x, y):
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([f"x{i}" for i in range(x.shape[1])] + ["y"])
        rows.writerows([*map(repr, map(float, features)), y if isinstance(y, str) else repr(float(y))] for features, y in zip(x, y))


def altmin(program, folder, parts, regression, seed):
    train, test = folder / "train.csv", folder / "test.csv"
    write(train, parts[0], parts[2])
    write(test, parts[1], parts[3])
    loss = ["--loss", "least-squares"] if regression else []
    start = time.perf_counter()
    command = [program, "train", "--data", train, "--test", test, "--seed", str(seed), "--json", *loss]
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    lines = {line["kind"]: line for line in map(json.loads, done.stdout.splitlines())}
    if "test" not in lines:
        raise SystemExit(done.stderr)
    return [lines[kind]["test_r2" if regression else "test_accuracy"] for kind in ("test", "linear")] + [seconds]


def others(parts, regression, seed):
    if regression:
        of = lambda model: TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=StandardScaler())
        models = [MLPRegressor(early_stopping=True, random_state=seed), RidgeCV(alphas=numpy.logspace(-3, 3, 13))]
    else:
        of = lambda model: make_pipeline(StandardScaler(), model)
        models = [MLPClassifier(early_stopping=True, random_state=seed), LogisticRegression(max_iter=1000)]
    return [of(model).fit(parts[0], parts[2]).score(parts[1], parts[3]) for model in models]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("altmin")
    options.add_argument("--splits", type=int, default=10)
    given = options.parse_args()
    warnings.filterwarnings("ignore")
    header("data", "rows", "altmin", "scikit-learn MLP", "linear", "altmin's linear", "altmin's seconds")
    with tempfile.TemporaryDirectory() as folder:
        for name, load in DATA.items():
            x, y = load()
            regression = y.dtype.kind == "f"
            results = []
            for seed in range(given.splits):
                parts = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=None if regression else y)
                network, own, seconds = altmin(given.altmin, pathlib.Path(folder), parts, regression, seed)
                results.append([network, *others(parts, regression, seed), own, seconds])
            show(name, len(y), *(f"{statistics.median(column):.3f}" for column in zip(*results)))


if __name__ == "__main__":
    main()
