"""The report of a run: one self-contained HTML page that loads nothing and needs no script."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from qent_hw.experiments.report.adaptive import errors_table
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
from qent_hw.experiments.report.trust import trust
from qent_hw.experiments.run_folder import described
from qent_hw.pages.environment import page_environment

if TYPE_CHECKING:
    from markupsafe import Markup
    from qiskit import QuantumCircuit

    from qent_hw.experiments.run import Run

_TEMPLATE = "page.html.j2"
# characters of a circuit drawing that fit a laptop's width, and a printed page in small type
_CIRCUIT_COLUMNS = 118


def render_report(run: Run) -> str:
    """The HTML of the report.

    Everything is in the page: figures as data, styles inline. Text from the runcard, the family and the provenance
    is escaped.
    """
    import tomli_w

    environment = page_environment(Path(__file__).parent)
    environment.filters["powers"] = _powers
    return environment.get_template(_TEMPLATE).render(
        card=run.runcard,
        family=run.plan.family,
        done=what_was_done(run),
        results=what_came_out(run),
        trust=trust(run),
        qubits=run.comparison["qubits"],
        looks=_looks(run),
        figures=run.figures,
        merit=merit_table(run),
        deaths=death_table(run),
        adaptive=None if run.adaptive is None else errors_table(run),
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
    from qent_hw.experiments.report.marks import marks

    return {name: (mark.colour, mark.glyph) for name, mark in marks(run.comparison["estimators"]).items()}


def _powers(text: str) -> Markup:
    """Text with its exponents, written e^{iφ}, raised; everything else in it is escaped."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"\^\{([^{}]*)\}", r"<sup>\1</sup>", str(escape(text))))


def _drawing(circuit: QuantumCircuit) -> str:
    """The circuit in characters: Qiskit's other drawings need packages of their own."""
    return str(circuit.draw("text", fold=_CIRCUIT_COLUMNS, vertical_compression="medium"))


def _two_qubit_gates(circuit: QuantumCircuit) -> int:
    return sum(len(one.qubits) == 2 and not getattr(one.operation, "_directive", False) for one in circuit.data)
