"""The report of a run: one self-contained HTML page that loads nothing and needs no script."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING

from qent_hw.experiments.report.tables import (
    confusion_tables,
    death_table,
    features_table,
    merit_table,
    models_table,
    provenance_table,
    pull_table,
)
from qent_hw.experiments.report.text import assumptions, bias_note, what_came_out, what_was_done
from qent_hw.experiments.run_folder import described

if TYPE_CHECKING:
    from markupsafe import Markup
    from qiskit import QuantumCircuit

    from qent_hw.experiments.report.figures import Picture
    from qent_hw.experiments.run import Run

_TEMPLATE = "page.html.j2"
# characters of a circuit drawing that fit a laptop's width, and a printed page in small type
_CIRCUIT_COLUMNS = 118
# bytes; a figure of more, such as one of a dozen states, goes into the page as PNG
_LARGEST_SVG = 300_000


def render_report(run: Run) -> str:
    """The HTML of the report.

    Everything is in the page: figures as data, styles inline. Text from the runcard, the family and the provenance
    is escaped.
    """
    import jinja2
    import tomli_w

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": _data_uri, "powers": _powers, "unbroken": _unbroken}
    return environment.get_template(_TEMPLATE).render(
        card=run.runcard,
        family=run.plan.family,
        done=what_was_done(run),
        results=what_came_out(run),
        qubits=run.comparison["qubits"],
        looks=_looks(run),
        figures=run.figures,
        merit=merit_table(run),
        deaths=death_table(run),
        confusions=confusion_tables(run),
        pulls=pull_table(run),
        features=features_table(run),
        bias=bias_note(run),
        as_written=_drawing(run.plan.family.circuit),
        as_run=_drawing(run.circuit),
        gates_as_written=_two_qubit_gates(run.plan.family.circuit),
        gates_as_run=_two_qubit_gates(run.circuit),
        assumptions=assumptions(run),
        provenance=provenance_table(run),
        models=models_table(run),
        runcard_text=tomli_w.dumps(described(run.runcard)),
        version=run.provenance["versions"]["qent-hw"],
        date=run.provenance["date"],
    )


def _looks(run: Run) -> dict[str, tuple[str, str]]:
    """(colour, marker) of each estimator, as in the figures."""
    from qent_hw.experiments.report.figures_style import marks

    return {name: (mark.colour, mark.glyph) for name, mark in marks(run.comparison["estimators"]).items()}


def _data_uri(picture: Picture) -> str:
    """The figure as sharp as a page of moderate size allows."""
    if len(picture.svg) > _LARGEST_SVG:
        return "data:image/png;base64," + base64.b64encode(picture.png).decode()
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg.encode()).decode()


def _powers(text: str) -> Markup:
    """Text with its exponents, written e^{iφ}, raised; everything else in it is escaped."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"\^\{([^{}]*)\}", r"<sup>\1</sup>", str(escape(text))))


def _unbroken(text: str) -> Markup:
    """Text, escaped, with spaces that do not break around = and ± and before a unit."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r" ([=±]) ", "\u00a0\\1\u00a0", str(escape(text))).replace(" µs", "\u00a0µs"))


def _drawing(circuit: QuantumCircuit) -> str:
    """The circuit in characters: Qiskit's other drawings need packages of their own."""
    return str(circuit.draw("text", fold=_CIRCUIT_COLUMNS, vertical_compression="medium"))


def _two_qubit_gates(circuit: QuantumCircuit) -> int:
    return sum(len(one.qubits) == 2 and not getattr(one.operation, "_directive", False) for one in circuit.data)
