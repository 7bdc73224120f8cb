"""From a file to the numbers that the network gets: what the card says, and nothing else."""

import io

import numpy as np
import pytest
from PIL import Image

from inception_harness import images

# Pillow's bilinear rounds to whole levels after each direction; the reference does not round.
PILLOW_ROUNDING = 1.01
# TensorFlow keeps places in float32: in a picture 1200 long they are off by up to 1200 * 2**-23,
# which between black and white, in two directions, makes 0.07 levels.
ROUNDING = 0.1
EXIF_ORIENTATION = 0x0112
# How an upright picture is stored under each orientation: what a viewer does, undone. Pillow names
# turns counter-clockwise, EXIF the place of the first row and column (EXIF 2.3, 4.6.4 A).
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encoded(image, form, **options):
    """Return a picture as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def noise(height, width, channels=3, seed=7):
    """Return a picture in which no two places are alike, uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def first_picture(pictures):
    """Return the pixels of the set's first picture, as a Pillow image."""
    return Image.fromarray(images.decode(pictures[next(iter(pictures))].path))


def weights_of(length, wanted, method):
    """Return the weights of a resize along one axis, shape (wanted, length).

    Written from the definitions: of 2015 (TensorFlow's ResizeBilinear, no half-pixel centres),
    of TF 2 (half-pixel centres), and Pillow's (half-pixel centres, a triangle as wide as the step).
    """
    step = length / wanted
    places = np.arange(wanted)[:, None]
    if method == "bilinear-legacy":
        centres = np.minimum(places * step, length - 1)
    else:
        centres = (places + 0.5) * step - 0.5
        if method == "bilinear-no-antialias":
            centres = centres.clip(0, length - 1)
    reach = max(step, 1.0) if method == "bilinear" else 1.0
    triangles = np.maximum(0, 1 - np.abs(np.arange(length)[None] - centres) / reach)
    return triangles / triangles.sum(axis=1, keepdims=True)


def squared(pixels, fit, size):
    """Return a picture that is cropped or padded as a card says."""
    height, width = pixels.shape[:2]
    if fit == "squeeze":
        return pixels
    assert size[0] == size[1], "the reference knows squares alone"
    side = min(height, width) if fit == "crop" else max(height, width)
    top, left = abs(height - side) // 2, abs(width - side) // 2
    if fit == "crop":
        return pixels[top : top + side, left : left + side]
    padded = np.zeros((side, side, 3), np.uint8)
    padded[top : top + height, left : left + width] = pixels
    return padded


@pytest.mark.contract
@pytest.mark.parametrize("shape", [(500, 320), (320, 785), (90, 60), (1200, 700)])
def test_view_is_what_the_card_says(classifier, shape):
    """The fit and the resize of the card, computed here once more from their definitions."""
    form = classifier.card.input
    if form.resize not in ("bilinear", "bilinear-legacy", "bilinear-no-antialias"):
        pytest.skip(f"not applicable: there is no second computation of {form.resize} here")
    pixels = noise(*shape)
    fitted = squared(pixels, form.fit, classifier.size).astype(np.float64)
    down = weights_of(fitted.shape[0], form.height, form.resize)
    across = weights_of(fitted.shape[1], form.width, form.resize)
    expected = np.einsum("yh,hwc,xw->yxc", down, fitted, across, optimize=True)
    furthest = np.abs(classifier.network_view(pixels) * 255 - expected).max()
    assert furthest <= (PILLOW_ROUNDING if form.resize == "bilinear" else ROUNDING), (
        f"a picture of {shape[1]} × {shape[0]} is seen {furthest:.1f} levels of 255 away from "
        f"{form.fit} and {form.resize}"
    )


@pytest.mark.contract
def test_network_gets_the_range_and_order_that_the_card_states(classifier):
    """Mean taken off, divided, red first or blue first: once, and as the card says."""
    form = classifier.card.input
    width, height = classifier.size
    views = noise(2 * height, width).reshape(2, height, width, 3).astype(np.float32)
    ordered = views[..., ::-1] if form.channels == "bgr" else views
    expected = (ordered.astype(np.float64) - np.array(form.mean)) / np.array(form.std)
    given = classifier.stages.scale(views)
    assert given.shape == expected.shape
    # float32 keeps 24 bits of what is at most 255 before it is divided.
    np.testing.assert_allclose(given, expected, rtol=2e-6, atol=255 * 2.0**-23 / min(form.std))


@pytest.mark.contract
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_files_are_seen_the_right_way_up_and_in_their_colours(classifier, form):
    """Top left red, top right green, bottom left blue, bottom right white."""
    width, height = classifier.size
    corners = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    picture = Image.fromarray(corners).resize((width, height), Image.Resampling.NEAREST)
    view = classifier.network_view(encoded(picture, form)) * 255
    quarters = (slice(height // 8, height // 3), slice(-height // 3, -height // 8))
    sides = (slice(width // 8, width // 3), slice(-width // 3, -width // 8))
    seen = np.array([[view[rows, columns].mean((0, 1)) for columns in sides] for rows in quarters])
    # JPEG keeps colours to a few levels of 255.
    np.testing.assert_allclose(seen, corners, atol=4)


@pytest.mark.contract
def test_file_of_the_right_size_is_seen_pixel_by_pixel(classifier):
    """No file is decoded smaller than it is, nor made smaller and larger again."""
    width, height = classifier.size
    pixels = noise(height, width)
    view = classifier.network_view(encoded(Image.fromarray(pixels), "PNG"))
    np.testing.assert_allclose(view * 255, pixels, atol=1e-4)


def assert_same_to_the_bit(classifier, first, second, what):
    """Fail where two forms of one picture are not seen, or not judged, as one."""
    views = [classifier.network_view(source) for source in (first, second)]
    furthest = float(np.abs(views[0] - views[1]).max()) * 255
    assert np.array_equal(*views), f"{what} changes what is seen by up to {furthest:.0f} levels"
    scores = [classifier.classify(source).scores for source in (first, second)]
    apart = float(np.abs(scores[0] - scores[1]).max())
    assert np.array_equal(*scores), f"{what} changes a score by {apart:.2g}"


@pytest.mark.invariance
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_turned_copy_with_its_exif_tag_is_the_same_picture(classifier, pictures, form):
    """Cameras store pictures as they were held, and a tag that says how to turn them."""
    picture = first_picture(pictures)
    for orientation, turn in STORED_AS.items():
        stored = picture if turn is None else picture.transpose(turn)
        tag = Image.Exif()
        tag[EXIF_ORIENTATION] = orientation
        file = encoded(stored, form, exif=tag)
        # What JPEG has lost is lost in both: the file without its tag is turned by hand.
        plain = Image.fromarray(images.decode(encoded(stored, form)))
        undone = {6: 8, 8: 6}.get(orientation, orientation)
        upright = plain if turn is None else plain.transpose(STORED_AS[undone])
        what = f"EXIF orientation {orientation} of a {form} file"
        assert_same_to_the_bit(classifier, np.asarray(upright), file, what)


@pytest.mark.invariance
def test_opaque_alpha_changes_nothing(classifier, pictures):
    """A channel that says that everything is there says nothing."""
    picture = first_picture(pictures)
    opaque = picture.copy()
    opaque.putalpha(255)
    assert_same_to_the_bit(
        classifier, encoded(picture, "PNG"), encoded(opaque, "PNG"), "an opaque alpha channel"
    )


@pytest.mark.contract
@pytest.mark.parametrize("alpha", [0, 51, 128])
def test_transparency_shows_the_documented_colour(classifier, alpha):
    """Where a picture is not, there is white, in proportion; what lies below is not seen."""
    width, height = classifier.size
    colour = np.array([200, 20, 100])
    pixels = np.full((height, width, 4), [*colour, alpha], np.uint8)
    expected = (colour * alpha + images.ALPHA_BACKGROUND * (255 - alpha)) / 255
    view = classifier.network_view(encoded(Image.fromarray(pixels, "RGBA"), "PNG")) * 255
    np.testing.assert_allclose(view, np.broadcast_to(expected, view.shape), atol=0.51)


@pytest.mark.invariance
def test_grey_file_is_the_grey_picture(classifier, pictures):
    """One channel, or three that are equal: the same picture."""
    grey = first_picture(pictures).convert("L")
    assert_same_to_the_bit(
        classifier, encoded(grey, "PNG"), encoded(grey.convert("RGB"), "PNG"), "one grey channel"
    )


@pytest.mark.invariance
def test_metadata_does_not_matter(classifier, pictures):
    """Software, comment and resolution are about the picture, not in it."""
    picture = first_picture(pictures)
    tags = Image.Exif()
    tags[0x0131] = "a program"
    told = encoded(picture, "JPEG", exif=tags, comment=b"a remark", dpi=(300, 300))
    assert_same_to_the_bit(classifier, encoded(picture, "JPEG"), told, "metadata")
