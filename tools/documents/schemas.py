"""JSON Schemas of the contract's types, and small helpers to describe them."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from talkbot_tui.wire import http
from talkbot_tui.wire.client_events import Handshake
from talkbot_tui.wire.errors import ErrorBody
from talkbot_tui.wire.registry import CLIENT_EVENTS, SERVER_EVENTS

HTTP_TYPES = [
    value
    for value in vars(http).values()
    if isinstance(value, type)
    and issubclass(value, msgspec.Struct)
    and value.__module__ == http.__name__
]


def all_types() -> list[type]:
    """Every payload, ack and HTTP body, each once."""
    kinds: list[type] = [Handshake, ErrorBody]
    for client_event in CLIENT_EVENTS.values():
        kinds.append(client_event.payload)
        if client_event.ack is not None:
            kinds.append(client_event.ack)
    kinds.extend(server_event.payload for server_event in SERVER_EVENTS.values())
    kinds.extend(HTTP_TYPES)
    return list(dict.fromkeys(kinds))


def components(template: str = "#/components/schemas/{name}") -> dict[str, Any]:
    """Schemas by type name, references written by `template`."""
    _refs, schemas = msgspec.json.schema_components(all_types(), ref_template=template)
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return dict(sorted(schemas.items()))


def summary(kind: type) -> str:
    """The first sentence of a type's docstring."""
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")


def details(kind: type) -> str:
    """The rest of a type's docstring."""
    return "\n\n".join((inspect.getdoc(kind) or "").split("\n\n")[1:]).replace("\n", " ")


def describe(schema: dict[str, Any]) -> str:
    """A schema in a few words: type, limits, choices."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rsplit('/', 1)[-1]}`"
    if "anyOf" in schema:
        return " or ".join(describe(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " \\| ".join(f"`{choice}`" for choice in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("description") in {"an id"}:
        return "id"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {describe(schema.get('items', {}))}{_limits(schema)}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"object of {describe(values)}" if isinstance(values, dict) else "object"
    words = {"string": "text", "integer": "integer", "boolean": "true/false", "null": "null"}
    text = words.get(str(kind), str(kind)) + _limits(schema)
    return f"{text}, {schema['description']}" if "description" in schema else text


def _limits(schema: dict[str, Any]) -> str:
    low = schema.get("minLength", schema.get("minItems", schema.get("minimum")))
    high = schema.get("maxLength", schema.get("maxItems", schema.get("maximum")))
    if high is not None and high >= 2**53 - 1:
        high = None
    if low is None and high is None:
        return ""
    if high is None:
        return f" ≥ {low}"
    return f" ≤ {high}" if not low else f" {low}–{high}"
