"""Type One: attacks that change what an image shows while the classifier keeps its label.

Imports go down this list of packages: ``api``; ``reporting``; ``evaluation``; ``attacks``,
``detectors``, ``defenses`` and ``theory``; ``training``; ``models``; ``data``; ``runtime``. None of
them depends on the workflow, its configuration or its paths.
"""

__version__ = "0.1.0"
