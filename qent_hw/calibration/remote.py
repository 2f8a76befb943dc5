"""Calibrating a pair of an IBM device: its circuits as jobs under a ledger.

A calibration that was stopped, or lost the network, goes on with the same call and is paid for once.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_ibm_runtime import IBMBackend

from qent_hw.calibration.calibrate import CalibrationPlan, conclude_calibration, plan_calibration
from qent_hw.calibration.record import DeviceRecord
from qent_hw.circuits.pubs import Pub
from qent_hw.errors import BackendError, InputError
from qent_hw.files import write_whole
from qent_hw.hardware.device import Device, cut_device
from qent_hw.hardware.dispatch import Shipment, fetch_ready, raw_path, reconcile, send_planned
from qent_hw.hardware.ibm.service import Service
from qent_hw.hardware.jobs import Cost, Piece, cut_jobs, estimate_cost
from qent_hw.hardware.ledger import FILE, Ledger

_ABOUT, _RAW, _LOCK = "calibration.json", "raw", ".lock"
_FIRST_POLL_S, _LONGEST_POLL_S = 2.0, 30.0


@dataclass(frozen=True, eq=False)
class RemoteCalibration:
    """A calibration on its way: where its jobs are kept, what is measured, and the QPU seconds of it all."""

    folder: Path
    name: str
    device: Device
    backend: IBMBackend
    plan: CalibrationPlan
    pubs: tuple[Pub, ...]
    jobs: tuple[tuple[Piece, ...], ...]
    cost: Cost

    @property
    def shots(self) -> int:
        """For each circuit."""
        return self.pubs[0].shots

    @property
    def is_begun(self) -> bool:
        """Whether its folder is there, and jobs may have been sent."""
        return (self.folder / FILE).is_file()

    def shipment(self, number: int, longest_s: int | None = None) -> Shipment:
        """What job `number` measures."""
        pubs = tuple((self.pubs[one.pub].circuit, self.pubs[one.pub].rows) for one in self.jobs[number])
        return Shipment(pubs, self.shots, longest_s)


def prepare_remote(
    folder: Path, service: Service, name: str, qubits: tuple[int, int] | None, shots: int
) -> RemoteCalibration:
    """The calibration in `folder`, or a new one of the pair (chosen for waiting where none is given). Writes nothing.

    Raises
    ------
    InputError
        if the folder holds another calibration, or the qubits cannot be used.
    ServiceError
        if the service cannot be asked.
    """
    backend = service.backend(name)
    about = _about(folder)
    T1 = T2 = None
    if about is not None:
        for key, asked in (("backend", backend.name), ("shots", shots)):
            if about[key] != asked:
                raise InputError(
                    f"{folder}: holds a calibration with {key} = {about[key]}; remove it, or go on as it was"
                )
        qubits, T1, T2 = tuple(about["qubits"]), np.array(about["T1_s"]), np.array(about["T2_s"])
    device = cut_device(backend, qubits, "idle")
    plan = plan_calibration(device, T1, T2)
    pubs = tuple(_pub(circuit, backend, device.qubits, shots) for circuit in plan.circuits)
    jobs = tuple(cut_jobs(pubs))
    delay = getattr(backend.configuration(), "default_rep_delay", None)
    return RemoteCalibration(
        folder, name, device, backend, plan, pubs, jobs, estimate_cost(jobs, pubs, backend.target, delay)
    )


def measure_remote(
    asked: RemoteCalibration,
    service: Service,
    *,
    wait_s: float,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> DeviceRecord:
    """Send what is not sent yet, wait for the results, and put the record together; `told(done, all)` of jobs.

    The folder stays until `forget` is called.

    Raises
    ------
    BackendError
        if not everything has come within `wait_s` seconds, or a job was lost; nothing is lost otherwise.
    """
    _begin(asked)
    with filelock.FileLock(str(asked.folder / _LOCK), timeout=10), Ledger(asked.folder / FILE) as ledger:
        _until_done(asked, ledger, service, time.monotonic() + wait_s, told)
    return conclude_calibration(asked.plan, _counts(asked), asked.backend.name, asked.device, asked.shots)


def forget(asked: RemoteCalibration) -> None:
    """Remove the folder of a calibration whose record is safe; the raw counts are in the record."""
    shutil.rmtree(asked.folder, ignore_errors=True)


def _until_done(
    asked: RemoteCalibration, ledger: Ledger, service: Service, end: float, told: Callable[[int, int], None]
) -> None:
    reconcile(ledger, service)
    send_planned(ledger, service, asked.backend, asked.shipment, lambda job: None)
    reconcile(ledger, service)
    pause = _FIRST_POLL_S
    while True:
        fetch_ready(ledger, service, asked.folder / _RAW, asked.shipment, lambda job: None)
        told(len(ledger.jobs("done")), len(asked.jobs))
        if lost := ledger.jobs("failed", "cancelled"):
            ledger.move(lost[0], "planned", note="to be sent once more, if asked")
            why = lost[0].note or "no reason given"
            raise BackendError(
                f"calibration {asked.folder}: job {lost[0].number} is {lost[0].state}: {why}; the same call sends it "
                "once more"
            )
        if ledger.jobs("planned"):
            send_planned(ledger, service, asked.backend, asked.shipment, lambda job: None)
        if len(ledger.jobs("done")) == len(asked.jobs):
            return
        left = end - time.monotonic()
        if left <= 0:
            raise BackendError(f"calibration {asked.folder}: not complete yet; the same call goes on with it")
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_POLL_S)


def _begin(asked: RemoteCalibration) -> None:
    """Write the folder of a new calibration: what it is, then its ledger."""
    if asked.is_begun:
        return
    plan = asked.plan
    about = {
        "backend": asked.backend.name,
        "qubits": list(asked.device.qubits),
        "shots": asked.shots,
        "T1_s": plan.T1.tolist(),
        "T2_s": plan.T2.tolist(),
    }
    try:
        asked.folder.mkdir(parents=True, exist_ok=True)
        write_whole(asked.folder / _ABOUT, lambda file: file.write(json.dumps(about, indent=1).encode()))
    except OSError as error:
        raise InputError(f"{asked.folder}: cannot be written: {error.strerror or error}") from None
    run = f"qent-hw-{uuid.uuid4().hex[:16]}"
    with Ledger.create(asked.folder / FILE, run, len(asked.jobs), {"backend": asked.backend.name}):
        pass


def _about(folder: Path) -> dict[str, Any] | None:
    if not (folder / FILE).is_file():
        return None
    try:
        about: dict[str, Any] = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: cannot be read: {error}") from None
    return about


def _pub(circuit: QuantumCircuit, backend: IBMBackend, qubits: tuple[int, int], shots: int) -> Pub:
    """One circuit of the pair on the device's own qubits, with two classical bits as every result is checked for."""
    both = QuantumCircuit(QuantumRegister(2), ClassicalRegister(2, "c"))
    for one in circuit.data:
        places = [circuit.find_bit(bit).index for bit in one.qubits]
        both.append(one.operation, places, [circuit.find_bit(bit).index for bit in one.clbits])
    manager = generate_preset_pass_manager(
        optimization_level=0, target=backend.target, initial_layout=list(qubits), seed_transpiler=0
    )
    return Pub(manager.run(both), np.zeros((1, 1, 1, 10)), shots, np.array([0]), np.array([0]))


def _counts(asked: RemoteCalibration) -> list[dict[str, int]]:
    """Of each circuit by bit string, with as many bits as it measures."""
    patterns: dict[int, Any] = {}
    for number, pieces in enumerate(asked.jobs):
        with np.load(raw_path(asked.folder / _RAW, number), allow_pickle=False) as file:
            for index, piece in enumerate(pieces):
                patterns[piece.pub] = file[f"pub_{index}"].ravel()
    counts = []
    for place, circuit in enumerate(asked.plan.circuits):
        found = np.bincount(patterns[place], minlength=4)
        counts.append({f"{bits:0{circuit.num_clbits}b}": int(found[bits]) for bits in range(4) if found[bits]})
    return counts
