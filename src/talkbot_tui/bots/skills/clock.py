"""The time, here or in another zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from talkbot_tui import i18n
from talkbot_tui.bots.quotes import quoted
from talkbot_tui.bots.speech import plain

_ = i18n.Domain("bots")

# Cities that people name and the zone database does not, or names otherwise (in Portuguese).
HERE = {
    "utc": "UTC",
    "sao paulo": "America/Sao_Paulo",
    "brasilia": "America/Sao_Paulo",
    "rio": "America/Sao_Paulo",
    "rio de janeiro": "America/Sao_Paulo",
    "belo horizonte": "America/Sao_Paulo",
    "curitiba": "America/Sao_Paulo",
    "porto alegre": "America/Sao_Paulo",
    "salvador": "America/Bahia",
    "lisboa": "Europe/Lisbon",
    "londres": "Europe/London",
    "paris": "Europe/Paris",
    "berlim": "Europe/Berlin",
    "roma": "Europe/Rome",
    "viena": "Europe/Vienna",
    "bruxelas": "Europe/Brussels",
    "genebra": "Europe/Zurich",
    "zurique": "Europe/Zurich",
    "moscou": "Europe/Moscow",
    "nova york": "America/New_York",
    "nova iorque": "America/New_York",
    "sao francisco": "America/Los_Angeles",
    "san francisco": "America/Los_Angeles",
    "cidade do mexico": "America/Mexico_City",
    "toquio": "Asia/Tokyo",
    "pequim": "Asia/Shanghai",
    "seul": "Asia/Seoul",
    "nova delhi": "Asia/Kolkata",
    "cairo": "Africa/Cairo",
    "cidade do cabo": "Africa/Johannesburg",
    "luanda": "Africa/Luanda",
    "maputo": "Africa/Maputo",
}


def tell(rest: str, language: str, now_ms: int) -> str:
    """The time in the zone named by `rest`, in UTC without one."""
    asked = plain(rest.strip(" ?"))
    for word in ("in ", "em ", "no ", "na "):
        asked = asked.removeprefix(word)
    zone = _zone(asked) if asked else "UTC"
    if zone is None:
        text = _.translate(language, "I know no time zone “{name}”; try: time America/Sao_Paulo")
        return text.format(name=quoted(rest.strip()[:40]))
    moment = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return f"🕒 {moment:%H:%M} · {moment:%Y-%m-%d} · {zone}"


def _zone(asked: str) -> str | None:
    if asked in HERE:
        return HERE[asked]
    flat = asked.replace(" ", "_")
    for name in sorted(available_timezones()):
        if plain(name) == flat or plain(name).rsplit("/", 1)[-1] == flat:
            return name
    return None
