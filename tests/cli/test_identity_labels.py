from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dmp.core.sql import Query
from dmp.flows.workspace import Workspace
from dmp.storage.write import append, commit

Call = Callable[..., Any]


def test_labels_come_from_a_file_are_listed_taken_back_and_written(
    dmp: Call, home: Path, tmp_path: Path
) -> None:
    subjects = Query(
        "select unnest([1, 2, 3])::bigint as subject_id, 'crm' as source, "
        "'record' as kind, 'load' as load_id, now() as first_seen_at"
    )
    with Workspace(home) as workspace:
        commit(workspace.lake, [append("identity.subject", subjects)], message="add")

    def labels(*words: str) -> Any:
        return dmp("--home", str(home), "identity", "labels", *words)

    assert "nobody has labelled anything yet" in labels("list").out
    file = tmp_path / "pairs.csv"
    file.write_text("record_id_l,record_id_r,match\n1,2,1\n2,3,0\n1,3,\n9,1,1\n")
    shown = labels("import", str(file))
    assert "2 labels new" in shown.out
    assert "1 unanswered" in shown.out and "1 unknown" in shown.out
    assert "0 labels new" in labels("import", str(file)).out
    assert labels("import", str(file), "--reviewer", "jo").code == 0
    found = json.loads(labels("list", "--json").out)
    assert len(found["labels"]) == 4
    (agreement,) = found["agreement"]
    assert (agreement["pairs"], agreement["agreed"], agreement["kappa"]) == (2, 2, 1.0)
    assert "jo" not in labels("list").out
    reviewer = json.loads(labels("import", str(file), "--json").out)["reviewer"]
    mine = next(e["label_id"] for e in found["labels"] if e["reviewer"] == reviewer)
    theirs = next(e["label_id"] for e in found["labels"] if e["reviewer"] != reviewer)
    assert "is taken back" in labels("undo", mine).out
    refused = labels("undo", theirs)
    assert refused.code == 2 and "only they can take it back" in refused.err
    out, link = tmp_path / "out.csv", tmp_path / "link.csv"
    out.touch()
    link.symlink_to(out)
    assert "3 labels" in labels("export", str(link)).out
    assert len(out.read_text().splitlines()) == 4 and link.is_symlink()
    os.mkfifo(tmp_path / "pipe")
    refused = labels("export", str(tmp_path / "pipe"))
    assert refused.code == 2 and "is a pipe" in refused.err
    file.write_text("a,b\n1,2\n")
    wrong = labels("import", str(file))
    assert wrong.code == 2 and "record_id_l" in wrong.err
