"""The workflow's own networks, for `typeone audit`; docs/audit.md."""

from typeone.models.classifiers import build_classifier
from typeone.models.recognizers import load_recognizer


def mlp():
    return build_classifier("mlp")


def lenet():
    return build_classifier("lenet")


def cnn():
    return build_classifier("cnn")


def small_recognizer():
    """With its weights; run in the repository after ./reproduce."""
    return load_recognizer("results/faces/recognizers/small/seed1/model.safetensors")


def facenet():
    """With its weights, on photographs."""
    return load_recognizer("results/faces/recognizers/facenet/model.safetensors")
