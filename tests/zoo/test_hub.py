"""The Hub, played by a server of our own: what is fetched, said, kept and refused."""

import hashlib
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(ThreadingHTTPServer):
    """One repository, `tiny`, with the files of a folder."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
        self.cut = set()  # files of which only a half arrives
        self.asked = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def fetched(self):
        """The files that were sent."""
        return sorted(p.rsplit("/", 1)[1] for m, p in self.asked if m == "GET" and "resolve" in p)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        path, files = self.path.split("?")[0], self.server.files
        self.server.asked.append((self.command, path))
        words = path.strip("/").split("/")
        if words[-2:] == ["revision", "other"]:
            self.send(404, b"{}", body, {"X-Error-Code": "RevisionNotFound"})
        elif words[:2] == ["api", "models"] and words[2] == "tiny":
            listed = [{"rfilename": n, "size": len(d)} for n, d in files.items()]
            data = {"id": "tiny", "modelId": "tiny", "sha": COMMIT, "siblings": listed}
            if "tree" in words:
                data = [
                    {"type": "file", "path": n, "size": len(d), "oid": etag(d)}
                    for n, d in files.items()
                ]
            self.send(200, json.dumps(data).encode(), body, {"Content-Type": "application/json"})
        elif words[:2] == ["tiny", "resolve"] and words[3] in files:
            data = files[words[3]]
            headers = {"ETag": f'"{etag(data)}"', "X-Repo-Commit": COMMIT}
            self.send(200, data, body, headers, cut=words[3] in self.server.cut)
        else:
            code = "RepoNotFound" if words[0] == "api" else "EntryNotFound"
            self.send(404, b"{}", body, {"X-Error-Code": code})

    def send(self, status, data, body, headers, cut=False):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body and cut:
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif body:
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def etag(data):
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def hub(tiny):
    server = FakeHub(tiny)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def python(tmp_path):
    """Runs code in a process of its own: the Hub's library reads its settings when imported."""

    def run(code, endpoint, **environment):
        ours = {"HF_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": endpoint}
        theirs = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**theirs, "HF_HUB_OFFLINE": "0", **ours, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


LOCATE = "from ruvon.zoo import locate; print(locate('tiny'))"


def test_a_model_is_fetched_by_its_name_and_only_once(hub, python, tiny):
    hub.files |= {"pytorch_model.bin": b"pickle", "README.md": b"hello", "tf_model.h5": b"tf"}
    done = python(LOCATE, hub.address)
    assert done.returncode == 0, done.stderr
    size = sum(file.stat().st_size for file in tiny.iterdir())
    assert f"Downloading tiny: 6 files, {size / 1e6:,.1f} MB" in done.stderr
    folder = Path(done.stdout.strip())
    assert hub.fetched() == sorted(file.name for file in tiny.iterdir())
    for file in tiny.iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes()

    hub.asked.clear()
    for offline in ("0", "1"):
        again = python(LOCATE, hub.address, HF_HUB_OFFLINE=offline)
        assert again.stdout == done.stdout, again.stderr
        assert "Downloading" not in again.stderr
    assert not hub.asked


def test_a_story_from_the_hub(hub, python, tiny):
    """All the way: `ruvon run --model tiny`, as a first user types it."""
    code = (
        "import sys; sys.argv[1:] = ['run', '-m', 'tiny', '-n', '4', 'The old fox'];"
        "from ruvon.cli import main; main()"
    )
    done = python(code, hub.address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The old fox")
    assert "Downloading tiny: 6 files" in done.stderr


def test_an_interrupted_download_goes_on(hub, python):
    hub.cut = {"model.safetensors"}
    broken = python(LOCATE, hub.address)
    assert broken.returncode != 0
    assert "cannot download 'tiny'" in broken.stderr.splitlines()[-1]
    hub.cut = set()
    done = python(LOCATE, hub.address)
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").exists()


def test_what_others_cached_is_completed(hub, python):
    """`transformers` may have left the config alone."""
    fetch = "import huggingface_hub as h; print(h.hf_hub_download('tiny', 'config.json'))"
    alone = python(fetch, hub.address)
    assert alone.returncode == 0, alone.stderr
    refused = python(LOCATE, hub.address, HF_HUB_OFFLINE="1")
    assert "'tiny' is not in the local cache" in refused.stderr.splitlines()[-1]
    done = python(LOCATE, hub.address)
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").exists()


def test_offline_is_honoured(hub, python):
    done = python(LOCATE, hub.address, HF_HUB_OFFLINE="1")
    last = done.stderr.splitlines()[-1]
    assert "HubError: model 'tiny' is not in the local cache, and HF_HUB_OFFLINE is set" in last
    assert not hub.asked


def test_a_model_that_is_not_there(hub, python):
    done = python(LOCATE.replace("tiny", "owner/other"), hub.address)
    last = done.stderr.splitlines()[-1]
    assert last.endswith("HubError: cannot download 'owner/other': there is no such model")


def test_pickles_alone_are_refused_before_anything_is_fetched(hub, python):
    hub.files["pytorch_model.bin"] = hub.files.pop("model.safetensors")
    done = python(LOCATE, hub.address)
    last = done.stderr.splitlines()[-1]
    assert "HubError: 'tiny' has no safetensors on the Hub" in last
    assert not hub.fetched()


def test_no_network(hub, python):
    hub.shutdown()
    hub.server_close()
    done = python(LOCATE, hub.address)
    assert f"HubError: cannot download 'tiny' from {hub.address}: " in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr.split("HubError: ")[-1]


def test_a_revision_is_asked_for_and_named_when_it_is_not_there(hub, python):
    done = python(LOCATE.replace("'tiny'", "'tiny', 'v2'"), hub.address)
    assert done.returncode == 0, done.stderr
    assert any(path == "/api/models/tiny/revision/v2" for _, path in hub.asked)
    assert not any("main" in path.split("/") for _, path in hub.asked)
    refused = python(LOCATE.replace("'tiny'", "'tiny', 'other'"), hub.address)
    assert refused.stderr.splitlines()[-1].endswith(
        "cannot download 'tiny': there is no such model, or it has no revision 'other'"
    )
