"""What commands print for people: tables that fit a pipe too, and bars on standard error where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn
    from rich.table import Table


def wide_console(least: int = 120) -> Console:
    """Standard output; of at least so many columns where it is a file or a pipe, which has no width to fit into."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, least)
    return console


def bare_table(words: str, numbers: Sequence[str]) -> Table:
    """A table without lines: a first column of words, the others of numbers, by their headings."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(words, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


@contextmanager
def progress_bar(silent: bool, columns: Sequence[ProgressColumn | str]) -> Iterator[Progress | None]:
    """A bar with these columns, to be started by whoever tells it something; None where nobody would see it."""
    if silent or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    try:
        yield bar
    finally:
        bar.stop()
