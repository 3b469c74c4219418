"""What the store's threads convert for the first time, two of them may convert at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RACE = """
import os, sys, threading
import msgspec
{made}

def work():
    msgspec.convert(value, kind)

def race():
    # A process in which nothing was converted yet, and threads that take turns often.
    sys.setswitchinterval(1e-6)
    gate = threading.Barrier(4)
    threads = [threading.Thread(target=lambda: (gate.wait(), work())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

died = 0
for _ in range(250):
    pid = os.fork()
    if pid == 0:
        race()
        os._exit(0)
    died += os.waitpid(pid, 0)[1] != 0
sys.exit(min(died, 100))
"""
ROOM = """
from talkbot_tui.server.storage.log import ConversationInfo as kind
value = {"conversationId": "c", "kind": "channel", "name": "general", "visibility": "public",
         "topic": "", "archived": False, "memberCount": 1, "role": "member",
         "peer": {"userId": "u", "name": "n", "displayName": "", "bot": False}}
"""
POSTED = """
from talkbot_tui.client.sqlite_rows import MessagePosted as kind
who = {"user_id": "u", "name": "n"}
value = {"conversation_id": "r", "seq": 1, "ts": 1, "sender": who,
         "message": {"key": "k", "conversation_id": "r", "sender": who, "text": "t", "ts": 1}}
"""


@pytest.mark.parametrize("made", [ROOM, POSTED], ids=["server", "client"])
def test_threads_may_be_the_first_to_convert(made: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RACE.format(made=made)],
        cwd=Path(__file__).parent.parent,
        stderr=subprocess.PIPE,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, f"{done.returncode} of 250 processes died: {done.stderr[-500:]}"
