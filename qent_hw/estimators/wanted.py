"""What to train, where not everything is said: defaults for a device, and settings chosen for a budget of shots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qent_hw.errors import InputError
from qent_hw.estimators.build import Progress
from qent_hw.estimators.device_states import TrainingDevice
from qent_hw.estimators.quiet import load_tensorflow_quietly
from qent_hw.estimators.train_command import check_choices
from qent_hw.physics.settings import check_settings, feature_set_name, features_of


@dataclass(frozen=True)
class Wanted:
    """What was asked for; None for what was left open."""

    family: str
    channel: str
    features: str | None
    settings: str | None
    budget: int | None
    recipe: str | None
    shots: str | None
    out: str | None


@dataclass(frozen=True)
class Resolved:
    """The same, complete (see `train_model`), and `why` the settings were chosen, where they were."""

    features: str
    recipe: str
    shots: str | None
    out: str
    why: str


def resolve_wanted(
    wanted: Wanted, device: TrainingDevice | None, seed: int, progress: Progress | None = None
) -> Resolved:
    """What to train: for a device, bell8 by the recommended recipe unless said otherwise.

    settings ``auto`` compares several sets at the budget (see `settings_choice`).

    Raises
    ------
    InputError
        for options that contradict each other or leave too much open.
    """
    recipe = wanted.recipe or ("paper" if device is None else "recommended")
    features, shots, why = wanted.features, wanted.shots, ""
    out = wanted.out or _named_for(wanted.family, device)
    check_choices(wanted.family, wanted.channel, recipe, out)
    if wanted.settings is not None:
        if features is not None:
            raise InputError("features and settings: give one of them; settings mean all features that they give")
        if wanted.budget is not None and shots is not None:
            raise InputError("budget and shots: give one of them; a budget is for all settings together")
        if wanted.settings == "auto":
            settings, per_setting, why = _chosen(wanted, device, seed, progress)
        else:
            settings = check_settings(wanted.settings.split(","))
            per_setting = None if wanted.budget is None else wanted.budget // len(settings)
        features = feature_set_name(features_of(settings))
        if per_setting is not None:
            shots = str(per_setting)
    elif wanted.budget is not None:
        raise InputError("budget: is for --settings; with features say --shots, per setting")
    if features is None:
        if device is None:
            raise InputError("features: say which, such as --features bell8")
        features = "bell8"
    return Resolved(features, recipe, shots, out, why)


def _named_for(family: str, device: TrainingDevice | None) -> str:
    if device is None:
        raise InputError("out: name the model file, such as --out mine.npz")
    facts = device.facts
    where = "-".join([str(facts["device"]), *(f"q{one}" for one in facts["qubits"]), str(facts["injection"])])
    return f"{Path(family).stem}-{where}.npz"


def _chosen(
    wanted: Wanted, device: TrainingDevice | None, seed: int, progress: Progress | None
) -> tuple[tuple[str, ...], int | None, str]:
    """The settings, the shots for each, and why."""
    from qent_hw.estimators.settings_choice import choose_settings, compare_settings, reason

    if wanted.budget is None:
        raise InputError("settings = auto: say for how many shots in all, with --budget")
    load_tensorflow_quietly()
    tell: Progress = progress or (lambda what, share, remark: None)
    candidates = compare_settings(
        wanted.family,
        wanted.channel,
        wanted.budget,
        device,
        seed,
        lambda done, total: tell("comparing settings", done / total, f"{done} of {total}"),
    )
    chosen = choose_settings(candidates)
    return chosen.settings, chosen.shots, reason(candidates, chosen, wanted.budget)
