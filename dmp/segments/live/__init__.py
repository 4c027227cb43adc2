"""Live evaluation: one person and one event at a time, the same truth as the SQL."""

from dmp.segments.live.facts import Decision, Event, Profile
from dmp.segments.live.live import LiveSegments, Load
from dmp.segments.live.rules import not_live

__all__ = ["Decision", "Event", "LiveSegments", "Load", "Profile", "not_live"]
