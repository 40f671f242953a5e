"""Write tables to files: every row as CSV, the formatted table as Markdown and LaTeX."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pandas as pd

from typeone.runtime.atomic_files import atomic_path


def write_table(
    paths: Mapping[str, str | os.PathLike[str]],
    rows: pd.DataFrame,
    shown: pd.DataFrame,
    *,
    caption: str | None = None,
) -> None:
    """Write ``rows`` to the path of ``csv``, and ``shown`` to those of ``md`` and ``tex``.

    ``caption``: caption of the table in the latter two.
    """
    with atomic_path(paths["csv"]) as path:
        rows.to_csv(path, index=False, float_format="%.6g")
    with atomic_path(paths["md"]) as path:
        below = f"\n{caption}\n" if caption else ""
        path.write_text(shown.to_markdown(index=False, disable_numparse=True) + "\n" + below)
    with atomic_path(paths["tex"]) as path:
        layout = "l" + "r" * (len(shown.columns) - 1)
        above = caption.replace("%", r"\%") if caption else None
        told = {"index": False, "column_format": layout, "escape": True, "caption": above}
        path.write_text(shown.to_latex(**told))
