"""Other files of the same pixels: lossless ones give them back, lossy ones nearly."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from inception_harness import encodings, images
from inception_harness.errors import PictureError
from inception_harness.stimuli import reference_picture
from inception_harness.strategies import rgb_pictures


def described_jpeg(**options: object) -> bytes:
    """A JPEG with every kind of metadata, among it a thumbnail-sized block."""
    exif = Image.Exif()
    exif[0x010E] = "a description " * 50
    file = io.BytesIO()
    Image.fromarray(reference_picture()).save(
        file, "JPEG", exif=exif, comment="told", icc_profile=bytes(3000), **options
    )
    return file.getvalue()


def test_png_gives_the_pixels_back():
    rgb = reference_picture()
    np.testing.assert_array_equal(images.decode(encodings.png(rgb)), rgb)


def test_reencoding_as_png_changes_no_pixel():
    data = described_jpeg()
    again = encodings.reencode_png(data)
    assert again.startswith(b"\x89PNG")
    np.testing.assert_array_equal(images.decode(again), images.decode(data))


@settings(deadline=None)
@given(rgb=rgb_pictures(), orientation=st.integers(1, 8))
def test_a_turned_copy_shows_the_same_picture(rgb, orientation):
    data = encodings.exif_rotated_copy(rgb, orientation)
    np.testing.assert_array_equal(images.decode(data), rgb)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_copy_is_stored_turned(orientation):
    """Else a reader that ignores EXIF would pass too."""
    rgb = reference_picture()
    with Image.open(io.BytesIO(encodings.exif_rotated_copy(rgb, orientation))) as image:
        assert image.getexif()[0x0112] == orientation
        stored = np.asarray(image)
    assert stored.shape != rgb.shape or (stored != rgb).any()


@pytest.mark.parametrize("options", [{}, {"keep_rgb": True}, {"progressive": True}], ids=str)
def test_stripping_a_jpeg_changes_no_pixel(options):
    data = described_jpeg(**options)
    stripped = encodings.strip_metadata(data)
    np.testing.assert_array_equal(images.decode(stripped), images.decode(data))
    assert len(stripped) < len(data) - 3500
    assert b"Exif" not in stripped
    assert b"told" not in stripped
    assert b"ICC_PROFILE" not in stripped
    with Image.open(io.BytesIO(stripped)) as image:
        assert not image.getexif()


def test_stripping_keeps_what_says_how_inks_are_stored():
    file = io.BytesIO()
    Image.fromarray(reference_picture()).convert("CMYK").save(file, "JPEG", comment="told")
    stripped = encodings.strip_metadata(file.getvalue())
    assert b"told" not in stripped
    np.testing.assert_array_equal(images.decode(stripped), images.decode(file.getvalue()))


def test_stripping_a_png_changes_no_pixel():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "someone")
    image = Image.fromarray(reference_picture()).quantize(32)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=texts, transparency=3, icc_profile=bytes(3000), dpi=(300, 300))
    data = file.getvalue()
    stripped = encodings.strip_metadata(data)
    np.testing.assert_array_equal(images.decode(stripped), images.decode(data))
    with Image.open(io.BytesIO(stripped)) as image:
        assert set(image.info) == {"transparency"}


def test_a_picture_on_its_side_is_not_stripped_of_what_sets_it_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned_jpeg = io.BytesIO()
    Image.fromarray(reference_picture()).save(turned_jpeg, "JPEG", exif=exif)
    turned_png = encodings.exif_rotated_copy(reference_picture())
    for data in (turned_jpeg.getvalue(), turned_png):
        with pytest.raises(PictureError) as caught:
            encodings.strip_metadata(data)
        assert str(caught.value) == (
            "The picture is turned by its EXIF orientation, which stripping would lose. "
            "Give one that is stored upright."
        )


def test_other_formats_are_not_stripped():
    with pytest.raises(PictureError) as caught:
        encodings.strip_metadata(b"GIF89a..")
    assert str(caught.value) == (
        "Metadata is stripped from JPEG and PNG files; the picture begins with b'GIF89a..'."
    )


def test_jpeg_loses_more_at_lower_quality():
    rgb = reference_picture()
    drifts = [
        np.abs(images.decode(encodings.jpeg(rgb, quality)).astype(int) - rgb).mean()
        for quality in (95, 75, 30, 5)
    ]
    assert 0 < drifts[0] < drifts[1] < drifts[2] < drifts[3]


@pytest.mark.parametrize(
    ("subsampling", "found"), [("4:4:4", "444"), ("4:2:2", "422"), ("4:2:0", "420")]
)
def test_jpeg_has_the_subsampling_asked_for(subsampling, found):
    import simplejpeg

    data = encodings.jpeg(reference_picture(), 75, subsampling=subsampling)
    assert simplejpeg.decode_jpeg_header(data)[3] == found
