"""Record linkage of any people file, without settings."""

from dmp.identity.link.command import Linked, check_places, link_files
from dmp.identity.link.model import Choice, Model

__all__ = ["Choice", "Linked", "Model", "check_places", "link_files"]
