"""What the benchmark's projects are made of: one component of 1 KB, or fifty of them."""

from control_plane.registry import Changed, State, Template, View

TOUCHED = "block_00"
ACTION = "bench.add"


class Block(State):
    """A state of 1 KB in canonical JSON."""

    value: int
    notes: list[str]


def block() -> dict[str, object]:
    """The state that every block starts with."""
    return {"value": 0, "notes": [f"note {number:02} ".ljust(114, ".") for number in range(8)]}


def template_name(components: int) -> str:
    """The name of the template with so many components."""
    return f"bench_{components}"


def bench_template(components: int) -> Template:
    """A template of so many blocks, with an action that touches the first."""
    template = Template(template_name(components))
    for number in range(components):
        template.component(f"block_{number:02}", Block, block(), title=f"Block {number}")

    @template.action(ACTION, changes=f"/{TOUCHED}/value", cost=1)
    def add(state: View, amount: int = 1) -> Changed:
        """Add to the first block."""
        held = state[TOUCHED]
        return {TOUCHED: {**held, "value": held["value"] + amount}}

    return template


POLICY = {
    "limits": {
        "rate": {"per_minute": 10_000_000, "per_hour": 100_000_000},
        "budget": {"daily": 1_000_000_000},
    },
    "rules": [
        {"id": "by-state", "condition": f'state["{TOUCHED}"].value < 0', "effect": "reject"},
        {"id": "by-input", "condition": "inputs.amount > 1000", "effect": "reject"},
        {"id": "by-role", "condition": '!("admin" in principal.roles)', "effect": "reject"},
        {"id": "by-time", "condition": "now.getHours() > 24", "effect": "require_approval"},
        {
            "id": "by-use",
            "condition": 'action.id.startsWith("bench.") && usage.budget > 900000000',
            "effect": "require_approval",
        },
    ],
}
"""A policy that looks at everything and lets everything through."""

TEMPLATES = (bench_template(1), bench_template(50))
