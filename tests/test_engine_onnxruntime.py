"""ONNX Runtime, and OpenVINO, on real .onnx files with the channels last and first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inception_harness.classifier import load
from inception_harness.errors import EngineError
from tests import small_networks as small

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

WIDTH, HEIGHT = small.SIZE
RNG = np.random.default_rng(1)
FILTERS = RNG.normal(0, 0.3, (small.TRANSFER_LENGTH, 3, 5, 5)).astype(np.float32)
WEIGHTS = RNG.normal(0, 1, (small.TRANSFER_LENGTH, small.CLASSES)).astype(np.float32)


def refusal(function, *arguments, **keywords) -> str:
    with pytest.raises(EngineError) as caught:
        function(*arguments, **keywords)
    return str(caught.value)


def write_model(
    path: Path, *, first: bool, batch: Any = "n", inputs: int = 1, outputs: tuple[str, ...] = ()
) -> Path:
    """Write a network: a convolution, the mean of each channel, classes, softmax."""
    from onnx import TensorProto, helper, numpy_helper

    shape = [batch, 3, HEIGHT, WIDTH] if first else [batch, HEIGHT, WIDTH, 3]
    given = [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)]
    given += [helper.make_tensor_value_info(f"more_{k}", TensorProto.FLOAT, [1])
              for k in range(1, inputs)]  # fmt: skip
    nodes = [] if first else [helper.make_node("Transpose", ["pictures"], ["x"], perm=[0, 3, 1, 2])]
    nodes += [
        helper.make_node("Conv", ["pictures" if first else "x", "filters"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["features"]),
        helper.make_node("MatMul", ["features", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
    ]
    values = [numpy_helper.from_array(FILTERS, "filters"),
              numpy_helper.from_array(WEIGHTS, "weights")]  # fmt: skip
    told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("scores", *outputs)]  # fmt: skip
    graph = helper.make_graph(nodes, "small", given, told, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return small.write_card(path.parent, "onnx", path.name)


def by_numpy(batch: np.ndarray) -> np.ndarray:
    """Return the scores of pictures, 0..255, by the definition of each layer."""
    seen = small.scaled(batch)
    windows = np.lib.stride_tricks.sliding_window_view(seen, (5, 5), axis=(1, 2))
    maps = np.einsum("nhwcij,ocij->nhwo", windows, FILTERS, optimize=True)
    logits = np.maximum(maps, 0).mean(axis=(1, 2)) @ WEIGHTS
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "onnxruntime:threads=1,batch=3"])
@pytest.mark.parametrize("batch", ["n", 1, 2])
@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
def test_scores_are_those_of_the_layers_definitions(tmp_path, first, batch, engine):
    """Five pictures, in batches that are open, or fixed and not filled by the last ones."""
    if engine == "openvino":
        pytest.importorskip("openvino")
    card = write_model(tmp_path / "small.onnx", first=first, batch=batch)
    expected = by_numpy(small.pictures(5))
    assert np.ptp(expected, axis=0).max() > 0.1  # the pictures are told apart
    with load(str(card), engine=engine) as classifier:
        said = classifier.classify_batch(small.pictures(5))
    np.testing.assert_allclose(np.stack([p.scores for p in said]), expected, atol=1e-5)
    assert said[0].engine == engine.partition(":")[0]


def test_onnxruntime_is_the_formats_default_and_takes_threads_and_batch(tmp_path):
    card = write_model(tmp_path / "small.onnx", first=True)
    with load(str(card), engine="onnxruntime:threads=1,batch=3") as classifier:
        assert (classifier.engine.threads, classifier.engine.batch) == (1, 3)
    with load(str(card)) as classifier:
        assert (classifier.engine.name, classifier.engine.batch) == ("onnxruntime", 8)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_transfer_values_are_the_output_that_the_card_names(tmp_path, engine):
    if engine == "openvino":
        pytest.importorskip("openvino")
    write_model(tmp_path / "small.onnx", first=True, outputs=("features",))
    card = small.write_card(
        tmp_path, "onnx", "small.onnx", more='[tensors]\ntransfer = "features"\n'
    )
    batch = small.pictures(1)
    with load(str(card), engine=engine) as classifier:
        values = classifier.transfer_values(batch[0])
        np.testing.assert_allclose(
            classifier.classify(batch[0]).scores, by_numpy(batch)[0], atol=1e-5
        )
    logits = values @ WEIGHTS
    powers = np.exp(logits - logits.max())
    np.testing.assert_allclose(powers / powers.sum(), by_numpy(batch)[0], atol=1e-5)


def test_transfer_values_that_are_not_named_are_refused(tmp_path):
    card = write_model(tmp_path / "small.onnx", first=True)
    with load(str(card)) as classifier:
        assert refusal(classifier.transfer_values, small.pictures(1)[0]) == (
            f"{tmp_path / 'small.onnx'}: the model gives no transfer values; the card's [tensors] "
            "transfer should name one of its outputs (scores), found None."
        )


def test_a_model_with_two_outputs_needs_a_name(tmp_path):
    card = write_model(tmp_path / "small.onnx", first=True, outputs=("features",))
    assert refusal(load, str(card)) == (
        f"{tmp_path / 'small.onnx'}: which output holds the scores is not clear: the model has "
        "scores, features. The card's [tensors] scores should name one of them, found None."
    )


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_model_with_two_inputs_is_refused(tmp_path, engine):
    if engine == "openvino":
        pytest.importorskip("openvino")
    card = write_model(tmp_path / "small.onnx", first=True, inputs=2)
    assert refusal(load, str(card), engine=engine) == (
        f"{tmp_path / 'small.onnx'}: expected a model with one input, the pictures; found 2: "
        "pictures, more_1."
    )


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_another_input_size_is_refused(tmp_path, engine):
    if engine == "openvino":
        pytest.importorskip("openvino")
    card = write_model(tmp_path / "small.onnx", first=True)
    card.write_text(card.read_text().replace("width = 32", "width = 40"))
    assert refusal(load, str(card), engine=engine) == (
        f"{tmp_path / 'small.onnx'}: the input 'pictures' takes shape (?, 3, 24, 32); the card's "
        "[input] gives pictures of shape (n, 24, 40, 3), or (n, 3, 24, 40) where the channels "
        "come first. Correct width and height in the card, or export the model again."
    )


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    said = refusal(load, str(small.write_card(tmp_path, "onnx", "bad.onnx")))
    assert said.startswith(f"{tmp_path / 'bad.onnx'}: ONNX Runtime ")
    assert "cannot load this model" in said


def test_bf16_is_another_engines(tmp_path):
    card = write_model(tmp_path / "small.onnx", first=True)
    assert refusal(load, str(card), engine="onnxruntime:bf16") == (
        "Engine 'onnxruntime' computes in the file's own arithmetic, not in bf16. "
        "Use --engine onnxruntime, or --engine openvino:bf16."
    )


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    card = write_model(tmp_path / "small.onnx", first=True)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert refusal(load, str(card)) == (
        "Engine 'onnxruntime' needs the package onnxruntime, which is not installed. "
        "Install it with `pip install inception-harness[onnx]`."
    )


def test_a_closed_model_says_so(tmp_path):
    classifier = load(str(write_model(tmp_path / "small.onnx", first=True)))
    classifier.close()
    classifier.close()
    assert refusal(classifier.classify, small.pictures(1)[0]) == "This model has been closed."
