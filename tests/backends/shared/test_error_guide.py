"""What errors mean by tables: codes before classes, the nearest class before its bases."""

import pytest

from spoonbill.backends.shared import ErrorGuide, backoff


class Broken(ConnectionError):
    """A client's error, of a base that has a row of its own."""


class Refused(Exception):
    """A client's error with a code."""

    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code


class GaveUp(Exception):
    """A client's wrapper of the last error."""

    def __init__(self, cause):
        super().__init__("gave up")
        self.cause = cause


GUIDE = ErrorGuide(
    packages=frozenset({__name__.partition(".")[0]}),
    kinds=frozenset({"OSError"}),
    codes_of=lambda error: [error.code] if isinstance(error, Refused) else [],
    cause_of=lambda error: error.cause if isinstance(error, GaveUp) else error,
    too_large=frozenset({413}),
    unanswered={"ConnectionError": True, "Broken": True, "ConnectionRefusedError": False, 503: True, "GaveUp": True},
    remedies={"OSError": "network", "Broken": "broken", 413: "smaller", 503: "wait", "Refused": "ask"},
    otherwise="read the message",
)


@pytest.mark.parametrize(
    ("error", "ours", "remedy", "unanswered", "large"),
    [
        (Broken(), True, "broken", True, False),
        (ConnectionRefusedError(), True, "network", False, False),
        (ConnectionResetError(), True, "network", True, False),
        (PermissionError(), True, "network", False, False),
        (Refused(413), True, "smaller", False, True),
        (Refused(503), True, "wait", True, False),
        (Refused(1), True, "ask", False, False),
        (GaveUp(Refused(413)), True, "smaller", True, True),
        (GaveUp(ConnectionRefusedError()), True, "network", False, False),
        (ValueError(), False, "read the message", False, False),
    ],
    ids=repr,
)
def test_the_nearest_row_counts(error, ours, remedy, unanswered, large):
    """A code goes before a class, a class before its bases, and the cause before its wrapper."""
    assert GUIDE.is_of_client(error) is ours
    assert GUIDE.remedy_for(error) == remedy
    assert GUIDE.is_unanswered(error) is unanswered
    assert GUIDE.is_too_large(error) is large


def test_pauses_grow_and_end(monkeypatch):
    """The pauses between attempts double, up to the longest, and there is none before the first or after the last."""
    pauses = []
    monkeypatch.setattr(backoff, "pause", pauses.append)
    assert list(backoff.attempts(1.0, most=6)) == [0, 1, 2, 3, 4, 5]
    assert len(pauses) == 5
    for pause, longest in zip(pauses, (1, 2, 4, 5, 5), strict=True):
        assert longest / 2 <= pause <= longest
    assert list(backoff.attempts(1.0, seconds=-1.0)) == [0]
