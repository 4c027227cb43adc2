"""Free texts of rows: staged as they came, trimmed and masked where they are read.

Of no free text a row is refused, so nobody need look at it while a file is read. A
staged file of columns keeps a repeated text once, and what is looked at then is mostly
such a text: a city, a product, a plan.
"""

from __future__ import annotations

from collections import Counter

from dmp.core.sql import Query, quote_name
from dmp.ingest.contracts import Contract, FieldSpec
from dmp.ingest.mapped_columns import typed_columns
from dmp.ingest.readings import is_free_text, stored, takes_any_text, trimmed_text


def left_as_they_are(contract: Contract) -> set[str]:
    """Return the places whose text nobody needs before it is stored."""
    uses = contract.uses()
    plain = [spec for _, spec in typed_columns(contract) if _is_left(spec)]
    of_plain = Counter(place for spec in plain for place in spec.from_)
    return {place for place, n in of_plain.items() if n == uses[place]}


def mapped_row_sql(contract: Contract, rows: Query) -> Query:
    """Return the select of `mapped_row`: each free text of typed rows as it is stored.

    Those that were left as they came are trimmed, and null where they are blank.
    """
    texts = [(quote_name(c), s) for c, s in typed_columns(contract) if is_free_text(s)]
    if not texts:
        return rows
    trimmed = [f"{trimmed_text(c)} as {c}" for c, spec in texts if _is_left(spec)]
    masked = ", ".join(f"{stored(spec, c)} as {c}" for c, spec in texts)
    replaced = f" replace ({', '.join(trimmed)})" if trimmed else ""
    return Query(
        f"select * replace ({masked}) "
        f"from (select *{replaced} from ({rows.text})) as said",
        rows.params,
    )


def without_free_texts_sql(contract: Contract, rows: Query) -> Query:
    """Return the select of typed rows without any text that is not masked yet."""
    texts = [quote_name(c) for c, spec in typed_columns(contract) if is_free_text(spec)]
    left_out = f" exclude ({', '.join(texts)})" if texts else ""
    return Query(f"select *{left_out} from ({rows.text})", rows.params)


def _is_left(spec: FieldSpec) -> bool:
    """Say whether a field asks nothing of the text at its one place."""
    return takes_any_text(spec) and len(spec.from_) == 1 and not spec.required
