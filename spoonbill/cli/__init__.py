"""The command line: ``spoonbill COMMAND URL ...``."""

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit codes: 0, 1 absent or different, 2 usage, 3 the engine failed."""
    try:
        import click  # noqa: F401 - a look
    except ImportError:
        raise SystemExit("the command line needs click and rich: pip install 'spoonbill-framework[cli]'") from None
    from spoonbill.cli.group import run

    run()
