"""One picture in several forms and companies: what the model says must not depend on them."""

import io

import numpy as np
import pytest
from PIL import Image

from inception_harness import encodings, images
from inception_harness.errors import PictureError

pytestmark = pytest.mark.invariance

# Arithmetic in another order may change the last bits of a float32 score; a batch of another
# size makes libraries choose other kernels. bfloat16 keeps 8 bits, so a step is 2^-8 relative.
SAME = {"f32": 1e-5, "bf16": 2.0**-7, "int8": 0.0, "int8-bf16": 0.0}


def assert_same(first, second, tolerance, what):
    """Fail with both tables where two predictions of one picture differ."""
    furthest = float(np.abs(first.scores - second.scores).max())
    number = int(np.abs(first.scores - second.scores).argmax())
    assert furthest <= tolerance, (
        f"{first.picture}: {what} changes {first.labels.name(number)} from "
        f"{first.scores[number]:.8f} to {second.scores[number]:.8f}, by {furthest:.2g}; "
        f"{tolerance:.2g} is allowed  [{first.model}, {first.engine}]\n"
        f"{first.table(5)}\n\n{second.table(5)}"
    )


def test_same_picture_twice_gives_the_same_scores(classifier, pictures):
    """No dropout, no memory of the picture before: A, B, A gives the first answer again."""
    first, other = (pictures[role].path for role in list(pictures)[:2])
    once = classifier.classify(first)
    assert not np.array_equal(once.scores, classifier.classify(other).scores)
    assert_same(once, classifier.classify(first), 0.0, "asking a second time")


def test_batch_gives_what_singles_give(classifier, classify, pictures):
    """Each entry of a batch is computed as if it were alone, and stays in its place."""
    for role, in_batch in classify.all().items():
        alone = classifier.classify(pictures[role].path, name=role)
        assert_same(alone, in_batch, SAME[classifier.engine.precision], "being one of a batch")


@pytest.mark.parametrize("form", ["path", "bytes", "array", "PIL image"])
def test_form_of_the_picture_does_not_matter(classifier, classify, pictures, form):
    """A path, its bytes, its pixels as an array or a PIL image are one picture."""
    tolerance = SAME[classifier.engine.precision]
    for role, expected in classify.all().items():
        path = pictures[role].path
        given = {
            "path": lambda path=path: str(path),
            "bytes": lambda path=path: path.read_bytes(),
            "array": lambda path=path: images.decode(path),
            "PIL image": lambda path=path: Image.fromarray(images.decode(path)),
        }[form]()
        assert_same(expected, classifier.classify(given, name=role), tolerance, f"the form {form}")


def with_metadata(rgb):
    """Return a PNG file that also names a program, a resolution and an upright EXIF orientation."""
    tags = Image.Exif()
    tags[0x0131], tags[0x0112] = "a program", 1
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG", exif=tags, dpi=(300, 300))
    return file.getvalue()


LOSSLESS = {
    "a PNG copy": encodings.png,
    "metadata": with_metadata,
    "a turned copy with its EXIF tag": encodings.exif_rotated_copy,
}


@pytest.fixture(scope="session")
def singles(classifier, pictures):
    """What the model says of each picture of the set, asked one by one."""
    return {role: classifier.classify(pictures[role].path, name=role) for role in pictures}


@pytest.mark.parametrize("copy", LOSSLESS)
def test_lossless_copy_gives_the_same_scores_to_the_bit(classifier, pictures, singles, copy):
    """A file that keeps every pixel is the same picture: nothing is left to the arithmetic.

    Both are asked alone: as one of a batch, the same pixels may get other last bits.
    """
    for role, expected in singles.items():
        file = LOSSLESS[copy](images.decode(pictures[role].path))
        assert_same(expected, classifier.classify(file, name=role), 0.0, copy)


def test_copy_without_metadata_gives_the_same_scores_to_the_bit(classifier, pictures, singles):
    """What stands in a file beside the picture is about it, not in it."""
    judged = False
    for role, expected in singles.items():
        whole = pictures[role].path.read_bytes()
        try:
            bare = encodings.strip_metadata(whole)
        except PictureError:  # no JPEG or PNG file, or one that lies on its side without its EXIF
            continue
        if bare != whole:
            judged = True
            said = classifier.classify(bare, name=role)
            assert_same(expected, said, 0.0, "leaving out the metadata")
    if not judged:
        pytest.skip("not applicable: no picture of the set has metadata that can be left out")


def test_order_of_a_batch_does_not_matter(classifier, classify, pictures):
    """A batch in the reverse order gives the same answers in the reverse order."""
    roles = list(pictures)[::-1]
    said = classifier.classify_batch([pictures[role].path for role in roles], names=roles)
    for role, prediction in zip(roles, said, strict=True):
        tolerance = SAME[classifier.engine.precision]
        assert_same(classify(role), prediction, tolerance, "the reverse order of the batch")
