"""A run from runcard to folder: reproducible to the bit, honest about what was injected."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

from qent_hw import Experiment
from qent_hw.errors import InputError
from qent_hw.experiments.comparison import figures_of_merit
from qent_hw.experiments.run_folder import RunFolder
from qent_hw.experiments.runcard import parse_runcard
from qent_hw.physics import concurrence, density, is_entangled, relax, special_four_basis

CARD = {
    "title": "a small run",
    "family": "special_four_basis",
    "seed": 3,
    "shots": 256,
    "states": {"kind": "random", "n": 24},
    "channel": {"p": [0.2, 0.5, 0.8]},
}


def experiment(**changes):
    return Experiment(parse_runcard({**CARD, **changes}, "test"))


def test_same_seed_same_bits_other_seed_other_counts():
    first, again, other = experiment().run(), experiment().run(), experiment().run(seed=4)
    pd.testing.assert_frame_equal(first.counts, again.counts, check_exact=True)
    pd.testing.assert_frame_equal(first.estimates, again.estimates, check_exact=True)
    assert first.comparison == again.comparison
    assert not np.array_equal(first.measured.values, other.measured.values)
    assert not first.counts["theta"].equals(other.counts["theta"])


def test_tables_have_the_promised_columns_and_rows():
    run = experiment().run()
    assert list(run.counts.columns) == ["state", "theta", "phi", "p", "setting", "n_pp", "n_pm", "n_mp", "n_mm"]
    assert len(run.counts) == 24 * 4
    assert (run.counts[["n_pp", "n_pm", "n_mp", "n_mm"]].sum(axis=1) == 256).all()
    assert run.counts.groupby("p")["state"].nunique().to_dict() == {0.2: 8, 0.5: 8, 0.8: 8}
    promised = ["p_entangled", "concurrence", "concurrence_low", "concurrence_high", "verdict", "true_entangled"]
    assert {"state", "estimator", "true_concurrence", *promised} <= set(run.estimates.columns)
    assert (run.estimates["concurrence_low"] <= run.estimates["concurrence"]).all()
    assert (run.estimates["concurrence"] <= run.estimates["concurrence_high"]).all()


def test_comparison_is_what_the_estimates_say():
    run = experiment().run()
    for name, figures in run.comparison["estimators"].items():
        rows = run.estimates[run.estimates["estimator"] == name]
        right = (rows["call"] == "entangled") == rows["true_entangled"]
        assert ((rows["p_entangled"] >= 0.5) == (rows["call"] == "entangled")).all()
        assert {kind: figures["verdicts"][kind] for kind in rows["verdict"].unique()} == (
            rows["verdict"].value_counts().to_dict()
        )
        assert figures["accuracy"] == pytest.approx(right.mean())
        assert sum(figures["confusion"].values()) == 24
        assert (figures["settings"], figures["shots_total"]) == (4, 1024)
    assert run.comparison["injection"] == "noise-model"


def test_truth_of_an_idle_run_includes_relaxation():
    """The states are relaxed with T1 and T2 for the recorded wait; ideal dephasing would give other truths."""
    T1, T2 = [60e-6, 90e-6], [50e-6, 40e-6]
    run = experiment(injection={"kind": "idle", "T1_s": T1, "T2_s": T2}).run()
    first = run.counts.drop_duplicates("state")
    assert {"tau_s", "p1", "p2"} <= set(first.columns)
    assert "p" not in first.columns
    prepared = density(special_four_basis(first["theta"].to_numpy(), first["phi"].to_numpy()))
    truth = relax(prepared, first["tau_s"].to_numpy(), np.array(T1), np.array(T2))
    rows = run.estimates[run.estimates["estimator"] == "bell8"]
    assert rows["true_concurrence"].to_numpy() == pytest.approx(concurrence(truth), abs=1e-9)
    assert np.array_equal(rows["true_entangled"], is_entangled(truth))
    assert np.ptp(first["p1"] - first["p2"]) > 0.02


def test_waits_can_be_given_in_seconds():
    run = experiment(injection={"kind": "idle", "tau_s": [0.0, 3e-5], "T1_s": [1e-4] * 2, "T2_s": [1e-4] * 2}).run()
    assert sorted(run.counts["tau_s"].unique()) == pytest.approx([0.0, 3e-5])
    assert run.counts["p1"].max() == pytest.approx(1 - np.exp(-0.3), abs=1e-4)


def test_idle_on_qubits_that_never_lose_coherence_is_refused():
    with pytest.raises(InputError, match="give T1_s and T2_s"):
        experiment().run(injection="idle")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"estimators": ["bell5"]}, "estimator 'bell5': no model is shipped"),
        ({"settings": ["xa", "yb"]}, "bell4 needs setting xb"),
        ({"family": "nope"}, "shipped: general_four_basis"),
        ({"states": {"kind": "points", "points": [{"theta": 1, "psi": 2}]}}, "states.points.0: phi is missing"),
        ({"states": {"kind": "points", "points": [{"theta": 1, "phi": 2, "psi": 2}]}}, "psi is no parameter of"),
        ({"shots": 30, "injection": {"kind": "twirl"}}, "multiple of 4"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line(changes, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        experiment(**changes).run()
    assert "\n" not in str(caught.value)


def test_more_settings_than_an_estimator_needs_do_no_harm():
    run = experiment(settings=["zz", "yb", "xa", "xb", "ya"]).run()
    assert run.comparison["estimators"]["bell4"]["shots_total"] == 4 * 256


def test_run_folder_is_complete_and_says_how_it_was_made(tmp_path):
    run = experiment().run(shots=128)
    folder = run.save(tmp_path / "deep" / "run")
    names = {"runcard.toml", "provenance.json", "counts.parquet", "estimates.parquet", "comparison.json", "report.html"}
    assert names <= {path.name for path in folder.iterdir()}
    assert any((folder / "figures").glob("*.png"))
    as_run = tomllib.loads((folder / "runcard.toml").read_text())
    assert as_run["shots"] == 128
    assert json.loads((folder / "comparison.json").read_text()) == run.comparison
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "counts.parquet"), run.counts)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["date"][-6] in "+-"
    assert {"qent-hw", "qiskit", "qiskit-aer", "numpy"} <= set(provenance["versions"])
    rerun = Experiment.load(folder / "runcard.toml").run()
    pd.testing.assert_frame_equal(rerun.counts, run.counts, check_exact=True)


def test_run_folder_never_overwrites_and_leaves_nothing_half_written(tmp_path):
    (tmp_path / "kept.txt").write_text("precious")
    with pytest.raises(InputError, match="not an empty folder"), RunFolder(tmp_path):
        pass
    with pytest.raises(RuntimeError), RunFolder(tmp_path / "new"):
        raise RuntimeError("measuring failed")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_figures_of_merit_on_a_case_done_by_hand():
    called, truth = np.array([True, True, False, False]), np.array([True, False, False, True])
    measured, exact = np.array([0.5, 0.1, 0.0, 0.3]), np.array([0.4, 0.0, 0.0, 0.5])
    figures = figures_of_merit(called, measured, np.array([True, True, True, False]), truth, exact)
    assert (figures["accuracy"], figures["coverage"]) == (0.5, 0.75)
    assert figures["rmse"] == pytest.approx(np.sqrt(0.06 / 4))
    assert figures["r2"] == pytest.approx(1 - 0.06 / np.sum((exact - exact.mean()) ** 2))
    assert list(figures["confusion"].values()) == [1, 1, 1, 1]


def test_standard_errors_match_the_scatter_of_repeated_experiments():
    """400 repetitions with 500 states: each stated error within 20% of the observed scatter (false alarm < 1e-7)."""
    rng = np.random.default_rng(51)
    results = []
    for _ in range(400):
        truth = rng.uniform(0, 1, 500)
        measured = truth + rng.normal(0, 0.1, 500)
        called = rng.uniform(size=500) < 0.9
        results.append(figures_of_merit(called, measured, called, np.ones(500, bool), truth))
    for key in ("accuracy", "rmse", "r2"):
        observed = np.std([one[key] for one in results])
        assert np.mean([one[f"{key}_se"] for one in results]) == pytest.approx(observed, rel=0.2)


def test_r2_is_left_out_where_all_states_are_alike():
    same = np.full(3, 0.5)
    assert figures_of_merit(np.ones(3, bool), same, np.ones(3, bool), np.ones(3, bool), same)["r2"] is None


def test_what_an_estimator_says_against_its_estimates_is_told(monkeypatch):
    # more effective samples than there ever are: then no posterior counts as resolved
    monkeypatch.setattr("qent_hw.estimators.bayes.FEWEST_SAMPLES", 10_000)
    run = experiment(states={"kind": "random", "n": 3}, estimators=["bayes"]).run()
    said = run.comparison["estimators"]["bayes"]["warning"]
    assert "not resolved" in said
    assert said[1:] in run.report
