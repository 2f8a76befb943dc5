"""Model files: what is saved is what is loaded, and what is no model file says so in one line."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.estimators.intervals import EDGES, SHOTS, IntervalTable
from qent_hw.estimators.model import Model, shots_input
from qent_hw.estimators.network import Network
from qent_hw.physics import FEATURE_SETS


def made(features: str = "bell8", shot_aware: bool = True, seed: int = 0) -> Model:
    rng = np.random.default_rng(seed)
    n = len(FEATURE_SETS[features]) + shot_aware

    def network(output: str) -> Network:
        return Network(
            (rng.normal(size=(n, 7)).astype(np.float32), rng.normal(size=(7, 1)).astype(np.float32)),
            (rng.normal(size=7).astype(np.float32), rng.normal(size=1).astype(np.float32)),
            output,
        )

    offsets = np.sort(rng.normal(0, 0.1, (len(SHOTS), len(EDGES) - 1, 2)), axis=-1).astype(np.float32)
    table = IntervalTable(np.array(SHOTS), np.array(EDGES), offsets)
    names = FEATURE_SETS[features]
    return Model("fam", "dephasing", names, shot_aware, network("sigmoid"), network("linear"), table, {"seed": 3})


@pytest.mark.parametrize(("features", "shot_aware"), [("bell8", True), ("bell4", False)])
def test_saved_model_comes_back_the_same(features, shot_aware, tmp_path) -> None:
    model = made(features, shot_aware)
    model.save(tmp_path / "m.npz")
    again = Model.load(tmp_path / "m.npz")
    assert (again.family, again.channel, again.features, again.shot_aware) == (
        "fam",
        "dephasing",
        FEATURE_SETS[features],
        shot_aware,
    )
    assert again.settings == ("xa", "xb", "ya", "yb")
    x = np.random.default_rng(1).uniform(-1, 1, (50, len(again.features)))
    for a, b in zip(model.predict(x, 500), again.predict(x, 500), strict=True):
        np.testing.assert_array_equal(a, b)
    at = np.linspace(0, 1, 50), np.full(50, 300.0)
    for a, b in zip(model.intervals.interval(*at), again.intervals.interval(*at), strict=True):
        np.testing.assert_array_equal(a, b)
    card = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert card == dict(again.card)
    assert card["seed"] == 3
    assert card["settings"] == ["xa", "xb", "ya", "yb"]


def test_file_needs_no_pickle_and_gets_its_suffix(tmp_path) -> None:
    made().save(tmp_path / "m.v1")
    with np.load(tmp_path / "m.v1.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
    assert (tmp_path / "m.v1.json").is_file()


def test_predictions_are_in_range_and_shots_matter_to_shot_aware_models_alone() -> None:
    x = np.random.default_rng(2).uniform(-1, 1, (200, 8))
    few, many = (made().predict(x, shots) for shots in (100, 65536))
    assert not np.array_equal(few[0], many[0])
    for p, c in (few, many):
        assert p.shape == c.shape == (200,)
        assert ((p >= 0) & (p <= 1)).all()
        assert ((c >= 0) & (c <= 1)).all()
    a, b = (made("bell4", False).predict(x[:, :4], shots) for shots in (100, 65536))
    np.testing.assert_array_equal(a[0], b[0])


def test_shots_input_is_bounded() -> None:
    middle = np.sqrt(10 * 65536)
    np.testing.assert_allclose(shots_input([1, 10, middle, 65536, np.inf]), [-1, -1, 0, 1, 1], atol=1e-6)
    np.testing.assert_allclose(shots_input([10, 100, 2560], (100, 65536)), [-1, -1, 0], atol=1e-6)


def test_averages_told_apart_are_inputs_of_their_own_and_features_stand_for_all(tmp_path) -> None:
    rng = np.random.default_rng(4)

    def network(output: str) -> Network:
        return Network((rng.normal(size=(13, 1)).astype(np.float32),), (np.zeros(1, np.float32),), output)

    model = replace(made(), apart=True, classifier=network("sigmoid"), regressor=network("linear"))
    assert len(model.averages) == 12
    assert model.averages[4:6] == ("x1@xa", "x1@xb")
    model.save(tmp_path / "m.npz")
    again = Model.load(tmp_path / "m.npz")
    assert again.averages == model.averages
    assert again.settings == ("xa", "xb", "ya", "yb")
    features = rng.uniform(-0.1, 0.1, (20, 8))
    repeated = features[:, [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7]]
    for a, b in zip(model.predict(features, 500), again.predict(repeated, 500), strict=True):
        np.testing.assert_array_equal(a, b)


def test_files_of_schema_1_keep_their_meaning(tmp_path) -> None:
    """They know no other averages than features, and their shots begin at 100."""
    model = replace(made(), shots_range=(100, 65536))
    model.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        arrays = {name: file[name] for name in file.files}
    card = json.loads(str(arrays["card"]))
    del card["averages"], card["shots_range"]
    np.savez(tmp_path / "old.npz", **{**arrays, "card": np.array(json.dumps({**card, "schema": 1}))})
    old, x = Model.load(tmp_path / "old.npz"), np.random.default_rng(1).uniform(-1, 1, (50, 8))
    for a, b in zip(model.predict(x, 500), old.predict(x, 500), strict=True):
        np.testing.assert_array_equal(a, b)


def test_impossible_inputs_are_refused() -> None:
    model = made()
    with pytest.raises(InputError, match=r"\(3, 5\).*\(n, 8\)"):
        model.predict(np.zeros((3, 5)))
    with pytest.raises(InputError, match="state 1"):
        model.predict([[0.0] * 8, [0.0] * 7 + [np.nan]])
    with pytest.raises(InputError, match=r"must be \(n, 8\)"):
        model.predict(np.zeros(8))


def damaged(raw: bytes, kind: str) -> bytes:
    return {
        "empty": b"",
        "text": b"theta,phi\n1,2\n",
        "truncated": raw[: len(raw) // 2],
        "pickle": b"\x80\x04K\x01.",
    }[kind]


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "pickle"])
def test_damaged_files_say_so_in_one_line(kind, tmp_path) -> None:
    made().save(tmp_path / "m.npz")
    path = tmp_path / "damaged.npz"
    path.write_bytes(damaged((tmp_path / "m.npz").read_bytes(), kind))
    with pytest.raises(InputError) as caught:
        Model.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_flipped_byte_goes_unnoticed_or_gets_through(tmp_path) -> None:
    """Zip headers hold bytes that mean nothing (dates): there the model must come back the same."""
    model = made()
    model.save(tmp_path / "m.npz")
    raw, x = (tmp_path / "m.npz").read_bytes(), np.random.default_rng(0).uniform(-1, 1, (5, 8))
    refused = 0
    places = range(0, len(raw), 23)
    for place in places:
        (tmp_path / "n.npz").write_bytes(raw[:place] + bytes([raw[place] ^ 0xFF]) + raw[place + 1 :])
        try:
            again = Model.load(tmp_path / "n.npz")
        except InputError:
            refused += 1
        else:
            np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert refused > len(places) / 2


def test_missing_files_folders_and_other_arrays_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Model.load(tmp_path / "none.npz")
    with pytest.raises(InputError, match="damaged"):
        Model.load(tmp_path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(InputError, match="NumPy array"):
        Model.load(tmp_path / "array.npy")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="not a model"):
        Model.load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"schema": 99}, "schema 99"),
        ({"features": ["xa", "xx"]}, "'xx'"),
        ({"features": ["xa", "xb"]}, "9 inputs"),
        ({"features": 3}, "damaged"),
        ({"shot_aware": False}, "9 inputs"),
    ],
)
def test_files_whose_parts_disagree_are_refused(change, word, tmp_path) -> None:
    made().save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        arrays = {name: file[name] for name in file.files}
    arrays["card"] = np.array(json.dumps({**json.loads(str(arrays["card"])), **change}))
    np.savez(tmp_path / "n.npz", **arrays)
    with pytest.raises(InputError, match=word) as caught:
        Model.load(tmp_path / "n.npz")
    assert str(caught.value).startswith(f"model file {tmp_path / 'n.npz'}: ")


def test_unwritable_folder_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        made().save(tmp_path / "no" / "such" / "folder" / "m.npz")
