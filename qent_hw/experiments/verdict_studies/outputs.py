"""What a study of verdicts leaves in its folder: the card, the table, figures and a page in HTML and Markdown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import tomli_w

from qent_hw.errors import InputError
from qent_hw.experiments.provenance import origin
from qent_hw.experiments.study.outputs import writing
from qent_hw.experiments.study.page import provenance_table
from qent_hw.experiments.verdict_studies.card import VerdictStudy, kind_of
from qent_hw.files import write_whole
from qent_hw.pages.environment import markdown_environment, page_environment
from qent_hw.pages.table import Table

# rows of a table that is left to its file
_LONG = 40
_STUDY_PAGES = Path(__file__).parent.parent / "study"


def write_verdict_outputs(study: VerdictStudy, frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write study.toml, table.csv, table.parquet, NAME.md with its pictures, and report.html, each of them whole.

    Raises
    ------
    InputError
        if they cannot be written.
    """
    kind = kind_of(study.kind)
    facts = origin()
    pictures = kind.figures(frame)
    content = tomli_w.dumps(study.model_dump(mode="json", by_alias=True, exclude_none=True))
    told: dict[str, Any] = {
        "figures": pictures,
        "tables": [_table(frame)],
        "version": facts["versions"]["qent-hw"],
        "date": facts["date"],
    }
    page = (
        page_environment(_STUDY_PAGES)
        .get_template("page.html.j2")
        .render(
            card=study,
            card_text=content,
            lead=[(str(number), one) for number, one in enumerate(kind.claims(frame), 1)],
            remarks=[],
            looks={},
            provenance=provenance_table({**facts, "tasks": len(frame)}),
            **told,
        )
    )
    markdown = (
        markdown_environment(Path(__file__).parent)
        .get_template("page.md.j2")
        .render(name=name, study=study, claims=kind.claims(frame), long=len(frame) > _LONG, **told)
    )
    files: dict[str, bytes] = {
        "study.toml": content.encode(),
        "table.csv": frame.to_csv(index=False, float_format="%.6g").encode(),
        "report.html": page.encode(),
        f"{name}.md": markdown.encode(),
        **{f"{name}-{key}.png": picture.png for key, picture in pictures.items()},
        **{f"{name}-{key}.svg": picture.svg.encode() for key, picture in pictures.items()},
    }
    try:
        for file, text in files.items():
            write_whole(folder / file, writing(text))
        write_whole(folder / "table.parquet", lambda out: frame.to_parquet(out, index=False))
    except OSError as error:
        raise InputError(f"out = {str(folder)!r}: cannot be written: {error.strerror or error}") from None


def _table(frame: pd.DataFrame) -> Table:
    # what begins with _ is there for the figures
    columns = [column for column in frame.columns if column != "case" and not column.startswith("_")]
    numbers = {column for column in columns if pd.api.types.is_numeric_dtype(frame[column])}
    # words first, as a table here has them
    ordered = sorted(columns, key=lambda column: column in numbers)
    rows = tuple(tuple(_cell(row[column]) for column in ordered) for row in frame.to_dict("records"))
    return Table("", tuple(column.replace("_", " ") for column in ordered), rows, words=len(columns) - len(numbers))


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
