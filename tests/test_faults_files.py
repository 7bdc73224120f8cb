"""Weights of files: exchanged exactly, and left alone where they are of a kind not opened here."""

from __future__ import annotations

import numpy as np
import pytest

from inception_harness.fault_bench import Bench, NotApplicable
from inception_harness.fault_files import GraphWeights, TfliteWeights
from inception_harness.faults import FAULTS, on_the_bench
from tests import small_networks

BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.fixture(scope="module")
def model():
    with small_networks.quietly():
        return small_networks.network()


@pytest.fixture(scope="module")
def int8_card(model, tmp_path_factory):
    """A card of the small network, quantised by channels as TensorFlow's converter does it."""
    folder = tmp_path_factory.mktemp("int8")
    (folder / "small.tflite").write_bytes(small_networks.to_tflite(model, "int8"))
    card = small_networks.write_card(folder, "tflite", "small.tflite")
    card.write_text(f'pictures = "drawings"\n{card.read_text()}')
    return card


def test_exchanged_head_of_a_file_quantised_by_channels_is_exact(int8_card, monkeypatch):
    head = TfliteWeights(int8_card.parent / "small.tflite").kernels[-1]
    scales = head.steps[0]
    assert len(set(scales)) == small_networks.CLASSES, "the test needs a scale for each channel"
    monkeypatch.setattr(Bench, "two_classes", lambda self: (0, 4))
    with on_the_bench(str(int8_card)) as bench:
        pictures = list(small_networks.pictures(20))
        honest = [p.scores for p in bench.honest.classify_batch(pictures)]
        damaged = BY_NAME["head-exchanged"].make(bench)
        found = [p.scores for p in damaged.classify_batch(pictures)]
    expected = np.array(honest)[:, [4, 1, 2, 3, 0]]
    assert not np.array_equal(expected, honest)
    np.testing.assert_array_equal(found, expected)


def test_last_layer_that_is_no_head_is_not_exchanged(int8_card, monkeypatch):
    with on_the_bench(str(int8_card)) as bench:
        weights = bench.weights()
        del weights.kernels[-1]
        monkeypatch.setattr(Bench, "weights", lambda self: weights)
        monkeypatch.setattr(Bench, "two_classes", lambda self: (0, 4))
        with pytest.raises(NotApplicable, match="gives 8 values, not the 5 classes"):
            BY_NAME["head-exchanged"].make(bench)


def test_file_without_layers_is_not_damaged(int8_card, monkeypatch):
    monkeypatch.setattr("inception_harness.fault_files._WITH_KERNEL", ())
    refused = pytest.raises(NotApplicable, match=r"is found in small\.tflite")
    with on_the_bench(str(int8_card)) as bench, refused:
        BY_NAME["layer-zeroed"].make(bench)


def test_float16_weights_of_tflite_do_not_apply(model, tmp_path):
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    with small_networks.quietly():
        (tmp_path / "half.tflite").write_bytes(converter.convert())
    with pytest.raises(NotApplicable, match=r"are not stored as they are used, .* \(float16"):
        TfliteWeights(tmp_path / "half.tflite")


def test_unknown_type_of_tflite_is_named(int8_card, monkeypatch):
    monkeypatch.setattr("inception_harness.fault_files._DTYPES", {2: "<i4"})
    with pytest.raises(NotApplicable, match="of the type INT8; float32 and integers"):
        TfliteWeights(int8_card.parent / "small.tflite")


def test_half_precision_of_a_graph_is_named(tmp_path):
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    constant = graph.node.add(name="w", op="Const")
    constant.attr["dtype"].type = tf.half.as_datatype_enum
    constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.ones((2, 2), np.float16)))
    graph.node.add(name="x", op="Placeholder").attr["dtype"].type = tf.half.as_datatype_enum
    graph.node.add(name="y", op="MatMul", input=["x", "w"])
    (tmp_path / "half.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(NotApplicable, match="'w' are of the type float16; float32 is opened here"):
        GraphWeights(tmp_path / "half.pb")
