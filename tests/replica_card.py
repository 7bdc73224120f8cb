"""The built-in card of 2015, with a replica's hashes and an address on loopback."""

from __future__ import annotations

import re
from pathlib import Path

from inception_harness.cards import built_in_cards, read_card
from inception_harness.store import sha256_of

__all__ = ["write_replica_card"]

NAME = "inception-v3-2015"


def write_replica_card(path: Path, folder: Path, url: str = "") -> Path:
    """Write the built-in card, changed only where a replica must differ.

    Args:
        path: the card to write.
        folder: the replica's five files.
        url: where their archive is; the published address without it.
    """
    text = built_in_cards()[NAME].read_text(encoding="utf-8")
    card = read_card(built_in_cards()[NAME])
    for file in card.files:
        there = folder / file.path
        text = text.replace(str(file.sha256), sha256_of(there))
        # The name of a file that stands before its size, so that equal sizes do no harm.
        text = re.sub(
            rf'(path = "{re.escape(file.path)}"\nsha256 = "\w+"\nsize = )\d+',
            rf"\g<1>{there.stat().st_size}",
            text,
        )
    if url:
        assert card.archive is not None
        text = text.replace(f'\nurl = "{card.archive.url}"', f'\nurl = "{url}"')
    path.write_text(text, encoding="utf-8")
    return path
