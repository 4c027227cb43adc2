"""Labels from and to files: our own, those that `dmp link --ask` writes, Splink's.

Splink 3 and later read labels from one form: `unique_id_l`, `unique_id_r` (or the
model's own name of the id), `source_dataset_l`, `source_dataset_r` where there are
several sources, and `clerical_match_score` from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import QueryFailed, UsageError
from dmp.core.result_file import whole_result
from dmp.core.sql import Name, Query, join, quote_name, quote_text, sql
from dmp.identity.labels import IN_FORCE, Judgement
from dmp.identity.link.files import read_cells
from dmp.privacy import PseudonymKey
from dmp.privacy.pseudonyms import subject_id_sql
from dmp.storage.lake import Lake

_IDS = ("record_id", "unique_id", "subject_id", "id")
_SOURCES = ("source_dataset", "source")
_VERDICTS = ("verdict", "match", "clerical_match_score")
_KINDS = ("record", "user", "device")
_EXPECTED = (
    "labels have record_id_l, record_id_r and match, as dmp link --ask writes them; "
    "or unique_id_l, unique_id_r and clerical_match_score, as Splink reads them; or "
    "subject_id_l, subject_id_r and match, as dmp identity labels export writes them"
)


@dataclass(frozen=True)
class LabelFile:
    """The judgements of a file.

    Attributes:
        rows: rows of the file.
        unanswered: rows without a verdict.
        unknown: rows of subjects that this workspace does not have.
        contradicting: pairs judged both ways, and rows that compare a subject with
            itself; they are left out.
    """

    judgements: tuple[Judgement, ...]
    rows: int
    unanswered: int
    unknown: int
    contradicting: int


def read_label_file(
    lake: Lake, path: Path, key: PseudonymKey, *, source: str = ""
) -> LabelFile:
    """Read judged pairs from a CSV or Parquet file.

    A verdict is 1 or 0 (yes, no, match, …), `unsure`, or a score: more than one half
    is a match, one half unsure. Without a source an id is a subject's number; with one
    it is what the source calls a person.

    Args:
        key: of the pseudonyms of subjects, in its founding version.
        source: the source of all ids, where the file does not name it.

    Raises:
        UsageError: a column is missing, a verdict cannot be read, or none of the
            subjects is known.
    """
    _stage(lake, path, source)
    odd, first = lake.row(
        "select count(*), min(line) from label_row where verdict is null and said <> ''"
    )
    if odd:
        raise UsageError(
            f"{path.name}: {odd:,} verdicts cannot be read, first in row {first + 1}; "
            "write 1 for a match, 0 for none, unsure for neither, or a score from 0 to "
            "1"
        )
    _stage_subjects(lake, key)
    rows, unanswered, unknown, same = lake.row(_COUNTS)
    if rows > unanswered and unknown == rows - unanswered:
        raise UsageError(
            f"{path.name}: none of the {unknown:,} judged pairs is of subjects that "
            "are here; name the source of its ids: --source NAME"
        )
    pairs = lake.rows(_JUDGED)
    judged = tuple(Judgement(*row[:3]) for row in pairs if row[3] == 1)
    contradicting = same + len(pairs) - len(judged)
    return LabelFile(judged, rows, unanswered, unknown, contradicting)


def write_label_file(lake: Lake, path: Path) -> int:
    """Write the labels in force as CSV; return how many.

    Columns `subject_id_l, subject_id_r, match, clerical_match_score, verdict,
    reviewer, labelled_at`: `unsure` has no match; Splink reads the score.

    Raises:
        UsageError: the file cannot be written.
    """
    wanted = lake.stage("label_export", sql(_EXPORT, in_force=IN_FORCE))
    try:
        with whole_result(path) as draft:
            lake.execute(
                f"copy (from label_export) to {quote_text(str(draft))} "
                "(format csv, header)"
            )
    except QueryFailed as error:
        raise UsageError(
            f"{path}: cannot be written; name a file in a folder that exists and may "
            "be written to"
        ) from error
    return int(lake.value(sql("select count(*) from {t}", t=wanted)))


def _stage(lake: Lake, path: Path, source: str) -> None:
    """Stage `label_row`: line, the two ids and sources, what was said, the verdict."""
    cells = read_cells(lake.connection, path, lambda types: "*")
    names = cells.column_names
    ids = _both(names, _IDS)
    said = next((name for name in _VERDICTS if name in names), None)
    if ids is None or said is None:
        raise UsageError(f"{path.name}: no labels by its columns; {_EXPECTED}")
    sources = _both(names, _SOURCES)
    lake.connection.register("label_cell", cells)
    lake.stage(
        "label_row",
        sql(
            _ROWS,
            t=Name("label_cell"),
            left=_id(ids[0]),
            right=_id(ids[1]),
            source_l=_source(sources, 0, source),
            source_r=_source(sources, 1, source),
            said=Query(quote_name(said)),
        ),
    )
    lake.connection.unregister("label_cell")


def _both(names: Sequence[str], stems: Sequence[str]) -> tuple[str, str] | None:
    for stem in stems:
        if f"{stem}_l" in names and f"{stem}_r" in names:
            return f"{stem}_l", f"{stem}_r"
    return None


def _id(name: str) -> Query:
    """An id; one that a spreadsheet was kept from calculating has an apostrophe."""
    pattern = quote_text(r"^'([=+\-@])")
    text = f"trim({quote_name(name)}::varchar)"
    return Query(f"regexp_replace({text}, {pattern}, '\\1')")


def _source(columns: tuple[str, str] | None, side: int, given: str) -> Query:
    if given or columns is None:
        return Query(quote_text(given))
    return Query(f"coalesce({quote_name(columns[side])}::varchar, '')")


def _stage_subjects(lake: Lake, key: PseudonymKey) -> None:
    """Stage `label_subject`: source and id of the file to the subject of the lake."""
    lake.stage("label_id", _WHO)
    sources = [
        row[0]
        for row in lake.rows(
            "select distinct source from label_id join identity.subject using (source) "
            "order by 1"
        )
    ]
    parts = [
        sql(
            "select source, id, {subject} as subject_id from label_id "
            f"where source = {quote_text(source)}",
            subject=subject_id_sql(key, source, Query(f"'{kind}:' || id"), f"k{n}"),
        )
        for n, source in enumerate(sources)
        for kind in _KINDS
    ]
    numbered = Query(
        "select source, id, try_cast(id as bigint) as subject_id from label_id "
        "where source = ''"
    )
    lake.stage(
        "label_subject",
        sql(
            "select p.source, p.id, subject_id from ({parts}) as p "
            "semi join {subject} using (subject_id)",
            parts=join([numbered, *parts], " union all "),
            subject=Name("identity", "subject"),
        ),
    )


_ROWS = r"""
select row_number() over () as line, {left} as id_l, {right} as id_r,
    {source_l} as source_l, {source_r} as source_r, said,
    case
        when said in ('1', 'true', 'yes', 'y', 'match') then 'match'
        when said in ('0', 'false', 'no', 'n', 'no match', 'no_match', 'non-match')
            then 'no_match'
        when said in ('unsure', '?') then 'unsure'
        when try_cast(said as double) > 0.5 and try_cast(said as double) <= 1
            then 'match'
        when try_cast(said as double) = 0.5 then 'unsure'
        when try_cast(said as double) >= 0 and try_cast(said as double) < 0.5
            then 'no_match'
    end as verdict
from (select *, lower(trim(coalesce({said}::varchar, ''))) as said from {t})
"""
_WHO = """
select distinct source, id from (
    select source_l as source, id_l as id from label_row
    union all select source_r, id_r from label_row
) where id is not null
"""
_PLACED = """
from label_row as w
left join label_subject as l on l.source = w.source_l and l.id = w.id_l
left join label_subject as r on r.source = w.source_r and r.id = w.id_r
"""
_COUNTS = f"""
select count(*), count(*) filter (verdict is null),
    count(*) filter (verdict is not null
        and (l.subject_id is null or r.subject_id is null)),
    count(*) filter (verdict is not null and l.subject_id = r.subject_id)
{_PLACED}
"""
_JUDGED = f"""
select least(l.subject_id, r.subject_id) as subject_id_l,
    greatest(l.subject_id, r.subject_id) as subject_id_r,
    any_value(verdict) as verdict, count(distinct verdict) as verdicts
{_PLACED}
where verdict is not null and l.subject_id <> r.subject_id
group by 1, 2 order by 1, 2
"""
_EXPORT = """
select subject_id_l, subject_id_r,
    case verdict when 'match' then 1 when 'no_match' then 0 end as match,
    case verdict when 'match' then 1.0 when 'no_match' then 0.0 else 0.5 end
        as clerical_match_score,
    verdict, reviewer, labelled_at
from ({in_force}) order by subject_id_l, subject_id_r, reviewer
"""
