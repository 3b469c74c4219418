from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from talkbot_tui.server.app import keep_running
from tests.serving import running_server
from tests.waiting import until


async def test_a_loop_that_fails_begins_again(caplog: pytest.LogCaptureFixture) -> None:
    runs: list[int] = []

    async def loop() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise OSError("the disk went away for a moment")
        await asyncio.Event().wait()

    task = asyncio.create_task(keep_running(loop, pause=0.01))
    await until(lambda: len(runs) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "begins anew" in caplog.text


async def test_a_server_that_is_stopped_at_once_leaves_nothing_unawaited() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with running_server():
            pass
        gc.collect()
    assert [str(warning.message) for warning in caught if "never awaited" in str(warning)] == []
