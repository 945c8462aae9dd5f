"""Whom a restore is for: people know slugs, archive and anchors know ids."""

from collections.abc import Collection

from control_plane.errors import NotFound
from control_plane.proof.finding import Broken
from control_plane.restore.organization import CREATE
from control_plane.restore.source import Buckets, checked


def chosen(source: Buckets, names: Collection[str]) -> list[str]:
    """The ids of the organizations with these slugs or ids; of all, where none is named.

    Raises `NotFound` for a name that isn't one organization's.
    """
    orgs = source.organizations()
    slugs = {org: _slug(source, org) for org in orgs} if names else {}
    found = {name: [org for org in orgs if name in (org, slugs[org])] for name in names}
    for name, those in found.items():
        if len(those) != 1:
            raise NotFound(
                f"Archive and anchors have {'more than one' if those else 'no'} organization"
                f" {name!r} that can be read. Name it by its id, as the folders of anchors do."
            )
    return sorted({org for those in found.values() for org in those}) if names else orgs


def _slug(source: Buckets, org: str) -> str | None:
    """An organization's slug, as the execution has it that made it; None where that isn't there."""
    for key in source.objects(org):
        try:
            read = checked(key, source.read(key))
        except Broken:  # the restore says what is wrong, if it is this one's
            continue
        for line in (line for *_, lines in read for line in lines):
            if (line["record"]["action"], line["record"]["status"]) == (CREATE, "success"):
                return str(line["payload"]["inputs"]["slug"])
    return None
