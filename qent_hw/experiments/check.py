"""Does a run reach what is asked of it? For those who watch a device, or this package, in their CI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from qent_hw.bench import own_file
from qent_hw.errors import InputError

_WORDS = {"accuracy": "accuracy", "r2": "R²"}


@dataclass(frozen=True)
class Finding:
    """An estimator's figure beside the least that is asked of it; `value` is None where it is not defined."""

    estimator: str
    metric: str
    value: float | None
    error: float | None
    least: float

    @property
    def holds(self) -> bool:
        """Whether the figure, as measured, is at least that."""
        return self.value is not None and self.value >= self.least

    def __str__(self) -> str:
        word = _WORDS[self.metric]
        if self.value is None:
            return f"{self.estimator}: {word} is not defined, as all states have the same concurrence"
        than = "at least" if self.holds else "below"
        return f"{self.estimator}: {word} {self.value:.5g} ± {self.error:.2g} is {than} {self.least:g}"


def check_thresholds(least: Mapping[str, float | None]) -> dict[str, float]:
    """The thresholds that were given, by metric.

    Raises
    ------
    InputError
        for none, or one that no figure can reach.
    """
    given = {metric: value for metric, value in least.items() if value is not None}
    if not given:
        raise InputError("check: say what is asked for, with --min-accuracy or --min-r2")
    for metric, value in given.items():
        if not value <= 1 or (metric == "accuracy" and not value >= 0):
            range_ = "between 0 and 1" if metric == "accuracy" else "at most 1"
            raise InputError(f"min-{metric} = {value:g}: {_WORDS[metric]} is {range_}; ask for such as 0.9")
    return given


def check_named(named: Sequence[str], estimators: Sequence[str]) -> None:
    """Raise `InputError`, before anything is run, for a name that none of a runcard's estimators can come to have.

    What a model file or a class of the user's own is called is known only later.
    """
    if all(own_file(name) is None and ":" not in name for name in estimators):
        possible = [*estimators, *(f"{name}_corrected" for name in estimators)]
        for name in named:
            if name not in possible:
                raise InputError(f"estimator {name!r}: this run has {', '.join(estimators)}")


def findings(comparison: Mapping[str, Any], least: Mapping[str, float], named: Sequence[str] = ()) -> list[Finding]:
    """Every threshold beside every estimator of a run, or those named.

    Parameters
    ----------
    comparison
        content of a run's `comparison.json`.

    Raises
    ------
    InputError
        for an estimator that the run has not.
    """
    figures = comparison["estimators"]
    for name in named:
        if name not in figures:
            raise InputError(f"estimator {name!r}: this run has {', '.join(figures)}")
    return [
        Finding(name, metric, figures[name][metric], figures[name][f"{metric}_se"], value)
        for name in (named or figures)
        for metric, value in least.items()
    ]


def junit_xml(found: Sequence[Finding], suite: str, comparison: Mapping[str, Any], seconds: float) -> bytes:
    """The findings as JUnit XML, a test case for each, as CI servers show them."""
    missed = [one for one in found if not one.holds]
    totals = {"tests": str(len(found)), "failures": str(len(missed)), "errors": "0", "time": f"{seconds:.3f}"}
    root = ElementTree.Element("testsuites", totals)
    tests = ElementTree.SubElement(root, "testsuite", {"name": suite, **totals})
    properties = ElementTree.SubElement(tests, "properties")
    for key in ("family", "backend", "channel", "injection", "n_states", "shots", "seed"):
        ElementTree.SubElement(properties, "property", {"name": key, "value": str(comparison.get(key, ""))})
    for one in found:
        case = ElementTree.SubElement(
            tests, "testcase", {"classname": suite, "name": f"{one.estimator} {one.metric} >= {one.least:g}"}
        )
        if one.holds:
            ElementTree.SubElement(case, "system-out").text = str(one)
        else:
            ElementTree.SubElement(case, "failure", {"message": str(one), "type": "threshold"}).text = str(one)
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def finished_comparison(folder: Path) -> dict[str, Any]:
    """The comparison of a run that is finished.

    Raises
    ------
    InputError
        if the folder holds none.
    """
    path = folder / "comparison.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for figures in found["estimators"].values():
            _ = [figures[f"{metric}{end}"] for metric in _WORDS for end in ("", "_se")]
    except FileNotFoundError:
        raise InputError(f"{str(folder)!r}: is no folder of a finished run: it has no comparison.json") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no comparison of a run: {type(error).__name__} {error}") from None
    if not found["estimators"]:
        raise InputError(f"{path}: holds no estimator")
    return found
