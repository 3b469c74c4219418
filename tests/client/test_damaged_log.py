"""The log beside a cache, as a killed process leaves it, harmed: SQLite alone would say nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Saved
from tests.client.stored import local, opened, put_aside

COUNT = 12
FRAME = 24 + 4096


async def killed(folder: Path) -> tuple[bytes, bytes, list[int]]:
    """File and log of a process that was killed; where each message's transaction ends."""
    ends = []
    async with opened(folder) as (store, _):
        for number in range(1, COUNT + 1):
            await store.apply([f.SaveLocal(local(number))])
            ends.append((folder / "cache.db-wal").stat().st_size)
        return (folder / "cache.db").read_bytes(), (folder / "cache.db-wal").read_bytes(), ends


def put(folder: Path, file: bytes, log: bytes) -> None:
    folder.mkdir(mode=0o700)
    for name, data in (("cache.db", file), ("cache.db-wal", log)):
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)


async def loaded_from(folder: Path, file: bytes, log: bytes) -> tuple[list[str], list[str]]:
    """The unsent messages and the notices of a store that opens these."""
    put(folder, file, log)
    async with opened(folder) as (store, loaded):
        codes = [code for code, _ in store.notices()]
        if codes:
            (kept,) = put_aside(folder)
            assert kept.read_bytes() == file
            assert kept.with_name(kept.name + "-wal").read_bytes() == log
        assert await store.apply([f.SaveLocal(local(99))]) == [Saved("c99")]
        return [message.client_msg_id for message in loaded.outbox], codes


async def test_a_log_that_is_whole_is_taken_over(tmp_path: Path) -> None:
    file, log, _ = await killed(tmp_path / "killed")
    unsent, codes = await loaded_from(tmp_path / "again", file, log)
    assert (len(unsent), codes) == (COUNT, [])


@pytest.mark.parametrize("size", [24, 512, FRAME])
async def test_a_transaction_that_is_half_written_is_no_damage(tmp_path: Path, size: int) -> None:
    """So does the power's failure leave it, and nobody was promised anything of it."""
    file, log, ends = await killed(tmp_path / "killed")
    for cut in range(ends[-2] + size, ends[-1], size):
        unsent, codes = await loaded_from(tmp_path / str(cut), file, log[:cut])
        assert (len(unsent), codes) == (COUNT - 1, [])


async def test_harm_in_the_log_is_never_passed_over(tmp_path: Path) -> None:
    file, log, ends = await killed(tmp_path / "killed")
    dice = random.Random(1)
    # The last two transactions are left out: a power cut could have left them so.
    end = ends[-3]
    frames = range(32, end, FRAME)
    places = [*range(32), *(start + at for start in frames for at in (0, 9, 17, 24, 2_000))]
    for place in [*places, *(dice.randrange(end) for _ in range(40))]:
        data = bytearray(log)
        data[place] ^= 1 << dice.randrange(8)
        unsent, codes = await loaded_from(tmp_path / f"{place} {dice.random()}", file, bytes(data))
        assert len(unsent) == COUNT or codes == ["cache_damaged", "unsent_lost"], place
        assert unsent == [f"c{number}" for number in range(1, len(unsent) + 1)]
