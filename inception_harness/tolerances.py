"""How far the scores of one network may lie apart, and why.

Each bound has its source beside it. *Measured* means: the five MobileNets of the built-in cards
over the ten photos and 63 photographs of ImageNet, 365 answers, top ten of each.
"""

from __future__ import annotations

from dataclasses import dataclass

from inception_harness.record_data import Record

__all__ = ["Tolerance", "tolerance"]


@dataclass(frozen=True)
class Tolerance:
    """How far two scores of one class may lie apart.

    Attributes:
        value: the largest difference that is not told, 0..1.
        reason: why differences up to it mean nothing, in a few words.
    """

    value: float
    reason: str


# Records keep six decimals: each of the two may be half of the last one off.
_WRITTEN = 1.01e-6
# float32 sums in another order: with the same decoder the 2015 graph's scores agree to some
# 1e-5 between machines.
_SAME_FLOAT = Tolerance(1e-5, "the same engine and pixels: float32 rounding")
# bfloat16 keeps 8 binary digits.
_SAME_BF16 = Tolerance(2**-8, "the same engine and pixels: bfloat16 rounding")
# TensorFlow 1.x on Intel and NVIDIA against AMD's build, the 2015 graph's panda: 0.0003 apart.
_ENGINE_FLOAT = Tolerance(1e-3, "another engine or version, float32")
# The miniature on its drawings, OpenVINO in bfloat16 against TensorFlow in float32: 0.0056. An
# allowance beyond that, as rounding adds up in networks with many more layers.
_ENGINE_BF16 = Tolerance(0.05, "another engine or version, bfloat16")
# Measured: OpenVINO in float32 0.117, in bfloat16 0.145, LiteRT without XNNPACK 0.125. Of 510
# photographs, OpenVINO in bfloat16 goes beyond the bound on 6 at most (the ptq network, 0.316).
_ENGINE_QUANTISED = Tolerance(0.15, "another engine or version, quantised network")
# The 2015 graph's printed tables of TensorFlow 0.10 and 1.1, whose JPEG decoders differ by up to
# nine levels: 0.038 at most, on a picture where no class reaches 0.25.
_DECODER_FLOAT = Tolerance(0.04, "other decoded pixels, float network")
# Measured: Pillow's decoder against libjpeg-turbo's fast one, 0.184 at most.
_DECODER_QUANTISED = Tolerance(0.20, "other decoded pixels, quantised network")


def tolerance(before: Record, now: Record, *, decoded_otherwise: bool) -> Tolerance:
    """Return how far the scores of one version may lie apart in two records.

    Args:
        before: one record.
        now: the other; the order makes no difference.
        decoded_otherwise: whether the same file was decoded to other pixels.
    """
    quantised = any(record.step or "int8" in record.precision for record in (before, now))
    bf16 = any("bf16" in record.precision for record in (before, now))
    found = [_same(before, now, quantised=quantised, bf16=bf16)]
    if _engine(before) != _engine(now):
        found.append(_ENGINE_QUANTISED if quantised else _ENGINE_BF16 if bf16 else _ENGINE_FLOAT)
    if decoded_otherwise:
        found.append(_DECODER_QUANTISED if quantised else _DECODER_FLOAT)
    widest = max(found, key=lambda one: one.value)
    printed = (before.rounded_to + now.rounded_to) / 2
    reason = f"{widest.reason}; printed scores are rounded" if printed else widest.reason
    return Tolerance(widest.value + printed + _WRITTEN, reason)


def _same(before: Record, now: Record, *, quantised: bool, bf16: bool) -> Tolerance:
    if quantised:
        # Where a card does not state the step: that of a softmax in 8 bits.
        step = max(before.step, now.step) or 2**-8
        return Tolerance(step, "the same engine and pixels: one step of the quantised output")
    return _SAME_BF16 if bf16 else _SAME_FLOAT


def _engine(record: Record) -> tuple[str, str, str]:
    return record.engine, record.engine_version, record.precision
