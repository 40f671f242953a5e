"""Expand the given settings of a run to all of its settings.

Layers, each on top of the one before: the defaults, which are the published values; config.yaml,
which contains the values of preset `quick`; presets/NAME.yaml if the given settings contain
`preset: NAME`; the files and values of `--configfile` and `--config`. With `preset: paper`
config.yaml is left out.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from typeone.workflow.options import PRESETS, preset_files
from typeone.workflow.settings import record
from typeone.workflow.settings.errors import first_line
from typeone.workflow.settings.model import Wrong
from typeone.workflow.settings.paths import check_paths
from typeone.workflow.settings.variants import lay, merged
from typeone.workflow.settings.whole import Settings


def published() -> dict[str, Any]:
    """Return the default of every setting."""
    return Settings().model_dump()


def expanded(
    given: Mapping[str, Any], quick: Mapping[str, Any], preset: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return all settings of a run, in the order of the models.

    Args:
        given: the settings of `--configfile` and `--config`.
        quick: the settings of config.yaml.
        preset: the settings of the file of the preset that ``given`` names, if any.

    Raises:
        Wrong: a setting is not allowed; the message has one line.
    """
    base = published()
    if given.get("preset") != "paper":
        base = lay(base, quick, Settings)
    base = lay(base, preset or {}, Settings)
    try:
        return Settings.model_validate(lay(base, given, Settings)).model_dump()
    except ValidationError as error:
        raise Wrong(first_line(error, Settings)) from None


def of_preset(given: Mapping[str, Any], checkout: str | Path) -> Any:
    """Return the settings of the file of the preset that ``given`` names; none for another name."""
    name = given.get("preset")
    if name not in PRESETS or not preset_files(name):
        return {}
    (file,) = preset_files(name)
    return record.read(Path(checkout, file))


def of_files(checkout: str | Path, *names: str | Path) -> dict[str, Any]:
    """Return all settings of a run of ``checkout`` with ``names`` as its configuration files."""
    given: Any = {}
    for name in names:
        given = merged(given, record.read(Path(checkout, name)))
    return with_preset(given, checkout)


def with_preset(given: Mapping[str, Any], checkout: str | Path) -> dict[str, Any]:
    """Return `expanded` of ``given``, with the files of ``checkout`` below."""
    quick = record.read(Path(checkout, "config.yaml"))
    return expanded(given, quick, of_preset(given, checkout))


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
        settings = with_preset(config, checkout)
        check_paths(settings, record.recorded(Path.cwd()))
    except Wrong as wrong:
        raise WorkflowError(str(wrong)) from None
    config.clear()
    config.update(settings)
