"""A segment's file written anew: comments stay, the document is what was given."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dmp.segments.rewriting import rewritten
from dmp.segments.source import load, written

FILE = """\
# Asked for by the June campaign.

segment: shoppers
# As the shop calls them.
name: Shoppers
tags: [shop]  # one so far
rule:
  all:
    # Whoever paid.
    - {attribute: order_count, op: gte, value: 1}
"""
DOCUMENT: Any = load(FILE, "file")


def test_what_is_not_changed_stays_as_it_was_written() -> None:
    assert rewritten(FILE, DOCUMENT) == FILE
    made = rewritten(FILE, {**DOCUMENT, "name": "Buyers", "folder": "shop/june"})
    assert made == FILE.replace("Shoppers", "Buyers") + "folder: shop/june\n"


def test_a_changed_rule_keeps_the_comments_above_it_and_elsewhere() -> None:
    rule = {"attribute": "order_count", "op": "gte", "value": 2}
    made = rewritten(FILE, {**DOCUMENT, "rule": rule})
    assert "June campaign" in made and "As the shop" in made and "one so far" in made
    assert load(made, "file") == {**DOCUMENT, "rule": rule}


def test_a_key_that_is_gone_takes_its_comment_along() -> None:
    made = rewritten(FILE, {k: v for k, v in DOCUMENT.items() if k != "name"})
    assert "As the shop" not in made and "June campaign" in made


# Files of rules refuse a zero byte, and so does the form that writes them.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(st.text("ab#: ", min_size=1, max_size=4), one, max_size=3)
    ),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["segment", "name", "tags", "rule", "folder"]), VALUES, min_size=1
)


@given(DOCUMENTS, DOCUMENTS, st.text("\n #a:-", max_size=12))
def test_what_is_written_reads_as_the_document(
    before: dict[str, Any], after: dict[str, Any], more: str
) -> None:
    for text in (written(before), written(before) + more, more + written(before), more):
        assert load(rewritten(text, after), "file") == after
