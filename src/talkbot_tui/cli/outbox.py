"""`talkbot-tui outbox`: what has not been sent yet; send it again, or give it up."""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from talkbot_tui import i18n
from talkbot_tui.cli import account_options, exit_codes
from talkbot_tui.cli.problems import Problem

if TYPE_CHECKING:
    from talkbot_tui.cli.common import Target
    from talkbot_tui.client.outbox_file import Unsent

_ = i18n.Domain("cli")

HELP = i18n.N_("list, send again or give up what is unsent")

ID_SHOWN = 8
"""The last characters of an id: the first ones of a UUIDv7 are its time, much alike."""


@dataclass(frozen=True, slots=True)
class _Found:
    unsent: Unsent
    folder: Path
    headless: bool

    @property
    def id(self) -> str:
        return self.unsent.message.client_msg_id


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, with which, and as whom."""
    deeds = parser.add_subparsers(dest="deed", metavar=_("ACTION"), required=True)
    listing = deeds.add_parser("ls", help=_("list the unsent messages"))
    listing.add_argument("--json", action="store_true", help=_("one JSON object a line"))
    retry = deeds.add_parser("retry", help=_("send them now; without ID: all"))
    retry.add_argument("ids", metavar="ID", nargs="*", help=_("an id, or its end, as ls shows it"))
    drop = deeds.add_parser("drop", help=_("give them up for good"))
    drop.add_argument("ids", metavar="ID", nargs="*", help=_("an id, or its end, as ls shows it"))
    drop.add_argument("--all", action="store_true", help=_("all of them"))
    for one in (listing, retry, drop):
        account_options.add(one)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from talkbot_tui.cli import common

    target = common.resolve(args)
    found = _all(target)
    if args.deed == "ls":
        for one in found:
            _show(one, as_json=args.json)
        return exit_codes.OK
    if args.deed == "drop":
        if not args.ids and not args.all:
            raise Problem(_("say which, by ID, or --all"), exit_codes.USAGE)
        chosen = _chosen(found, args.ids)
        dropped = common.run(_drop(chosen), lambda: target.server)
        text = _.plural("{n} message was given up", "{n} messages were given up", dropped)
        common.write_line(text.format(n=dropped))
        wanted = len({one.id for one in chosen})
        return exit_codes.OK if dropped == wanted else exit_codes.NOT_FOUND
    chosen = _chosen(found, args.ids)
    sent = common.run(_retry(target, chosen), lambda: target.server)
    text = _.plural("{n} message was sent", "{n} messages were sent", sent)
    common.write_line(text.format(n=sent))
    return exit_codes.OK if sent == len(chosen) else exit_codes.UNANSWERED


def _all(target: Target) -> list[_Found]:
    from talkbot_tui.cli import wording
    from talkbot_tui.client import connect, outbox_file
    from talkbot_tui.client.store import StoreError

    folder = connect.profile_of(target.account, target.accounts, target.server, target.token)
    found = []
    try:
        for where, headless in ((folder, False), (folder / connect.HEADLESS, True)):
            found += [_Found(unsent, where, headless) for unsent in outbox_file.read(where)]
    except StoreError as error:
        raise wording.store(error.code, error.path) from None
    return sorted(found, key=lambda one: one.unsent.message.ts)


def _chosen(found: list[_Found], ids: list[str]) -> list[_Found]:
    if not ids:
        return found
    chosen = []
    for wanted in ids:
        fitting = [one for one in found if one.id.endswith(wanted)]
        if not fitting:
            text = _("no unsent message has the id {id}; see: talkbot-tui outbox ls")
            raise Problem(text.format(id=wanted), exit_codes.NOT_FOUND)
        if len(fitting) > 1:
            text = _("several unsent messages have ids that end in {id}; write more of it")
            raise Problem(text.format(id=wanted), exit_codes.USAGE)
        chosen += fitting
    return chosen


def _show(one: _Found, *, as_json: bool) -> None:
    from talkbot_tui.cli import common
    from talkbot_tui.cli.rooms_by_name import title
    from talkbot_tui.core.model import SendState
    from talkbot_tui.core.text import clean, one_line

    message = one.unsent.message
    room = title(one.unsent.room) if one.unsent.room else message.conversation_id
    if as_json:
        common.write_json(
            {
                "clientMsgId": message.client_msg_id,
                "conversationId": message.conversation_id,
                # What is read from the disk is saved, whatever it was when it was written there.
                "state": "queued" if message.state is SendState.SAVING else message.state.value,
                "error": message.error,
                "ts": message.ts,
                "text": message.text,
            }
        )
        return
    stamp = time.strftime("%Y-%m-%d %H:%M", time.localtime(message.ts / 1000))
    why = f" ({one_line(clean(message.error))})" if message.error else ""
    state = {"failed": _("failed"), "sending": _("not confirmed")}.get(
        message.state.value, _("queued")
    )
    text = one_line(clean(message.text), 60)
    common.write_line(f"{message.client_msg_id[-ID_SHOWN:]}  {stamp}  {room}  {state}{why}  {text}")


async def _drop(chosen: list[_Found]) -> int:
    """How many were given up: what was sent since it was listed is not unsent any more."""
    from talkbot_tui.client import outbox_file

    by_folder: dict[Path, list[str]] = {}
    for one in chosen:
        by_folder.setdefault(one.folder, []).append(one.id)
    try:
        return len(await outbox_file.drop(by_folder))
    except outbox_file.MayHaveArrived as uncertain:
        # Given up must mean that nobody receives it; of these nobody knows.
        text = _(
            "may have arrived already, so it cannot be given up: {ids}"
            " (talkbot-tui outbox retry settles it, the app deletes it for everybody)"
        )
        ids = ", ".join(name[-ID_SHOWN:] for name in uncertain.ids)
        raise Problem(text.format(ids=ids), exit_codes.FAILURE) from None


async def _retry(target: Target, chosen: list[_Found]) -> int:
    """How many of them the server has now; what stays is told by `ls`."""
    sent = 0
    for headless in (False, True):
        some = [one for one in chosen if one.headless is headless]
        if some:
            sent += await _send_again(target, some, headless=headless)
    return sent


async def _send_again(target: Target, chosen: list[_Found], *, headless: bool) -> int:
    from talkbot_tui.cli import common
    from talkbot_tui.client.engine_follow import NotDelivered
    from talkbot_tui.core.events import Retry, SendHeld

    ids = [one.id for one in chosen]
    engine = common.engine_for(target, keep=True, headless=headless)
    async with common.running(engine):
        answers = [engine.delivered(client_msg_id) for client_msg_id in ids]
        for client_msg_id in ids:
            engine.dispatch(Retry(client_msg_id))
        await common.online(engine, target.server)
        for room in {one.unsent.message.conversation_id for one in chosen}:
            # Whoever names a message has looked.
            engine.dispatch(SendHeld(room))
        await asyncio.wait(answers, timeout=common.WAIT_S)
        sent = 0
        for answer in answers:
            if not answer.done():
                answer.cancel()
            elif answer.exception() is None:
                sent += 1
            elif not isinstance(answer.exception(), NotDelivered):
                answer.result()
        return sent
