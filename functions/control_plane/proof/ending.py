"""What went back in an archive, and whether executions say that it was abandoned."""

from dataclasses import dataclass, field

from control_plane.proof.anchors import Anchors
from control_plane.proof.branches import ALIEN, Branch, Branches
from control_plane.proof.chain import Chains
from control_plane.proof.finding import Broken
from control_plane.proof.fork import Fork

LEFT_OUT = "It leaves a project out, and no execution says that it was lost."


@dataclass
class Ending:
    """The last look at an archive alone, when all of it was read.

    Where the last anchor knows of executions that aren't archived yet, one of them may say what is
    missing here: those projects are left `open`. A database's own check sees them.
    """

    anchors: Anchors
    chains: Chains
    branches: Branches
    only: str | None
    open: set[str] = field(default_factory=set)

    def check(self) -> list[str]:
        """The projects that are left open; raises `Broken`."""
        for branch in self.branches.unrecorded():
            self._branch(branch)
        for fork in self.anchors.pins.forks if self.only is None else ():
            self._fork(fork)
        for project in sorted(self.anchors.reached):
            if self.only in (None, project):
                self._reached(project)
        for project, key in sorted(self.anchors.left_out.items() if self.only is None else ()):
            self._left_out(project, key)
        return sorted(self.open)

    def _branch(self, branch: Branch) -> None:
        first, head = branch.first, self.chains.head(branch.first.project)
        follows = first.seq > head.seq + 1 or first.prev_hash == head.hash
        if not (first.seq > head.seq and follows and self._goes_on(first.project)):
            (key, number), seq = branch.place, first.seq
            raise Broken(ALIEN, object=key, line=number, project=first.project, seq=seq)
        self.open.add(first.project)

    def _fork(self, fork: Fork) -> None:
        claim = fork.claim
        if not (self.anchors.pins.by_anchor(claim) or self.branches.ends_with(fork)):
            problem = f"It is said to be abandoned up to seq {claim.last_seq}, which nothing knows."
            raise Broken(problem, project=claim.project, seq=claim.first_seq)

    def _reached(self, project: str) -> None:
        seq = self.anchors.reached[project][0]
        beyond = self.anchors.pins.beyond(project, seq)
        if beyond is None:
            return
        if not self._goes_on(project):
            problem = f"It is missing: by the anchor of {beyond[1]} the chain goes up to seq"
            raise Broken(f"{problem} {beyond[0]}.", project=project, seq=seq + 1)
        self.open.add(project)

    def _left_out(self, project: str, key: str) -> None:
        if self.anchors.pins.lost(project):
            return
        if not self._goes_on(project):
            raise Broken(LEFT_OUT, object=key, project=project)
        self.open.add(project)

    def _goes_on(self, project: str) -> bool:
        """Whether the last anchor knows of executions that aren't archived yet, and may say it."""
        reached = self.anchors.reached
        saying = [project] if project in reached else reached  # of one that is gone, any other's
        return any(reached[each][0] > self.chains.head(each).seq for each in saying)
