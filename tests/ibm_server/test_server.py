"""The stand-in with the real client when all is well: devices, jobs, counts, accounts, and processes of their own.

Statistical tests have a false-alarm rate of 1e-6 each; the stand-in's seeds are fixed, so what passes keeps passing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.client import HTTPConnection

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import PrimitiveResult
from qiskit_ibm_runtime import QiskitRuntimeService, Session
from qiskit_ibm_runtime.exceptions import (
    IBMRuntimeError,
    RuntimeJobFailureError,
)
from qiskit_ibm_runtime.executor_sampler import Sampler
from scipy import stats

from qent_hw.circuits import load_family
from qent_hw.circuits.pubs import build_pubs
from qent_hw.circuits.template import ANGLES, OUTCOME_OF_BITS, transpile_template
from qent_hw.hardware import resolve_backend
from tests.ibm_server import INSTANCE, TOKEN, programs, spawn
from tests.ibm_server.client import SAMPLERS, SHOTS, VALUES, circuit, result_of, submit
from tests.ibm_server.handle import PREFIX, ROOT

FALSE_ALARM = 1e-6

pytestmark = pytest.mark.filterwarnings("ignore:The SamplerV2 class is deprecated")


def test_lists_its_machines_as_the_client_knows_them(service, ibm):
    assert {backend.name for backend in service.backends()} == set(ibm.settings()["backends"])
    machine = service.backend("ibm_torino_like")
    assert (machine.num_qubits, machine.status().operational, machine.status().status_msg) == (133, True, "active")
    assert machine.properties().t1(0) > 1e-6
    ibm.settings(queue_length={"ibm_loopback": 12}, status={"ibm_loopback": "internal"})
    status = service.backend("ibm_loopback").status()
    assert (status.pending_jobs, status.status_msg) == (12, "internal")
    ibm.settings(queue_length={}, status={})


@pytest.mark.parametrize("program", SAMPLERS)
def test_a_job_is_found_by_its_tag_and_read_by_another_client(service, machine, ibm, tag, program):
    job = submit(machine, tag, program, pubs=2)
    other = QiskitRuntimeService()
    (found,) = other.jobs(job_tags=[tag], limit=None)
    assert (found.job_id(), found.tags, found.primitive_id) == (job.job_id(), [tag], program)
    result = result_of(other, job)
    assert isinstance(result, PrimitiveResult)
    assert [(pub.data.c.array.shape, pub.data.c.num_bits) for pub in result] == [((3, 2, SHOTS, 1), 2)] * 2
    assert not np.array_equal(result[0].data.c.array, result[1].data.c.array)
    assert [status for status, _ in ibm.jobs(tag)[0]["history"]] == ["Queued", "Running", "Completed"]
    assert ibm.jobs(tag)[0]["executions"] == 1
    assert found.metrics()["timestamps"]["finished"]
    assert found.usage() == pytest.approx(2 + 2 * 6 * SHOTS * 250e-6)


@pytest.mark.parametrize(
    ("program", "name", "route"),
    [
        ("executor", "ibm_loopback", "aer:fake_manila"),
        ("sampler", "ibm_loopback", "aer:fake_manila"),
        ("executor", "ibm_torino_like", "aer:fake_torino"),
    ],
)
def test_counts_are_those_of_the_fake_waiting_included(service, program, name, route, tag):
    """χ² of the two routes' counts; a wait of two T2 shows in it, or the test would have no teeth."""
    shots, machine, local = 2000, service.backend(name), resolve_backend(route)
    isa = transpile_template(machine.target, local.device.qubits)
    family = load_family("general_four_basis")
    psi = family.amplitudes(family.draw(3, np.random.default_rng(31)))
    wait = int(2 * max(local.device.idle.T2) / machine.target.dt / 16) * 16
    tables = {}
    for delay in (0, wait):
        order = [ANGLES.index(parameter.name) for parameter in isa.parameters]
        waits = np.full(3, delay)
        (there,) = build_pubs(isa, psi, ("xa", "yb", "zz"), shots, "idle", delay_dt=waits)
        (here,) = build_pubs(
            transpile_template(local.device.target), psi, ("xa", "yb", "zz"), shots, "idle", delay_dt=waits
        )
        sampler = SAMPLERS[program](mode=machine)
        sampler.options.environment.job_tags = [tag]
        job = sampler.run([(there.circuit, there.values[..., order])], shots=shots)
        bits = job.result(timeout=60, poll_interval=0.1)[0].data.c.array[..., 0]
        patterns = np.stack([(bits == pattern).sum(axis=-1) for pattern in range(4)], axis=-1).sum(axis=2)
        ours = local.sample(here, np.random.SeedSequence(8), lambda _: None)
        tables[delay] = patterns[..., np.argsort(OUTCOME_OF_BITS)], ours
    for remote, ours in tables.values():
        assert FALSE_ALARM / 2 < homogeneity(remote, ours) < 1 - FALSE_ALARM / 2
    assert homogeneity(tables[0][0], tables[wait][1]) < 1e-20


def homogeneity(first, second):
    """p-value of one distribution behind each pair of rows (…, 4)."""
    chi2 = dof = 0
    for pair in zip(first.reshape(-1, 4), second.reshape(-1, 4), strict=True):
        table = np.stack(pair)
        table = table[:, table.sum(axis=0) > 5]
        found = stats.chi2_contingency(table, correction=False)
        chi2, dof = chi2 + found.statistic, dof + found.dof
    return stats.chi2.sf(chi2, dof)


def test_jobs_scatter_as_binomials_and_the_seed_decides():
    """30 jobs of one circuit: a shared seed would give no variance, and the same seeds give the same bits."""
    task = programs.Task(circuit(), np.array([[1.1]]), 200)
    runs = [programs.sample("ibm_loopback", task, np.random.SeedSequence([7, number]))["c"] for number in range(30)]
    ones = np.array([bits[..., 0].sum() for bits in runs])
    mean = ones.mean() / task.shots
    chi2 = np.sum((ones - ones.mean()) ** 2) / (task.shots * mean * (1 - mean))
    assert FALSE_ALARM / 2 < stats.chi2.sf(chi2, 29) < 1 - FALSE_ALARM / 2
    again = programs.sample("ibm_loopback", task, np.random.SeedSequence([7, 3]))["c"]
    assert np.array_equal(again, runs[3])
    assert not np.array_equal(runs[3], runs[4])


def test_jobs_that_no_machine_would_run_fail_with_the_reason(machine):
    foreign = QuantumCircuit(5, 1)
    foreign.h(0)
    foreign.measure(0, 0)
    off_grid = QuantumCircuit(5, 1)
    off_grid.delay(17, 0, "dt")
    off_grid.measure(0, 0)
    for refused, reason in ((foreign, "h on qubits"), (off_grid, "not a multiple of 16")):
        job = Sampler(mode=machine).run([(refused,)], shots=SHOTS)
        with pytest.raises(RuntimeJobFailureError, match=reason):
            job.result(timeout=30, poll_interval=0.1)


def test_usage_of_a_plan_with_and_without_limit(service, machine, ibm, tag):
    ibm.settings(limit_s=600, consumed_s=0)
    submit(machine, tag).result(poll_interval=0.1)
    spent = 2 + 6 * SHOTS * 250e-6
    assert service.usage()["usage_remaining_seconds"] == pytest.approx(600 - spent)
    ibm.settings(consumed_s=601)
    with pytest.warns(UserWarning, match="met its usage limit"):
        submit(machine, tag)
    ibm.settings(limit_s=None)
    assert not {"usage_remaining_seconds", "usage_limit_seconds"} & set(service.usage())


def test_pages_of_jobs_are_put_together(service, ibm, tag):
    """45 jobs are three of the client's pages, of twenty; by default it asks for ten jobs alone."""
    ibm.fate(ends="Cancelled", times=45)
    for number in range(45):
        store(ibm, tags=[tag, f"part {number}"])
    found = service.jobs(job_tags=[tag], limit=None)
    assert [job.tags[1] for job in found] == [f"part {number}" for number in reversed(range(45))]
    assert len(service.jobs(job_tags=[tag])) == 10
    assert [job.tags[1] for job in service.jobs(job_tags=[tag, "part 7"])] == ["part 7"]
    assert service.jobs(job_tags=["no such tag"], limit=None) == []
    assert service.jobs(job_tags=[tag], pending=True) == []


def store(ibm, **posted):
    connection = HTTPConnection("127.0.0.1", ibm.port)
    body = {"program_id": "executor", "backend": "ibm_loopback", "params": {}, **posted}
    connection.request("POST", f"{PREFIX}/jobs", json.dumps(body), {"Authorization": "Bearer any"})
    assert connection.getresponse().status == 200
    connection.close()


def test_a_session_takes_jobs_until_it_is_closed(machine, ibm, tag):
    with Session(machine) as session:
        job = submit(machine, tag, mode=session)
        job.result(poll_interval=0.1)
        assert ibm.jobs(tag)[0]["session_id"] == session.session_id
        assert session.details()["accepting_jobs"]
    assert not session.details()["accepting_jobs"]
    store_again = Sampler(mode=Session.from_id(session.session_id, QiskitRuntimeService()))
    with pytest.raises(IBMRuntimeError, match="session is closed"):
        store_again.run([(circuit(), VALUES)], shots=SHOTS)


CLIENT = """
import json, sys
reached = []
sys.addaudithook(lambda event, given: reached.append(given[1]) if event == "socket.connect" else None)
import numpy as np
from qiskit import QuantumCircuit
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.executor_sampler import Sampler
sampler = Sampler(mode=QiskitRuntimeService().backend("ibm_loopback"))
sampler.options.environment.job_tags = ["from a process"]
circuit = QuantumCircuit(5, 1)
circuit.x(2)
circuit.measure(2, 0)
job = sampler.run([(circuit,)], shots=50)
ones = int(job.result(poll_interval=0.1)[0].data.c.array.sum())
print(json.dumps({"id": job.job_id(), "ones": ones, "reached": sorted(set(map(tuple, reached)))}))
"""


def test_processes_on_both_ends_and_nothing_else_reached(tmp_path, monkeypatch):
    """The client connects to the stand-in alone; killed and started again, the stand-in knows its jobs and no key."""
    with spawn(tmp_path / "state") as ibm:
        environment = {name: value for name, value in os.environ.items() if "QISKIT" not in name}
        run = subprocess.run(
            [sys.executable, "-c", CLIENT],
            env=environment | ibm.environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
            cwd=ROOT,
        )
        assert run.returncode == 0, run.stderr
        said = json.loads(run.stdout)
        assert said["ones"] > 40
        assert said["reached"] == [["127.0.0.1", ibm.port]]
        (job,) = ibm.jobs("from a process")
        assert (job["id"], job["executions"], job["status"]) == (said["id"], 1, "Completed")
        assert TOKEN not in json.dumps(ibm.requests()) + json.dumps(ibm.jobs()) + run.stdout + run.stderr
    assert not any(TOKEN in path.read_text() for path in (tmp_path / "state").iterdir())
    with spawn(tmp_path / "state") as ibm:
        for name, value in ibm.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        found = QiskitRuntimeService().job(said["id"])
        assert found.instance == INSTANCE
        assert int(found.result()[0].data.c.array.sum()) == said["ones"]
        assert ibm.jobs() == [job]
