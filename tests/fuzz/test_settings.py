"""Files of settings, and what they may say."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError

from typeone.workflow.configfiles import fault
from typeone.workflow.settings import layers, record
from typeone.workflow.settings.model import Wrong

from .damage import TOKENS, files, one_line

ROOT = Path(__file__).parents[2]
SMOKE = (ROOT / "presets/smoke.yaml").read_bytes()[:600]
PUBLISHED = layers.published()
QUICK = record.read(ROOT / "config.yaml")

ODD = st.one_of(
    *(st.none(), st.booleans(), st.floats(), st.dates(), st.binary(max_size=4)),
    *(st.integers(), st.sampled_from([2**63, -(10**400)]), TOKENS),
)
VALUES = st.recursive(
    ODD,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(ODD, st.sampled_from(["from", "kind"])), inner, max_size=3),
    ),
    max_leaves=5,
)
YAML = st.lists(
    st.one_of(
        st.sampled_from([*"[]{}:,&*!?|>-#%@'\"\n\t ", "- ", ": ", "? ", "&a ", "*a", "<<: *a"]),
        st.sampled_from(["!!int ", "!!set ", "!!timestamp ", "!mine ", "2001-13-45", "1:99", "a"]),
        TOKENS,
    ),
    max_size=12,
).map(lambda parts: "".join(parts).encode(errors="surrogatepass"))


@given(st.one_of(YAML, files(SMOKE)))
@example(b"a: 2001-13-45")
@example(b"a: !!bool x")
@example(b"a: !!timestamp x")
@example(b"a: !!int ''")
@example(b"? [a]\n: b")
@example(b"a: " + b"9" * 5000)
@example(b"a: " + b"[" * 3000 + b"]" * 3000)
@example(b"\t" + b"[" * 200_000)
def test_a_file_of_settings(folder, data):
    """Snakemake reads what has no fault, and finds settings by their names."""
    path = folder / "mine.yaml"
    path.write_bytes(data)
    told = fault(path)
    if told is None:
        assert isinstance(load_configfile(path), dict)
    else:
        assert "\n" not in told
        assert told.startswith(str(path))


def leaves(settings, path=()):
    """The keys that lead to every setting, also to those that hold others."""
    for key, value in settings.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))


def at(path, value):
    for key in reversed(path):
        value = {key: value}
    return value


circle = []
circle.append(circle)


@given(st.sampled_from([*leaves(PUBLISHED)]), VALUES)
@example(("seeds",), circle)
@example(("attacks", "paper", "lr"), "1e-999999999")
@example(("a\nb",), 1)
@example(("attacks",), {"a\nb": {"from": "nobody"}})
def test_a_setting(path, value):
    with one_line(Wrong):
        layers.expanded(at(path, value), QUICK)


@given(st.sampled_from([*leaves(PUBLISHED)]), st.sampled_from([*leaves(PUBLISHED)]))
def test_a_setting_in_place_of_another(path, other):
    value = PUBLISHED
    for key in other:
        value = value[key]
    with one_line(Wrong):
        layers.expanded(at(path, value), QUICK)


def test_settings_survive_their_record(folder):
    """What a run records gives the same settings again."""
    settings = layers.expanded({"preset": "quick"}, QUICK)
    record.write(settings, folder)
    assert layers.expanded(record.read(folder / record.RECORD), QUICK) == settings


def test_what_snakemake_refuses_is_known(folder):
    path = folder / "mine.yaml"
    path.write_text("a: [")
    with pytest.raises(WorkflowError):
        load_configfile(path)
