"""A small network with random weights, in each format that an engine reads, and its cards."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "CLASSES",
    "SIZE",
    "TRANSFER_LENGTH",
    "network",
    "pictures",
    "quietly",
    "scaled",
    "to_tflite",
    "write_card",
]

# Neither square nor alike, so that no test passes with two of them swapped.
SIZE = (32, 24)  # width, height
CLASSES = 5
TRANSFER_LENGTH = 8
NAMES = ("cat", "dog", "crane", "crane", "macaw")


def network(*, softmax: bool = True) -> Any:
    """Return a Keras model that takes RGB of shape (n, 24, 32, 3), -1..1."""
    import keras

    keras.utils.set_random_seed(7)
    # Wide, so that the scores tell pictures apart.
    wide = keras.initializers.RandomNormal(stddev=5.0, seed=7)
    return keras.Sequential(
        [
            keras.layers.Input((SIZE[1], SIZE[0], 3), name="pixels"),
            keras.layers.Conv2D(TRANSFER_LENGTH, 5, strides=2, activation="relu", name="conv"),
            keras.layers.GlobalAveragePooling2D(name="pool"),
            keras.layers.Dense(
                CLASSES,
                activation="softmax" if softmax else None,
                kernel_initializer=wide,
                name="scores",
            ),
        ]
    )


def pictures(count: int = 3) -> Any:
    """Return RGB, shape (count, 24, 32, 3), uint8: noise, each of another brightness."""
    rng = np.random.default_rng(3)
    levels = rng.integers(40, 256, (count, 1, 1, 3))
    return (rng.random((count, SIZE[1], SIZE[0], 3)) * levels).astype(np.uint8)


def scaled(batch: Any) -> Any:
    return (batch.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep Keras's and TensorFlow's own warnings, on saving and converting, from being errors.

    Keras 3.15 uses NumPy in a way that NumPy 2 deprecates, and the converter announces its end.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def to_tflite(model: Any, kind: str) -> bytes:
    """Convert to ``.tflite``: kind is float, uint8 or int8 (of inputs, outputs and arithmetic)."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if kind != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        samples = scaled(pictures(50))
        converter.representative_dataset = lambda: ([row[None]] for row in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, kind)
    with quietly():
        return bytes(converter.convert())


def write_card(
    folder: Path, form: str, file: str, *, kind: str = "probabilities", more: str = ""
) -> Path:
    """Write a card of the small network, with its list of labels, beside the model's file."""
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in NAMES))
    card = folder / f"{Path(file).stem}-{form}.toml"
    card.write_text(
        f'name = "{card.stem}"\ntitle = "A small network"\n\n'
        f'[model]\nformat = "{form}"\nfile = "{file}"\n\n'
        f"[input]\nwidth = {SIZE[0]}\nheight = {SIZE[1]}\nmean = 127.5\nstd = 127.5\n\n"
        f'[output]\nkind = "{kind}"\nclasses = {CLASSES}\n\n'
        f'[labels]\nformat = "lines"\nfiles = ["names.txt"]\n{more}'
    )
    return card
