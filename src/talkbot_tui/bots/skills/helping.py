"""The words for greeting, helping and not knowing."""

from __future__ import annotations

from talkbot_tui import i18n
from talkbot_tui.bots.quotes import quoted

_ = i18n.Domain("bots")


def greeting(language: str, name: str) -> str:
    """The first message of a direct conversation, with three keys to begin with."""
    text = _.translate(
        language,
        "Hello {name}! I am TalkBot. Three keys to begin with:\n"
        "**Enter** sends · **Ctrl+K** goes to another room · **F1** shows all keys.\n"
        "Write `help` to see what I can do.",
    )
    return text.format(name=quoted(name))


def help_text(language: str, name: str) -> str:
    """What TalkBot can do."""
    text = _.translate(
        language,
        "Here you can write to me directly; in a room, begin with @{name}. I can:\n"
        "- `search WORDS`: find messages with these words\n"
        "- `catchup`: what you missed; I answer only to you\n"
        "- `remind me in 10m TEXT`: remind you (s, m, h, d)\n"
        '- `poll "Question" a b c`: ask everybody; `vote 2` or a reaction votes\n'
        "- `roll 2d6`: roll dice\n"
        "- `time`, `time Lisbon`: the time",
    )
    return text.format(name=name)


def hello(language: str, name: str) -> str:
    """An answer to a greeting."""
    return _.translate(language, "Hello {name}! Write `help` to see what I can do.").format(
        name=quoted(name)
    )


def welcome(language: str) -> str:
    """An answer to thanks."""
    return _.translate(language, "You are welcome!")


def unknown(language: str) -> str:
    """An honest answer to what is beyond us."""
    return _.translate(
        language,
        "I can't answer that yet. I can: help, search, catchup, remind, poll, roll, time. "
        "Write `help` for examples.",
    )


def failed(language: str) -> str:
    """A skill went wrong."""
    return _.translate(language, "Something went wrong with that; please try again in a moment.")


def offline(language: str) -> str:
    """The server did not answer a question of ours."""
    return _.translate(language, "I could not look that up just now; please try again in a moment.")
