"""The cards of studies: the shipped ones, combinations, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from qent_hw import bench
from qent_hw.errors import InputError
from qent_hw.experiments.study.card import load_study, parse_study
from qent_hw.experiments.study.tasks import cells_of
from qent_hw.experiments.verdict_studies.card import is_verdict_study
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS

SHIPPED = sorted(
    path.stem
    for path in bench.folder("experiments").glob("*.toml")
    if "[[cases]]" in path.read_text(encoding="utf-8") and not is_verdict_study(path)
)


def small(**changes):
    content = {
        "title": "a study",
        "shots": [400],
        "estimators": ["bell4", "bell8"],
        "stop": {"states": 100},
        "cases": [{"family": "special_four_basis"}],
    }
    return {**content, **changes}


def test_the_cards_that_ship_are_those_that_were_promised():
    assert {"shot_noise", "readout_robustness", "t1_shift", "device_drift", "study_ci"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_card_is_valid(name):
    study = load_study(name)
    assert cells_of(study)
    for case in study.cases:
        assert (case.value is None) == (study.axis is None)


def test_shot_noise_goes_from_100_to_65536_shots_and_has_every_estimator():
    study = load_study("shot_noise")
    assert {100, 400, 1000, 4000, 16000, 64000, 65536} == set(study.shots)
    assert {case.family for case in study.cases} == {"special_four_basis", "general_four_basis", "general_mixed"}
    labels = {one.label for one in study.estimators}
    assert {"bell4", "bell8", "tomo15", "bayes", "likelihood", "tomography_linear", "tomography_mle_tuned"} <= labels
    assert {"tomography_qiskit", "chsh", "chsh_horodecki"} <= labels


def test_lists_in_a_case_stand_for_all_combinations():
    case = {
        "name": "grid",
        "family": ["two_basis", "special_four_basis"],
        "injection": ["idle", "twirl"],
        "device": {"backend": ["fake_manila", "fake_torino"]},
    }
    study = parse_study(small(cases=[case]), "here")
    told = [(one.family, one.injection, one.device.backend) for one in study.cases]
    assert len(told) == len(set(told)) == 8
    assert study.cases[0].name == "grid two_basis idle fake_manila"


def test_an_estimator_may_have_settings_and_a_label_of_its_own():
    entries = [{"name": "bayes", "settings": "all", "label": "bayes9"}, {"name": "bayes", "settings": "chsh"}]
    study = parse_study(small(estimators=entries), "here")
    assert [(one.label, tuple(one.settings)) for one in study.estimators] == [
        ("bayes9", ALL_SETTINGS),
        ("bayes", BELL_SETTINGS),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shotz": [3]}, "unknown key 'shotz'; did you mean 'shots'?"),
        ({"shots": []}, "shots"),
        ({"shots": [2]}, "greater than or equal to 4"),
        ({"shots": [400, 400]}, "shots: 400 is given more than once"),
        ({"estimators": ["bell8", "bell8"]}, "two are called 'bell8'"),
        ({"estimators": [{"name": "bell8", "drift": 0.1}]}, "drift: is what 'device' is trained over"),
        ({"stop": {"states": 100, "fewer": {"bayes": 100}}}, "'bayes' is none of the estimators bell4, bell8"),
        ({"reference": "bayes"}, "'bayes' is none of the estimators bell4, bell8"),
        ({"axis": "T1"}, "axis: every case then needs its value"),
        ({"stop": {"states": 100, "standard_error": -1}}, "greater than 0"),
        ({"cases": []}, "cases"),
        ({"cases": [{"family": "two_basis", "injection": "idle"}]}, "say on which device the qubits wait"),
        ({"cases": [{"family": "general_mixed"}]}, "family 'general_mixed' has channel 'none'"),
        ({"cases": [{"family": "two_basis", "chanel": "none"}]}, "did you mean 'channel'?"),
        ({"cases": [{"family": "two_basis", "device": {"misread": 0.9}}]}, "less than or equal to 0.5"),
        ({"cases": [{"family": "two_basis", "device": {"T1_s": [1, 1]}}]}, "T1_s and T2_s go together"),
        ({"cases": [{"family": "two_basis", "settings": ["xx"]}]}, "setting 'xx' is unknown: did you mean"),
    ],
)
def test_a_wrong_card_is_one_line(changes, message):
    with pytest.raises(InputError, match=r"^study here: ") as said:
        parse_study(small(**changes), "here")
    assert message in str(said.value)
    assert "\n" not in str(said.value)


def test_a_runcard_is_no_study():
    with pytest.raises(InputError, match="is the runcard of one experiment; use qent-hw run"):
        load_study("random_states")
