"""Every estimator by its name, made for a situation.

=========================================  =============================================================================
``bell4``, ``bell8``, ``tomo15``, …        shipped networks, trained without a device; NAME_corrected: on features that
                                           are corrected for the device's misreadings
FILE.npz                                   a model of the user's own, such as one trained for a device
``bayes``, ``likelihood``                  the posterior, and the maximum likelihood, of the family's parameters
``tomography_linear``, ``tomography_mle``  a state from all nine settings, and the sign of its partial transpose;
                                           …_tuned: with the threshold that is best for such states and shots
``tomography_qiskit``                      qiskit-experiments' own StateTomography
``chsh``, ``chsh_horodecki``               the CHSH value: of the four settings, and at the best angles (nine settings)
``module:Class``, ``file.py:Class``,       the user's own: a class of the protocol `estimates.Estimator`, called without
or an entry point's name in the group      arguments, or its method ``for_situation`` with the `Situation` if it has one
``qent_hw.estimators``
=========================================  =============================================================================
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from qent_hw.errors import InputError
from qent_hw.estimators.card import assumed_of
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.estimates import Estimator
from qent_hw.estimators.shipped import available_models, load_estimator
from qent_hw.estimators.situation import Situation
from qent_hw.estimators.sources import FamilyStates

GROUP = "qent_hw.estimators"
CORRECTED = "_corrected"
# of the states that a threshold is tuned on: the same whoever asks, so that estimates are
_TUNING_SEED = 20241021


def make_estimator(name: str, situation: Situation) -> Estimator:
    """The estimator of that name, made for `situation`.

    Raises
    ------
    InputError
        for an unknown name (the nearest one is named), and for an estimator that cannot be made for these states or
        this device.
    """
    if name in _MADE:
        return _MADE[name](situation)
    if ":" in name or name in _entry_points():
        return _own(name, situation)
    plain = name.removesuffix(CORRECTED)
    if Path(name).suffix != ".npz" and plain not in {one for _, _, one in available_models()}:
        known = known_names()
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise InputError(f"estimator {name!r} is not known; {hint}; or a model file (.npz), or module:Class")
    network = load_estimator(plain, family_name(situation), situation.channel)
    if plain == name:
        return network
    if situation.assignment is None:
        raise InputError(f"estimator {name!r}: corrects for a device's misreadings, and none is assumed here")
    return replace(network, name=name, assignment=situation.assignment)


def is_network(name: str) -> bool:
    """Whether an estimator of that name is a trained model, shipped or in a file."""
    return name not in _MADE and ":" not in name and name not in _entry_points()


def known_names() -> tuple[str, ...]:
    """Names that this installation knows, of whatever family."""
    return tuple(sorted({*_MADE, *(one for _, _, one in available_models()), *_entry_points()}))


def family_name(situation: Situation) -> str:
    """What the states are called in model files."""
    states = situation.states
    return states.family.name if isinstance(states, FamilyStates | DeviceStates) else "general_mixed"


def _bayes(situation: Situation) -> Estimator:
    from qent_hw.estimators.bayes import BayesEstimator, bayes_for_device
    from qent_hw.estimators.limits_source import source_of

    states, channel, settings = situation.states, situation.channel, situation.settings
    if isinstance(states, DeviceStates):
        return bayes_for_device(states.family, channel, states.device, settings)
    card = {"title": f"Bayes posterior: {family_name(situation)}", "assumes": _ideal(situation)}
    if isinstance(states, FamilyStates):
        return BayesEstimator(source_of(states.family, channel), settings, card=card)

    def draw(n: int, rng: np.random.Generator) -> Any:
        return states.draw(channel, n, np.random.default_rng(np.random.SeedSequence(rng.integers(2**63)))).truth

    return BayesEstimator(source_of(draw, None), settings, card=card)


def _likelihood(situation: Situation) -> Estimator:
    from qent_hw.estimators.likelihood import LikelihoodEstimator
    from qent_hw.estimators.limits_source import source_of

    states, channel = situation.states, situation.channel
    if isinstance(states, FamilyStates):
        card: dict[str, Any] = {"title": _likelihood_of(situation), "assumes": _ideal(situation)}
        return LikelihoodEstimator(source_of(states.family, channel), situation.settings, card=card)
    if isinstance(states, DeviceStates):
        known = replace(states, device=replace(states.device, spread=None))
        card = {
            "title": _likelihood_of(situation),
            "assumes": assumed_of(known.device),
            "device": dict(states.device.facts),
        }
        return LikelihoodEstimator(source_of(known, channel), situation.settings, card=card)
    raise InputError("estimator 'likelihood': general mixed states have no parameters; theirs is tomography_mle")


def _likelihood_of(situation: Situation) -> str:
    return f"Maximum likelihood: {family_name(situation)}"


def _tomography(method: str, tuned: bool) -> Callable[[Situation], Estimator]:
    def make(situation: Situation) -> Estimator:
        from qent_hw.estimators.tomography import TomographyEstimator

        base = TomographyEstimator(f"tomography_{method}", method, situation.assignment)
        if not tuned:
            return base
        from qent_hw.estimators.tuning import tuned as tune

        return tune(base, situation, _TUNING_SEED)

    return make


def _tomography_qiskit(situation: Situation) -> Estimator:
    from qent_hw.estimators.tomography_qiskit import QiskitTomographyEstimator

    return QiskitTomographyEstimator(assignment=situation.assignment)


def _chsh(situation: Situation) -> Estimator:
    from qent_hw.estimators.chsh import ChshEstimator

    return ChshEstimator(assignment=situation.assignment)


def _chsh_horodecki(situation: Situation) -> Estimator:
    from qent_hw.estimators.chsh import HorodeckiEstimator

    return HorodeckiEstimator(assignment=situation.assignment)


_MADE: dict[str, Callable[[Situation], Estimator]] = {
    "bayes": _bayes,
    "likelihood": _likelihood,
    "tomography_linear": _tomography("linear", False),
    "tomography_linear_tuned": _tomography("linear", True),
    "tomography_mle": _tomography("mle", False),
    "tomography_mle_tuned": _tomography("mle", True),
    "tomography_qiskit": _tomography_qiskit,
    "chsh": _chsh,
    "chsh_horodecki": _chsh_horodecki,
}


def _own(name: str, situation: Situation) -> Estimator:
    """An estimator of the user's."""
    try:
        found = _entry_points()[name].load() if name in _entry_points() else imported(name)
        made: Estimator = found.for_situation(situation) if hasattr(found, "for_situation") else found()
    except InputError:
        raise
    except Exception as error:  # whatever a person's own code does
        raise InputError(f"estimator {name!r}: cannot be made: {_said(error)}") from None
    for attribute in ("name", "settings", "estimate"):
        if not hasattr(made, attribute):
            raise InputError(f"estimator {name!r} has no {attribute!r}; see qent_hw.estimators.Estimator")
    return made


def imported(name: str) -> Any:
    """What `module:Class` or `file.py:Class` means; modules are looked for in the working folder too.

    Raises
    ------
    InputError
        where it cannot be imported.
    """
    module, _, attribute = name.rpartition(":")
    try:
        return getattr(_from_file(module) if module.endswith(".py") else _from_path(module), attribute)
    except Exception as error:  # whatever a person's own code does
        raise InputError(f"estimator {name!r}: cannot be imported: {_said(error)}") from None


def _from_path(module: str) -> ModuleType:
    here = os.getcwd()
    if here in sys.path:
        return importlib.import_module(module)
    sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    finally:
        sys.path.remove(here)


def _from_file(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"qent_hw_own_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module in {path}")
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@cache
def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {one.name: one for one in importlib.metadata.entry_points(group=GROUP)}


def _ideal(situation: Situation) -> str:
    channel = "" if situation.channel == "none" else f" under {situation.channel}, every p equally likely"
    return f"states of {family_name(situation)}{channel}; nothing else errs"
