"""Write the page of an unfinished run, with the figures that this call has made so far.

The report is the last job. Until then, this page shows each figure as soon as it exists, and
reloads itself.
"""

import html
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image

NAME = "so-far.html"
SECONDS = 10  # between reloads
STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
img { max-width: 100%; height: auto; background: #fff }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } }
"""


class Page:
    """Writes the page into a folder of results.

    Args:
        results: the folder.
    """

    def __init__(self, results: Path) -> None:
        self.results = results
        self.figures: list[Path] = []

    @property
    def file(self) -> Path:
        """The path of the page."""
        return self.results / NAME

    def add(self, outputs: Sequence[str], *, done: int, total: int) -> bool:
        """Rewrite the page if a job has made a figure; return whether it is the first figure.

        Args:
            outputs: the outputs of the job that has ended.
            done: the number of jobs that have ended.
            total: the number of all jobs.
        """
        made = [path for path in map(Path, outputs) if is_figure(path, self.results)]
        first = bool(made) and not self.figures
        self.figures += [path for path in made if path not in self.figures]
        if made:
            self.write(f"{done} of {total} jobs done", loads=True)
        return first

    def write(self, state: str, *, loads: bool) -> None:
        """Write the page.

        Args:
            state: the progress of the run, as text.
            loads: whether the page reloads itself.
        """
        again = f'<meta http-equiv="refresh" content="{SECONDS}">' if loads else ""
        figures = "\n".join(self.figure(path) for path in self.figures)
        part = self.file.with_suffix(".part")
        with suppress(OSError):
            part.write_text(
                f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{again}\n'
                f"<title>Type One, so far</title><style>\n{STYLE}</style></head><body>\n"
                "<h1>Figures of this call, so far</h1>\n"
                f"<p>{html.escape(state)}. The report comes last.</p>\n"
                f"{figures}\n</body></html>\n",
                encoding="utf-8",
            )
            part.replace(self.file)

    def figure(self, path: Path) -> str:
        """Return the HTML of one figure, with its caption as the alternative text."""
        place = html.escape(path.relative_to(self.results).as_posix())
        text = html.escape(caption(path))
        return f'<p><img src="{place}" alt="{text}"></p>'

    def end(self, *, complete: bool) -> None:
        """Remove the page of a complete run, which has a report; else note that the run stopped."""
        if complete:
            with suppress(OSError):
                self.file.unlink()
        elif self.figures:
            self.write("The run has stopped; run again to continue from here", loads=False)


def is_figure(path: Path, results: Path) -> bool:
    """Return whether a file is a figure in a folder of results."""
    return path.suffix == ".png" and path.parent.name == "figures" and path.is_relative_to(results)


def caption(path: Path) -> str:
    """Return the caption in the metadata of a PNG file; empty if there is none."""
    try:
        with Image.open(path) as image:
            return str(image.text.get("Description", ""))  # type: ignore[attr-defined]
    except (OSError, AttributeError):
        return ""
