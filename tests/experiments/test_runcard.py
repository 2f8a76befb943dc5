"""Runcards: what is accepted, and what one line each wrong one ends in."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw import bench
from qent_hw.errors import InputError
from qent_hw.experiments.runcard import load_runcard

GOOD = """
schema = 1
title = "a test"
family = "two_basis"
shots = 100

[states]
kind = "points"
points = [{ theta = "pi/2", phi = 0.0 }]

[channel]
kind = "dephasing"
p = { start = 0.0, stop = 1.0, num = 5 }
"""


def write(tmp_path, text):
    path = tmp_path / "card.toml"
    path.write_text(text)
    return path


def test_defaults_and_expressions(tmp_path):
    card = load_runcard(write(tmp_path, GOOD))
    assert card.states.points[0]["theta"] == pytest.approx(np.pi / 2)
    assert card.channel.strengths() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert card.settings == ["xa", "xb", "ya", "yb"]
    assert (card.backend.name, card.injection.kind, card.seed) == ("aer", "noise-model", 1)


RUNCARDS = [
    path.stem for path in bench.folder("experiments").glob("*.toml") if "[[cases]]" not in path.read_text("utf-8")
]


@pytest.mark.parametrize("name", RUNCARDS)
def test_shipped_runcards_are_valid_and_found_by_name(name):
    assert load_runcard(name) == load_runcard(bench.folder("experiments") / f"{name}.toml")


def test_overrides_are_validated_like_the_file(tmp_path):
    path = write(tmp_path, GOOD)
    card = load_runcard(path, **{"shots": 8, "backend.name": "fake_manila", "seed": None})
    assert (card.shots, card.backend.name, card.seed) == (8, "fake_manila", 1)
    with pytest.raises(InputError, match=r"shots = 0: .*greater than or equal to 1"):
        load_runcard(path, shots=0)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("shots = 100", "shotz = 100", "unknown key 'shotz'; did you mean 'shots'?"),
        ("num = 5", "numm = 5", "unknown key 'channel.p.numm'; did you mean 'num'?"),
        ('kind = "points"', 'kind = "points"\npoint = 1', "unknown key 'states.point'; did you mean 'points'?"),
        ("[channel]", "[chanel]", "unknown key 'chanel'; did you mean 'channel'?"),
        ("[channel]", "[zzz]\n[channel]", "unknown key 'zzz'; valid keys: adaptive, backend, channel"),
        ("shots = 100", "shots = 0", "shots = 0: "),
        ("shots = 100", "shots = nan", "shots = nan: "),
        ("shots = 100", "shots = 1.5", "shots = 1.5: "),
        ("shots = 100", "seed = -1", "seed = -1: "),
        ("stop = 1.0", "stop = 1.2", "channel.p.stop = 1.2: Input should be less than or equal to 1"),
        ("stop = 1.0", "stop = nan", "channel.p.stop = nan: "),
        ("p = { start = 0.0, stop = 1.0, num = 5 }", "p = [0.5, 1.2]", "channel.p.1 = 1.2: "),
        ("p = { start = 0.0, stop = 1.0, num = 5 }", "p = []", "channel.p: "),
        ("p = { start = 0.0, stop = 1.0, num = 5 }", "", "channel.p is missing"),
        ('"pi/2"', '"pi/0"', "states.points.0.theta = 'pi/0': 'pi/0' is no angle"),
        ('"pi/2"', '"__import__(1)"', "is no angle"),
        ('"pi/2"', "inf", "is no angle"),
        ('kind = "dephasing"', 'kind = "dephasign"', "channel.kind = 'dephasign': .*'dephasing'"),
        ('kind = "points"', 'kind = "grid"', "states"),
        ("shots = 100", 'settings = ["xa", "qq"]', "qq"),
        ("shots = 100", 'settings = ["xa", "xa"]', "'xa' is given 2 times: name each once"),
        ("shots = 100", 'estimators = ["bell4", "bell4"]', "name each once"),
        ("shots = 100", 'title = "again"', "not valid TOML"),
        ('title = "a test"', "", "title is missing"),
        ("schema = 1", "schema = 2", "schema = 2: Input should be 1"),
        ("[channel]", "[injection]\nkind = 'idle'\nT1_s = [1e-4, 1e-4]\n[channel]", "injection: .*go together"),
        (
            "[channel]",
            "[injection]\nkind = 'idle'\nT1_s = [1e-4, 1e-4]\nT2_s = [3e-4, 1e-4]\n[channel]",
            "T2_s = 0.0003 is above 2·T1_s = 0.0002",
        ),
        ("[channel]", "[injection]\ntau_s = [1e-6]\n[channel]", "tau_s is for kind = 'idle'"),
        ("[channel]", "[injection]\nkind = 'idle'\ntau_s = [-1e-6]\n[channel]", "injection.tau_s.0 = -1e-06"),
        ('kind = "dephasing"', 'kind = "depolarizing"\n[injection]\nkind = "twirl"\n[channel]', "not valid TOML"),
        ("[channel]", "[backend]\nqubits = [0]\n[channel]", "backend.qubits"),
    ],
)
def test_wrong_runcards_end_in_one_line(tmp_path, old, new, complaint):
    assert old in GOOD
    with pytest.raises(InputError, match=complaint.replace("?", r"\?")) as caught:
        load_runcard(write(tmp_path, GOOD.replace(old, new)))
    assert "\n" not in str(caught.value)


def test_depolarizing_cannot_be_made_by_waiting(tmp_path):
    text = GOOD.replace('kind = "dephasing"', 'kind = "depolarizing"') + '\n[injection]\nkind = "idle"\n'
    with pytest.raises(InputError, match="depolarizing needs 'noise-model'"):
        load_runcard(write(tmp_path, text))


def test_missing_file_lists_the_shipped_runcards():
    with pytest.raises(InputError, match=r"shipped: depolarizing, .*first_ibm_run, random_states, .*sudden_death"):
        load_runcard("sudden_live")


def test_not_text(tmp_path):
    path = tmp_path / "card.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        load_runcard(path)
    with pytest.raises(InputError, match="is no file"):
        load_runcard(tmp_path)
