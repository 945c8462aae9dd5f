"""The state as a database holds it, against what each chain's last success has left."""

from collections.abc import Iterable
from dataclasses import dataclass

from control_plane.canonical import canonical, sha256
from control_plane.proof.chain import Chains
from control_plane.proof.finding import Broken

OTHER_STATE = (
    "The stored components are not the state that it left: their hashes together are not its"
    " state_hash."
)


@dataclass(frozen=True, slots=True)
class Component:
    """A component by its hash; `intact` is whether its stored text is the one that was hashed."""

    project: str
    id: str
    hash: str
    intact: bool


def check_states(chains: Chains, projects: Iterable[str], components: Iterable[Component]) -> None:
    """Each project's components are those that its last success left; raises `Broken`.

    Those of other projects than these aren't looked at: one that was purged has no state.
    """
    held: dict[str, dict[str, str]] = {project: {} for project in projects}
    for each in components:
        if each.project not in held:
            continue
        if not each.intact:
            problem = f"Component {each.id} was altered: its text is not the one that was hashed."
            raise Broken(problem, project=each.project, seq=chains.head(each.project).succeeded)
        held[each.project][each.id] = each.hash
    for project, hashes in held.items():
        head = chains.head(project)
        if sha256(canonical(hashes)) != head.state_hash:
            raise Broken(OTHER_STATE, project=project, seq=head.succeeded)
