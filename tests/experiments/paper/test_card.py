"""The cards of the figures: the shipped ones say the paper's sizes, wrong ones are refused in one line."""

from __future__ import annotations

import pytest

from qent_hw import bench
from qent_hw.errors import InputError
from qent_hw.experiments.paper.card import FIGURES, load_card, read_card
from qent_hw.experiments.paper.feature_sets import NAMED, feature_sets
from qent_hw.physics import FEATURES, settings_for

CARD = """
schema = 1
figure = 4
title = "a card"
[states.mixed]
title = "general mixed"
spectrum = { law = "dirichlet", alpha = 1.0 }
[samples.mixed]
states = "mixed"
n = 1000
seeds = [1]
[quick]
n = 100
epochs = 1
seeds = 1
"""


def test_every_figure_has_its_card_and_every_card_its_figure() -> None:
    shipped = {path.name for path in (bench.folder("experiments") / "paper").glob("*.toml")}
    assert shipped == {f"figure{number}.toml" for number in FIGURES}
    assert all(load_card(number).figure == number for number in FIGURES)


def test_shipped_cards_have_the_papers_sizes() -> None:
    """Sec. III: 15 nodes on 200,000 states, 100 on a million; regressors 100-50-50 on 100,000; SGD 0.01, batch 32."""
    for number in FIGURES:
        for name, one in load_card(number).trainings.items():
            large = (number, name) == (6, "large")
            hidden, n = {"entangled": ([15], 200_000), "concurrence": ([100, 50, 50], 100_000)}[one.target]
            assert (one.hidden, one.n) == (([100], 1_000_000) if large else (hidden, n))
            assert (one.epochs, one.batch_size, one.learning_rate, one.train_share) == (200, 32, 0.01, 0.8)
            assert one.seeds == ([1, 2, 3, 4, 5] if len(one.seeds) > 1 else [1])


def test_all_cards_mean_the_same_states_by_the_same_name() -> None:
    cards = [load_card(number) for number in FIGURES]
    for name in ("special", "mixed", "general"):
        assert len({str(card.states[name].plain()) for card in cards if name in card.states}) == 1


def test_features_are_added_in_the_order_of_table_1() -> None:
    table = feature_sets("table")
    assert list(table) == [str(k) for k in range(1, 16)]
    assert (table["1"], table["4"], table["15"]) == (("xa",), ("xa", "xb", "ya", "yb"), FEATURES)
    assert {name: len(settings_for(features)) for name, features in NAMED.items()} == {
        "bell4": 4, "bell8": 4, "corr9": 9, "tomo15": 9, "two_settings": 2
    }  # fmt: skip


def test_quick_size_shrinks_and_never_grows() -> None:
    card = load_card(5)
    small = card.at_quick_size()
    for name, one in small.trainings.items():
        assert (one.n, one.epochs) == (card.quick.n, card.quick.epochs)
        assert len(one.seeds) <= card.quick.seeds
        assert one.hidden == card.trainings[name].hidden


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("n = 1000", "n = 1000.5"), "samples.mixed.n"),
        (("n = 1000", "n = 10"), "samples.mixed.n"),
        (('law = "dirichlet"', 'law = "cauchy"'), "law is 'cauchy'; it must be one of dirichlet"),
        (("alpha = 1.0", "alpha = -1.0"), "alpha = -1.0"),
        (("alpha = 1.0", "beta = 1.0"), "beta"),
        (('states = "mixed"', 'states = "pure"'), "'pure' are used but not given"),
        (("[quick]", "[hasty]"), "quick"),
        (("spectrum =", "family = 'two_basis'\nspectrum ="), "give family and channel, or spectrum"),
        (("figure = 4", "figure = 9"), "figure"),
        (("schema = 1", "schema = "), "not valid TOML"),
        (
            (
                "[quick]",
                '[trainings.a]\nstates="mixed"\ntarget="entangled"\nn=100\nhidden=[1]\nseeds=[1]\nfeatures=["xy"]\n[quick]',
            ),
            "'xy'",
        ),
        (
            ("[quick]", '[limits.mixed]\nstates="mixed"\ntarget="entangled"\nn=100\npool=9\nseed=1\n[quick]'),
            "limits.mixed.pool",
        ),
    ],
)
def test_a_wrong_card_is_refused_in_one_line(tmp_path, change, complaint) -> None:
    path = tmp_path / "card.toml"
    path.write_text(CARD)
    read_card(path)
    path.write_text(CARD.replace(*change))
    with pytest.raises(InputError) as refused:
        read_card(path)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_figure_without_a_card_is_refused() -> None:
    with pytest.raises(InputError, match="figure = 9: there are cards for figures 2 to 8"):
        load_card(9)
