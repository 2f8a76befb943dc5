"""docs/first-run-on-ibm.md, followed literally: its commands in order, against the stand-in for IBM."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from qent_hw import cli

PAGE = Path(__file__).parents[2] / "docs" / "first-run-on-ibm.md"
ASKED = "send? [y/N]: y"


class Person(io.StringIO):
    """Somebody at a terminal who says yes."""

    def isatty(self):
        return True


def steps():
    """(command, the lines that the page shows below it), in the page's order."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern(lines):
    """A regular expression for shown output: numbers and ids are anybody's, an … stands for what is left out."""
    text = " ".join(" ".join(lines).split())
    pieces = [re.escape(re.sub(r"[0-9a-f]{16,}|\d[\d.,]*", "#", piece)) for piece in text.split("…")]
    return ".*".join(piece.replace(r"\ ", " ") for piece in pieces)


def plain(text):
    return re.sub(r"[0-9a-f]{16,}|\d[\d.,]*", "#", " ".join(text.split()))


def test_the_page_has_its_steps():
    commands = [command for command, _ in steps()]
    assert len(commands) > 12
    for name in ("run", "backends", "submit", "jobs", "collect", "cancel"):
        assert any(command.startswith(f"qent-hw {name}") for command in commands)


def test_every_command_of_the_page_does_what_it_shows(ibm, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    ibm.settings(backends=["ibm_torino", "ibm_fez"], queue_length={"ibm_torino": 1, "ibm_fez": 4})
    status = 0
    for command, shown in steps():
        words = shlex.split(command)
        if command == "echo $?":
            assert str(status) == shown[0]
            continue
        if words[0] == "cp":
            shutil.copytree(words[2], words[3])
            continue
        ibm.clear()
        if words[1] == "submit":
            # the page looks after its job while it waits in the queue
            ibm.fate(queue_s=1e6, times=None)
        elif "--wait" in words:
            ibm.release()
        monkeypatch.setattr(sys, "stdin", Person("y\n"))
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        status = ended.value.code or 0
        said = capfd.readouterr()
        assert status == (3 if any("qent-hw: error" in line for line in shown) else 0), f"{command}: {said.err}"
        # the question goes to standard error, between the lines of a terminal
        if ASKED in shown:
            assert "send? [y/N]:" in said.err
            shown = [line for line in shown if line != ASKED]
        if shown:
            assert re.search(pattern(shown), plain(said.out + said.err)), f"{command}\n{said.out}{said.err}"
