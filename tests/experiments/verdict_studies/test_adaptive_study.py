"""The study of adaptive shots at a small size: what its rows say is what its sentences and figures say."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from qent_hw.experiments.study.card import Case
from qent_hw.experiments.study.cases import resolve
from qent_hw.experiments.verdict_studies.adaptive import Options, claims, figures, perform
from qent_hw.experiments.verdict_studies.adaptive_rows import CHOSEN, EVEN, FIXED, LOOSER, MATCHED, OFTEN, row_of
from qent_hw.experiments.verdict_studies.card import load_verdict_study
from qent_hw.verdicts.adaptive import Decided
from qent_hw.verdicts.adaptive_posterior import Look

OPTIONS = Options(error_rates=[0.05], states=60, matched_states=20)
ENTRIES = {"ideal": {}, "twirled": {"injection": "twirl", "device": {"backend": "fake_manila"}}}


def rows_of(name, shots):
    case = Case.model_validate({"name": name, "title": name, "family": "special_four_basis", **ENTRIES[name]})
    found = perform(case, resolve(case), shots, OPTIONS, np.random.SeedSequence([1, shots]))
    return [{"case": name, "title": name, "shots": shots, **row} for row in found]


@pytest.fixture(scope="module")
def frame():
    return pd.DataFrame([row for name in ENTRIES for shots in (200, 600) for row in rows_of(name, shots)])


def test_rows_are_of_every_way_and_agree_with_what_they_carry(frame):
    ways = {name: list(rows["way"]) for name, rows in frame[frame["shots"] == 200].groupby("case")}
    assert ways == {"ideal": [CHOSEN, EVEN, OFTEN, FIXED, LOOSER, MATCHED], "twirled": [CHOSEN, EVEN, FIXED, MATCHED]}
    for row in frame.to_dict("records"):
        counts, looks = json.loads(row["_counts"]), json.loads(row["_looks"])
        called = sum(counts[kind][0] for kind in counts)
        assert called == sum(one[1] for one in looks) == round((1 - row["undecided"]) * row["states"])
        assert sum(counts[kind][1] for kind in counts) == sum(one[2] for one in looks)
        assert json.loads(row["_decided"])[-1][1] == pytest.approx(1 - row["undecided"])
    fixed = frame[frame["way"] == FIXED]
    assert (fixed["shots_mean"] == fixed["shots"]).all()
    adaptive = frame[frame["way"].isin([CHOSEN, EVEN, OFTEN])]
    assert (adaptive["shots_mean"] < adaptive["shots"]).all()
    assert (adaptive["shots_easy_half"] < adaptive["shots_mean"]).all()
    looser = frame[frame["way"] == LOOSER]
    # of as many decided, and of no more shots than the cap
    chosen = frame[(frame["way"] == CHOSEN) & (frame["case"] == "ideal")]
    assert looser["undecided"].to_numpy() == pytest.approx(chosen["undecided"].to_numpy())
    assert (looser["shots_mean"].dropna() <= looser["shots"]).all()
    matched = frame[frame["way"] == MATCHED].dropna(subset=["shots_mean"])
    assert (matched["shots_mean"] >= matched["shots"]).all()


def test_the_same_seed_gives_the_same_rows(frame):
    first = frame[(frame["case"] == "ideal") & (frame["shots"] == 200)]
    pd.testing.assert_frame_equal(first.reset_index(drop=True), pd.DataFrame(rows_of("ideal", 200)))


def test_sentences_and_figures_come_of_the_rows(frame):
    said = claims(frame)
    assert len(said) == 2 + 1 + 1 + 1 + 1
    one = frame[(frame["case"] == "ideal") & (frame["way"] == CHOSEN) & (frame["shots"] == 600)].iloc[0]
    assert f"At a cap of 600 shots it takes {100 * one['share']:.1f} ±" in said[0]
    chosen = [json.loads(told) for told in frame[frame["way"] == CHOSEN]["_counts"]]
    wrong, called = (sum(one["separable"][place] for one in chosen) for place in (1, 0))
    assert f"{wrong} of {called:,} called separable" in said[2]
    drawn = figures(frame)
    assert list(drawn) == ["shots", "decided", "errors"]
    assert all(one.png.startswith(b"\x89PNG") and one.caption for one in drawn.values())


def test_a_row_on_a_case_done_by_hand():
    """Six states: two called entangled (one wrongly), two separable (rightly), two open; shots 10 to 60."""
    counts = np.zeros((6, 1, 4), np.int64)
    counts[:, 0, 0] = [10, 20, 30, 40, 60, 60]
    verdict = np.array(["entangled", "entangled", "separable", "separable", "undecided", "undecided"])
    look = Look(np.array([0.99, 0.97, 0.02, 0.01, 0.5, 0.4]), np.full(6, 99.0), np.zeros((6, 1)), np.zeros((6, 3)))
    done = Decided(counts, look, np.array([1, 1, 2, 2, 3, 3]), verdict, ())
    row = row_of("by hand", 0.05, done, np.array([True, False, False, False, True, True]), 60)
    assert (row["shots_mean"], row["shots_easy_half"], row["looks"]) == (pytest.approx(220 / 6), 20, 2)
    assert (row["undecided"], row["wrong_of_entangled"], row["wrong_of_separable"]) == (pytest.approx(1 / 3), 0.5, 0)
    assert (row["separable_called_entangled"], row["entangled_called_separable"]) == (pytest.approx(1 / 3), 0)
    assert json.loads(row["_looks"]) == [[1, 2, 1, pytest.approx(0.04)], [2, 2, 0, pytest.approx(0.03)], [3, 0, 0, 0]]
    assert json.loads(row["_decided"])[0] == [10, pytest.approx(1 / 6)]


def test_the_shipped_card_is_read():
    study = load_verdict_study("verdicts_adaptive")
    assert study.kind == "adaptive"
    assert {case.name for case in study.cases} == {"ideal", "manila", "torino"}
