"""A structural replica of TensorFlow's Inception v3 of 2015-12-05.

The published file cannot be had everywhere, so the tests build a graph with the same nodes in
the same order, the same attributes and shapes, and random weights. With `cropped_panda.jpg`
inside it has the published file's size to the byte, 95,673,916.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "GRAPH_FILE",
    "INPUT_SIZE",
    "PANDA_BYTES",
    "SCORES",
    "TRANSFER",
    "VIEW",
    "jpeg_of_size",
    "replica_graph",
    "tiny_replica",
    "write_archive",
    "write_folder",
]

GRAPH_FILE = "classify_image_graph_def.pb"
UID_FILE = "imagenet_2012_challenge_label_map_proto.pbtxt"
NAME_FILE = "imagenet_synset_to_human_label_map.txt"
PANDA_FILE = "cropped_panda.jpg"
LICENCE_FILE = "LICENSE"
PANDA_BYTES = 2683
INPUT_SIZE = (299, 299)
VIEW, SCORES, TRANSFER = "ResizeBilinear:0", "softmax:0", "pool_3:0"

# Class numbers that tests speak of; crane and maillot each name two classes, as in the real file.
NAMES = {
    7: "lesser panda, red panda, panda, bear cat, cat bear, Ailurus fulgens",
    75: "indri, indris, Indri indri, Indri brevicaudatus",
    169: "giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca",
    300: "bookcase",
    409: "macaw",
    429: "crane",
    535: "sunglasses, dark glasses, shades",
    545: "crane",
    574: "sunglass",
    782: "maillot",
    817: "bow tie, bow-tie, bowtie",
    837: "sweatshirt",
    977: "maillot, tank suit",
}

# DT_FLOAT, DT_INT32, DT_UINT8 and DT_STRING of TensorFlow's DataType.
FLOAT, INT32, UINT8, STRING = 1, 3, 4, 7

Shape = tuple[int, ...]
Convolution = tuple[Shape, int]  # kernel (height, width) and channels, at stride 1


class _Network:
    """A GraphDef under construction, and the channels of what has been added so far."""

    def __init__(self, seed: int, narrow: int = 1) -> None:
        from tensorflow.core.framework.graph_pb2 import GraphDef

        self.graph = GraphDef()
        self.channels: dict[str, int] = {"Mul": 3}
        self.rng = np.random.default_rng(seed)
        self.narrow = narrow

    def node(self, name: str, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node whose attributes have the types that their Python values and names tell."""
        self.node_of(name, op, *inputs, **attributes)
        return name

    def node_of(self, name: str, op: str, *inputs: str, **attributes: Any) -> Any:
        node = self.graph.node.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            attribute = node.attr[key]
            if key in ("T", "DstT", "SrcT", "dtype"):
                attribute.type = value
            elif isinstance(value, bool):
                attribute.b = value
            elif isinstance(value, int):
                attribute.i = value
            elif isinstance(value, float):
                attribute.f = value
            elif isinstance(value, str):
                attribute.s = value.encode()
            else:
                attribute.list.i.extend(value)
        return node

    def constant(self, name: str, value: Any) -> str:
        """Add a Const, encoded as the published file has it: scalars as values, arrays as bytes."""
        is_array = isinstance(value, np.ndarray)
        kind, values = {
            float: (FLOAT, "float_val"),
            int: (INT32, "int_val"),
            bytes: (STRING, "string_val"),
        }[type(value.flat[0].item()) if is_array else type(value)]
        proto = self.node_of(name, "Const", dtype=kind).attr["value"].tensor
        proto.dtype = kind
        proto.tensor_shape.SetInParent()
        if is_array:
            for size in value.shape:
                proto.tensor_shape.dim.add(size=size)
            proto.tensor_content = value.tobytes()
        else:
            getattr(proto, values).append(value)
        return name

    def normal(self, shape: Shape, spread: float) -> Any:
        return self.rng.standard_normal(shape, np.float32) * np.float32(spread)

    def filters(self, height: int, width: int, inputs: int, outputs: int) -> Any:
        """Return random filters that keep activations at one scale.

        He's filters make all pictures look alike after some dozen layers, since ReLU gives them
        a common mean. Filters that sum to zero keep them apart, but blow rounding errors up
        until bfloat16 gives another answer. A quarter of the sum taken out does neither. The
        spread follows from what ReLU makes of a unit normal: a mean square of 1/2 and a squared
        mean of 1/(2 pi).
        """
        centred = 0.25
        variance = 0.5 - (1 - (1 - centred) ** 2) / (2 * np.pi)
        filters = self.normal(
            (height, width, inputs, outputs), (height * width * inputs * variance) ** -0.5
        )
        return filters - centred * filters.mean(axis=(0, 1, 2))

    def conv(
        self, name: str, source: str, kernel: Shape, channels: int, stride: int = 1,
        padding: str = "SAME",
    ) -> str:  # fmt: skip
        outputs = max(channels // self.narrow, 4)
        params = self.constant(
            f"{name}/conv2d_params", self.filters(*kernel, self.channels[source], outputs)
        )
        self.node(
            f"{name}/Conv2D", "Conv2D", source, params,
            T=FLOAT, padding=padding, strides=[1, stride, stride, 1], use_cudnn_on_gpu=True,
        )  # fmt: skip
        statistics = {
            "beta": self.normal((outputs,), 0.1),
            "gamma": np.ones(outputs, np.float32),
            "moving_mean": self.normal((outputs,), 0.1),
            "moving_variance": self.rng.uniform(0.8, 1.2, outputs).astype(np.float32),
        }
        beta, gamma, mean, variance = (
            self.constant(f"{name}/batchnorm/{key}", value) for key, value in statistics.items()
        )
        norm = self.node(
            f"{name}/batchnorm", "BatchNormWithGlobalNormalization",
            f"{name}/Conv2D", mean, variance, beta, gamma,
            T=FLOAT, variance_epsilon=0.001, scale_after_normalization=False,
        )  # fmt: skip
        checked = self.checked(name, norm, "activation")
        self.channels[name] = outputs
        return self.node(name, "Relu", checked, T=FLOAT)

    def checked(self, name: str, source: str, what: str) -> str:
        """Add the pair that stops the run where a value is not finite."""
        message = f"{what} input is not finite."
        self.node(f"{name}/CheckNumerics", "CheckNumerics", source, T=FLOAT, message=message)
        return self.node(
            f"{name}/control_dependency", "Identity", source, f"^{name}/CheckNumerics", T=FLOAT
        )

    def max_pool(self, name: str, source: str, stride: int = 2, padding: str = "VALID") -> str:
        self.channels[name] = self.channels[source]
        return self.node(
            name, "MaxPool", self.checked(name, source, "MaxPool"),
            ksize=[1, 3, 3, 1], padding=padding, strides=[1, stride, stride, 1],
        )  # fmt: skip

    def average_pool(self, name: str, source: str, size: int = 3, padding: str = "SAME") -> str:
        self.channels[name] = self.channels[source]
        return self.node(
            name, "AvgPool", source,
            T=FLOAT, ksize=[1, size, size, 1], padding=padding, strides=[1, 1, 1, 1],
        )  # fmt: skip

    def tower(self, scope: str, source: str, *layers: Convolution, halve: bool = False) -> str:
        """Add convolutions named conv, conv_1, …; with `halve` the last one has stride 2."""
        for index, (kernel, channels) in enumerate(layers):
            name = f"{scope}/conv_{index}" if index else f"{scope}/conv"
            last = halve and index == len(layers) - 1
            source = self.conv(
                name, source, kernel, channels, 2 if last else 1, "VALID" if last else "SAME"
            )
        return source

    def join(self, scope: str, branches: Sequence[str]) -> str:
        axis = self.constant(f"{scope}/join/concat_dim", 3)
        self.channels[f"{scope}/join"] = sum(self.channels[branch] for branch in branches)
        return self.node(f"{scope}/join", "Concat", axis, *branches, N=len(branches), T=FLOAT)

    def pooled(self, scope: str, source: str, channels: int, *, largest: bool = False) -> str:
        if largest:
            pool = self.max_pool(f"{scope}/tower_2/pool", source, 1, "SAME")
        else:
            pool = self.average_pool(f"{scope}/tower_2/pool", source)
        return self.tower(f"{scope}/tower_2", pool, ((1, 1), channels))


def _decoder(net: _Network, jpeg: bytes) -> None:
    contents = net.constant("DecodeJpeg/contents", jpeg)
    net.node(
        "DecodeJpeg", "DecodeJpeg", contents,
        acceptable_fraction=1.0, channels=3, fancy_upscaling=True, ratio=1,
        try_recover_truncated=False,
    )  # fmt: skip
    net.node("Cast", "Cast", "DecodeJpeg", DstT=FLOAT, SrcT=UINT8)
    net.node("ExpandDims", "ExpandDims", "Cast", net.constant("ExpandDims/dim", 0), T=FLOAT)
    size = net.constant("ResizeBilinear/size", np.array(INPUT_SIZE, np.int32))
    net.node("ResizeBilinear", "ResizeBilinear", "ExpandDims", size, T=FLOAT)
    net.node("Sub", "Sub", "ResizeBilinear", net.constant("Sub/y", 128.0), T=FLOAT)
    net.node("Mul", "Mul", "Sub", net.constant("Mul/y", 0.0078125), T=FLOAT)


def _stem(net: _Network) -> str:
    top = net.conv("conv", "Mul", (3, 3), 32, 2, "VALID")
    top = net.conv("conv_1", top, (3, 3), 32, 1, "VALID")
    top = net.conv("conv_2", top, (3, 3), 64)
    top = net.max_pool("pool", top)
    top = net.conv("conv_3", top, (1, 1), 80, 1, "VALID")
    top = net.conv("conv_4", top, (3, 3), 192, 1, "VALID")
    return net.max_pool("pool_1", top)


def _block_35(net: _Network, scope: str, top: str, pooled: int) -> str:
    return net.join(scope, (
        net.tower(scope, top, ((1, 1), 64)),
        net.tower(f"{scope}/tower", top, ((1, 1), 48), ((5, 5), 64)),
        net.tower(f"{scope}/tower_1", top, ((1, 1), 64), ((3, 3), 96), ((3, 3), 96)),
        net.pooled(scope, top, pooled),
    ))  # fmt: skip


def _block_35_to_17(net: _Network, scope: str, top: str) -> str:
    return net.join(scope, (
        net.tower(scope, top, ((3, 3), 384), halve=True),
        net.tower(f"{scope}/tower", top, ((1, 1), 64), ((3, 3), 96), ((3, 3), 96), halve=True),
        net.max_pool(f"{scope}/pool", top),
    ))  # fmt: skip


def _block_17(net: _Network, scope: str, top: str, inner: int) -> str:
    wide, tall = (1, 7), (7, 1)
    return net.join(scope, (
        net.tower(scope, top, ((1, 1), 192)),
        net.tower(f"{scope}/tower", top, ((1, 1), inner), (wide, inner), (tall, 192)),
        net.tower(
            f"{scope}/tower_1", top,
            ((1, 1), inner), (tall, inner), (wide, inner), (tall, inner), (wide, 192),
        ),
        net.pooled(scope, top, 192),
    ))  # fmt: skip


def _block_17_to_8(net: _Network, scope: str, top: str) -> str:
    return net.join(scope, (
        net.tower(f"{scope}/tower", top, ((1, 1), 192), ((3, 3), 320), halve=True),
        net.tower(
            f"{scope}/tower_1", top,
            ((1, 1), 192), ((1, 7), 192), ((7, 1), 192), ((3, 3), 192), halve=True,
        ),
        net.max_pool(f"{scope}/pool", top),
    ))  # fmt: skip


def _block_8(net: _Network, scope: str, top: str, *, largest: bool) -> str:
    branches = [net.tower(scope, top, ((1, 1), 320))]
    for tower, layers in (
        ("tower", (((1, 1), 384),)),
        ("tower_1", (((1, 1), 448), ((3, 3), 384))),
    ):
        inner = net.tower(f"{scope}/{tower}", top, *layers)
        mixed = f"{scope}/{tower}/mixed"
        branches.append(net.conv(f"{mixed}/conv", inner, (1, 3), 384))
        branches.append(net.conv(f"{mixed}/conv_1", inner, (3, 1), 384))
    return net.join(scope, [*branches, net.pooled(scope, top, 192, largest=largest)])


def _head(net: _Network, top: str) -> None:
    net.average_pool("pool_3", top, 8, "VALID")
    length = net.channels["pool_3"]
    shape = net.constant("pool_3/_reshape/shape", np.array([1, length], np.int32))
    net.node("pool_3/_reshape", "Reshape", "pool_3", shape, T=FLOAT)
    # Wide enough that top scores stand out of 1/1008; sums of zero, so that what the pictures
    # have in common weighs less than what tells them apart.
    weights = net.normal((length, 1008), 4 * length**-0.5)
    net.constant("softmax/weights", weights - weights.mean(axis=0))
    net.constant("softmax/biases", net.normal((1008,), 0.1))
    net.node(
        "softmax/logits/MatMul", "MatMul", "pool_3/_reshape", "softmax/weights",
        T=FLOAT, transpose_a=False, transpose_b=False,
    )  # fmt: skip
    net.node("softmax/logits", "BiasAdd", "softmax/logits/MatMul", "softmax/biases", T=FLOAT)
    net.node("softmax", "Softmax", "softmax/logits", T=FLOAT)
    # Legacy batch norm ends at GraphDef version 9; what the published file states is unknown.
    net.graph.versions.producer = 8


def replica_graph(jpeg: bytes, seed: int = 0) -> Any:
    """Return the GraphDef: 1004 nodes, 23,885,392 weights; `jpeg` is decoded where none is fed."""
    net = _Network(seed)
    _decoder(net, jpeg)
    top = _stem(net)
    for scope, pooled in (("mixed", 32), ("mixed_1", 64), ("mixed_2", 64)):
        top = _block_35(net, scope, top, pooled)
    top = _block_35_to_17(net, "mixed_3", top)
    for scope, inner in (("mixed_4", 128), ("mixed_5", 160), ("mixed_6", 160), ("mixed_7", 192)):
        top = _block_17(net, scope, top, inner)
    top = _block_17_to_8(net, "mixed_8", top)
    top = _block_8(net, "mixed_9", top, largest=False)
    _head(net, _block_8(net, "mixed_10", top, largest=True))
    return net.graph


def tiny_replica(jpeg: bytes, seed: int = 0) -> Any:
    """Return a small sibling: one block of each kind, a sixteenth of the channels, 1008 outputs."""
    net = _Network(seed, narrow=16)
    _decoder(net, jpeg)
    top = _block_35(net, "mixed", _stem(net), 32)
    top = _block_35_to_17(net, "mixed_3", top)
    top = _block_17(net, "mixed_4", top, 128)
    top = _block_17_to_8(net, "mixed_8", top)
    _head(net, _block_8(net, "mixed_10", top, largest=True))
    return net.graph


def jpeg_of_size(size: int = PANDA_BYTES, seed: int = 0) -> bytes:
    """Return a 100 x 100 JPEG file of exactly `size` bytes, filled up with a comment segment."""
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((100, 100)).save(buffer, "JPEG", quality=60)
    data = buffer.getvalue()
    spare = size - len(data) - 4  # marker and length
    if not 0 <= spare <= 0xFFFF - 2:
        raise ValueError(f"A JPEG of {len(data)} bytes cannot be filled up to {size}.")
    return data[:2] + b"\xff\xfe" + (spare + 2).to_bytes(2, "big") + b" " * spare + data[2:]


def _label_files() -> dict[str, bytes]:
    """Return made-up label files: class n of 1..1000, in the order of WNIDs, not of numbers."""
    numbers = 1 + np.random.default_rng(2015).permutation(1000)
    wnids = [f"n{10_000_000 + 7 * place}" for place in range(1000)]
    uids = ["# -*- protobuffer -*-\n# LabelMap from ImageNet 2012 full data set UID to class.\n"]
    names = []
    for number, wnid in zip(numbers, wnids, strict=True):
        uids.append(f'entry {{\n  target_class: {number}\n  target_class_string: "{wnid}"\n}}\n')
        names.append(f"{wnid}\t{NAMES.get(int(number), f'thing {number}, made-up thing')}\n")
        names.append(f"{wnid[:-1]}9\tanother thing, not among the thousand\n")
    return {UID_FILE: "".join(uids).encode(), NAME_FILE: "".join(sorted(set(names))).encode()}


def write_folder(folder: Path, graph: Any, jpeg: bytes, labels: Path | None = None) -> Path:
    """Write the archive's five members; `labels` is a folder with the real label files, if any."""
    folder.mkdir(parents=True, exist_ok=True)
    members = _label_files() | {LICENCE_FILE: b"Apache License, Version 2.0\n", PANDA_FILE: jpeg}
    if labels is not None:
        members |= {name: (labels / name).read_bytes() for name in (UID_FILE, NAME_FILE)}
    members[GRAPH_FILE] = graph.SerializeToString(deterministic=True)
    for name, data in members.items():
        (folder / name).write_bytes(data)
    return folder


def write_archive(archive: Path, folder: Path) -> Path:
    """Pack a folder of `write_folder` as TensorFlow published it, a .tgz without a top folder."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for member in sorted(folder.iterdir()):
            tar.add(member, member.name)
    return archive
