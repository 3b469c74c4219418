"""Breaking text into lines by the cells it takes, never inside what a terminal draws as one."""

from __future__ import annotations

from rich.cells import cell_len, split_graphemes

Slice = tuple[int, int]


def wrap(text: str, width: int) -> list[Slice]:
    """Where the lines of `text` begin and end, each at most `width` cells.

    Breaks at newlines, else at the last space that fits, else between graphemes.
    A space at a break belongs to no line.
    """
    width = max(1, width)
    if not text:
        return [(0, 0)]
    slices: list[Slice] = []
    start = 0
    for line in text.split("\n"):
        found = _wrap_ascii(line, width) if line.isascii() else _wrap_cells(line, width)
        slices += [(start + first, start + last) for first, last in found]
        start += len(line) + 1
    return slices


def _wrap_ascii(text: str, width: int) -> list[Slice]:
    length = len(text)
    if length <= width:
        return [(0, length)]
    slices: list[Slice] = []
    start = 0
    while length - start > width:
        space = text.rfind(" ", start, start + width + 1)
        if space <= start:
            slices.append((start, start + width))
            start += width
        else:
            slices.append((start, space))
            start = space + 1
    slices.append((start, length))
    return slices


def _wrap_cells(text: str, width: int) -> list[Slice]:
    if cell_len(text) <= width:
        return [(0, len(text))]
    slices: list[Slice] = []
    start, cells, space = 0, 0, -1
    cells_after_space = 0
    for first, last, counted in split_graphemes(text)[0]:
        # A character that joiners stand before counts for nothing there, and has its cells.
        size = max(counted, cell_len(text[first:last]))
        if cells + size > width and first > start:
            if text[first:last] == " ":
                slices.append((start, first))
                start, cells, space = last, 0, -1
                continue
            if space > start:
                slices.append((start, space))
                start, cells, space = space + 1, cells_after_space, -1
            if cells + size > width and first > start:
                slices.append((start, first))
                start, cells, space = first, 0, -1
        if text[first:last] == " ":
            space, cells_after_space = first, 0
        elif space >= 0:
            cells_after_space += size
        cells += size
    slices.append((start, len(text)))
    return slices


def clip(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells, with an ellipsis where something was cut."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room <= 0:
        return ellipsis[: max(0, width)]
    end, cells = 0, 0
    for _first, last, size in split_graphemes(text)[0]:
        if cells + size > room:
            break
        end, cells = last, cells + size
    # Joiners that join nothing make the whole wider than its graphemes.
    while end and cell_len(text[:end] + ellipsis) > width:
        end -= 1
    return text[:end] + ellipsis


def pad(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` clipped or filled with blanks to exactly `width` cells."""
    # A joiner at the end would take the blanks that follow into its own cell.
    text = clip(text.rstrip("\u200d"), width, ellipsis)
    return text + " " * (width - cell_len(text))
