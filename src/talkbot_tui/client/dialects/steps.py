"""What has to be done before we are somewhere: a login, the joining of a room."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from talkbot_tui.client.dialects.declared import Step
from talkbot_tui.client.dialects.foreign_state import ForeignState
from talkbot_tui.client.dialects.outgoing import NO_REASON, refusal
from talkbot_tui.client.transport import Refused, Transport, Unanswered
from talkbot_tui.core.text import clean_line

STEP_S = 10.0
UNNEEDED_S = 2.0
"""So long an answer is waited for that not every server gives."""


async def perform(
    step: Step, room: str, state: ForeignState, transport: Transport, step_s: float = STEP_S
) -> None:
    """Send it, and wait until it is done; somebody must show `state` every frame meanwhile.

    Raises `Refused`, where no answer comes as well, and `LinkLost`.
    """
    emit = step.emit
    step_s = step_s if step.needed else min(step_s, UNNEEDED_S)
    arguments = emit.fill(state.known(room))
    if step.ack is not None:
        try:
            answer = await transport.request(emit.event, arguments, step_s)
        except Unanswered:
            if not step.needed:
                return
            raise _no_answer(emit.event, "an ack") from None
        why = refusal(step.ack, answer if isinstance(answer, tuple) else (answer,))
        if why is not None:
            raise Refused("refused_there", why)
        return
    names = [name for name in (step.answer, step.refused) if name]
    told = state.expect(*names) if step.answer else None
    try:
        await transport.emit(emit.event, arguments)
        if told is not None:
            async with asyncio.timeout(step_s):
                name, answer = await told
            if name == step.refused:
                raise Refused("refused_there", _words(answer))
    except TimeoutError:
        if step.needed:
            raise _no_answer(emit.event, step.answer) from None
    finally:
        if told is not None:
            told.cancel()


def _no_answer(sent: str, wanted: str) -> Refused:
    """It speaks another dialect, or has trouble: which, nobody says."""
    message = f"{wanted} did not come after {sent}; is this the right dialect?"
    return Refused("no_answer", clean_line(message), retryable=True)


def _words(arguments: Sequence[object]) -> str:
    first = arguments[0] if arguments else ""
    if isinstance(first, dict):
        first = first.get("message") or first.get("error") or first
    return clean_line(str(first)) or NO_REASON
