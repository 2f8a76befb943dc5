"""The study of certificates: its border states, its witnesses, and its table, figures and sentences in small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.sources import ExactStates, FamilyStates
from qent_hw.experiments.study.card import Case
from qent_hw.experiments.study.cases import resolve
from qent_hw.experiments.verdict_studies.border import dephased_to_the_border, drawn_points, whitened_to_the_border
from qent_hw.experiments.verdict_studies.card import load_verdict_study
from qent_hw.experiments.verdict_studies.certificate import Options, claims, figures, perform
from qent_hw.experiments.verdict_studies.witnesses import chsh_certified, fidelity_certified, horodecki_certified
from qent_hw.physics import ALL_SETTINGS, Counts
from qent_hw.verdicts.family_source import family_source

FALSE_ALARM = 1e-4
READOUT = np.kron([[0.98, 0.07], [0.02, 0.93]], [[0.96, 0.11], [0.04, 0.89]])
SPECIAL = family_source(FamilyStates(load_family("special_four_basis")), "dephasing")


def test_border_states_are_separable_and_entangled_ones_are_next_to_them():
    points = drawn_points(SPECIAL, 200, True, np.random.default_rng(61))
    assert physics.is_entangled(SPECIAL.states(points)).all()
    border = dephased_to_the_border(SPECIAL, points)
    assert not physics.is_entangled(SPECIAL.states(border)).any()
    assert np.array_equal(border[:, :-1], points[:, :-1])
    before = border.copy()
    before[:, -1] -= 1e-4
    assert physics.is_entangled(SPECIAL.states(before)).mean() > 0.99
    whitened = whitened_to_the_border(SPECIAL.states(points))
    np.testing.assert_allclose(physics.ppt_min_eigenvalue(whitened), 0, atol=1e-12)


def test_what_cannot_be_drawn_is_said():
    def separable(n, rng):
        return rng.random((n, 3)), np.tile(np.eye(4) / 4, (n, 1, 1))

    with pytest.raises(ValueError, match="fewer than 10 in 10000 states are entangled"):
        drawn_points(replace(SPECIAL, draw=separable), 10, True, np.random.default_rng(1))


@pytest.mark.parametrize("assignment", [None, READOUT])
def test_the_fidelity_witness_measures_the_fidelity(assignment):
    """At very many shots it decides by ⟨ψ|ρ|ψ⟩ against the largest squared Schmidt coefficient."""
    rng = np.random.default_rng(62)
    psi = rng.standard_normal((300, 4, 2)) @ [1, 1j]
    psi /= np.linalg.norm(psi, axis=1, keepdims=True)
    target = physics.density(psi)
    noise = physics.random_mixed(300, physics.dirichlet_spectrum(1.0), np.random.SeedSequence(63))
    share = rng.random(300)[:, None, None]
    rho = share * target + (1 - share) * noise
    chance = physics.outcome_probabilities(rho, ALL_SETTINGS)
    if assignment is not None:
        chance = chance @ assignment.T
    counts = Counts(ALL_SETTINGS, np.rint(1e9 * chance).astype(np.int64))
    excess = np.einsum("nij,nji->n", rho, target).real - np.linalg.svd(psi.reshape(-1, 2, 2))[1][:, 0] ** 2
    clear = np.abs(excess) > 1e-3
    certified = fidelity_certified(counts, target, 0.01, assignment)
    assert np.array_equal(certified[clear], excess[clear] > 0)
    assert 20 < certified.sum() < 280


def test_witnesses_are_false_as_seldom_as_said_at_many_shots():
    """Product states at the border of the fidelity witness for a target that is themselves, the worst there are."""
    n, alpha = 4000, 0.05
    rng = np.random.default_rng(64)
    bell = np.tile(np.array([[1, 0, 0, 1]]) / np.sqrt(2), (n, 1))
    plus = np.tile(physics.density(np.array([[1, 0, 0, 0]])), (n, 1, 1))
    chance = ExactStates(plus).probabilities(ALL_SETTINGS)[:, :, 0]
    counts = Counts(ALL_SETTINGS, physics.sample_counts(chance, 1000, rng))
    # |00⟩ has fidelity 1/2 with the Bell state, what the witness compares with
    false = fidelity_certified(counts, physics.density(bell), alpha, None).sum()
    assert 0 < false <= binom.isf(FALSE_ALARM, n, 1.2 * alpha)
    assert chsh_certified(counts, alpha, None).sum() == 0
    assert horodecki_certified(counts, alpha, None).sum() <= binom.isf(FALSE_ALARM, n, 2 * alpha)


def small_rows():
    case = Case(name="special", title="special 4-basis", family="special_four_basis", settings=ALL_SETTINGS)
    options = Options(separable=20, entangled=40, reach=30)
    world = resolve(case)
    return [
        {"case": case.name, "title": case.title, "shots": shots, **row}
        for shots in (1000, 16_000)
        for row in perform(case, world, shots, options, np.random.SeedSequence(65, spawn_key=(shots,)))
    ]


def test_a_small_study_from_cases_to_sentences():
    frame = pd.DataFrame(small_rows())
    assert set(frame["part"]) == {"entangled", "separable", "reach"}
    power = frame[frame["part"] == "entangled"].set_index(["method", "shots"])["share"]
    assert power["certificate, family", 16_000] > power["certificate, family", 1000]
    ours = frame[(frame["part"] == "separable") & frame["method"].str.startswith("certificate")]
    assert ours["certified"].sum() <= 3
    reached = frame[frame["part"] == "reach"].groupby("method")["share"].mean()
    assert reached["four"] == 0
    assert reached["nine"] > 0.9
    said = claims(frame)
    assert said[0].startswith("Of 80 separable states, 40 of them exactly on the border")
    assert any("special 4-basis, 40 entangled states" in one for one in said)
    drawn = figures(frame)
    assert set(drawn) == {"power", "false", "reach"}
    assert all(len(one.png) > 5000 for one in drawn.values())
    pd.testing.assert_frame_equal(frame, pd.DataFrame(small_rows()))


def test_the_shipped_card_is_of_this_kind():
    study = load_verdict_study("verdicts_certificate")
    assert study.kind == "certificate"
    per_cell = 2 * Options.model_validate(study.options).separable
    assert per_cell * len(study.cases) * len(study.shots) >= 100_000


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"family": "general_mixed", "channel": "none"}, "case 'one': certificates are studied for families"),
        (
            {"family": "two_basis", "device": {"backend": "aer", "misread": 0.02, "drift": 0.1}},
            "case 'one': drift = 0.1: certificates are studied without",
        ),
    ],
)
def test_cases_that_make_no_sense_are_refused(entries, said):
    case = Case(name="one", **entries)
    with pytest.raises(InputError, match=said):
        perform(case, resolve(case), 1000, Options(), np.random.SeedSequence(1))
