"""The ways in which tests tamper with a trail or damage it.

Each takes a seeded chance and the files, and answers them altered, never the same.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from random import Random
from typing import Any

import orjson
from control_plane.canonical import canonical, sha256

from tests.evidence import Files

type Corruption = Callable[[Random, Files], Files]
type Lines = list[Any]


def objects(files: Files) -> list[str]:
    """The keys of archive objects, in order."""
    return sorted(key for key in files if key.startswith("executions/"))


def anchors(files: Files, org: str = "") -> list[str]:
    """The keys of anchors, in order."""
    return sorted(key for key in files if key.startswith(f"anchors/org={org}"))


def unpacked(body: bytes) -> Lines:
    """An object's lines as values."""
    return [orjson.loads(line) for line in gzip.decompress(body).splitlines()]


def packed(lines: Lines) -> bytes:
    """Lines as the archive packs them, a gzip member a project."""
    grouped = groupby(lines, key=lambda line: line["record"]["project"])
    texts = ("".join(canonical(line) + "\n" for line in group).encode() for _, group in grouped)
    return b"".join(gzip.compress(text, mtime=0) for text in texts)


def named(key: str, body: bytes) -> str:
    """An object's key with its true hash."""
    return re.sub(r"-[0-9a-f]{16}\.", f"-{hashlib.sha256(body).hexdigest()[:16]}.", key)


def replaced(chance: Random, files: Files, key: str, body: bytes) -> Files:
    """Another body for an object, half the time under a name that fits it."""
    rest = {name: held for name, held in files.items() if name != key}
    return {**rest, (named(key, body) if chance.random() < 0.5 else key): body}


def _lines(chance: Random, files: Files, least: int = 1) -> tuple[str, Lines]:
    while True:
        key = chance.choice(objects(files))
        lines = unpacked(files[key])
        if len(lines) >= least:
            return key, lines


def flip_a_bit(chance: Random, files: Files) -> Files:
    """One bit of one file."""
    key = chance.choice(sorted(files))
    body = bytearray(files[key])
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return {**files, key: bytes(body)}


def alter_a_character(chance: Random, files: Files) -> Files:
    """One character of one line, compressed again."""
    key = chance.choice(objects(files))
    text = bytearray(gzip.decompress(files[key]))
    place = chance.randrange(len(text))
    text[place] = chance.choice([c for c in b'0123456789abcdef",:{}\n' if c != text[place]])
    return replaced(chance, files, key, gzip.compress(bytes(text), mtime=0))


def alter_a_digit(chance: Random, files: Files) -> Files:
    """One digit of one line: the text stays JSON."""
    key = chance.choice(objects(files))
    text = bytearray(gzip.decompress(files[key]))
    place = chance.choice([m.start() for m in re.finditer(rb"[0-9]", text)])
    text[place] = chance.choice([c for c in b"0123456789" if c != text[place]])
    return replaced(chance, files, key, gzip.compress(bytes(text), mtime=0))


def drop_a_line(chance: Random, files: Files) -> Files:
    """One execution is gone."""
    key, lines = _lines(chance, files, 2)
    del lines[chance.randrange(len(lines))]
    return replaced(chance, files, key, packed(lines))


def drop_the_last_lines(chance: Random, files: Files) -> Files:
    """An object ends early."""
    key, lines = _lines(chance, files, 2)
    return replaced(chance, files, key, packed(lines[: chance.randrange(1, len(lines))]))


def repeat_a_line(chance: Random, files: Files) -> Files:
    """One execution is there twice."""
    key, lines = _lines(chance, files)
    place = chance.randrange(len(lines))
    lines.insert(chance.randrange(len(lines) + 1), lines[place])
    return replaced(chance, files, key, packed(lines))


def swap_two_lines(chance: Random, files: Files) -> Files:
    """Two executions stand in each other's place."""
    key, lines = _lines(chance, files, 2)
    one, other = chance.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return replaced(chance, files, key, packed(lines))


def splice_a_line(chance: Random, files: Files) -> Files:
    """An execution of another object, perhaps of another organization, in another's place."""
    (key, lines), (_, others) = _lines(chance, files), _lines(chance, files)
    place, new = chance.randrange(len(lines)), chance.choice(others)
    if new == lines[place]:
        return splice_a_line(chance, files)
    lines[place] = new
    return replaced(chance, files, key, packed(lines))


def splice_a_claim(chance: Random, files: Files) -> Files:
    """An execution of another project, which says that it is this one's, its hash made anew."""
    key, lines = _lines(chance, files, 2)
    place = chance.randrange(len(lines))
    record = lines[place]["record"]
    other = chance.choice([line for line in lines if line is not lines[place]])
    claimed = {name: record[name] for name in ("project", "seq", "prev_hash", "base_version")}
    new = {**other["record"], **claimed}
    lines[place] = {**other, "record": new, "hash": sha256(canonical(new))}
    return replaced(chance, files, key, packed(lines))


def cut_a_file(chance: Random, files: Files) -> Files:
    """A file ends early."""
    key = chance.choice(sorted(files))
    return {**files, key: files[key][: chance.randrange(len(files[key]))]}


def add_to_a_file(chance: Random, files: Files) -> Files:
    """A file goes on after its end."""
    key = chance.choice(sorted(files))
    more = chance.choice([b"\0", b"\n", chance.randbytes(30), gzip.compress(b"{}\n", mtime=0)])
    return {**files, key: files[key] + more}


def drop_an_object(chance: Random, files: Files) -> Files:
    """One object is gone."""
    gone = chance.choice(objects(files))
    return {key: body for key, body in files.items() if key != gone}


def drop_the_last_object(chance: Random, files: Files) -> Files:
    """An organization's last object is gone."""
    org = chance.choice(objects(files)).split("/")[1]
    gone = max(key for key in objects(files) if org in key)
    return {key: body for key, body in files.items() if key != gone}


def copy_an_object(chance: Random, files: Files) -> Files:
    """An object is there a second time, as another part."""
    key = chance.choice(objects(files))
    copied = re.sub(r"part-\d+", f"part-{chance.randrange(2, 9000):04}", key)
    return {**files, copied: files[key]}


def swap_two_files(chance: Random, files: Files) -> Files:
    """Two objects, or two anchors, in each other's place."""
    kind = chance.choice([objects, anchors])
    one, other = chance.sample(kind(files), 2)
    return {**files, one: files[other], other: files[one]}


def compress_anew(chance: Random, files: Files) -> Files:
    """The same lines in other bytes."""
    key = chance.choice(objects(files))
    body = gzip.compress(gzip.decompress(files[key]), chance.choice([0, 1, 9]), mtime=0)
    return replaced(chance, files, key, body)


def make_a_tail_anew(chance: Random, files: Files) -> Files:
    """One record is altered, and every hash from there on made anew, as are the objects' names."""
    _, lines = _lines(chance, files)
    start = chance.choice(lines)["record"]
    hashes: dict[int, str] = {}
    made = dict(files)
    for key in objects(files):
        lines = unpacked(files[key])
        if any(_anew(line, start) for line in lines):
            for line in lines:
                _remade(line, start, hashes)
            del made[key]
            body = packed(lines)
            made[named(key, body)] = body
    return made


def _anew(line: Any, start: Any) -> bool:
    record = line["record"]
    return record["project"] == start["project"] and record["seq"] >= start["seq"]


def _remade(line: Any, start: Any, hashes: dict[int, str]) -> None:
    record = line["record"]
    if not _anew(line, start):
        return
    if record["seq"] == start["seq"]:
        record["request_id"] += "!"
    record["prev_hash"] = hashes.get(record["seq"] - 1, record["prev_hash"])
    line["hash"] = hashes[record["seq"]] = sha256(canonical(record))


def null_a_payload(chance: Random, files: Files) -> Files:
    """A payload, or payload and salt, is taken away where no erasure did."""
    key, lines = _lines(chance, files)
    line = chance.choice([line for line in lines if line["payload"] is not None])
    line["payload"] = None
    line["salt"] = chance.choice([None, line["salt"]])
    return replaced(chance, files, key, packed(lines))


def swap_two_payloads(chance: Random, files: Files) -> Files:
    """Two executions have each other's payload, with its salt."""
    key, lines = _lines(chance, files, 4)
    whole = [line for line in lines if line["payload"] is not None]
    one, other = chance.sample(whole, 2)
    for name in ("payload", "salt"):
        one[name], other[name] = other[name], one[name]
    return replaced(chance, files, key, packed(lines))


def drop_an_anchor(chance: Random, files: Files) -> Files:
    """An anchor is gone that is not an organization's last."""
    orgs = {key.split("/")[1].removeprefix("org=") for key in anchors(files)}
    lasts = {max(anchors(files, org)) for org in orgs}
    gone = chance.choice([key for key in anchors(files) if key not in lasts])
    return {key: body for key, body in files.items() if key != gone}


def drop_all_anchors(chance: Random, files: Files) -> Files:
    """An organization has no anchors any more."""
    gone = chance.choice(anchors(files)).rsplit("/", 1)[0]
    return {key: body for key, body in files.items() if not key.startswith(gone)}


def rename_an_anchor(chance: Random, files: Files) -> Files:
    """An anchor stands at another moment than its own."""
    key = chance.choice(anchors(files))
    day = f"20{chance.randrange(40, 60)}-{chance.randrange(1, 13):02}"
    rest = {name: body for name, body in files.items() if name != key}
    return {**rest, re.sub(r"/20\d\d-\d\d", f"/{day}", key): files[key]}


def alter_an_anchor(chance: Random, files: Files) -> Files:
    """One value of an anchor is another, in canonical JSON."""
    key = chance.choice(anchors(files))
    anchor = orjson.loads(files[key])
    holders = [anchor, *anchor["projects"], *anchor["objects"]]
    holder = chance.choice(holders)
    name = chance.choice([n for n, value in holder.items() if isinstance(value, int | str)])
    holder[name] = _another(chance, holder[name])
    return {**files, key: canonical(anchor).encode()}


def reorder_an_anchor(chance: Random, files: Files) -> Files:
    """An anchor lists its projects or objects in another order, one twice, or one fewer."""
    key = chance.choice(anchors(files))
    anchor = orjson.loads(files[key])
    items = anchor[chance.choice(["projects", "objects"])]
    if not items:
        return reorder_an_anchor(chance, files)
    changes: list[Callable[[Lines], Any]] = [
        list.pop,
        list.reverse,
        lambda held: held.append(held[0]),
    ]
    chance.choice(changes)(items)
    altered = canonical(anchor).encode()
    return {**files, key: altered} if altered != files[key] else reorder_an_anchor(chance, files)


def _another(chance: Random, value: int | str) -> int | str:
    if isinstance(value, int):
        return value + chance.choice([-1, 1, 7])
    place = chance.randrange(len(value))
    return value[:place] + ("0" if value[place] != "0" else "1") + value[place + 1 :]


ALL: tuple[Corruption, ...] = (
    flip_a_bit, alter_a_character, alter_a_digit, drop_a_line, drop_the_last_lines, repeat_a_line,
    swap_two_lines, splice_a_line, splice_a_claim, cut_a_file, add_to_a_file, drop_an_object,
    drop_the_last_object, copy_an_object, swap_two_files, compress_anew, make_a_tail_anew,
    null_a_payload, swap_two_payloads, drop_an_anchor, drop_all_anchors, rename_an_anchor,
    alter_an_anchor, reorder_an_anchor,
)  # fmt: skip


def corrupted(files: Files, count: int) -> Iterator[tuple[str, Files]]:
    """So many corruptions of all kinds, each with its name, the same for the same files."""
    for number in range(count):
        corruption = ALL[number % len(ALL)]
        yield f"{corruption.__name__} {number}", corruption(Random(number), files)
