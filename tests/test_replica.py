"""The replica has the published graph's structure, to the byte count, and computes."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from math import prod

import numpy as np
import pytest

from tests import replica

OPS = {
    "Const": 489, "CheckNumerics": 99, "Identity": 99, "Conv2D": 94, "Relu": 94,
    "BatchNormWithGlobalNormalization": 94, "Concat": 11, "AvgPool": 9, "MaxPool": 5,
    "DecodeJpeg": 1, "Cast": 1, "ExpandDims": 1, "ResizeBilinear": 1, "Sub": 1, "Mul": 1,
    "Reshape": 1, "MatMul": 1, "BiasAdd": 1, "Softmax": 1,
}  # fmt: skip
MEMBERS = [
    "LICENSE",
    "classify_image_graph_def.pb",
    "cropped_panda.jpg",
    "imagenet_2012_challenge_label_map_proto.pbtxt",
    "imagenet_synset_to_human_label_map.txt",
]


def read_graph(folder):
    from tensorflow.core.framework.graph_pb2 import GraphDef

    return GraphDef.FromString((folder / replica.GRAPH_FILE).read_bytes())


def run(graph, tensors, feed):
    import tensorflow as tf

    copy = type(graph)()
    copy.CopyFrom(graph)  # importing writes default attributes into the proto
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(copy, name="")
        with tf.compat.v1.Session(graph=imported) as session:
            return session.run(tensors, feed)


def test_counts_are_those_of_the_published_graph(replica_folder):
    graph = read_graph(replica_folder)
    shapes = [
        [dim.size for dim in node.attr["value"].tensor.tensor_shape.dim]
        for node in graph.node
        if node.op == "Const" and node.attr["dtype"].type == replica.FLOAT
    ]
    assert len(graph.node) == 1004
    assert Counter(node.op for node in graph.node) == OPS
    assert sum(prod(shape) for shape in shapes if shape) == 23_885_392
    assert graph.versions.producer < 9


def test_size_is_that_of_the_published_file_to_the_byte(replica_folder):
    assert (replica_folder / replica.PANDA_FILE).stat().st_size == replica.PANDA_BYTES
    assert (replica_folder / replica.GRAPH_FILE).stat().st_size == 95_673_916


def test_size_is_the_published_one_with_the_real_panda_inside(shared_store):
    panda = (shared_store / "models/inception-v3-2015/cropped_panda.jpg").read_bytes()
    assert replica.replica_graph(panda).ByteSize() == 95_673_916


def test_nodes_are_those_of_the_gathered_facts(shared_store, replica_folder):
    facts = json.loads((shared_store.parent / "facts/inception_2015_graph.json").read_text())
    names = {1: "DT_FLOAT", 3: "DT_INT32", 4: "DT_UINT8", 7: "DT_STRING"}

    def plain(attribute):
        kind = attribute.WhichOneof("value")
        if kind == "list":
            return {"ints": list(attribute.list.i)}
        value = getattr(attribute, kind)
        text = names[value] if kind == "type" else value.decode() if kind == "s" else value
        return {kind: pytest.approx(text) if kind == "f" else text}

    for node, fact in zip(read_graph(replica_folder).node, facts["nodes"], strict=True):
        attributes = {key: plain(node.attr[key]) for key in node.attr if key != "value"}
        assert (node.name, node.op, list(node.input)) == (
            fact["name"], fact["op"], fact["inputs"]
        )  # fmt: skip
        assert attributes == fact["attrs"], node.name
        if "const" in fact:
            shape = [dim.size for dim in node.attr["value"].tensor.tensor_shape.dim]
            assert shape == fact["const"]["shape"], node.name


@pytest.mark.parametrize(
    ("which", "length"), [("replica_folder", 2048), ("tiny_folder", None)], ids=["full", "tiny"]
)
def test_scores_are_finite_and_tell_pictures_apart(request, which, length):
    graph = read_graph(request.getfixturevalue(which))
    tensors = [replica.SCORES, replica.TRANSFER, replica.VIEW]
    unfed, transfer, view = run(graph, tensors, {})
    other, other_transfer, _ = run(
        graph, tensors, {"DecodeJpeg/contents:0": replica.jpeg_of_size(seed=1)}
    )
    assert unfed.shape == (1, 1008)
    assert view.shape == (1, 299, 299, 3)
    assert transfer.shape == (1, 1, 1, length or transfer.shape[-1])
    for scores, values in ((unfed, transfer), (other, other_transfer)):
        assert np.isfinite(scores).all()
        assert scores.sum() == pytest.approx(1, abs=1e-4)
        assert 5 / 1008 < scores.max() < 0.99
        assert (values > 0).mean() > 0.5
    assert np.abs(unfed - other).sum() > 0.1


def test_graph_refuses_two_pictures_at_once(tiny_folder):
    pair = np.zeros((2, 299, 299, 3), np.float32)
    with pytest.raises(ValueError, match=r"Cannot feed value of shape \(2, 299, 299, 3\)"):
        run(read_graph(tiny_folder), replica.SCORES, {replica.VIEW: pair})


def test_legacy_batch_norm_ends_at_version_9(tiny_folder):
    graph = read_graph(tiny_folder)
    graph.versions.producer = 9
    from tensorflow.errors import UnimplementedError

    with pytest.raises(UnimplementedError, match="is not available in GraphDef version 9"):
        run(graph, replica.SCORES, {})


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    jpeg = replica.jpeg_of_size()
    first, again, other = (
        replica.tiny_replica(jpeg, seed).SerializeToString(deterministic=True) for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


def test_tiny_replica_has_only_names_of_the_full_one(replica_folder, tiny_folder):
    full = {(node.name, node.op) for node in read_graph(replica_folder).node}
    assert {(node.name, node.op) for node in read_graph(tiny_folder).node} < full


def test_archive_holds_the_five_members_at_its_top(tiny_archive):
    with tarfile.open(tiny_archive) as tar:
        assert tar.getnames() == MEMBERS


def test_made_up_labels_have_the_published_form(tiny_folder):
    from inception_harness.labels import read_2015_pair

    labels = read_2015_pair(tiny_folder / replica.UID_FILE, tiny_folder / replica.NAME_FILE, 1008)
    assert labels.named == tuple(range(1, 1001))
    assert labels.name(169) == "giant panda"


def test_full_size_archive_unpacks_to_what_was_packed(replica_folder, replica_archive):
    with tarfile.open(replica_archive) as tar:
        packed = tar.extractfile(replica.GRAPH_FILE).read()
    assert packed == (replica_folder / replica.GRAPH_FILE).read_bytes()
