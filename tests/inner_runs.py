"""What every run of pytest within a test is given."""

from __future__ import annotations

__all__ = ["INNER"]

INNER = (
    "-p",
    "inception_harness.plugin",
    # The outer run has imported the plugin, so the inner one cannot rewrite its asserts.
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
    "-p",
    "no:cacheprovider",
)
