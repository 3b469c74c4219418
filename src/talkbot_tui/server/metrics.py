"""Counters of what happens, in Prometheus' text form."""

from __future__ import annotations

from collections.abc import Callable

_HELP = {
    "events_total": "Events taken from clients, by name.",
    "refused_total": "Refused requests, by code.",
    "sent_total": "Events sent to connections, by name.",
    "closed_total": "Connections closed by the server, by reason.",
    "malformed_total": "Packets that were no valid Socket.IO.",
    "stream_dropped_total": "Stream pieces at a wrong offset.",
    "internal_errors_total": "Requests that failed for no fault of the client.",
    "handshakes_total": "Connection attempts, by result.",
    "http_total": "API requests, by status.",
    "hints_total": "Hints heard from other servers.",
    "hints_unknown_total": "Hints of other servers that this version cannot read.",
}


class Metrics:
    """Counts by name and one label, and gauges that are asked when read."""

    def __init__(self) -> None:
        """All at zero."""
        self._counts: dict[tuple[str, str], int] = {}
        self._gauges: dict[str, Callable[[], float]] = {}

    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Add to a counter."""
        key = (name, label)
        self._counts[key] = self._counts.get(key, 0) + by

    def value(self, name: str, label: str = "") -> int:
        """A counter's value."""
        return self._counts.get((name, label), 0)

    def gauge(self, name: str, ask: Callable[[], float]) -> None:
        """Show what `ask()` says."""
        self._gauges[name] = ask

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        lines: list[str] = []
        for name in sorted({key[0] for key in self._counts}):
            lines.append(f"# HELP talkbot_{name} {_HELP.get(name, name)}")
            lines.append(f"# TYPE talkbot_{name} counter")
            lines += [
                f'talkbot_{name}{{label="{label}"}} {count}' if label else f"talkbot_{name} {count}"
                for (other, label), count in sorted(self._counts.items())
                if other == name
            ]
        for name, ask in sorted(self._gauges.items()):
            lines += [f"# TYPE talkbot_{name} gauge", f"talkbot_{name} {ask():g}"]
        return "\n".join(lines) + "\n"
