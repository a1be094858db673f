"""The check of a page's markup notices what it is there for."""

from __future__ import annotations

import pytest

from tests.portal.page_shape import check_shape

GOOD = '<main><h1 id="a">Title</h1><section aria-labelledby="b"><h2 id="b">Part</h2><h3>More</h3><br></section></main>'


def test_a_good_page_passes() -> None:
    check_shape(GOOD)


@pytest.mark.parametrize(
    ("was", "is_", "said"),
    [
        ("<h1", "<h2", "titles|h1|mismatched"),
        ("<h2 id", "<h3 id", "mismatched|from h1"),
        ('<h2 id="b">Part</h2>', '<h3 id="b">Part</h3>', "from h1"),
        ("<main>", "<main><h2>Before</h2>", "before the title"),
        ("<main>", "<main><h1>Two</h1>", "2 titles"),
        ("<h3>More</h3>", "<h3><span></span></h3>", "without words"),
        ('aria-labelledby="b"', 'aria-labelledby="c"', "leads nowhere"),
        ('id="b"', 'id="a"', "given twice"),
        ("More", "More {n}", "unfilled"),
        ("</section>", "", "mismatched"),
    ],
)
def test_a_bad_page_does_not(was: str, is_: str, said: str) -> None:
    with pytest.raises((AssertionError, SyntaxError), match=said):
        check_shape(GOOD.replace(was, is_))
