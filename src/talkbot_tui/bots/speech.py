"""What was said to a bot: the words after its name, their language, their command."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from talkbot_tui.i18n import ENGLISH, PORTUGUESE

_PORTUGUESE = frozenset(
    [
        "a",
        "ajuda",
        "ajude",
        "ao",
        "aqui",
        "bem",
        "boa",
        "bom",
        "busca",
        "buscar",
        "com",
        "como",
        "da",
        "dado",
        "dados",
        "de",
        "dia",
        "do",
        "e",
        "em",
        "enquete",
        "esta",
        "eu",
        "faz",
        "foi",
        "hora",
        "horas",
        "isso",
        "lembrar",
        "lembre",
        "lembre-me",
        "mais",
        "me",
        "meu",
        "minha",
        "minutos",
        "na",
        "nao",
        "no",
        "o",
        "obrigada",
        "obrigado",
        "oi",
        "ola",
        "onde",
        "os",
        "para",
        "perdi",
        "por",
        "porque",
        "posso",
        "procurar",
        "procure",
        "qual",
        "quando",
        "quanto",
        "que",
        "quem",
        "resuma",
        "resumo",
        "role",
        "rolar",
        "sala",
        "se",
        "sim",
        "sobre",
        "tarde",
        "tem",
        "tudo",
        "um",
        "uma",
        "valeu",
        "voce",
        "votar",
        "voto",
    ]
)
_ENGLISH = frozenset(
    [
        "about",
        "and",
        "are",
        "at",
        "can",
        "catch",
        "catchup",
        "did",
        "do",
        "find",
        "for",
        "from",
        "good",
        "have",
        "hello",
        "help",
        "hey",
        "hi",
        "how",
        "i",
        "in",
        "is",
        "it",
        "missed",
        "morning",
        "my",
        "of",
        "on",
        "or",
        "please",
        "poll",
        "remind",
        "roll",
        "search",
        "thank",
        "thanks",
        "that",
        "the",
        "this",
        "time",
        "to",
        "up",
        "vote",
        "was",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
    ]
)

COMMANDS = {
    "help": ("help", "ajuda", "ajude", "socorro", "?"),
    "search": ("search", "find", "buscar", "busca", "procurar", "procure"),
    "catchup": ("catchup", "catch-up", "resumo", "resuma"),
    "remind": ("remind", "lembre-me", "lembre", "lembrar"),
    "poll": ("poll", "enquete", "votacao"),
    "vote": ("vote", "voto", "votar"),
    "roll": ("roll", "rolar", "role", "dado", "dados", "dice"),
    "time": ("time", "hora", "horas"),
    "hello": ("hello", "hi", "hey", "oi", "ola", "bom", "boa", "good"),
    "thanks": ("thanks", "thank", "obrigado", "obrigada", "valeu"),
}
_BY_WORD = {word: name for name, words in COMMANDS.items() for word in words}
_PHRASES = {
    tuple(phrase.split()): command
    for phrase, command in {
        "catch up": "catchup",
        "catch me up": "catchup",
        "what did i miss": "catchup",
        "o que perdi": "catchup",
        "o que eu perdi": "catchup",
        "what time is it": "time",
        "what's the time": "time",
        "que horas sao": "time",
        "me lembre": "remind",
        "me lembra": "remind",
    }.items()
}
LONGEST_PHRASE = max(map(len, _PHRASES))
_NOW = ("now", "agora", "right now", "please", "por favor")


@dataclass(frozen=True, slots=True)
class Said:
    """A request: `command` is a key of `COMMANDS` or "", `rest` what follows it."""

    command: str
    rest: str
    text: str


def plain(text: str) -> str:
    """Lower case without accents, for comparing words."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char))


def without_mention(text: str, name: str) -> str:
    """What is said to `name`: the words after its mention, or those before if none follow."""
    before, found, after = text, "", ""
    parts = re.split(rf"((?<!\w)@{re.escape(name)}\b[,:]?)", text, maxsplit=1, flags=re.IGNORECASE)
    if len(parts) == 3:
        before, found, after = parts
    return (after if found and re.search(r"\w", after) else before).strip()


def understand(text: str) -> Said:
    """The command that `text` begins with, if it begins with one."""
    text = unicodedata.normalize("NFC", text).strip().removeprefix("/").strip()
    words = text.split(maxsplit=LONGEST_PHRASE)
    flat = [_bare(word) for word in words]
    for phrase, command in _PHRASES.items():
        length = len(phrase)
        if tuple(flat[:length]) == phrase:
            rest = _after(text, length)
            if command == "time" and _bare(rest) in _NOW:
                rest = ""
            # What somebody is to be reminded of stays as it is.
            return Said(command, rest if command == "remind" else rest.strip(" ?!."), text)
    if not words:
        return Said("", "", text)
    word = "?" if words[0] == "?" else flat[0]
    return Said(_BY_WORD.get(word, ""), _after(text, 1), text)


def _bare(word: str) -> str:
    return plain(word).rstrip("!.,:?") or plain(word)


def _after(text: str, count: int) -> str:
    """`text` without its first `count` words, its lines kept."""
    parts = text.split(maxsplit=count)
    return parts[count].strip() if len(parts) > count else ""


def language_of(text: str, default: str) -> str:
    """The language that more of the words belong to; `default` when they do not tell."""
    words = re.findall(r"[\w-]+", plain(text))
    portuguese = sum(word in _PORTUGUESE for word in words)
    english = sum(word in _ENGLISH for word in words)
    if words and words[0] in _BY_WORD:
        # A command tells more than what follows it: those words may be looked for, or choices.
        portuguese += len(words) * (words[0] in _PORTUGUESE)
        english += len(words) * (words[0] in _ENGLISH)
    if re.search(r"[ãõçâêôáéíóúà]", text.casefold()):
        portuguese += 2
    if portuguese == english:
        return default
    return PORTUGUESE if portuguese > english else ENGLISH
