"""A folded graph computes what the original computes; what is not understood is left alone."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from inception_harness.engines.fold import Folded, NotFolded, fold
from tests import replica


def run(graph, tensors, feed):
    import tensorflow as tf

    copy = type(graph)()
    copy.CopyFrom(graph)  # importing writes default attributes into the proto
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(copy, name="")
        with tf.compat.v1.Session(graph=imported) as session:
            feeds = feed if isinstance(feed, list) else [feed]
            results = [session.run(tensors, one) for one in feeds]
    return results if isinstance(feed, list) else results[0]


def pictures():
    """Eight pictures of the network's size, 0..255: noise, plain, slopes, edges, a photograph."""
    width, height = replica.INPUT_SIZE
    rng = np.random.default_rng(11)
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    slope = np.stack([x, y, 255 - x], axis=-1)
    drawn = Image.open(io.BytesIO(replica.jpeg_of_size())).resize((width, height))
    return np.stack([
        rng.uniform(0, 255, (height, width, 3)),
        np.zeros((height, width, 3)),
        np.full((height, width, 3), 255.0),
        slope,
        slope[::-1],
        np.where(slope > 128, 255.0, 0.0),
        rng.integers(0, 2, (height, width, 1)) * np.full(3, 255.0),
        np.asarray(drawn, np.float64),
    ]).astype(np.float32)  # fmt: skip


def keras_inception_v3():
    """Freeze a Keras InceptionV3 whose weights and statistics are all random."""
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    keras.utils.set_random_seed(7)
    model = keras.applications.InceptionV3(weights=None)
    rng = np.random.default_rng(7)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.beta.shape
            beta, mean = rng.normal(0, 0.2, (2, *shape))
            layer.set_weights([beta, mean, rng.uniform(0.3, 1.5, shape)])
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel * 20, bias])
    signature = tf.TensorSpec((None, 299, 299, 3), tf.float32, name="x")
    function = tf.function(lambda x: model(x / 127.5 - 1.0, training=False))
    frozen = convert_variables_to_constants_v2(function.get_concrete_function(signature))
    graph = frozen.graph.as_graph_def()
    keras.backend.clear_session()
    transfer = next(node.name for node in graph.node if node.op == "Mean")
    return graph, "x:0", ["Identity:0", f"{transfer}:0"]


@dataclass
class Case:
    graph: Any
    view: str
    outputs: list[str]
    result: Any
    changed: bool
    pictures: Any
    expected: list[Any]  # per output, one row for each picture
    batch: list[Any]  # what the folded graph gives for all of them at once
    single: list[Any]  # and for the first alone


@pytest.fixture(scope="module", params=["tiny replica", "replica", "keras"])
def case(request):
    if request.param == "keras":
        graph, view, outputs = keras_inception_v3()
    else:
        build = replica.tiny_replica if "tiny" in request.param else replica.replica_graph
        graph = build(replica.jpeg_of_size())
        view, outputs = replica.VIEW, [replica.SCORES, replica.TRANSFER]
    before = graph.SerializeToString(deterministic=True)
    result = fold(graph, view=view, outputs=outputs, size=replica.INPUT_SIZE)
    assert isinstance(result, Folded), result.reason
    changed = graph.SerializeToString(deterministic=True) != before
    batch = pictures()
    # The original of 2015 takes one picture at a time.
    singles = run(graph, outputs, [{view: picture[None]} for picture in batch])
    expected = [np.concatenate(rows) for rows in zip(*singles, strict=True)]
    together, single = run(result.graph, outputs, [{view: batch}, {view: batch[:1]}])
    return Case(graph, view, outputs, result, changed, batch, expected, together, single)


def assert_equal_scores(got, case, count=8):
    scores, transfer = got
    assert scores.shape == (count, *case.expected[0].shape[1:])
    assert np.abs(scores - case.expected[0][:count]).max() < 1e-5
    # Transfer values have no upper bound: compare in units of their spread.
    spread = case.expected[1].std()
    assert np.abs(transfer - case.expected[1][:count]).max() < 1e-4 * spread


def test_scores_under_test_differ_between_pictures(case):
    """Else equal scores would say nothing of the folding."""
    scores = case.expected[0]
    apart = [np.abs(one - other).max() for one, other in pairwise(scores)]
    assert min(apart) > 1e-3


def test_folded_batch_of_eight_equals_the_original_one_by_one(case):
    assert_equal_scores(case.batch, case)


def test_folded_single_picture_equals_the_original(case):
    assert_equal_scores(case.single, case, count=1)


def test_openvino_reads_the_folded_graph_and_agrees(case, tmp_path):
    openvino = pytest.importorskip("openvino", reason="the extra [openvino] is not installed")
    path = tmp_path / "folded.pb"
    path.write_bytes(case.result.graph.SerializeToString())
    model = openvino.Core().read_model(path)
    model.add_outputs(case.outputs[1])  # by itself OpenVINO returns what nothing else uses
    assert model.inputs[0].partial_shape.to_string() == "[?,299,299,3]"
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result = compiled(case.pictures)
    assert_equal_scores([result[name] for name in case.outputs], case)


def test_nothing_slow_remains(case):
    ops = Counter(node.op for node in case.result.graph.node)
    allowed = {
        "AvgPool", "BiasAdd", "ConcatV2", "Const", "Conv2D", "Identity", "MatMul", "MaxPool",
        "Mean", "Mul", "Placeholder", "RealDiv", "Relu", "Reshape", "Softmax", "Sub",
    }  # fmt: skip
    assert set(ops) <= allowed
    # One bias for each convolution and one for the classes; scaling at the input stays.
    assert ops["BiasAdd"] == ops["Conv2D"] + 1
    assert ops["Mul"] + ops["RealDiv"] == ops["Sub"] == ops["Placeholder"] == 1
    assert not any(name.startswith("^") for node in case.result.graph.node for name in node.input)


def test_given_graph_is_not_changed(case):
    assert not case.changed


def test_note_says_what_was_done(case):
    before, after = len(case.graph.node), len(case.result.graph.node)
    convolutions = sum(node.op == "Conv2D" for node in case.graph.node)
    assert case.result.notes == (
        f"graph folded: {before} nodes to {after}, "
        f"{convolutions} convolutions took in what follows them, batch open",
    )


# Small graphs of all kinds that the rules know, made by hypothesis.

NORMS = ["legacy", "legacy scaled", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3",
         "arithmetic", "none"]  # fmt: skip
SMALL = (10, 8)  # width, height
ROOMY = (20, 16)  # three layers of stride 2 still leave something


@st.composite
def layers(draw):
    return {
        "conv": draw(st.sampled_from(["Conv2D", "depthwise", "MaxPool"])),
        "padding": draw(st.sampled_from(["SAME", "VALID"])),
        "stride": draw(st.integers(1, 2)),
        "bias": draw(st.booleans()),
        "norm": draw(st.sampled_from(NORMS)),
        "arithmetic": draw(
            st.lists(st.sampled_from(["x*c", "c*x", "x+c", "x-c", "c-x", "x/c", "c/x"]), max_size=2)
        ),
        "checked": draw(st.booleans()),
        "branch": draw(st.sampled_from(["none", "before norm", "after norm"])),
    }


def add_layer(tf, x, layer, rng, legacy):
    channels = int(x.shape[-1])

    def number(low=0.3, high=1.5, size=None):
        return tf.constant(rng.uniform(low, high, size or channels).astype(np.float32))

    if layer["conv"] == "MaxPool":
        x = tf.nn.max_pool2d(x, 2, 1, layer["padding"])
    elif layer["conv"] == "depthwise":
        weights = number(-0.4, 0.4, (2, 3, channels, 2))
        x = tf.nn.depthwise_conv2d(x, weights, [1, 1, 1, 1], layer["padding"])
    else:
        weights = number(-0.4, 0.4, (3, 2, channels, 5)) * np.float32((channels / 3) ** -0.5)
        x = tf.nn.conv2d(x, weights, layer["stride"], layer["padding"])
    channels = int(x.shape[-1])
    if layer["bias"]:
        x = tf.nn.bias_add(x, number(-1, 1))
    side = x if layer["branch"] == "before norm" else None
    parameters = number(), number(-1, 1), number(-1, 1), number()
    if layer["norm"] == "arithmetic":
        scale, offset, mean, variance = parameters
        x = tf.nn.batch_normalization(x, mean, variance, offset, scale, 0.01)
    elif layer["norm"] != "none":
        fused = layer["norm"] if "Fused" in layer["norm"] else "FusedBatchNorm"
        call = getattr(tf.raw_ops, fused)
        scale, offset, mean, variance = parameters
        x = call(
            x=x, scale=scale, offset=offset, mean=mean, variance=variance,
            epsilon=0.01, is_training=False,
        )[0]  # fmt: skip
        if "legacy" in layer["norm"]:
            legacy[x.op.name] = layer["norm"] == "legacy scaled"
    side = x if layer["branch"] == "after norm" else side
    for kind in layer["arithmetic"]:
        c = number(0.5, 2)
        x = {
            "x*c": lambda x, c: x * c,
            "c*x": lambda x, c: c * x,
            "x+c": lambda x, c: x + c,
            "x-c": lambda x, c: x - c,
            "c-x": lambda x, c: c - x,
            "x/c": lambda x, c: x / c,
            # Far from zero, where a quotient tells rounding errors apart from wrong numbers.
            "c/x": lambda x, c: c / (tf.abs(x) + 1),
        }[kind](x, c)
    if layer["checked"]:
        check = tf.debugging.check_numerics(x, "activation input is not finite.")
        with tf.control_dependencies([check]):
            x = tf.identity(x)
    x = tf.nn.relu(x)
    return x if side is None else tf.concat([x, tf.sigmoid(side)], axis=-1)


def small_graph(stack, head, fixed, seed):
    """Return a GraphDef from x:0 to scores:0 and transfer:0 (the last layer's values)."""
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    legacy: dict[str, bool] = {}
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (1 if fixed else None, ROOMY[1], ROOMY[0], 3), "x")
        y = x / 127.5 - 1.0
        for layer in stack:
            y = add_layer(tf, y, layer, rng, legacy)
        y = tf.identity(y, "transfer")
        length = int(np.prod(y.shape[1:]))
        if head == "mean":
            y, length = tf.reduce_mean(y, [1, 2]), int(y.shape[-1])
        elif head == "dynamic":
            y = tf.reshape(y, [tf.shape(y)[0], length])
        else:
            y = tf.reshape(y, {"-1,n": [-1, length], "1,n": [1, length], "1,-1": [1, -1]}[head])
        weights = rng.normal(0, length**-0.5, (length, 7)).astype(np.float32)
        y = tf.linalg.matmul(y, tf.constant(weights))
        tf.nn.softmax(tf.nn.bias_add(y, tf.zeros(7)), name="scores")
    proto = graph.as_graph_def()
    for node in proto.node:
        if node.name in legacy:
            x, scale, offset, mean, variance = node.input
            kind = node.attr["T"].type
            node.ClearField("attr")
            node.op = "BatchNormWithGlobalNormalization"
            node.input[:] = [x, mean, variance, offset, scale]
            node.attr["T"].type = kind
            node.attr["variance_epsilon"].f = 0.01
            node.attr["scale_after_normalization"].b = legacy[node.name]
            proto.versions.producer = 8
    return proto


@given(
    stack=st.lists(layers(), min_size=1, max_size=3),
    head=st.sampled_from(["mean", "dynamic", "-1,n", "1,n", "1,-1"]),
    fixed=st.booleans(),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=40, deadline=None)
def test_any_graph_of_known_parts_folds_and_computes_the_same(stack, head, fixed, seed):
    fixed = fixed or head.startswith("1,")
    graph = small_graph(stack, head, fixed, seed)
    outputs = ["scores:0", "transfer:0"]
    result = fold(graph, view="x:0", outputs=outputs, size=ROOMY)
    assert isinstance(result, Folded), result.reason
    ops = {node.op for node in result.graph.node}
    assert not {op for op in ops if "BatchNorm" in op or "Check" in op}
    batch = np.random.default_rng(seed).uniform(0, 255, (5, ROOMY[1], ROOMY[0], 3))
    rows = run(graph, outputs, [{"x:0": picture[None]} for picture in batch])
    scores, transfer = (np.concatenate(values) for values in zip(*rows, strict=True))
    got_scores, got_transfer = run(result.graph, outputs, {"x:0": batch})
    np.testing.assert_allclose(got_scores, scores, atol=1e-5)
    np.testing.assert_allclose(got_transfer, transfer, atol=1e-4 * max(1, np.abs(transfer).max()))


def test_batch_norm_goes_into_the_weights_where_it_can():
    """One convolution and one sum remain, under the name of the last step merged."""
    layer = {"conv": "Conv2D", "padding": "SAME", "stride": 1, "bias": True, "norm": "legacy",
             "arithmetic": ["x*c", "c-x"], "checked": True, "branch": "none"}  # fmt: skip
    result = fold(
        small_graph([layer], "mean", True, 0), view="x:0", outputs=["scores:0"], size=ROOMY
    )
    ops = Counter(node.op for node in result.graph.node if node.op != "Const")
    assert ops == {"Placeholder": 1, "RealDiv": 1, "Sub": 1, "Conv2D": 1, "BiasAdd": 2,
                   "Relu": 1, "Mean": 1, "MatMul": 1, "Softmax": 1}  # fmt: skip


# What folding does not know, it leaves alone.


def network(tf, x, head=None):
    """A convolution, then what a test puts in its way, then two classes."""
    y = tf.nn.conv2d(x, tf.ones((3, 3, 3, 4)), 1, "SAME")
    y = head(tf, y) if head else y
    return tf.nn.softmax(tf.reduce_mean(y, [1, 2]), name="scores")


def norm(tf, y, **settings):
    vector = tf.ones(int(y.shape[-1]))
    return tf.raw_ops.FusedBatchNormV3(
        x=y, scale=vector, offset=vector, mean=vector, variance=vector, **settings
    )[0]


REFUSED = {
    "unknown op": (
        lambda tf, y: tf.reverse(y, [1], name="turn"),
        "turn is a ReverseV2, an op that folding does not know",
    ),
    "trains": (
        lambda tf, y: norm(tf, y, is_training=True, name="norm"),
        "norm (FusedBatchNormV3) normalises by the batch itself",
    ),
    "pictures times pictures": (
        lambda tf, y: tf.linalg.matmul(
            v := tf.reduce_mean(y, [1, 2]), v, transpose_b=True, name="product"
        )[:, None, :, None],
        "input 1 of product (MatMul) is not a constant",
    ),
    "along the batch": (
        lambda tf, y: y - tf.reduce_mean(y, 0, keepdims=True, name="mean"),
        "mean (Mean) works along the batch",
    ),
    "channels first": (
        lambda tf, y: tf.raw_ops.MaxPool(
            input=y, ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="SAME",
            data_format="NCHW", name="pool",
        ),
        "pool (MaxPool) has its channels first",
    ),
    "joins along the batch": (
        lambda tf, y: tf.concat([y, y], axis=0, name="join"),
        "join (ConcatV2) works along the batch",
    ),
    "pads the batch": (
        lambda tf, y: tf.pad(y, [[0, 1], [0, 0], [0, 0], [0, 0]], name="pad"),
        "pad (Pad) pads the batch",
    ),
    "a number for each picture": (
        lambda tf, y: tf.multiply(y, tf.ones((2, 1, 1, 1)), name="mul"),
        "mul (Mul) would mix pictures by ones_1:0",
    ),
    "vectors beside pictures": (
        lambda tf, y: tf.multiply(y, tf.reduce_mean(y, [1, 2]), name="mul"),
        "mul (Mul) would mix pictures by Mean:0",
    ),
    "mixing reshape": (
        lambda tf, y: tf.reshape(y, [-1, 4, 10, 4], name="split"),
        "split (Reshape) turns (None, 8, 10, 4) into (None, 4, 10, 4)",
    ),
    "takes pictures apart": (
        lambda tf, y: tf.strided_slice(y, [0, 0, 0, 0], [9, 8, 10, 4], name="cut"),
        "cut (StridedSlice) takes apart or joins pictures",
    ),
    "half precision": (
        lambda tf, y: tf.cast(tf.cast(y, tf.float16, name="half"), tf.float32),
        "half (Cast) computes in float16",
    ),
    "a second input": (
        lambda tf, y: y * tf.compat.v1.placeholder(tf.float32, (), "training"),
        "training (Placeholder) is an input besides the pictures",
    ),
    "reshape to one picture": (
        lambda tf, y: tf.reshape(y, [1, 8, 10, 4], name="one"),
        "one (Reshape) turns (None, 8, 10, 4) into (1, 8, 10, 4)",
    ),
    "one picture by calculation": (
        lambda tf, y: tf.reshape(y, [tf.shape(y)[1] - 7, 8, 10, 4]),
        "scores:0 of shape (1, 4) would be (1, 4): the batch is not free",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "head",
    [
        lambda tf, y: tf.constant([10.0, 20.0, 30.0, 40.0]) / y,
        lambda tf, y: (y * tf.constant([0.01, 0.02, 0.03, 0.04])) * y,
    ],
    ids=["a quotient by the convolution", "a convolution used twice"],
)
def test_what_cannot_go_into_the_weights_stays(head):
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        network(tf, tf.compat.v1.placeholder(tf.float32, (None, 8, 10, 3), "x"), head)
    batch = np.random.default_rng(0).uniform(0.1, 0.5, (3, 8, 10, 3))
    result = fold(graph.as_graph_def(), view="x:0", outputs=["scores:0"], size=SMALL)
    expected = run(graph.as_graph_def(), "scores:0", {"x:0": batch})
    np.testing.assert_allclose(
        run(result.graph, "scores:0", {"x:0": batch}), expected, rtol=1e-5, atol=1e-9
    )


def test_value_asked_for_within_a_chain_keeps_its_meaning():
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, 8, 10, 3), "x")
        network(tf, x, lambda tf, y: tf.nn.bias_add(y, tf.constant([1.0, 2.0, 3.0, 4.0])) * 5)
    batch = np.random.default_rng(0).uniform(0.1, 0.5, (3, 8, 10, 3))
    for asked in ("Conv2D:0", "BiasAdd:0", "mul:0"):
        result = fold(graph.as_graph_def(), view="x:0", outputs=["scores:0", asked], size=SMALL)
        expected = run(graph.as_graph_def(), asked, {"x:0": batch})
        np.testing.assert_allclose(
            run(result.graph, asked, {"x:0": batch}), expected, rtol=1e-5, err_msg=asked
        )


@pytest.mark.parametrize("kind", REFUSED)
def test_graph_with_something_unknown_is_left_alone(kind):
    import tensorflow as tf

    head, reason = REFUSED[kind]
    with tf.Graph().as_default() as graph:
        network(tf, tf.compat.v1.placeholder(tf.float32, (None, 8, 10, 3), "x"), head)
    given_graph = graph.as_graph_def()
    before = given_graph.SerializeToString(deterministic=True)
    result = fold(given_graph, view="x:0", outputs=["scores:0"], size=SMALL)
    assert isinstance(result, NotFolded)
    assert result.reason == reason
    assert result.graph is given_graph
    assert given_graph.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"view": "y:0"}, "it has no tensor 'y:0'"),
        ({"view": "x"}, "it has no tensor 'x'"),
        ({"outputs": ["scores:0", "logits:0"]}, "it has no tensor 'logits:0'"),
        ({"outputs": ["Const:0"]}, "Const:0 does not depend on x:0"),
        ({"size": (8, 10)}, "x:0 is float32 of shape (None, 8, 10, 3), not float32 of shape "
                            "(batch, 10, 8, 3)"),
    ],
)  # fmt: skip
def test_names_and_sizes_that_do_not_fit_are_a_reason(options, reason):
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        network(tf, tf.compat.v1.placeholder(tf.float32, (None, 8, 10, 3), "x"))
        tf.constant(1.0, name="Const")
    settings = {"view": "x:0", "outputs": ["scores:0"], "size": SMALL} | options
    result = fold(graph.as_graph_def(), **settings)
    assert isinstance(result, NotFolded)
    assert result.reason == reason


def test_graph_that_tensorflow_refuses_is_left_alone():
    graph = replica.tiny_replica(replica.jpeg_of_size())
    graph.versions.producer = 9
    result = fold(graph, view=replica.VIEW, outputs=[replica.SCORES], size=replica.INPUT_SIZE)
    assert isinstance(result, NotFolded)
    assert result.reason.startswith(
        "TensorFlow refuses the graph: Op BatchNormWithGlobalNormalization is not available in "
        "GraphDef version 9."
    )


def test_decoder_is_not_computed_as_if_it_were_a_constant():
    """The 2015 graph holds a picture; a path around the view would answer by it for ever."""
    graph = replica.tiny_replica(replica.jpeg_of_size())
    for node in graph.node:
        if node.name == "Mul":
            node.input[1] = "Cast"
    result = fold(graph, view=replica.VIEW, outputs=[replica.SCORES], size=replica.INPUT_SIZE)
    assert isinstance(result, NotFolded)
    assert result.reason == "DecodeJpeg (DecodeJpeg) is an input besides the pictures"
