"""Writes metrics.txt: what scikit-learn says of made-up probabilities of seven classes, some of them equal, one class never predicted.

Lines: labels; scores, sample by sample, whose softmax the probabilities are; precision, recall, F1 and AUROC of each class; top-5 accuracy; and the expected calibration
error over 15 intervals, by its definition. Run it with an interpreter that has scikit-learn."""

import pathlib

import numpy
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score, top_k_accuracy_score

CLASSES, SAMPLES, BINS = 7, 60, 15


def main():
    draw = numpy.random.default_rng(5)
    labels = draw.integers(0, CLASSES, SAMPLES)
    # Coarse scores, so that some are equal, and towards the label.
    scores = numpy.round(draw.normal(size=(SAMPLES, CLASSES)) * 2) / 2
    scores[numpy.arange(SAMPLES), labels] += 1
    scores[:, 6] -= 9
    scores += 1e-3 * numpy.arange(CLASSES)[::-1]
    probabilities = numpy.exp(scores) / numpy.exp(scores).sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    lists = precision_recall_fscore_support(labels, predicted, labels=range(CLASSES), zero_division=0)[:3]
    auroc = [roc_auc_score(labels == c, probabilities[:, c]) for c in range(CLASSES)]
    top = top_k_accuracy_score(labels, probabilities, k=5, labels=range(CLASSES))
    confidence, right = probabilities.max(axis=1), predicted == labels
    edges = numpy.linspace(0, 1, BINS + 1)
    error = 0
    for low, high in zip(edges, edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    lines = [labels, numpy.round(scores, 9).ravel(), *lists, auroc, [top], [error]]
    text = "\n".join(" ".join(repr(number.item() if hasattr(number, "item") else number) for number in line) for line in lines)
    pathlib.Path(__file__).with_suffix(".txt").write_text(text + "\n")


if __name__ == "__main__":
    main()
