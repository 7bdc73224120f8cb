"""From a test run to the data of its report: verdicts, answers, pictures, environment."""

from __future__ import annotations

import base64
import importlib.metadata
import inspect
import io
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
from PIL import Image

from inception_harness import images
from inception_harness.classifier import Classifier
from inception_harness.engines import Float32, default_threads
from inception_harness.pictures import Picture, PictureSet
from inception_harness.prediction import Prediction
from inception_harness.results import (
    Answer,
    Environment,
    Observation,
    PictureShown,
    Row,
    Subject,
)

__all__ = [
    "KINDS",
    "answers_of",
    "environment",
    "picture_shown",
    "roles_of",
    "rows_of",
    "sentence_of",
    "subject_data",
]

KINDS = (
    "minimum",
    "invariance",
    "direction",
    "contract",
    "record",
    "baseline",
    "parity",
    "throughput",
)
_PACKAGES = ("inception-harness", "pytest", "numpy", "pillow", "simplejpeg", "tensorflow",
             "ai-edge-litert", "openvino", "onnxruntime")  # fmt: skip
_THUMBNAIL, _VIEW = 320, 160


def sentence_of(docstring: str | None, test_name: str) -> tuple[str, str]:
    """Return a behaviour's title and its story.

    Without a docstring the test's name in words is both.
    """
    words = re.sub(r"\[.*", "", test_name).removeprefix("test_").replace("_", " ").capitalize()
    story = inspect.cleandoc(docstring) if docstring else words
    return words, story


def roles_of(observations: Iterable[Observation], named: Iterable[str]) -> tuple[str, ...]:
    """Return the roles that a behaviour looked at, each once, in order.

    What follows a comma is how the picture was changed: ``panda, shift 2``.
    """
    seen = [o.picture.partition(", ")[0] for o in observations if o.picture is not None]
    return tuple(dict.fromkeys([*named, *seen]))


def subject_data(key: str, classifier: Classifier, picture_set: str, *, baseline: bool) -> Subject:
    """Return what the report says of a model on an engine."""
    engine = classifier.engine
    return Subject(
        key=key,
        model=classifier.name,
        title=classifier.card.title,
        engine=engine.name,
        engine_version=engine.version,
        precision=engine.precision,
        threads=engine.threads,
        file_hash=classifier.file_hash,
        decoder=images.DECODER,
        picture_set=picture_set,
        is_baseline=baseline,
        input_width=classifier.size[0],
        input_height=classifier.size[1],
        notes=engine.notes,
    )


def rows_of(prediction: Prediction, count: int = 10) -> tuple[Row, ...]:
    """Return the best classes of a prediction, best first."""
    return tuple(
        Row(rank, score.number or 0, score.name, float(score))
        for rank, score in enumerate(prediction.top(count), start=1)
    )


def answers_of(
    key: str, classifier: Classifier, pictures: PictureSet, said: dict[str, Prediction]
) -> list[Answer]:
    """Return what a model said of a picture set, with what it saw."""
    return [
        Answer(key, role, rows_of(p), _view_png(classifier.network_view(pictures[role].path)))
        for role, p in said.items()
    ]


def _view_png(view: Float32) -> str:
    shown = Image.fromarray(np.rint(view * 255).astype(np.uint8))
    shown.thumbnail((_VIEW, _VIEW))
    return _encoded(shown, "PNG")


def _encoded(image: Image.Image, form: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, form, optimize=True, **({"quality": 82} if form == "JPEG" else {}))
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def picture_shown(picture: Picture) -> PictureShown:
    """Return a picture as a report shows it, with a thumbnail of 320 pixels at most."""
    original = Image.fromarray(images.decode(picture.path))
    width, height = original.size
    original.thumbnail((_THUMBNAIL, _THUMBNAIL))
    return PictureShown(
        role=picture.role,
        caption=picture.caption,
        width=width,
        height=height,
        photo=_encoded(original, "JPEG"),
        licence=picture.remote.licence,
        expected=picture.expected or "",
    )


def environment(arguments: Sequence[str]) -> Environment:
    """Return where and when a run is made."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return Environment(
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        cpu_count=default_threads(),
        versions=versions,
        command=shlex.join(["pytest", *arguments]) if arguments else shlex.join(sys.argv),
    )
