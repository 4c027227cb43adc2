"""Clusters of a resolve run: from staged evidence to the cluster of each subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import log2

import numpy as np
import pyarrow as pa

from dmp.identity.bridges import held_alone
from dmp.identity.graph import Edges, Limits, cluster, components
from dmp.identity.limits import Dropped, dropped_edges, stage_drops
from dmp.identity.settings import IdentitySettings
from dmp.identity.signed_graph import Flags, Ints
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class GuardRails:
    """What the guard rails held.

    Attributes:
        refused_joins: joins that would have made a cluster of too many subjects.
        dropped_edges: edges that a limit dropped, by the type of identifier.
    """

    refused_joins: int
    dropped_edges: Mapping[str, int]


def stage_clusters(lake: Lake, settings: IdentitySettings) -> GuardRails:
    """Stage `new_cluster`: one row a subject of the scope.

    Reads the scratch `node`, `evidence` and those of the limits. Columns: `subject_id,
    cluster_id, component_id` (by shared identifiers inside the cluster) and
    `neighbourhood_id` (by evidence for and by shared identifiers, wherever). Stages
    `dropped_edge` too, and `bridge`: the pairs whose evidence alone holds subjects of
    a cluster together, and how many, in `held_alone`.
    """
    nodes = lake.sql(
        "select subject_id, is_comparable from node order by node"
    ).fetchnumpy()
    subjects = np.asarray(nodes["subject_id"], dtype=np.int64)
    comparable = np.asarray(nodes["is_comparable"], dtype=np.bool_)
    edges, shared, priority = _edges(lake)
    chosen, limits = _chosen(edges, settings)
    found = cluster(len(subjects), chosen, comparable, limits)
    dropped = dropped_edges(lake, chosen, priority, found.label)
    stage_drops(lake, chosen, dropped)
    label = _parted(found.label, chosen, comparable, limits, dropped)
    inner = (label[edges.left] == label[edges.right]) & shared
    near = shared | (edges.weight > 0)
    _stage_bridges(lake, edges, label, subjects)
    _stage_labels(
        lake,
        subjects,
        cluster_id=label,
        component_id=_joined(len(subjects), edges, inner),
        neighbourhood_id=_joined(len(subjects), edges, near),
    )
    return GuardRails(len(found.refused), dict(Counter(dropped.types)))


def _edges(lake: Lake) -> tuple[Edges, Flags, Ints]:
    """Return the scratch `evidence`, who of it share an identifier, and priorities."""
    found = lake.sql("select * from evidence").fetchnumpy()
    edges = Edges(
        np.asarray(found["left_node"], dtype=np.int64),
        np.asarray(found["right_node"], dtype=np.int64),
        np.asarray(found["weight"], dtype=np.float64),
        np.asarray(found["is_compared"], dtype=np.bool_),
    )
    shared = np.asarray(found["is_deterministic"], dtype=np.bool_)
    return edges, shared, np.asarray(found["priority"], dtype=np.int64)


def _chosen(edges: Edges, settings: IdentitySettings) -> tuple[Edges, Limits]:
    """Return the evidence that the way of clustering counts, rows kept in place.

    Connected components are clusters by evidence where nothing is against: what is
    too weak counts as nothing, decisions as ever.
    """
    most = settings.max_cluster_subjects
    if settings.clustering == "evidence":
        return edges, Limits(settings.uncompared_penalty_bits, most)
    odds = settings.connected_probability / (1 - settings.connected_probability)
    is_strong = (edges.weight >= log2(odds)) | np.isinf(edges.weight)
    weight = np.where(is_strong, edges.weight, 0.0)
    return Edges(edges.left, edges.right, weight, edges.is_compared), Limits(0.0, most)


def _parted(
    label: Ints, edges: Edges, comparable: Flags, limits: Limits, dropped: Dropped
) -> Ints:
    """Cluster anew what broke a limit, each part by its own evidence."""
    nodes = dropped.within
    if not len(dropped.rows):
        return label
    place = np.full(len(label), -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    inner = (place[edges.left] >= 0) & (place[edges.right] >= 0)
    inner &= dropped.part[edges.left] == dropped.part[edges.right]
    inner &= label[edges.left] == label[edges.right]
    own = Edges(
        place[edges.left[inner]],
        place[edges.right[inner]],
        edges.weight[inner],
        edges.is_compared[inner],
    )
    found = cluster(len(nodes), own, comparable[nodes], limits)
    label = label.copy()
    label[nodes] = nodes[found.label]
    return label


def _stage_bridges(lake: Lake, edges: Edges, label: Ints, subjects: Ints) -> None:
    holds = (label[edges.left] == label[edges.right]) & (edges.weight > 0)
    left, right = edges.left[holds], edges.right[holds]
    alone = held_alone(len(subjects), left, right)
    found = alone > 0
    pairs = {
        "subject_id_l": subjects[left[found]],
        "subject_id_r": subjects[right[found]],
        "held_alone": alone[found],
    }
    lake.connection.register("bridge_arrow", pa.table(pairs))
    lake.stage("bridge", "select * from bridge_arrow")
    lake.connection.unregister("bridge_arrow")


def _joined(n_nodes: int, edges: Edges, chosen: Flags) -> Ints:
    return components(n_nodes, edges.left[chosen], edges.right[chosen])


def _stage_labels(lake: Lake, subjects: Ints, **labels: Ints) -> None:
    named = {name: subjects[label] for name, label in labels.items()}
    lake.connection.register(
        "cluster_arrow", pa.table({"subject_id": subjects, **named})
    )
    lake.stage("new_cluster", "select * from cluster_arrow")
    lake.connection.unregister("cluster_arrow")
