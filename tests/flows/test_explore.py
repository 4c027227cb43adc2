"""What leaves by a page's download: consent counts as it is now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import yaml

from dmp.core.accounts import current_account
from dmp.core.clock import instant
from dmp.core.sql import Query
from dmp.flows.explore import WorkspaceSegments
from dmp.flows.ingest import contracts, ingest
from dmp.flows.resolve import resolve_people
from dmp.flows.segments import build_segments
from dmp.flows.workspace import Workspace
from dmp.storage.write import append, commit

ROOT = Path(__file__).parents[2]
SEGMENT = "loyal_shoppers"
ALL_DENY = """
select subject_id, 'email_marketing' as purpose, 'denied' as status,
    now() - interval 1 minute as captured_at
from identity.subject
"""


def test_a_download_obeys_what_was_decided_after_the_evaluation(tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    shutil.copytree(ROOT / "config", home / "config")
    roles = {
        "users": {
            current_account().user: ["engineer", "matcher", "marketer", "analyst"]
        }
    }
    (home / "config" / "roles.yaml").write_text(yaml.safe_dump(roles))
    shutil.copytree(ROOT / "data" / "sample", home / "data" / "landing")
    manifest = json.loads((home / "data" / "landing" / "manifest.json").read_text())
    with Workspace(home) as workspace:
        for source in ("crm", "shop"):
            ingest(workspace, contracts(workspace)[source].source)
        resolve_people(workspace)
        build_segments(workspace, [SEGMENT], as_of=instant(manifest["until"]))
        pages = WorkspaceSegments(workspace)
        assert pages.download(SEGMENT, "csv")[1].count(b"\n") > 1
        denials = append("privacy.consent", Query(ALL_DENY))
        commit(workspace.lake, [denials], message="everybody declines")
        assert pages.download(SEGMENT, "csv")[1] == b"email_sha256\n"
