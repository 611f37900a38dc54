"""The Dict of a store, as the tests read it by modal's own client."""


def raw(store):
    """Return the Dict of a store, by modal's own client."""
    import modal

    engine = store.raw.raw
    return modal.Dict.from_name(engine._name, create_if_missing=True)
