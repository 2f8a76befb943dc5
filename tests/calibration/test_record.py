"""Device records: kept as they are, and every one that is wrong, old, bad or another's ends in one line."""

from __future__ import annotations

import copy
import json
import math
import os
import re

import numpy as np
import pytest

from qent_hw.calibration.published import published_record
from qent_hw.calibration.record import Trust, check_record, load_record, read_record
from qent_hw.errors import InputError
from qent_hw.hardware.backends import resolve_backend
from qent_hw.hardware.device import ideal_device
from tests.calibration.records import ASSIGNMENT, DETUNING, DT, GRID, T1, T2, ZZ, a_record, content

BAD = {"name": "joint idle", "qubits": [3, 4], "good": False, "remark": "neither law describes this wait"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "record.json"


def complaint(path, trust=None):
    """The one line that the file ends in."""
    with pytest.raises(InputError) as caught:
        load_record(path, trust or Trust())
    text = str(caught.value)
    assert text.startswith(f"record {path}: ")
    assert "\n" not in text
    return text.removeprefix(f"record {path}: ")


def test_a_record_comes_back_as_it_was_saved(path):
    record = a_record(hours_ago=1)
    record.save(path)
    assert load_record(path) == record
    assert json.loads(path.read_text())["schema"] == 1
    assert path.stat().st_mode & 0o777 == 0o644
    record.save(path)
    assert [one.name for one in path.parent.iterdir()] == ["record.json"]


def test_what_a_record_says_is_what_the_physics_gets():
    record = a_record()
    channel = record.idle.channel
    for ours, theirs in ((channel.T1, T1), (channel.T2, T2), (channel.detuning, DETUNING), (channel.zz, ZZ)):
        np.testing.assert_array_equal(ours, theirs)
    assert channel.law == "exponential"
    np.testing.assert_array_equal(record.readout.matrix, ASSIGNMENT)
    assert record.pair == (3, 4)
    assert record.bad_fits == []
    facts = record.facts()
    assert (facts["source"], facts["readout"], facts["bad_fits"]) == ("measured", "correlated", [])


def test_rounding_above_twice_T1_is_put_up_with_and_clipped():
    idle = content()["idle"]
    idle["T1_s"][1]["value"] = T2[1] / 2 * (1 - 1e-9)
    channel = a_record(idle=idle).idle.channel
    assert channel.T2[1] == 2 * channel.T1[1]


def changed(*place_and_value):
    """A change of the content: keys to a place, and what to put there; `...` takes the entry out."""
    *places, key, value = place_and_value

    def change(whole):
        part = whole
        for place in places:
            part = part[place]
        if value is ...:
            del part[key]
        else:
            part[key] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed("idle", ...), "idle is missing"),
        (changed("idle", "T1_s", ...), "idle.T1_s is missing"),
        (changed("idle", "T1_s", 0, "value", ...), "idle.T1_s.0.value is missing"),
        (changed("bakend", "aer"), "unknown key 'bakend'; did you mean 'backend'?"),
        (changed("idle", "T2", 1e-4), "unknown key 'idle.T2'; did you mean 'T2_s'?"),
        (changed("idle", "T1_s", 1, "valeu", 1), "unknown key 'idle.T1_s.1.valeu'; did you mean 'value'?"),
        (
            changed("idle", "T2_s", 1, "value", 2e-4),
            "T2_s.1 = 0.0002 is above 2·T1_s = 0.00014; no qubit has T2 > 2·T1",
        ),
        (changed("idle", "T1_s", 0, "value", -1e-4), "idle.T1_s.0.value = -0.0001: Input should be greater than 0"),
        (changed("idle", "T1_s", 0, "value", math.nan), "idle.T1_s.0.value = nan: Input should be a finite number"),
        (changed("idle", "zz_hz", "value", math.inf), "idle.zz_hz.value = inf: Input should be a finite number"),
        (changed("idle", "detuning_hz", 0, "error", -1), "idle.detuning_hz.0.error = -1"),
        (changed("idle", "T1_s", [{"value": 1e-4}]), "idle.T1_s: List should have at least 2 items"),
        (changed("idle", "decay", "linear"), "idle.decay = 'linear': Input should be 'exponential' or 'gaussian'"),
        (changed("readout", "assignment", 2, 1, 0.1), "column 1 sums to 1.092; A[measured][prepared] has columns that"),
        (changed("readout", "assignment", 0, 0, math.nan), "readout.assignment.0.0 = nan"),
        (changed("readout", "assignment", ASSIGNMENT.T.tolist()), "column 3 sums to 0.863; A[measured][prepared] has"),
        (changed("readout", "assignment", [[0.25] * 4] * 4), "assignment: cannot be inverted"),
        (changed("fits", 0, "chi2_per_dof", math.nan), "fits.0.chi2_per_dof = nan: Input should be a finite number"),
        (changed("qubits", [3, 3]), "qubits = [3, 3]: two different ones"),
        (changed("qubits", ["3", 4]), "qubits.0 = '3': Input should be a valid integer"),
        (changed("qubits", [3]), "qubits: List should have at least 2 items"),
        (changed("date", "2026-11-25T10:00:00"), "date = '2026-11-25T10:00:00': Input should have timezone info"),
        (changed("date", "yesterday"), "date = 'yesterday'"),
        (changed("dt_s", 0), "dt_s = 0: Input should be greater than 0"),
        (changed("schema", 2), "schema = 2: Input should be 1"),
        (changed("source", "guessed"), "source = 'guessed': Input should be 'measured' or 'published'"),
    ],
)
def test_a_wrong_entry_is_named_with_what_would_be_right(path, change, said):
    whole = copy.deepcopy(content())
    change(whole)
    path.write_text(json.dumps(whole))
    assert said in complaint(path)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"T1 = 1e-4", "not JSON: "),
        (b"", "not JSON: "),
        (b"[1, 2]", "holds no JSON object; qent-hw calibrate writes one"),
        (b'"record"', "holds no JSON object"),
        (b"\xff\xfe\x00", "cannot be read: "),
    ],
)
def test_what_is_no_record_at_all(path, written, said):
    path.write_bytes(written)
    assert said in complaint(path)


def test_what_cannot_be_read(path):
    assert "cannot be read: No such file" in complaint(path)
    path.mkdir()
    assert "cannot be read: Is a directory" in complaint(path)


def test_an_old_record_is_refused_unless_that_is_asked_for(path):
    a_record(hours_ago=25).save(path)
    said = complaint(path)
    assert re.match(r"25\.0 hours old, more than 24; calibrate again", said)
    assert "--max-age HOURS" in said
    assert "--stale-ok" in said
    assert "more than 24.5" in complaint(path, Trust(max_age_h=24.5))
    assert load_record(path, Trust(max_age_h=26)) == load_record(path, Trust(stale_ok=True))
    a_record(hours_ago=23.9).save(path)
    assert load_record(path).age_h == pytest.approx(23.9, abs=0.05)


def test_a_record_from_the_future_is_refused_whatever_is_asked_for(path):
    # a clock that is a few minutes off is no future
    a_record(hours_ago=-0.1).save(path)
    load_record(path)
    a_record(hours_ago=-1).save(path)
    for trust in (Trust(), Trust(stale_ok=True), Trust(max_age_h=1e6)):
        assert "which is still to come; is the clock right?" in complaint(path, trust)


def test_the_age_is_that_of_the_instant_not_of_the_clock_face(path):
    whole = content()
    utc = whole["date"]
    assert utc.endswith("+00:00")
    # the same numbers on a clock 14 hours ahead: an instant long past
    whole["date"] = utc.replace("+00:00", "+14:00")
    path.write_text(json.dumps(whole))
    assert load_record(path).age_h == pytest.approx(14, abs=0.05)


def test_a_bad_fit_is_never_used_silently(path):
    a_record(fits=[BAD]).save(path)
    said = complaint(path)
    assert said.startswith("the fit of joint idle on qubit 3,4 is bad: neither law describes this wait; look at it")
    assert "--bad-fit-ok" in said
    record = load_record(path, Trust(bad_fit_ok=True))
    assert record.facts()["bad_fits"] == ["joint idle: neither law describes this wait"]
    # however old or bad, it can be looked at
    a_record(fits=[BAD], hours_ago=1000).save(path)
    assert [fit.name for fit in read_record(path).bad_fits] == ["joint idle"]


def test_a_record_of_another_pair_or_device_is_refused():
    record = a_record()
    check_record(record, "fake_manila", (3, 4))
    with pytest.raises(InputError, match=r"^the record is of fake_manila, and this is fake_lima$"):
        check_record(record, "fake_lima", (3, 4))
    for other in ((1, 2), (4, 3)):
        with pytest.raises(InputError, match=r"of qubits 3,4 of fake_manila, not .,.; use --qubits 3,4$"):
            check_record(record, "fake_manila", other)


def test_saving_is_whole_or_nothing(tmp_path, path, monkeypatch):
    with pytest.raises(InputError, match="cannot be written: File exists"):
        a_record().save(_a_file(tmp_path / "file") / "record.json")
    first = a_record()
    first.save(path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        a_record(seed=8).save(path)
    assert read_record(path) == first
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "record.json"]


def _a_file(path):
    path.write_text("")
    return path


def test_what_a_backend_publishes_is_a_record_without_errors_of_its_own(path):
    device = resolve_backend("fake_manila", qubits=(3, 4)).device
    published_record("fake_manila", device).save(path)
    record = load_record(path)
    check_record(record, "fake_manila", (3, 4))
    np.testing.assert_array_equal(record.idle.channel.T1, device.idle.T1)
    np.testing.assert_array_equal(record.idle.channel.T2, device.idle.T2)
    assert not record.idle.channel.turns
    assert (record.source, record.readout.kind, record.fits, record.shots) == ("published", "tensored", [], None)
    assert all(one.error is None for one in (*record.idle.T1_s, *record.idle.T2_s, record.idle.zz_hz))
    assert (record.dt_s, record.timing_grid_dt) == (pytest.approx(DT), GRID)
    assert record.snapshot.startswith("2024-05-27")
    # the device's readout errors, first qubit first
    first, second = (device.target["measure"][(qubit,)].error for qubit in (0, 1))
    assert first < 0.9 * second
    wrong = record.readout.matrix
    for prepared in range(4):
        assert wrong[prepared ^ 2, prepared] == pytest.approx(first * (1 - second))
        assert wrong[prepared ^ 1, prepared] == pytest.approx(second * (1 - first))


def test_qubits_that_are_read_by_guessing_make_no_record():
    device = resolve_backend("fake_cusco", qubits=(117, 118)).device
    with pytest.raises(InputError, match=r"^qubits = 117,118: .* outcomes tell nothing of their states"):
        published_record("fake_cusco", device)


def test_an_ideal_simulator_publishes_nothing():
    with pytest.raises(InputError, match=r"'aer' publishes no T1 and T2; there is nothing to record"):
        published_record("aer", ideal_device())
