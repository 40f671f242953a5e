"""Filmstrips show the original and the way from it."""

import numpy as np

from typeone.reporting import plotting
from typeone.reporting.figures import walks
from typeone.runtime.artifacts import Records


def test_figure_5b_shows_so_many_faces_of_each_gender(tmp_path, monkeypatch):
    """A face is as bright as its position; its walk darkens it step by step."""
    n, steps = 5, 4
    labels = np.array([0, 0, 0, 1, 1])
    image = np.arange(n)[:, None, None, None] * np.ones((1, 3, 64, 64), int)
    examples = Records(
        {"label": labels, "target_label": 1 - labels, "image": image.astype(np.uint8)}, {}
    )
    position, step = (a.ravel() for a in np.meshgrid([0, 1, 2, 4], range(steps), indexing="ij"))
    walked = 100 + 10 * step[:, None, None, None] * np.ones((1, 3, 64, 64), int)
    trace = Records({"position": position, "step": step, "image": walked.astype(np.uint8)}, {})
    drawn = {}

    def filmstrips(rows, *, labels, caption):
        drawn.update(rows=rows, labels=labels)
        return plotting.filmstrips(rows, labels=labels, caption=caption)

    monkeypatch.setattr(walks, "filmstrips", filmstrips)
    shown = walks.figure5b(examples, trace, faces=2, columns=3, caption="Five faces.")
    figure = tmp_path / "figure.png"
    plotting.save_figure(shown, [figure], dpi=50)
    assert figure.stat().st_size > 0
    assert drawn["labels"] == ["female →\nmale"] * 2 + ["male →\nfemale"]  # 3 was not followed
    assert [row[0][0][0, 0, 0] for row in drawn["rows"]] == [0, 1, 4]  # the originals
    for row in drawn["rows"]:
        assert [title for _, title in row] == ["original", "0", "3"]  # start and end of the walk
        assert row[-1][0][0, 0, 0] == 130
