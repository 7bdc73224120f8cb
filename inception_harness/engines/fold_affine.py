"""Merging the sums and products that follow a convolution into its weights.

For each output channel, ``(w * x + b) s + t = (w s) * x + (b s + t)``, where ``*`` is the
convolution. Batch normalisation is such a product and sum (Ioffe & Szegedy, 2015, §3.1).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inception_harness.engines.fold_draft import Draft, Step

__all__ = ["merge_into_convolutions"]

Float64 = NDArray[np.float64]


@dataclass
class _Chain:
    """A convolution and the steps after it that multiply or add per channel."""

    convolution: Step
    scale: Float64
    shift: Float64
    merged: list[str] = field(default_factory=list)

    def take(self, op: str, number: Float64, *, constant_first: bool) -> bool:
        """Take in one more product or sum; False where the step is not one."""
        if op in ("Add", "AddV2", "BiasAdd"):
            self.shift = self.shift + number
        elif op == "Sub":
            sign = -1.0 if constant_first else 1.0
            self.scale = self.scale * sign
            self.shift = (self.shift - number) * sign
        elif op == "Mul":
            self.scale, self.shift = self.scale * number, self.shift * number
        elif op in ("RealDiv", "Div") and not constant_first:
            self.scale, self.shift = self.scale / number, self.shift / number
        else:
            return False
        return True


def merge_into_convolutions(draft: Draft) -> int:
    """Merge in place, and return how many convolutions took something in.

    A value that more than one step uses, or that is asked for, stays as it is.
    """
    uses = Counter(name for step in draft.steps.values() for name in step.inputs)
    uses.update(draft.outputs)
    chains: dict[str, _Chain] = {}  # by the name of the last step
    for step in draft.steps.values():
        if step.op in ("Conv2D", "DepthwiseConv2dNative"):
            channels = _channels(draft, step)
            chains[step.name] = _Chain(step, np.ones(channels), np.zeros(channels))
        else:
            _extend(draft, step, chains, uses)
    changed = [(last, chain) for last, chain in chains.items() if chain.merged]
    for last, chain in changed:
        _write(draft, last, chain)
    return len(changed)


def _channels(draft: Draft, convolution: Step) -> int:
    shape = draft.constants[convolution.inputs[1]].shape
    # A depthwise convolution has (height, width, inputs, outputs per input).
    return int(shape[3] if convolution.op == "Conv2D" else shape[2] * shape[3])


def _extend(draft: Draft, step: Step, chains: dict[str, _Chain], uses: Counter[str]) -> None:
    """Let a chain take in a step that works on its end alone, by one number per channel."""
    if len(step.inputs) != 2:
        return
    constant_first = step.inputs[0] in draft.constants
    constant, last = step.inputs if constant_first else reversed(step.inputs)
    if last not in chains or constant not in draft.constants or uses[last] > 1:
        return
    chain = chains[last]
    number = np.asarray(draft.constants[constant], np.float64)
    per_channel = number.ndim > 0 and number.size == number.shape[-1] == chain.scale.size
    if not (per_channel or number.size == 1):
        return
    if chain.take(step.op, number.ravel(), constant_first=constant_first):
        chain.merged.append(step.name)
        chains[step.name] = chains.pop(last)


def _write(draft: Draft, last: str, chain: _Chain) -> None:
    """Give the convolution its new weights; its bias takes the place and name of the last step."""
    convolution = chain.convolution
    weights = np.asarray(draft.constants[convolution.inputs[1]], np.float64)
    scale = chain.scale.reshape(weights.shape[2:] if convolution.op != "Conv2D" else -1)
    convolution.inputs[1] = draft.add_constant(
        f"{convolution.name}/folded_weights", (weights * scale).astype(np.float32)
    )
    bias = draft.add_constant(f"{convolution.name}/folded_bias", chain.shift)
    attributes = {"T": convolution.attributes["T"]}
    draft.steps[last] = Step(last, "BiasAdd", [convolution.name, bias], attributes)
    for name in chain.merged[:-1]:
        del draft.steps[name]
