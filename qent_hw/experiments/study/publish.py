"""`python -m qent_hw.experiments.study.publish`: the shipped studies run, and their pages and tables in this checkout.

Pages with pictures go to docs/studies, tables to experiments/tables, where `qent-hw recommend` finds them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from qent_hw import bench
from qent_hw.experiments.recommend import TABLES
from qent_hw.experiments.study.card import load_study
from qent_hw.experiments.study.engines import local_engine
from qent_hw.experiments.study.outputs import Outcome, write_outputs
from qent_hw.experiments.study.study import run_study
from qent_hw.experiments.study.words import claims, lead, merit_tables, remarks
from qent_hw.experiments.verdict_studies.card import load_verdict_study
from qent_hw.experiments.verdict_studies.outputs import write_verdict_outputs
from qent_hw.experiments.verdict_studies.perform import perform_study
from qent_hw.pages.environment import markdown_environment

STUDIES = ("shot_noise", "readout_robustness", "t1_shift", "device_drift", "device_budgets")
OF_VERDICTS = ("verdicts_calibration", "verdicts_alarm", "verdicts_certificate", "verdicts_adaptive")
_PAGES = Path("docs") / "studies"


def main(arguments: list[str] | None = None) -> int:
    """Do what is not done yet of each study in `runs/study-NAME`, and write its page."""
    parser = argparse.ArgumentParser(prog="python -m qent_hw.experiments.study.publish", description=main.__doc__)
    every = (*STUDIES, *OF_VERDICTS)
    parser.add_argument("names", nargs="*", default=every, metavar="NAME", help=f"which of: {', '.join(every)}")
    for name in parser.parse_args(arguments).names:
        print(name, file=sys.stderr, flush=True)
        folder = Path("runs") / f"study-{name}"
        made = publish_verdicts(name, folder) if name in OF_VERDICTS else publish(name, folder)
        tables = bench.folder("experiments") / TABLES
        for place in (tables, _PAGES):
            place.mkdir(parents=True, exist_ok=True)
        for kind in ("csv", "parquet"):
            shutil.copyfile(folder / f"table.{kind}", tables / f"{name}.{kind}")
        for file, content in made.items():
            (_PAGES / file).write_bytes(content)
    return 0


def publish(name: str, folder: Path) -> dict[str, bytes]:
    """Run one study; its page and its pictures by their names."""
    study = load_study(name)

    def watch(spent: float, total: float, done: int, tasks: int) -> None:
        _say(f"{done} of {tasks} tasks, {total - spent:.0f} s of work left")

    outcome = Outcome(study, run_study(study, folder, local_engine(-1), watch))
    write_outputs(outcome, folder)
    return {
        f"{name}.md": study_page(name, outcome).encode(),
        **{f"{name}-{key}.png": picture.png for key, picture in outcome.figures.items()},
    }


def publish_verdicts(name: str, folder: Path) -> dict[str, bytes]:
    """Run one study of verdicts; its page and its pictures by their names."""
    study = load_verdict_study(name)
    frame = perform_study(study, folder, -1, lambda done, cells: _say(f"{done} of {cells} cells"))
    write_verdict_outputs(study, frame, folder, name)
    return {path.name: path.read_bytes() for path in [folder / f"{name}.md", *folder.glob(f"{name}-*.png")]}


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


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}", end="", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
