"""The table of the contract: every event name with its payload and its ack."""

from __future__ import annotations

from dataclasses import dataclass

from talkbot_tui.wire import acks, client_events, server_events
from talkbot_tui.wire.scalars import ClientPayload, ServerPayload


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """An event that a client may send; `ack` is None where none is given."""

    name: str
    payload: type[ClientPayload]
    ack: type[ServerPayload] | None
    durable: bool = False


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event that a server sends; `durable` ones have a seq and can be fetched again."""

    name: str
    payload: type[ServerPayload]
    durable: bool = False


def _by_name(*rows: ClientEvent) -> dict[str, ClientEvent]:
    return {row.name: row for row in rows}


CLIENT_EVENTS: dict[str, ClientEvent] = _by_name(
    ClientEvent("sync", client_events.Sync, acks.SyncAck),
    ClientEvent("heads", client_events.Heads, acks.HeadsAck),
    ClientEvent("history", client_events.History, acks.HistoryAck),
    ClientEvent("message", client_events.SendMessage, acks.MessageAck, durable=True),
    ClientEvent("edit", client_events.Edit, acks.EditAck, durable=True),
    ClientEvent("delete", client_events.Delete, acks.PlacedAck, durable=True),
    ClientEvent("react", client_events.React, acks.PlacedAck, durable=True),
    ClientEvent("stream", client_events.Stream, None),
    ClientEvent("stop", client_events.Stop, acks.EmptyAck),
    ClientEvent("read", client_events.Read, acks.ReadAck),
    ClientEvent("typing", client_events.Typing, None),
    ClientEvent("presence", client_events.SetPresence, acks.EmptyAck),
    ClientEvent("watch", client_events.Watch, acks.WatchAck),
    ClientEvent(
        "createConversation", client_events.CreateConversation, acks.ConversationAck, durable=True
    ),
    ClientEvent("updateConversation", client_events.UpdateConversation, acks.SeqAck, durable=True),
    ClientEvent("invite", client_events.Invite, acks.SeqAck, durable=True),
    ClientEvent("remove", client_events.Remove, acks.SeqAck, durable=True),
    ClientEvent("setRole", client_events.SetRole, acks.SeqAck, durable=True),
    ClientEvent("join", client_events.Join, acks.JoinAck, durable=True),
    ClientEvent("leave", client_events.Leave, acks.EmptyAck, durable=True),
    ClientEvent("members", client_events.Members, acks.MembersAck),
    ClientEvent("conversations", client_events.Conversations, acks.ConversationsAck),
    ClientEvent("users", client_events.Users, acks.UsersAck),
    ClientEvent("search", client_events.Search, acks.SearchAck),
    ClientEvent("auth", client_events.Auth, acks.AuthAck),
)

SERVER_EVENTS: dict[str, ServerEvent] = {
    row.name: row
    for row in (
        ServerEvent("message", server_events.MessageEvent, durable=True),
        ServerEvent("edit", server_events.EditEvent, durable=True),
        ServerEvent("delete", server_events.DeleteEvent, durable=True),
        ServerEvent("reaction", server_events.ReactionEvent, durable=True),
        ServerEvent("member", server_events.MemberEvent, durable=True),
        ServerEvent("conversation", server_events.ConversationEvent, durable=True),
        ServerEvent("stream", server_events.StreamEvent),
        ServerEvent("stop", server_events.StopEvent),
        ServerEvent("typing", server_events.TypingEvent),
        ServerEvent("presence", server_events.PresenceEvent),
        ServerEvent("read", server_events.ReadEvent),
        ServerEvent("resync", server_events.ResyncEvent),
        ServerEvent("limited", server_events.LimitedEvent),
        ServerEvent("goodbye", server_events.GoodbyeEvent),
    )
}
