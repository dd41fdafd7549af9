"""The pages that a server has for people: they need nothing from elsewhere, and are true."""

import re
import shlex
from base64 import b64encode
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from ruvon.server.docs import SAMPLES
from ruvon.server.page import alone

PAGES = ("/", "/docs")


class Read(HTMLParser):
    """What stands in a page: its tags, its ids, and the text of what has a description."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.inside, self.texts = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside.append(tag)
        if tag in ("dt", "dd", "h2", "h3", "pre"):
            self.texts.append((tag, ""))

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if self.texts and self.texts[-1][0] in self.inside:
            self.texts[-1] = (self.texts[-1][0], self.texts[-1][1] + data)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_open_and_a_head_has_no_body(serve, path):
    client, _ = serve(api_key="k")
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    head = client.head(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == answer.headers["content-length"]
    assert client.post("/v1/completions", json={"prompt": "A"}).status_code == 401


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_and_runs_only_its_own(client, path):
    answer = client.get(path)
    rules = dict(r.split(" ", 1) for r in answer.headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    page = answer.text
    for kind in ("script", "style"):
        own = re.findall(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in own]
        assert rules[f"{kind}-src"] == (" ".join(f"'sha256-{h}'" for h in hashes) or "'none'")
    for tag, attributes in Read(page).tags:
        assert tag not in ("iframe", "object", "embed", "img", "base")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href", "action"):
            assert not re.match(r"\w+:(?!,)|//", attributes.get(name, "")), attributes
    assert "http" not in re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)


def test_the_story_is_text_and_never_markup(client):
    script = re.search("<script>(.*)</script>", client.get("/").text, re.DOTALL)[1]
    for dangerous in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert dangerous not in script


def test_what_is_used_on_the_page_has_a_name(client):
    tags = Read(client.get("/").text).tags
    ids = {attributes["id"] for _, attributes in tags if "id" in attributes}
    script = re.search("<script>(.*)</script>", client.get("/").text, re.DOTALL)[1]
    asked = set(re.findall(r'at\("(\w+)"\)', script)) | {"beginning", "told", "tell", "status"}
    assert asked <= ids
    [box] = [attributes for _, attributes in tags if attributes.get("role") == "textbox"]
    assert box["aria-label"]
    assert ("html", {"lang": "en"}) in tags
    assert [tag for tag, _ in tags].count("h1") == 1


def test_every_path_and_every_field_is_described(client):
    page = Read(client.get("/docs").text)
    headings = [" ".join(text.split()) for tag, text in page.texts if tag == "h2"]
    pairs = set()
    for (tag, text), (_, after) in pairwise(page.texts):
        if tag == "dt":
            name = text.split()[0]
            assert after.strip(), f"{name} has no description"
            pairs.add((name, after.strip()))
    api = client.get("/openapi.json").json()
    described = 0
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in headings
            for parameter in operation.get("parameters", []):
                assert (parameter["name"], parameter["description"]) in pairs
    for schema in api["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            assert (name, field["description"].replace("`", "")) in pairs
            described += 1
    assert described > 20


def test_links_within_the_description_lead_somewhere(client):
    tags = Read(client.get("/docs").text).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    links = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= set(ids)
    for link in {link for link in links if not link.startswith("#")}:
        assert client.get(f"/{link.removeprefix('./')}").status_code == 200


def commands(client):
    found = re.findall("<pre>(.*?)</pre>", client.get("/docs").text, re.DOTALL)
    return [shlex.split(unescape(text).replace("\\\n", " ")) for text in found]


@pytest.mark.parametrize("key", [None, "KEY"])
def test_every_example_works(serve, scripted, key):
    client, _ = serve(api_key=key)
    scripted.script = scripted.script[:20]
    api = client.get("/openapi.json").json()
    examples = commands(client)
    assert len(examples) == sum(map(len, api["paths"].values()))
    for words in examples:
        options = dict(pairwise(words))
        url = next(word for word in words if word.startswith(str(client.base_url)))
        headers = [words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H"]
        method = "POST" if "-d" in options else "GET"
        query = [options["--data-urlencode"].split("=", 1)] if "-G" in words else []
        body = options.get("-d")
        answer = client.request(method, url, params=query, headers=headers, content=body)
        assert answer.status_code == 200, (words, answer.text)
    assert any(SAMPLES["prompt"] in word for words in examples for word in words)


def test_what_is_text_stays_text(client):
    page = client.get("/docs", headers={"host": "x<script>alert(1)</script>"}).text
    assert "<script>" not in page
    assert "{&#34;prompt&#34;: &#34;Once upon a time&#34;" in page


def test_a_script_that_gets_into_a_page_is_not_allowed():
    policy = alone("<style>a{}</style><p>").headers["content-security-policy"]
    assert "script-src 'none'" in policy
