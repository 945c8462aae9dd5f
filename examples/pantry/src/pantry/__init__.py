"""What a shared pantry holds: a whole template in a package of its own."""

from control_plane.registry import Changed, Check, State, Template, View


class Shelf(State):
    """Jars by count."""

    jars: int
    most: int


pantry = Template("pantry", title="Pantry")
pantry.component(
    "shelf",
    Shelf,
    {"jars": 0, "most": 12},
    title="Shelf",
    invariants=[Check("fits", 'state["shelf"].jars <= state["shelf"].most', "The shelf is full.")],
)


@pantry.action("shelf.put", changes="/shelf/jars", phrases=["put {jars} jars on the shelf"])
def put(state: View, jars: int) -> Changed:
    """Put jars on the shelf."""
    return {"shelf": {**state["shelf"], "jars": state["shelf"]["jars"] + jars}}


@pantry.action(
    "shelf.take",
    changes="/shelf/jars",
    requires=[Check("enough", 'state["shelf"].jars >= inputs.jars', "There aren't that many.")],
    phrases=["take {jars} jars"],
)
def take(state: View, jars: int) -> Changed:
    """Take jars from the shelf."""
    return {"shelf": {**state["shelf"], "jars": state["shelf"]["jars"] - jars}}
