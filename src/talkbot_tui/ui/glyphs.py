"""The marks on the screen: one set for terminals with Unicode, one in plain ASCII."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from talkbot_tui.core.model import Conversation, Kind, Presence, SendState


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Every mark we draw ourselves; each is one cell wide unless it says otherwise."""

    queued: str
    sending: str
    sent: str
    unconfirmed: str
    read: str
    failed: str
    channel: str
    direct: str
    bot: str
    group: str
    online: str
    away: str
    offline: str
    draft: str
    prompt: str
    cursor: str
    rule: str
    bar: str
    dot: str
    reply: str
    selected: str
    ellipsis: str
    up: str
    down: str
    dash: str


UNICODE = Glyphs(
    queued="◌",
    sending="↑",
    sent="✓",
    unconfirmed="?",
    read="✓✓",
    failed="✗",
    channel="#",
    direct="@",
    bot="◆",
    group="&",
    online="●",
    away="◐",
    offline="○",
    draft="✎",
    prompt="›",
    cursor="▌",
    rule="─",
    bar="│",
    dot="·",
    reply="↱",
    selected="▸",
    ellipsis="…",
    up="↑",
    down="↓",
    dash="–",
)

ASCII = Glyphs(
    queued="o",
    sending="^",
    sent="+",
    unconfirmed="?",
    read="++",
    failed="x",
    channel="#",
    direct="@",
    bot="*",
    group="&",
    online="*",
    away="~",
    offline="-",
    draft="%",
    prompt=">",
    cursor="_",
    rule="-",
    bar="|",
    dot="-",
    reply=">",
    selected=">",
    ellipsis="...",
    up="^",
    down="v",
    dash="-",
)


def choose(environ: Mapping[str, str], wanted: bool | None = None) -> Glyphs:
    """The set for this terminal; `wanted` (the setting `ascii`) decides when it is set.

    The Linux console's font lacks most marks, and a locale that is set and does
    not name UTF-8 means a terminal that would show garbage.
    """
    if wanted is not None:
        return ASCII if wanted else UNICODE
    if environ.get("TERM") == "linux":
        return ASCII
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := environ.get(name, ""):
            return UNICODE if "utf" in value.lower() else ASCII
    return UNICODE


def kind_glyph(glyphs: Glyphs, conversation: Conversation) -> str:
    """Which kind of conversation: `#` channel, `@` person, `◆` bot, `&` group."""
    match conversation.kind:
        case Kind.CHANNEL:
            return glyphs.channel
        case Kind.GROUP:
            return glyphs.group
        case Kind.DIRECT:
            bot = conversation.peer is not None and conversation.peer.bot
            return glyphs.bot if bot else glyphs.direct


def presence_glyph(glyphs: Glyphs, status: Presence) -> str:
    """Full, half and empty circle."""
    return {
        Presence.ONLINE: glyphs.online,
        Presence.AWAY: glyphs.away,
        Presence.OFFLINE: glyphs.offline,
    }[status]


def send_glyph(glyphs: Glyphs, state: SendState) -> str:
    """The mark of a message's way; SAVING has none yet."""
    return {
        SendState.SAVING: "",
        SendState.QUEUED: glyphs.queued,
        SendState.SENDING: glyphs.sending,
        SendState.SENT: glyphs.sent,
        SendState.UNCONFIRMED: glyphs.unconfirmed,
        SendState.FAILED: glyphs.failed,
    }[state]
