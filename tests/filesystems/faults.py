"""A filesystem that fails on demand, in front of fsspec's own in memory: ``faulty://path``."""

from collections.abc import Callable

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class FaultyFileSystem(MemoryFileSystem):
    """Before each call `fault` is asked, which may raise."""

    protocol = "faulty"
    store: dict = {}
    pseudo_dirs = [""]
    fault: Callable[[str, str], None] = staticmethod(lambda call, path: None)

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.removeprefix("faulty://"))

    def cat_file(self, path, *arguments, **options):
        self.fault("cat_file", path)
        return super().cat_file(path, *arguments, **options)

    def pipe_file(self, path, *arguments, **options):
        self.fault("pipe_file", path)
        return super().pipe_file(path, *arguments, **options)

    def cp_file(self, path, *arguments, **options):
        self.fault("cp_file", path)
        return super().cp_file(path, *arguments, **options)

    def rm_file(self, path):
        self.fault("rm_file", path)
        return super().rm_file(path)

    def info(self, path, **options):
        self.fault("info", path)
        return super().info(path, **options)

    def ls(self, path, *arguments, **options):
        self.fault("ls", path)
        return super().ls(path, *arguments, **options)


fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)
