"""What a packet is, in a word and in a sentence: a lesson on the live wire."""

from __future__ import annotations

from talkbot_tui import i18n
from talkbot_tui.client.inspector.packets import Packet, Way

_ = i18n.Domain("app")


def N_(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text


_IN_OUT: dict[tuple[str, Way], str] = {
    ("close", Way.IN): N_("Engine.IO close: the server ends the whole connection."),
    ("close", Way.OUT): N_("Engine.IO close: we end the whole connection, with all namespaces."),
    ("connect", Way.OUT): N_(
        "CONNECT: we ask to enter the namespace; what the server wants to know of us (auth) "
        "goes with it and is hidden here."
    ),
    ("connect", Way.IN): N_(
        "CONNECT: the server lets us into the namespace and names this connection by a sid."
    ),
    ("disconnect", Way.OUT): N_("DISCONNECT: we leave the namespace; others stay open."),
    ("disconnect", Way.IN): N_("DISCONNECT: the server puts us out of the namespace."),
    ("event", Way.OUT): N_("EVENT: we emit an event by its name, with its arguments as JSON."),
    ("event", Way.IN): N_("EVENT: the server emits an event by its name, with its arguments."),
    ("ack", Way.OUT): N_("ACK: our answer to the server's event with the same id."),
    ("ack", Way.IN): N_("ACK: the server's answer to our event with the same id."),
}
_ANY: dict[str, str] = {
    "open": N_(
        "Engine.IO open: the handshake. The server names the session, the transports it can move "
        "to, and how often it will ping."
    ),
    "ping": N_("Engine.IO ping: the server asks whether we are still there."),
    "pong": N_("Engine.IO pong: we answer the ping; without it the server ends the connection."),
    "probe": N_(
        "Upgrade probe: a ping over the new WebSocket tries whether it gets through, while polling "
        "goes on."
    ),
    "probe_answer": N_("Probe answer: the WebSocket gets through in both directions."),
    "upgrade": N_("Engine.IO upgrade: from here on everything goes over the WebSocket."),
    "noop": N_("Engine.IO noop: says nothing; it only ends a poll that is open."),
    "connect_error": N_("CONNECT_ERROR: the server does not let us into the namespace, and why."),
    "binary_event": N_(
        "BINARY_EVENT: an event with binary arguments; each is announced by a placeholder and "
        "follows as an attachment."
    ),
    "binary_ack": N_("BINARY_ACK: an answer with binary arguments, which follow as attachments."),
    "attachment": N_(
        "Attachment: the bytes of a placeholder in the packet before; shown by size and hash."
    ),
    "unknown": N_("Unknown: no packet of Engine.IO 4 or Socket.IO 5."),
    "attempt": N_("We try to connect, by these transports in turn."),
    "failed": N_("The attempt failed before the server said anything of use."),
    "refused": N_("The server was reached and refused us."),
    "standing": N_("The connection stood already when the inspector began to listen."),
    "upgrade_failed": N_("The WebSocket did not get through; polling goes on."),
    "ended": N_("The connection has ended, for this reason."),
    "waiting": N_("We wait so long before the next attempt."),
}
_WITH_ACK = N_("It asks for an answer: the ACK has the id {id}.")
_ENDS: dict[str, str] = {
    "stopped": N_("we closed it"),
    "closed": N_("the server closed it"),
    "lost": N_("the network lost it"),
    "silent": N_("nothing was heard for too long"),
}


def explained(packet: Packet) -> str:
    """One sentence of what this packet is."""
    told = _IN_OUT.get((packet.kind, packet.way)) or _ANY.get(packet.kind, _ANY["unknown"])
    text = _(told)
    if packet.ack_id is not None and packet.kind.endswith("event"):
        text += " " + _(_WITH_ACK).format(id=packet.ack_id)
    return text


def summary(packet: Packet) -> str:
    """What a row says of a packet besides its kind."""
    if packet.kind == "ended":
        return _(_ENDS[packet.text]) if packet.text in _ENDS else packet.text
    return packet.text


def size(count: int) -> str:
    """Bytes in few letters."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"


def trip(ms: float) -> str:
    """A round trip in few letters."""
    return f"{ms:.1f} ms" if ms < 100 else f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:.0f} s"
