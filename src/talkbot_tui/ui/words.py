"""What the screens say about states, refusals and events, in the interface's language."""

from __future__ import annotations

from collections.abc import Sequence

from talkbot_tui import i18n
from talkbot_tui.core.facts import Delay
from talkbot_tui.core.link import BANDS, Link, LinkState
from talkbot_tui.core.model import (
    Conversation,
    Kind,
    Note,
    Presence,
    PresenceInfo,
    RoomSummary,
    SendState,
    User,
)
from talkbot_tui.core.text import one_line

_ = i18n.Domain("app")

NAMED_MAX = 3


def name_of(user: User) -> str:
    """How a person is called on the screen."""
    return user.display_name or user.name


def title_of(conversation: Conversation) -> str:
    """A conversation's name without its kind's mark."""
    if conversation.kind is Kind.DIRECT and conversation.peer is not None:
        return name_of(conversation.peer)
    return conversation.name or conversation.conversation_id


def send_word(state: SendState, *, read: bool = False) -> str:
    """How far a message of ours has come."""
    if read and state is SendState.SENT:
        return _("read")
    return {
        SendState.SAVING: "",
        SendState.QUEUED: _("queued"),
        SendState.SENDING: _("sending"),
        SendState.SENT: _("sent"),
        SendState.UNCONFIRMED: _("sent?"),
        SendState.FAILED: _("failed"),
    }[state]


def presence_word(status: Presence) -> str:
    """Whether somebody is there."""
    return {
        Presence.ONLINE: _("online"),
        Presence.AWAY: _("away"),
        Presence.OFFLINE: _("offline"),
    }[status]


def presence_line(info: PresenceInfo) -> str:
    """Whether somebody is there, and what they say of it."""
    word = presence_word(info.status)
    return f"{word}: {info.text}" if info.text else word


def refusal(code: str, text: str = "") -> str:
    """A refusal in words: ours where we know the code, else the server's."""
    known = {
        "too_large": _("the message is too long"),
        "empty": _("the message is empty"),
        "not_found": _("not found, or you are no member"),
        "forbidden": _("you may not do that here"),
        "name_taken": _("that name is taken"),
        "name_invalid": _("that name cannot be used"),
        "edit_conflict": _("the message was changed meanwhile"),
        "archived": _("the room is archived"),
        "limit": _("a limit of the server is reached"),
        "not_offered": _("this server does not offer that"),
        "rate_limited": _("too fast; wait a little and try again"),
        "busy": _("the server is busy; try again"),
        "storage_full": _("there is no space left at the server"),
        "disk_full": _("the disk here is full"),
        "token_invalid": _("the sign-in is not valid any more; use /login"),
        "token_expired": _("the sign-in has expired; use /login"),
        "auth_required": _("sign in first; use /login"),
        "session_revoked": _("this session was ended; use /login"),
        "secret_unreadable": _("the saved sign-in cannot be read; use /login"),
        "protocol_unsupported": _("this version does not fit the server's; update talkbot-tui"),
        "bad_credentials": _("wrong user or password"),
        "offline": _("not possible without a connection"),
        "not_sent": _("the message has not been sent yet"),
        "already_sent": _("it is on its way already"),
        "may_be_sent": _("it may have arrived already; once that is known, d deletes it for all"),
        "jump_offline": _("that place is not on this computer; it can be loaded while online"),
        "jump_missing": _("there is no such place in this room"),
        "history_failed": _("older messages could not be loaded"),
        "timeout": _("the server did not answer"),
        "unanswered": _("the server did not answer"),
        "expired": _("it waited for more than 48 hours"),
        "other_user": _("it was written under another name"),
        "cache_damaged": _("the saved messages were damaged and are fetched again; kept as {file}"),
        "unsent_lost": _("unsent messages or drafts may be missing; what is left is in {file}"),
    }
    found = known.get(code)
    return found.replace("{file}", text) if found else unreachable(code, text)


def unreachable(code: str, detail: str = "") -> str:
    """Why there is no connection, and what may help."""
    known = {
        "unknown_host": _("no machine has that name; check the address"),
        "refused": _("nothing answers there; check the address, or the server is not running"),
        "timeout": _("the server did not answer"),
        "tls": _("the server's certificate is not trusted"),
        "no_tls": _("the server does not speak TLS; on this machine use http://"),
        "proxy": _("the proxy that HTTPS_PROXY or HTTP_PROXY names does not lead there"),
        "not_socketio": _("something else than a chat server answers there; check the address"),
        "http_error": _("the server has a problem of its own; try again later"),
        "limited": _("the server takes no more connections from here for now"),
        "network": _("there is no network"),
        "lost": _("the connection was lost"),
        "silent": _("the server does not answer any more"),
        "closed": _("the server closed the connection"),
        "draining": _("the server is restarting"),
        "keyring": _("the keyring does not give the saved sign-in; unlock it"),
        "bad_url": _("that is no address of a server; it looks like https://chat.example.org"),
        "odd_url": _("letters beyond a to z can be taken for others; write the name as xn--…"),
        "insecure_url": _("plain http is only for this machine; use https, or --allow-insecure"),
    }
    return known.get(code) or detail or code


def store(code: str, path: str) -> str:
    """Why the saved messages cannot be used; the place comes last, where it may be clipped."""
    known = {
        "busy": _("another talkbot-tui has this account open; close it first ({path})"),
        "newer": _("a newer version wrote the saved messages; update talkbot-tui ({path})"),
        "unsafe": _("what lies there is not a file of ours; move it away ({path})"),
        "disk_full": _("the disk is full; nothing can be saved ({path})"),
        "read_only": _("nothing can be saved; check the owner and the rights ({path})"),
    }
    text = known.get(code) or _("the saved messages cannot be used: {code} ({path})")
    return text.format(code=code, path=path)


def failure(error: str) -> str:
    """Why a message failed: `error` is `code: the server's words`."""
    code, _sign, text = error.partition(": ")
    return refusal(code, text)


def latency(link: Link) -> str:
    """The latency: in good bands their bound, else a number that changes only when it is off."""
    return f"< {BANDS[link.band]} ms" if link.band < 2 else f"{link.shown_ms} ms"


def link_line(link: Link, now: int) -> str:
    """The link's state in words; `now` in ms is for the countdown."""
    match link.state:
        case LinkState.ONLINE:
            words = _("online")
            return f"{words} · {latency(link)}" if link.latency_ms else words
        case LinkState.CONNECTING:
            return _("connecting")
        case LinkState.SYNCING:
            return _("catching up")
        case LinkState.REFUSED:
            return _("refused: {why}").format(why=refusal(link.code, link.reason))
        case LinkState.WAITING:
            seconds = max(0, -(-(link.retry_at - now) // 1000))
            return _("offline · next try in {seconds} s").format(seconds=seconds)
        case LinkState.OFFLINE:
            return _("offline")


def counts_line(queued: int, failed: int) -> str:
    """What of ours has not arrived; "" when everything has."""
    parts = []
    if queued:
        parts.append(_.plural("{n} queued", "{n} queued", queued).format(n=queued))
    if failed:
        parts.append(_.plural("{n} failed", "{n} failed", failed).format(n=failed))
    return " · ".join(parts)


def missing(count: int) -> str:
    """How much of a conversation is not held here."""
    text = _.plural("{n} event is missing here", "{n} events are missing here", count)
    return text.format(n=count)


def duration(ms: int) -> str:
    """A span of time as short as it may be told."""
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def times(count: int) -> str:
    """How often."""
    return _.plural("{n} time", "{n} times", count).format(n=count)


def delay(held_back: Delay) -> str:
    """What held a message back."""
    known = {
        "offline": _("no connection when it was written"),
        "turn": _("an earlier message went first"),
        "restart": _("the program was closed before it was sent"),
        "lost": _("the connection was lost before the answer"),
        "unanswered": _("the server did not answer"),
        "held": _("you were asked, since the room had moved on"),
        "retried": _("it had failed; you sent it again"),
    }
    refused = {
        "busy": _("the server was busy"),
        "rate_limited": _("too many messages at once"),
        "storage_full": _("the server's disk was full"),
        "disk_full": _("the disk here was full"),
    }
    text = known.get(held_back.why) or refused.get(held_back.code)
    text = text or _("the server refused: {code}").format(code=held_back.code)
    return f"{text} ({times(held_back.times)})" if held_back.times > 1 else text


def typing_line(people: Sequence[User], ellipsis: str = "…") -> str:
    """Who is writing."""
    names = [name_of(user) for user in people]
    if not names:
        return ""
    if len(names) == 1:
        line = _("{name} is typing").format(name=names[0])
    elif len(names) == 2:
        line = _("{name} and {other} are typing").format(name=names[0], other=names[1])
    else:
        line = _("several people are typing")
    return line + ellipsis


def unread_below(count: int) -> str:
    """What waits below what is on the screen, and the key that goes there."""
    return _.plural("{n} unread below, Esc", "{n} unread below, Esc", count).format(n=count)


def note_line(note: Note) -> str:
    """What happened in a room, as one quiet line."""
    actor = name_of(note.actor)
    subject = name_of(note.subject) if note.subject else actor
    texts = {
        "joined": _("{subject} joined"),
        "left": _("{subject} left"),
        "invited": _("{actor} invited {subject}"),
        "removed": _("{actor} removed {subject}"),
        "role": _("{subject} is now {detail}"),
        "created": _("the conversation begins here"),
        "renamed": _("{actor} renamed the room: {detail}"),
        "topic": _("{actor} set the topic: {detail}"),
        "archived": _("{actor} archived the room"),
        "begins": _("history begins here: this server keeps none for us"),
        "again": _("connected again"),
        "missed": _("connected again: what was said meanwhile is not known here"),
    }
    line = texts.get(note.what, "{actor}: {what}")
    detail = role(note.detail) if note.what == "role" else note.detail
    return line.format(actor=actor, subject=subject, detail=detail, what=note.what)


def role(name: str) -> str:
    """What a member may do, in a word; one that we do not know as the server named it."""
    return {"owner": _("owner"), "moderator": _("moderator"), "member": _("member")}.get(name, name)


def unsent_line(unsent: Sequence[tuple[str, str]], *, lasting: bool = True) -> str:
    """What is asked before leaving; `unsent` has room and text of each.

    lasting: they will be there at the next start.
    """
    named = ", ".join(f"{room}: “{one_line(text, 24)}”" for room, text in unsent[:NAMED_MAX])
    if len(unsent) > NAMED_MAX:
        named += ", …"
    line = _.plural(
        "{n} message is unsent ({named}). It stays saved. Once more leaves.",
        "{n} messages are unsent ({named}). They stay saved. Once more leaves.",
        len(unsent),
    )
    if not lasting:
        line = _.plural(
            "{n} message is unsent ({named}) and will be lost. Once more leaves.",
            "{n} messages are unsent ({named}) and will be lost. Once more leaves.",
            len(unsent),
        )
    return line.format(n=len(unsent), named=named)


def farewell(rooms: Sequence[RoomSummary], *, lasting: bool = True) -> str:
    """What is said on leaving with messages that have not been sent; "" when all were."""
    unsent = sum(room.queued + room.failed for room in rooms)
    if not lasting:
        line = _.plural(
            "{n} message was not sent; nothing of this server is kept here.",
            "{n} messages were not sent; nothing of this server is kept here.",
            unsent,
        )
        return line.format(n=unsent) if unsent else ""
    line = _.plural(
        "{n} message has not been sent yet; it is saved and waits for the next start.",
        "{n} messages have not been sent yet; they are saved and wait for the next start.",
        unsent,
    )
    return line.format(n=unsent) if unsent else ""
