"""The `llm` command line, which finds the server in its extra-openai-models.yaml."""

import json
import os
import subprocess
import sys
from pathlib import Path

URL, MODEL = os.environ["CLIENTS_URL"], os.environ["CLIENTS_MODEL"]
PROMPT = "Once upon a time"
SERVERS = f"""\
- model_id: ruvon-chat
  model_name: {MODEL}
  api_base: "{URL}/v1"
- model_id: ruvon-text
  model_name: {MODEL}
  api_base: "{URL}/v1"
  completion: true
"""
GREEDY = ["-o", "temperature", "0", "-o", "max_tokens", "16"]


def main() -> None:
    """Ask both models, streamed and not, go on with a conversation, and read its log."""
    folder = Path(os.environ["LLM_USER_PATH"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "extra-openai-models.yaml").write_text(SERVERS)
    assert "ruvon-chat" in llm("models")
    for name in ("ruvon-chat", "ruvon-text"):
        streamed = llm("-m", name, *GREEDY, PROMPT)
        assert streamed.strip()
        assert llm("-m", name, *GREEDY, "--no-stream", PROMPT) == streamed
    first = llm("-m", "ruvon-chat", *GREEDY, "-s", "A story.", PROMPT)
    assert llm("-c", *GREEDY, "And then?").strip()
    logged = json.loads(llm("logs", "-n", "2", "--json"))
    assert logged[0]["response"].strip() == first.strip(), logged[0]
    assert [one["output_tokens"] for one in logged] == [16, 16], logged
    print("ok: chat and completions, streamed and not, a conversation of two turns")


def llm(*arguments: str) -> str:
    """What the command prints. Raises when it fails."""
    command = [str(Path(sys.executable).with_name("llm")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    print("$ llm", *arguments, done.stdout, done.stderr, sep="\n", flush=True)
    done.check_returncode()
    return done.stdout


if __name__ == "__main__":
    main()
