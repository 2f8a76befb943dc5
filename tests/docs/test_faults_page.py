"""docs/faults.md says what happens: rows of its tables, made to happen at the stand-in for IBM."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import tomli_w

from qent_hw import cli
from tests.experiments.remote.conftest import CARD

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
SUBMIT = ("submit", "card.toml", "--out", "run", "--yes")
COLLECT = ("collect", "run")


def rows():
    """fault → (what is seen: the literal lines in it, the exit statuses)."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        if len(cells) == 5 and set(cells[0]) != {"-"} and cells[0] != "fault":
            seen, statuses = re.findall(r"`([^`]+)`", cells[1]), re.findall(r"\d+", cells[2])
            found[cells[0]] = (seen, [int(status) for status in statuses])
    return found


ROWS = rows()


def happens(line, text):
    """Whether `text` has the page's line; numbers and ids are anybody's, an … stands for what is left out."""
    pieces = [re.escape(_plain(piece)) for piece in line.replace("RUN", "run").split("…")]
    return re.search(".*".join(pieces), _plain(text)) is not None


def _plain(text):
    return re.sub(r"[0-9a-f]{16,}|\d[\d.,]*", "#", " ".join(text.split()))


# the beginning of a row's fault → what is done to IBM, and the commands, the last of which shows it
FAULTS = {
    "token refused": (
        [("fault", {"endpoint": "GET /jobs*", "status": 401, "times": None, "skip": 3})],
        [SUBMIT, COLLECT],
    ),
    "no backend of that name": ([], [(*SUBMIT, "--backend", "ibm_x")]),
    "the plan has too little time": ([("settings", {"consumed_s": 599.0})], [SUBMIT]),
    "the price is above": ([], [(*SUBMIT, "--max-qpu-seconds", "0.1")]),
    "as many waiting jobs": (
        [
            (
                "fault",
                {"endpoint": "POST /jobs", "status": 400, "message": "Too many pending jobs. (3458)", "times": None},
            )
        ],
        [SUBMIT],
    ),
    "the job is rejected": ([("fault", {"endpoint": "POST /jobs", "status": 400, "times": None})], [SUBMIT]),
    "connection lost after IBM stored": (
        [("fault", {"endpoint": "POST /jobs", "does": "reset", "after": True})],
        [SUBMIT, ("jobs", "run")],
    ),
    "a long queue": ([("fate", {"queue_s": 1e6})], [SUBMIT, COLLECT]),
    "the network is lost while waiting": (
        [("fault", {"endpoint": "GET /jobs/{id}/results", "does": "cut", "times": 3})],
        [SUBMIT, (*COLLECT, "--wait")],
    ),
    "a result that is none": ([("fate", {"result": "empty"})], [SUBMIT, (*COLLECT, "--wait", "--hours", "0.0003")]),
    "a job ends *Failed* for good": (
        [("fate", {"ends": "Failed", "reason": "The circuit is too deep.", "reason_code": 1517})],
        [SUBMIT, (*COLLECT, "--wait")],
    ),
    "a job is cancelled": ([("fate", {"queue_s": 1e6})], [SUBMIT, ("cancel", "run"), COLLECT]),
    "the folder cannot be written": ([], [("submit", "card.toml", "--out", "/proc/none", "--yes")]),
    "the folder is none of a run": ([], [COLLECT]),
    "the folder holds another run": ([], [SUBMIT, (*SUBMIT, "--shots", "128")]),
}


@pytest.fixture
def typed(ibm, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("card.toml").write_text(tomli_w.dumps(CARD), encoding="utf-8")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["qent-hw", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return run


@pytest.mark.parametrize("fault", FAULTS)
def test_a_row_of_the_page_is_what_happens(fault, ibm, typed):
    ((seen, statuses),) = [row for name, row in ROWS.items() if name.startswith(fault)]
    arranged, commands = FAULTS[fault]
    for what, facts in arranged:
        getattr(ibm, what)(**facts)
    *before, last = commands
    for command in before:
        assert typed(*command)[0] == 0
    status, text = typed(*last)
    assert any(happens(line, text) for line in seen), text
    # a dash: it goes on by itself
    assert status in (statuses or [0]), text


def test_the_page_names_an_exit_status_in_every_row_that_ends():
    assert len(ROWS) > 20
    for seen, statuses in ROWS.values():
        assert set(statuses) <= {0, 2, 3, 130}
        assert all(line.strip() for line in seen)
