"""A file is told from the next one of its name, whatever number that one gets."""

from __future__ import annotations

from pathlib import Path

from dmp.core.ground import KnownFile


def test_a_file_made_anew_under_its_name_is_another(tmp_path: Path) -> None:
    path = tmp_path / "catalog"
    for _ in range(50):  # a file system may give the deleted file's number again
        path.write_text("old")
        known = KnownFile(path)
        assert known.is_in_place
        path.unlink()
        path.write_text("new")
        assert not known.is_in_place
        known.release()


def test_a_moved_file_is_not_in_place_until_it_is_back(tmp_path: Path) -> None:
    path, aside = tmp_path / "catalog", tmp_path / "aside"
    path.touch()
    known = KnownFile(path)
    path.rename(aside)
    assert not known.is_in_place
    aside.rename(path)
    assert known.is_in_place


def test_what_is_forgotten_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "catalog"
    path.touch()

    def held() -> list[Path]:
        links = Path("/proc/self/fd").iterdir()
        return [link for link in links if link.is_symlink() and link.resolve() == path]

    known = KnownFile(path)
    known.release()
    known.release()
    assert held() == []
    again = KnownFile(path)
    del again
    assert held() == []
