"""The report of a study: one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qent_hw.experiments.study.words import lead, merit_tables, remarks
from qent_hw.pages.environment import page_environment
from qent_hw.pages.table import Table

if TYPE_CHECKING:
    from qent_hw.experiments.study.outputs import Outcome


def render_study(outcome: Outcome) -> str:
    """The HTML of the report; everything is in the page."""
    import tomli_w

    from qent_hw.experiments.report.marks import marks

    looks = marks(dict.fromkeys(outcome.frame["estimator"]))
    content = outcome.study.model_dump(mode="json", by_alias=True, exclude_none=True)
    return (
        page_environment(Path(__file__).parent)
        .get_template("page.html.j2")
        .render(
            card=outcome.study,
            lead=lead(outcome.study, outcome.frame),
            figures=outcome.figures,
            tables=merit_tables(outcome.study, outcome.frame),
            remarks=remarks(outcome.study, outcome.frame),
            provenance=provenance_table(outcome.provenance),
            card_text=tomli_w.dumps(content),
            looks={name: (mark.colour, mark.glyph) for name, mark in looks.items()},
            version=outcome.provenance["versions"]["qent-hw"],
            date=outcome.provenance["date"],
        )
    )


def provenance_table(facts: dict[str, Any]) -> Table:
    """Where a study comes from; facts: `provenance.origin`, and its number of `tasks`."""
    git = facts["git"]
    rows = [
        ("tasks", f"{facts['tasks']:,}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts["versions"].items())),
        ("platform", facts["platform"]),
        ("date", facts["date"]),
    ]
    if git is not None:
        rows.append(("git", git["commit"] + ("" if git["clean"] else ", with changes")))
    return Table("", ("", ""), tuple(rows), words=2)
