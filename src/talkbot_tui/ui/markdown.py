"""The little markdown that chat needs: bold, italic, code, fences, links, mentions.

The words stay as they were written but for the marks themselves; what does not
close is plain text. Only http, https and mailto become links of the terminal,
and a link whose words differ from its target shows where it leads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit, urlunsplit

from talkbot_tui.ui.ink import Line, Span, flow

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*([\w+.#-]*)$")
_INLINE = re.compile(
    r"(?P<code>(?<!`)(?P<ticks>`+)(?!`)(?P<inner>.+?)(?<!`)(?P=ticks)(?!`))"
    r"|(?P<bold>(?<!\*)\*\*(?=\S)(?P<bold_text>[^*\n]+?)(?<=\S)\*\*(?!\*))"
    r"|(?P<star>(?<![\w*])\*(?=[^\s*])(?P<star_text>[^*\n]+?)(?<=[^\s*])\*(?![\w*]))"
    r"|(?P<under>(?<!\w)_(?=[^\s_])(?P<under_text>[^_\n]+?)(?<=[^\s_])_(?!\w))"
    r"|(?P<named>\[(?P<label>[^\[\]\n]{1,200})\]\((?P<target>[^\s()<>]+)\))"
    r"|(?P<url>(?<!\w)(?:https?://|mailto:)[^\s<>\"`]+)"
    r"|(?P<mention>(?<![\w@])@(?P<who>\w[\w.-]{0,31}))"
)
_SAFE_SCHEMES = ("http", "https", "mailto")
_KEPT = "!#$%&'()*+,-./:;=?@[]_~"


def safe_link(target: str) -> str:
    """`target` as it may stand in a hyperlink escape, "" when it may not."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    if parts.scheme.lower() not in _SAFE_SCHEMES or not (parts.netloc or parts.path):
        return ""
    if parts.scheme.lower() != "mailto" and not parts.netloc:
        return ""
    try:
        # A host of other letters is asked for in ASCII (RFC 5890), never percent-encoded.
        parts = parts._replace(netloc=parts.netloc.encode("idna").decode("ascii"))
    except UnicodeError:
        return ""
    return quote(urlunsplit(parts), safe=_KEPT)


def real_host(link: str) -> str:
    """The host that a safe link leads to, in ASCII, or the address that a mail goes to.

    What stands before an @ is no part of it: https://bank.example@evil.example/ is evil's.
    """
    parts = urlsplit(link)
    return parts.path if parts.scheme.lower() == "mailto" else parts.netloc.rpartition("@")[2]


def links_in(text: str) -> list[str]:
    """The safe links of a message, each once, as they stand there."""
    prose = (block for code, block in _blocks(text) if not code)
    found = (span.link for block in prose for span in inline(block))
    return list(dict.fromkeys(link for link in found if link))


def render(
    text: str, width: int, me: str = "", bar: str = "│", lead: tuple[Span, ...] = ()
) -> list[Line]:
    """`text` in lines of at most `width` cells.

    `me` is the handle whose mentions stand out, `bar` the mark before lines of code,
    `lead` stands before the first word.
    """
    lines: list[Line] = []
    for code, block in _blocks(text):
        if code:
            lines += flow(lead, width) if lead else []
            for line in flow([Span(block, "code")], max(1, width - 2)):
                lines.append((Span(f"{bar} ", "muted"), *line))
        else:
            lines += flow([*lead, *inline(block, me)], width)
        lead = ()
    return lines


def plain(text: str) -> str:
    """`text` without the marks, for quotes."""
    return "".join(span.text for _code, block in _blocks(text) for span in inline(block))


def _blocks(text: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces of code (True) and prose (False); an open fence ends with the text."""
    if "```" not in text and "~~~" not in text:
        yield False, text
        return
    kept: list[str] = []
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line.rstrip())
        closes = found and fence and line.strip().startswith(fence) and not found[2]
        if closes or (found and not fence):
            if kept:
                yield bool(fence), "\n".join(kept)
            kept = []
            fence = "" if closes else str(found[1]) if found else ""
        else:
            kept.append(line)
    if kept:
        yield bool(fence), "\n".join(kept)


def inline(text: str, me: str = "") -> list[Span]:
    """One piece of prose as spans."""
    spans: list[Span] = []
    at = 0
    for found in _INLINE.finditer(text):
        if found.start() > at:
            spans.append(Span(text[at : found.start()]))
        spans += _marked(found, me)
        at = found.end()
    if at < len(text):
        spans.append(Span(text[at:]))
    return spans


def _marked(found: re.Match[str], me: str) -> list[Span]:
    match found.lastgroup:
        case "code":
            return [Span(found["code"], "code")]
        case "bold":
            return _restyled(found["bold_text"], "bold", me)
        case "star":
            return _restyled(found["star_text"], "italic", me)
        case "under":
            return _restyled(found["under_text"], "italic", me)
        case "named":
            return _named_link(found["label"], found["target"], found[0])
        case "url":
            return _bare_link(found[0])
        case _:
            mine = bool(me) and found["who"].casefold() == me.casefold()
            return [Span(found[0], "mention bold reverse" if mine else "mention")]


def _restyled(text: str, effect: str, me: str) -> list[Span]:
    return [span._replace(style=f"{span.style} {effect}".strip()) for span in inline(text, me)]


def _bare_link(text: str) -> list[Span]:
    url = text.rstrip(".,;:!?'*_")
    if url.endswith(")") and "(" not in url:
        url = url[:-1]
    target = safe_link(url)
    spans = [Span(url, "link underline" if target else "", target)]
    if target and f"://{real_host(target)}" not in url and not target.startswith("mailto:"):
        # It looks as if it led elsewhere: before an @, or in letters like others.
        spans.append(Span(f" ({real_host(target)})", "muted"))
    return spans if url == text else [*spans, Span(text[len(url) :])]


def _named_link(label: str, target: str, whole: str) -> list[Span]:
    link = safe_link(target)
    if not link:
        return [Span(whole)]
    shown = Span(label, "link underline", link)
    if label == target:
        return [shown]
    return [shown, Span(f" ({real_host(link)})", "muted")]
