"""What a run becomes for its readers: a page in HTML, a summary, the page of quirks."""

__all__: list[str] = []
