"""Runs an ONNX file on numbers in single precision: run.py MODEL INPUT SIZES OUTPUT."""

import sys

import numpy
import onnxruntime

model, source, sizes, target = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
numbers = numpy.fromfile(source, dtype="<f4").reshape([-1] + [int(size) for size in sizes.split("x")])
name = session.get_inputs()[0].name
outputs = session.run(None, {name: numbers})[0]
print(name, session.get_outputs()[0].name, *session.get_inputs()[0].shape[1:])
outputs.astype("<f4").tofile(target)
