import sys
import textwrap

import pytest

from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators import catalogue
from qent_hw.estimators.situation import Situation
from qent_hw.estimators.sources import FamilyStates

SITUATION = Situation(FamilyStates(load_family("special_four_basis")), "dephasing", 400)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution on the path, as pip leaves it: a module, and metadata with entry points."""
    (tmp_path / "coin_estimators.py").write_text(
        textwrap.dedent(
            """
            import numpy as np
            from qent_hw.estimators import Estimates


            class Coin:
                name, settings = "coin", ("xa",)

                def __init__(self, shots=0):
                    self.shots = shots

                @classmethod
                def for_situation(cls, situation):
                    return cls(situation.shots)

                def estimate(self, counts, seed):
                    half = np.full(len(counts.values), 0.5)
                    return Estimates(half, half, half, half, 0 * half, 2 * half, np.full(len(half), "entangled"))


            class Mute:
                name = "mute"
            """
        )
    )
    info = tmp_path / "coin_estimators-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: coin-estimators\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{catalogue.GROUP}]\ncoin = coin_estimators:Coin\nmute = coin_estimators:Mute\ngone = coin_estimators:Gone\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    catalogue._entry_points.cache_clear()
    yield
    sys.modules.pop("coin_estimators", None)
    catalogue._entry_points.cache_clear()


@pytest.mark.usefixtures("installed")
def test_an_installed_packages_estimator_is_made_by_its_entry_point():
    made = catalogue.make_estimator("coin", SITUATION)
    assert (made.name, made.shots) == ("coin", 400)
    assert "coin" in catalogue.known_names()
    assert not catalogue.is_network("coin")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "said"), [("mute", "has no 'settings'"), ("gone", "cannot be made"), ("coyn", "'coin'")]
)
def test_what_is_wrong_with_an_entry_point_is_one_line(name, said):
    with pytest.raises(InputError, match=said) as raised:
        catalogue.make_estimator(name, SITUATION)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("installed")
def test_it_goes_through_a_study(tmp_path):
    from qent_hw.experiments.study.card import parse_study
    from qent_hw.experiments.study.cells import cells_frame
    from qent_hw.experiments.study.engines import local_engine
    from qent_hw.experiments.study.study import run_study

    study = parse_study(
        {
            "schema": 1,
            "title": "coin",
            "shots": [400],
            "estimators": ["coin"],
            "stop": {"states": 100},
            "cases": [{"family": "special_four_basis"}],
        },
        "card",
    )
    frame = cells_frame(study, run_study(study, tmp_path / "out", local_engine(1)))
    # every state is called entangled
    assert frame["false_positive_rate"].tolist() == [1.0]
    assert frame["accuracy"].iloc[0] == frame["share_entangled"].iloc[0]
