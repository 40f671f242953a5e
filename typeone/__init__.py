"""Type One: attacks that change what an image is while the classifier does not notice.

Floors, imports only go down: ``api``; ``reporting``; ``evaluation``; ``attacks``, ``detectors``,
``defenses`` and ``theory``; ``training``; ``models``; ``data``; ``runtime``. Nothing here knows the
workflow, its configuration or its paths.
"""

__version__ = "0.1.0"
