"""Photographs of faces: the right crop, the right split, and one line for what is wrong."""

import io
import re
import shutil
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from typeone.data import photographs
from typeone.data.celeba import _drawn_share, celeba_square, open_celeba
from typeone.data.face_folder import face_list, middle_square, open_folder
from typeone.data.face_tables import SPLITS, read_face_rows
from typeone.data.photographs import area_resize, decode
from typeone.runtime.errors import InputError

from ..celeba import write_celeba


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


# area interpolation


def test_area_by_hand():
    """Three pixels to two: the middle one is shared by halves, and a pixel is 1.5 of them wide."""
    row = torch.tensor([[0.0, 3.0, 6.0]]).expand(3, 3)
    expected = torch.tensor([[(0 + 1.5) / 1.5, (1.5 + 6) / 1.5]] * 2)
    torch.testing.assert_close(area_resize(row, 2), expected)


def test_area_at_a_whole_factor_is_the_mean_of_blocks():
    image = torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0))
    # float32 sums of four terms in another order
    torch.testing.assert_close(
        area_resize(image, 64), torch.nn.functional.avg_pool2d(image, 2), rtol=0, atol=1e-6
    )


def test_area_keeps_the_mean_and_a_flat_image():
    image = torch.rand(148, 148, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert area_resize(image, 64).mean().item() == pytest.approx(image.mean().item(), abs=1e-12)
    flat = torch.full((148, 100), 0.3, dtype=torch.float64)
    torch.testing.assert_close(area_resize(flat, 64), torch.full((64, 64), 0.3).double())


# decoding


def test_the_crop_is_rows_40_to_188_and_columns_15_to_163():
    """What lies outside of the crop leaves no trace, what lies inside fills the face."""
    pixels = np.full((218, 178, 3), 255, np.uint8)
    pixels[40:188, 15:163] = (10, 20, 30)
    face = decode(png(pixels), celeba_square)
    assert (face == np.array([10, 20, 30]).reshape(3, 1, 1)).all()
    pixels[40, 15:163] = 250  # the first row of the crop
    assert (decode(png(pixels), celeba_square)[:, 0] > 30).all()


def test_a_face_of_64_pixels_is_taken_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_array_equal(decode(png(pixels), middle_square), pixels.transpose(2, 0, 1))


def test_another_image_is_cut_to_its_middle_square():
    pixels = np.zeros((100, 180, 3), np.uint8)
    pixels[:, 40:140] = 200
    assert (decode(png(pixels), middle_square) == 200).all()


def test_a_photograph_is_cut_after_it_was_turned_upright():
    """Stored on its side; the middle square of a flat image is the same, that of a box is not."""
    pixels = np.zeros((100, 180, 3), np.uint8)
    pixels[:, :40] = 200  # on top once it is upright
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", exif=exif)
    face = decode(buffer.getvalue(), lambda width, height: (0, 0, width, width))
    assert (face[:, :20] == 200).all()
    assert (face[:, 30:] == 0).all()


def test_an_image_without_the_pixels_of_a_face_is_unreadable():
    """Blown up to 64x64 it would be a face without a face."""
    with pytest.raises(OSError, match=r"the crop has 31x31 pixels, of which no face .*; needs at"):
        decode(png(np.zeros((31, 40, 3), np.uint8)), middle_square)
    assert decode(png(np.zeros((32, 40, 3), np.uint8)), middle_square).shape == (3, 64, 64)


def test_a_grey_image_has_three_channels():
    assert decode(png(np.full((64, 64), 7, np.uint8)), middle_square).shape == (3, 64, 64)


# CelebA


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("celeba") / "CelebA"
    return folder, write_celeba(folder)


@pytest.fixture
def celeba(original, tmp_path):
    """A copy of the folder, to spoil."""
    return shutil.copytree(original[0], tmp_path / "CelebA")


def everything(source, limit=None):
    """Index, images, labels and identities of every split."""
    parts = {split: list(source.parts(split, limit=limit)) for split in SPLITS}
    return {
        split: [np.concatenate(column) for column in zip(*found, strict=True)]
        for split, found in parts.items()
    }


def test_celeba_comes_with_its_genders_and_people(original):
    folder, rows = original
    found = everything(open_celeba(path=folder))
    assert sum(len(index) for index, *_ in found.values()) == len(rows)
    for index, images, labels, identities in found.values():
        assert images.dtype == np.uint8
        assert images.shape == (len(index), 3, 64, 64)
        assert labels.tolist() == [rows[i][1] for i in index]
        assert identities.tolist() == [rows[i][2] for i in index]


def test_celeba_splits_are_the_official_partitions(original):
    folder, rows = original
    found = everything(open_celeba(path=folder))
    partition = np.array([row[3] for row in rows])
    np.testing.assert_array_equal(found["test"][0], np.flatnonzero(partition == 1))
    np.testing.assert_array_equal(found["validation"][0], np.flatnonzero(partition == 2))
    learnt = np.sort(np.concatenate([found["train"][0], found["judge"][0]]))
    np.testing.assert_array_equal(learnt, np.flatnonzero(partition == 0))
    assert 0 < len(found["judge"][0]) < len(found["train"][0])


def test_no_person_is_in_two_splits(original):
    people = [set(part[3]) for part in everything(open_celeba(path=original[0])).values()]
    assert sum(map(len, people)) == len(set.union(*people))


def test_a_fifth_of_the_train_identities_is_for_the_judges():
    shares = np.array([_drawn_share(i) < 0.2 for i in range(10_177)])
    # a standard error of 0.004; four of them
    assert shares.mean() == pytest.approx(0.2, abs=0.016)


def test_a_face_is_the_crop_of_its_image(original):
    folder, rows = original
    index, images, *_ = everything(open_celeba(path=folder))["test"]
    with Image.open(folder / "img_align_celeba" / rows[index[0]][0]) as file:
        pixels = np.asarray(file)[40:188, 15:163].astype(float)
    # the mean of the crop is that of the face, but for rounding
    np.testing.assert_allclose(images[0].mean(axis=(1, 2)), pixels.mean(axis=(0, 1)), atol=0.1)


def test_the_zip_gives_what_the_folder_gives(original, tmp_path):
    write_celeba(tmp_path / "zipped", zipped=True)
    first, second = (
        everything(open_celeba(path=path)) for path in (original[0], tmp_path / "zipped")
    )
    for split in SPLITS:
        for one, other in zip(first[split], second[split], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_limit_takes_the_first_faces(original):
    source = open_celeba(path=original[0])
    all_of_them, some = everything(source), everything(source, limit=3)
    for split in SPLITS:
        for column, first in zip(all_of_them[split], some[split], strict=True):
            np.testing.assert_array_equal(column[:3], first)


def test_people_of_two_partitions_are_left_out_where_f2_would_learn_them(celeba):
    """One of the test people is given a second face in the train partition."""
    names = (
        (celeba / "identity_CelebA.txt").read_text().replace("000001.jpg 100\n", "000001.jpg 116\n")
    )
    (celeba / "identity_CelebA.txt").write_text(names)
    source = open_celeba(path=celeba)
    assert source.notes()["left_out"] == 1
    found = everything(source)
    assert 0 not in np.concatenate([part[0] for part in found.values()])
    assert 116 in found["test"][3]


def test_a_corrupt_image_is_skipped_counted_and_named(celeba, caplog):
    (celeba / "img_align_celeba" / "000009.jpg").write_bytes(b"no image")
    source = open_celeba(path=celeba)
    with caplog.at_level("WARNING", logger="typeone"):
        found = everything(source)
    assert 8 not in found["test"][0]
    assert source.notes() == {"skipped": 1, "first_skipped": "000009.jpg", "left_out": 0}
    assert "000009.jpg cannot be read" in caplog.text


def test_a_truncated_image_is_corrupt(celeba):
    file = celeba / "img_align_celeba" / "000009.jpg"
    file.write_bytes(file.read_bytes()[:900])
    source = open_celeba(path=celeba)
    everything(source)
    assert source.skipped == ["000009.jpg"]


def edit(path, pattern, by, count=1):
    text, changes = re.subn(pattern, by, path.read_text(), count=count, flags=re.MULTILINE)
    assert changes == count
    path.write_text(text)


def test_celeba_may_be_unpacked_one_level_deeper(original, celeba):
    pictures = celeba / "img_align_celeba"
    pictures.rename(celeba / "inner")
    pictures.mkdir()
    (celeba / "inner").rename(pictures / "img_align_celeba")
    first, second = (everything(open_celeba(path=path)) for path in (original[0], celeba))
    for split in SPLITS:
        np.testing.assert_array_equal(first[split][1], second[split][1])


@pytest.mark.parametrize("name", ["list_attr_celeba", "list_eval_partition", "identity_CelebA"])
def test_lists_may_have_a_byte_order_mark_and_windows_lines(original, celeba, name):
    file = celeba / f"{name}.txt"
    file.write_bytes(("\ufeff" + file.read_text().replace("\n", "\r\n")).encode())
    first, second = (open_celeba(path=path).faces for path in (original[0], celeba))
    for split in SPLITS:
        np.testing.assert_array_equal(first.rows[split], second.rows[split])
    np.testing.assert_array_equal(first.identities, second.identities)


def edit_bytes(path, change):
    path.write_bytes(change(path.read_text()))


SPOILT = {
    "another encoding": (
        lambda f: edit_bytes(f / "list_attr_celeba.txt", lambda text: text.encode("utf-16")),
        "does not start like CelebA's list of attributes: needs a line with the number of images",
    ),
    "a row of attributes twice": (
        lambda f: edit(f / "list_attr_celeba.txt", r"^000005.jpg", "000006.jpg"),
        "list_attr_celeba.txt has two rows for 000006.jpg; fetch it again",
    ),
    "an identity twice": (
        lambda f: edit(f / "identity_CelebA.txt", r"^000006.jpg", "000005.jpg"),
        "identity_CelebA.txt, line 6: a second row for 000005.jpg; fetch it again",
    ),
    "other counts": (
        lambda f: edit(f / "list_attr_celeba.txt", r"\A160", "202599"),
        "list_attr_celeba.txt announces 202599 images but has rows for 160; fetch it again",
    ),
    "no folder": (lambda f: shutil.rmtree(f), "which is not a folder; it needs CelebA's official"),
    "no images": (
        lambda f: shutil.rmtree(f / "img_align_celeba"),
        "lacks img_align_celeba/ or img_align_celeba.zip; it needs CelebA's official files",
    ),
    "no list": (
        lambda f: (f / "identity_CelebA.txt").unlink(),
        "lacks identity_CelebA.txt; it needs CelebA's official files: img_align_celeba/ or ",
    ),
    "an image less": (
        lambda f: (f / "img_align_celeba" / "000007.jpg").unlink(),
        "lacks 1 of 160 images in img_align_celeba, the first 000007.jpg; fetch them again",
    ),
    "no header": (
        lambda f: edit(f / "list_attr_celeba.txt", r"\A160\n", ""),
        "does not start like CelebA's list of attributes: needs a line with the number of images",
    ),
    "no Male": (
        lambda f: edit(f / "list_attr_celeba.txt", "Male", "Female"),
        "then a line of names with Male among them; fetch it again",
    ),
    "an attribute less": (
        lambda f: edit(f / "list_attr_celeba.txt", r"^(000005.jpg -1) +-?1", r"\1"),
        "list_attr_celeba.txt, line 7 is '000005.jpg -1  1'; needs a file name and 3 values, -1 or",
    ),
    "a row of attributes less": (
        lambda f: edit(f / "list_attr_celeba.txt", r"^000005.jpg.*\n", ""),
        "list_attr_celeba.txt announces 160 images but has rows for 159; fetch it again",
    ),
    "a partition less": (
        lambda f: edit(f / "list_eval_partition.txt", r"^000005.jpg.*\n", ""),
        "list_eval_partition.txt lacks 1 of 160 images, the first 000005.jpg; fetch it again",
    ),
    "another partition": (
        lambda f: edit(f / "list_eval_partition.txt", r"^000005.jpg \d", "000005.jpg 3"),
        "list_eval_partition.txt, line 5 is '000005.jpg 3'; needs a file name and 0, 1 or 2",
    ),
    "an identity less": (
        lambda f: edit(f / "identity_CelebA.txt", r"^000005.jpg.*\n", ""),
        "identity_CelebA.txt lacks 1 of 160 images, the first 000005.jpg; fetch it again",
    ),
    "a nameless identity": (
        lambda f: edit(f / "identity_CelebA.txt", r"^000005.jpg.*$", "000005.jpg"),
        "identity_CelebA.txt, line 5 is '000005.jpg'; needs a file name and a whole number",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_celeba_is_refused_with_one_line(celeba, what):
    spoil, message = SPOILT[what]
    spoil(celeba)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        open_celeba(path=celeba)
    assert "\n" not in str(caught.value)


def test_more_than_one_percent_of_damaged_images_stops(celeba):
    for i in (9, 19):
        (celeba / "img_align_celeba" / f"{i:06d}.jpg").write_bytes(b"")
    message = "2 of 144 images cannot be read, the last one 000019.jpg (is empty); at most 1%"
    with pytest.raises(InputError, match=re.escape(message)):
        everything(open_celeba(path=celeba))


def test_the_damaged_share_is_that_of_the_images_that_were_asked_for(celeba):
    """Or a small limit of a large set could lose nearly all of its images."""
    source = open_celeba(path=celeba)
    for row in source.faces.rows["test"][:2]:
        (celeba / "img_align_celeba" / source.faces.files[row]).write_bytes(b"")
    with pytest.raises(InputError, match="1 of 5 images cannot be read"):
        list(source.parts("test", limit=5))


def test_an_image_of_another_size_is_no_aligned_celeba(celeba):
    Image.new("RGB", (64, 64)).save(celeba / "img_align_celeba" / "000009.jpg")
    with pytest.raises(InputError, match="has 64x64 pixels; the aligned images of CelebA have 178"):
        everything(open_celeba(path=celeba))


def zipped_with(folder, member):
    shutil.rmtree(folder / "img_align_celeba")
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as package:
        package.writestr(member, b"x")


LINK = zipfile.ZipInfo("img_align_celeba/000001.jpg")
LINK.external_attr = 0o120777 << 16


@pytest.mark.parametrize(
    ("member", "what"),
    [
        ("../000001.jpg", "a path outside the archive, '../000001.jpg'"),
        ("a/../../000001.jpg", "a path outside the archive"),
        ("/etc/000001.jpg", "a path outside the archive"),
        ("..\\000001.jpg", "a path outside the archive"),
        ("C:/000001.jpg", "a path outside the archive"),
        (LINK, "a symbolic link, 'img_align_celeba/000001.jpg'"),
    ],
)
def test_a_zip_that_reaches_outside_is_refused(celeba, member, what):
    zipped_with(celeba, member)
    with pytest.raises(InputError, match=re.escape(f"contains {what}")):
        open_celeba(path=celeba)


def test_a_damaged_member_of_a_zip_is_skipped_and_counted(celeba):
    """Any one byte of a packed image may be another; reading it must not stop the run."""
    pictures, package = celeba / "img_align_celeba", celeba / "img_align_celeba.zip"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as file:
        for picture in sorted(pictures.iterdir()):
            file.write(picture, f"img_align_celeba/{picture.name}")
    shutil.rmtree(pictures)
    with zipfile.ZipFile(package) as file:
        start = file.infolist()[3].header_offset + 30 + len("img_align_celeba/000004.jpg")
    whole = package.read_bytes()
    for place in (0, 1, 2, 5, 40, 400):
        package.write_bytes(whole[: start + place] + b"\xff\xff" + whole[start + place + 2 :])
        source = open_celeba(path=celeba)
        everything(source)
        assert source.notes()["skipped"] == 1, place


def test_a_damaged_zip_is_refused(celeba):
    shutil.rmtree(celeba / "img_align_celeba")
    (celeba / "img_align_celeba.zip").write_bytes(b"PK no zip")
    with pytest.raises(InputError, match="is not a readable zip file"):
        open_celeba(path=celeba)


# a folder with a table


@pytest.fixture
def table(tmp_path):
    """Forty images of ten people and the text of their table, to spoil."""
    folder = tmp_path / "images"
    folder.mkdir()
    lines = ["file,label,identity"]
    for i in range(40):
        (folder / f"{i}.png").write_bytes(png(np.full((64, 64, 3), i, np.uint8)))
        lines.append(f"{i}.png,{('female', 'male')[i % 2]},person {i % 10}")
    return folder, lines


def written(table, tmp_path, lines=None):
    path = tmp_path / "faces.csv"
    path.write_text("\n".join(lines or table[1]) + "\n")
    return path


def listed(path, seed):
    rows = read_face_rows(path)
    return face_list(rows, [row.file for row in rows], seed=seed)


def test_a_table_gives_its_images_labels_and_people(table, tmp_path):
    found = everything(open_folder(path=table[0], csv=written(table, tmp_path), seed=0))
    index = np.concatenate([part[0] for part in found.values()])
    assert sorted(index) == list(range(40))
    for rows, images, labels, identities in found.values():
        np.testing.assert_array_equal(images[:, 0, 0, 0], rows)
        np.testing.assert_array_equal(labels, rows % 2)
        np.testing.assert_array_equal(identities, rows % 10)


def test_people_without_a_split_are_parted_60_15_10_15(tmp_path):
    lines = ["file,label,identity", *(f"{i}.png,0,p{i // 2:04d}" for i in range(400))]
    faces = listed(written(None, tmp_path, lines), seed=0)
    people = {split: set(faces.identities[rows]) for split, rows in faces.rows.items()}
    assert [len(people[split]) for split in SPLITS] == [120, 30, 20, 30]
    assert len(set.union(*people.values())) == 200
    again = listed(written(None, tmp_path, lines), seed=0)
    other = listed(written(None, tmp_path, lines), seed=1)
    assert (again.rows["test"] == faces.rows["test"]).all()
    assert sorted(other.rows["test"]) != sorted(faces.rows["test"])


def test_a_split_that_is_given_is_kept(table, tmp_path):
    lines = [f"{line},{SPLITS[i % 10 % 4]}" for i, line in enumerate(table[1][1:])]
    path = written(table, tmp_path, ["file,label,identity,split", *lines])
    faces = listed(path, seed=0)
    for number, split in enumerate(SPLITS):
        assert set(faces.rows[split] % 10 % 4) == {number}


def test_labels_may_be_digits(table, tmp_path):
    lines = [line.replace("female", "0").replace("male", "1") for line in table[1]]
    faces = listed(written(table, tmp_path, lines), seed=0)
    np.testing.assert_array_equal(faces.labels, np.arange(40) % 2)


BAD_TABLES = {
    "columns": (lambda t: ["file,gender,person", *t[1:]], "lacks label, identity (it has file, ge"),
    "label": (
        lambda t: [*t[:4], t[4].replace("male", "man"), *t[5:]],
        "line 5: label is 'man'; needs one of 0, 1, female, male",
    ),
    "outside": (
        lambda t: [*t[:4], t[4].replace("3.png", "../3.png"), *t[5:]],
        "line 5: file is '../3.png'; needs a name within `faces.folder.path`",
    ),
    "absolute": (
        lambda t: [*t[:4], t[4].replace("3.png", "/3.png"), *t[5:]],
        "line 5: file is '/3.png'; needs a name within `faces.folder.path`",
    ),
    "split": (
        lambda t: [f"{t[0]},split", *(f"{line},tests" for line in t[1:])],
        "line 2: split is 'tests'; needs one of train, judge, validation, test",
    ),
    "crossing": (
        lambda t: [
            f"{t[0]},split",
            *(f"{line},{'test' if i == 13 else 'train'}" for i, line in enumerate(t[1:])),
        ],
        "line 15: identity 'person 3' is in test, and in train on line 5; needs each in one split",
    ),
    "two genders": (
        lambda t: [*t[:4], t[4].replace("male", "female"), *t[5:]],
        "line 15: identity 'person 3' has another label than on line 5; needs one gender for each",
    ),
    "a file twice": (
        lambda t: [*t, "./7.png,female,person 7"],
        "line 42: file './7.png' already has a row, line 9; needs one row per image",
    ),
    "a file in two splits": (
        lambda t: [f"{t[0]},split", *(f"{line},train" for line in t[1:]), "7.png,male,new,test"],
        "line 42: file '7.png' already has a row, line 9; needs one row per image",
    ),
    "nobody": (
        lambda t: [*t[:4], t[4].replace("person 3", ""), *t[5:]],
        "line 5: identity is ''; needs the name of the person in the image, and a unique",
    ),
    "blanks for a person": (
        lambda t: [*t[:4], t[4].replace("person 3", "  "), *t[5:]],
        "line 5: identity is ''; needs the name of the person in the image",
    ),
    "a missing value": (
        lambda t: [*t[:4], t[4].replace("person 3", "NaN"), *t[5:]],
        "line 5: identity is 'NaN'; needs the name of the person in the image",
    ),
    "a line after a blank one": (
        lambda t: [*t[:4], "", " , ,", t[4].replace("male", "man"), *t[5:]],
        "line 7: label is 'man'; needs one of",
    ),
    "more cells": (
        lambda t: [*t[:4], t[4] + ",Ann", *t[5:]],
        "line 5 has 4 cells, the header 3; enclose a cell that contains a comma in double quotes",
    ),
    "semicolons": (
        lambda t: [line.replace(",", ";") for line in t],
        "lacks file, label, identity (it has file;label;identity); needs columns file, label "
        "(female or male), identity and optionally split; separate the columns by commas",
    ),
    "two columns": (lambda t: [f"{t[0]},label", *t[1:]], "has two columns label; needs one; ren"),
    "a quote left open": (lambda t: [*t, '"a.png,male,x'], "line 42: unexpected end of data; save"),
    "a header alone": (lambda t: t[:1], "has no row below its header; needs one per image"),
}


@pytest.mark.parametrize("what", BAD_TABLES)
def test_a_bad_table_is_refused_with_one_line(table, tmp_path, what):
    spoil, message = BAD_TABLES[what]
    path = written(table, tmp_path, spoil(table[1]))
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        open_folder(path=table[0], csv=path, seed=0)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_table_or_image_is_named(table, tmp_path):
    path = written(table, tmp_path)
    with pytest.raises(InputError, match=r"`faces.folder.path` is 'nowhere', which is not a"):
        open_folder(path="nowhere", csv=path, seed=0)
    with pytest.raises(InputError, match=r"`faces.folder.csv` nothing.csv does not exist; needs a"):
        open_folder(path=table[0], csv="nothing.csv", seed=0)
    (table[0] / "7.png").unlink()
    with pytest.raises(InputError, match=r"lacks 1 of 40 images, the first 7.png; add them, or"):
        open_folder(path=table[0], csv=path, seed=0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"lacks file, label, identity \(it has no column\); needs columns file"),
        (
            b"file,label,identity\n1.png,male,Zo\xeb\n",
            "line 2: byte 0xEB is not UTF-8 text; save it",
        ),
        (
            "file,label,identity\n1.png,male,王\n".encode("gbk"),
            "line 2: byte 0xCD is not UTF-8 text",
        ),
        ("file,label,identity\n".encode("utf-16"), "line 1: byte 0xFF is not UTF-8 text; save it"),
        (
            b"file,label,identity\n1.png,male,a\0b\n",
            "line 2 contains a NUL byte, which is not allowed in text",
        ),
    ],
)
def test_a_table_that_is_no_text_is_refused(table, tmp_path, data, message):
    path = tmp_path / "faces.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        open_folder(path=table[0], csv=path, seed=0)


def test_a_folder_is_no_table(table):
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\); needs a table with"):
        open_folder(path=table[0], csv=table[0], seed=0)


@pytest.mark.parametrize(
    "spelt",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n") + "\r\n",
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", ",\n"),  # also the header
        lambda text: text.replace("\n", ",\n").replace(",\n", "\n", 1),  # rows alone
        lambda text: text.replace("\n", ",,\n") + ",,,\n",
        lambda text: text.replace(",", " , "),
        lambda text: (
            text.replace("identity", "identity,note")
            .replace("\n", ",\n")
            .replace("note,\n", "note\n")
        ),
    ],
    ids=["BOM", "CRLF", "CR", "commas", "commas below", "more", "blanks", "a column more"],
)
def test_ways_to_write_the_same_table(table, tmp_path, spelt):
    expected = everything(open_folder(path=table[0], csv=written(table, tmp_path), seed=0))
    path = tmp_path / "other.csv"
    path.write_bytes(spelt("\n".join(table[1]) + "\n").encode())
    found = everything(open_folder(path=table[0], csv=path, seed=0))
    for split in SPLITS:
        for one, other in zip(expected[split], found[split], strict=True):
            np.testing.assert_array_equal(one, other)


def test_one_name_is_one_person_however_it_is_written(tmp_path):
    lines = [
        "file,label,identity",
        "1.png,female,Zo\xeb",
        "2.png,female, Zoe\u0308 ",
        "3.png,male,x",
    ]
    assert len(set(listed(written(None, tmp_path, lines), seed=0).identities)) == 2


def test_names_of_files_may_be_spelt_otherwise_than_on_disk(table, tmp_path):
    folder = table[0]
    (folder / "below").mkdir()
    names = ("Zoe\u0308.PNG", " 5 .jpeg", "below/王.webp", "plain.bmp")
    for number, (name, kind) in enumerate(
        zip(names, ("png", "jpeg", "webp", "bmp"), strict=True), start=100
    ):
        pixels = np.full((64, 64, 3), number, np.uint8)
        Image.fromarray(pixels).save(folder / name, kind, lossless=True)
    rows = [
        "Zo\xeb.PNG,male,new",
        " 5 .jpeg,male,new",
        r"below\王.webp,male,new",
        "plain.bmp,male,new",
    ]
    path = written(table, tmp_path, [*table[1], *rows])
    found = everything(open_folder(path=folder, csv=path, seed=0))
    seen = {
        int(i): int(p[0, 0, 0]) for part in found.values() for i, p in zip(*part[:2], strict=True)
    }
    assert [seen[i] for i in range(40, 44)] == [100, 101, 102, 103]


def test_an_image_is_what_its_bytes_are_and_not_what_its_name_says(table, tmp_path):
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(table[0] / "0.png", "bmp")
    source = open_folder(path=table[0], csv=written(table, tmp_path), seed=0)
    (face,) = (p[1][list(p[0]).index(0)] for p in everything(source).values() if 0 in p[0])
    assert (face == 200).all()


@pytest.mark.parametrize("rows", [["9.png,male,new"], ["9.png,female,person 4"]])
def test_an_image_that_is_there_twice_is_refused(table, tmp_path, rows):
    """As two people, or as two faces of one."""
    name = rows[0].split(",")[0]
    shutil.copy(table[0] / "4.png", table[0] / "copy.png")
    path = written(table, tmp_path, [*table[1], rows[0].replace(name, "copy.png")])
    message = (
        r"line 42: copy\.png has the bytes of 4\.png on line 6, the first of 1 such copies; needs"
    )
    with pytest.raises(InputError, match=message):
        open_folder(path=table[0], csv=path, seed=0)


def test_images_behind_symbolic_links_are_there(table, tmp_path):
    folder = tmp_path / "linked"
    folder.mkdir()
    (folder / "below").symlink_to(table[0], target_is_directory=True)
    (folder / "0.png").symlink_to(table[0] / "0.png")
    lines = [table[1][0], table[1][1], *(f"below/{line}" for line in table[1][2:])]
    found = everything(open_folder(path=folder, csv=written(table, tmp_path, lines), seed=0))
    assert sum(len(part[0]) for part in found.values()) == 40


def test_only_a_part_is_in_memory(table, tmp_path, monkeypatch):
    """Parts come as they are asked for: no image is read before the part before it was taken."""
    monkeypatch.setattr(photographs, "PART", 4)
    source = open_folder(path=table[0], csv=written(table, tmp_path), seed=0)
    opened = []
    read = source.files.read
    source.files.read = lambda name: opened.append(name) or read(name)
    for number, part in enumerate(source.parts("train", limit=None), start=1):
        assert len(part.images) <= 4
        assert len(opened) <= 4 * number
