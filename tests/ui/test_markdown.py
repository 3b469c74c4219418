from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkbot_tui.ui.ink import width_of
from talkbot_tui.ui.markdown import inline, links_in, plain, real_host, render, safe_link


def styled(text: str) -> list[tuple[str, str]]:
    return [(span.text, span.style) for span in inline(text, "davi")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a **b** c", [("a ", ""), ("b", "bold"), (" c", "")]),
        ("*b* _c_", [("b", "italic"), (" ", ""), ("c", "italic")]),
        ("2*3*4 snake_case_name", [("2*3*4 snake_case_name", "")]),
        ("** no ** and *no", [("** no ** and *no", "")]),
        ("`a*b*`", [("`a*b*`", "code")]),
        ("@davi a@b", [("@davi", "mention bold reverse"), (" a@b", "")]),
        ("@ana", [("@ana", "mention")]),
        ("[x](javascript:alert(1))", [("[x](javascript:alert(1))", "")]),
    ],
)  # fmt: skip
def test_marks(text: str, wanted: list[tuple[str, str]]) -> None:
    assert styled(text) == wanted


def test_a_link_with_other_words_shows_where_it_leads() -> None:
    spans = inline("see [your bank](https://evil.example/x) now")
    assert [span.text for span in spans] == ["see ", "your bank", " (evil.example)", " now"]
    assert spans[1].link == "https://evil.example/x"


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://bank.example@evil.example/x", "evil.example"),
        ("https://user:pw@evil.example:8443/", "evil.example:8443"),
        ("https://bаnk.example/", "xn--bnk-6cd.example"),
    ],
)
def test_a_link_that_looks_as_if_it_led_elsewhere_shows_its_host(link: str, host: str) -> None:
    assert real_host(safe_link(link)) == host
    assert [span.text for span in inline(link)] == [link, f" ({host})"]
    assert inline(f"[click]({link})")[1].text == f" ({host})"


def test_the_links_of_a_message_are_those_of_its_prose_each_once() -> None:
    text = (
        "https://a.example [b](mailto:b@c.example) https://a.example\n```\nhttp://no.example\n```"
    )
    assert links_in(text) == ["https://a.example", "mailto:b@c.example"]
    assert real_host("mailto:b@c.example") == "b@c.example"


def test_a_bare_link_ends_before_the_full_stop() -> None:
    spans = inline("see https://a.example/b.")
    assert [(span.text, span.link) for span in spans] == [
        ("see ", ""),
        ("https://a.example/b", "https://a.example/b"),
        (".", ""),
    ]


@pytest.mark.parametrize(
    ("target", "link"),
    [
        ("https://a.example/ç", "https://a.example/%C3%A7"),
        ("https://пример.example/x", "https://xn--e1afmkfd.example/x"),
        ("https://" + "é" * 80 + ".example/", ""),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("file:///etc/passwd", ""),
        ("javascript:x", ""),
        ("https:", ""),
        ("http://[", ""),
    ],
)
def test_only_safe_targets_are_links(target: str, link: str) -> None:
    assert safe_link(target) == link


@given(st.text())
def test_a_link_never_carries_a_control_character(target: str) -> None:
    link = safe_link("https://" + target)
    assert link.isascii()
    assert not link or link.isprintable()


def test_a_fence_is_code_until_it_closes_or_the_text_ends() -> None:
    lines = render("a\n```python\n*x*\n```\nb\n~~~\ny", 20)
    assert ["".join(span.text for span in line) for line in lines] == ["a", "│ *x*", "b", "│ y"]
    assert lines[1][1].style == "code"


@given(st.text(st.sampled_from("ab *_`[]()@~\nhttps://漢")), st.integers(4, 20))
def test_any_text_fits(text: str, width: int) -> None:
    assert all(width_of(line) <= width for line in render(text, width))


def test_plain_leaves_the_words() -> None:
    assert plain("**a** `b` *c*") == "a `b` c"
