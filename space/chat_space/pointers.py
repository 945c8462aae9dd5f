"""Results in a form that Gradio takes for no file."""

from typing import Any

Json = dict[str, Any]


def pointers(value: Any) -> Any:
    """The value with every string-valued key `path` renamed `pointer`, at every depth.

    Gradio takes a dict with such a `path` for a file: it would serve or download what the path
    names, and stored state may hold any. Where `pointer` is taken, underscores are added.
    """
    if isinstance(value, list):
        return [pointers(item) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {key: pointers(item) for key, item in value.items() if not _is_path(key, item)}
    for key, item in value.items():
        if _is_path(key, item):
            renamed[_free("pointer", value)] = item
    return renamed


def _is_path(key: str, value: Any) -> bool:
    return key == "path" and isinstance(value, str)


def _free(name: str, taken: Json) -> str:
    while name in taken:
        name += "_"
    return name
