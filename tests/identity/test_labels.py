from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_people import BEGIN, People

from dmp.core.errors import UnknownName, UsageError
from dmp.core.sql import sql
from dmp.identity import labels
from dmp.identity.agreement import agreement, agreements
from dmp.identity.label_files import read_label_file, write_label_file
from dmp.identity.labels import AGREED, Judgement, Verdict
from dmp.privacy import PseudonymKey
from dmp.privacy.pseudonyms import subject_id_sql
from dmp.storage.lake import Lake

KEY = PseudonymKey(1, bytes(range(32)))


def say(lake: Lake, reviewer: str, left: int, right: int, verdict: Verdict) -> str:
    say.hours += 1  # type: ignore[attr-defined]
    at = BEGIN + timedelta(hours=say.hours)  # type: ignore[attr-defined]
    (label,) = labels.give(
        lake, [Judgement(left, right, verdict)], reviewer=reviewer, now=at
    )
    return label.label_id


say.hours = 0  # type: ignore[attr-defined]


def back(lake: Lake, reviewer: str, label_id: str) -> None:
    say.hours += 1  # type: ignore[attr-defined]
    at = BEGIN + timedelta(hours=say.hours)  # type: ignore[attr-defined]
    labels.take_back(lake, label_id, reviewer=reviewer, now=at)


def said(lake: Lake) -> list[tuple[str, str]]:
    return sorted((each.reviewer, each.verdict) for each in labels.labels(lake))


def test_the_newest_word_of_a_reviewer_counts_until_it_is_taken_back(
    lake: Lake,
) -> None:
    say(lake, "u_1", 1, 2, "match")
    later = say(lake, "u_1", 1, 2, "no_match")
    say(lake, "u_2", 1, 2, "unsure")
    assert said(lake) == [("u_1", "no_match"), ("u_2", "unsure")]
    back(lake, "u_1", later)
    assert said(lake) == [("u_1", "match"), ("u_2", "unsure")]
    with pytest.raises(UnknownName, match=later):
        back(lake, "u_1", later)
    assert lake.value("select count(*) from identity.label") == 4


def test_only_who_gave_a_label_takes_it_back(lake: Lake) -> None:
    mine = say(lake, "u_1", 1, 2, "match")
    with pytest.raises(UsageError, match="given by u_1"):
        back(lake, "u_2", mine)
    assert said(lake) == [("u_1", "match")]


def test_most_reviewers_decide_and_ties_are_left_out(lake: Lake) -> None:
    for reviewer, verdict in (("a", "match"), ("b", "match"), ("c", "no_match")):
        say(lake, reviewer, 1, 2, verdict)  # type: ignore[arg-type]
    say(lake, "a", 3, 4, "match")
    say(lake, "b", 3, 4, "no_match")
    say(lake, "a", 5, 6, "unsure")
    assert lake.rows(sql("from ({agreed})", agreed=AGREED)) == [(1, 2, True)]


def test_agreement_is_counted_over_what_both_judged(lake: Lake) -> None:
    verdicts: list[Verdict] = ["match", "match", "no_match", "no_match", "unsure"]
    others: list[Verdict] = ["match", "no_match", "no_match", "no_match", "unsure"]
    for n, (one, other) in enumerate(zip(verdicts, others, strict=True)):
        say(lake, "u_1", n, 100 + n, one)
        say(lake, "u_2", n, 100 + n, other)
    say(lake, "u_1", 50, 60, "match")
    (found,) = agreements(lake)
    assert (found.pairs, found.agreed) == (5, 4)
    chance = (2 * 1 + 2 * 3 + 1 * 1) / 25
    assert found.kappa == pytest.approx((0.8 - chance) / (1 - chance))
    assert found.interval is not None
    assert found.interval[0] < found.kappa <= found.interval[1]
    assert found.counts == ((1, 1, 0), (0, 2, 0), (0, 0, 1))


def test_kappa_is_not_told_where_chance_alone_agrees() -> None:
    alone = agreement("a", "b", np.diag([7, 0, 0]))
    assert (alone.kappa, alone.interval, alone.agreed) == (None, None, 7)


@given(st.lists(st.integers(0, 40), min_size=9, max_size=9))
def test_kappa_is_symmetric_and_at_most_one(cells: list[int]) -> None:
    counts = np.array(cells).reshape(3, 3)
    if not counts.sum():
        return
    one, other = agreement("a", "b", counts), agreement("b", "a", counts.T)
    assert (one.kappa is None) == (other.kappa is None)
    if one.kappa is not None and other.kappa is not None:
        assert one.kappa == pytest.approx(other.kappa)
        assert -1 <= one.kappa <= 1


FORMS = {
    "ours": "subject_id_l,subject_id_r,match\n1,2,1\n2,3,0\n1,3,unsure\n3,4,\n",
    "link": "record_id_l,record_id_r,match,name_l\n2,1,yes,Jo\n3,2,no,Jo\n"
    "1,3,?,\n4,3,,\n",
    "splink": "unique_id_l,unique_id_r,clerical_match_score\n1,2,0.95\n2,3,0.1\n"
    "1,3,0.5\n3,4,\n",
}


def test_every_form_of_file_says_the_same(people: People, tmp_path: Path) -> None:
    people.add(1, 2, 3, 4)
    path = tmp_path / "labels.csv"
    for form, text in FORMS.items():
        path.write_text(text)
        found = read_label_file(people.lake, path, KEY)
        assert found.judgements == (
            Judgement(1, 2, "match"),
            Judgement(1, 3, "unsure"),
            Judgement(2, 3, "no_match"),
        ), form
        assert (found.rows, found.unanswered, found.unknown) == (4, 1, 0)


def test_ids_of_sources_become_their_subjects(people: People, tmp_path: Path) -> None:
    lake = people.lake
    keys = ("=A-1", "B", "C")
    ids = [
        lake.value(
            sql(
                "select {id}",
                id=subject_id_sql(KEY, "crm", sql("'record:' || $k", k=key)),
            )
        )
        for key in keys
    ]
    people.add(*ids)
    path = tmp_path / "pairs.csv"
    path.write_text("record_id_l,record_id_r,match\n'=A-1,B,1\nB,C,0\nB,Z,1\n")
    found = read_label_file(lake, path, KEY, source="crm")
    verdicts = {
        frozenset((j.subject_id_l, j.subject_id_r)): j.verdict for j in found.judgements
    }
    assert verdicts == {
        frozenset(ids[:2]): "match",
        frozenset(ids[1:]): "no_match",
    }
    assert found.unknown == 1
    with_sources = tmp_path / "splink.csv"
    with_sources.write_text(
        "source_dataset_l,unique_id_l,source_dataset_r,unique_id_r,"
        "clerical_match_score\ncrm,B,crm,C,1\n"
    )
    (judged,) = read_label_file(lake, with_sources, KEY).judgements
    assert judged.verdict == "match"


WRONG = [
    ("a,b\n1,2\n", "no labels by its columns"),
    ("unique_id_l,unique_id_r\n1,2\n", "no labels by its columns"),
    ("unique_id_l,unique_id_r,match\n1,2,1\n1,3,maybe\n", "first in row 3"),
    ("unique_id_l,unique_id_r,clerical_match_score\n1,2,7\n", "cannot be read"),
    ("unique_id_l,unique_id_r,match\n8,9,1\n", "--source"),
    ("unique_id_l,unique_id_r,match\n1,2,1\n1;3\n1,3,1\n", "line 3: the header has"),
    ('[{"unique_id_l": 1}]', "is JSON"),
    ("PK\x03\x04", "a zip archive or a workbook"),
]


def test_a_wrong_file_is_refused_by_what_is_wrong(
    people: People, tmp_path: Path
) -> None:
    people.add(1, 2, 3)
    path = tmp_path / "labels.csv"
    for text, words in WRONG:
        path.write_text(text)
        with pytest.raises(UsageError, match=words):
            read_label_file(people.lake, path, KEY)


def test_pairs_judged_both_ways_are_left_out(people: People, tmp_path: Path) -> None:
    people.add(1, 2, 3)
    path = tmp_path / "labels.csv"
    path.write_text("subject_id_l,subject_id_r,match\n1,2,1\n2,1,0\n1,3,1\n3,3,0\n")
    found = read_label_file(people.lake, path, KEY)
    assert found.judgements == (Judgement(1, 3, "match"),)
    assert found.contradicting == 2


def test_what_was_written_is_read_again(people: People, tmp_path: Path) -> None:
    people.add(1, 2, 3)
    say(people.lake, "u_1", 1, 2, "match")
    say(people.lake, "u_1", 2, 3, "unsure")
    path = tmp_path / "out.csv"
    assert write_label_file(people.lake, path) == 2
    found = read_label_file(people.lake, path, KEY)
    assert [each.verdict for each in found.judgements] == ["match", "unsure"]
    with pytest.raises(UsageError, match="no such folder"):
        write_label_file(people.lake, tmp_path / "absent" / "out.csv")
