"""What a run of the generator made, and how real it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from dmp.ingest.synthetic.realism import Figure


@dataclass(frozen=True)
class FileEntry:
    """One file: path below the folder, rows without a header, SHA-256 in hex."""

    path: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class GenerationReport:
    """What was written; the same arguments give an equal report.

    Attributes:
        people: how many people were made.
        seed: the seed they were made from.
        until: end of the window, ISO 8601 in UTC.
        days: length of the window.
        rows: rows written by source, repeated and faulty ones included.
        refused: rows planted to be refused by source.
        files: every file written but the manifest.
        figures: realism figures beside their targets.
        hours: share of events in each hour of the day (UTC); empty without events.
    """

    people: int
    seed: int
    until: str
    days: int
    rows: Mapping[str, int]
    refused: Mapping[str, int]
    files: tuple[FileEntry, ...]
    figures: tuple[Figure, ...]
    hours: tuple[float, ...]

    def lines(self) -> list[str]:
        """Return the report as lines to read."""
        out = [f"{self.people:,} people, seed {self.seed}, until {self.until}"]
        for source, rows in self.rows.items():
            files = sum(file.path.startswith(f"{source}/") for file in self.files)
            refused = self.refused.get(source, 0)
            out.append(
                f"  {source:<8} {rows:>12,} rows in {files} files, "
                f"{refused} to be refused"
            )
        out += [
            f"  {figure.name:<20} {figure.measured:.3f}, target {figure.target:.3f} "
            f"± {figure.tolerance:.3f}"
            for figure in self.figures
        ]
        if self.hours:
            shares = " ".join(f"{share * 100:.1f}" for share in self.hours)
            out.append(f"  events by hour (UTC), %: {shares}")
        return out

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        return asdict(self)
