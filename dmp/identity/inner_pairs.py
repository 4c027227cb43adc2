"""Inner pairs: records that a cluster puts together though nothing compared them.

Blocking brings up records that agree on something. A mother and a daughter of one name
meet by records that leave the birth date out; the two that state it, and would tell
them apart, may agree on no rule. So what clusters put together is compared as well,
before it is believed.
"""

from __future__ import annotations

from dmp.core.sql import Query, quote_name, sql
from dmp.identity.frequencies import records_with_frequencies
from dmp.identity.model import LinkageModel
from dmp.identity.scoring import weight_sql
from dmp.identity.settings import LinkageSettings
from dmp.storage.lake import Lake


def score_inner_pairs(
    lake: Lake, model: LinkageModel, settings: LinkageSettings
) -> int:
    """Add to the scratch `scored_pair` what clusters hold unscored; return how many.

    Reads the scratch `new_cluster`, `linkage_record` and, as `stage_scored_pairs` left
    them, the frequencies of the values.
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
