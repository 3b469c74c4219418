"""The generated documents fit the schemas of their kinds, and the contract fits them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from talkbot_tui.wire.registry import CLIENT_EVENTS, SERVER_EVENTS
from tests.serving import running_server

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def load(name: str) -> Any:
    text = (DOCS / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in references(item)]
    if isinstance(value, list):
        return [ref for item in value for ref in references(item)]
    return []


def resolve(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def test_documents_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "generate_docs.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["asyncapi.yaml", "openapi.yaml", "contract.schema.json"])
def test_every_reference_leads_somewhere(name: str) -> None:
    document = load(name)
    found = references(document)
    assert found
    for reference in found:
        assert resolve(document, reference)


def test_every_event_is_in_the_asyncapi_document() -> None:
    document = load("asyncapi.yaml")
    assert document["asyncapi"] == "3.0.0"
    assert set(document["operations"]) == {
        *(f"send.{name}" for name in CLIENT_EVENTS),
        *(f"receive.{name}" for name in SERVER_EVENTS),
    }
    for name, event in CLIENT_EVENTS.items():
        assert ("reply" in document["operations"][f"send.{name}"]) == (event.ack is not None)


def test_every_event_is_in_the_protocol_document() -> None:
    text = (DOCS / "protocol.md").read_text(encoding="utf-8")
    for name in CLIENT_EVENTS:
        assert f"### `{name}`\n" in text
    for name in SERVER_EVENTS:
        assert f"### `{name}` (server)\n" in text


@pytest.mark.parametrize(
    ("kind", "payload", "valid"),
    [
        ("SendMessage", {"conversationId": "c1", "text": "olá", "clientMsgId": "m1"}, True),
        ("SendMessage", {"conversationId": "c1", "text": "", "clientMsgId": "m1"}, False),
        ("SendMessage", {"conversationId": "c 1", "text": "x", "clientMsgId": "m1"}, False),
        ("SendMessage", {"conversationId": "c1", "text": "x", "clientMsgId": "m1", "a": 1}, False),
        ("Sync", {"cursors": {"c1": 0}}, True),
        ("Sync", {"cursors": {"c1": -1}}, False),
        ("Typing", {"conversationId": "c1", "on": "yes"}, False),
    ],
)
def test_the_schema_agrees_with_the_decoder(
    kind: str, payload: dict[str, Any], valid: bool
) -> None:
    from talkbot_tui.wire import client_events
    from talkbot_tui.wire.codec import convert_client
    from talkbot_tui.wire.errors import Refused

    schema = load("contract.schema.json")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator({**schema, "$ref": f"#/$defs/{kind}"})
    assert validator.is_valid(payload) is valid
    try:
        convert_client(payload, getattr(client_events, kind))
        decoded = True
    except Refused:
        decoded = False
    assert decoded is valid


async def test_the_http_document_has_the_routes_of_the_server_and_no_others() -> None:
    documented = {
        (method.upper(), path)
        for path, methods in load("openapi.yaml")["paths"].items()
        for method in methods
    }
    async with running_server() as server:
        served = {(route.method, route.path) for route in server.api.routes()}
    assert documented == served
