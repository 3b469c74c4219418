from __future__ import annotations

import pytest

from talkbot_tui.bots.speech import language_of, understand, without_mention


@pytest.mark.parametrize(
    ("text", "command", "rest"),
    [
        ("help", "help", ""),
        ("Ajuda!", "help", ""),
        ("?", "help", ""),
        ("/help", "help", ""),
        ("search the release notes", "search", "the release notes"),
        ("Buscar notas da versão", "search", "notas da versão"),
        ("catch up", "catchup", ""),
        ("resumo", "catchup", ""),
        ("o que perdi?", "catchup", ""),
        ("lembre-me em 10m tomar café", "remind", "em 10m tomar café"),
        ("roll 2d6", "roll", "2d6"),
        ("Role 2d6", "roll", "2d6"),
        ("hora?", "time", ""),
        ("Que horas são?", "time", ""),
        ("what time is it?", "time", ""),
        ("enquete “A?” b c", "poll", "“A?” b c"),
        ("what time is it now?", "time", ""),
        ("what time is it!", "time", ""),
        ("Que horas são agora?", "time", ""),
        ("que horas são em Lisboa?", "time", "em Lisboa"),
        ("que horas sa\u0303o?", "time", ""),
        ("catch upstairs", "", "upstairs"),
        ("catch  up", "catchup", ""),
        ("catch me up", "catchup", ""),
        ("Me lembre em 10m de ligar.", "remind", "em 10m de ligar."),
        ("me lembra daqui a 2h: chá?", "remind", "daqui a 2h: chá?"),
        ("search\nrelease notes", "search", "release notes"),
        ("remind me in 10m one\ntwo", "remind", "me in 10m one\ntwo"),
        ("what is love?", "", "is love?"),
        ("", "", ""),
    ],
)
def test_a_command_is_understood_in_both_languages(text: str, command: str, rest: str) -> None:
    said = understand(text)
    assert (said.command, said.rest) == (command, rest)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("@talkbot help", "help"),
        ("@TalkBot, help", "help"),
        ("could you help, @talkbot?", "could you help,"),
        ("hey @talkbot roll 2d6", "roll 2d6"),
        ("mail@talkbot.org help", "mail@talkbot.org help"),
        ("@talkbots help", "@talkbots help"),
    ],
)
def test_the_bots_name_is_taken_away(text: str, left: str) -> None:
    assert without_mention(text, "talkbot") == left


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("what can you do for me?", "en"),
        ("o que você sabe fazer?", "pt_BR"),
        ("bom dia", "pt_BR"),
        ("remind me in 10m", "en"),
        ("lembre-me em 10m", "pt_BR"),
        ("reunião", "pt_BR"),
        ('poll "Where?" a b c d e', "en"),
        ("search onde", "en"),
        ("lembre-me", "pt_BR"),
        ("role 2d6", "pt_BR"),
        ("xyz 123", "default"),
        ("", "default"),
    ],
)
def test_the_language_is_that_of_the_words(text: str, language: str) -> None:
    assert language_of(text, "default") == language
