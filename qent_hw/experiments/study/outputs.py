"""What a study leaves in its folder beside the results of its tasks: the card, the table, figures and the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qent_hw.errors import InputError
from qent_hw.experiments.provenance import origin
from qent_hw.experiments.study.card import Study
from qent_hw.experiments.study.cells import cells_frame
from qent_hw.experiments.study.study import Finished
from qent_hw.files import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from qent_hw.pages.picture import Picture


@dataclass(frozen=True)
class Outcome:
    """A study that was run: its card, and the rows of each cell."""

    study: Study
    finished: Sequence[Finished]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The table, see `cells_frame`."""
        return cells_frame(self.study, self.finished)

    @cached_property
    def figures(self) -> Mapping[str, Picture]:
        """The figures by name."""
        from qent_hw.experiments.study.figures import draw_study

        return draw_study(self.study, self.frame, self.finished)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What the report says of where it comes from."""
        return {**origin(), "tasks": sum(len(one.rows) for one in self.finished)}


def write_outputs(outcome: Outcome, folder: Path) -> None:
    """Write study.toml, table.csv, table.parquet, provenance.json, figures/ and report.html, each of them whole.

    Raises
    ------
    InputError
        if they cannot be written.
    """
    import tomli_w

    from qent_hw.experiments.study.page import render_study

    content = outcome.study.model_dump(mode="json", by_alias=True, exclude_none=True)
    texts = {
        "study.toml": tomli_w.dumps(content),
        "provenance.json": json.dumps(outcome.provenance, indent=2, ensure_ascii=False) + "\n",
        "table.csv": outcome.frame.to_csv(index=False, float_format="%.6g"),
        "report.html": render_study(outcome),
    }
    writers: dict[str, Callable[[Any], Any]] = {
        **{name: writing(text.encode()) for name, text in texts.items()},
        "table.parquet": lambda file: outcome.frame.to_parquet(file, index=False),
    }
    for name, picture in outcome.figures.items():
        writers |= {f"figures/{name}.png": writing(picture.png), f"figures/{name}.svg": writing(picture.svg.encode())}
    try:
        (folder / "figures").mkdir(exist_ok=True)
        for name, write in writers.items():
            write_whole(folder / name, write)
    except OSError as error:
        raise InputError(f"out = {str(folder)!r}: cannot be written: {error.strerror or error}") from None


def writing(content: bytes) -> Callable[[Any], Any]:
    """What writes these bytes, as `write_whole` takes it."""
    return lambda file: file.write(content)
