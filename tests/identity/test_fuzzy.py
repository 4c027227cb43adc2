from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from made_up_people import KEY, People

from dmp.core.errors import UsageError
from dmp.flows.resolve import current_model, identity_settings, linkage_key
from dmp.flows.similar import SimilarPeople, find_similar
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.fuzzy import FuzzyLookup
from dmp.identity.linkage import stage_scored_pairs
from dmp.identity.records import clear_fields, stage_linkage_records

pytestmark = pytest.mark.slow

_RECORDS = """
select subject_id, load_id from core.record
where source in ('crm', 'shop', 'web') order by hash(subject_id) limit 50
"""


@pytest.fixture(scope="module")
def service(resolved_sample: Workspace) -> SimilarPeople:
    return SimilarPeople.open(resolved_sample)


@pytest.fixture(scope="module")
def known(service: SimilarPeople) -> dict[int, dict[str, str | None]]:
    """Clear values of some records of the sample."""
    workspace = service.workspace
    rows = workspace.lake.sql(_RECORDS).to_arrow_table()
    fields = clear_fields(service.lookup.settings)
    clear = workspace.vault.read(rows, fields).to_pylist()
    return {row.pop("subject_id"): {f: row[f] for f in fields} for row in clear}


@pytest.fixture(scope="module")
def scored(service: SimilarPeople) -> Iterator[dict[int, dict[int, float]]]:
    """What Splink gives every pair that the blocking rules bring together."""
    workspace = service.workspace
    settings = identity_settings(workspace)
    model = current_model(workspace, settings)
    assert model and settings.linkage
    stage_linkage_records(workspace.lake, workspace.vault, settings.linkage)
    key = linkage_key(workspace)
    stage_scored_pairs(workspace.lake, model, settings.linkage, key)
    found: dict[int, dict[int, float]] = {}
    for left, right, weight in workspace.lake.rows(
        "select subject_id_l, subject_id_r, match_weight from scored_pair"
    ):
        found.setdefault(left, {})[right] = weight
        found.setdefault(right, {})[left] = weight
    yield found


def test_each_pair_weighs_what_splink_gives_it(
    service: SimilarPeople,
    known: dict[int, dict[str, str | None]],
    scored: dict[int, dict[int, float]],
) -> None:
    records = service.lookup.records
    alone = records.column("subject_id").cast(pa.string())
    place = records.column_names.index("profile_id")
    each = replace(
        service.lookup, records=records.set_column(place, "profile_id", alone)
    )
    compared = 0
    for subject, values in known.items():
        answer = each.similar(values, most=100_000)
        found = {one.subject_id: one.match_weight for one in answer.similar}
        found.pop(subject, None)
        assert found == pytest.approx(scored.get(subject, {}), abs=1e-9)
        compared += len(found)
    assert compared > 60


def test_a_person_is_found_by_values_as_typed_and_only_counts_are_logged(
    service: SimilarPeople, known: dict[int, dict[str, str | None]]
) -> None:
    subject, values = next(
        (s, v)
        for s, v in known.items()
        if v["first_name"] and v["email"] and v["phone"]
    )
    asked = {
        "first_name": f" {values['first_name']}".upper(),
        "last_name": f"{values['last_name']}",
        "email": f"{values['email']}".upper(),
        "phone": f"{values['phone']}",
    }
    best = service.find(asked).similar[0]
    profile = service.workspace.lake.value(
        "select profile_id from identity.assignment join identity.profile "
        "using (profile_key) where subject_id = $s and valid_to is null",
        s=subject,
    )
    assert best.profile_id == profile
    assert best.match_probability > 0.99
    log = (service.workspace.paths.audit / "log.jsonl").read_text()
    last = json.loads(log.splitlines()[-1])
    assert last["action"] == "identity.similar"
    assert last["detail"]["fields"] == sorted(asked)
    assert str(values["email"]).lower() not in log.lower()


def test_the_look_up_says_its_size_and_when_it_is_old(service: SimilarPeople) -> None:
    lookup = service.lookup
    assert lookup.size_bytes > 100 * len(lookup.records)
    assert lookup.read_s > 0
    assert lookup.is_current()
    assert not replace(lookup, state=()).is_current()


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([], "nothing was asked"),
        (["last_name"], "line 1 of what was asked lacks"),
        (["May 43"], "1 of the fields asked are not compared.*last_name"),
        (["birth_date the first of May"], "birth_date: cannot be read"),
    ],
)
def test_a_wrong_question_is_named_without_its_value(
    service: SimilarPeople, lines: list[str], word: str
) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        find_similar(service.workspace, lines)
    assert "May" not in str(caught.value)


def test_nobody_is_near_a_stranger(service: SimilarPeople) -> None:
    answer = service.find({"email": "nobody.at.all@example.com"})
    assert (answer.similar, answer.compared) == ((), 0)


def test_without_a_model_nothing_is_compared(people: People, tmp_path: Path) -> None:
    basis = Basis(people.settings, None, KEY)
    with pytest.raises(UsageError, match="dmp train"):
        FuzzyLookup.read(people.lake, people.vault, basis)
