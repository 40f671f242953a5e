"""An image file gives the pixels that a viewer shows, whatever format and mode it is in."""

import contextlib
import io
import zlib

import numpy as np
import pytest
from PIL import Image, features

from typeone.data.image_files import BACKGROUND, read_rgb

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (20, 16, 3), np.uint8)
GREY = RNG.integers(0, 256, (20, 16), np.uint8)


def file_of(picture, kind="png", **settings):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **settings)
    return buffer.getvalue()


def pixels(data):
    return np.asarray(read_rgb(data))


def three(grey):
    return np.repeat(grey[:, :, None], 3, axis=2)


# plain images


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "ppm", "webp"])
def test_plain_colours_come_back_bit_by_bit(kind):
    settings = {"lossless": True} if kind == "webp" else {}
    data = file_of(Image.fromarray(COLOUR), kind, **settings)
    np.testing.assert_array_equal(pixels(data), COLOUR)


def test_a_plain_jpeg_is_what_pillow_decodes():
    data = file_of(Image.fromarray(COLOUR), "jpeg", quality=90)
    np.testing.assert_array_equal(pixels(data), np.asarray(Image.open(io.BytesIO(data))))


def test_grey_has_three_equal_channels():
    np.testing.assert_array_equal(pixels(file_of(Image.fromarray(GREY))), three(GREY))


def test_one_bit_is_black_and_white():
    bits = GREY > 127
    np.testing.assert_array_equal(pixels(file_of(Image.fromarray(bits))), three(bits * 255))


def test_a_palette_gives_its_colours():
    picture = Image.fromarray(GREY // 64, "P")
    palette = [(0, 0, 0), (200, 10, 20), (30, 220, 40), (50, 60, 240)]
    picture.putpalette(sum(palette, ()))
    np.testing.assert_array_equal(pixels(file_of(picture)), np.array(palette)[GREY // 64])


def test_cmyk_is_what_the_inks_leave():
    """Without black ink each channel is 255 less its ink; no colour profile is applied."""
    inks = np.concatenate([COLOUR, np.zeros((20, 16, 1), np.uint8)], axis=2)
    data = file_of(Image.fromarray(inks, "CMYK"), "tiff")
    np.testing.assert_array_equal(pixels(data), 255 - COLOUR)


# orientation

TURNS = {  # what each orientation of EXIF asks a viewer to do with the stored pixels
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "webp"])
@pytest.mark.parametrize("orientation", TURNS)
def test_a_photograph_is_read_upright(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    settings = {"lossless": True} if kind == "webp" else {}
    picture = Image.fromarray(COLOUR)
    stored = pixels(file_of(picture, kind, **settings))
    data = file_of(picture, kind, exif=exif, **settings)
    np.testing.assert_array_equal(pixels(data), TURNS[orientation](stored))


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\xff\xff", b"nonsense", b"\xff"])
def test_damaged_exif_leaves_an_image_as_it_is_stored(exif):
    data = file_of(Image.fromarray(COLOUR), exif=exif)
    np.testing.assert_array_equal(pixels(data), COLOUR)


# more than eight bits


@pytest.mark.parametrize(("kind", "mode"), [("png", "I;16"), ("tiff", "I;16"), ("tiff", "I;16B")])
def test_grey_of_16_bits_is_scaled_to_8(kind, mode):
    ramp = np.linspace(0, 65535, 320).reshape(20, 16).astype(np.uint16)
    picture = Image.frombytes(mode, (16, 20), ramp.astype(">u2" if mode[-1] == "B" else "<u2"))
    data = file_of(picture, kind)
    np.testing.assert_array_equal(pixels(data), three(np.rint(ramp / 257).astype(np.uint8)))


def test_what_16_bits_repeat_of_8_is_the_8():
    data = file_of(Image.fromarray(GREY.astype(np.uint16) * 257))
    np.testing.assert_array_equal(pixels(data), three(GREY))


def test_a_pgm_of_16_bits_is_scaled_too():
    wide = GREY.astype(">u2") * 257
    data = b"P5 16 20 65535\n" + wide.tobytes()
    np.testing.assert_array_equal(pixels(data), three(GREY))


def png_of(samples, colour_type):
    """A PNG of 16 bits with ``samples`` ``(H, W, C)``, which Pillow cannot write."""

    def chunk(name, data):
        body = name + data
        return len(data).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)

    height, width = samples.shape[:2]
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([16, colour_type, 0, 0, 0])
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_colours_of_16_bits_are_scaled():
    wide = RNG.integers(0, 65536, (20, 16, 3), np.uint16)
    found = pixels(png_of(wide, 2)).astype(float)
    np.testing.assert_allclose(found, wide / 257, atol=1.01)  # Pillow takes the upper byte


@pytest.mark.parametrize("scale", [1, 255])
def test_floats_are_in_0_to_1_or_in_0_to_255(scale):
    levels = GREY / 255 * scale
    data = file_of(Image.fromarray(levels.astype(np.float32)), "tiff")
    np.testing.assert_array_equal(pixels(data), three(GREY))


def test_floats_are_rounded_to_the_nearest_level():
    levels = np.array([[0.4, 0.6], [99.5001, 254.7]], np.float32)
    found = pixels(file_of(Image.fromarray(levels), "tiff"))
    assert found[..., 0].tolist() == [[0, 1], [100, 255]]


@pytest.mark.parametrize("levels", [GREY / 255 - 0.5, GREY * 4.0, GREY * np.nan, GREY * np.inf])
def test_floats_of_another_range_are_refused(levels):
    data = file_of(Image.fromarray(levels.astype(np.float32)), "tiff")
    with pytest.raises(OSError, match=r"its pixels, .* are neither in 0 to 1 nor in 0 to 255"):
        read_rgb(data)


def test_whole_numbers_of_an_unknown_range_are_refused():
    data = file_of(Image.fromarray(GREY.astype(np.int32) * 1000), "tiff")
    with pytest.raises(OSError, match=r"its pixels, .* are not in 0 to 255"):
        read_rgb(data)
    data = file_of(Image.fromarray(GREY.astype(np.int32)), "tiff")
    np.testing.assert_array_equal(pixels(data), three(GREY))


# transparency


def test_colours_behind_alpha_are_laid_on_white():
    assert BACKGROUND == (255, 255, 255)
    alpha = np.zeros((20, 16, 1), np.uint8)
    alpha[:, 8:] = 255
    alpha[:, 4:8] = 51  # a fifth
    data = file_of(Image.fromarray(np.concatenate([COLOUR, alpha], axis=2)))
    found = pixels(data)
    assert (found[:, :4] == 255).all()
    np.testing.assert_allclose(found[:, 4:8], 0.2 * COLOUR[:, 4:8] + 0.8 * 255, atol=1)  # rounds
    np.testing.assert_array_equal(found[:, 8:], COLOUR[:, 8:])


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_an_opaque_alpha_changes_nothing(kind):
    alpha = np.full((20, 16, 1), 255, np.uint8)
    picture = Image.fromarray(np.concatenate([COLOUR, alpha], axis=2))
    settings = {"lossless": True} if kind == "webp" else {}
    np.testing.assert_array_equal(pixels(file_of(picture, kind, **settings)), COLOUR)


def test_grey_behind_alpha_is_laid_on_white():
    alpha = np.where(GREY > 99, 255, 0).astype(np.uint8)
    data = file_of(Image.fromarray(np.stack([GREY, alpha], axis=2), "LA"))
    np.testing.assert_array_equal(pixels(data), three(np.where(alpha, GREY, 255)))


def test_transparent_entries_of_a_palette_are_white():
    picture = Image.fromarray(GREY // 64, "P")
    palette = [(0, 0, 0), (200, 10, 20), (30, 220, 40), (50, 60, 240)]
    picture.putpalette(sum(palette, ()))
    expected = np.array([(0, 0, 0), (200, 10, 20), (255, 255, 255), (50, 60, 240)])[GREY // 64]
    for kind in ("png", "gif"):
        np.testing.assert_array_equal(pixels(file_of(picture, kind, transparency=2)), expected)


def test_the_transparent_colour_of_a_png_is_white():
    colour = COLOUR.copy()
    colour[:5] = (1, 2, 3)
    data = file_of(Image.fromarray(colour), transparency=(1, 2, 3))
    colour[:5] = 255
    np.testing.assert_array_equal(pixels(data), colour)
    grey = np.where(GREY < 50, 7, GREY)
    data = file_of(Image.fromarray(grey.astype(np.uint16) * 257), transparency=7 * 257)
    np.testing.assert_array_equal(pixels(data), three(np.where(grey == 7, 255, grey)))


# profiles and animations


def test_an_embedded_colour_profile_is_not_applied():
    data = file_of(Image.fromarray(COLOUR), icc_profile=b"a profile")
    np.testing.assert_array_equal(pixels(data), COLOUR)


@pytest.mark.parametrize("kind", ["png", "gif", "webp", "tiff"])
def test_of_an_animation_the_first_picture_is_taken(kind):
    first, second = Image.new("RGB", (16, 20), (255, 0, 0)), Image.new("RGB", (16, 20))
    settings = {"lossless": True} if kind == "webp" else {}
    data = file_of(first, kind, save_all=True, append_images=[second], **settings)
    np.testing.assert_array_equal(pixels(data), np.broadcast_to((255, 0, 0), (20, 16, 3)))


# damaged files


@pytest.mark.parametrize("data", [b"", b"no image", b"<html>", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(OSError, match=f"^{'is empty' if not data else 'is not an image'}"):
        read_rgb(data)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm", "jpeg2000"])
def test_a_truncated_file_is_refused(kind):
    data = file_of(Image.fromarray(np.tile(COLOUR, (8, 8, 1))), kind)
    for share in (0.1, 0.3, 0.6):
        with pytest.raises(OSError, match=r".+") as caught:
            read_rgb(data[: int(len(data) * share)])
        assert "0x" not in str(caught.value)  # the address of a buffer helps nobody


def test_damaged_bytes_give_an_image_or_an_error_of_reading():
    """And nothing else, which would end a run with a traceback."""
    kinds = ("png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm", "ico", "tga", "pcx", "dds")
    for kind in (*kinds, *(["avif"] if features.check("avif") else [])):
        data = file_of(Image.fromarray(COLOUR).convert("P" if kind == "pcx" else "RGB"), kind)
        for _ in range(60):
            at, value = RNG.integers(0, min(len(data), 200)), RNG.integers(0, 256)
            with contextlib.suppress(OSError):
                assert pixels(data[:at] + bytes([value]) + data[at + 1 :]).shape[2] == 3


def test_an_image_without_pixels_is_refused():
    bmp = file_of(Image.fromarray(COLOUR), "bmp")
    for empty in (b"P6 0 5 255\n", b"P6 5 0 255\n", bmp[:18] + bytes(4) + bmp[22:]):
        with pytest.raises(OSError, match=r".+"):
            read_rgb(empty)


def test_an_image_too_large_to_be_one_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(OSError, match=r"320 pixels.*exceeds limit of 200 pixels"):
        read_rgb(file_of(Image.fromarray(COLOUR)))
