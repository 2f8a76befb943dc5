"""How long a study will still take: from what its tasks took so far, and a guess for those that none is like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# seconds of one core for a thousand states; only the first minutes' figure depends on it
_GUESSES = {
    "bayes": 10.0,
    "likelihood": 8.0,
    "tomography_mle": 1.5,
    "tomography_mle_tuned": 4.0,
    "tomography_qiskit": 40.0,
}
_GUESS = 0.4


class Clock:
    """Seconds of work that are left, for tasks by their definitions."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        # by kind of task: seconds in all, and of how many
        self._taken: dict[tuple[Any, ...], tuple[float, int]] = {}
        for row in rows:
            self.saw(row)

    def saw(self, row: Mapping[str, Any]) -> None:
        """Learn from a task that is done."""
        seconds = row["cost"]["wall_s"]
        for kind in (_kind(row["task"]), _kind(row["task"])[:1]):
            total, number = self._taken.get(kind, (0.0, 0))
            self._taken[kind] = total + seconds, number + 1

    def seconds(self, definition: Mapping[str, Any]) -> float:
        """About what a task will take."""
        kind = _kind(definition)
        for known in (kind, kind[:1]):
            if known in self._taken:
                total, number = self._taken[known]
                return total / number
        return _GUESSES.get(kind[0], _GUESS) * definition["n"] / 1000


def _kind(definition: Mapping[str, Any]) -> tuple[Any, ...]:
    return definition["estimator"]["name"], definition["family"], definition["shots"], definition["n"]
