"""A server in a table: what it answers, and the events that it would broadcast."""

from __future__ import annotations

from typing import Any

from talkbot_tui.client.memory import Answer

ROOM = "room-1"
ANA = {"userId": "u-ana", "name": "ana"}
BRUNO = {"userId": "u-bruno", "name": "bruno"}


class ScriptedServer:
    """One room; keeps its log, acknowledges messages once per clientMsgId."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self.acks: dict[str, dict[str, Any]] = {}
        self.expires_at = 0
        self.answers: dict[str, Answer] = {
            "sync": self.sync,
            "history": self.history,
            "message": self.message,
            "heads": lambda payload: {"ok": True, "heads": {}},
            "members": lambda payload: {"ok": True, "items": []},
            "presence": lambda payload: {"ok": True},
            "watch": lambda payload: {"ok": True, "presence": {}},
            "read": lambda payload: {
                "ok": True,
                "readSeq": payload["seq"],
                "unread": 0,
                "mentions": 0,
            },
            "auth": self.auth,
        }

    def post(
        self, text: str, sender: dict[str, Any] = BRUNO, client_msg_id: str = ""
    ) -> dict[str, Any]:
        seq = len(self.log) + 1
        event = {
            "type": "message",
            "conversationId": ROOM,
            "seq": seq,
            "ts": 1_000 + seq,
            "sender": sender,
            "serverMsgId": f"m{seq}",
            "clientMsgId": client_msg_id or f"theirs-{seq}",
            "text": text,
        }
        self.log.append(event)
        return event

    def sync(self, payload: dict[str, Any]) -> object:
        cursor = payload["cursors"].get(ROOM, 0)
        return {
            "ok": True,
            "epoch": "epoch-1",
            "user": ANA,
            "serverVersion": "1",
            "features": [],
            "limits": {},
            "expiresAt": self.expires_at,
            "conversations": [
                {
                    "conversation": {
                        "conversationId": ROOM,
                        "kind": "channel",
                        "name": "general",
                        "role": "member",
                        "memberCount": 2,
                    },
                    "headSeq": len(self.log),
                    "readSeq": 0,
                    "unread": 0,
                    "mentions": 0,
                    "fromSeq": cursor + 1,
                    "events": self.log[cursor:],
                    "more": False,
                }
            ],
        }

    def history(self, payload: dict[str, Any]) -> object:
        after = payload.get("after", 0)
        return {
            "ok": True,
            "events": self.log[after:],
            "headSeq": len(self.log),
            "more": False,
        }

    def message(self, payload: dict[str, Any]) -> object:
        client_msg_id = payload["clientMsgId"]
        if client_msg_id not in self.acks:
            event = self.post(payload["text"], ANA, client_msg_id)
            self.acks[client_msg_id] = {
                "ok": True,
                "serverMsgId": event["serverMsgId"],
                "seq": event["seq"],
                "ts": event["ts"],
            }
        return self.acks[client_msg_id]

    def auth(self, payload: dict[str, Any]) -> object:
        self.expires_at += 900_000
        return {"ok": True, "expiresAt": self.expires_at}


def refusal(code: str, *, retryable: bool = False, wait_ms: int | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": f"{code}.", "retryable": retryable}
    if wait_ms is not None:
        error["retryAfterMs"] = wait_ms
    return {"ok": False, "error": error}
