"""How long to wait for a dephasing strength, and what a wait gives: closed forms, the timing grid, the command."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qent_hw.calibration.delay import strengths_of, wait_for
from qent_hw.circuits.injection import LARGEST_IDLE_STRENGTH
from qent_hw.errors import InputError
from tests.calibration.records import DT, GRID, T1, T2, a_record, content

STEP = GRID * DT


def with_law(law):
    return a_record(idle=content()["idle"] | {"decay": law})


EXPONENTIAL, GAUSSIAN = with_law("exponential"), with_law("gaussian")


def closed_form(tau_s, law):
    """(2,) strengths 1 − f(τ) of the two qubits."""
    if law == "exponential":
        return 1 - np.exp(-tau_s / T2)
    return 1 - np.exp(-tau_s / (2 * T1) - (1 - T2 / (2 * T1)) * (tau_s / T2) ** 2)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("record", [EXPONENTIAL, GAUSSIAN], ids=["exponential", "gaussian"])
def test_a_wait_for_p_gives_it_on_the_average_and_says_what_each_qubit_gets(record, p):
    wait = wait_for(record, p)
    assert wait.delay_dt % GRID == 0
    assert wait.tau_s == pytest.approx(wait.delay_dt * DT)
    assert (wait.p1, wait.p2) == pytest.approx(closed_form(wait.tau_s, record.idle.decay))
    assert wait.relaxed == pytest.approx(1 - np.exp(-wait.tau_s / T1))
    # the first qubit keeps its coherence longer: no wait gives both the same
    assert wait.p1 < p < wait.p2
    # it is the nearest on the grid: a step less and a step more are on either side of what was asked for
    kept = [np.prod(1 - closed_form(wait.tau_s + half * STEP / 2, record.idle.decay)) for half in (-1, 1)]
    assert kept[1] < (1 - p) ** 2 < kept[0]


def test_the_exponential_wait_in_closed_form():
    # (1−p)² = exp(−τ/T2 of one − τ/T2 of the other)
    tau_s = -2 * math.log(1 - 0.6) / (1 / T2).sum()
    assert wait_for(EXPONENTIAL, 0.6).delay_dt == round(tau_s / STEP) * GRID


@pytest.mark.parametrize("record", [EXPONENTIAL, GAUSSIAN], ids=["exponential", "gaussian"])
def test_there_and_back(record):
    wait = wait_for(record, 0.4)
    assert strengths_of(record, wait.tau_s) == wait
    # anything that rounds to it is the same wait
    for off in (-0.49, 0.49):
        assert strengths_of(record, wait.tau_s + off * STEP) == wait
    assert strengths_of(record, wait.tau_s + 0.51 * STEP).delay_dt == wait.delay_dt + GRID


def test_no_wait_does_nothing():
    for wait in (wait_for(EXPONENTIAL, 0.0), strengths_of(EXPONENTIAL, 0.0)):
        assert (wait.delay_dt, wait.p1, wait.p2, wait.relaxed) == (0, 0, 0, (0, 0))


def test_the_largest_strength_that_waits_reach_stands_for_those_beyond():
    assert wait_for(EXPONENTIAL, 0.9999) == wait_for(EXPONENTIAL, LARGEST_IDLE_STRENGTH)
    assert wait_for(EXPONENTIAL, 0.99).tau_s < wait_for(EXPONENTIAL, 0.9999).tau_s


def test_equal_qubits_get_equal_strengths():
    idle = content()["idle"]
    idle["T2_s"][1] = idle["T2_s"][0]
    wait = wait_for(a_record(idle=idle), 0.3)
    assert wait.p1 == wait.p2 == pytest.approx(0.3, abs=STEP / T2[0])
    # and still relax each in its own time
    assert wait.relaxed[0] < wait.relaxed[1]


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, math.nan, math.inf])
def test_strengths_that_no_wait_gives(p):
    with pytest.raises(InputError, match=r"^p = .*: from 0 to below 1"):
        wait_for(EXPONENTIAL, p)


@pytest.mark.parametrize("tau_s", [-1e-9, 30.0, math.nan, math.inf])
def test_waits_that_there_are_not(tau_s):
    with pytest.raises(InputError, match=r"^tau = .* s: a wait is from 0 to 1 s; 30 µs are 3e-5$"):
        strengths_of(EXPONENTIAL, tau_s)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "record.json"
    EXPONENTIAL.save(path)
    return path


def test_the_command_says_what_the_functions_do(call, file):
    wait = wait_for(EXPONENTIAL, 0.6)
    status, out, err = call("delay", "--record", file, "--p", "0.6")
    assert (status, err) == (0, "")
    assert out == f"{wait}\n"
    shares = [f"{100 * one:.1f}%" for one in wait.relaxed]
    assert out == (
        f"τ = {1e6 * wait.tau_s:.4g} µs ({wait.delay_dt} dt): p1 = {wait.p1:.4f}, p2 = {wait.p2:.4f}; "
        f"{shares[0]} and {shares[1]} of the excitations relax\n"
    )
    assert call("delay", "--record", file, "--tau", wait.tau_s)[1] == out
    assert "(0 dt): p1 = 0.0000, p2 = 0.0000" in call("delay", "--record", file, "--tau", "0")[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "give either --p or --tau"),
        (("--p", "0.5", "--tau", "1e-5"), "give either --p or --tau"),
        (("--p", "1"), "p = 1: from 0 to below 1"),
        (("--p", "much"), "--p"),
        (("--tau", "-1e-5"), "tau = -1e-05 s"),
        (("--p", "0.5", "--max-age", "0"), "record: max_age_h = 0"),
        (("--p", "0.5", "--max-age", "nan"), "record: max_age_h = nan"),
    ],
)
def test_bad_options_of_the_command_are_one_line(call, file, options, said):
    status, out, err = call("delay", "--record", file, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_the_command_trusts_no_more_than_a_run_does(call, file):
    bad = {"name": "joint idle", "qubits": [3, 4], "good": False, "remark": "neither law describes this wait"}
    a_record(hours_ago=30, fits=[bad]).save(file)
    asked = ("delay", "--record", file, "--p", "0.5")
    assert "30.0 hours old, more than 24" in call(*asked)[2]
    assert "30.0 hours old, more than 29" in call(*asked, "--max-age", "29")[2]
    assert "neither law describes this wait" in call(*asked, "--stale-ok")[2]
    assert call(*asked, "--max-age", "31", "--bad-fit-ok")[0] == 0
    file.write_text("{")
    status, _, err = call(*asked)
    assert (status, "not JSON" in err) == (2, True)
