"""Inner pairs: records that a cluster puts together though nothing compared them.

Blocking brings up records that agree on something. A mother and a daughter of one name
meet by records that leave the birth date out; the two that state it, and would tell
them apart, may agree on no rule. So what clusters put together is compared as well,
before it is believed.
"""

from __future__ import annotations

from dmp.core.sql import Name, Query, quote_name, sql
from dmp.identity.basis import Basis
from dmp.identity.clusters import GuardRails, stage_clusters
from dmp.identity.evidence import weigh
from dmp.identity.frequencies import records_with_frequencies
from dmp.identity.model import LinkageModel
from dmp.identity.scoring import weight_sql
from dmp.identity.settings import LinkageSettings
from dmp.storage.lake import Lake

_MOST_LOOKS = 5


def stage_compared_clusters(lake: Lake, basis: Basis) -> GuardRails:
    """Stage clusters of the scope in which records were compared with each other.

    As `stage_clusters` does, again and again: what a look puts together unseen is
    scored, and weighed by the next. Evidence changes nothing beyond its neighbourhood,
    so the looks between are at those that hold such pairs, and the last at everybody.
    After five looks pairs may be left that were put together unseen.
    """
    rails = stage_clusters(lake, basis.settings)
    if basis.linkage is None or not score_inner_pairs(lake, *basis.linkage):
        return rails
    for _ in range(_MOST_LOOKS - 1):
        weigh(lake, basis, lake.stage("around_inner_pair", _AROUND))
        stage_clusters(lake, basis.settings)
        if not score_inner_pairs(lake, *basis.linkage):
            break
    weigh(lake, basis, Name("scope"))
    return stage_clusters(lake, basis.settings)


def score_inner_pairs(
    lake: Lake, model: LinkageModel, settings: LinkageSettings
) -> int:
    """Add to the scratch `scored_pair` what clusters hold unscored; return how many.

    Reads the scratch `new_cluster`, `linkage_record` and, as `stage_scored_pairs` left
    them, the frequencies of the values. The pairs are staged as `inner_pair`.
    """
    lake.stage("inner_pair", _INNER_PAIR)
    n_pairs = int(lake.value("select count(*) from inner_pair"))
    if n_pairs:
        lake.stage(
            "inner_record",
            sql(_INNER_RECORD, records=records_with_frequencies(model)),
        )
        scored = weight_sql(model, settings, _sides(lake))
        lake.execute(
            sql(
                "insert into scored_pair select subject_id_l, subject_id_r, "
                "match_weight, 1 / (1 + 2 ** -match_weight), true "
                "from ({scored}) order by all",
                scored=scored,
            )
        )
    return n_pairs


def _sides(lake: Lake) -> Query:
    columns = lake.sql("from inner_record limit 0").columns
    cells = ", ".join(
        f"{side}.{quote_name(name)} as {quote_name(f'{name}_{side}')}"
        for name in columns
        for side in "lr"
    )
    return Query(
        f"(select {cells} from inner_pair as p "
        "join inner_record as l on l.subject_id = p.subject_id_l "
        "join inner_record as r on r.subject_id = p.subject_id_r)"
    )


_INNER_PAIR = """
with held as (
    select subject_id, cluster_id from new_cluster
    join linkage_record using (subject_id)
)
select l.subject_id as subject_id_l, r.subject_id as subject_id_r
from held as l join held as r using (cluster_id)
anti join scored_pair as s
    on s.subject_id_l = l.subject_id and s.subject_id_r = r.subject_id
where l.subject_id < r.subject_id
"""
_INNER_RECORD = """
select * from ({records})
where subject_id in (select unnest([subject_id_l, subject_id_r]) from inner_pair)
"""
_AROUND = """
select subject_id from new_cluster where neighbourhood_id in (
    select neighbourhood_id from new_cluster
    join inner_pair on subject_id = subject_id_l
)
"""
