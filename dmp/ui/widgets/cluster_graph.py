"""The profiles of a pair as a picture: who is joined to whom, and why."""

from __future__ import annotations

from dmp.ui.widgets.part import Card, script, style


class ClusterGraph(Card):
    """Draws subjects and reasons; the message `choose` carries a subject picked."""

    _esm = script("cluster_graph")
    _css = style("cluster_graph")
