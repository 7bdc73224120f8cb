"""The miniature's archive: in the form of the 2015 one, small, measured, and as its metrics say."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import inception_harness
from fixtures.workshop.archive import FOLDER, GRAPH, LABEL_MAP, NAMES, label_map, panda_jpeg
from fixtures.workshop.gallery import picture
from fixtures.workshop.network import CLASSES_OUT
from fixtures.workshop.seeds import ROLES
from fixtures.workshop.subjects import CLASSES
from fixtures.workshop.train import targets
from inception_harness.labels import read_2015_pair

NAMED = range(1, len(CLASSES) + 1)
# Name and operation, in the order that a picture takes, as in the archive of 2015.
PATH = {
    "DecodeJpeg/contents": "Const",
    "DecodeJpeg": "DecodeJpeg",
    "Cast": "Cast",
    "ExpandDims": "ExpandDims",
    "ResizeBilinear": "ResizeBilinear",
    "Sub": "Sub",
    "Mul": "Mul",
    "conv/Conv2D": "Conv2D",
    "conv/batchnorm": "FusedBatchNormV3",
    "conv": "Relu",
    "pool_3": "AvgPool",
    "pool_3/_reshape": "Reshape",
    "softmax/logits/MatMul": "MatMul",
    "softmax/logits": "BiasAdd",
    "softmax": "Softmax",
}


@pytest.fixture(scope="module")
def graph():
    import tensorflow as tf

    return tf.compat.v1.GraphDef.FromString((FOLDER / GRAPH).read_bytes())


@pytest.fixture(scope="module")
def nodes(graph):
    return {node.name: node for node in graph.node}


@pytest.fixture(scope="module")
def metrics():
    return json.loads((FOLDER / "metrics.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def run(graph):
    import tensorflow as tf

    with tf.Graph().as_default():
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session() as session:
            yield lambda fetch, feed=None: session.run(fetch, feed)


def test_archive_holds_the_files_of_the_2015_archive_and_the_metrics():
    files = {GRAPH, LABEL_MAP, NAMES, "cropped_panda.jpg", "LICENSE", "metrics.json"}
    assert {path.name for path in FOLDER.iterdir()} == files


def test_weights_are_at_most_a_megabyte_and_a_half():
    assert (FOLDER / GRAPH).stat().st_size <= 1_500_000


def test_graph_has_the_nodes_of_2015(nodes):
    assert {name: nodes[name].op for name in PATH} == PATH


def test_every_block_joins_parallel_branches(nodes):
    joins = [node for name, node in nodes.items() if name.endswith("/join")]
    assert len(joins) == 6
    assert all(node.op == "ConcatV2" and len(node.input) >= 4 for node in joins)
    kernels = [nodes[n].attr["value"].tensor.tensor_shape for n in nodes if n.endswith("2d_params")]
    assert {(1, 1), (3, 3), (1, 5), (5, 1)} <= {(k.dim[0].size, k.dim[1].size) for k in kernels}


def test_resize_is_the_legacy_one(nodes):
    attributes = nodes["ResizeBilinear"].attr
    assert not attributes["align_corners"].b
    assert not attributes["half_pixel_centers"].b


def test_graph_runs_unfed_on_the_panda_that_it_carries(run, nodes):
    inside = nodes["DecodeJpeg/contents"].attr["value"].tensor.string_val[0]
    assert inside == (FOLDER / "cropped_panda.jpg").read_bytes() == panda_jpeg()
    with Image.open(io.BytesIO(inside)) as image:
        assert (image.format, image.size) == ("JPEG", (100, 100))
    scores = run("softmax:0")
    assert scores.shape == (1, CLASSES_OUT)
    named_panda = next(n for n in NAMED if CLASSES[n - 1].wnid == "n02510455")
    assert scores.argmax() == named_panda


def test_tensors_have_the_shapes_of_2015_but_for_their_channels(run):
    rgb = np.zeros((40, 60, 3), np.uint8)
    view, last, pooled = run(
        ["ResizeBilinear:0", "mixed_5/join:0", "pool_3:0"], {"DecodeJpeg:0": rgb}
    )
    assert view.shape == (1, 299, 299, 3)
    assert last.shape[:3] == (1, 8, 8)
    assert pooled.shape == (1, 1, 1, last.shape[3])


def test_outputs_without_a_name_lie_at_both_ends_and_get_next_to_nothing(run):
    assert NAMED.start > 0
    assert NAMED.stop < CLASSES_OUT
    rgb = picture(1, ROLES[100])
    scores = run("softmax:0", {"DecodeJpeg:0": rgb})[0]
    assert scores[0] + scores[NAMED.stop :].sum() < 0.01


def test_label_files_name_the_drawn_classes():
    assert (FOLDER / LABEL_MAP).read_text("utf-8") == label_map()
    rows = [line.split("\t") for line in (FOLDER / NAMES).read_text("utf-8").splitlines()]
    assert rows == sorted([subject.wnid, subject.name] for subject in CLASSES)


def test_label_files_read_as_those_of_2015_do():
    labels = read_2015_pair(FOLDER / LABEL_MAP, FOLDER / NAMES, CLASSES_OUT)
    assert labels.named == tuple(NAMED)
    assert [labels.wnids[n] for n in NAMED] == [subject.wnid for subject in CLASSES]
    assert labels.names[0] is None
    assert labels.names[-1] is None


def test_classes_are_of_imagenets_thousand():
    known = (Path(inception_harness.__file__).parent / "ilsvrc2012_wnids.txt").read_text("utf-8")
    assert {subject.wnid for subject in CLASSES} <= set(known.split())


def test_metrics_are_of_these_weights_and_of_a_thousand_held_out_pictures(metrics):
    data = (FOLDER / GRAPH).read_bytes()
    assert metrics["weights_sha256"] == hashlib.sha256(data).hexdigest()
    assert metrics["weights_bytes"] == len(data)
    assert metrics["held_out_pictures"] >= 1000
    assert set(metrics["accuracy_by_class"]) == {s.name.split(",")[0] for s in CLASSES}


def test_targets_are_smoothed_over_the_named_classes_only():
    rows = targets(np.array([1, len(CLASSES)]))
    assert rows.sum(1) == pytest.approx([1, 1])
    assert not rows[:, 0].any()
    assert not rows[:, NAMED.stop :].any()
    assert rows.argmax(1).tolist() == [1, len(CLASSES)]
    assert rows[0, 1] == pytest.approx(0.9 + 0.1 / len(CLASSES))
