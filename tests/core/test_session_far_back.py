"""Places far from the newest: jumping there, reading on, and what stays in memory."""

from __future__ import annotations

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import effects as f
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import Jumped, Noticed
from talkbot_tui.core.history import PAGE, ROWS_MAX
from talkbot_tui.core.model import Gap, Message, MessageEdited, RoomSummary, SendState, row_key
from talkbot_tui.core.ranges import Span
from talkbot_tui.core.timeline import Timeline
from tests.core.desk import Desk, only, snap, snapshot
from tests.core.model_store import ModelStore
from tests.core.people import ANA, channel, posted


class Reader(Desk):
    """A desk with a cache of one room, `c1`, that holds these spans; edits have no rows."""

    def __init__(self, *spans: Span, edits: int = 0) -> None:
        self.store = ModelStore()
        self.head = spans[-1][1]
        held = [seq for first, last in spans for seq in range(first, last + 1)]
        events = tuple(posted(seq) for seq in held if not edits or seq % edits)
        self.store.perform(f.SaveEvents("c1", events, self.head, spans))
        summary = RoomSummary(channel(), head_seq=self.head, read_seq=self.head)
        super().__init__(a.Loaded("e1", ANA, (a.StoredRoom(summary, self.head, spans),), ()))
        self.read(e.OpenConversation("c1"))

    @property
    def timeline(self) -> Timeline:
        return self.session.timeline("c1")

    def numbers(self) -> list[int]:
        return [row.seq for row in self.timeline.rows if isinstance(row, Message)]

    def read(self, event: e.Event) -> list[f.Effect]:
        """Do it, and answer what the cache can; what is left."""
        left: list[f.Effect] = []
        asked, told = self.do(event), list(self.changes)
        while asked:
            effect = asked.pop(0)
            if isinstance(effect, f.LoadPage):
                asked += self.do(self.store.page(effect))
                told += self.changes
            elif isinstance(effect, f.SaveEvents):
                self.store.perform(effect)
            else:
                left.append(effect)
        self.changes = told
        return left

    def landed(self) -> list[tuple[int, str]]:
        return [(c.seq, c.key) for c in self.changes if isinstance(c, Jumped)]

    def told(self) -> list[str]:
        return [change.code for change in self.changes if isinstance(change, Noticed)]

    def come_online(self) -> None:
        self.do(a.LinkConnecting(1))
        self.do(a.LinkUp())
        self.read(snapshot(snap(head=self.head, read=self.head)))


def test_a_jump_shows_both_sides_of_a_place_and_nothing_between_it_and_the_end() -> None:
    desk = Reader((1, 10_000))
    assert not desk.read(e.JumpTo("c1", 500))
    assert desk.landed() == [(500, row_key(posted(500).message))]
    assert desk.numbers() == list(range(500 - PAGE + 1, 500 + PAGE + 1))
    assert desk.timeline.detached


def test_a_jump_to_what_is_in_memory_moves_no_row() -> None:
    desk = Reader((1, 10_000))
    before = desk.numbers()
    assert not desk.read(e.JumpTo("c1", 9_950))
    assert desk.landed() == [(9_950, row_key(posted(9_950).message))]
    assert (desk.numbers(), desk.timeline.detached) == (before, False)


def test_a_place_without_a_row_is_the_row_after_it() -> None:
    desk = Reader((1, 3_000), edits=10)
    desk.read(e.JumpTo("c1", 500))
    assert desk.landed() == [(500, row_key(posted(501).message))]


def test_reading_on_from_there_reaches_the_end_and_follows_it_again() -> None:
    desk = Reader((1, 1_000), edits=10)
    desk.read(e.JumpTo("c1", 100))
    own = e.Compose("c1", "hi", "own", desk.now)
    desk.do(own)
    assert "own" not in [row_key(row) for row in desk.timeline.rows]
    assert [message.key for message in desk.timeline.rows.locals] == ["own"]
    turns = 0
    while desk.timeline.detached:
        desk.read(e.ReachedBottom("c1"))
        turns += 1
    assert turns == 5
    assert desk.numbers()[-2:] == [999, 0]
    assert not desk.do(e.ReachedBottom("c1"))
    desk.do(a.Saved("own"))
    last = desk.timeline.rows[-1]
    assert isinstance(last, Message)
    assert (last.key, last.state) == ("own", SendState.QUEUED)


def test_what_is_new_is_held_but_not_shown_far_from_the_end() -> None:
    desk = Reader((1, 1_000))
    desk.come_online()
    desk.read(e.JumpTo("c1", 100))
    before = desk.numbers()
    desk.read(a.LogArrived((posted(1_001), posted(1_002))))
    assert desk.numbers() == before
    assert desk.timeline.cursor == 1_002
    desk.read(e.ShowNewest("c1"))
    assert desk.numbers() == list(range(1_003 - PAGE, 1_003))
    desk.read(a.LogArrived((posted(1_003),)))
    assert desk.numbers()[-1] == 1_003


def test_the_rows_stay_until_the_newest_are_read() -> None:
    desk = Reader((1, 1_000))
    desk.read(e.JumpTo("c1", 100))
    before = desk.numbers()
    (asked,) = desk.do(e.ShowNewest("c1"))
    assert (desk.numbers(), desk.changes) == (before, [])
    assert isinstance(asked, f.LoadPage)
    desk.do(desk.store.page(asked))
    assert desk.numbers()[-1] == 1_000
    assert desk.do(e.ShowNewest("c1")) == []


def test_to_the_top_and_back_only_so_many_rows_are_in_memory() -> None:
    desk = Reader((1, 9_000), edits=7)
    shown = set(desk.numbers())
    while desk.numbers()[0] > 1:
        desk.read(e.ReachedTop("c1"))
        assert len(desk.timeline.rows) <= ROWS_MAX
        assert desk.numbers() == sorted(desk.numbers())
        shown |= set(desk.numbers())
    assert desk.numbers()[0] == 1
    assert shown == {seq for seq in range(1, 9_001) if seq % 7}
    while desk.timeline.detached:
        desk.read(e.ReachedBottom("c1"))
        assert len(desk.timeline.rows) <= ROWS_MAX + PAGE
    assert desk.numbers()[-1] == 9_000


def test_what_is_not_cached_is_asked_of_the_server() -> None:
    desk = Reader((1, 100), (5_000, 6_000))
    desk.come_online()
    (asked,) = only(desk.read(e.JumpTo("c1", 3_000)), f.FetchHistory)
    assert asked.request == ("around", 3_000)
    found = tuple(posted(seq) for seq in range(2_900, 3_100))
    desk.read(a.HistoryArrived("c1", found, 6_000, True, asked.request, (2_900, 3_099)))
    assert desk.landed() == [(3_000, row_key(posted(3_000).message))]
    assert set(range(2_900, 3_100)) <= set(desk.numbers())
    assert Gap(101, 2_899) in desk.timeline.rows


def test_a_place_that_the_server_does_not_have_is_told() -> None:
    desk = Reader((5_000, 6_000))
    desk.come_online()
    desk.read(e.JumpTo("c1", 3_000))
    desk.read(a.HistoryArrived("c1", (), 6_000, False, ("around", 3_000), (0, 0)))
    assert (desk.told(), desk.landed()) == (["jump_missing"], [])


def test_offline_a_place_that_is_not_cached_is_told() -> None:
    desk = Reader((5_000, 6_000))
    assert not desk.read(e.JumpTo("c1", 3_000))
    assert (desk.told(), desk.landed()) == (["jump_offline"], [])


def test_a_refused_request_for_a_place_is_told_and_forgotten() -> None:
    desk = Reader((5_000, 6_000))
    desk.come_online()
    desk.read(e.JumpTo("c1", 3_000))
    desk.read(a.HistoryFailed("c1", "forbidden", False, ("around", 3_000)))
    assert desk.told() == ["history_failed"]


def test_opening_a_room_again_shows_its_end() -> None:
    desk = Reader((1, 1_000))
    desk.read(e.JumpTo("c1", 100))
    desk.read(e.OpenConversation("c1"))
    assert (desk.numbers()[-1], desk.timeline.detached) == (1_000, False)


def test_an_older_page_that_comes_after_a_jump_makes_no_hole() -> None:
    desk = Reader((1, 10_000))
    (late,) = desk.do(e.ReachedTop("c1"))
    desk.read(e.JumpTo("c1", 500))
    assert isinstance(late, f.LoadPage)
    before = desk.numbers()
    desk.do(desk.store.page(late))
    assert desk.numbers() == before


def test_an_edit_of_what_is_not_in_memory_is_there_on_the_way_back() -> None:
    desk = Reader((1, 1_000))
    desk.come_online()
    desk.read(e.JumpTo("c1", 100))
    message = posted(990).message
    edit = MessageEdited("c1", 1_001, 1, ANA, message.server_msg_id, "other words", 1)
    desk.read(a.LogArrived((edit,)))
    assert desk.timeline.message(message.server_msg_id) is None
    desk.read(e.ShowNewest("c1"))
    shown = desk.timeline.message(message.server_msg_id)
    assert shown is not None
    assert shown.text == "other words"


def test_what_comes_while_a_page_is_read_is_no_hole() -> None:
    desk = Reader((1, 1_000))
    desk.come_online()
    for back in (e.ShowNewest("c1"), e.ReachedBottom("c1")):
        desk.read(e.JumpTo("c1", desk.head - PAGE // 2 - 300))
        while desk.timeline.ceiling and desk.timeline.ceiling + PAGE < desk.head:
            desk.read(e.ReachedBottom("c1"))
        (asked,) = only(desk.do(back), f.LoadPage)
        early = desk.store.page(asked)
        desk.head += 1
        desk.read(a.LogArrived((posted(desk.head),)))
        desk.read(early)
        while desk.timeline.detached:
            desk.read(e.ReachedBottom("c1"))
        numbers = desk.numbers()
        assert numbers == list(range(numbers[0], desk.head + 1))


def test_a_page_asked_for_before_the_user_went_to_the_end_leaves_no_hole() -> None:
    desk = Reader((1, 10_000))
    desk.read(e.JumpTo("c1", 500))
    (late,) = only(desk.do(e.ReachedTop("c1")), f.LoadPage)
    desk.read(e.ShowNewest("c1"))
    (wanted,) = only(desk.do(e.ReachedTop("c1")), f.LoadPage)
    assert wanted.before == desk.numbers()[0] > late.before
    desk.read(desk.store.page(late))
    desk.read(desk.store.page(wanted))
    shown = desk.numbers()
    assert shown == list(range(shown[0], 10_001))
    desk.read(e.ReachedTop("c1"))
    assert desk.numbers() == list(range(desk.numbers()[0], 10_001))
    assert desk.numbers()[0] < shown[0]
