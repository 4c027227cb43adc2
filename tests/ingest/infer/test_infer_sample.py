"""The committed sample by contracts inferred from it, beside those shipped with it."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sample_workspace import SAMPLE, SOURCES, land_sample, open_at

from dmp.core.errors import UsageError
from dmp.flows.ingest import ingest
from dmp.flows.sources import infer_source, write_contract
from dmp.flows.workspace import Workspace

pytestmark = pytest.mark.slow

REFUSED = pd.read_parquet(SAMPLE / "truth" / "refused.parquet")
DROPPED = {"DOB", "quantity", "email_sha256"}
"""Faults that cost the value and not the row: an inferred contract loads the rest."""


def files_of(source: str) -> list[Path]:
    return sorted((SAMPLE / source).iterdir())


@pytest.fixture(scope="module")
def inferred_sample(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    home = tmp_path_factory.mktemp("inferred") / "workspace"
    land_sample(home)
    shutil.rmtree(home / "config" / "sources")
    (home / "config" / "sources").mkdir()
    with open_at(home) as workspace:
        for source in SOURCES:
            drafted = infer_source(workspace, files_of(source), name=source)
            write_contract(workspace, drafted, None)
            ingest(workspace, source)
        yield workspace


@pytest.mark.parametrize("source", SOURCES)
def test_all_rows_load_but_those_without_a_key_or_time(
    inferred_sample: Workspace, source: str
) -> None:
    found = inferred_sample.lake.rows(
        "select distinct source || '/' || file_name, line from raw.refused "
        "where action = 'refused' and source = $source",
        source=source,
    )
    truth = REFUSED[(REFUSED.source == source) & ~REFUSED.field.isin(DROPPED)]
    assert set(found) == set(zip(truth.file, truth.line, strict=True))


COUNTED = {
    "rows": "select source, sum(rows_read)::bigint from ops.load group by 1",
    "subjects": "select source || ' ' || kind, count(*) from identity.subject "
    "group by 1",
    "events": "select source || ' ' || min(occurred_at) || ' ' || max(occurred_at), "
    "count(*) from core.event group by source",
    "purchases": "select source, count(*) from core.transaction group by 1",
    "e-mails": "select source || ' ' || encoding, count(distinct token) from "
    "identity.identifier where type = 'email' group by source, encoding",
    "phones": "select source, count(distinct token) from identity.identifier "
    "where type = 'phone' group by 1",
    "accounts": "select source, count(distinct token) from identity.identifier "
    "where type = 'account_id' group by 1",
    "consent": "select concat_ws(' ', source, purpose, status), count(*) "
    "from privacy.consent group by 1",
}
RESCUED: dict[str, dict[str, int]] = {
    "subjects": {"crm record": 1, "partner record": 2},
    "purchases": {"shop": 3},
    "consent": {"crm advertising granted": 1, "partner advertising denied": 1},
}
"""What the six rows add that lose a value here and are refused as shipped."""


@pytest.mark.parametrize("what", COUNTED)
def test_counts_are_those_of_the_shipped_contracts(
    loaded_sample: Workspace, inferred_sample: Workspace, what: str
) -> None:
    shipped = Counter(dict(loaded_sample.lake.rows(COUNTED[what])))
    inferred = Counter(dict(inferred_sample.lake.rows(COUNTED[what])))
    assert shipped
    assert inferred == shipped + Counter(RESCUED.get(what, {}))


def test_no_value_of_anybody_is_in_a_draft(inferred_sample: Workspace) -> None:
    folder = inferred_sample.paths.config / "sources"
    drafts = "".join(path.read_text() for path in folder.glob("*.yaml"))
    people = pd.read_parquet(SAMPLE / "truth" / "people.parquet")
    assert not re.search(r"\S@\w|\d{5}", drafts)
    for column in ("mobile", "landline", "address", "postcode"):
        assert not any(value in drafts for value in people[column].dropna() if value)


def test_a_contract_is_never_overwritten(inferred_sample: Workspace) -> None:
    kept = inferred_sample.paths.config / "sources" / "crm.yaml"
    before = kept.read_text()
    drafted = infer_source(inferred_sample, files_of("crm"), name="crm")
    with pytest.raises(UsageError, match="is there already"):
        write_contract(inferred_sample, drafted, None)
    assert kept.read_text() == before


def test_a_draft_names_the_folder_of_files_in_the_workspace(
    inferred_sample: Workspace,
) -> None:
    landed = inferred_sample.paths.data / "landing" / "crm"
    drafted = infer_source(inferred_sample, sorted(landed.iterdir()))
    assert drafted.contract.source == "crm"
    assert drafted.contract.connector.path == "data/landing/crm/*.csv"


def test_names_keep_the_type_that_other_sources_give_them(
    inferred_sample: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "surveys.csv"
    file.write_text("id,loyalty_tier\n1,7\n2,8\n")
    drafted = infer_source(inferred_sample, [file])
    assert [*drafted.contract.fields] == ["surveys_loyalty_tier"]
