"""What is behind the API: jobs, sessions, faults, the record of requests, and the machine that runs jobs in turn."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.ibm_server.devices import configuration
from tests.ibm_server.jobs import FINAL, Fate, Fault, Job, Settings

OVERHEAD_S = 2.0


class Platform:
    """Everything behind the API. Its methods may be called from any thread.

    With a `folder` every job is kept as a file there, and a platform started on it again knows them all.
    """

    def __init__(self, seed: int = 1, folder: Path | None = None) -> None:
        self.seed, self.folder = seed, folder
        self.changed = threading.Condition(threading.RLock())
        self.settings = Settings()
        self.jobs: dict[str, Job] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.fates: list[Fate] = []
        self.stored = 0
        self.epoch = 0  # of faults: clearing them wakes whoever is held in silence
        self.stopping = False
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._load(folder)

    def fault_for(self, endpoint: str) -> Fault | None:
        """The first fault that this request meets, which uses it up by one."""
        with self.changed:
            for index, fault in enumerate(self.faults):
                if not fnmatchcase(endpoint, fault.endpoint) or fault.times == 0:
                    continue
                if fault.skip:
                    self.faults[index] = replace(fault, skip=fault.skip - 1)
                    continue
                if fault.times is not None:
                    self.faults[index] = replace(fault, times=fault.times - 1)
                return fault
        return None

    def clear(self) -> None:
        """No faults and no special fates for jobs to come; whoever was held in silence is let go."""
        with self.changed:
            self.faults, self.fates, self.epoch = [], [], self.epoch + 1
            self.changed.notify_all()

    def release(self) -> None:
        """Jobs that wait by their fate wait no longer."""
        with self.changed:
            for job in self.jobs.values():
                job.fate = replace(job.fate, queue_s=0.0, queue_polls=0, run_s=0.0, run_polls=0)
            self.changed.notify_all()

    def hold(self) -> None:
        """Wait in silence until the faults are cleared or the platform stops."""
        with self.changed:
            epoch = self.epoch
            self.changed.wait_for(lambda: self.stopping or self.epoch != epoch)

    def store(self, posted: dict[str, Any]) -> Job:
        """A new job from what the client posted, Queued."""
        with self.changed:
            self.stored += 1
            name = hashlib.sha256(f"{self.seed} {self.stored}".encode()).hexdigest()[:20]
            job = Job(
                id=f"d{name[1:]}",
                number=self.stored,
                program=posted["program_id"],
                backend=posted["backend"],
                tags=posted.get("tags", []),
                params=posted["params"],
                session_id=posted.get("session_id"),
                cost=posted.get("cost"),
                private=posted.get("private", False),
                fate=self._next_fate(),
                history=[("Queued", time.time())],
            )
            self.jobs[job.id] = job
            self._keep(job)
            self.changed.notify_all()
            return job

    def told(self, job: Job) -> None:
        """Somebody is being told the job's status."""
        with self.changed:
            job.polls += 1
            self.changed.notify_all()

    def cancel(self, job: Job) -> bool:
        """Whether it could still be cancelled."""
        with self.changed:
            if job.status in FINAL:
                return False
            self._move(job, "Cancelled")
            return True

    def keep_tags(self, job: Job, tags: list[str]) -> None:
        """The job's tags from now on."""
        with self.changed:
            job.tags = tags
            self._keep(job)

    def delete(self, job: Job) -> None:
        """Forget the job."""
        with self.changed:
            self.jobs.pop(job.id, None)
            if self.folder is not None:
                (self.folder / f"{job.id}.json").unlink(missing_ok=True)

    def note(self, **request: Any) -> None:
        """Write down a request."""
        with self.changed:
            self.requests.append({"time": time.time(), **request})

    def stop(self) -> None:
        """Let every thread end."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    def work(self) -> None:
        """The machine: runs what is queued, one job at a time, until the platform stops."""
        while True:
            with self.changed:
                job = self._wait_for(self._due_to_run)
                if job is None:
                    return
                job.executions += job.fate.ends == "Completed"
                self._move(job, "Running")
            outcome = self._execute(job) if job.fate.ends == "Completed" else {"status": job.fate.ends}
            with self.changed:
                if self._wait_for(lambda job=job: job if self._lingered(job, "Running") else None) is None:
                    return
                if job.status == "Running":
                    self._finish(job, **outcome)

    def _execute(self, job: Job) -> dict[str, Any]:
        import numpy as np

        from tests.ibm_server import programs
        from tests.ibm_server.spoilt import spoil, spoil_text

        started = datetime.now(UTC)
        try:
            tasks = programs.tasks_of(job.program, job.params)
            seeds = np.random.SeedSequence([self.seed, job.number]).spawn(len(tasks))
            data = [programs.sample(job.backend, task, seed) for task, seed in zip(tasks, seeds, strict=True)]
        except Exception as error:  # whatever ails a job, the platform goes on and says so
            return {"status": "Failed", "reason": str(error), "reason_code": 1517}
        shots = sum(task.shots * int(np.prod(task.values.shape[:-1])) for task in tasks)
        text = programs.encode(job.program, job.params, spoil(data, job.fate.result), (started, datetime.now(UTC)))
        return {
            "status": "Completed",
            "result": spoil_text(text, job.fate.result),
            "qpu_seconds": OVERHEAD_S + shots * configuration(job.backend)["default_rep_delay"] * 1e-6,
        }

    def _finish(
        self,
        job: Job,
        status: str,
        result: str | None = None,
        qpu_seconds: float = 0.0,
        reason: str | None = None,
        reason_code: int | None = None,
    ) -> None:
        job.result, job.qpu_seconds = result, qpu_seconds
        job.reason, job.reason_code = reason or job.fate.reason, reason_code or job.fate.reason_code
        self.settings.consumed_s += qpu_seconds
        self._move(job, status)

    def _next_fate(self) -> Fate:
        for index, fate in enumerate(self.fates):
            if fate.times is None:
                return fate
            if fate.times > 0:
                self.fates[index] = replace(fate, times=fate.times - 1)
                return fate
        return Fate()

    def _wait_for(self, found):
        """What `found` returns once it is something; `None` when the platform stops."""
        while not self.stopping:
            what = found()
            if what is not None:
                return what
            # waits that end with the clock announce themselves to nobody
            self.changed.wait(0.02 if any(job.status not in FINAL for job in self.jobs.values()) else None)
        return None

    def _due_to_run(self) -> Job | None:
        waiting = (job for job in self.jobs.values() if job.status == "Queued" and self._lingered(job, "Queued"))
        return next((job for job in waiting if self.settings.state.get(job.backend, True)), None)

    def _lingered(self, job: Job, status: str) -> bool:
        if job.status != status:
            return True
        seconds, polls = {
            "Queued": (job.fate.queue_s, job.fate.queue_polls),
            "Running": (job.fate.run_s, job.fate.run_polls),
        }[status]
        return time.time() >= job.history[-1][1] + seconds and job.polls >= polls

    def _move(self, job: Job, status: str) -> None:
        job.history.append((status, time.time()))
        job.polls = 0
        self._keep(job)
        self.changed.notify_all()

    def _keep(self, job: Job) -> None:
        if self.folder is not None:
            path = self.folder / f"{job.id}.json"
            path.with_suffix(".new").write_text(json.dumps(asdict(job)))
            os.replace(path.with_suffix(".new"), path)

    def _load(self, folder: Path) -> None:
        kept = [json.loads(path.read_text()) for path in folder.glob("*.json")]
        for facts in sorted(kept, key=lambda facts: facts["number"]):
            job = Job(**facts | {"fate": Fate(**facts["fate"]), "history": [tuple(one) for one in facts["history"]]})
            if job.status == "Running":
                job.history.append(("Queued", time.time()))
            self.jobs[job.id] = job
            self.stored = max(self.stored, job.number)
