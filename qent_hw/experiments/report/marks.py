"""How each estimator looks in figures and tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.lines import Line2D


@dataclass(frozen=True)
class Mark:
    """How one estimator looks everywhere: its colour, matplotlib's marker, and the same marker as a character."""

    colour: str
    marker: str
    glyph: str


# Okabe and Ito's palette, told apart with every common colour blindness, and two darker shades
_MARKS = {
    "bell4": Mark("#d55e00", "o", "●"),
    "bell8": Mark("#0072b2", "s", "■"),
    "corr9": Mark("#009e73", "^", "▲"),
    "tomo15": Mark("#cc79a7", "D", "◆"),
    "device": Mark("#e69f00", "v", "▼"),
    "bayes": Mark("#56b4e9", "P", "✚"),
    "likelihood": Mark("#7a4e9f", "X", "✖"),
    "tomography_linear": Mark("#8c6d31", "<", "◀"),
    "tomography_mle": Mark("#4d6b00", ">", "▶"),
    "tomography_linear_tuned": Mark("#c9a227", "<", "◀"),
    "tomography_mle_tuned": Mark("#7fa600", ">", "▶"),
    "tomography_qiskit": Mark("#a05a9c", "p", "⬟"),
    "chsh": Mark("#666666", "*", "★"),
    "chsh_horodecki": Mark("#999999", "*", "★"),
}


def marks(names: Iterable[str]) -> dict[str, Mark]:
    """The mark of each estimator: its own for a known name; others get what is left, in order."""
    wanted = list(names)
    free = [mark for known, mark in _MARKS.items() if known not in wanted] or list(_MARKS.values())
    others = [name for name in wanted if name not in _MARKS]
    return {name: _MARKS[name] if name in _MARKS else free[others.index(name) % len(free)] for name in wanted}


def mark_handle(mark: Mark, label: str) -> Line2D:
    """A legend entry for an estimator's points with error bars."""
    return Line2D([], [], color=mark.colour, marker=mark.marker, markersize=4.5, linewidth=1.0, label=label)
