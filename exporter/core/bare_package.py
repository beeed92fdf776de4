"""A package of a library of which we use only some modules."""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class BarePackage(ModuleType):
    """A package whose `__init__` is not executed until something is used that only it has."""

    @classmethod
    def enter(cls, name: str) -> None:
        """From now on, an import of a module in this package does not execute its `__init__`. Does
        nothing if that has happened already, or without such a library."""
        if name in sys.modules or not (spec := find_spec(name)):
            return
        package = module_from_spec(spec)
        package.__class__ = cls
        sys.modules[name] = package

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":  # which modules of the package tell a server or client
            from importlib.metadata import version  # takes long, and hardly any command needs it

            return version(self.__name__)
        if find_spec(f"{self.__name__}.{name}"):
            return import_module(f"{self.__name__}.{name}")
        self.__class__ = ModuleType  # type: ignore[assignment]
        if self.__spec__ and self.__spec__.loader:
            self.__spec__.loader.exec_module(self)
        return getattr(self, name)
