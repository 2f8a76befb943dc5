"""Train the shipped models: `python -m qent_hw.estimators.make_zoo [--only PATTERN]`.

Writes qent_hw/estimators/zoo/FAMILY-CHANNEL-FEATURES.npz and its model card .json, with progress in the terminal.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import time
from pathlib import Path

from qent_hw.estimators.blueprint import Blueprint, paper_blueprint, recommended_blueprint
from qent_hw.estimators.build import build_model
from qent_hw.estimators.shipped import ZOO, model_path
from qent_hw.estimators.sources import GENERAL_MIXED, NO_CHANNEL

# The recommended models of each family and channel, and the states they are trained on; the paper's pair of bell4 is
# shipped for all families. Half as many states serve the one angle of the 2-basis family as well.
SHIPPED = (
    ("special_four_basis", "dephasing", ("bell8", "tomo15"), 4_000_000),
    ("general_four_basis", "dephasing", ("bell8", "tomo15"), 4_000_000),
    (GENERAL_MIXED, NO_CHANNEL, ("bell8", "tomo15"), 4_000_000),
    ("two_basis", "dephasing", ("bell8",), 2_000_000),
    ("two_basis", "depolarizing", ("bell8",), 2_000_000),
)
SEED = 20241021


def blueprints() -> list[Blueprint]:
    """The shipped models: the recommended ones, and for each family and channel the paper's."""
    paper = [paper_blueprint(source, channel) for source, channel, _, _ in SHIPPED if source != GENERAL_MIXED]
    recommended = [
        recommended_blueprint(source, channel, name, n=n) for source, channel, names, n in SHIPPED for name in names
    ]
    return paper + recommended


def main(arguments: list[str] | None = None) -> int:
    """Train what `--only` matches (all by default) on one core, so that the core count changes nothing."""
    parser = argparse.ArgumentParser(
        prog="python -m qent_hw.estimators.make_zoo", description="Train the shipped models."
    )
    parser.add_argument("--only", default="*", metavar="PATTERN", help="such as 'special_four_basis-*' or '*-bell4'")
    parser.add_argument("--out", type=Path, default=ZOO, metavar="DIR", help="default: the package's own folder")
    options = parser.parse_args(arguments)
    wanted = [b for b in blueprints() if fnmatch.fnmatch(_stem(b), options.only)]
    if not wanted:
        print(f"no model matches {options.only!r}; there are: {', '.join(map(_stem, blueprints()))}", file=sys.stderr)
        return 2

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    for number, blueprint in enumerate(wanted, 1):
        print(f"[{number}/{len(wanted)}] {_stem(blueprint)}")
        began = time.perf_counter()
        model = build_model(blueprint, SEED, _show)
        model.save(options.out / f"{_stem(blueprint)}.npz")
        for shots, scores in model.card["test_scores"].items():
            figures = (f"{name} {s['value']:.4f} ± {s['standard_error']:.4f}" for name, s in scores.items())
            print(f"  {shots.replace('_', ' ')}: {', '.join(figures)}")
        print(f"  {time.perf_counter() - began:.0f} s")
    return 0


def _stem(blueprint: Blueprint) -> str:
    return model_path(blueprint.family, blueprint.channel, blueprint.feature_set).stem


def _show(what: str, share: float, remark: str) -> None:
    if sys.stdout.isatty():
        bar = "━" * round(30 * share)
        print(f"\r\033[K  {what:<24} {bar:<30} {share:4.0%}  {remark}", end="\n" if what == "done" else "", flush=True)
    elif share in (0.0, 1.0):
        print(f"  {what} {remark}".rstrip(), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
