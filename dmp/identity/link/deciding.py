"""Clusters from match weights and judgements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmp.identity.clustering import cluster
from dmp.identity.link.comparing import Compared
from dmp.identity.link.hashing import Ints
from dmp.identity.link.labels import Labels
from dmp.identity.link.model import NEW_MODEL, ClusteringModel
from dmp.identity.link.patterns import Floats
from dmp.identity.signed_graph import components

_LEAST_BITS = -12.0
"""Pairs that are less likely than this are left out; they count as not compared."""


@dataclass(frozen=True)
class Clusters:
    """The cluster of each record and how sure it is, in the order of the files.

    Attributes:
        label: cluster of each record, numbered from 0.
        confidence: probability in (0, 1) that the record belongs where it was put.
        of_node: cluster of each node, named by its smallest node.
    """

    label: Ints
    confidence: Floats
    of_node: Ints


def decide(
    compared: Compared,
    weight: Floats,
    labels: Labels,
    how: ClusteringModel = NEW_MODEL.clustering,
) -> Clusters:
    """Cluster the nodes by their weights and give each record its node's cluster.

    Judged pairs are certain: a match is joined, a non-match kept apart.
    """
    kept = weight > _LEAST_BITS
    left, right = compared.pairs.left[kept], compared.pairs.right[kept]
    bits = weight[kept] - how.threshold_bits
    n = len(compared.nodes)
    must, cannot = labels.rows(True), labels.rows(False)
    if how.method == "connected":
        joined = np.concatenate([np.stack([left, right], axis=1)[bits > 0], must])
        label = components(n, joined[:, 0], joined[:, 1])
    else:
        label = cluster(
            n,
            left,
            right,
            bits,
            must=must,
            cannot=cannot,
            missing_bits=how.never_compared_bits,
        )
    confidence = _confidence(label, left, right, bits)
    of_record = compared.nodes.of_record
    number = np.cumsum(np.bincount(label, minlength=n) > 0) - 1
    return Clusters(number[label[of_record]], confidence[of_record], label)


def _confidence(label: Ints, left: Ints, right: Ints, weight: Floats) -> Floats:
    """Weigh each node's evidence for its cluster against its best other place."""
    n = len(label)
    node = np.concatenate([left, right])
    other = label[np.concatenate([right, left])]
    key, place = np.unique(node * n + other, return_inverse=True)
    total = np.bincount(place, np.concatenate([weight, weight]), minlength=len(key))
    at, where = key // n, key % n
    is_own = where == label[at]
    stay = np.zeros(n)
    stay[at[is_own]] = total[is_own]
    best = np.full(n, -np.inf)
    np.maximum.at(best, at[~is_own], total[~is_own])
    alone = np.bincount(label, minlength=n)[label] == 1
    bits = np.where(alone, -best, stay - np.maximum(best, 0.0))
    return np.asarray(1 / (1 + 2.0 ** -np.clip(bits, -10.0, 30.0)))
