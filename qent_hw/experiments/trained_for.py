"""Whether the networks of a run were trained for the device and the injection that it used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run


def training_remarks(run: Run) -> list[tuple[str, str]]:
    """(heading, text) on what the networks of a run know of its device, for the report."""
    cards = run.provenance["models"]
    remarks = []
    networks = [name for name, card in cards.items() if "classifier" in card]
    without = [name for name in networks if "device" not in cards[name]]
    unknown = _unknown_without_device(run)
    if without and unknown:
        everyone = len(without) == len(networks)
        remarks.append(
            (
                "The networks know nothing of this device."
                if everyone
                else f"Not of this device: {', '.join(without)}.",
                f"They were trained on {run.runcard.channel.kind} alone, of the same strength on both qubits, without "
                f"{unknown}. {run.comparison['backend']} has these, so figures are expected to be worse than on the "
                "ideal simulator, and more shots do not cure that.",
            )
        )
    for name, card in cards.items():
        if "device" in card and _fits(run, card["device"]):
            made = "was trained" if "classifier" in card else "is made"
            remarks.append((f"{name} {made} for this device.", card["assumes"]))
        elif name not in networks and "assumes" in card and "device" not in card:
            remarks.append((f"What {name} assumes.", card["assumes"]))
    return remarks + [("A network is out of its place.", f"{note}.") for note in misplaced(run)]


def misplaced(run: Run) -> list[str]:
    """A remark on every model that was trained for another device, pair or injection than those of this run."""
    device, injection = run.provenance["backend"], run.runcard.injection.kind
    here = f"{injection} on {device['device']}, qubits {device['qubits'][0]} and {device['qubits'][1]}"
    return [
        f"{name} was trained for {trained_for(card)}, and this run is {here}: nothing is known of how right it is there"
        for name, card in run.provenance["models"].items()
        if "device" in card and not _fits(run, card["device"])
    ]


def trained_for(card: Mapping[str, Any]) -> str:
    """The device of a model card in words: "idle on fake_torino, qubits 7 and 8"."""
    device = card["device"]
    return f"{device['injection']} on {device['device']}, qubits {device['qubits'][0]} and {device['qubits'][1]}"


def has_device_noise(run: Run) -> bool:
    """Whether gates and readout of the run's backend err."""
    return run.comparison["backend"] != "aer"


def _fits(run: Run, trained: Mapping[str, Any]) -> bool:
    device = run.provenance["backend"]
    used = (device["device"], list(device["qubits"]), run.runcard.injection.kind)
    return (trained["device"], list(trained["qubits"]), trained["injection"]) == used


def _unknown_without_device(run: Run) -> str:
    """What acted in this run and is not in training data without a device."""
    device = "gate and readout errors" if has_device_noise(run) else ""
    relaxation = "relaxation (T1)" if run.plan.tau_s is not None else ""
    return ", ".join(filter(None, (relaxation, device)))
