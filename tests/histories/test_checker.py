"""The checker finds each broken promise, and none in a good history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.histories.checker import check
from tests.histories.record import Entry, History, Recorder, What, digest_of, merged, parse

ROOM = "r1"


def entry(what: What, **facts: object) -> Entry:
    told = {"at": 0.0, "device": "ana.1", "user": "ana", "room": ROOM, "epoch": "e", **facts}
    return Entry(what, **told)  # type: ignore[arg-type]  # each test names fields that exist


def message(number: int, what: What, **facts: object) -> Entry:
    text = digest_of(f"text {number}")
    return entry(
        what, client_id=f"c{number}", message_id=f"m{number}", seq=number, digest=text, **facts
    )


def composed(number: int) -> Entry:
    return replace(message(number, What.COMPOSED), message_id="", seq=0)


def good() -> list[Entry]:
    """Ana writes two messages; Bruno sees them."""
    entries = [entry(What.STARTED), entry(What.STARTED, device="bruno.1", user="bruno")]
    for number in (1, 2):
        entries += [
            composed(number),
            message(number, What.ACKED),
            message(number, What.SEEN, device="bruno.1"),
        ]
    entries.append(entry(What.HEALED))
    for number in (1, 2):
        entries += [
            message(number, What.TRUTH),
            message(number, What.HELD),
            message(number, What.HELD, device="bruno.1"),
        ]
    return entries


def names(entries: list[Entry], permanent: tuple[str, ...] = ()) -> set[str]:
    return {violation.name for violation in check(History(entries), permanent)}


def without(entries: list[Entry], what: What, number: int, device: str = "") -> list[Entry]:
    """The history without what tells of one message."""
    return [
        one
        for one in entries
        if not (one.what is what and one.seq == number and device in ("", one.device))
    ]


def test_a_good_history_has_no_violation() -> None:
    assert check(History(good())) == []


def test_an_acknowledged_message_that_the_log_lacks_is_a_lost_write() -> None:
    assert "lost write" in names(without(good(), What.TRUTH, 2))


def test_an_acknowledged_message_at_another_place_is_a_lost_write() -> None:
    moved = [
        replace(one, seq=3) if one.what is What.ACKED and one.seq == 2 else one for one in good()
    ]
    assert "lost write" in names(moved)


def test_another_text_in_the_log_is_a_lost_write() -> None:
    changed = [
        replace(one, digest="other") if one.what is What.TRUTH and one.seq == 2 else one
        for one in good()
    ]
    assert "lost write" in names(changed)


def test_a_backup_with_another_epoch_excuses_what_it_lacks() -> None:
    restored = [
        replace(one, epoch="f") if one.what in (What.TRUTH, What.HELD) else one
        for one in without(without(good(), What.TRUTH, 2), What.HELD, 2)
    ]
    assert "lost write" not in names(restored)


def test_a_composed_message_that_is_nowhere_is_lost() -> None:
    assert names([*good(), composed(3)]) == {"lost pending"}


@pytest.mark.parametrize("what", [What.PENDING, What.CANCELLED, What.FAILED])
def test_a_composed_message_that_is_told_of_is_not_lost(what: What) -> None:
    told = entry(what, client_id="c3", note="too_long")
    assert "lost pending" not in names([*good(), composed(3), told], ("too_long",))


def test_a_client_id_twice_in_the_log_is_a_duplicate() -> None:
    again = replace(message(2, What.TRUTH), seq=3, message_id="m3")
    assert "duplicate" in names([*good(), again])


def test_a_message_and_its_pending_twin_on_one_screen_are_a_duplicate() -> None:
    assert "duplicate" in names([*good(), entry(What.PENDING, client_id="c2")])


def test_two_messages_for_one_place_diverge() -> None:
    other = replace(message(2, What.SEEN, device="bruno.1"), message_id="m9")
    assert "divergent seq" in names([*good(), other])


def test_two_places_for_one_message_diverge() -> None:
    other = replace(message(2, What.SEEN, device="bruno.1"), seq=9)
    assert "divergent seq" in names([*good(), other])


def test_a_log_that_is_not_dense_has_a_hole() -> None:
    later = [replace(one, seq=5) if one.seq == 2 else one for one in good()]
    assert names(later) == {"hole"}


def test_a_device_that_lacks_a_message_has_a_hole() -> None:
    third = [composed(3), *(message(3, what) for what in (What.ACKED, What.TRUTH, What.HELD))]
    entries = [*good(), *third, message(3, What.HELD, device="bruno.1")]
    assert names(entries) == set()
    lacking = [one for one in entries if not (one.what in (What.SEEN, What.HELD) and one.seq == 2)]
    assert names(lacking) == {"hole"}
    gaps = [entry(What.GAP, device=one, seq=2, until=2) for one in ("ana.1", "bruno.1")]
    assert names([*lacking, *gaps]) == set()


def test_the_order_of_composing_is_the_order_of_the_log() -> None:
    entries = good()
    first, second = (entries.index(composed(number)) for number in (1, 2))
    entries[first], entries[second] = entries[second], entries[first]
    assert names(entries) == {"order inversion"}


def test_what_was_shown_as_failed_may_come_later() -> None:
    entries = good()
    first, second = (entries.index(composed(number)) for number in (1, 2))
    entries[first], entries[second] = entries[second], entries[first]
    failed = entry(What.FAILED, client_id="c2", note="offline")
    assert names([*entries[:3], failed, *entries[3:]]) == set()


def test_what_was_shown_and_is_gone_is_a_non_monotonic_view() -> None:
    assert "non-monotonic view" in names(without(good(), What.HELD, 2, "bruno.1"))


def test_what_was_forgotten_may_be_gone() -> None:
    entries = without(good(), What.HELD, 2, "bruno.1")
    forgot = entry(What.FORGOT, device="bruno.1")
    assert "non-monotonic view" not in names([*entries, forgot])


def test_a_read_mark_never_goes_back() -> None:
    marks = [entry(What.MARK, seq=2), entry(What.MARK, seq=1)]
    assert names([*good(), *marks]) == {"non-monotonic view"}
    assert names([*good(), *reversed(marks)]) == set()


def test_a_message_that_nobody_composed_is_a_ghost() -> None:
    third = [message(3, what, device=one) for what in (What.TRUTH,) for one in ("ana.1",)]
    held = [message(3, What.HELD, device=one) for one in ("ana.1", "bruno.1")]
    assert names([*good(), *third, *held]) == {"ghost"}


def test_a_held_message_that_the_log_lacks_is_a_ghost() -> None:
    assert "ghost" in names([*good(), message(3, What.HELD)])


def test_a_message_told_to_have_failed_and_stored_is_a_ghost() -> None:
    failed = entry(What.FAILED, client_id="c2", note="too_long")
    assert names([*good(), failed], ("too_long",)) == {"ghost"}


def test_a_cancelled_message_is_stored_nowhere() -> None:
    assert "aborted read" in names([*good(), entry(What.CANCELLED, client_id="c2")])


def test_after_removal_nothing_arrives() -> None:
    removed = entry(What.REMOVED, device="", user="bruno", seq=1)
    assert names([*good(), removed]) == {"stale-member read"}
    back = entry(What.JOINED, device="", user="bruno", seq=3)
    assert names([*good(), removed, back]) == set()


def test_a_request_without_an_answer_is_told() -> None:
    asked = entry(What.ASKED, request="1")
    assert names([*good(), asked]) == {"unanswered event"}
    assert names([*good(), asked, entry(What.ANSWERED, request="1")]) == set()
    assert names([*good(), asked, entry(What.OFFLINE)]) == set()
    twice = [entry(What.ANSWERED, request="1")] * 2
    assert names([*good(), asked, *twice]) == {"unanswered event"}


def test_pending_on_a_healthy_path_is_stuck() -> None:
    assert names([*good(), composed(3), entry(What.PENDING, client_id="c3")]) == {"stuck"}


def test_giving_up_for_a_reason_that_passes_is_stuck() -> None:
    failed = [composed(3), entry(What.FAILED, client_id="c3", note="busy")]
    assert names([*good(), *failed]) == {"stuck"}
    assert names([*good(), *failed], ("busy",)) == set()


def test_a_history_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "ana.jsonl")
    for one in good():
        recorder.add(one)
    recorder.close()
    assert merged([tmp_path / "ana.jsonl"]).entries == good()


def test_histories_are_merged_by_time_and_keep_their_own_order(tmp_path: Path) -> None:
    ana = [replace(composed(1), at=1.0), replace(composed(2), at=5.0), replace(composed(3), at=4.0)]
    bruno = [replace(composed(4), at=2.0)]
    History(ana).save(tmp_path / "ana.jsonl")
    History(bruno).save(tmp_path / "bruno.jsonl")
    order = [one.client_id for one in merged(tmp_path.glob("*.jsonl"))]
    assert order == ["c1", "c4", "c2", "c3"]


def test_what_is_no_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="no entry"):
        parse('{"what":"seen","at":1,"colour":"red"}')
