"""The workflow's own networks, for `typeone audit`; docs/audit.md."""

from typeone.models.classifiers import build_classifier


def mlp():
    return build_classifier("mlp")


def lenet():
    return build_classifier("lenet")


def cnn():
    return build_classifier("cnn")
