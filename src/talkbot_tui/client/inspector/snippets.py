"""A packet as something to paste: JSON, curl, JavaScript, Python.

No secret is in a snippet: a packet has none, and where a token belongs a placeholder stands.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from talkbot_tui.client.inspector.packets import SOCKET_KINDS, Packet, arguments_of
from talkbot_tui.client.inspector.recording import as_object
from talkbot_tui.client.inspector.redaction import redacted

TOKEN = "<TOKEN>"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a packet went: `http(s)://host`, the path of Socket.IO, whether auth is given."""

    origin: str
    path: str = "/socket.io"
    auth: bool = False


def as_json(packet: Packet) -> str:
    """All that is kept of the packet, the payload as JSON where it is."""
    return json.dumps(as_object(packet), ensure_ascii=False, indent=2)


def wire_text(packet: Packet) -> str:
    """The packet as Engine.IO writes it, as far as it is kept."""
    if packet.kind not in SOCKET_KINDS:
        return packet.text
    space = "" if packet.namespace in ("", "/") else f"{packet.namespace},"
    ack = "" if packet.ack_id is None else str(packet.ack_id)
    return f"4{SOCKET_KINDS.index(packet.kind)}{space}{ack}{packet.text}"


def curl(packet: Packet, target: Target) -> str:
    """The steps over long polling: handshake, CONNECT, the packet, what came."""
    base = f"{target.origin}{_path(target)}/?EIO=4&transport=polling"
    space = packet.namespace or "/"
    auth = json.dumps({"token": TOKEN}) if target.auth else ""
    connect = "40" + (auth if space == "/" else f"{space},{auth}")
    lines = [
        f"U={shlex.quote(base)}",
        """SID=$(curl -s "$U" | sed 's/.*"sid":"\\([^"]*\\)".*/\\1/')""",
        f"""curl -s "$U&sid=$SID" --data-binary {shlex.quote(connect)}""",
        """curl -s "$U&sid=$SID\"""",
    ]
    if packet.kind == "event":
        lines.append(f"""curl -s "$U&sid=$SID" --data-binary {shlex.quote(wire_text(packet))}""")
        lines.append("""curl -s "$U&sid=$SID\"""")
    return "\n".join(lines)


def javascript(packet: Packet, target: Target) -> str:
    """For socket.io-client 4."""
    options = [f"path: {json.dumps(_path(target))}"]
    if target.auth:
        options.append(f'auth: {{ token: "{TOKEN}" }}')
    url = json.dumps(target.origin + (packet.namespace if packet.namespace != "/" else ""))
    lines = [
        'import { io } from "socket.io-client";',
        f"const socket = io({url}, {{ {', '.join(options)} }});",
        'socket.on("connect_error", (error) => console.error(error.message));',
    ]
    if packet.kind.endswith("event"):
        sent = ", ".join(_js(one) for one in [packet.event, *(arguments_of(packet) or [])])
        if packet.ack_id is not None:
            sent += ", (...answer) => console.log(answer)"
        lines.append(f"socket.emit({sent});")
    else:
        lines.append("socket.onAny((event, ...args) => console.log(event, args));")
    return "\n".join(lines)


def python(packet: Packet, target: Target) -> str:
    """For python-socketio 5."""
    space = packet.namespace or "/"
    auth = f', auth={{"token": "{TOKEN}"}}' if target.auth else ""
    lines = [
        'import socketio  # pip install "python-socketio[client]"',
        "",
        "client = socketio.Client()",
        f"client.connect({target.origin!r}, namespaces=[{space!r}],"
        f" socketio_path={_path(target)!r}{auth})",
    ]
    if packet.kind.endswith("event"):
        given = arguments_of(packet) or []
        data = repr(given[0]) if len(given) == 1 else repr(tuple(given)) if given else "None"
        call = "call" if packet.ack_id is not None else "emit"
        line = f"client.{call}({packet.event!r}, {data}, namespace={space!r})"
        lines.append(f"print({line})" if call == "call" else line)
    else:
        lines.append(f"client.on('*', lambda *told: print(told), namespace={space!r})")
        lines.append("client.wait()")
    return "\n".join(lines)


def _path(target: Target) -> str:
    return "/" + redacted(target.path).strip("/")


def _js(value: object) -> str:
    # The two line ends that JSON allows and old JavaScript does not.
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
