"""Seeded perturbations of pictures: what must not, or must, change what a model says.

Parameters are drawn, never pixels: ``parameters`` tells them. The same name, severity and seed give
the same pixels on every machine and with every version of numpy and Pillow, since everything is
whole-number arithmetic; only ``jpeg-quality`` goes through a codec of Pillow's (``lossy_codec``).
For one seed the draws are those of every severity, so that severities differ in strength alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from inception_harness import perturb_colour as colour
from inception_harness import perturb_detail as detail
from inception_harness import perturb_geometry as geometry
from inception_harness.draws import Draws
from inception_harness.errors import PictureError
from inception_harness.images import UInt8

__all__ = ["PERTURBATIONS", "SEVERITIES", "Kind", "Perturbation", "apply", "parameters"]

SEVERITIES = (1, 2, 3, 4, 5)

Parameters = dict[str, int | float]


@dataclass(frozen=True)
class Perturbation:
    """One perturbation, ready to be applied; its text form can be pasted into a test.

    Attributes:
        name: one of `PERTURBATIONS`.
        severity: 1..5.
        seed: any whole number; which way, where, and which noise.
    """

    name: str
    severity: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.name not in PERTURBATIONS:
            raise PictureError(
                f"There is no perturbation {self.name!r}; they are {', '.join(PERTURBATIONS)}."
            )
        if self.severity not in SEVERITIES:
            raise PictureError(f"{self.name}: severity is {self.severity!r}; expected 1..5.")


@dataclass(frozen=True)
class Kind:
    """A kind of perturbation, for all severities.

    Attributes:
        change: what it does to pixels.
        table: its strength at the severities 1..5.
        unit: what the table's numbers are.
        draw: strength, the stream of random numbers, height and width -> arguments of `change`.
        lossy_codec: whether a codec outside this package has a part in the pixels.
    """

    change: Callable[..., UInt8]
    table: tuple[float, float, float, float, float]
    unit: str
    draw: Callable[[float, Draws, int, int], Parameters]
    lossy_codec: bool = False

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return (self.change.__doc__ or "").split("\n")[0]


def apply(rgb: UInt8, perturbation: Perturbation) -> UInt8:
    """Return a perturbed copy of a picture, of the same shape.

    Args:
        rgb: shape (h, w, 3).
        perturbation: what to do.
    """
    change = PERTURBATIONS[perturbation.name].change
    return change(rgb, **parameters(perturbation, rgb.shape))


def parameters(perturbation: Perturbation, shape: tuple[int, ...]) -> Parameters:
    """Return what is drawn for a picture of this shape: the arguments of the kind's function.

    Args:
        perturbation: name, severity and seed.
        shape: of the picture, (h, w) or (h, w, 3).
    """
    kind = PERTURBATIONS[perturbation.name]
    strength = kind.table[perturbation.severity - 1]
    draws = Draws(perturbation.name, perturbation.seed)
    return kind.draw(strength, draws, *shape[:2])


def _either_sign(name: str, whole: bool = True) -> Callable[[float, Draws, int, int], Parameters]:
    def draw(strength: float, draws: Draws, height: int, width: int) -> Parameters:
        signed = draws.choice((1, -1)) * strength
        return {name: int(signed) if whole else signed}

    return draw


def _as_it_is(name: str) -> Callable[[float, Draws, int, int], Parameters]:
    return lambda strength, draws, height, width: {name: int(strength)}


def _noise(name: str) -> Callable[[float, Draws, int, int], Parameters]:
    def draw(strength: float, draws: Draws, height: int, width: int) -> Parameters:
        # Noise of single pixels would be averaged away where a network's input is much smaller.
        grain = max(1, round(min(height, width) / 256))
        return {name: int(strength), "grain": grain, "key": draws.key()}

    return draw


def _flip(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    return {}


def _vector(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    angle = draws.uniform(0, 2 * math.pi)
    length = strength / 100 * min(height, width)
    return {"right": round(length * math.cos(angle)), "down": round(length * math.sin(angle))}


def _factor(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    return {"factor": draws.choice((strength, 1 / strength))}


def _exponent(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    return {"exponent": draws.choice((strength, 1 / strength))}


def _saturation(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    return {"share": 256 + draws.choice((1, -1)) * int(strength)}


def _sigma(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    return {"sigma": strength / 100 * min(height, width)}


def _squares(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    shorter = min(height, width)
    across, down = (max(1, round(side * strength / shorter)) for side in (width, height))
    return {"across": across, "down": down}


def _patch(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    share = math.sqrt(strength / 100)
    wide, high = max(1, round(width * share)), max(1, round(height * share))
    left, top = (draws.uniform(0, room) for room in (width - wide + 1, height - high + 1))
    return {"left": int(left), "top": int(top), "width": wide, "height": high}


def _bars(strength: float, draws: Draws, height: int, width: int) -> Parameters:
    return {"rows": round(height * strength / 200)}


PERTURBATIONS: dict[str, Kind] = {
    "horizontal-flip": Kind(
        geometry.horizontal_flip, (1, 1, 1, 1, 1), "the same at every severity", _flip
    ),
    "shift": Kind(
        geometry.shift, (2, 4, 6, 9, 12), "% of the shorter side, in any direction", _vector
    ),
    "rotation": Kind(
        geometry.rotation, (2, 4, 7, 11, 16), "degrees, either way", _either_sign("degrees")
    ),
    "scale": Kind(
        geometry.scale, (1.05, 1.1, 1.17, 1.25, 1.35), "times larger or smaller", _factor
    ),
    "brightness": Kind(
        colour.brightness, (16, 32, 48, 68, 90), "levels of 255, up or down", _either_sign("levels")
    ),
    "contrast": Kind(
        colour.contrast, (205, 154, 112, 77, 51), "256ths of the contrast left", _as_it_is("share")
    ),
    "saturation": Kind(
        colour.saturation, (64, 112, 160, 200, 236), "256ths more or less colour", _saturation
    ),
    "gamma": Kind(
        colour.gamma, (1.2, 1.4, 1.7, 2.1, 2.6), "as exponent, darker or brighter", _exponent
    ),
    "gaussian-noise": Kind(
        detail.gaussian_noise, (8, 16, 26, 38, 52), "levels of sigma", _noise("sigma")
    ),
    "shot-noise": Kind(
        detail.shot_noise, (120, 60, 30, 15, 8), "photons for white", _noise("photons")
    ),
    "gaussian-blur": Kind(
        detail.gaussian_blur, (0.3, 0.6, 1.0, 1.5, 2.2), "% of the shorter side as sigma", _sigma
    ),
    "motion-blur": Kind(
        detail.motion_blur, (2, 3.5, 5.5, 8, 11), "% of the shorter side, any direction", _vector
    ),
    "pixelate": Kind(
        detail.pixelate, (112, 80, 56, 40, 28), "squares along the shorter side", _squares
    ),
    "jpeg-quality": Kind(
        detail.jpeg_quality, (50, 30, 18, 10, 5), "quality", _as_it_is("quality"), lossy_codec=True
    ),
    "occlusion": Kind(geometry.occlusion, (4, 8, 14, 22, 32), "% of the area, anywhere", _patch),
    "letterbox": Kind(geometry.letterbox, (8, 14, 20, 27, 35), "% of the height", _bars),
    "grey-scale": Kind(
        colour.grey_scale, (205, 154, 102, 51, 0), "256ths of the colour left", _as_it_is("share")
    ),
}
