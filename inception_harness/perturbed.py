"""Perturbed pictures and what a model says of them: which are judged, and how strongly perturbed.

A perturbed picture is made once in a process, an answer once for a `PerturbedPictures`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

from inception_harness import images
from inception_harness.classifier import Classifier
from inception_harness.images import UInt8
from inception_harness.perturb import Perturbation, apply
from inception_harness.pictures import PictureSet
from inception_harness.prediction import Prediction
from inception_harness.stimuli import LOCKED_SEED, StimulusLock

__all__ = ["CLAIMED_SEVERITIES", "SURE", "PerturbedPictures", "perturbed_picture"]

# A model is sure of a picture from this score on: what the tutorial's clear pictures reach.
SURE = 0.80

# Up to which severity a sure answer is claimed to last. What keeps all of a picture's detail is
# claimed up to 2. What takes detail away is claimed at 1 only, as is less contrast: at 2, most of
# the five MobileNets of the built-in cards lose half of a sure score or more to noise, blur,
# coarse pixels or a patch, and a third to contrast. Each of them keeps some at the severity given.
CLAIMED_SEVERITIES: Mapping[str, int] = {
    "horizontal-flip": 1,
    "shift": 2,
    "rotation": 2,
    "scale": 2,
    "brightness": 2,
    "contrast": 1,
    "saturation": 2,
    "gamma": 2,
    "gaussian-noise": 1,
    "shot-noise": 1,
    "gaussian-blur": 1,
    "motion-blur": 1,
    "pixelate": 1,
    "jpeg-quality": 1,
    "occlusion": 1,
    "letterbox": 1,
    "grey-scale": 2,
}


# So that several models of a run share them; a thousand of the built-in sets', which are small.
_KEPT_BYTES = 256 * 2**20
_kept: OrderedDict[tuple[Path, int, Perturbation], UInt8] = OrderedDict()


def perturbed_picture(path: Path, perturbation: Perturbation) -> UInt8:
    """Return a perturbed copy of a file's picture, shape (h, w, 3); it cannot be written to.

    Raises:
        PictureError: the file is no picture.
    """
    key = path, path.stat().st_mtime_ns, perturbation
    made = _kept.pop(key, None)
    if made is None:
        made = apply(images.decode(path), perturbation)
        made.setflags(write=False)
    _kept[key] = made  # the last used comes last
    while sum(each.nbytes for each in _kept.values()) > _KEPT_BYTES and len(_kept) > 1:
        _kept.popitem(last=False)
    return made


class PerturbedPictures:
    """What a model says of the perturbed pictures of a set.

    Args:
        classifier: the model.
        pictures: the set.
        originals: what the model says of the pictures as they are, by role.
        lock: hashes of perturbed pictures, or None to check none.

    Attributes:
        originals: as given.
    """

    def __init__(
        self,
        classifier: Classifier,
        pictures: PictureSet,
        originals: Mapping[str, Prediction],
        lock: StimulusLock | None = None,
    ) -> None:
        self._classifier, self._pictures = classifier, pictures
        self.originals = originals
        self._lock = lock
        self._checked: set[tuple[str, Perturbation]] = set()
        self._answers: dict[tuple[str, Perturbation], Prediction] = {}

    @property
    def sure(self) -> list[str]:
        """The roles that the model is sure of, whatever it takes them for."""
        return self._roles(lambda role, said: said.top_score >= SURE)

    @property
    def right(self) -> list[str]:
        """The roles of which the model's top class is the one expected."""
        return self._roles(lambda role, said: said.label == (self._pictures[role].expected or ""))

    def _roles(self, wanted: Callable[[str, Prediction], bool]) -> list[str]:
        return [role for role, said in self.originals.items() if wanted(role, said)]

    def pixels(self, role: str, perturbation: Perturbation) -> UInt8:
        """Return a perturbed picture, shape (h, w, 3).

        Raises:
            StimulusError: the lock has this picture, with other pixels.
        """
        made = perturbed_picture(self._pictures[role].path, perturbation)
        self._check(role, perturbation, made)
        return made

    def _check(self, role: str, perturbation: Perturbation, made: UInt8) -> None:
        """Compare a perturbed picture with what was locked, once: no model is judged by another."""
        name = f"{self._pictures.name}/{role}"
        if (
            self._lock is None
            or name not in self._lock.pictures
            or perturbation.seed != LOCKED_SEED
            or (role, perturbation) in self._checked
        ):
            return
        self._lock.check(name, perturbation, made)
        self._checked.add((role, perturbation))

    def say(
        self, roles: list[str], perturbations: list[Perturbation]
    ) -> dict[tuple[str, Perturbation], Prediction]:
        """Return the model's answers, computed in one batch where they are not known yet.

        Args:
            roles: of the set.
            perturbations: each is applied to each picture.

        Returns:
            Predictions by role and perturbation; each is named after both.

        Raises:
            StimulusError: a perturbed picture is not the one that was locked.
        """
        pairs = [(role, one) for role in roles for one in perturbations]
        new = [pair for pair in pairs if pair not in self._answers]
        said = self._classifier.classify_batch(
            (self.pixels(*pair) for pair in new),
            names=[f"{role}, {one.name} {one.severity}" for role, one in new],
        )
        self._answers.update(zip(new, said, strict=True))
        return {pair: self._answers[pair] for pair in pairs}
