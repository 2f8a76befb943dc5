"""`qent-hw recommend`: what tables of known content favour."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from qent_hw.errors import InputError
from qent_hw.experiments.recommend import recommend

SETTINGS = {"four": "xa,xb,ya,yb", "nine": "xa,xb,ya,yb,xz,yz,za,zb,zz"}


def row(estimator, shots, accuracy, rmse, *, ms=0.01, settings="four", **more):
    return {
        "case": "one",
        "value": None,
        "family": "special_four_basis",
        "backend": "ideal",
        "injection": None,
        "channel": "dephasing",
        "assumes": None,
        "shots": shots,
        "estimator": estimator,
        "settings": SETTINGS[settings],
        "accuracy": accuracy,
        "accuracy_se": 0.001,
        "rmse": rmse,
        "rmse_se": 0.0001,
        "qpu_s": shots * 250e-6,
        "cpu_ms": ms,
        "unresolved": None,
        **more,
    }


@pytest.fixture
def table(tmp_path):
    def write(*rows):
        pd.DataFrame(rows).to_csv(tmp_path / "table.csv", index=False)
        return [tmp_path / "table.csv"]

    return write


def advise(tables, budget=1000, family="special_four_basis", backend="aer", **more):
    return recommend(family, backend, budget, tables=tables, **more)


def test_of_equals_the_cheapest_and_of_unequals_the_best(table):
    slow = row("bayes", 1000, 0.951, 0.0300, ms=12)
    tables = table(slow, row("bell8", 1000, 0.950, 0.0310), row("bell4", 1000, 0.85, 0.05))
    assert advise(tables).chosen.estimator == "bell8"
    # a concurrence that is 10% worse is not equal
    assert advise(table(slow, row("bell8", 1000, 0.950, 0.0330))).chosen.estimator == "bayes"
    assert advise(table(slow, row("bell8", 1000, 0.940, 0.0300))).chosen.estimator == "bayes"


def test_the_budget_decides(table):
    rows = [row("tomo15", 400, 0.83, 0.1), row("tomography_mle_tuned", 400, 0.81, 0.11, settings="nine")]
    rows += [row("tomo15", 4000, 0.93, 0.05), row("tomography_mle_tuned", 4000, 0.945, 0.045, settings="nine")]
    tables = table(*rows)
    assert advise(tables, 400).chosen.estimator == "tomo15"
    found = advise(tables, 4000)
    assert found.chosen.estimator == "tomography_mle_tuned"
    assert len(found.chosen.settings) == 9
    assert found.reasons[0].startswith("it is right most often: tomography_mle_tuned 94.50 ± 0.10%; next is tomo15")
    # halfway on a logarithmic scale
    between = advise(tables, 1265)
    assert next(one for one in between.options if one.estimator == "tomo15").accuracy == pytest.approx(0.88, abs=1e-4)
    assert "the table covers 400 to 4,000 shots" in advise(tables, 100_000).reasons[-1]


def test_what_is_not_resolved_is_left_out(table):
    tables = table(row("bayes", 1000, 0.99, 0.01, unresolved=0.3), row("bell8", 1000, 0.9, 0.03))
    found = advise(tables)
    assert found.chosen.estimator == "bell8"
    assert "bayes left out: not resolved in this table" in found.reasons


def test_a_device_that_no_table_has_gets_the_ideal_figures_and_is_told_so(table):
    torino = row("device", 1000, 0.93, 0.04, backend="fake_torino", injection="idle", assumes="device", case="torino")
    tables = table(row("bell8", 1000, 0.95, 0.03), torino)
    assert advise(tables, backend="fake_torino").chosen.estimator == "device"
    found = advise(tables, backend="fake_kyiv")
    assert found.chosen.estimator == "bell8"
    assert found.reasons[-1].startswith("no table has special_four_basis on fake_kyiv: these figures are without")
    assert advise(tables, backend="fake_torino", injection="twirl").chosen.estimator == "bell8"


def test_shifted_cases_are_no_basis_for_advice(table):
    shifted = row("bell8", 1000, 0.5, 0.3, value=0.3, backend="fake_torino", injection="idle", assumes="device")
    usual = row(
        "bell8", 1000, 0.9, 0.03, value=0.0, backend="fake_torino", injection="idle", assumes="device", case="usual"
    )
    assert advise(table(shifted, usual), backend="fake_torino").chosen.accuracy == 0.9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "three_basis"}, "family = 'three_basis': no table has it; they have special_four_basis"),
        ({"budget": 2}, "budget = 2: four settings need at least 4 shots"),
        ({"tables": ["nowhere.csv"]}, "table 'nowhere.csv': cannot be read"),
    ],
)
def test_bad_input_is_one_line(table, changes, message):
    with pytest.raises(InputError, match=r"^[^\n]+$") as said:
        advise(**{"tables": table(row("bell8", 1000, 0.9, 0.03)), **changes})
    assert message in str(said.value)


def test_the_command_prints_the_method_and_why(call, table):
    (path,) = table(row("bell8", 400, 0.92, 0.06), row("bell4", 400, 0.79, 0.09))
    wanted = ("recommend", "--family", "special_four_basis", "--budget", 400, "--table", path)
    status, out, _ = call(*wanted)
    assert status == 0
    assert out.startswith("bell8, 4 settings (xa, xb, ya, yb) with 100 shots each")
    status, out, _ = call(*wanted, "--json")
    assert json.loads(out)["estimator"] == "bell8"
    assert call("recommend", "--family", "x", "--budget", "1", "--table", path)[0] == 2
