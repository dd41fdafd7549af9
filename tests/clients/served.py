"""`ruvon serve`, started as a user starts it, and what taps saw of it."""

import atexit
import os
import queue
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tap import Tap

STARTING_SECONDS = 180
ENDING_SECONDS = 60


class Served:
    """A running server of one model."""

    def __init__(self, model: str, log: Path) -> None:
        self.log = log
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        ruvon = os.environ["CLIENTS_RUVON"]
        command = [ruvon, "serve", model, "--port", "0", "--dtype", "float32", "--device", "cpu"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        atexit.register(self.process.kill)  # nothing is left behind, whatever goes wrong
        threading.Thread(target=self.keep, daemon=True).start()
        self.url = self.address()

    def keep(self) -> None:
        """Write what it says to its log, and pass it on."""
        assert self.process.stdout is not None
        with self.log.open("w") as out:
            for line in self.process.stdout:
                print(line, end="", file=out, flush=True)
                self.lines.put(line)
        self.lines.put(None)

    def address(self) -> str:
        """Where it listens, as it says itself. Ends the program if it does not start."""
        try:
            while line := self.lines.get(timeout=STARTING_SECONDS):
                if found := re.search(r"running on (http://\S+)", line):
                    return found[1]
        except queue.Empty:
            self.process.kill()
        raise SystemExit(f"ruvon serve did not start: see {self.log}")

    def end(self) -> int:
        """Ask it to end, as a service manager does. -> its exit status"""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return status


def report(taps: Sequence[Tap]) -> list[str]:
    """What was asked, what was refused and what was ignored, in lines that a person reads."""
    exchanges = [one for tap in taps for one in tap.exchanges()]
    asked = Counter(f"{one.method} {one.path.partition('?')[0]}" for one in exchanges)
    errors = Counter(f"{one.method} {one.path}: {one.error}" for one in exchanges if one.error)
    ignored = sorted({name for one in exchanges for name in one.ignored})
    sent = sorted({name for one in exchanges for name in one.asked})
    lines = [f"{name} x{count}" for name, count in sorted(asked.items())]
    lines.append(f"fields: {', '.join(sent)}")
    lines += [f"refused: {error} x{count}" for error, count in errors.items()]
    if ignored:
        lines.append(f"ignored: {', '.join(ignored)}")
    return lines
