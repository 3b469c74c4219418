"""The rig that compares the app with its peers: what it counts, and what it takes for slower."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from bench.tui import report
from bench.tui.figures import FIGURES, OURS, WEECHAT, Figure, Samples
from bench.tui.loop import Loop
from bench.tui.relay import PING, Relay
from bench.tui.screen import Replay, Wanted
from bench.tui.terminal import Terminal

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def keys(ours: list[list[float]], theirs: list[list[float]]) -> Samples:
    samples = Samples()
    for mine, other in zip(ours, theirs, strict=True):
        samples.add(OURS, {"keys.delay": mine})
        samples.add(WEECHAT, {"keys.delay": other})
    return samples


def figure(statistic: str) -> Figure:
    return next(f for f in FIGURES if f.id == f"keys.delay.{statistic}")


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    # The machine was slower in the last round, for both.
    samples = keys([[1.0], [2.0], [30.0]], [[1.0], [1.0], [10.0]])
    assert samples.ratio(figure("p50"), WEECHAT, "keys.delay") == 2.0


def test_p99_is_of_all_rounds_together() -> None:
    samples = keys([[1.0] * 100, [1.0] * 98 + [5.0] * 2], [[1.0] * 100, [1.0] * 100])
    assert samples.ratio(figure("p99"), WEECHAT, "keys.delay") == 1.0
    samples.add(OURS, {"keys.delay": [5.0]})
    assert samples.ratio(figure("p99"), WEECHAT, "keys.delay") == 5.0


def test_a_measure_that_failed_misses_its_goal() -> None:
    samples = keys([[]], [[1.0]])
    assert [row.met for row in samples.rows(figure("p50"))] == [False]
    assert "talkbot-tui" in report.table(samples)
    assert any("p50" in line for line in report.slower(samples))


def test_a_peer_that_gave_no_figure_proves_nothing() -> None:
    samples = keys([[1.0]], [[]])
    assert [row.met for row in samples.rows(figure("p50"))] == [False]
    assert report.slower(samples) == []


def test_slower_is_what_is_over_goal_and_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = tmp_path / "baseline.json"
    baseline.write_text(json.dumps({"keys.delay.p50 / WeeChat": 4.0}))
    monkeypatch.setattr(report, "BASELINE", baseline)
    assert report.slower(keys([[7.9]], [[1.0]])) == [
        "key → screen p99: 7.90 to WeeChat, at most 4.00 is allowed"
    ]
    assert any("p50" in line for line in report.slower(keys([[8.1]], [[1.0]])))


@LINUX
def test_what_a_program_draws_is_found_with_its_time() -> None:
    loop = Loop()
    program = r"printf 'one\033[2;1Htw'; sleep 0.1; printf 'o\033[3'; sleep 0.1; printf ';1Hx'; cat"
    terminal = Terminal(loop, ["sh", "-c", program], {"PATH": "/usr/bin:/bin"})
    try:
        loop.until(lambda: b"x" in terminal.chunks[-1][1] if terminal.chunks else False, 5, "x")
        began = terminal.began
        wanted = [Wanted(began, 0, "one"), Wanted(began, 0, "two"), Wanted(began, 0, "three")]
        one, two, three = Replay(terminal).delays(wanted)
        assert one is not None
        assert two is not None
        assert one < two
        assert three is None
        assert terminal.cpu() > 0
        assert terminal.resident() > 0
    finally:
        terminal.close()
    assert not terminal.alive


@LINUX
def test_the_terminal_answers_what_xterm_would() -> None:
    loop = Loop()
    program = r"stty raw -echo; printf '\033[?69$p'; head -c 9 | od -An -c"
    terminal = Terminal(loop, ["sh", "-c", program], {"PATH": "/usr/bin:/bin"}, {69: 2})

    def answered() -> bool:
        drawn = b"".join(data for _when, data in terminal.chunks)
        return drawn.split()[-6:] == [b"6", b"9", b";", b"2", b"$", b"y"]

    try:
        loop.until(answered, 5, "the answer")
    finally:
        terminal.close()


def test_the_relay_holds_back_and_says_when_it_handed_on() -> None:
    loop = Loop()
    relay = Relay(loop)
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay.target = server.getsockname()[1]
        app = socket.create_connection(("127.0.0.1", relay.port))
        loop.run(0.05)
        end, _address = server.accept()
        with app, end:
            app.setblocking(False)
            relay.hold()
            end.sendall(b'["message",{"text":"q000001 hello"}]')
            loop.until(lambda: "q000001" in relay.seen, 5, "the message")
            assert relay.handed == {}
            with pytest.raises(BlockingIOError):
                app.recv(100)
            # Without them the app would take the link for dead.
            end.sendall(b'["message",{"text":"q000002 and"}]' + PING)
            loop.run(0.05)
            assert app.recv(100) == PING
            began = relay.release()
            assert relay.handed["q000001"] >= began
            assert b"hello" in app.recv(100)
            relay.freeze()
            assert app.recv(100) == b""
