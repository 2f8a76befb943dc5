"""`python -m qent_hw.experiments.study.publish`: the shipped studies run, and their pages and tables in this checkout.

Pages with pictures go to docs/studies, tables to experiments/tables, where `qent-hw recommend` finds them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qent_hw import bench
from qent_hw.experiments.recommend import TABLES
from qent_hw.experiments.study.card import load_study
from qent_hw.experiments.study.engines import local_engine
from qent_hw.experiments.study.outputs import Outcome, write_outputs
from qent_hw.experiments.study.study import run_study
from qent_hw.experiments.study.words import claims, lead, merit_tables, remarks
from qent_hw.pages.environment import markdown_environment

STUDIES = ("shot_noise", "readout_robustness", "t1_shift", "device_drift", "device_budgets")
_PAGES = Path("docs") / "studies"


def main(arguments: list[str] | None = None) -> int:
    """Do what is not done yet of each study in `runs/study-NAME`, and write its page."""
    parser = argparse.ArgumentParser(prog="python -m qent_hw.experiments.study.publish", description=main.__doc__)
    parser.add_argument("names", nargs="*", default=STUDIES, metavar="NAME", help=f"which of: {', '.join(STUDIES)}")
    for name in parser.parse_args(arguments).names:
        print(name, file=sys.stderr, flush=True)
        publish(name)
    return 0


def publish(name: str) -> None:
    """Run one study, and write its page and its table."""
    study, folder = load_study(name), Path("runs") / f"study-{name}"

    def watch(spent: float, total: float, done: int, tasks: int) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K  {done} of {tasks} tasks, {total - spent:.0f} s of work left", end="", file=sys.stderr)

    outcome = Outcome(study, run_study(study, folder, local_engine(-1), watch))
    write_outputs(outcome, folder)
    tables = bench.folder("experiments") / TABLES
    for place in (tables, _PAGES):
        place.mkdir(parents=True, exist_ok=True)
    for kind in ("csv", "parquet"):
        (tables / f"{name}.{kind}").write_bytes((folder / f"table.{kind}").read_bytes())
    for key, picture in outcome.figures.items():
        (_PAGES / f"{name}-{key}.png").write_bytes(picture.png)
    (_PAGES / f"{name}.md").write_text(study_page(name, outcome), encoding="utf-8")


def study_page(name: str, outcome: Outcome) -> str:
    """The page in Markdown."""
    template = markdown_environment(Path(__file__).parent).get_template("page.md.j2")
    return template.render(
        name=name,
        study=outcome.study,
        lead=lead(outcome.study, outcome.frame),
        claims=claims(outcome.study, outcome.frame),
        figures=outcome.figures,
        tables=merit_tables(outcome.study, outcome.frame),
        remarks=remarks(outcome.study, outcome.frame),
    )


if __name__ == "__main__":
    raise SystemExit(main())
