from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.physics import (
    ALL_SETTINGS,
    AXES,
    BELL_SETTINGS,
    FEATURE_SETS,
    FEATURES,
    axis_angles,
    check_features,
    check_settings,
    settings_for,
)


def test_table_one() -> None:
    assert " ".join(FEATURES) == "xa xb ya yb xz yz za zb zz x1 y1 z1 1a 1b 1z"
    assert FEATURES[:9] == ALL_SETTINGS
    assert FEATURES[:4] == BELL_SETTINGS
    assert {name: len(names) for name, names in FEATURE_SETS.items()} == {
        "bell4": 4,
        "bell8": 8,
        "corr9": 9,
        "tomo15": 15,
    }
    assert FEATURE_SETS["bell8"] == ("xa", "xb", "ya", "yb", "x1", "y1", "1a", "1b")


def test_axes() -> None:
    x, y, a, b = (np.array(AXES[name]) for name in "xyab")
    np.testing.assert_allclose(a, (x + y) / np.sqrt(2), atol=1e-15)
    np.testing.assert_allclose(b, (-x + y) / np.sqrt(2), atol=1e-15)
    for axis, vector in AXES.items():
        polar, azimuth = axis_angles(axis)
        back = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]
        np.testing.assert_allclose(back, vector, atol=1e-15)
    assert axis_angles("b") == pytest.approx((np.pi / 2, 3 * np.pi / 4))
    with pytest.raises(InputError, match="axis 'q' is unknown"):
        axis_angles("q")


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (["x1"], ("xa",)),
        (["x1", "1a"], ("xa",)),
        (["1b", "x1"], ("xb",)),
        (["z1", "1z"], ("zz",)),
        (["x1", "y1", "1a", "1b"], ("xa", "yb")),
        (["x1", "y1", "z1", "1a", "1b", "1z"], ("xa", "yb", "zz")),
        (["zz", "x1"], ("xa", "zz")),
        (["yb", "xa", "y1", "1a"], ("xa", "yb")),
        (FEATURE_SETS["bell4"], BELL_SETTINGS),
        (FEATURE_SETS["bell8"], BELL_SETTINGS),
        ((*FEATURE_SETS["bell8"], "zz", "z1"), (*BELL_SETTINGS, "zz")),
        ((*FEATURE_SETS["bell8"], "z1"), (*BELL_SETTINGS, "za")),
        (FEATURE_SETS["corr9"], ALL_SETTINGS),
        (FEATURE_SETS["tomo15"], ALL_SETTINGS),
    ],
)
def test_settings_for(features, expected) -> None:
    assert settings_for(features) == expected


def test_settings_for_suffices_and_nothing_smaller_does() -> None:
    """All sets of up to three features: each is covered, by needed correlations plus uncovered axes."""
    for size in (1, 2, 3):
        for wanted in combinations(FEATURES, size):
            chosen = settings_for(wanted)
            needed = {name for name in wanted if "1" not in name}
            assert needed <= set(chosen)
            first = {s[0] for s in chosen}
            second = {s[1] for s in chosen}
            assert {f[0] for f in wanted} - {"1"} <= first
            assert {f[1] for f in wanted} - {"1"} <= second
            left_first = {f[0] for f in wanted if f[1] == "1"} - {s[0] for s in needed}
            left_second = {f[1] for f in wanted if f[0] == "1"} - {s[1] for s in needed}
            assert len(chosen) == len(needed) + max(len(left_first), len(left_second))


@pytest.mark.parametrize(
    ("name", "nearest"), [("ax", "xa"), ("XA", "xa"), ("zx", "xz"), ("yc", "ya"), ("zzz", "zz"), ("bz", "zb")]
)
def test_unknown_settings_name_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(InputError, match=f"^setting '{name}' is unknown: did you mean '{nearest}'"):
        check_settings(["xa", name])


def test_checks() -> None:
    assert check_settings(iter(["zz", "xa"])) == ("zz", "xa")
    assert check_features(["1z"]) == ("1z",)
    with pytest.raises(InputError, match="setting 'x1' is unknown"):
        check_settings(["x1"])
    with pytest.raises(InputError, match="feature 'a1' is unknown: did you mean '1a'"):
        settings_for(["a1"])
    with pytest.raises(InputError, match="'xa' is given 2 times"):
        check_settings(["xa", "xb", "xa"])
    with pytest.raises(InputError, match="no setting given"):
        check_settings([])
    with pytest.raises(InputError, match=r"one string: give a list, such as \['xa'\]"):
        check_settings("xa")
    with pytest.raises(InputError, match="feature 5 is unknown"):
        check_features([5])
