"""The report of the smoke run, opened by a real browser: what it shows, and how it is used.

Numbers on the page are compared with those that pyarrow and the csv module read from artifacts.
"""

import csv
import re
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from typeone.reporting.report.page import Page, render
from typeone.reporting.report.sprites import Sheets

from ..browser import chromium, show

DESKTOP, PHONE = (1280, 900), (390, 844)
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def results(smoke):
    return smoke.root / "results"


@pytest.fixture(scope="module")
def driver():
    with chromium() as found:
        yield found


@pytest.fixture
def page(driver, results):
    show(driver, DESKTOP)
    driver.get((results / "report" / "index.html").as_uri())
    # on a busy machine `get` once came back before the scripts had run
    made = (By.CSS_SELECTOR, "#verdict-filters .chip")
    WebDriverWait(driver, 60).until(lambda found: found.find_elements(*made))
    yield driver
    assert driver.get_log("browser") == []  # neither an error nor a refusal of the policy


def text(page, name):
    return page.find_element(By.ID, name).get_property("textContent")


def shown(page, selector):
    """Text of the elements that can be seen, read in one go."""
    script = """
        const seen = [...document.querySelectorAll(arguments[0])].filter((e) => e.offsetParent);
        return seen.map((e) => e.textContent.trim());
    """
    return page.execute_script(script, selector)


def choose(page, name, option):
    Select(page.find_element(By.ID, name)).select_by_visible_text(option)


def press(page, *keys):
    page.switch_to.active_element.send_keys(*keys)


@pytest.fixture(scope="module")
def verdicts(results):
    with open(results / "reproduction.csv", newline="") as file:
        return list(csv.DictReader(file))


def frame(path):
    return pq.read_table(path).to_pandas()


# the file


def test_the_page_is_one_file_that_asks_for_nothing(results):
    html = (results / "report" / "index.html").read_text()
    assert len(html.encode()) < 15 * MEGABYTE
    html = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)  # the policy speaks of these
    outside = re.findall(r'<[^>]+\s(?:src|href|action)="(?!data:|#)([^"]*)"', html)
    assert {link.split("/")[0] for link in outside} == {".."}  # what lies beside it, to click on
    assert "../study/index.html" in outside
    assert all((results / "report" / link).is_file() for link in outside)


def test_no_job_left_a_nan_or_a_path_of_this_machine(results, smoke):
    html = (results / "report" / "index.html").read_text()
    assert str(smoke.root) not in html
    assert not re.search(r"<td[^>]*>nan</td>", html)


def test_the_page_names_preset_machine_and_commit(page, results):
    run = dict(zip(shown(page, ".run dt"), shown(page, ".run dd"), strict=True))
    assert run["preset"] == "smoke"
    assert run["seeds of digits"] == "0"
    assert "cores" in run["machine"]
    assert run["commit"]


def test_every_figure_says_its_caption_machine_and_commit(page, results):
    run = dict(zip(shown(page, ".run dt"), shown(page, ".run dd"), strict=True))
    captions = shown(page, "#figures figcaption")
    assert len(captions) == len(list((results / "figures").glob("*.png")))
    for caption in captions:
        assert "preset smoke" in caption.lower()
        assert caption.endswith(f"{run['machine']}; commit {run['commit']}.")


# the verdict table


def kinds(verdicts):
    return Counter(row["verdict"].split(":")[0] or "beyond the paper" for row in verdicts)


def test_verdicts_are_counted_and_filtered_by_mouse(page, verdicts):
    counts = kinds(verdicts)
    chips = page.find_elements(By.CSS_SELECTOR, "#verdict-filters .chip")
    assert {c.get_attribute("data-kind"): int(c.text.split()[-1]) for c in chips} == {
        kind: counts[kind]
        for kind in (
            *("reproduced", "not reproduced", "inconsistent as stated", "not run"),
            "beyond the paper",
        )
    }
    published = sum(counts.values()) - counts["beyond the paper"]
    assert text(page, "verdict-count") == f"{published} of {len(verdicts)} rows"
    for chip in chips:
        if chip.get_attribute("data-kind") not in ("not run", "beyond the paper"):
            chip.click()
    assert text(page, "verdict-count") == f"{counts['not run']} of {len(verdicts)} rows"
    assert all("not run" in cell for cell in shown(page, "#verdict-rows .verdict"))
    choose(page, "verdict-group", "Table II")
    wanted = sum(r["paper_item"] == "Table II" and "not run" in r["verdict"] for r in verdicts)
    assert len(shown(page, "#verdict-rows tr")) == wanted > 0


def test_verdicts_are_searched_and_opened_by_keyboard(page, verdicts):
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert page.switch_to.active_element.text == "Skip to the verdicts"
    while page.switch_to.active_element.get_attribute("id") != "verdict-search":
        press(page, Keys.TAB)
    press(page, "error mlp")
    [row] = [r for r in verdicts if r["id"] == "mnist.mlp.test_error"]
    assert text(page, "verdict-count").startswith("1 of")
    while page.switch_to.active_element.tag_name != "summary":
        press(page, Keys.TAB)
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert page.execute_script(outline) == "solid"
    press(page, Keys.ENTER)
    names, values = (shown(page, f"#verdict-rows {tag}") for tag in ("dt", "dd"))
    told = dict(zip(names, values, strict=True))
    assert (told["n"], told["seeds"]) == (row["n"], row["seeds"])
    assert (told["id"], told["artifact"]) == (row["id"], row["artifact"])
    [ours] = shown(page, '#verdict-rows [data-name="ours"]')
    # the page shows four digits, the table six
    assert float(ours) == pytest.approx(float(row["ours"]), rel=5e-4)
    [interval] = shown(page, "#verdict-rows .interval span")
    ends = [float(end) for end in interval.split(" to ")]
    assert ends == pytest.approx([float(row["ci_low"]), float(row["ci_high"])], rel=5e-4)


def test_clearing_the_filters_shows_all_rows(page, verdicts):
    page.find_element(By.CSS_SELECTOR, "#verdict-filters [type=reset]").click()
    page.execute_async_script("setTimeout(arguments[0])")
    assert text(page, "verdict-count") == f"{len(verdicts)} of {len(verdicts)} rows"


# filmstrips


def test_a_filmstrip_is_stepped_by_keys_buttons_and_slider(page, results):
    choose(page, "strip-run", "digits: ours on mlp")
    slider = page.find_element(By.ID, "strip-slider")
    image = page.find_element(By.ID, "strip-image")

    def at():
        return int(slider.get_property("value"))

    def place():
        return image.value_of_css_property("background-position")

    last = int(slider.get_attribute("max"))
    values = [float(t) for t in shown(page, "#strip-tiles .frame")]
    assert len(values) == last + 1

    # the first example in order of label, from the original to the stored end
    where = results / "mnist" / "attacks" / "ours" / "mlp" / "seed0"
    rows, trace = frame(where / "examples.parquet"), frame(where / "trace.parquet")
    followed = rows[rows["position"].isin(trace["position"])].sort_values(["label", "position"])
    first = followed.iloc[0]
    assert values[0] == pytest.approx(first["f1_confidence_before"], abs=5e-3)
    assert values[-1] == pytest.approx(first["f1_confidence_after"], abs=5e-3)

    assert (at(), text(page, "strip-told")[:12]) == (0, "the original")
    seen = {place()}
    slider.send_keys(Keys.ARROW_RIGHT)
    assert at() == 1
    seen.add(place())
    button = page.find_element(By.ID, "strip-on")
    button.click()
    assert at() == 2
    seen.add(place())
    button.send_keys(Keys.ARROW_RIGHT)
    assert at() == 3
    button.send_keys(Keys.ARROW_LEFT)
    page.find_element(By.ID, "strip-back").click()
    assert at() == 1
    assert len(seen) == 3
    slider.send_keys(Keys.END)
    assert at() == last
    assert not button.is_enabled()
    told = float(text(page, "strip-told").split()[-1])
    assert told == pytest.approx(values[-1], abs=6e-3)  # three digits there, two on the tile
    page.find_elements(By.CSS_SELECTOR, "#strip-tiles .frame")[0].click()
    assert at() == 0


# examples


def test_examples_are_sorted_and_told_as_the_artifact_has_them(page, results):
    choose(page, "example-run", "digits: paper on mlp")
    rows = frame(results / "mnist/attacks/paper/mlp/seed0/examples.parquet")
    rate = float(shown(page, "#example-rates dd b")[2])
    assert rate == pytest.approx(rows["type1_success_oracle"].mean(), abs=5e-4)
    choose(page, "example-sort", "f1's confidence in the old label")
    found = [
        float(re.search(r"old label ([\d.]+)", card)[1])
        for card in shown(page, "#example-cards li")
    ]
    wanted = np.sort(rows["f1_confidence_after"])[::-1][: len(found)]
    assert found == pytest.approx(wanted.tolist(), abs=1e-3)
    page.find_element(By.ID, "example-turn").click()
    turned = [
        float(re.search(r"old label ([\d.]+)", card)[1])
        for card in shown(page, "#example-cards li")
    ]
    assert turned == sorted(turned)
    choose(page, "example-view", "f1 keeps, the judges see another")
    successes = int(rows["type1_success_oracle"].sum())
    assert f"of {successes} that fit" in text(page, "example-count")


def test_faces_can_be_looked_at_too(page, results):
    choose(page, "example-run", "faces: ours on small")
    rows = frame(results / "faces/attacks/ours/small/seed0/examples.parquet")
    first = rows.iloc[0]
    card = shown(page, "#example-cards li")[0]
    assert card.startswith(f"{('woman', 'man')[first['label']]} → ")
    assert f"{first['distance']:.3f}" in card
    tile = page.find_element(By.CSS_SELECTOR, "#example-cards .tile")
    assert "image/webp" in tile.value_of_css_property("background-image")


# the detector


def rejected(page):
    cells = [shown(page, f"#detector-rows td:nth-child({i})") for i in (1, 2)]
    return dict(zip(cells[0], map(float, cells[1]), strict=True))


def test_a_threshold_moves_by_key_and_its_rates_are_those_of_the_scores(page, results):
    choose(page, "detector-choice", "digits: mlp, L2")
    scores = frame(results / "mnist/detection/mlp/seed0/scores.parquet")
    joint = (scores["squeezer"] == "joint") & (scores["metric"] == "l2")
    scores = scores[joint & scores["counted"]]

    def compare():
        at = float(text(page, "detector-threshold"))
        found = rejected(page)
        for attack, name in (("clean", "Clean, all test images"), ("pgd", "Type II: PGD")):
            of_it = scores.loc[scores["attack"] == attack, "score"]
            # the threshold is shown with four digits: a score beside it may count or not
            low, high = ((of_it >= at + shift).mean() for shift in (1e-4, -1e-4))
            assert low - 5e-4 <= found[name] <= high + 5e-4
        return found

    page.find_element(By.XPATH, "//*[@id='detector-named']/button[1]").click()
    assert text(page, "detector-threshold") == "0.2510"
    before = compare()
    rates = frame(results / "mnist/detection/rates.parquet")
    told = rates.query(
        "target == 'mlp' and squeezer == 'joint' and metric == 'l2' and threshold == 'zeta' "
        "and attack == 'clean' and nominal == 0.251"
    )
    assert before["Clean, all test images"] == pytest.approx(told["rate"].item(), abs=5e-4)
    page.find_element(By.ID, "detector-slider").send_keys(Keys.PAGE_DOWN)
    after = compare()
    assert sum(after.values()) > sum(before.values())  # a lower threshold rejects more


# on any screen and on paper


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_scrolling_sideways(page, scheme):
    show(page, PHONE, scheme=scheme)
    page.refresh()
    widths = "return [document.documentElement.scrollWidth, window.innerWidth]"
    assert page.execute_script(widths) == [PHONE[0], PHONE[0]]
    for details in page.find_elements(By.CSS_SELECTOR, "#tables details"):
        page.execute_script("arguments[0].open = true", details)
    assert page.execute_script(widths) == [PHONE[0], PHONE[0]]


@pytest.mark.parametrize("size", [PHONE, (1280, 900)])
def test_the_legend_of_the_detector_covers_nothing(page, size):
    show(page, size)
    page.refresh()
    title, legend = (
        page.find_element(By.CSS_SELECTOR, f"#detector-plot {part}").rect
        for part in (".g-xtitle", ".legend")
    )
    below = title["y"] + title["height"] - 1  # a pixel of rounding
    assert legend["y"] >= below


def test_the_colours_follow_the_system_and_the_button(page):
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = page.execute_script(colour)
    button = page.find_element(By.ID, "theme")
    button.click()
    dark = page.execute_script(colour)
    assert dark != light
    button.click()
    assert page.execute_script(colour) == light
    page.refresh()
    show(page, DESKTOP, scheme="dark")
    assert page.execute_script(colour) == dark


def test_on_paper_all_tables_are_open_and_nothing_can_be_pressed(page):
    show(page, DESKTOP, media="print")
    closed = 'return document.querySelectorAll("details.table:not([open])").length'
    assert page.execute_script(closed) > 0
    page.execute_script('window.dispatchEvent(new Event("beforeprint"))')
    assert page.execute_script(closed) == 0
    assert shown(page, "nav a, .filters button, .steps button") == []
    assert len(shown(page, "#figures figure")) > 10


def test_everything_that_can_be_used_has_a_name(page):
    for selector in ("main", "h1", "header nav[aria-label]", "footer"):
        assert len(page.find_elements(By.CSS_SELECTOR, selector)) == 1
    used = [e for e in page.find_elements(By.CSS_SELECTOR, "button, select, input")]
    assert len(used) > 15
    assert [e.get_attribute("outerHTML") for e in used if not e.accessible_name] == []
    assert page.find_elements(By.CSS_SELECTOR, "img:not([alt])") == []


# what an artifact says cannot run


def test_hostile_text_stays_text(driver, tmp_path):
    owned = "document.title = 'owned'"
    hostile = f'</script><script>{owned}</script><img src=x onerror="{owned}">'
    row = {
        **{"id": "x", "paper_item": hostile, "description": hostile, "verdict": "reproduced"},
        **{"kind": "reproduced", "group": hostile, "details": {"note": hostile}, "place": None},
        **dict.fromkeys(("published_text", "ours_text", "interval_text"), ""),
    }
    sheets = Sheets()
    strip = {
        **{"title": hostile, "steps": [None], "values": [1.0]},
        "sheet": sheets.add(np.zeros((1, 1, 28, 28), np.uint8)),
    }
    html = render(
        Page(
            run={"preset": hostile, "machine": hostile, "commit": hostile},
            verdicts=[row],
            tables=[
                {
                    "title": "t",
                    "caption": hostile,
                    "heads": [{"text": hostile, "right": False}],
                    "rows": [[hostile]],
                }
            ],
            figures=[],
            sheets=sheets,
            data={
                "filmstrips": [
                    {"name": hostile, "measure": hostile, "threshold": None, "strips": [strip]}
                ],
                **{"examples": [], "detector": [], "timings": [], "seconds": []},
                "ablations": {"told": hostile, "attacks": []},
            },
            links=[],
        )
    )
    path = tmp_path / "index.html"
    path.write_text(html)
    driver.get(path.as_uri())
    assert driver.title.startswith("Type One: report")
    assert shown(driver, "#verdict-rows summary") == [hostile]
    assert driver.get_log("browser") == []
    # and had it got through, the policy would stop it
    driver.execute_script("document.body.insertAdjacentHTML('beforeend', arguments[0])", hostile)
    driver.execute_async_script("setTimeout(arguments[0], 100)")
    assert driver.title.startswith("Type One: report")
    assert "Content Security Policy" in driver.get_log("browser")[0]["message"]
