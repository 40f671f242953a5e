"""Type One: attacks that change what an image shows while the classifier keeps its label.

Imports go down this list of packages: ``api``; ``reporting``; ``evaluation``; ``attacks``,
``detectors``, ``defenses`` and ``theory``; ``training``; ``models``; ``data``; ``runtime``. None of
them depends on the workflow, its configuration or its paths.
"""

from importlib import import_module

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Return ``audit`` of `typeone.api`; torch is imported only then."""
    if name != "audit":
        raise AttributeError(f"module 'typeone' has no attribute {name!r}")
    return import_module("typeone.api").audit
