"""Type One: attacks that change what an image is while the classifier does not notice.

Floors, imports only go down: ``attacks``, ``detectors`` and ``defenses`` use ``models`` and the
modules beside this file. Nothing here knows the workflow, its configuration or its paths.
"""

__version__ = "0.1.0"
