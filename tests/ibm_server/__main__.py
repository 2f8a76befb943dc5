"""`python -m tests.ibm_server --port 0 --state DIR`: the stand-in as a process of its own; prints its port."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from tests.ibm_server.server import Server
from tests.ibm_server.state import Platform


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.ibm_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, help="keep the jobs in this folder, and know those already there")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    platform = Platform(asked.seed, asked.state)
    server = Server(platform, asked.port)
    threading.Thread(target=_machine, args=[platform], daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()


def _machine(platform: Platform) -> None:
    # loaded while the server answers already
    from tests.ibm_server import programs  # noqa: F401

    platform.work()


if __name__ == "__main__":
    main()
