"""The lock file of stimuli: hashes of perturbed pictures, so that no model is blamed for a change.

``python -m inception_harness.stimuli`` locks pictures again after a change that is meant: of a
perturbation, a decoder or a picture. The built-in sets share a file that ships with the harness. A
set of one's own, ``my-set.toml``, has its lock beside it, in ``my-set.lock.toml``; without such a
file its pictures are not checked.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from PIL import features

from inception_harness.errors import HarnessError, RecordError
from inception_harness.files import write_atomically
from inception_harness.images import UInt8, decode, pixel_hash
from inception_harness.perturb import PERTURBATIONS, SEVERITIES, Perturbation, apply
from inception_harness.pictures import built_in_sets, find_picture_set
from inception_harness.resources import fixtures_folder
from inception_harness.store import Store
from inception_harness.toml_lines import read_toml

__all__ = [
    "LOCKED_SEED",
    "REFERENCE",
    "StimulusError",
    "StimulusLock",
    "default_lock",
    "lock_path",
    "lock_pictures",
    "main",
    "read_lock",
    "reference_picture",
]

REFERENCE = "reference"
LOCKED_SEED = 0
_ENDING = ".lock.toml"

_CODEC = f"Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}"
_HEAD = (
    "# Pixel hashes of perturbed pictures, seed 0, severities 1 to 5; written by\n"
    "# inception_harness.stimuli. A hash that no longer matches means that the stimulus has\n"
    "# changed, not the model.\n"
)

Hashes = dict[str, tuple[str, ...]]


class StimulusError(HarnessError):
    """A perturbed picture is not the one that was locked; no model is to blame for it."""


@dataclass(frozen=True)
class StimulusLock:
    """What a lock file says.

    Attributes:
        path: the file.
        codec: the JPEG codec with which the lossy perturbations were locked.
        pictures: for each picture its own hash, under ``picture``, and for each perturbation those
            of the severities 1..5.
    """

    path: Path
    codec: str
    pictures: dict[str, Hashes]

    def check(self, picture: str, perturbation: Perturbation, pixels: UInt8) -> None:
        """Compare a perturbed picture with what was locked.

        Args:
            picture: its name in the lock file.
            perturbation: what made it; its seed has to be `LOCKED_SEED`.
            pixels: what `perturb.apply` has made.

        Raises:
            StimulusError: the pixels changed, or are not in the lock file.
        """
        name, severity = perturbation.name, perturbation.severity
        if perturbation.seed != LOCKED_SEED:
            raise StimulusError(
                f"{perturbation} is not locked: {self.path} holds seed {LOCKED_SEED} only."
            )
        hashes = self._hashes(picture).get(name)
        if hashes is None:
            raise StimulusError(f"{self.path} has no {name} of {picture}. {self._how(picture)}")
        self._compare(picture, f"{name} {severity}", hashes[severity - 1], pixels)

    def check_original(self, picture: str, rgb: UInt8) -> None:
        """Compare a picture before any perturbation with what was locked.

        Raises:
            StimulusError: the picture changed, or is not in the lock file.
        """
        self._compare(picture, "picture", self._hashes(picture)["picture"][0], rgb)

    def check_picture(self, picture: str, rgb: UInt8) -> None:
        """Compare a picture and all its perturbations with what was locked.

        Args:
            picture: its name in the lock file.
            rgb: the picture before any perturbation.

        Raises:
            StimulusError: the picture changed, or one of its perturbations, or a perturbation
                that the lock file has is gone.
        """
        hashes = self._hashes(picture)
        self.check_original(picture, rgb)
        if gone := sorted(set(hashes) - set(PERTURBATIONS) - {"picture"}):
            raise StimulusError(
                f"{self.path} has {', '.join(gone)} of {picture}, which no perturbation is called. "
                f"{self._how(picture)}"
            )
        for name in PERTURBATIONS:
            for severity in SEVERITIES:
                perturbation = Perturbation(name, severity, LOCKED_SEED)
                self.check(picture, perturbation, apply(rgb, perturbation))

    def _hashes(self, picture: str) -> Hashes:
        if picture not in self.pictures:
            raise StimulusError(
                f"{self.path} has no picture {picture!r}; it has {', '.join(self.pictures)}. "
                f"{self._how(picture)}"
            )
        return self.pictures[picture]

    def _compare(self, picture: str, what: str, locked: str, pixels: UInt8) -> None:
        found = pixel_hash(pixels)
        if found == locked:
            return
        kind = PERTURBATIONS.get(what.split()[0])
        codec = (
            f" It goes through a JPEG codec: {self.codec} then, {_CODEC} now."
            if kind is not None and kind.lossy_codec
            else ""
        )
        raise StimulusError(
            f"The stimulus changed: {picture}, {what}: pixel hash {found}, locked {locked}.{codec} "
            f"No model is to blame. If the change is meant: {self._how(picture)}"
        )

    def _how(self, picture: str) -> str:
        """Return the sentence that says how to lock a picture's set again."""
        name = picture.partition("/")[0]
        if self.path != default_lock() and self.path.name.endswith(_ENDING):
            name = str(self.path.with_name(f"{self.path.name.removesuffix(_ENDING)}.toml"))
        command = ["python", "-m", "inception_harness.stimuli", "--pictures", name]
        return f"Lock it again: {shlex.join([*command, '--lock', str(self.path)])}"


def default_lock() -> Path:
    """Return the lock file that ships with the harness."""
    return fixtures_folder() / "perturbations.lock.toml"


def lock_path(pictures: str) -> Path | None:
    """Return the lock file of a picture set, or None where a set of one's own has none.

    Args:
        pictures: as after ``--pictures``.
    """
    if pictures in (REFERENCE, *built_in_sets()):
        return default_lock()
    path = _beside(pictures)
    return path if path.is_file() else None


def _beside(pictures: str) -> Path:
    return Path(pictures).with_suffix(_ENDING)


def reference_picture() -> UInt8:
    """Return the picture that the shipped lock file is about, drawn here: 320 x 240.

    Gradients, a checkerboard and a dark corner, so that every perturbation changes something.
    """
    y, x = np.mgrid[:240, :320]
    board = (x // 40 + y // 40) % 2 * 60
    rgb = np.stack([x // 2 + board, y * 3 // 4 + board // 2, 255 - x // 3 - y // 2], axis=-1)
    rgb[150:, :100] //= 4
    return rgb.astype(np.uint8)


def read_lock(path: Path) -> StimulusLock:
    """Read a lock file.

    Raises:
        RecordError: the file is missing or damaged.
    """
    data = read_toml(path, RecordError).data
    codec = data.pop("lossy_codec", None)
    pictures: dict[str, Hashes] = {}
    for picture, table in data.items():
        pictures[picture] = _read_hashes(path, picture, table)
    if not isinstance(codec, str):
        raise RecordError(f"{path}: lossy_codec, the name of a codec, is missing.")
    return StimulusLock(path, codec, pictures)


def lock_pictures(path: Path, pictures: Mapping[str, UInt8]) -> StimulusLock:
    """Write the hashes of pictures and of all their perturbations; other pictures' stay.

    Args:
        path: the lock file; made if missing.
        pictures: RGB by name.

    Raises:
        RecordError: the file is there and damaged.
        StoreError: the file cannot be written.
    """
    kept = read_lock(path).pictures if path.exists() else {}
    hashes = kept | {name: _hashes_of(rgb) for name, rgb in pictures.items()}
    lines = [_HEAD, f'lossy_codec = "{_CODEC}"\n']
    for picture, table in hashes.items():
        lines.append(f'\n["{picture}"]\n')
        for name, values in table.items():
            texts = [f'"{value}"' for value in values]
            lines.append(f"{name} = {texts[0] if name == 'picture' else _array(texts)}\n")
    write_atomically(path, "".join(lines).encode())
    return read_lock(path)


def _array(texts: list[str]) -> str:
    return "[\n" + "".join(f"    {text},\n" for text in texts) + "]"


def _hashes_of(rgb: UInt8) -> Hashes:
    hashes: Hashes = {"picture": (pixel_hash(rgb),)}
    for name in PERTURBATIONS:
        made = (apply(rgb, Perturbation(name, severity, LOCKED_SEED)) for severity in SEVERITIES)
        hashes[name] = tuple(pixel_hash(pixels) for pixels in made)
    return hashes


def _read_hashes(path: Path, picture: str, table: object) -> Hashes:
    if not isinstance(table, dict) or "picture" not in table:
        raise RecordError(f"{path}: [{picture!r}] lacks picture, the hash of the picture itself.")
    hashes: Hashes = {}
    for name, values in table.items():
        texts = [values] if name == "picture" else values
        expected = 1 if name == "picture" else len(SEVERITIES)
        if (
            not isinstance(texts, list)
            or len(texts) != expected
            or not all(isinstance(text, str) for text in texts)
        ):
            raise RecordError(f"{path}: {picture}, {name}: expected {expected} hash(es).")
        hashes[name] = tuple(texts)
    return hashes


def _pixels_of(pictures: str, store: Store) -> dict[str, UInt8]:
    if pictures == REFERENCE:
        return {REFERENCE: reference_picture()}
    found = find_picture_set(pictures, store).ready(store)
    return {f"{found.name}/{role}": decode(found[role].path) for role in found}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inception_harness.stimuli",
        description="Lock pictures and all their perturbations again, after a change that is "
        "meant: their pixel hashes are written to a file for review. Other pictures of the file "
        "stay as they are.",
    )
    parser.add_argument(
        "--pictures",
        action="append",
        metavar="SET",
        help=f"a built-in set ({', '.join(built_in_sets())}), {REFERENCE}, the picture that is "
        "drawn by the harness, or the path of a set's TOML file. May be given several times. "
        "Default: all that are built in.",
    )
    parser.add_argument(
        "--lock",
        type=Path,
        metavar="FILE",
        help="where to write. Default: for what is built in the file that ships, for a set of "
        f"one's own, NAME.toml, NAME{_ENDING} beside it; the suite looks there.",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Lock pictures; return the exit code, 3 where something is missing or damaged.

    Args:
        arguments: of the command line; None for this process's own.
    """
    options = _parser().parse_args(arguments)
    store = Store()
    wanted = dict.fromkeys(options.pictures or (REFERENCE, *built_in_sets()))
    try:
        # All are read before the first is written.
        pixels = {spec: _pixels_of(spec, store) for spec in wanted}
        for spec, pictures in pixels.items():
            built_in = spec in (REFERENCE, *built_in_sets())
            path = options.lock or (default_lock() if built_in else _beside(spec))
            lock_pictures(path, pictures)
            print(f"{path}: locked {len(pictures)} of {spec}.")
    except HarnessError as error:
        print(f"inception_harness.stimuli: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
