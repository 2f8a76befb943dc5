"""The estimator `device` of a study: a network for what each case assumes, trained before the tasks are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qent_hw.errors import InputError
from qent_hw.estimators.blueprint import device_blueprint
from qent_hw.estimators.build import Progress
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.drift import even_spread
from qent_hw.experiments.specialise import NAME, trained
from qent_hw.experiments.study.cases import resolve
from qent_hw.experiments.study.tasks import Cell
from qent_hw.physics.settings import feature_set_name, features_of


def check_trainable(cells: Sequence[Cell]) -> None:
    """Raise `InputError` for a case that has the estimator `device` and assumes none."""
    for cell in cells:
        if cell.chosen.name == NAME:
            _assumed(cell)


def with_trained(cells: Sequence[Cell], progress: Progress | None = None) -> list[Cell]:
    """The cells with a model file in place of `device`, trained where there is none yet (see `specialise`).

    Raises
    ------
    InputError
        as `check_trainable`.
    """
    return [_trained(cell, progress) if cell.chosen.name == NAME else cell for cell in cells]


def _trained(cell: Cell, progress: Progress | None) -> Cell:
    case, chosen, assumed = cell.case, cell.chosen, _assumed(cell)
    drift = chosen.drift or 0.0
    facts = {**assumed.device.facts, "drift": drift}
    device = replace(assumed.device, facts=facts, spread=even_spread(drift) if drift else None)
    settings = chosen.settings or case.settings
    names = feature_set_name(features_of(settings))
    blueprint = device_blueprint(case.family, case.channel, names, cell.shots // len(settings), device)
    path = trained(blueprint, None, progress)
    return replace(cell, chosen=chosen.model_copy(update={"name": str(path)}))


def _assumed(cell: Cell) -> DeviceStates:
    case = cell.case.model_copy(update={"assumes": cell.chosen.assumes or cell.case.assumes})
    assumed = resolve(case).assumed
    if not isinstance(assumed, DeviceStates):
        raise InputError(f"case {case.name!r}: estimator 'device' is trained for a device, and none is assumed there")
    return assumed
