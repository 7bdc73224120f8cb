"""The tutorial's loop: one JPEG a ``session.run``, on the graph as it is stored.

Written as the tutorial writes it, without anything of the harness's engines.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from inception_harness.engines.quiet import without_startup_notes
from inception_harness.store import Store

if TYPE_CHECKING:
    from inception_harness.cards import Card

__all__ = ["has_loop", "open_loop"]


def has_loop(card: Card | None) -> bool:
    """Tell whether a model's graph decodes JPEG files itself."""
    return card is not None and card.model.format == "graphdef" and "jpeg" in card.tensors


def open_loop(spec: str, store: Store | None = None) -> Callable[[Path], object]:
    """Return a function that scores one JPEG file.

    Args:
        spec: a model for which `has_loop` holds.
        store: where its files are.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with without_startup_notes():
        import tensorflow as tf

        from inception_harness.cards import find_card

        card = find_card(spec)
        path = card.local_folder(store or Store()) / card.model.file
        graph = tf.Graph()
        with graph.as_default():
            graph_def = tf.compat.v1.GraphDef()
            graph_def.ParseFromString(path.read_bytes())
            tf.import_graph_def(graph_def, name="")
        session = tf.compat.v1.Session(graph=graph)
    scores = graph.get_tensor_by_name(card.tensors["scores"])
    jpeg = card.tensors["jpeg"]
    return lambda picture: session.run(scores, {jpeg: picture.read_bytes()})
