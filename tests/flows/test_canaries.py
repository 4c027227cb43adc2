"""After the whole job no file, log or screen shows what was planted.

What is promised, and no more (docs/guides/privacy.md):

- a field that a contract declares `direct` is in the lake as a keyed pseudonym alone,
  whatever it holds; in the vault encrypted, or nowhere;
- a field that no contract declares is stored nowhere, at any depth;
- in other declared text, e-mail addresses, phone numbers with a country or in a usual
  national form, card numbers, IBANs and IP addresses are masked; query strings and
  fragments are cut off paths. A name in such a text is not recognised;
- a refused row is readable only with the key of its day; in clear are its place, the
  reason and the shape of the value;
- names of files and of undeclared fields pass the same detectors; a JSON key with a
  space or many digits, and a header that looks like data, are shown by shape or place;
- errors of ours carry no value; of errors that a notebook of one's own raises, and of
  what it prints, the same kinds are masked. A name in such a text is not recognised.

Exports are left to their purpose: hashed addresses of consented people are in them.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import nbformat
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from canaries import CANARIES, FILE, headerless, plant
from decoded_search import Found, decoded, haystack, search
from nbformat.v4 import new_code_cell, new_notebook
from whole_job import Desk, sample_workspace

from dmp.core.sql import sql
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate
from dmp.storage.write import append, commit

pytestmark = pytest.mark.slow

OF_A_LATER_RUN = {
    "first row for a header",
    "e-mail for a header",
    "e-mail in an error",
    "phone in an error",
}
SEARCH = Path(__file__).with_name("decoded_search.py")


def write_failing_notebook(home: Path) -> None:
    parts = [CANARIES["e-mail in an error"], CANARIES["phone in an error"]]
    (home / "secret.json").write_text(json.dumps(parts))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cell = "import json\nfrom pathlib import Path\nread = json.loads(Path("
    cell += "'secret.json').read_text())\nprint(read)\nraise ValueError(*read)"
    cells = [new_code_cell("", metadata={"tags": ["parameters"]}), new_code_cell(cell)]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, home / "notebooks" / "90_mine.ipynb")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory, temporary: Path) -> Desk:
    """The whole job done on the sample with canaries in it, and what else one does."""
    home = sample_workspace(tmp_path_factory.mktemp("canaries"))
    landing = home / "data" / "landing"
    plant(landing)
    at = Desk(home)
    at.run("demo", "--people", "1000", "--seed", "1")
    for source in ("web", "crm"):
        at.run("ingest", source, "--replay")
        at.run("ingest", source, "--json")
    at.run("ingest", "web", str(landing / "web" / FILE), "--dry-run")
    at.run("ingest", "crn")
    bad = headerless(landing / "crm")
    at.run("ingest", "crm", str(bad))
    at.run("run", "10_ingest")
    bad.unlink()
    write_failing_notebook(home)
    at.run("run", "90_mine")
    at.run("runs")
    at.run("status")
    at.run("status", "--json")
    at.run("segment", "preview", "loyal_shoppers", "--as-of", "2026-06-30", "--json")
    at.run("audit", "verify")
    at.run("maintain", "--keep-days", "0")
    return at


@pytest.fixture(scope="session")
def found(
    desk: Desk, temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> set[Found]:
    """All canaries that a process without any key, and without dmp, finds."""
    asked = tmp_path_factory.mktemp("asked") / "asked.json"
    request = {
        "folders": [str(desk.home / "data"), os.environ["DMP_KEY_DIR"], str(temporary)],
        "left_out": ["landing"],
        "values": CANARIES,
    }
    asked.write_text(json.dumps(request))
    empty = tmp_path_factory.mktemp("no-keys")
    done = subprocess.run(
        [sys.executable, "-I", str(SEARCH), str(asked)],
        env={"DMP_KEY_DIR": str(empty), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {Found(**one) for one in json.loads(done.stdout)}


@pytest.fixture(scope="session")
def shown(desk: Desk) -> list[Found]:
    """All canaries on the screen and in the log."""
    streams = {"stdout": desk.out, "stderr": desk.err, "log": desk.log}
    return search(
        [haystack(name, s.getvalue().encode()) for name, s in streams.items()], CANARIES
    )


@pytest.mark.parametrize("label", CANARIES)
def test_no_file_holds_it(found: set[Found], label: str) -> None:
    assert [one for one in found if one.label == label] == []


def test_no_screen_and_no_log_shows_one(shown: list[Found]) -> None:
    assert shown == []


def test_everything_was_planted(desk: Desk) -> None:
    landing = decoded(desk.home / "data" / "landing")
    there = {one.label for one in search(landing, CANARIES)}
    # There they are written 27/02/1931, with a space, as a hash, as Windows-1252.
    never = {"crm birth date", "crm phone", "partner e-mail", "windows"}
    never |= OF_A_LATER_RUN
    assert set(CANARIES) - there == never


def test_the_job_was_done_as_expected(desk: Desk) -> None:
    wrong = {command: code for command, code in desk.codes.items() if code}
    assert sorted(wrong.values()) == [1, 1, 2, 2]
    assert {command.split()[1] for command in wrong} == {
        "10_ingest",
        "90_mine",
        "crn",
        "crm",
    }
    assert "looks like data" in desk.err.getvalue()
    assert "loaded load_id=" in desk.log.getvalue()
    assert "[email]" in (desk.out.getvalue() + desk.err.getvalue())


def test_the_canaries_went_through_every_door(desk: Desk) -> None:
    with Lake(desk.home / "data" / "lake") as lake:
        loads = dict(
            lake.rows(
                "select source, count(*) from ops.load where rows_accepted > 0 "
                "and file_name not like 'part-%' group by all"
            )
        )
        refused = dict(
            lake.rows(
                "select source, count(distinct line) from raw.refused "
                "where file_name not like 'part-%' and action = 'refused' group by all"
            )
        )
        masked = lake.rows(
            "select distinct unnest([properties.page, properties.plan, "
            "properties.product_id, properties.campaign_source, "
            "right(left(properties.category, 30), 30)]) as value from core.event "
        )
        assert loads == {"web": 1, "app": 1, "crm": 2, "partner": 1, "shop": 1}
        assert refused == {"web": 3, "app": 1, "crm": 2, "shop": 1}
    texts = {value for (value,) in masked if value}
    assert {"/unsubscribe/[email]", "/confirm/[email]/now", "/share/[email]"} <= texts
    assert {"for [email]", "ring [phone] first", "[ip]", "[iban]"} <= texts
    assert "paid by [card], new" in texts


def test_all_that_was_written_was_decoded(desk: Desk) -> None:
    """Nothing is left out of the search but the landing files."""
    places = {one.place for one in decoded(desk.home / "data", left_out=["landing"])}
    kinds = {place.split("/")[0] for place in places}
    assert {"lake", "vault", "models", "runs", "audit", "exports"} <= kinds
    assert any(place.endswith("keys.sqlite") for place in places)
    assert any(place.endswith("catalog.sqlite") for place in places)
    assert any("/blobs/" in place for place in places)
    assert any("/bodies/" in place for place in places)
    assert any(place.endswith(".manifest.json") for place in places)


def test_nothing_temporary_is_left(desk: Desk, temporary: Path) -> None:
    left = [path for path in temporary.rglob("*") if path.is_file()]
    spill = [path for path in (desk.home / "data" / "tmp").rglob("*")]
    assert [path.name for path in left if "dmp" in path.name] == []
    assert spill == []


WRITINGS = {
    "plain": lambda text: text,
    "upper": lambda text: text.upper(),
    "lower": lambda text: text.lower(),
    "within": lambda text: f"to {text}, yes",
    "url": lambda text: quote(text, safe=""),
    "hex": lambda text: text.encode().hex(),
    "hex_upper": lambda text: text.encode().hex().upper(),
    "base64+0": lambda text: base64.b64encode(text.encode()).decode(),
    "base64+1": lambda text: base64.b64encode(b"." + text.encode()).decode(),
    "base64+2": lambda text: base64.b64encode(b".." + text.encode()).decode(),
    "base64_url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "json": lambda text: json.dumps({"a": [text]}),
    "nested_json": lambda text: json.dumps({"a": json.dumps([text])}),
}


CONTROLS = ("crm e-mail", "accents", "emoji", "decomposed")


@pytest.fixture(scope="module")
def controls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels found of a lake into which they were put, by writing: a file each."""
    root = tmp_path_factory.mktemp("control")
    with Lake(root) as lake:
        migrate(lake)
        file_of = {writing: _put(lake, writing) for writing in WRITINGS}
    hits = search(decoded(root), CANARIES)
    return {
        writing: {one.label for one in hits if one.place == str(file)}
        for writing, file in file_of.items()
    }


def _put(lake: Lake, writing: str) -> Path:
    """Append a row for each control in one writing; return the new file."""
    before = set(lake.root.rglob("*.parquet"))
    texts = [WRITINGS[writing](CANARIES[label]) for label in CONTROLS]
    rows = sql(
        "select 7 as version, now() as applied_at, "
        "unnest($texts::varchar[]) as description",
        texts=texts,
    )
    commit(lake, [append("ops.migration", rows)], message="a control")
    (file,) = set(lake.root.rglob("*.parquet")) - before
    return file.relative_to(lake.root)


@pytest.mark.parametrize("writing", WRITINGS)
def test_the_search_finds_what_is_there(
    controls: dict[str, set[str]], writing: str
) -> None:
    assert controls[writing] >= set(CONTROLS)


def test_the_search_finds_bytes_and_lists_and_names_of_files(tmp_path: Path) -> None:
    table = pa.table(
        {
            "b": [CANARIES["greek"].encode()],
            "l": [[{"deep": {"deeper": CANARIES["han"]}}]],
        }
    )
    pq.write_table(table, tmp_path / f"{CANARIES['file name']}.parquet")
    hits = {one.label for one in search(decoded(tmp_path), CANARIES)}
    assert hits == {"greek", "han", "file name"}


@pytest.mark.parametrize(
    "command",
    [["ingest", "crm"], ["train"], ["resolve"], ["sync"], ["audit", "verify"]],
    ids=" ".join,
)
def test_without_its_key_dmp_says_so(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path))
    without = Desk(desk.home)
    assert without.run(*command) == 1
    assert "no vault key" in without.err.getvalue() or (
        "no signing key" in without.err.getvalue()
    )
    assert "Traceback" not in without.err.getvalue()
