"""Every row of the table of bad inputs has cases here, a test elsewhere, or a reason."""

from __future__ import annotations

from tests.corpus.rows import FOLDER, load
from tests.test_guarantees import defined

TABLE = {"P": 40, "H": 17, "C": 12, "T": 22, "S": 5, "K": 1, "R": 6, "B": 3}
WANTED = {f"{kind}{number}" for kind, most in TABLE.items() for number in range(1, most + 1)}
ELSEWHERE = load("elsewhere.jsonl")


def test_every_row_of_the_table_is_answered() -> None:
    files = [path.name for path in FOLDER.glob("*.jsonl")]
    answered = {row.id.partition(".")[0] for name in files for row in load(name)}
    assert len(WANTED) == 106
    assert WANTED - answered == set()


def test_what_is_tested_elsewhere_is_tested() -> None:
    for row in ELSEWHERE:
        file, _, test = row.where.partition("::")
        assert row.expect == ("elsewhere" if test else "no case",)
        assert not test or test in defined(file), row
