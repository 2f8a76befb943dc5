"""What is shipped for one family, one channel and one feature set: two networks, an interval table, the card."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InputError
from qent_hw.estimators.averages import averages_apart, feature_of
from qent_hw.estimators.intervals import IntervalTable
from qent_hw.estimators.network import Network, Output
from qent_hw.physics.settings import FEATURES, settings_for

SCHEMA = 2
# Shots per setting over which shot-aware models are trained, and to which their shots input is limited.
FEWEST_SHOTS, MOST_SHOTS = 10, 65536
# Models of schema 1 see pooled averages alone, and these shots.
_SCHEMA_1_SHOTS = (100, 65536)


@dataclass(frozen=True)
class Model:
    """A trained pair of networks for the states of one family sent through one channel.

    features: names from Table I; apart: whether the networks' inputs are `averages_apart(features)`, otherwise they are
    the features themselves; shot_aware: whether there is one more input, `shots_input` of the shots per setting in
    `shots_range`; card: how it was made and how well it does, as written to JSON.
    """

    family: str
    channel: str
    features: tuple[str, ...]
    shot_aware: bool
    classifier: Network
    regressor: Network
    intervals: IntervalTable
    card: Mapping[str, Any]
    apart: bool = False
    shots_range: tuple[int, int] = (FEWEST_SHOTS, MOST_SHOTS)

    def __post_init__(self) -> None:
        if unknown := [name for name in self.features if name not in FEATURES]:
            raise InputError(f"model: feature {unknown[0]!r} is not one of {', '.join(FEATURES)}")
        wanted = len(self.averages) + self.shot_aware
        for name, network, output in (
            ("classifier", self.classifier, "sigmoid"),
            ("regressor", self.regressor, "linear"),
        ):
            if network.n_inputs != wanted or network.output != output:
                raise InputError(
                    f"model: the {name} has {network.n_inputs} inputs and a {network.output} output; "
                    f"it must have {wanted} and be {output}"
                )

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings to measure."""
        return settings_for(self.features)

    @property
    def averages(self) -> tuple[str, ...]:
        """What the networks see, in the order of their inputs; see `averages.averages_from_counts`."""
        return averages_apart(self.features) if self.apart else self.features

    def predict(self, values: ArrayLike, shots: ArrayLike = np.inf) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probability of entanglement and concurrence in [0, 1], each (n,).

        values: (n, n_averages) in the order of `self.averages`, or (n, n_features) in that of `self.features`, which
        are then taken for every setting's: right for exact features, while of counts `averages_from_counts` gives
        more. shots: per setting, a number or (n,), inf for exact features. Raises InputError for other shapes and for
        values that are not finite.
        """
        inputs = self._inputs(values, shots)
        p_entangled = self.classifier.predict(inputs).astype(np.float64)
        return p_entangled, self._concurrence(inputs)

    def predict_with_slopes(
        self, values: ArrayLike, shots: ArrayLike = np.inf
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The logit of the probability of entanglement (n,), its slopes along the averages (n, n_averages), and the
        concurrence (n,); otherwise as `predict`."""
        inputs = self._inputs(values, shots)
        logit, slopes = self.classifier.slopes(inputs)
        along = slopes[:, : len(self.averages)].astype(np.float64)
        return logit.astype(np.float64), along, self._concurrence(inputs)

    def _inputs(self, values: ArrayLike, shots: ArrayLike) -> NDArray[np.float32]:
        rows, averages = np.asarray(values), self.averages
        if rows.shape[1:] == (len(self.features),):
            rows = rows[:, [self.features.index(feature_of(average)) for average in averages]]
        elif rows.shape[1:] != (len(averages),):
            raise InputError(f"features: shape {rows.shape}; it must be (n, {len(averages)}), the model's averages")
        return network_inputs(rows, shots, self.shots_range if self.shot_aware else None)

    def _concurrence(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        concurrence: NDArray[np.float64] = np.clip(self.regressor.predict(inputs).astype(np.float64), 0, 1)
        return concurrence

    def save(self, path: str | Path) -> None:
        """Write `path` (.npz, all that `load` needs) and beside it the model card as readable JSON.

        Raises InputError if the file cannot be written.
        """
        target = _npz(path)
        card = {
            **self.card,
            "schema": SCHEMA,
            "family": self.family,
            "channel": self.channel,
            "features": list(self.features),
            "settings": list(self.settings),
            "averages": list(self.averages),
            "shot_aware": self.shot_aware,
            "shots_range": list(self.shots_range),
        }
        arrays: dict[str, NDArray[Any]] = {"card": np.array(json.dumps(card))}
        for name in ("classifier", "regressor"):
            network: Network = getattr(self, name)
            for i, (w, b) in enumerate(zip(network.weights, network.biases, strict=True)):
                arrays[f"{name}_weights_{i}"], arrays[f"{name}_biases_{i}"] = w, b
            arrays[f"{name}_squares"] = np.array(network.squares, np.int64)
        for name in ("shots", "edges", "offsets"):
            arrays[f"intervals_{name}"] = getattr(self.intervals, name)
        packed = io.BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **arrays)
        try:
            _write(target, packed.getvalue())
            _write(target.with_suffix(".json"), (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise InputError(f"model file {target}: cannot be written: {error.strerror or error}") from error

    @staticmethod
    def load(path: str | Path) -> Model:
        """Read a file made by `save`; raises InputError if it is missing, damaged or something else."""
        source = Path(path)
        try:
            file = np.load(source, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise InputError(f"model file {source}: it is a NumPy array, not a model written by qent-hw")
            with file:
                arrays = {name: file[name] for name in file.files}
        except FileNotFoundError:
            raise InputError(f"model file {source}: there is no such file") from None
        except InputError:
            raise
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            raise InputError(
                f"model file {source}: not a model written by qent-hw, or damaged ({_line(error)})"
            ) from None
        try:
            card = json.loads(str(arrays["card"]))
            if card["schema"] not in (1, SCHEMA):
                raise InputError(f"model file {source}: schema {card['schema']!r}; this version reads 1 and {SCHEMA}")
            low, high = card.get("shots_range", _SCHEMA_1_SHOTS)
            return Model(
                family=str(card["family"]),
                channel=str(card["channel"]),
                features=tuple(map(str, card["features"])),
                shot_aware=bool(card["shot_aware"]),
                classifier=_network(arrays, "classifier", "sigmoid"),
                regressor=_network(arrays, "regressor", "linear"),
                intervals=IntervalTable(*(arrays[f"intervals_{name}"] for name in ("shots", "edges", "offsets"))),
                card=card,
                apart=card.get("averages", card["features"]) != card["features"],
                shots_range=(int(low), int(high)),
            )
        except InputError as error:
            raise InputError(f"model file {source}: {_line(error).removeprefix(f'model file {source}: ')}") from None
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise InputError(
                f"model file {source}: not a model written by qent-hw, or damaged ({_line(error)})"
            ) from None


def shots_input(shots: ArrayLike, within: tuple[int, int] = (FEWEST_SHOTS, MOST_SHOTS)) -> NDArray[np.float32]:
    """The networks' view of shots per setting: log2, limited to what lies within and scaled to [−1, 1]; float32."""
    limited = np.clip(np.asarray(shots, dtype=np.float64), *within)
    low, high = np.log2(within)
    return np.asarray((2 * np.log2(limited) - low - high) / (high - low), dtype=np.float32)


def network_inputs(values: ArrayLike, shots: ArrayLike, within: tuple[int, int] | None) -> NDArray[np.float32]:
    """Averages (n, k) as float32, with `shots_input` as one more column for shot-aware networks, which have a range of
    shots; None for others."""
    rows = np.asarray(values, dtype=np.float32)
    if rows.ndim != 2:
        raise InputError(f"features: shape {rows.shape}; it must be (n, n_features)")
    if not np.isfinite(rows).all():
        state = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise InputError(f"features: state {state} holds {rows[state].tolist()}; all must be finite numbers")
    if within is None:
        return rows
    column = np.broadcast_to(shots_input(shots, within), (len(rows),))
    return np.concatenate([rows, column[:, None]], axis=1)


def _network(arrays: Mapping[str, NDArray[Any]], name: str, output: str) -> Network:
    depth = sum(key.startswith(f"{name}_weights_") for key in arrays)
    return Network(
        tuple(arrays[f"{name}_weights_{i}"] for i in range(depth)),
        tuple(arrays[f"{name}_biases_{i}"] for i in range(depth)),
        cast(Output, output),
        tuple(map(int, arrays.get(f"{name}_squares", ()))),
    )


def _write(path: Path, content: bytes) -> None:
    # Whole or not at all: another process may be reading the old file.
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def _npz(path: str | Path) -> Path:
    target = Path(path)
    return target if target.suffix == ".npz" else target.with_name(target.name + ".npz")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
