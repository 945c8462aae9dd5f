"""The CEL library's extension without its package, whose command line takes 0.3 s to import.

Import this module where it is first needed, inside a function: then the import system's lock sees
to it that only one thread loads the extension. A second module of its kind would panic, so it also
goes where the package's own import would find it.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType


def _load(name: str = "cel.cel") -> ModuleType:
    package = PathFinder.find_spec("cel")
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec(name, places)
    if spec is None or spec.loader is None:
        raise ImportError("common-expression-language is not installed")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return sys.modules.setdefault(name, module)


_extension = sys.modules.get("cel.cel") or _load()
Context = _extension.Context
compile = _extension.compile
