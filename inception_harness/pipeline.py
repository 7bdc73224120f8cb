"""Work on many pictures in threads, ahead of who uses the results, in their order.

Decoders, Pillow, NumPy and the engines let go of Python's lock while they compute, so the next
pictures are decoded and resized while the engine computes the ones before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, NoReturn, TypeVar

from inception_harness.errors import HarnessError

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["ahead_of", "in_batches"]

Source = TypeVar("Source")
Result = TypeVar("Result")


def ahead_of(
    sources: Iterable[Source],
    work: Callable[[Source], Result],
    *,
    names: Iterable[str],
    threads: int,
    ahead: int,
    progress: bool = False,
) -> Generator[Result, None, None]:
    """Yield the result of each source, in order.

    Threads work on sources that come later, and never on more than `ahead` of them: so many
    results are held in memory at most. Where the caller stops early, no further source is begun
    and the threads end.

    Args:
        sources: what is worked on; taken no earlier than they are worked on, so that an iterator
            never needs to hold more than `ahead` of them.
        work: called in a thread, once for each source.
        names: what to call the sources in errors, one for each.
        threads: how many work at once.
        ahead: how many sources are begun or done, and not used yet; from 1.
        progress: whether to show a bar, which is shown on terminals only.

    Raises:
        Exception: whatever `work` raises, when it is the source's turn; where the message of one
            of the harness's own does not name the source, its name is put before it.
        ValueError: there are more sources than names, or fewer.
    """
    total = len(sources) if isinstance(sources, Sized) else None
    if total is not None and isinstance(names, Sized) and len(names) != total:
        raise ValueError(f"{total} sources, but {len(names)} names: give one each.")
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
    waiting: deque[tuple[str, Future[Result]]] = deque()
    coming = zip(names, sources, strict=True)
    bar = _bar(total) if progress else None
    try:
        while True:
            for name, source in islice(coming, ahead - len(waiting)):
                waiting.append((name, pool.submit(work, source)))
            if not waiting:
                return
            name, first = waiting.popleft()
            yield _result(name, first)
            if bar is not None:
                bar.update()
    finally:
        pool.shutdown(cancel_futures=True)
        if bar is not None:
            bar.close()


def in_batches(results: Iterable[Result], size: int) -> Iterator[list[Result]]:
    """Yield lists of `size` results; the last one may be shorter."""
    coming = iter(results)
    while batch := list(islice(coming, size)):
        yield batch


def _bar(total: int | None) -> tqdm[NoReturn]:
    from tqdm import tqdm

    return tqdm(total=total, unit="picture", disable=None, leave=False)


def _result(name: str, future: Future[Result]) -> Result:
    try:
        return future.result()
    except HarnessError as error:
        if name in str(error):
            raise
        raise type(error)(f"{name}: {error}") from error
    except Exception as error:
        error.add_note(f"while working on the picture {name}")
        raise
