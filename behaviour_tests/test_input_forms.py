"""One picture in several forms and companies: what the model says must not depend on them."""

import io

import numpy as np
import pytest
from PIL import Image

from inception_harness import images

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
        f"{first.scores[number]:.6f} to {second.scores[number]:.6f}, by {furthest:.2g}; "
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


def test_png_copy_changes_nothing(classifier, classify, pictures):
    """PNG keeps every pixel, so a PNG copy of a decoded picture gets the same scores."""
    for role, expected in classify.all().items():
        copy = io.BytesIO()
        Image.fromarray(images.decode(pictures[role].path)).save(copy, "PNG")
        said = classifier.classify(copy.getvalue(), name=role)
        assert_same(expected, said, SAME[classifier.engine.precision], "a PNG copy")


def test_order_of_a_batch_does_not_matter(classifier, classify, pictures):
    """A batch in the reverse order gives the same answers in the reverse order."""
    roles = list(pictures)[::-1]
    said = classifier.classify_batch([pictures[role].path for role in roles], names=roles)
    for role, prediction in zip(roles, said, strict=True):
        tolerance = SAME[classifier.engine.precision]
        assert_same(classify(role), prediction, tolerance, "the reverse order of the batch")
