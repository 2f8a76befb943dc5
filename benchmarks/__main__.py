"""`python -m benchmarks [NAME …] [--json]`: run the benchmarks named (all by default) and print a table, or JSON."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import benchmarks


def names() -> list[str]:
    """The benchmarks there are: the modules of this folder, in alphabetical order."""
    return sorted(name for _, name, _ in pkgutil.iter_modules(benchmarks.__path__) if not name.startswith("_"))


def measure(name: str) -> dict[str, Any]:
    """Run one benchmark: its `Measurement`, with its name and the ratio of the peer's time to ours."""
    print(f"benchmark {name} …", file=sys.stderr, flush=True)
    with contextlib.redirect_stdout(sys.stderr):
        found = importlib.import_module(f"benchmarks.{name}").run()
    return {"name": name, **found, "ratio": found["peer_s"] / found["ours_s"]}


def table(rows: list[dict[str, Any]]) -> Table:
    """The figures as a table for people; what was compared is said below it, by `notes`."""
    view = Table("benchmark", "ours", "peer", "peer / ours", "largest difference")
    for row in rows:
        ours, peer = (_seconds(row[f"{side}_s"], row.get(f"{side}_se_s")) for side in ("ours", "peer"))
        view.add_row(row["name"], ours, peer, f"{row['ratio']:.3g}", f"{row['agree']:.1e}")
        for part, seconds in row.get("parts", {}).items():
            view.add_row(f"  {part}", _seconds(seconds, None), "", f"{row['peer_s'] / seconds:.3g}", "")
    return view


def notes(rows: list[dict[str, Any]]) -> list[str]:
    """For each benchmark a line that says what work was done and who the peer is."""
    return [f"{row['name']}: {row['work']}. Peer: {row['peer']}." for row in rows]


def _seconds(value: float, error: float | None) -> str:
    return f"{value:.3g} s" if error is None else f"{value:.3g} ± {error:.2g} s"


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare this package with its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of: {', '.join(names())} (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the JSON list there")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in names()]
    if unknown:
        parser.error(f"no benchmark is named {', '.join(map(repr, unknown))}; there are: {', '.join(names())}")
    rows = [measure(name) for name in options.names or names()]
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        Console().print(table(rows), *notes(rows), sep="\n", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
