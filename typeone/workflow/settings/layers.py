"""Expand the given settings of a run to all of its settings.

Three layers, each on top of the one before: the defaults, which are the published values;
config.yaml, which contains the values of preset `quick`; the files and values of `--configfile` and
`--config`. If these set `preset: paper`, config.yaml is left out.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from typeone.workflow.settings import record
from typeone.workflow.settings.errors import first_line
from typeone.workflow.settings.model import Wrong
from typeone.workflow.settings.paths import check_paths
from typeone.workflow.settings.variants import lay, merged
from typeone.workflow.settings.whole import Settings


def published() -> dict[str, Any]:
    """Return the default of every setting."""
    return Settings().model_dump()


def expanded(given: Mapping[str, Any], quick: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a run, in the order of the models.

    Args:
        given: the settings of `--configfile` and `--config`.
        quick: the settings of config.yaml.

    Raises:
        Wrong: a setting is not allowed; the message has one line.
    """
    base = published()
    if given.get("preset") != "paper":
        base = lay(base, quick, Settings)
    try:
        return Settings.model_validate(lay(base, given, Settings)).model_dump()
    except ValidationError as error:
        raise Wrong(first_line(error, Settings)) from None


def of_files(checkout: str | Path, *names: str | Path) -> dict[str, Any]:
    """Return all settings of a run of ``checkout`` with ``names`` as its configuration files."""
    given: Any = {}
    for name in names:
        given = merged(given, record.read(Path(checkout, name)))
    return expanded(given, record.read(Path(checkout, "config.yaml")))


def replace(config: dict[str, Any], checkout: str | Path) -> None:
    """Replace Snakemake's ``config``, which contains the given settings, by all settings.

    Args:
        config: changed in place.
        checkout: the folder of config.yaml.

    Raises:
        WorkflowError: a setting is not allowed, or a path in it does not exist.
    """
    from snakemake.exceptions import WorkflowError

    try:
        settings = expanded(config, record.read(Path(checkout) / "config.yaml"))
        check_paths(settings, record.recorded(Path.cwd()))
    except Wrong as wrong:
        raise WorkflowError(str(wrong)) from None
    config.clear()
    config.update(settings)
