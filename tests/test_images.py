"""What `decode` makes of every kind of picture, and what it refuses."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from inception_harness import images
from inception_harness.errors import PictureError


@pytest.fixture(scope="module")
def tf() -> ModuleType:
    import tensorflow

    return tensorflow


def picture(width: int = 40, height: int = 30) -> np.ndarray:
    """Two gradients and, in blue, a pattern that no averaging leaves alone."""
    y, x = np.mgrid[:height, :width]
    blue = ((x // 3 + y // 5) % 2) * 200
    red, green = x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def encoded(image: Image.Image | np.ndarray, form: str = "PNG", **options: object) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def refusal(source: object, name: str | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        images.decode(source, name=name)
    return str(caught.value)


def with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# --- JPEG equals TensorFlow's decoder -----------------------------------------------------------

JPEGS = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "4:1:1": {"subsampling": "4:1:1"},
    "progressive": {"subsampling": 2, "progressive": True},
    "restart markers": {"restart_marker_blocks": 2},
    "best quality": {"quality": 100, "subsampling": 0},
    "worst quality": {"quality": 1},
    "stored as RGB": {"keep_rgb": True},
}


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 17), (101, 203)], ids=str)
@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
def test_jpeg_equals_tensorflow_to_the_byte(tf, options, size):
    data = encoded(picture(*size), "JPEG", **options)
    expected = tf.io.decode_jpeg(data, channels=3).numpy()
    np.testing.assert_array_equal(images.decode(data), expected)


@pytest.mark.parametrize("progressive", [False, True])
def test_grey_jpeg_equals_tensorflow_to_the_byte(tf, progressive):
    data = encoded(Image.fromarray(picture(33, 17)).convert("L"), "JPEG", progressive=progressive)
    expected = tf.io.decode_jpeg(data, channels=3).numpy()
    np.testing.assert_array_equal(images.decode(data), expected)


def adobe_marker(data: bytes) -> slice:
    start = data.index(b"\xff\xee")
    return slice(start, start + 2 + int.from_bytes(data[start + 2 : start + 4], "big"))


def cmyk_jpegs() -> dict[str, bytes]:
    inverted = encoded(Image.fromarray(picture()).convert("CMYK"), "JPEG", quality=90)
    marker = adobe_marker(inverted)
    ycck = bytearray(inverted)
    ycck[marker.stop - 1] = 2  # the marker's last byte is the colour transform
    return {
        "inverted, by Adobe": inverted,
        "plain": inverted[: marker.start] + inverted[marker.stop :],
        "YCCK": bytes(ycck),
    }


@pytest.mark.parametrize("data", cmyk_jpegs().values(), ids=cmyk_jpegs())
def test_cmyk_jpeg_equals_tensorflow_to_the_byte(tf, data):
    expected = tf.io.decode_jpeg(data, channels=3).numpy()
    np.testing.assert_array_equal(images.decode(data), expected)


@pytest.mark.parametrize("revision", [b"\0\0", b"\x95\1"])
def test_an_unknown_jfif_revision_changes_nothing(tf, revision):
    data = bytearray(encoded(picture(), "JPEG"))
    data[11:13] = revision
    expected = tf.io.decode_jpeg(bytes(data)).numpy()
    np.testing.assert_array_equal(images.decode(bytes(data)), expected)


def test_adobes_inverted_cmyk_shows_the_picture_and_not_its_negative():
    red = np.broadcast_to(np.uint8([250, 20, 10]), (16, 16, 3))
    data = encoded(Image.fromarray(np.ascontiguousarray(red)).convert("CMYK"), "JPEG")
    np.testing.assert_allclose(images.decode(data), red, atol=3)


def test_the_fast_transform_inverts_a_hard_checkerboard_as_tensorflow_does(tf):
    """A quirk that TensorFlow's users have: not ours to repair, and told in the docs."""
    y, x = np.mgrid[:32, :32]
    board = ((x // 4 + y // 4) % 2 * 255).astype(np.uint8)
    data = encoded(board, "JPEG", quality=95)
    ours = images.decode(data)
    np.testing.assert_array_equal(ours, tf.io.decode_jpeg(data, channels=3).numpy())
    assert (np.abs(ours[..., 0].astype(int) - board) > 128).mean() == 0.5


def test_spare_bytes_before_the_end_marker_do_no_harm(tf):
    data = encoded(picture(), "JPEG")
    spare = data[:-2] + bytes(100) + data[-2:]
    np.testing.assert_array_equal(images.decode(spare), images.decode(data))
    np.testing.assert_array_equal(images.decode(spare), tf.io.decode_jpeg(spare).numpy())


def test_photos_equal_tensorflow_to_the_byte(tf, shared_store):
    assert unequal_jpegs(tf, shared_store / "pictures" / "photos", 10) == []


def test_imagenet_sample_equals_tensorflow_to_the_byte(tf, shared_store):
    assert unequal_jpegs(tf, shared_store / "datasets" / "imagenet-sample", 500) == []


def unequal_jpegs(tf: ModuleType, folder: Path, count: int) -> list[str]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    assert len(paths) == count
    unequal = []
    for path in paths:
        expected = tf.io.decode_jpeg(path.read_bytes(), channels=3).numpy()
        if not np.array_equal(images.decode(path), expected):
            unequal.append(path.name)
    return unequal


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_whatever_is_decoded_from_a_damaged_jpeg_is_what_tensorflow_decodes(tf, data):
    """Damage is refused or changes nothing that TensorFlow would not show too."""
    options = data.draw(st.sampled_from(list(JPEGS.values())))
    damaged = bytearray(encoded(picture(33, 17), "JPEG", **options))
    for _ in range(data.draw(st.integers(1, 3))):
        # Beyond the headers, of which a changed size would ask for gigabytes.
        damaged[data.draw(st.integers(620, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        ours = images.decode(bytes(damaged))
    except PictureError:
        return
    np.testing.assert_array_equal(ours, tf.io.decode_jpeg(bytes(damaged), channels=3).numpy())


# --- other formats ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "JPEG2000", "WEBP"])
def test_lossless_formats_give_the_pixels(form):
    options = {"lossless": True} if form == "WEBP" else {}
    np.testing.assert_array_equal(images.decode(encoded(picture(), form, **options)), picture())


def test_path_bytes_image_and_array_agree(tmp_path):
    for form in ("PNG", "JPEG"):
        path = tmp_path / f"picture.{form}"
        path.write_bytes(encoded(picture(), form))
        expected = images.decode(path)
        for source in (str(path), path.read_bytes(), expected):
            np.testing.assert_array_equal(images.decode(source), expected)
        with Image.open(path) as image:
            np.testing.assert_array_equal(images.decode(image), expected)


def test_a_pillow_image_once_read_is_its_pixels():
    image = Image.open(io.BytesIO(encoded(picture(), "JPEG")))
    assert images.read_bytes(image) is not None
    image.putpixel((0, 0), (1, 2, 3))
    assert images.read_bytes(image) is None
    assert images.decode(image)[0, 0].tolist() == [1, 2, 3]


def test_a_draft_of_a_jpeg_is_not_its_file():
    image = Image.open(io.BytesIO(encoded(picture(64, 48), "JPEG")))
    image.draft("RGB", (32, 24))
    assert images.decode(image).shape == (24, 32, 3)


def test_an_unread_pillow_image_can_still_be_used():
    image = Image.open(io.BytesIO(encoded(picture(), "JPEG")))
    first = images.decode(image)
    np.testing.assert_array_equal(images.decode(image), first)
    assert np.asarray(image).shape == first.shape


def test_read_bytes_gives_the_file(tmp_path):
    data = encoded(picture())
    (tmp_path / "a.png").write_bytes(data)
    assert images.read_bytes(tmp_path / "a.png") == data
    assert images.read_bytes(str(tmp_path / "a.png")) == data
    assert images.read_bytes(data) == data
    assert images.read_bytes(picture()) is None
    assert images.read_bytes(Image.fromarray(picture())) is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation, form):
    options = {"lossless": True} if form == "WEBP" else {}
    exif = with_orientation(orientation)
    data = encoded(picture(16, 8), form, exif=exif, **options)
    stored = Image.fromarray(images.decode(encoded(picture(16, 8), form, **options)))
    stored.info["exif"] = exif.tobytes()
    upright = ImageOps.exif_transpose(stored)
    assert upright.size == ((16, 8) if orientation < 5 else (8, 16))
    np.testing.assert_array_equal(images.decode(data), np.asarray(upright))
    np.testing.assert_array_equal(images.decode(Image.open(io.BytesIO(data))), np.asarray(upright))


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_a_senseless_orientation_is_none(orientation):
    data = encoded(picture(), exif=with_orientation(orientation))
    np.testing.assert_array_equal(images.decode(data), picture())


def test_damaged_exif_is_no_orientation():
    exif = with_orientation(6).tobytes()
    data = encoded(picture(), "JPEG", exif=exif)
    damaged = data.replace(exif, exif[:12] + b"\xff" * (len(exif) - 12))
    assert damaged != data
    np.testing.assert_array_equal(images.decode(damaged), images.decode(encoded(picture(), "JPEG")))


def test_only_an_upright_jpeg_is_plain():
    assert images.is_plain_jpeg(encoded(picture(), "JPEG"))
    assert images.is_plain_jpeg(encoded(picture(), "JPEG", exif=with_orientation(1)))
    assert not images.is_plain_jpeg(encoded(picture(), "JPEG", exif=with_orientation(6)))
    assert not images.is_plain_jpeg(encoded(picture(), "PNG"))
    assert not images.is_plain_jpeg(b"\xff\xd8\xff nothing")
    assert not images.is_plain_jpeg(b"")


def test_grey_scale_becomes_three_equal_channels():
    grey = picture()[..., 0]
    expected = np.repeat(grey[..., None], 3, axis=-1)
    np.testing.assert_array_equal(images.decode(encoded(grey)), expected)


def test_one_bit_is_black_and_white():
    pixels = images.decode(encoded(Image.fromarray(picture()[..., 0] > 100)))
    assert np.unique(pixels).tolist() == [0, 255]


def test_a_palette_is_resolved():
    image = Image.fromarray(picture()).quantize(16)
    assert image.mode == "P"
    np.testing.assert_array_equal(images.decode(encoded(image)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_on_white(mode):
    image = Image.new(mode, (4, 1), 0)
    colour = (200, 0, 0) if mode == "RGBA" else (200,)
    for x, alpha in enumerate((0, 128, 30, 255)):
        image.putpixel((x, 0), (*colour, alpha))
    red = images.decode(encoded(image))[0, :, 0]
    # 200 x 128/255 + 255 x 127/255 = 227.4; with 30 for 128 it is 248.5
    assert red.tolist() == [255, 227, 249, 200]


def test_a_transparent_palette_colour_is_laid_on_white():
    image = Image.new("P", (2, 1), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    pixels = images.decode(encoded(image, transparency=0))
    assert pixels.tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_tensorflow_drops_alpha_which_is_why_transparent_pngs_differ(tf):
    image = Image.new("RGBA", (1, 1), (0, 0, 0, 0))
    assert images.decode(encoded(image)).max() == 255
    assert tf.io.decode_png(encoded(image), channels=3).numpy().max() == 0


def test_sixteen_bit_grey_keeps_the_upper_eight_as_tensorflow_does(tf):
    values = np.uint16([[0, 255, 256, 40_000, 65_535]])
    data = encoded(values)
    assert images.decode(data)[0, :, 0].tolist() == [0, 0, 1, 156, 255]
    np.testing.assert_array_equal(images.decode(data), tf.io.decode_png(data, 3).numpy())


def sixteen_bit_png(rgb: np.ndarray) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width = rgb.shape[:2]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in rgb)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part)
        for part in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    )


def test_sixteen_bit_colour_keeps_the_upper_eight_as_tensorflow_does(tf):
    values = np.arange(0, 65_536, 257, dtype=np.uint16)[: 8 * 8 * 3].reshape(8, 8, 3) + np.uint16(
        200
    )
    data = sixteen_bit_png(values)
    np.testing.assert_array_equal(images.decode(data), values >> 8)
    np.testing.assert_array_equal(images.decode(data), tf.io.decode_png(data, 3).numpy())


def test_sixteen_bit_ppm_and_tiff_keep_the_upper_eight():
    values = np.uint16([[0, 256, 65_535]])
    for form in ("PPM", "TIFF"):
        assert images.decode(encoded(values, form))[0, :, 0].tolist() == [0, 1, 255], form


def test_thirty_two_bits_are_refused():
    image = Image.fromarray(np.int32([[0, 70_000]]))
    assert refusal(encoded(image, "TIFF"), "deep.tif") == (
        "deep.tif has values of 0..70000; expected 16 bits, 0..65535. Scale it to 8 bits first."
    )


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation_is_taken(form):
    colours = ("red", "green", "blue")
    first, *others = (Image.new("RGB", (8, 8), colour) for colour in colours)
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(first, form, save_all=True, append_images=others, **options)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert np.unique(images.decode(data).reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


def test_other_colour_spaces_of_pillow_images_are_converted():
    image = Image.fromarray(picture())
    for mode in ("YCbCr", "HSV", "CMYK", "RGBX"):
        converted = image.convert(mode)
        expected = np.asarray(converted.convert("RGB"))
        np.testing.assert_array_equal(images.decode(converted), expected)


# --- arrays -------------------------------------------------------------------------------------


def test_arrays_of_every_form_are_taken():
    rgb = picture()
    grey = rgb[..., 0]
    np.testing.assert_array_equal(images.decode(rgb), rgb)
    np.testing.assert_array_equal(images.decode(rgb[:, ::-1]), rgb[:, ::-1])
    np.testing.assert_array_equal(images.decode(grey)[..., 2], grey)
    np.testing.assert_array_equal(images.decode(grey[..., None])[..., 2], grey)
    opaque = np.dstack([rgb, np.full_like(grey, 255)])
    np.testing.assert_array_equal(images.decode(opaque), rgb)
    np.testing.assert_array_equal(images.decode(rgb * 0.99 + 0.4), np.rint(rgb * 0.99 + 0.4))
    assert images.decode(np.float32([[0, 254.6, 255]]))[0, :, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.float32([[0, np.nan]]),
            "the array has values of nan..nan; expected 0..255, all of them finite.",
        ),
        (
            np.float32([[0, np.inf]]),
            "the array has values of 0..inf; expected 0..255, all of them finite.",
        ),
        (
            np.float64([[-1, 255]]),
            "the array has values of -1..255; expected 0..255, all of them finite.",
        ),
        (
            np.float32([[0, 255.5]]),
            "the array has values of 0..255.5; expected 0..255, all of them finite.",
        ),
        (
            np.float32([[0.25, 1]]),
            "the array has values of 0.25..1, which would be black; expected 0..255. "
            "Multiply it by 255, or give uint8 if it is as dark as that.",
        ),
        (
            np.uint16([[0, 255]]),
            "the array has type uint16; expected uint8, or float within 0..255.",
        ),
        (
            np.zeros((1, 8, 8, 3), np.uint8),
            "the array has shape (1, 8, 8, 3); expected one picture of shape (h, w), (h, w, 1), "
            "(h, w, 3) or (h, w, 4).",
        ),
        (
            np.zeros((3, 8, 8), np.uint8),
            "the array has shape (3, 8, 8); expected one picture of shape (h, w), (h, w, 1), "
            "(h, w, 3) or (h, w, 4).",
        ),
        (
            np.zeros((0, 8, 3), np.uint8),
            "the array has shape (0, 8, 3): it has no pixels.",
        ),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array, message):
    assert refusal(array) == message


def test_black_is_not_taken_for_a_picture_of_0_to_1():
    assert images.decode(np.zeros((2, 2, 3), np.float32)).max() == 0


# --- refusals -----------------------------------------------------------------------------------


def test_a_missing_file_is_refused_and_a_near_one_named(tmp_path):
    (tmp_path / "panda.jpg").write_bytes(b"")
    assert refusal(tmp_path / "pandas.jpg") == (
        f"There is no picture {tmp_path}/pandas.jpg. Did you mean {tmp_path}/panda.jpg?"
    )
    assert refusal(str(tmp_path / "xyz")) == f"There is no picture {tmp_path}/xyz. Check the path."
    assert refusal(tmp_path / "no" / "a.jpg") == (
        f"There is no picture {tmp_path}/no/a.jpg. There is no folder {tmp_path}/no either."
    )


def test_a_folder_is_refused(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is a folder; expected a picture file."


@pytest.mark.parametrize("make", [str, Path])
def test_a_url_is_refused(make):
    url = make("https://example.org/panda.jpg")
    assert refusal(url) == (
        f"{url} is a URL; pictures are read from files. Download it, then give its path."
    )


def test_a_path_with_a_nul_is_refused():
    assert refusal("a\0b.jpg").startswith("'a\\x00b.jpg' cannot be the path of a file: ")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert refusal(tmp_path / "a.jpg") == (
        f"{tmp_path}/a.jpg is empty (0 bytes). Copy or download the file again."
    )
    assert refusal(b"") == (
        "the picture given as bytes is empty (0 bytes). Copy or download the file again."
    )


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html>", b"\n  <HTML>", b"<!-- a --><head>", b"<?xml version='1.0'?>"]
)
def test_a_web_page_is_refused(page):
    assert refusal(page + b" " * 2000, "panda.jpg") == (
        "panda.jpg is a web page (HTML or XML), not a picture: a download has saved the page "
        "instead of the file. Download the picture itself."
    )


def test_other_files_are_refused():
    assert refusal(b"PK\3\4 a zip archive", "a.zip") == (
        r"a.zip is no picture that can be read: it begins with b'PK\x03\x04 a zip a'. "
        "Expected JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM or JPEG2000."
    )


def test_formats_that_start_other_programs_are_refused():
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
    assert refusal(data).startswith("the picture given as bytes is no picture that can be read")


def test_other_types_are_refused():
    assert refusal([[1, 2]]) == (
        "The picture is given as list; expected a path, bytes, a Pillow image or a numpy array."
    )


def test_a_truncated_jpeg_is_refused():
    data = encoded(picture(), "JPEG")
    assert refusal(data[:-2], "cut.jpg") == (
        "cut.jpg is truncated: Premature end of JPEG file. Copy or download the file again."
    )
    assert refusal(data[:20], "cut.jpg") == (
        "cut.jpg is truncated or damaged: its header cannot be read. "
        "Copy or download the file again."
    )


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_cut_anywhere_is_refused_as_tensorflow_refuses_it(tf, options):
    data = encoded(picture(33, 17), "JPEG", **options)
    for length in range(1, len(data), 23):
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.io.decode_jpeg(data[:length])
        assert "the picture given as bytes is " in refusal(data[:length])


# BMP tells its length in its header, the others break off inside their coded data.
@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000"])
def test_a_truncated_file_of_another_format_is_refused(form):
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    data = encoded(noise, form)
    assert images.decode(data).shape == (40, 50, 3)
    for share in (0.3, 0.6, 0.9):
        message = refusal(data[: int(len(data) * share)], "cut")
        assert message.startswith(("cut is truncated", "cut is damaged", "cut is no picture"))


def test_a_damaged_jpeg_is_refused_with_the_decoders_words():
    data = encoded(picture(), "JPEG", restart_marker_blocks=1)
    damaged = data.replace(b"\xff\xd1", b"\xff\xd5", 1)
    assert damaged != data
    message = refusal(damaged, "odd.jpg")
    assert message.startswith("odd.jpg is damaged: Corrupt JPEG data: ")
    assert message.endswith(". Copy or download the file again.")


def huge_png() -> bytes:
    small = bytearray(encoded(picture(1, 1)))
    small[16:24] = struct.pack(">II", 20_000, 20_000)
    small[29:33] = struct.pack(">I", zlib.crc32(small[12:29]))
    return bytes(small)


def huge_jpeg(side: int) -> bytes:
    small = bytearray(encoded(picture(1, 1), "JPEG"))
    start = small.index(b"\xff\xc0")
    small[start + 5 : start + 9] = struct.pack(">HH", side, side)
    return bytes(small)


# Pillow warns of what lies above its limit and refuses twice that; the answer here is one, whether
# warnings are errors or not.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("data", [huge_png(), huge_jpeg(10_000)], ids=["PNG", "JPEG"])
def test_a_decompression_bomb_is_refused(data):
    message = refusal(data, "bomb")
    assert message.startswith("bomb is too large: ")
    assert message.endswith("; at most 89,478,485 pixels are read. Scale it down first.")


def test_a_decompression_bomb_is_refused_where_warnings_are_errors():
    assert refusal(huge_jpeg(10_000), "bomb").startswith("bomb is too large: ")


def test_a_huge_array_is_refused():
    huge = np.broadcast_to(np.uint8(0), (10_000, 10_000, 3))
    assert refusal(huge) == (
        "the array is too large: it has 10000 x 10000 pixels; at most 89,478,485 pixels are read. "
        "Scale it down first."
    )


@settings(deadline=None, max_examples=300)
@given(
    data=st.binary(max_size=200), start=st.sampled_from([b"", b"\xff\xd8\xff", b"GIF89a", b"BM"])
)
def test_no_bytes_get_past_but_pictures_and_clear_refusals(data, start):
    try:
        pixels = images.decode(start + data)
    except PictureError as error:
        refused = str(error)
    else:
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        return
    assert refused.startswith("the picture given as bytes is ")


# --- the module ---------------------------------------------------------------------------------


def test_pixel_hash_depends_on_shape_and_values_alone():
    rgb = picture()
    assert images.pixel_hash(rgb) == images.pixel_hash(rgb[:, ::-1][:, ::-1])
    assert images.pixel_hash(rgb) == images.pixel_hash(np.asfortranarray(rgb))
    assert images.pixel_hash(rgb) != images.pixel_hash(rgb.reshape(40, 30, 3))
    changed = rgb.copy()
    changed[0, 0, 0] ^= 1
    assert images.pixel_hash(rgb) != images.pixel_hash(changed)
    assert images.pixel_hash(np.zeros((1, 1, 3), np.uint8)) == "db7d0f6944d19033"


def test_the_decoder_is_named_with_its_version():
    import simplejpeg

    expected = f"simplejpeg {simplejpeg.__version__} (libjpeg-turbo, fast DCT)"
    assert images.DECODER == expected  # noqa: SIM300 - DECODER is what is under test


def test_importing_images_imports_no_runtime():
    code = (
        "import sys, inception_harness.images; "
        "print(sorted({'tensorflow', 'keras', 'ai_edge_litert', 'openvino', 'scipy', 'matplotlib'}"
        " & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
