"""Faults on a picture's way to the network."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from inception_harness import images
from inception_harness.classifier import Classifier
from inception_harness.decoding import upright
from inception_harness.engines import Float32, UInt8
from inception_harness.fault_bench import Bench, Fault, NotApplicable
from inception_harness.images import PictureSource

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


def _to_one(bench: Bench, views: Float32) -> Float32:
    return np.asarray(views / 255, np.float32)


def _twice(bench: Bench, views: Float32) -> Float32:
    form = bench.honest.card.input
    # Where the graph scales by itself, the usual scaling comes on top of it.
    usual = (128.0, 128.0, 128.0)
    mean, std = (form.mean, form.std) if any(form.mean) else (usual, usual)
    once = bench.honest.stages.scale(views)
    return np.asarray((once - np.array(mean)) / np.array(std), np.float32)


def _mean_kept(bench: Bench, views: Float32) -> Float32:
    form = bench.honest.card.input
    if any(form.mean):
        return np.asarray(views / np.array(form.std, np.float32))
    return np.asarray(
        views + 128, np.float32
    )  # what a graph then takes off, which it should have done


def _channels_first(bench: Bench, views: Float32) -> Float32:
    # The right numbers of another layout: the shape fits, so nothing refuses them.
    scaled = bench.honest.stages.scale(views)
    return scaled.transpose(0, 3, 1, 2).reshape(scaled.shape)


def _seen(fit: str | None = None, method: str | None = None) -> Callable[[Bench], Classifier]:
    """Return what makes a model that fits or resizes pictures in another way."""

    def make(bench: Bench) -> Classifier:
        form = bench.honest.card.input
        other = method
        if method == "antialias":
            other = "bilinear-no-antialias" if form.resize == "bilinear" else "bilinear"
        if fit == form.fit or other == form.resize:
            raise NotApplicable(f"the model is meant to have {fit or other}")

        def view(rgb: UInt8, asked: str | None) -> Float32:
            how = asked or fit or form.fit
            return images.network_view(rgb, bench.honest.size, how, other or form.resize)

        return bench.twin(view=view)

    return make


def _upside_down(bench: Bench) -> Classifier:
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
    def decode(source: PictureSource) -> UInt8:
        pixels = images.decode(source)
        if images.read_bytes(source) is None:
            return pixels
        with Image.fromarray(pixels) as image:
            size = max(1, image.width // 8), max(1, image.height // 8)
            return np.asarray(image.resize(size, Image.Resampling.BOX))

    return bench.twin(decode=decode)


def _jpeg(bench: Bench) -> Classifier:
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
    Fault("scaled-to-one", "scaled to 0..1 where another range is due", _scaled(_to_one)),
    Fault("scaled-twice", "scaled twice", _scaled(_twice)),
    Fault("mean-not-subtracted", "mean not subtracted", _scaled(_mean_kept)),
    Fault("channels-first", "channels first where they are due last", _scaled(_channels_first)),
    Fault("exif-ignored", "EXIF orientation ignored", _exif_ignored),
    Fault("upside-down", "flipped upside down", _upside_down),
    Fault("nearest", "resized by nearest neighbour", _seen(method="nearest")),
    Fault("antialias-switched", "antialias on where due off, or off", _seen(method="antialias")),
    Fault("cropped", "cropped instead of squeezed", _seen(fit="crop")),
    Fault("decoded-small", "files decoded at an eighth of their size", _small),
    Fault("jpeg-10", "JPEG at quality 10 on the way in", _jpeg),
    Fault("alpha-on-black", "transparency laid on black where white is due", _alpha_on_black),
)
