"""Taking secrets out of what is kept, before it is kept.

Four nets, each for itself: the values that are known to be secret, wherever they stand; what
the handshake carries as `auth`; fields that are named like secrets; strings that look like a
JSON Web Token (RFC 7519) or follow `Bearer`.
"""

from __future__ import annotations

import json
import re

HIDDEN = "[redacted]"
SECRET_MIN = 6
"""A known secret that is shorter is not looked for everywhere: it could be any word."""

_JWT = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}")
_SCHEME = re.compile(r"\b(Bearer|Basic)(\s{1,4})[\w.~+/=-]{4,}", re.IGNORECASE)
_WORDS = r"token|passw|passphrase|secret|authori[sz]ation|cookie|api[-_]?key|jwt|credential|senha"
_FIELD = re.compile(
    rf'(\\{{0,8}}"[^"\\]{{0,40}}(?:{_WORDS})[^"\\]{{0,40}}\\{{0,8}}"\s{{0,20}}:\s{{0,20}})'
    r'(?:(\\{1,8}")(?:(?!\2).)*(?:\2)?|"(?:[^"\\]|\\.)*"?|-?\d[\d.eE+-]*)',
    re.IGNORECASE | re.DOTALL,
)
_QUERY = re.compile(rf"([?&][\w-]{{0,40}}(?:{_WORDS}|sid)[\w-]{{0,40}}=)[^&\s\"]+", re.IGNORECASE)
_HARMLESS = frozenset({"protocol", "client", "name", "version"})


def redacted(text: str, secrets: frozenset[str] = frozenset()) -> str:
    """`text` without secrets; `secrets` are those that are known."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _JWT.sub(HIDDEN, text)
    text = _SCHEME.sub(rf"\1\2{HIDDEN}", text)
    text = _FIELD.sub(
        lambda found: f"{found[1]}{found[2] or chr(34)}{HIDDEN}{found[2] or chr(34)}", text
    )
    return _QUERY.sub(rf"\1{HIDDEN}", text)


def redacted_auth(text: str, secrets: frozenset[str] = frozenset()) -> str:
    """The `auth` of a handshake: names stay, values go, but for those that tell the program."""
    if not text.strip():
        return text
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return f'"{HIDDEN}"'
    return redacted(json.dumps(_emptied(told), ensure_ascii=False, separators=(",", ":")), secrets)


def _emptied(value: object, harmless: bool = False) -> object:
    if isinstance(value, dict):
        return {key: _emptied(one, key in _HARMLESS) for key, one in value.items()}
    if isinstance(value, list):
        return [_emptied(one) for one in value]
    return value if harmless or value is None or isinstance(value, bool) else HIDDEN


def secrets_in(value: object) -> frozenset[str]:
    """Every string in `value` that is long enough to be looked for, harmless ones left out."""
    if isinstance(value, str):
        forms = (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
        return frozenset(forms) if len(value) >= SECRET_MIN else frozenset()
    if isinstance(value, dict):
        parts = [secrets_in(one) for key, one in value.items() if key not in _HARMLESS]
    elif isinstance(value, (list, tuple)):
        parts = [secrets_in(one) for one in value]
    else:
        return frozenset()
    return frozenset().union(*parts)
