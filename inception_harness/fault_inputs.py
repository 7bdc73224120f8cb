"""Faults on a picture's way to the network."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from inception_harness import images
from inception_harness.classifier import Classifier
from inception_harness.decoding import upright
from inception_harness.engines import Float32, ReadsPictures, UInt8
from inception_harness.fault_bench import Bench, Fault, NotApplicable
from inception_harness.images import PictureSource
from inception_harness.resizing import fit as fitted

__all__ = ["INPUT_FAULTS"]


def _scaled(change: Callable[[Bench, Float32], Float32]) -> Callable[[Bench], Classifier]:
    """Return what makes a model whose views are scaled in another way."""

    def make(bench: Bench) -> Classifier:
        return bench.twin(
            scale=lambda views: np.ascontiguousarray(change(bench, views), dtype=np.float32)
        )

    return make


def _swapped(bench: Bench, views: Float32) -> Float32:
    return bench.honest.stages.scale(views)[..., ::-1]


def _ordered(bench: Bench, views: Float32) -> Float32:
    """Return the views with their channels in the card's order, and nothing else done to them."""
    return views[..., ::-1] if bench.honest.card.input.channels == "bgr" else views


def _to_one(bench: Bench) -> Classifier:
    form = bench.honest.card.input
    if not any(form.mean) and set(form.std) == {255.0}:
        raise NotApplicable("the model is meant to have pictures scaled to 0..1")
    return _scaled(lambda bench, views: _ordered(bench, views) / np.float32(255))(bench)


def _twice(bench: Bench, views: Float32) -> Float32:
    form = bench.honest.card.input
    mean, std = form.mean, form.std
    if not any(mean) and set(std) == {1.0}:
        # The card leaves the scaling to the graph; the most usual one comes on top of it.
        mean = std = (128.0, 128.0, 128.0)
    once = bench.honest.stages.scale(views)
    return np.asarray((once - np.array(mean)) / np.array(std), np.float32)


def _mean_kept(bench: Bench) -> Classifier:
    form = bench.honest.card.input
    if not any(form.mean):
        raise NotApplicable("the card's mean is 0: nothing is subtracted before the network")
    std = np.array(form.std, np.float32)
    return _scaled(lambda bench, views: _ordered(bench, views) / std)(bench)


def _channels_first(bench: Bench, views: Float32) -> Float32:
    # The right numbers of another layout: the shape fits, so nothing refuses them.
    scaled = bench.honest.stages.scale(views)
    return scaled.transpose(0, 3, 1, 2).reshape(scaled.shape)


def _refuse_own_reader(bench: Bench) -> None:
    """Refuse a fault of decoding or resizing where the engine does both of plain JPEG by itself."""
    if isinstance(bench.honest.engine, ReadsPictures):
        raise NotApplicable(
            f"{bench.subject.engine_spec()} has the graph itself decode and resize plain JPEG "
            "files, which this fault would not strike"
        )


def _seen(fit: str | None = None, method: str | None = None) -> Callable[[Bench], Classifier]:
    """Return what makes a model that fits or resizes pictures in another way."""

    def make(bench: Bench) -> Classifier:
        _refuse_own_reader(bench)
        form = bench.honest.card.input
        if fit == form.fit or method == form.resize:
            raise NotApplicable(f"the model is meant to have {fit or method}")

        def view(rgb: UInt8, asked: str | None) -> Float32:
            how = asked or fit or form.fit
            return images.network_view(rgb, bench.honest.size, how, method or form.resize)

        return bench.twin(view=view)

    return make


_ANTIALIAS_SWITCHED = {"bilinear": "bilinear-no-antialias", "bilinear-no-antialias": "bilinear"}


def _antialias_switched(bench: Bench) -> Classifier:
    form = bench.honest.card.input
    if form.resize in _ANTIALIAS_SWITCHED:
        return _seen(method=_ANTIALIAS_SWITCHED[form.resize])(bench)
    if form.resize != "bilinear-legacy":
        raise NotApplicable(f"the resize {form.resize} is not to be had both with and without")
    _refuse_own_reader(bench)

    def view(rgb: UInt8, asked: str | None) -> Float32:
        size = bench.honest.size
        pixels: Any = fitted(rgb, asked or form.fit, size=size)
        for new in (size[1], size[0]):  # rows, then columns, each as the first axis
            weights = _legacy_with_antialias(len(pixels), new)
            rows: Float32 = weights @ pixels.reshape(len(pixels), -1).astype(np.float32)
            pixels = rows.reshape(new, *pixels.shape[1:]).swapaxes(0, 1)
        return np.ascontiguousarray(pixels)

    return bench.twin(view=view)


@cache
def _legacy_with_antialias(old: int, new: int) -> Any:
    """Return the weights of a resize along one axis: sparse, float32, shape (new, old).

    No method of `inception_harness.images` averages over all pixels and keeps the alignment of
    2015, and a fault should not move the picture besides.
    """
    from scipy.sparse import csr_array

    centres = np.minimum(np.arange(new) * (old / new), old - 1)
    away = np.abs(np.arange(old)[None] - centres[:, None])
    weights = np.maximum(0, 1 - away / max(old / new, 1))
    return csr_array((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))


def _upside_down(bench: Bench) -> Classifier:
    _refuse_own_reader(bench)

    def view(rgb: UInt8, asked: str | None) -> Float32:
        return np.ascontiguousarray(bench.honest.stages.view(rgb, asked)[::-1])

    return bench.twin(view=view)


def _exif_ignored(bench: Bench) -> Classifier:
    undo = {6: 8, 8: 6}  # the others undo themselves

    def decode(source: PictureSource) -> UInt8:
        pixels = images.decode(source)
        data = images.read_bytes(source)
        if data is None:
            return pixels
        with Image.open(io.BytesIO(data)) as image:
            orientation = int(image.getexif().get(0x0112, 1))
        return upright(pixels, undo.get(orientation, orientation))

    return bench.twin(decode=decode)


def _small(bench: Bench) -> Classifier:
    _refuse_own_reader(bench)

    def decode(source: PictureSource) -> UInt8:
        pixels = images.decode(source)
        if images.read_bytes(source) is None:
            return pixels
        with Image.fromarray(pixels) as image:
            size = max(1, image.width // 8), max(1, image.height // 8)
            return np.asarray(image.resize(size, Image.Resampling.BOX))

    return bench.twin(decode=decode)


def _jpeg(bench: Bench) -> Classifier:
    _refuse_own_reader(bench)

    def decode(source: PictureSource) -> UInt8:
        buffer = io.BytesIO()
        Image.fromarray(images.decode(source)).save(buffer, "JPEG", quality=10)
        return images.decode(buffer.getvalue())

    return bench.twin(decode=decode)


def _alpha_on_black(bench: Bench) -> Classifier:
    def decode(source: PictureSource) -> UInt8:
        if isinstance(source, np.ndarray):
            has_alpha = source.ndim == 3 and source.shape[2] == 4
            if not has_alpha:
                return images.decode(source)
            image = Image.fromarray(source.astype(np.uint8), "RGBA")
        elif isinstance(source, Image.Image):
            image = source
        else:
            data = images.read_bytes(source)
            image = Image.open(io.BytesIO(data or b""))
        if not image.has_transparency_data:
            return images.decode(source)
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return np.asarray(Image.alpha_composite(black, image.convert("RGBA")).convert("RGB"))

    return bench.twin(decode=decode)


INPUT_FAULTS = (
    Fault("red-and-blue-swapped", "red and blue swapped at the network's input", _scaled(_swapped)),
    Fault("scaled-to-one", "scaled to 0..1 where another range is due", _to_one),
    Fault("scaled-twice", "scaled twice", _scaled(_twice)),
    Fault("mean-not-subtracted", "mean not subtracted", _mean_kept),
    Fault("channels-first", "channels first where they are due last", _scaled(_channels_first)),
    Fault("exif-ignored", "EXIF orientation ignored", _exif_ignored),
    Fault("upside-down", "flipped upside down", _upside_down),
    Fault("nearest", "resized by nearest neighbour", _seen(method="nearest")),
    Fault("antialias-switched", "antialias on where due off, or off", _antialias_switched),
    Fault("cropped", "cropped instead of squeezed or padded", _seen(fit="crop")),
    Fault("decoded-small", "files decoded at an eighth of their size", _small),
    Fault("jpeg-10", "JPEG at quality 10 on the way in", _jpeg),
    Fault("alpha-on-black", "transparency laid on black where white is due", _alpha_on_black),
)
