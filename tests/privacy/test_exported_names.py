from __future__ import annotations

import dmp.privacy


def test_exported_names_are_few_sorted_and_there() -> None:
    names = dmp.privacy.__all__
    assert names == sorted(names)
    assert len(names) <= 12
    assert all(hasattr(dmp.privacy, name) for name in names)
