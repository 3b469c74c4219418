"""Scripted scenes: what the pictures in screenshots/ and the snapshot tests show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

from textual.pilot import Pilot

from talkbot_tui import i18n
from talkbot_tui.client.wiretap import Wire, Wiretap
from talkbot_tui.config import Settings
from talkbot_tui.core import arrivals as a
from talkbot_tui.core import events as e
from talkbot_tui.core.model import (
    Conversation,
    Kind,
    Member,
    MemberChanged,
    Message,
    MessagePosted,
    Presence,
    PresenceInfo,
    Reaction,
    RoomSnapshot,
    SyncSnapshot,
    User,
)
from talkbot_tui.ui.app import TalkbotApp
from talkbot_tui.ui.port import EnginePort, SignInFailed, SignInForm
from talkbot_tui.ui.screens.login import Given
from talkbot_tui.ui.surroundings import OpenLink, no_browser
from tests.ui.scripted import ScriptedEngine
from tests.ui.wire_scene import Clock, fill

ZONE = timezone(timedelta(hours=-3))
NOW = int(datetime(2026, 11, 23, 12, 46, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000

ME = User("u-me", "davi")
ANA = User("u-ana", "ana")
BRUNO = User("u-bruno", "bruno")
CARLA = User("u-carla", "carla")
BOT = User("u-bot", "talkbot", bot=True)

GENERAL, DEPLOYS, IDEAS = "c-general", "c-deploys", "c-ideas"
WITH_BRUNO, WITH_BOT = "d-bruno", "d-bot"

Press = Callable[["Pilot[int]"], Awaitable[None]]


def said(seq: int, who: User, text: str, ago: int, **more: object) -> MessagePosted:
    """A message in #general, `ago` minutes before now."""
    message = Message(
        key=f"s{seq}",
        conversation_id=GENERAL,
        sender=who,
        text=text,
        ts=NOW - ago * MINUTE,
        server_msg_id=f"s{seq}",
        seq=seq,
        changed_seq=seq,
    )
    message = replace(message, **more)  # type: ignore[arg-type] # names are checked at run time
    return MessagePosted(GENERAL, seq, message.ts, who, message)


def in_english() -> bool:
    """The scenes speak the interface's language."""
    return i18n.language() == i18n.ENGLISH


def text(english: str, portuguese: str) -> str:
    """One of two."""
    return english if in_english() else portuguese


def general_log() -> tuple[MessagePosted | MemberChanged, ...]:
    """What was said in #general."""
    joined = MemberChanged(GENERAL, 3, NOW - 58 * MINUTE, CARLA, CARLA, "joined")
    return (
        said(1, ANA, text("see you on Monday!", "até segunda!"), 60 * 66),
        said(2, ANA, text("good morning!", "bom dia!"), 65),
        joined,
        said(4, ME, text("good morning, all", "bom dia, pessoal"), 57),
        said(
            5,
            BRUNO,
            text(
                "The **release** is tagged; `make e2e` is green on both machines. "
                "Notes: https://example.org/notes",
                "A **versão** está marcada; `make e2e` passou nas duas máquinas. "
                "Notas: https://example.org/notes",
            ),
            41,
            reactions=(Reaction("🎉", ("u-ana", "u-me")), Reaction("👀", ("u-carla",))),
        ),
        said(6, BRUNO, "```python\nfor room in rooms:\n    print(room.name)\n```", 40),
        said(
            7,
            CARLA,
            text("thank you! 素晴らしい 👏", "obrigada! 素晴らしい 👏"),
            37,
            reply_to="s5",
        ),
        said(
            8,
            ME,
            text(
                "I will read the notes before lunch and write down what is left for Friday, "
                "so that nobody has to ask twice.",
                "Vou ler as notas antes do almoço e anotar o que falta para sexta, "
                "para ninguém precisar perguntar duas vezes.",
            ),
            30,
            revision=1,
        ),
        said(9, ANA, text("this was wrong", "isto estava errado"), 12, deleted=True),
        said(10, ANA, text("@davi, can you look at *this*?", "@davi, pode olhar *isto*?"), 4),
        said(
            11,
            BOT,
            text("Yesterday in three lines: ana tagged", "Ontem em três linhas: ana marcou"),
            1,
            streaming=True,
        ),
    )


def rooms() -> tuple[RoomSnapshot, ...]:
    """The rooms of the scenes."""

    def room(conversation: Conversation, unread: int, mentions: int, ago: int) -> RoomSnapshot:
        last = Message(
            f"l-{conversation.conversation_id}",
            conversation.conversation_id,
            BRUNO,
            "…",
            NOW - ago * MINUTE,
            server_msg_id=f"l-{conversation.conversation_id}",
            seq=40,
        )
        return RoomSnapshot(conversation, 40, 40 - unread, unread, mentions, 41, (), False, last)

    log = general_log()
    newest = next(event.message for event in log[::-1] if isinstance(event, MessagePosted))
    topic = text("the team's talk", "assuntos do time")
    general = Conversation(GENERAL, Kind.CHANNEL, text("general", "geral"), topic, member_count=5)
    return (
        RoomSnapshot(
            general,
            11,
            8,
            2,
            1,
            1,
            log,
            False,
            newest,
            reads=(("u-ana", 4), ("u-bruno", 4)),
        ),
        room(Conversation(DEPLOYS, Kind.CHANNEL, "deploys"), 3, 1, 9),
        room(Conversation(IDEAS, Kind.CHANNEL, text("ideas", "ideias")), 0, 0, 600),
        room(Conversation(WITH_BRUNO, Kind.DIRECT, peer=BRUNO), 2, 0, 15),
        room(Conversation(WITH_BOT, Kind.DIRECT, peer=BOT), 0, 0, 90),
    )


def make_engine(*, online: bool = True) -> ScriptedEngine:
    """An engine that has synced the scenes' rooms."""
    engine = ScriptedEngine(NOW)
    engine.feed(
        a.LinkConnecting(1),
        a.LinkUp(),
        a.Latency(12),
        a.Synced(SyncSnapshot("epoch", ME, "1", rooms())),
        a.Latency(12),
    )
    members = tuple(Member(user) for user in (ANA, BRUNO, CARLA, BOT, ME))
    engine.feed(
        a.MembersArrived(GENERAL, members),
        a.PresenceHint(
            (
                (ANA.user_id, PresenceInfo(Presence.ONLINE)),
                (BRUNO.user_id, PresenceInfo(Presence.AWAY)),
                (BOT.user_id, PresenceInfo(Presence.ONLINE)),
                (ME.user_id, PresenceInfo(Presence.ONLINE)),
            )
        ),
    )
    if not online:
        engine.feed(a.LinkDown("The network cannot be reached.", NOW + 12_000, "network"))
    return engine


def make_app(
    engine: EnginePort | None,
    *,
    theme: str = "night",
    environ: dict[str, str] | None = None,
    open_link: OpenLink = no_browser,
    settings: Settings | None = None,
) -> TalkbotApp:
    """The app on a scripted engine, with clock and zone pinned."""

    async def refuse(form: SignInForm) -> EnginePort:
        raise SignInFailed(text("wrong user or password", "usuário ou senha incorretos"))

    return TalkbotApp(
        engine,
        settings or Settings(theme=theme),
        sign_in=refuse,
        given=Given("https://chat.example.org", "davi"),
        environ=environ or {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
        zone=ZONE,
        clock=lambda: NOW,
        room=GENERAL,
        open_link=open_link,
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """An app and what happens in it before the picture."""

    name: str
    make: Callable[[], TalkbotApp]
    play: Press | None = None


async def _settle(pilot: Pilot[int]) -> None:
    await pilot.pause()
    await pilot.pause()


async def _typing(pilot: Pilot[int]) -> None:
    engine = engine_of(pilot)
    engine.feed(a.TypingHint(GENERAL, ANA.user_id, True))
    await pilot.press(*text("on my way", "já vou olhar"))
    await _settle(pilot)


async def _queue(pilot: Pilot[int]) -> None:
    engine = engine_of(pilot)
    engine.send(GENERAL, text("the train is in a tunnel", "o trem entrou no túnel"))
    engine.send(GENERAL, text("this goes out by itself later", "isto sai sozinho depois"))
    await _settle(pilot)


async def _fail(pilot: Pilot[int]) -> None:
    engine = engine_of(pilot)
    failed = engine.send(GENERAL, text("to the archive", "para o arquivo"))
    engine.feed(a.MessageRefused(failed, "archived", "archived", False))
    engine.send(GENERAL, text("this one works", "esta vai"))
    await _settle(pilot)
    await pilot.press("shift+tab", "up")
    await _settle(pilot)


def come_back(engine: ScriptedEngine, *news: MessagePosted) -> None:
    """Online again, with what was said in #general meanwhile."""
    first = rooms()[0]
    head = news[-1].seq if news else first.head_seq
    start = news[0].seq if news else head + 1
    after = replace(first, head_seq=head, from_seq=start, events=news)
    engine.feed(
        a.LinkConnecting(1),
        a.LinkUp(),
        a.Synced(SyncSnapshot("epoch", ME, "1", (after, *rooms()[1:]))),
    )


def held_engine() -> ScriptedEngine:
    """Two messages written offline 23 minutes ago; meanwhile the room moved on."""
    engine = make_engine(online=False)
    engine.now = NOW - 23 * MINUTE
    engine.send(GENERAL, text("yes, let us do that", "sim, vamos fazer isso"))
    engine.send(GENERAL, text("today still", "ainda hoje"))
    engine.now = NOW
    come_back(
        engine,
        said(12, ANA, text("we decided against it", "decidimos que não"), 9),
        said(13, BRUNO, text("the other way is cheaper", "o outro jeito é mais barato"), 8),
    )
    return engine


async def _facts(pilot: Pilot[int]) -> None:
    engine = engine_of(pilot)
    engine.feed(a.LinkDown("The network cannot be reached.", NOW + 12_000, "network"))
    sent = engine.send(GENERAL, text("delayed by a tunnel", "atrasada por um túnel"))
    engine.now += 95_000
    come_back(engine)
    engine.now += 300
    engine.feed(a.MessageRefused(sent, "busy", "Busy.", True, engine.now + 1_000))
    engine.now += 2_000
    engine.feed(e.Tick(), a.MessageAcked(sent, "s12", 12, engine.now))
    await _settle(pilot)
    await pilot.press("shift+tab")
    await _settle(pilot)
    await pilot.press("i")
    await _settle(pilot)


async def _switch(pilot: Pilot[int]) -> None:
    await pilot.press("ctrl+k", "d")
    await _settle(pilot)


async def _search(pilot: Pilot[int]) -> None:
    await pilot.press("ctrl+f", *text("morning", "dia"))
    await _settle(pilot)
    await pilot.press("down")
    await _settle(pilot)


async def _help(pilot: Pilot[int]) -> None:
    await pilot.press("f1")
    await _settle(pilot)


def wired_engine() -> ScriptedEngine:
    """An engine with packets on its wire."""
    engine = make_engine()
    clock = Clock(float(NOW - 12_000))
    tap = Wiretap(clock)
    fill(tap, clock)
    engine.wire = Wire(tap, lambda: None, "https://chat.example.org", namespace="/chat")
    return engine


async def _inspector(pilot: Pilot[int]) -> None:
    await pilot.press("f12")
    await _settle(pilot)
    # The message of ours that the server answered.
    await pilot.press("s", *"dir:out event:message", "enter")
    await _settle(pilot)


async def _narrow(pilot: Pilot[int]) -> None:
    await pilot.resize_terminal(50, 18)
    await _settle(pilot)


async def _login(pilot: Pilot[int]) -> None:
    await pilot.press(*"secret", "enter")
    await _settle(pilot)


def engine_of(pilot: Pilot[int]) -> ScriptedEngine:
    """The scripted engine behind the app."""
    app = pilot.app
    assert isinstance(app, TalkbotApp)
    assert isinstance(app.engine, ScriptedEngine)
    return app.engine


SCENES = (
    Scene("login", lambda: make_app(None), _login),
    Scene("chat", lambda: make_app(make_engine()), _typing),
    Scene("offline", lambda: make_app(make_engine(online=False)), _queue),
    Scene("failed", lambda: make_app(make_engine()), _fail),
    Scene("held", lambda: make_app(held_engine()), _settle),
    Scene("facts", lambda: make_app(make_engine()), _facts),
    Scene("switcher", lambda: make_app(make_engine()), _switch),
    Scene("search", lambda: make_app(make_engine()), _search),
    Scene("help", lambda: make_app(make_engine()), _help),
    Scene("inspector", lambda: make_app(wired_engine()), _inspector),
    Scene("narrow", lambda: make_app(make_engine()), _narrow),
    Scene("light", lambda: make_app(make_engine(), theme="day"), _typing),
)
BY_NAME = {scene.name: scene for scene in SCENES}
