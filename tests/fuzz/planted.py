"""A bug on purpose."""

from __future__ import annotations


class PlantedError(AssertionError):
    """What every run must find."""


def planted(data: bytes) -> None:
    """Reached one byte after the other, which only coverage shows to be progress."""
    if data[:1] == b"B" and len(data) > 3:
        _further(data)


def _further(data: bytes) -> None:
    if data[1:2] == b"U":
        _half(data)


def _half(data: bytes) -> None:
    if data[2:3] == b"G":
        if data[3:4] != b"!":
            return
        raise PlantedError("found")
