"""Names, settings, addresses, commands: what people type."""

from __future__ import annotations

from contextlib import suppress

from talkbot_tui import config
from talkbot_tui.bots import speech
from talkbot_tui.bots.skills import dice, polls, reminders
from talkbot_tui.client import addresses
from talkbot_tui.client.transport import Unreachable
from talkbot_tui.core.text import clean_name, is_blank
from talkbot_tui.i18n import ENGLISH, PORTUGUESE
from talkbot_tui.server import names as server_names
from talkbot_tui.ui.commands import KeymapError, check_keys
from talkbot_tui.ui.desk import Desk, Ordered, Sent, Told
from talkbot_tui.wire.errors import Refused
from talkbot_tui.wire.scalars import NAME_MAX, USER_NAME_MAX
from tests.fuzz.draw import text_of, valid_text_of
from tests.ui.scripted import ScriptedEngine

DESK = Desk(ScriptedEngine(0))


def names(data: bytes) -> None:
    """A name is refused, or one that is shown as it is and has one look."""
    text = valid_text_of(data)
    with suppress(Refused):
        name = server_names.fold_user_name(text)
        assert server_names.fold_user_name(name) == name
        assert len(name) <= USER_NAME_MAX
        _one_look(name)
        server_names.refuse_reserved(name)
        assert server_names.mentioned(f"@{name}")[0] == server_names.skeleton(name)
    with suppress(Refused):
        channel = server_names.fold_channel_name(text)
        assert server_names.fold_channel_name(channel) == channel
        assert len(channel) <= NAME_MAX
        assert "#" not in channel
        _one_look(channel)
    assert len(server_names.mentioned(text)) <= 65 * len(text)


def _one_look(name: str) -> None:
    look = server_names.skeleton(name)
    assert look.strip()
    assert not is_blank(name)
    # Whoever sees it sees all of it: two names are never shown as one.
    assert server_names.skeleton(clean_name(name)) == look


def settings(data: bytes) -> None:
    """A configuration is read, or the mistake is named with its file."""
    text = valid_text_of(data)
    try:
        found = config.parse(text, "c.toml")
    except config.ConfigError:
        return
    assert isinstance(found.server, str)
    assert isinstance(found.typing, bool)
    assert found.theme in ("", *config.THEMES)
    with suppress(KeymapError):
        check_keys(found.keys)


def address(data: bytes) -> None:
    """An address is refused, or one that means itself when it is written down."""
    text = text_of(data)
    with suppress(Unreachable):
        secure = addresses.parse(text)
        assert secure.origin.startswith("https://") or not secure.through_proxy
    with suppress(Unreachable):
        found = addresses.parse(text, allow_insecure=True)
        assert addresses.parse(found.url, allow_insecure=True) == found
        assert not any(char.isspace() or not char.isprintable() for char in found.url)
        assert found.socketio_path.endswith("socket.io")


def slash(data: bytes) -> None:
    """What is written in the composer: told, ordered or sent."""
    text = text_of(data)
    done = DESK.submit("", text)
    if isinstance(done, Ordered):
        assert text.startswith("/")
        assert done.rest == done.rest.strip()
    elif isinstance(done, Told):
        assert done.text
    else:
        assert isinstance(done, Sent)
    DESK.complete(text)
    DESK.find_rooms(text)


def bot(data: bytes) -> None:
    """What is said to a bot: understood, or not."""
    text = text_of(data)
    said = speech.understand(speech.without_mention(text, "talkbot"))
    assert said.command in ("", *speech.COMMANDS)
    assert speech.language_of(text, ENGLISH) in (ENGLISH, PORTUGUESE)
    found = reminders.parse(said.rest)
    if found:
        assert 1 <= found.seconds <= reminders.LONGEST_S
        assert found.text.strip() == found.text
        assert reminders.span(found.seconds)
    poll = polls.parse(said.rest)
    if poll:
        assert 2 <= len(poll[1]) <= polls.OPTIONS_MAX
        assert all(choice.strip() for choice in poll[1])
    rolled = dice.roll(said.rest, ENGLISH, lambda low, high: high)
    assert len(rolled) < 1000
