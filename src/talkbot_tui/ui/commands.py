"""The commands, as data: one definition gives key, `/name`, palette, hints, help and docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

from talkbot_tui import i18n

_ = i18n.Domain("app")

_NAMED = frozenset([*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values()])
_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "meta", "hyper"})


def N_(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text


class Where(Enum):
    """Which focus a command's key needs; a key means one thing in each focus."""

    SCREEN = "screen"
    COMPOSER = "composer"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing the user can do.

    id: stable; names the command in the configuration file's table `keys`.
    name, help: English, translated where they are shown; a command without a name is
        listed nowhere.
    keys: comma-separated, in Textual's names; "" for none.
    slash: its name after `/` and that name's aliases; empty for none.
    usage: what follows the slash name; "<…>" is needed, "[…]" is not.
    hint: shown in the line of keys at the bottom.
    """

    id: str
    name: str
    help: str
    keys: str = ""
    slash: tuple[str, ...] = ()
    usage: str = ""
    where: Where = Where.SCREEN
    hint: bool = False

    @property
    def needs_text(self) -> bool:
        """Whether the slash command does nothing without something after it."""
        return self.usage.startswith("<")


C = Command
M, W = Where.MESSAGE, Where.COMPOSER

COMMANDS: tuple[Command, ...] = (
    C("help", N_("Help"), N_("show keys and commands"), "f1", ("help", "h", "?"), hint=True),
    C(
        "switcher",
        N_("Rooms"),
        N_("go to a room; in text, delete to the end of the line"),
        "ctrl+k",
        hint=True,
    ),
    C("palette", N_("Commands"), N_("find a command by name"), "ctrl+p", hint=True),
    C("search", N_("Search"), N_("find messages"), "ctrl+f", ("search",), N_("[words]"), hint=True),
    C(
        "jump",
        N_("Jump"),
        N_("go to a day, an hour, a number, or what is unread"),
        "",
        ("jump",),
        N_("<2026-11-03 | 14:30 | yesterday | #123 | first-unread>"),
    ),
    C("first_unread", N_("First unread"), N_("go to the first unread message"), "alt+u"),
    C("messages", N_("Messages"), N_("give a message the focus"), "shift+tab", hint=True),
    C("back", N_("Back"), N_("close, cancel, return to the text, go to the end"), "escape"),
    C("next_room", N_("Next room"), N_("go down one room in the list"), "alt+down"),
    C("previous_room", N_("Previous room"), N_("go up one room in the list"), "alt+up"),
    C("next_unread", N_("Next unread"), N_("mentions first, then direct, then rooms"), "alt+a"),
    C("page_up", N_("Page up"), N_("older messages"), "pageup"),
    C("page_down", N_("Page down"), N_("newer messages"), "pagedown"),
    C("oldest", N_("Oldest"), N_("the first message held here"), "ctrl+home"),
    C("newest", N_("Newest"), N_("the last message, and follow it"), "ctrl+end"),
    C("toggle_rooms", N_("Room list"), N_("show or hide the room list"), "f7"),
    C("toggle_people", N_("People list"), N_("show or hide the people list"), "f8"),
    C("inspector", N_("Inspector"), N_("every packet on the wire"), "f12", ("inspector",)),
    C("interrupt", N_("Clear"), N_("clear the text; twice: quit"), "ctrl+c"),
    C("quit", N_("Quit"), N_("leave; what is unsent stays saved"), "ctrl+q", ("quit", "exit", "q")),
    C("send", N_("Send"), N_("send the text"), "enter", where=W),
    C(
        "newline",
        N_("New line"),
        N_("a new line in the text"),
        "alt+enter,ctrl+j,shift+enter",
        where=W,
    ),
    C("complete", N_("Complete"), N_("complete @name, #room or /command"), "tab", where=W),
    C("older_input", N_("Sent before"), N_("what you sent before"), "ctrl+up", where=W),
    C("newer_input", N_("Sent after"), N_("what you sent after that"), "ctrl+down", where=W),
    C("reply", N_("Reply"), N_("answer the message"), "r", ("reply",), N_("[text]"), M, hint=True),
    C("edit", N_("Edit"), N_("change your message"), "e", ("edit",), N_("[text]"), M, hint=True),
    C(
        "delete",
        N_("Delete"),
        N_("delete your message for everybody"),
        "d",
        ("delete",),
        "",
        M,
        True,
    ),
    C("retry", N_("Try again"), N_("send a failed message again"), "t", ("retry",), "", M, True),
    C("discard", N_("Discard"), N_("give up an unsent message"), "x", ("discard",), "", M, True),
    C(
        "send_held",
        N_("Send anyway"),
        N_("send what waited while the room moved on"),
        "",
        ("send",),
    ),
    C("fill", N_("Load"), N_("load a gap, or show the details"), "enter", where=M),
    C(
        "react",
        N_("React"),
        N_("put an emoji under a message"),
        "plus",
        ("react",),
        N_("<emoji>"),
        M,
    ),
    C("facts", N_("Details"), N_("everything about the message"), "i", ("info",), "", M, True),
    C("copy", N_("Copy"), N_("copy the message's text"), "y", ("copy",), "", M, True),
    C("open", N_("Open link"), N_("open a link of the message"), "o", ("open",), "", M, True),
    C("stop", N_("Stop"), N_("end a bot's answer"), "s", ("stop",), "", M),
    C("join", N_("Join"), N_("become a member of a public room"), "", ("join", "j"), N_("<room>")),
    C("leave", N_("Leave"), N_("stop being a member of this room"), "", ("leave", "part")),
    C(
        "message",
        N_("Message"),
        N_("write to one person"),
        "",
        ("msg", "m", "dm"),
        N_("<name> [text]"),
    ),
    C("topic", N_("Topic"), N_("show or set the topic"), "", ("topic",), N_("[text]")),
    C(
        "details",
        N_("Room details"),
        N_("everything about this room"),
        "",
        ("details", "room"),
    ),
    C("names", N_("Names"), N_("who is in this room"), "", ("names", "who")),
    C(
        "rooms",
        N_("Public rooms"),
        N_("list the public rooms"),
        "",
        ("rooms", "list"),
        N_("[name]"),
    ),
    C(
        "new",
        N_("New room"),
        N_("make a room; --private for invited people only"),
        "",
        ("new",),
        N_("<room> [topic]"),
    ),
    C(
        "invite",
        N_("Invite"),
        N_("make somebody a member of this room"),
        "",
        ("invite",),
        N_("<name>"),
    ),
    C(
        "kick",
        N_("Remove"),
        N_("end somebody's membership of this room"),
        "",
        ("kick",),
        N_("<name>"),
    ),
    C("me", N_("Action"), N_("say what you do"), "", ("me",), N_("<text>")),
    C("away", N_("Away"), N_("tell that you are away"), "", ("away",), N_("[why]")),
    C("here", N_("Here"), N_("tell that you are back"), "", ("back",)),
    C("theme", N_("Theme"), N_("other colours: day, night or ansi"), "", ("theme",), N_("[name]")),
    C("reconnect", N_("Reconnect"), N_("try to connect now"), "", ("reconnect",)),
    C("login", N_("Sign in"), N_("sign in again, or as somebody else"), "", ("login",)),
    C("logout", N_("Sign out"), N_("how to sign out on this computer"), "", ("logout",)),
    # Told in one line of help, see EXAMPLES.
    *(C(f"room_{number}", "", "", f"alt+{number}") for number in range(1, 10)),
)

BY_ID: dict[str, Command] = {command.id: command for command in COMMANDS}
BY_SLASH: dict[str, Command] = {name: c for c in COMMANDS for name in c.slash}

EXAMPLES = (
    ("alt+1 … alt+9", N_("go to that room of the list")),
    ("up, down", N_("in the first or last line: what you sent before or after")),
    ("//x", N_("sends /x as text")),
)
"""What help adds to the commands."""


class KeymapError(ValueError):
    """The keys in the configuration do not work; the text is one line.

    Attributes:
        command: the id under which the configuration has them.
    """

    def __init__(self, text: str, command: str) -> None:
        super().__init__(text)
        self.command = command


def bindings(where: Where) -> list[Binding]:
    """Textual's bindings of the commands for one focus."""
    return [
        Binding(c.keys, f"screen.command('{c.id}')", c.name, show=False, id=c.id)
        for c in COMMANDS
        if c.where is where and c.keys
    ]


def keys_of(command: Command, overrides: Mapping[str, str]) -> tuple[str, ...]:
    """The keys in effect."""
    keys = overrides.get(command.id, command.keys)
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def check_keys(overrides: Mapping[str, str]) -> None:
    """Raise `KeymapError` for an unknown command, or a key with two meanings in one focus."""
    for name in overrides:
        if name not in BY_ID:
            near = get_close_matches(name, BY_ID, 1)
            hint = _("did you mean {name}?").format(name=near[0]) if near else _("see docs/keys.md")
            line = _("keys.{name}: there is no such command; {hint}")
            raise KeymapError(line.format(name=name, hint=hint), name)
    for focus in (Where.COMPOSER, Where.MESSAGE):
        taken: dict[str, str] = {}
        for command in COMMANDS:
            if command.where not in (Where.SCREEN, focus):
                continue
            for key in keys_of(command, overrides):
                _check_key(command, key)
                if taken.setdefault(key, command.id) != command.id:
                    raise KeymapError(
                        _("keys.{name}: {key} already means {other}").format(
                            name=command.id, key=key, other=taken[key]
                        ),
                        command.id if command.id in overrides else taken[key],
                    )


def _check_key(command: Command, key: str) -> None:
    if len(key) == 1 and command.where is not Where.MESSAGE:
        raise KeymapError(
            _("keys.{name}: {key} is a letter that you need for writing").format(
                name=command.id, key=key
            ),
            command.id,
        )
    *modifiers, base = key.split("+") if key != "+" else ["+"]
    known = len(base) == 1 or key_to_character(base) is not None or base in _NAMED
    if not known or not set(modifiers) <= _MODIFIERS:
        line = _("keys.{name}: no keyboard sends {key}; they are written like ctrl+k or f5")
        raise KeymapError(line.format(name=command.id, key=key), command.id)


def nearest(name: str) -> str:
    """The slash name that is most like `name`, "" when none is."""
    found = get_close_matches(name.lower(), BY_SLASH, 1, 0.6)
    return found[0] if found else ""


def pretty(keys: Iterable[str]) -> str:
    """Keys as they are written on keyboards."""
    return ", ".join("+".join(_part(part, parts) for part in parts) for parts in map(_split, keys))


def _split(key: str) -> list[str]:
    return key.split("+")


def _part(part: str, keys: list[str]) -> str:
    known = {
        "pageup": "PgUp",
        "pagedown": "PgDn",
        "escape": "Esc",
        "plus": "+",
        "up": "↑",
        "down": "↓",
    }
    if part in known:
        return known[part]
    return part if len(part) == 1 and len(keys) == 1 else part.capitalize()


def slash_line(command: Command, *, translated: bool = True) -> str:
    """A slash command with its usage and aliases."""
    if not command.slash:
        return ""
    aliases = f" ({', '.join('/' + name for name in command.slash[1:])})"
    usage = _(command.usage) if command.usage and translated else command.usage
    line = f"/{command.slash[0]} {usage}".rstrip()
    return line + (aliases if len(command.slash) > 1 else "")


def keys_markdown(overrides: Mapping[str, str] | None = None) -> str:
    """docs/keys.md: every command with its id, keys and slash names."""
    titles = {
        Where.SCREEN: "Everywhere",
        Where.COMPOSER: "While writing",
        Where.MESSAGE: "While a message has the focus (Shift+Tab or a click)",
    }
    lines = [
        "# Keys and commands",
        "",
        "Generated from `ui/commands.py`. Another key for a command: in the configuration file,",
        'table `keys`, by the command\'s id, as in `switcher = "ctrl+o"`.',
        "Help (F1) shows the keys in effect.",
    ]
    for where, title in titles.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| id | key | command | what it does |",
            "|---|---|---|---|",
        ]
        for c in COMMANDS:
            if c.where is where and c.name:
                keys = pretty(keys_of(c, overrides or {}))
                slash = slash_line(c, translated=False).replace("|", "\\|")
                slash = f"`{slash}`" if slash else ""
                lines.append(f"| {c.id} | {keys} | {slash} | {c.help} |")
    lines += ["", "Also:", ""]
    lines += [f"* `{keys}`: {text}" for keys, text in EXAMPLES]
    return "\n".join(lines) + "\n"
