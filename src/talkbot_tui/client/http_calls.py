"""One HTTP request, and its answer up to a bound; imported when the first one is made."""

from __future__ import annotations

from typing import Any

import aiohttp

from talkbot_tui.client import tls
from talkbot_tui.client.bounded import BoundedResponse
from talkbot_tui.client.connector import no_redirects
from talkbot_tui.client.errors import unreachable

PATIENCE_S = 15.0


async def call(
    method: str,
    url: str,
    payload: dict[str, Any] | None,
    headers: dict[str, str],
    *,
    through_proxy: bool,
) -> tuple[int, bytes]:
    """Status and body of the answer; raises `Unreachable` when none came."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S, sock_connect=5)
    try:
        async with (
            aiohttp.ClientSession(
                timeout=timeout,
                response_class=BoundedResponse,
                trace_configs=[no_redirects()],
                connector=aiohttp.TCPConnector(ssl=tls.trusted()),
                trust_env=through_proxy,
            ) as session,
            session.request(method, url, json=payload, headers=headers) as answer,
        ):
            return answer.status, await answer.read()
    except Exception as error:
        raise unreachable(error) from None
