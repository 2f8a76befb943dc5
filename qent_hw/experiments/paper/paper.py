"""`qent-hw paper`: perform what is not done yet, draw the figures, write REPRODUCTION.md."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from qent_hw import bench
from qent_hw.errors import InputError
from qent_hw.experiments.paper.card import FIGURES, load_card
from qent_hw.experiments.paper.outcome import Outcome
from qent_hw.experiments.paper.results import Results
from qent_hw.experiments.paper.tasks import all_tasks
from qent_hw.experiments.paper.workers import Watch, perform_all

_DEFAULT_FOLDER = {False: Path("runs/paper"), True: Path("runs/paper-quick")}


def reproduce(
    figure: int | None = None,
    *,
    quick: bool = False,
    out: str | None = None,
    workers: int = 2,
    write_reproduction: bool = False,
    quiet: bool = False,
) -> Path:
    """Perform the tasks of one figure or of all, and write `figures/figureN.png` and REPRODUCTION.md into the folder.

    Results that the folder already holds are not made again. `write_reproduction` also writes the pictures and
    REPRODUCTION.md into the checkout this package runs from. Returns the folder (default runs/paper, or
    runs/paper-quick). Raises InputError for an unknown figure, a folder that cannot be written, and
    `write_reproduction` without a complete set at full size or without a checkout.
    """
    wanted = FIGURES if figure is None else (figure,)
    cards = {number: load_card(number) for number in {*wanted, *FIGURES}}
    if quick:
        cards = {number: card.at_quick_size() for number, card in cards.items()}
    checkout = _checkout(quick) if write_reproduction else None
    if workers < 1:
        raise InputError(f"workers = {workers}: must be at least 1")
    folder = Path(out) if out is not None else _DEFAULT_FOLDER[quick]
    results = Results(folder / "results")
    results.prepare()
    outcomes = {number: Outcome(card, results) for number, card in cards.items()}
    missing = [number for number, outcome in outcomes.items() if number not in wanted and not outcome.complete]
    if checkout is not None and missing:
        raise InputError(f"--write-reproduction needs every figure; not done: {', '.join(map(str, missing))}")

    tasks = {key: task for number in wanted for key, task in all_tasks(cards[number]).items()}
    pending = {key: task for key, task in tasks.items() if results.get(key) is None}
    started = time.perf_counter()
    with _progress(quiet) as watch:
        perform_all(pending, results, workers, watch)
    if pending:
        _note_call(folder, len(pending), len(tasks), workers, time.perf_counter() - started)

    _write(folder, outcomes, wanted, quick)
    if checkout is not None:
        for number in wanted:
            name = f"figure{number}.png"
            shutil.copyfile(folder / "figures" / name, checkout / "experiments" / "paper" / "figures" / name)
        shutil.copyfile(folder / "REPRODUCTION.md", checkout / "REPRODUCTION.md")
    return folder


def _write(folder: Path, outcomes: dict[int, Outcome], wanted: tuple[int, ...], quick: bool) -> None:
    # a second's worth of matplotlib, so only when there is something to draw
    from qent_hw.experiments.paper.figures import draw
    from qent_hw.experiments.paper.reproduction import render
    from qent_hw.pages.style import plain_style

    pictures = folder / "figures"
    pictures.mkdir(exist_ok=True)
    with plain_style():
        for number in wanted:
            (pictures / f"figure{number}.png").write_bytes(draw(outcomes[number], quick).png)
    calls = folder / "calls.json"
    noted = json.loads(calls.read_text(encoding="utf-8")) if calls.exists() else []
    (folder / "REPRODUCTION.md").write_text(render(outcomes, noted, quick), encoding="utf-8")


def _note_call(folder: Path, performed: int, asked: int, workers: int, seconds: float) -> None:
    calls = folder / "calls.json"
    noted = json.loads(calls.read_text(encoding="utf-8")) if calls.exists() else []
    noted.append(
        {"performed": performed, "asked": asked, "workers": workers, "wall_s": seconds, "cores": os.cpu_count()}
    )
    calls.write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")


def _checkout(quick: bool) -> Path:
    if quick:
        raise InputError("--write-reproduction needs the full sizes; leave out --quick")
    root = bench.folder("experiments").parent
    if not (root / "pyproject.toml").is_file():
        raise InputError("--write-reproduction writes into a checkout; this package is installed without one")
    return root


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Watch]:
    """A progress bar on standard error, where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        # one task is long and speeds differ: look back over minutes, not over the last ticks
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=300) as bar:
        shown = bar.add_task("training", total=None)
        yield lambda done, total, finished, tasks: bar.update(
            shown, completed=done, total=total, description=f"{finished} of {tasks} tasks"
        )
