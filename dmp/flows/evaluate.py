"""How right the linkage is: by known truth or by labels, and what to change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dmp.core.errors import UsageError
from dmp.core.sql import Query
from dmp.flows.demo import LANDING, stage_truth
from dmp.flows.resolve import (
    current_model,
    identity_settings,
    linkage_key,
    model_folder,
)
from dmp.flows.workspace import Workspace
from dmp.identity.agreement import Agreement, agreements
from dmp.identity.basis import Basis
from dmp.identity.comparing import (
    LevelDrift,
    kept_models,
    level_drift,
    weight_history,
)
from dmp.identity.judged import (
    Answered,
    Choice,
    Judged,
    choose_threshold,
    joined,
    judged_pairs,
    labelled_pairs,
    pair_measures,
)
from dmp.identity.measures import PartitionMeasures, Three, partition_measures
from dmp.identity.model import LinkageModel, require_fit
from dmp.identity.pair_levels import PairLevels, pair_levels
from dmp.privacy import Permission

Source = Literal["truth", "labels"]
_TRUTH = Path(LANDING) / "truth" / "subjects.parquet"


@dataclass(frozen=True)
class Evaluation:
    """How right the people of the last resolve run are.

    Attributes:
        source: truth, as synthetic people bring it, or labels.
        model: the model whose pairs were judged.
        people: the partition against the truth; None where there are labels alone.
        pairs: over the pairs that the model scores.
        judged: how many of the `scored` pairs have an answer.
        agreement: of reviewers with each other.
    """

    source: Source
    model: str
    people: PartitionMeasures | None
    pairs: Three
    judged: int
    scored: int
    agreement: tuple[Agreement, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return `over, measure, value, low, high`: one row a number."""
        parts = {"scored pairs": self.pairs}
        if self.people:
            parts = {
                "all pairs": self.people.pairs,
                "records (B-cubed)": self.people.records,
            } | parts
        return [
            {"over": over, "measure": name, **vars(measure)}
            for over, three in parts.items()
            for name, measure in vars(three).items()
        ]


@dataclass(frozen=True)
class ModelComparison:
    """Two models over the same records and rules.

    Attributes:
        levels: every level of either, with how far it moved from one to the other.
        only_one: pairs that speak for one person by the first model alone; so
            `only_other`, and `both`.
        one_pairs: precision, recall and F1 of the first by what is known; None where
            nothing is. So `other_pairs`.
    """

    one: str
    other: str
    levels: tuple[LevelDrift, ...]
    both: int
    only_one: int
    only_other: int
    one_pairs: Three | None
    other_pairs: Three | None


class Evaluator:
    """The scored pairs of a workspace with what is known of them; scored once."""

    def __init__(self, workspace: Workspace, source: Source | None = None) -> None:
        """Choose what to measure by: labels where there are some, else the truth.

        Raises:
            UsageError: there is neither, or nothing was trained.
            NotAllowed: the caller may not train.
        """
        workspace.allow(Permission.TRAIN)
        self.workspace = workspace
        self.settings = identity_settings(workspace)
        model = current_model(workspace, self.settings)
        if model is None or self.settings.linkage is None:
            raise UsageError("there is no linkage model to evaluate: dmp train")
        self.model = model
        self.threshold_bits = self.settings.linkage.threshold_bits
        self.source: Source = source or self._source()
        self._scored: dict[str, PairLevels] = {}

    def evaluate(self) -> Evaluation:
        """Measure the people of the last resolve run and the pairs behind them."""
        lake = self.workspace.lake
        pairs, judged = self.judged(self.model)
        self._require(judged)
        people = None
        if self.source == "truth":
            self._stage_truth()
            people = partition_measures(lake, _PARTITION)
        place = judged.place
        together = joined(lake, pairs.left[place], pairs.right[place])
        return Evaluation(
            self.source,
            self.model.name,
            people,
            pair_measures(judged, together),
            len(judged),
            len(pairs),
            tuple(agreements(lake)),
        )

    def choose(self, *, false_merge: float, missed_match: float) -> Choice:
        """Return the threshold at which the stated costs come out least.

        It is `linkage.threshold_bits` of `config/identity.yaml`.
        """
        _, judged = self.judged(self.model)
        self._require(judged)
        return choose_threshold(
            judged, false_merge=false_merge, missed_match=missed_match
        )

    def compare(self, other: LinkageModel) -> ModelComparison:
        """Put another model, the later one, beside the current one.

        Raises:
            UsageError: it compares other fields.
        """
        assert self.settings.linkage is not None
        require_fit(other, self.settings.linkage)
        mine, my_judged = self.judged(self.model)
        theirs, their_judged = self.judged(other)
        a = mine.weight >= self.threshold_bits
        b = theirs.weight >= self.threshold_bits
        return ModelComparison(
            self.model.name,
            other.name,
            tuple(level_drift(self.model, other)),
            int(np.sum(a & b)),
            int(np.sum(a & ~b)),
            int(np.sum(b & ~a)),
            self._measured(my_judged),
            self._measured(their_judged),
        )

    def models(self) -> list[LinkageModel]:
        """Return every version that was kept, the oldest first."""
        assert self.settings.linkage is not None
        return kept_models(model_folder(self.workspace, self.settings.linkage))

    def drift(self) -> list[dict[str, Any]]:
        """Return the match weights of every kept version, one row a level."""
        return weight_history(self.models())

    def judged(self, model: LinkageModel) -> tuple[PairLevels, Judged]:
        """Return all pairs as a model scores them, and those with a known answer."""
        if model.name not in self._scored:
            basis = Basis(self.settings, model, linkage_key(self.workspace))
            found = pair_levels(self.workspace.lake, self.workspace.vault, basis)
            assert found is not None
            self._scored[model.name] = found
        pairs = self._scored[model.name]
        known = self._known(pairs)
        return pairs, judged_pairs(pairs.left, pairs.right, pairs.weight, known)

    def _measured(self, judged: Judged) -> Three | None:
        if not len(judged):
            return None
        return pair_measures(judged, judged.weight >= self.threshold_bits)

    def _source(self) -> Source:
        if len(labelled_pairs(self.workspace.lake)):
            return "labels"
        if (self.workspace.paths.data / _TRUTH).exists():
            return "truth"
        raise UsageError(
            "nothing says who is who: label some pairs on the page Match review, or "
            "take a file of labels: dmp identity labels import FILE"
        )

    def _known(self, pairs: PairLevels) -> Answered:
        if self.source == "labels":
            return labelled_pairs(self.workspace.lake)
        self._stage_truth()
        rows = self.workspace.lake.sql(
            "select subject_id, person_id from labelled order by subject_id"
        ).fetchnumpy()
        subjects = np.asarray(rows["subject_id"])
        _, person = np.unique(np.asarray(rows["person_id"]), return_inverse=True)
        left, right = (_at(subjects, side) for side in (pairs.left, pairs.right))
        known = (left >= 0) & (right >= 0)
        return Answered(
            pairs.left[known],
            pairs.right[known],
            person[left[known]] == person[right[known]],
        )

    def _stage_truth(self) -> None:
        stage_truth(self.workspace, self.workspace.paths.data / _TRUTH)

    def _require(self, judged: Judged) -> None:
        if not len(judged):
            raise UsageError(
                f"none of the pairs that {self.model.name} scores has a known answer; "
                "label some on the page Match review"
            )


def _at(
    subjects: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return where each wanted subject is; -1 where it is not."""
    place = np.minimum(np.searchsorted(subjects, wanted), max(len(subjects) - 1, 0))
    return np.where(subjects[place] == wanted, place, -1)


_PARTITION = Query(
    "select profile_key as cluster, person_id as truth from labelled where is_knowable"
)
