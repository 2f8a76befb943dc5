"""`qent-hw paper` as a user meets it."""

from __future__ import annotations

import sys

import pytest

from qent_hw import cli


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Run the command line in this process, in a folder of its own: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["qent-hw", "paper", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capsys.readouterr()
        return stopped.value.code or 0, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--figure", "9"], "figure = 9: there are cards for figures 2 to 8"),
        (["--figure", "five"], "--figure"),
        (["--workers", "0"], "workers = 0"),
        (["--out", "/proc/none"], "cannot be written"),
        (["--out", "occupied"], "cannot be written"),
        (["--quick", "--write-reproduction"], "needs the full sizes"),
        (["--figure", "5", "--write-reproduction", "--out", "empty"], "not done: 2, 3, 4, 6, 7, 8"),
    ],
)
def test_bad_input_ends_in_one_line_and_status_2(call, tmp_path, arguments, complaint) -> None:
    (tmp_path / "occupied").write_text("a file")
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("qent-hw: error: ")
    assert err.count("\n") == 1
    assert complaint in err
    assert {path.name for path in tmp_path.iterdir()} - {"empty"} == {"occupied"}


def test_a_figure_in_the_default_folder_and_again_without_work(call, tmp_path) -> None:
    assert call("--figure", "2", "--quick", "--quiet", "--workers", "1") == (0, "", "")
    folder = tmp_path / "runs" / "paper-quick"
    assert (folder / "figures" / "figure2.png").stat().st_size < 300_000
    text = (folder / "REPRODUCTION.md").read_text(encoding="utf-8")
    assert "Quick sizes" in text
    assert "not run" in text
    results = {path: path.stat().st_mtime_ns for path in (folder / "results").iterdir()}
    assert len(results) == 8
    status, out, err = call("--figure", "2", "--quick")
    assert (status, err) == (0, "")
    assert "figures" in out
    assert {path: path.stat().st_mtime_ns for path in (folder / "results").iterdir()} == results
