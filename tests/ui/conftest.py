"""Every test chooses its language and leaves English behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from talkbot_tui import i18n


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    i18n.set_language(i18n.ENGLISH)
    yield
    i18n.set_language(i18n.ENGLISH)


@pytest.fixture(params=i18n.LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    i18n.set_language(chosen)
    return chosen
