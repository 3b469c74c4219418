from __future__ import annotations

import pytest

from talkbot_tui import i18n


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "pt_BR.UTF-8"}, "pt_BR"),
        ({"LANG": "pt_PT"}, "pt_BR"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US", "LC_MESSAGES": "pt_BR"}, "pt_BR"),
        ({"LC_ALL": "", "LANG": "pt"}, "pt_BR"),
        ({"LANGUAGE": "pt:en", "LC_ALL": "en_US"}, "pt_BR"),
        ({"LANGUAGE": "en:pt", "LANG": "pt_BR"}, "en"),
    ],
)
def test_the_environment_decides_in_order(environ: dict[str, str], language: str) -> None:
    assert i18n.detect(environ) == language


def test_a_text_without_translation_is_itself() -> None:
    domain = i18n.Domain("app")
    assert domain.translate("pt_BR", "no such text 5f1") == "no such text 5f1"
    assert domain.translate_plural("pt_BR", "one zq", "many zq", 2) == "many zq"
