"""`make clients`: programs that nobody here wrote talk to a running `ruvon serve`.

Each client is a script of its own beside this file, `check_NAME.py`, with its log. Between it and
the server stands a tap, which tells what was sent, and what the server refused or ignored.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from served import Served
from served import report
from tap import Tap

HERE = Path(__file__).parent
CLIENTS = ("openai", "langchain", "llm", "guidellm", "router", "lm_eval")
OWN_SERVERS = ("router",)
LIMIT_SECONDS = 300
LONGEST_NOTE = 300  # characters
# Nothing is fetched, nothing is told to anybody, and nothing is written to a home.
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LANGSMITH_TRACING": "false",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",  # what it says last stands last in its log
    "OMP_NUM_THREADS": "1",
    "NO_PROXY": "127.0.0.1,localhost",
    "NO_COLOR": "1",
    "COLUMNS": "120",
}


@dataclass(frozen=True)
class Outcome:
    """How a client got on."""

    name: str
    passed: bool
    seconds: float
    note: str
    log: Path


def main() -> None:
    """Run the clients that were asked for, and print a table. Exits 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(CLIENTS)}. By default all")
    parser.add_argument("--model", default="story", help="a model that ships")
    parser.add_argument("--ruvon", default="ruvon", help="the command that serves")
    parser.add_argument("--logs", default=".ruvon-cache/clients", help="where logs are kept")
    given = parser.parse_args()
    names = [name.replace("-", "_") for name in given.names] or list(CLIENTS)
    if unknown := [name for name in names if name not in CLIENTS]:
        parser.error(f"there is no client {unknown[0]!r}; known: {', '.join(CLIENTS)}")
    logs = Path(given.logs).resolve()
    logs.mkdir(parents=True, exist_ok=True)
    os.environ.update(QUIET | places(given.ruvon, given.model, logs))
    server = Served(given.model, logs / "server.log") if set(names) - set(OWN_SERVERS) else None
    try:
        outcomes = [one(name, server, logs) for name in names]
    finally:
        ended = server.end() if server else 0
    print(table(outcomes))
    if ended:
        print(f"the server ended with {ended}: see {logs / 'server.log'}")
    sys.exit(bool(ended) or not all(outcome.passed for outcome in outcomes))


def places(ruvon: str, model: str, logs: Path) -> dict[str, str]:
    """What the scripts find in their environment."""
    return {
        "CLIENTS_RUVON": ruvon,
        "CLIENTS_MODEL": model,
        "CLIENTS_LOGS": str(logs),
        "CLIENTS_TOKENIZER": str(HERE.parents[1] / "ruvon" / "zoo" / model),
        "HF_HOME": str(logs / "huggingface"),
        "LLM_USER_PATH": str(logs / "llm"),
    }


def one(name: str, server: Served | None, logs: Path) -> Outcome:
    """Run one client, and keep its log."""
    print(f"{name} ...", flush=True)
    log = logs / f"{name}.log"
    began = time.perf_counter()
    tap = Tap(server.url) if server else None
    url = {"CLIENTS_URL": tap.url} if tap else {}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, str(HERE / f"check_{name}.py")],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **url},
            start_new_session=True,
        )
        try:
            status = process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
            process.wait()
        if status is None:
            print(f"not done after {LIMIT_SECONDS} s", file=out)
    last = log.read_text(errors="replace").rstrip().rpartition("\n")[2]
    passed = status == 0 and last.startswith("ok: ")
    if tap:
        tap.close()
        with log.open("a") as out:
            print(*report([tap]), sep="\n", file=out)
    return Outcome(name, passed, time.perf_counter() - began, last[:LONGEST_NOTE], log)


def table(outcomes: list[Outcome]) -> str:
    """A line for each client, and under it what the server refused or ignored."""
    lines = [""]
    for one in outcomes:
        word = "pass" if one.passed else "FAIL"
        lines.append(f"{one.name:10} {word} {one.seconds:5.0f} s  {one.note.removeprefix('ok: ')}")
        told = one.log.read_text(errors="replace").splitlines()
        kinds = ("refused: ", "ignored: ")
        lines += [f"{'':10} {line}" for line in told if line.startswith(kinds)]
        if not one.passed:
            lines.append(f"{'':10} log: {one.log}")
    passed = sum(one.passed for one in outcomes)
    return "\n".join([*lines, "", f"{passed} passed, {len(outcomes) - passed} failed"])


if __name__ == "__main__":
    main()
