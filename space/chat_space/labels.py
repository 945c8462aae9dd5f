"""Words for people: labels for keys, readable paths for JSON pointers, readable values."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

NAMES_AN_ITEM = ("title", "name", "label", "id")
LONGEST = 300  # characters of a value; more of it only slows the page down
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # Unicode's controls, formats and separators
MISTAKABLE = {"on", "off", "true", "false", "null", "none", "nothing"}


def humanize(key: str) -> str:
    """`security_review` and `securityReview` as "Security review"; other text as it is."""
    spaced = re.sub(r"(?<=[a-z0-9])[A-Z](?=[a-z])", lambda found: f" {found[0].lower()}", key)
    words = re.sub(r"[_\-.\s]+", " ", spaced).strip()
    return words[0].upper() + words[1:] if words else key or "(empty)"


def titled(key: str, schema: Any) -> str:
    """The schema's title of a property, else its key in words.

    Generators title every property after its key ("Dry Run"); that says no more than the key.
    """
    title = schema.get("title") if isinstance(schema, Mapping) else None
    if not isinstance(title, str) or title.lower() == key.replace("_", " ").lower():
        return humanize(key)
    return title


def property_label(schema: Json, key: str, sub: Json) -> str:
    """What a property goes by: as declared, in words; a key of somebody's own choice verbatim."""
    declared = schema.get("properties")
    if isinstance(declared, Mapping) and key in declared:
        return titled(key, sub)
    return clip(key) or "(empty)"


def clip(text: str, most: int = LONGEST) -> str:
    """The text's beginning and its length, where it is long."""
    return text if len(text) <= most else f"{text[:most]}… {len(text):,} characters"


def is_invisible(character: str) -> bool:
    """Whether a character directs, hides or joins others and shows nothing of itself."""
    return character not in "\n\t" and unicodedata.category(character) in INVISIBLE


def resolve(schema: Any, root: Any) -> Json:
    """Follow one local `$ref` and a nullable `anyOf`; anything unknown is an empty schema."""
    seen = 0
    while isinstance(schema, Mapping) and seen < 8:
        seen += 1
        if isinstance(ref := schema.get("$ref"), str) and ref.startswith("#/"):
            schema = {**_at(root, ref[2:].split("/")), **_without(schema, "$ref")}
        elif options := _one_option(schema):
            schema = {**options, **_without(schema, "anyOf")}
        else:
            return dict(schema)
    return {}


def property_schema(schema: Json, key: str, root: Any) -> Json:
    """The schema of a property, by name, else by `additionalProperties`."""
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and key in properties:
        return resolve(properties[key], root)
    return resolve(schema.get("additionalProperties"), root)


def readable_path(pointer: str, registry: Json, state: Json) -> str:
    """`/demo.counter/value` as "Counter · Value"; a named list item goes by its name.

    `registry` is the API's, `state` the components by id (used to name list items only).
    """
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not parts:
        return "Everything"
    component = _component(registry, parts[0])
    root = component.get("schema", {})
    names = [component.get("title") or humanize(parts[0])]
    return " · ".join(names + _names(parts[1:], resolve(root, root), root, state.get(parts[0])))


def _names(parts: list[str], schema: Json, root: Any, value: Any) -> list[str]:
    names: list[str] = []
    for at, part in enumerate(parts):
        if isinstance(value, list):
            value = _item(value, part)
            schema = resolve(schema.get("items"), root)
            name = item_name(value)
            if name and names:
                names.pop()  # "Readiness · Security review" needs no "Items"
            names.append(name or _position(part))
            if name and at == len(parts) - 2 and _is_boolean(value, parts[-1]):
                return names
            continue
        sub = property_schema(schema, part, root)
        names.append(property_label(schema, part, sub))
        value = value.get(part) if isinstance(value, Mapping) else None
        schema = sub
    return names


def item_name(item: Any) -> str | None:
    """What a list's item is called, where one of its members says so."""
    if not isinstance(item, Mapping):
        return None
    named = (item.get(key) for key in NAMES_AN_ITEM)
    return next((clip(name) for name in named if isinstance(name, str) and name), None)


def show(value: Any) -> str:
    """A value as text for people; strings that look like something else are quoted."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"“{clip(value)}”" if _mistakable(value) else clip(value)
    return clip(json.dumps(value, ensure_ascii=False))


def _mistakable(text: str) -> bool:
    bare = text.strip()
    return (
        bare != text
        or not bare
        or bare.lower() in MISTAKABLE
        or re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", bare, re.IGNORECASE) is not None
        or bare[0] in '[{"“'
    )


def _component(registry: Json, component_id: str) -> Json:
    found = (item for item in registry.get("components", []) if item.get("id") == component_id)
    return next(found, {})


def _item(items: list[Any], part: str) -> Any:
    return items[int(part)] if part.isdecimal() and int(part) < len(items) else None


def _position(part: str) -> str:
    return f"#{int(part) + 1}" if part.isdecimal() else "new item"


def _is_boolean(item: Any, key: str) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get(key), bool)


def _one_option(schema: Mapping[str, Any]) -> Json | None:
    options = [
        option
        for option in schema.get("anyOf") or []
        if isinstance(option, Mapping) and option.get("type") != "null"
    ]
    return dict(options[0]) if len(options) == 1 else None


def _without(schema: Mapping[str, Any], key: str) -> Json:
    return {name: value for name, value in schema.items() if name != key}


def _at(root: Any, keys: list[str]) -> Json:
    for key in keys:
        root = root.get(key) if isinstance(root, Mapping) else None
    return dict(root) if isinstance(root, Mapping) else {}
