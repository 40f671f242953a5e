"""The page of a run that is not done shows each figure from the moment it is there."""

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from typeone.workflow.screen.page import NAME, Page


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def draw(results):
    """A function that draws a figure with a caption, and returns its path."""

    def figure(name, text=None, place="figures"):
        path = results / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        said = PngInfo()
        if text is not None:
            said.add_text("Description", text)
        Image.new("L", (4, 4)).save(path, pnginfo=said)
        return str(path)

    return figure


def test_there_is_no_page_before_the_first_figure(results, draw):
    page = Page(results)
    assert not page.add([str(results / "mnist/model.safetensors")], done=1, total=9)
    assert not page.add([draw("sprite.png", place="report")], done=2, total=9)
    assert not page.add([str(results.parent / "figures" / "figure2.png")], done=2, total=9)
    assert not page.file.exists()


def test_each_figure_is_added_once_with_its_caption(results, draw):
    page = Page(results)
    first = draw("figure2.png", "Seed 1, <b>n</b> 5,000.")
    assert page.add([first, first.replace(".png", ".pdf")], done=3, total=9)
    assert not page.add([draw("figure1.png", place="fashion/figures")], done=4, total=9)
    assert not page.add([first], done=5, total=9)
    text = (results / NAME).read_text()
    assert text.count("<img ") == 2
    assert '<img src="figures/figure2.png"' in text
    assert 'alt="Seed 1, &lt;b&gt;n&lt;/b&gt; 5,000."' in text
    assert '<img src="fashion/figures/figure1.png"' in text
    assert "5 of 9 jobs done" in text
    assert 'http-equiv="refresh"' in text


def test_a_page_of_a_run_that_stopped_says_so_and_rests(results, draw):
    page = Page(results)
    page.end(complete=False)
    assert not page.file.exists()
    page.add([draw("figure2.png", "Seed 1.")], done=3, total=9)
    page.end(complete=False)
    text = page.file.read_text()
    assert "The run has stopped" in text
    assert "refresh" not in text


def test_a_complete_run_leaves_no_page(results, draw):
    page = Page(results)
    page.end(complete=True)
    page.add([draw("figure2.png")], done=9, total=9)
    page.end(complete=True)
    assert not page.file.exists()


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_a_figure_that_cannot_be_read_has_no_caption(results, draw, content):
    page = Page(results)
    broken = draw("figure2.png")
    with open(broken, "wb") as file:
        file.write(content)
    page.add([broken], done=3, total=9)
    assert 'alt=""' in page.file.read_text()


def test_without_room_for_it_the_run_goes_on(results, draw):
    page = Page(results)
    figure = draw("figure2.png")
    page.file.mkdir()
    page.add([figure], done=3, total=9)
    assert page.file.is_dir()
