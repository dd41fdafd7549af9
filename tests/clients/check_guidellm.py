"""guidellm: a short benchmark of the running server, over completions and over chat."""

import json
import os
import subprocess
import sys
from pathlib import Path

URL, MODEL = os.environ["CLIENTS_URL"], os.environ["CLIENTS_MODEL"]
FOLDER, TOKENIZER = Path(os.environ["CLIENTS_LOGS"]), os.environ["CLIENTS_TOKENIZER"]
REQUESTS, STREAMS, TOKENS = 8, 2, 16


def main() -> None:
    """Every request is answered, with as many tokens as were asked for."""
    for route in ("/v1/completions", "/v1/chat/completions"):
        report = FOLDER / f"guidellm-{route.split('/')[2]}.json"
        report.unlink(missing_ok=True)
        benchmark(route, report)
        check(json.loads(report.read_text()))
    print(f"ok: {REQUESTS} requests, {STREAMS} at once, completions and chat, no errors")


def benchmark(route: str, report: Path) -> None:
    """Run it as its manual says."""
    command = [str(Path(sys.executable).with_name("guidellm")), "run"]
    command += ["--backend", f"kind=openai_http,target={URL},request_format={route}"]
    command += ["--profile", f"kind=concurrent,streams={STREAMS}"]
    command += ["--constraint", f"kind=max_requests,count={REQUESTS}"]
    command += ["--tokenizer", f"kind=huggingface_auto,model={TOKENIZER}"]
    command += ["--data", f"kind=synthetic_text,prompt_tokens=32,output_tokens={TOKENS}"]
    command += ["--output", f"kind=json,path={report}", "--disable-console-interactive"]
    subprocess.run(command, check=True, timeout=240)


def check(report: dict) -> None:
    """No errors in the report, and the right number of everything."""
    [one] = report["benchmarks"]
    totals = one["metrics"]["request_totals"]
    wanted = {"successful": REQUESTS, "errored": 0, "incomplete": 0, "total": REQUESTS}
    assert totals == wanted, totals
    made = [request["output_metrics"]["text_tokens"] for request in one["requests"]["successful"]]
    assert made == [TOKENS] * REQUESTS, made
    first = one["metrics"]["time_to_first_token_ms"]["successful"]
    assert first["count"] == REQUESTS and first["min"] > 0, first


if __name__ == "__main__":
    main()
