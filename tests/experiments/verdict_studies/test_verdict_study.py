import json

import pandas as pd
import pytest

from qent_hw.errors import InputError
from qent_hw.experiments.study.table import NAME
from qent_hw.experiments.verdict_studies.card import is_verdict_study, load_verdict_study, parse_verdict_study
from qent_hw.experiments.verdict_studies.perform import perform_study

ALARM = {
    "schema": 1,
    "kind": "alarm",
    "title": "alarm",
    "shots": [400],
    "options": {"null": 200, "states": 200, "shifted": 100},
    "cases": [{"name": "special", "family": "special_four_basis"}],
}
CALIBRATION = {
    "schema": 1,
    "kind": "calibration",
    "title": "calibration",
    "shots": [400],
    "options": {
        "estimators": ["bell8", "tomography_linear"],
        **dict.fromkeys(("calibration", "states", "slow_calibration", "slow_states"), 1500),
    },
    "cases": [{"name": "special", "family": "special_four_basis"}],
}
SHIPPED = ("verdicts_calibration", "verdicts_alarm", "verdicts_certificate", "verdicts_adaptive")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_cards_are_valid(name):
    assert is_verdict_study(name)
    study = load_verdict_study(name)
    # a study of each has two fakes
    backends = {case.device.backend for case in study.cases if case.device is not None}
    assert {"fake_manila", "fake_torino"} <= backends


def test_other_cards_are_told_apart():
    assert not is_verdict_study("shot_noise")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "alarms"}, "kind"),
        ({"shots": [400, 400]}, "400 is given more than once"),
        ({"shots": [2]}, "shots"),
        ({"options": {"nul": 3}}, "nul"),
        ({"options": {"rate": 0.7}}, "rate"),
        ({"cases": []}, "cases"),
        ({"cases": [{"name": "x", "family": "special_four_basis", "injection": "idle"}]}, "idle"),
    ],
)
def test_bad_cards_are_one_line(change, said):
    with pytest.raises(InputError, match=said) as raised:
        parse_verdict_study(ALARM | change, "card.toml")
    assert "\n" not in str(raised.value)


def test_what_is_done_stays_done(tmp_path):
    study = parse_verdict_study(ALARM, "card.toml")
    frame = perform_study(study, tmp_path, 1)
    kept = (tmp_path / NAME).read_bytes()
    # a line that a crash cut off is done again
    (tmp_path / NAME).write_bytes(kept + kept[:100])
    seen = []
    again = perform_study(study, tmp_path, 1, lambda done, cells: seen.append((done, cells)))
    assert seen == [(1, 1)]
    pd.testing.assert_frame_equal(frame, again)


def test_as_typed(tmp_path, monkeypatch, capsys):
    import sys

    from qent_hw.cli import main

    for number, content in enumerate((ALARM, CALIBRATION)):
        import tomli_w

        card = tmp_path / f"card{number}.toml"
        card.write_text(tomli_w.dumps(content))
        folder = tmp_path / f"out{number}"
        monkeypatch.setattr(
            sys, "argv", ["qent-hw", "study", str(card), "--out", str(folder), "--json", "--workers", "1"]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        assert len(rows) == len(pd.read_parquet(folder / "table.parquet"))
        page = (folder / "report.html").read_text()
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert (folder / f"card{number}.md").read_text().startswith(f"# {content['title']}")
    assert {row["estimator"] for row in rows} == {"bell8", "tomography_linear"}
    monkeypatch.setattr(sys, "argv", ["qent-hw", "study", str(card), "--dask", "local"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
