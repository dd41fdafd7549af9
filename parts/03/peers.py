"""Ruvon and another engine in turns, on one workload: `peers.py --peers ../shared/peers`.

The workload is that of the peers' scripts: GPT-2 124M's shape with random weights, 128 tokens
after a prompt of 128, and the first token after a prompt of 512. Each turn is a process of its own.
The samples go to results/peers.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "peers.json"
# What runs against what: a name, the number format of ours, the script and variant of theirs.
PAIRS = {
    "16 bit": ("bfloat16", "peer_openvino.py", "fp16-f16-cb"),
    "32 bit": ("float32", "peer_openvino.py", "fp32-f32-cb"),
}


def main() -> None:
    """Take turns, and keep every sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, required=True, help="the folder of the scripts")
    parser.add_argument("--python", type=Path, required=True, help="the peer's own Python")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", nargs="*", default=list(PAIRS), choices=list(PAIRS))
    parser.add_argument("--ours", help=argparse.SUPPRESS)  # one turn of ours, in this process
    given = parser.parse_args()
    if given.ours:
        run_ours(given.peers, given.ours)
        return
    turns = json.loads(RESULTS.read_text())["turns"] if RESULTS.exists() else []
    turns = [turn for turn in turns if turn["pair"] not in given.pairs]
    for pair in given.pairs:
        dtype, script, variant = PAIRS[pair]
        ours = [sys.executable, __file__, "--peers", str(given.peers), "--python", "-", "--ours"]
        theirs = [str(given.python), str(given.peers / script), variant]
        for turn in range(given.rounds):
            order = [("ruvon", [*ours, dtype]), ("peer", theirs)]
            for who, command in order if turn % 2 == 0 else reversed(order):
                measured = run_turn(command)
                turns.append({"pair": pair, "turn": turn, "who": who, **measured})
                print(pair, turn, who, brief(measured), flush=True)
                save(turns)


def run_turn(command: list[str]) -> dict:
    """One process, one measurement."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "result.jsonl"
        environment = {"PEER_RESULTS": str(out), "PEER_ONLY": "decode,prefill"}
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        return json.loads(out.read_text())


def run_ours(peers: Path, dtype: str) -> None:
    """Ruvon through its public interface, under the peers' own stopwatch."""
    sys.path.insert(0, str(peers))
    import common

    class Ruvon:
        name, supports = "ruvon", {"decode", "prefill"}

        def load(self):
            from ruvon import LLM
            from ruvon import __version__

            self.dtype, self.version = dtype, f"ruvon {__version__}"
            self.llm = LLM(common.MODEL, dtype=dtype)

        def generate_one(self, prompt, count):
            made = self.llm.generate(prompt, max_tokens=count, ignore_eos=True)
            return made[0].outputs[0].token_ids

    ours = Ruvon()
    ours.dtype = dtype
    common.run(ours)


def brief(measured: dict) -> str:
    """A turn in one line."""
    decode, prefill = measured["decode_tok_s"], measured["prefill_tok_s"]
    return (
        f"decode {decode['median']:.1f} tok/s, prefill {prefill['median']:,.0f} tok/s, "
        f"peak {measured['peak_rss_mb']:,.0f} MB"
    )


def save(turns: list[dict]) -> None:
    """All turns, and for each pair the medians and their ratio."""
    from statistics import median

    from ruvon.bench.record import record
    from ruvon.bench.record import save as write

    summary = {}
    for pair in {turn["pair"]: None for turn in turns}:
        of = {
            who: [turn for turn in turns if turn["pair"] == pair and turn["who"] == who]
            for who in ("ruvon", "peer")
        }
        if min(map(len, of.values())) == 0:
            continue
        both = min(map(len, of.values()))
        row = {"pairs": both, "peer": f"{of['peer'][0]['version']}, {of['peer'][0]['dtype']}"}
        for key in ("decode_tok_s", "prefill_tok_s"):
            ours, theirs = ([turn[key]["median"] for turn in of[who]] for who in of)
            ratios = [a / b for a, b in zip(ours, theirs, strict=False)]
            row[key] = {
                "ruvon": median(ours),
                "peer": median(theirs),
                "ratio": median(ratios),
                "ratios": ratios,
            }
        for key in ("peak_rss_mb", "load_s"):
            row[key] = {who: median(turn[key] for turn in of[who]) for who in of}
        summary[pair] = row
    write(RESULTS, record("parts/03/peers.py", {"summary": summary, "turns": turns}))


if __name__ == "__main__":
    main()
