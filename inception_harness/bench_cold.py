"""A cold start, in a process of its own: ``python -m inception_harness.bench_cold``.

It prints when the first picture and the tenth were scored, in seconds since the epoch. The process
that starts it knows when that was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from inception_harness.errors import EngineError

__all__ = ["LOOP", "cold_start", "main"]

LOOP = "tutorial's loop"  # in the place of an engine


def cold_start(spec: str, engine: str, pictures: Sequence[Path], home: Path) -> tuple[float, float]:
    """Return the seconds from starting Python to the first prediction, and to all of them.

    Args:
        spec: the model, as after ``--model``.
        engine: as after ``--engine``, "" for the default, or `LOOP`.
        pictures: the JPEG files to score.
        home: the store.

    Raises:
        EngineError: the process failed.
    """
    environment = dict(os.environ, INCEPTION_HARNESS_HOME=str(home))
    command = [sys.executable, "-m", "inception_harness.bench_cold", spec, engine]
    begin = time.time()
    done = subprocess.run(  # noqa: S603  # this Python, and the words of the person who runs it
        [*command, *map(str, pictures)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise EngineError(
            f"{spec} on {engine or 'its default engine'}: a cold start failed: {last}"
        )
    first, all_of_them = json.loads(done.stdout.splitlines()[-1])
    return first - begin, all_of_them - begin


def main(arguments: Sequence[str]) -> None:
    """Score pictures and print the two times: SPEC ENGINE PICTURE…."""
    spec, engine, *pictures = arguments
    times: list[float] = []
    if engine == LOOP:
        from inception_harness.bench_loop import open_loop

        score = open_loop(spec)
        for picture in pictures:
            score(Path(picture))
            times.append(time.time())
    else:
        from inception_harness.classifier import load

        with load(spec, engine=engine or None) as classifier:
            classifier.classify(pictures[0])
            times.append(time.time())
            if pictures[1:]:
                classifier.classify_batch(pictures[1:])
            times.append(time.time())
    print(json.dumps([times[0], times[-1]]))


if __name__ == "__main__":
    main(sys.argv[1:])
