"""What several of these tests use."""

from tests.servers.s3_server import BUCKET


def names(client, root):
    start = root.removeprefix(f"s3://{BUCKET}/") + "/"
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=start).get("Contents", ())
    return [one["Key"].removeprefix(start) for one in found]


class Calls:
    """Counts what a store's filesystem asks the service."""

    def __init__(self, store, monkeypatch):
        self.made = []
        fs = store.raw._folder.fs
        real = fs._call_s3

        async def noting(method, *arguments, **options):
            self.made.append((method, options))
            return await real(method, *arguments, **options)

        monkeypatch.setattr(fs, "_call_s3", noting)
        folder = store.raw._folder
        once = folder._call_once

        async def noting_once(method, path, **options):
            self.made.append((method, options))
            return await once(method, path, **options)

        monkeypatch.setattr(folder, "_call_once", noting_once)

    def of(self, method):
        return [options for made, options in self.made if made == method]

    def reads(self):
        """Return the requests for values: not those for notes about them."""
        return [one for one in self.of("get_object") if not one["Key"].endswith(("~note", "~part", "~journal"))]
