"""The results file: only added to, whole after a crash, put together from several machines."""

from __future__ import annotations

import json

import pytest

from qent_hw.errors import InputError
from qent_hw.experiments.study.table import NAME, append_rows, merge, read_rows


def row(key, n=1.0):
    return {"key": key, "task": {}, "tally": {"n": n}, "settings": ["xa"], "shot_s": 1e-3, "cost": {"cpu_s": 1.0}}


def test_rows_come_back_by_their_keys(tmp_path):
    path = tmp_path / NAME
    assert read_rows(path) == {}
    assert append_rows(path, [row("a"), row("b")]) == 2
    assert append_rows(path, [row("c")]) == 1
    assert list(read_rows(path)) == ["a", "b", "c"]


def test_of_the_same_key_the_first_counts(tmp_path):
    path = tmp_path / NAME
    append_rows(path, [row("a", 1), row("a", 2)])
    assert read_rows(path)["a"]["tally"]["n"] == 1


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_a_line_that_was_cut_off_is_passed_over_and_the_next_is_whole(tmp_path, kept):
    path = tmp_path / NAME
    append_rows(path, [row("a"), row("b")])
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    path.write_bytes(whole[: first + min(kept, len(whole) - first - 2)])
    assert list(read_rows(path)) == ["a"]
    append_rows(path, [row("c")])
    assert list(read_rows(path)) == ["a", "c"]


def test_a_file_of_nothing_but_a_cut_line_has_no_rows_yet(tmp_path):
    path = tmp_path / NAME
    append_rows(path, [row("a")])
    path.write_bytes(path.read_bytes()[:20])
    assert read_rows(path) == {}
    append_rows(path, [row("b")])
    assert list(read_rows(path)) == ["b"]


def test_rows_of_other_parts_are_read_by_theirs(tmp_path):
    path = tmp_path / NAME
    append_rows(path, [{"key": "a", "rows": [1, 2]}, {"key": "b", "rows": 1}, {"key": "c"}])
    assert read_rows(path, {"key": str, "rows": list}) == {"a": {"key": "a", "rows": [1, 2]}}


def test_merging_takes_what_is_new_and_leaves_the_other_alone(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    append_rows(here / NAME, [row("a", 1), row("b", 1)])
    append_rows(there / NAME, [row("b", 2), row("c", 2)])
    before = (there / NAME).read_bytes()
    assert merge(here / NAME, there) == 1
    assert merge(here / NAME, there / NAME) == 0
    assert {key: one["tally"]["n"] for key, one in read_rows(here / NAME).items()} == {"a": 1, "b": 1, "c": 2}
    assert (there / NAME).read_bytes() == before


def test_what_is_no_file_of_results_is_said(tmp_path):
    (tmp_path / "other.txt").write_text("hello\nworld\n")
    with pytest.raises(InputError, match="no line of it is a result of a study"):
        merge(tmp_path / NAME, tmp_path / "other.txt")
    with pytest.raises(InputError, match="there is no file of results"):
        merge(tmp_path / NAME, tmp_path / "nowhere")


def test_lines_are_plain_json(tmp_path):
    append_rows(tmp_path / NAME, [row("a")])
    assert json.loads((tmp_path / NAME).read_text()) == row("a")
