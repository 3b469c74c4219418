"""A conversation on the wire, for the inspector's pictures and tests."""

from __future__ import annotations

import json

from talkbot_tui.client.inspector.packets import Way
from talkbot_tui.client.wiretap import Wiretap

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = range(7)
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkYXZpIn0.c2lnbmF0dXJlLW9mLWRhdmk"


class Clock:
    """Stands where it was set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def fill(tap: Wiretap, clock: Clock) -> None:
    """From the first attempt to an ended connection and the next attempt."""
    tap.on = True
    server = "https://chat.example.org"

    def at(ms: float) -> None:
        clock.now += ms

    def came(number: int, data: object, transport: str = "websocket") -> None:
        tap.packet(Way.IN, transport, number, data)

    def sent(number: int, data: object, transport: str = "websocket") -> None:
        tap.packet(Way.OUT, transport, number, data)

    tap.note("attempt", json.dumps({"server": server, "transports": ["polling", "websocket"]}))
    at(31.4)
    told = {"sid": "k3Jd9", "upgrades": ["websocket"], "pingInterval": 1000, "pingTimeout": 800}
    came(OPEN, told, "polling")
    sent(MESSAGE, "0/chat," + json.dumps({"token": TOKEN, "protocol": 1}), "polling")
    at(22.5)
    sent(PING, "probe")
    came(PONG, "probe")
    sent(UPGRADE, "")
    at(3)
    came(MESSAGE, '0/chat,{"sid":"public-sid"}')
    at(2)
    sent(MESSAGE, '2/chat,0["sync",{"cursors":{"c-general":9},"limit":50}]')
    at(18.25)
    rooms = [{"conversation": {"conversationId": "c-general", "name": "general"}, "headSeq": 11}]
    came(MESSAGE, "3/chat,0" + json.dumps([{"ok": True, "epoch": "e1", "conversations": rooms}]))
    for trip in (14, 22, 18, 35, 90, 16, 12):
        at(1000 + trip)
        came(PING, "")
        sent(PONG, "")
    at(90)
    text = {"conversationId": "c-general", "seq": 12, "text": "olá \x1b[31m[b]red[/b]"}
    came(MESSAGE, "2/chat," + json.dumps(["message", text]))
    at(40)
    sent(MESSAGE, '2/chat,1["message",{"conversationId":"c-general","text":"good morning!"}]')
    at(12.5)
    came(MESSAGE, '3/chat,1[{"ok":true,"seq":13,"ts":1}]')
    came(MESSAGE, '51-["picture",{"_placeholder":true,"num":0}]')
    came(MESSAGE, b"\x89PNG" * 900)
    at(400)
    tap.note("ended", "lost", "websocket")
    tap.note("attempt", json.dumps({"server": server, "transports": ["websocket"]}))
    at(80)
    tap.note("failed", "Connection refused", "websocket")
