"""The graphs of MobileStyleGAN are found in a folder or in its wheel."""

import pytest

from typeone.data.mobilestylegan import ir_files
from typeone.runtime.errors import InputError

NAMES = [f"{n}Network.{end}" for n in ("Mapping", "Synthesis") for end in ("xml", "bin")]


def test_a_folder_serves_in_place_of_the_wheel(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_text(name)
    found = ir_files(tmp_path)
    assert found == {name: name.encode() for name in NAMES}


def test_a_folder_that_lacks_a_file_is_told_in_one_line(tmp_path):
    for name in NAMES[:3]:
        (tmp_path / name).write_text(name)
    with pytest.raises(
        InputError, match=r"SynthesisNetwork.bin cannot be read .*`stylegan.path` n"
    ):
        ir_files(tmp_path)


def test_another_wheel_names_the_alternatives(tmp_path):
    (tmp_path / "random_face.whl").write_bytes(b"no wheel")
    with pytest.raises(
        InputError, match=r"a different file; .*with `stylegan.source: none`"
    ) as caught:
        ir_files(tmp_path / "random_face.whl")
    assert "\n" not in str(caught.value)
