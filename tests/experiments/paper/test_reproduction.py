"""REPRODUCTION.md from given results: the rule of agreement, the remarks, what is not run."""

from __future__ import annotations

import re

import numpy as np
import pytest

from qent_hw import bench
from qent_hw.experiments.paper.card import FIGURES, load_card
from qent_hw.experiments.paper.figures import draw
from qent_hw.experiments.paper.outcome import Measured, Outcome
from qent_hw.experiments.paper.published import EXACT_THRESHOLDS, PUBLISHED
from qent_hw.experiments.paper.reproduction import agrees, ours_text, render
from qent_hw.experiments.paper.results import Results
from qent_hw.experiments.paper.tasks import all_tasks
from qent_hw.pages.style import plain_style
from qent_hw.physics import concurrence, density, dephase, depolarize, special_four_basis, two_basis

MADE = {"date": "2025-01-02T03:04:05+00:00", "versions": {"qent-hw": "0.1.0", "tensorflow": "2.21.0"}}


def published(words: str):
    return next(one for one in PUBLISHED if words in one.what)


def measured(mean: float, spread: float | None = 0.001, standard_error: float = 0.001) -> Measured:
    return Measured(mean, spread, standard_error, 5 if spread is not None else 1, 40_000)


def invented(task, rng):
    """A result as the task would give it: scores by family, which is all that matters here."""
    made = {"task": dict(task), "cost": {"wall_s": 30.0, "cpu_s": 20.0}, "made": MADE}
    share = {"value": 0.4266, "standard_error": 0.001, "n_states": 100}
    if task["kind"] == "sample":
        return {**made, "entangled": share, "largest_p": 0.5851}, {}
    if task["kind"] == "limit":
        limit = {"value": 0.8723, "standard_error": 0.004, "n_states": 100}
        return {**made, "entangled": limit, "concurrence": limit}, {}
    mixed = "spectrum" in task["states"]
    scores = [
        {
            "model": label,
            "tested_on": states,
            "value": value + 1e-4 * task["seed"],
            "standard_error": 1e-4,
            "n_states": 100,
        }
        for label, _ in task["models"]
        for states, value in [("own", 0.866), *((name, 0.93 if mixed else 0.59) for name, _ in task["tested_on"])]
    ]
    n = 500
    arrays = {
        "outputs": rng.random((len(task["models"]), n)).astype(np.float32),
        "entangled": rng.random(n) < 0.4,
        "concurrence": rng.random(n).astype(np.float32),
        "p": rng.random(n).astype(np.float32),
        "theta": (2 * np.pi * rng.random(n)).astype(np.float32),
    }
    return {**made, "scores": scores, "entangled": share}, arrays


@pytest.fixture
def outcomes(tmp_path):
    results = Results(tmp_path / "results")
    results.prepare()
    return {number: Outcome(load_card(number), results) for number in FIGURES}


@pytest.fixture
def finished(outcomes):
    rng = np.random.default_rng(0)
    for outcome in outcomes.values():
        for key, task in all_tasks(outcome.card).items():
            summary, arrays = invented(task, rng)
            if task["kind"] == "sample":
                arrays = {"lowest_eigenvalue": rng.uniform(-0.5, 0.25, 500)}
            outcome.results.put(key, summary, arrays)
    return outcomes


def rows(text: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    return {one[0]: one[1:] for one in cells}


def test_everything_done(finished) -> None:
    calls = [
        {"performed": 4, "asked": 9, "workers": 2, "wall_s": 60.0, "cores": 2},
        {"performed": 52, "asked": 52, "workers": 2, "wall_s": 900.0, "cores": 2},
    ]
    text = render(finished, calls, quick=False)
    table = rows(text)
    assert "not run" not in text
    assert "quick" not in text.replace("--quick", "").lower()
    assert table["accuracy, special 4-basis, 4 features"][1:4] == ["86.6%", "86.63 ± 0.02% (5 seeds)", "yes"]
    assert "86.9%" in table["accuracy, special 4-basis, 4 features"][4]
    high = table["R², general mixed, 4 features"]
    assert high[3] == "no"
    assert "0.462 higher" in high[4]
    assert "spectrum" in high[4]
    crossed = next(one for what, one in table.items() if "general mixed data with the dephasing" in what)
    assert crossed[3] == "no, swapped"
    assert "93.03 ± 0.02%" in crossed[4]
    assert table["special 4-basis, dephasing"] == ["p > 0.6", "2 − √2 = 0.5858", "0.5851", "1,000,000"]
    assert table["`two_settings`: xa yb x1 y1 1a 1b"][0] == "2"
    assert "`singular_values(exponent = 1.283)`: the four eigenvalues" in text
    assert all(f"experiments/paper/figures/figure{number}.png" in text for number in FIGURES)
    assert "tensorflow 2.21.0" in text
    assert "2025-01-02" in text
    assert not re.search(r"/(root|home|tmp|work)\b", text)


def test_nothing_done(outcomes) -> None:
    table = rows(render(outcomes, [], quick=True))
    assert {one[3] for what, one in table.items() if what.startswith(("R²", "accuracy", "cross"))} == {"not run"}
    assert "Quick sizes" in render(outcomes, [], quick=True)


def test_a_ceiling_is_stated_where_the_card_gives_one(finished) -> None:
    bare = Outcome(finished[5].card.model_copy(update={"limits": {}}), finished[5].results)
    assert "more than 87.2 ± 0.4%" in render(finished, [], quick=False)
    assert "more than" not in render({**finished, 5: bare}, [], quick=False)
    with plain_style():
        assert draw(finished[5], quick=False).png != draw(bare, quick=False).png


def test_spectrum_laws_stand_side_by_side(finished) -> None:
    text = render(finished, [], quick=False)
    assert "| `dirichlet(alpha = 0.87)` | 42.7 ± 0.1% (1 seed) | 86.6" in text
    assert "columns = 6, complex_entries = True)`" in text


def test_the_rule_of_agreement() -> None:
    accuracy = published("accuracy, special 4-basis, 4")
    assert agrees(accuracy, measured(0.8714))
    assert not agrees(accuracy, measured(0.8720))
    assert agrees(accuracy, measured(0.8720, spread=0.003))
    assert agrees(accuracy, measured(0.8720, spread=None, standard_error=0.003))
    nearly_one = published("R², 2-basis")
    assert agrees(nearly_one, measured(0.999985, spread=1e-7))
    assert not agrees(nearly_one, measured(0.9994, spread=1e-5))


def test_numbers_are_written_as_the_paper_writes_them() -> None:
    assert ours_text(measured(0.8663, 0.002), True, 1) == "86.6 ± 0.2% (5 seeds)"
    assert ours_text(measured(0.8663, 0.0002), True, 1) == "86.63 ± 0.02% (5 seeds)"
    assert ours_text(measured(0.9751, None, 0.001), False, 3) == "0.975 ± 0.001 (1 seed)"
    assert ours_text(measured(0.999988, 0.0000021), False, 4) == "0.999988 ± 0.000002 (5 seeds)"
    assert ours_text(None, True, 1) == "not run"


def test_pictures_are_small_and_quick_ones_say_so(finished) -> None:
    with plain_style():
        for number in FIGURES:
            png = draw(finished[number], quick=False).png
            assert png.startswith(b"\x89PNG")
            assert 5_000 < len(png) < 300_000
        assert draw(finished[4], quick=True).png != draw(finished[4], quick=False).png


def test_shipped_pictures_are_small() -> None:
    for path in (bench.folder("experiments") / "paper" / "figures").glob("*"):
        assert path.suffix == ".png"
        assert path.stat().st_size < 300_000


def test_the_exact_thresholds_are_where_the_last_state_disentangles() -> None:
    """θ = φ = π/2 lasts longest; a step of 1e-6 in p to either side decides."""
    for name, pure, noise in (
        ("special", special_four_basis(np.pi / 2, np.pi / 2), dephase),
        ("two_basis", two_basis(np.pi / 2, 0.0), depolarize),
    ):
        exact = EXACT_THRESHOLDS[name][0]
        before, after = (concurrence(noise(density(pure), exact + step)) for step in (-1e-6, 1e-6))
        assert before > 0
        assert after == 0
