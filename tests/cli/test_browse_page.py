"""The page of ``browse`` in a real headless browser: what is seen, by keyboard, and that no value becomes markup."""

import zlib
from struct import pack

import numpy as np
import pytest
from playwright.sync_api import Error

from spoonbill.datastores import LmdbStore
from tests.cli.browser import browser
from tests.cli.browsing import browsed

SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = "<img src=x onerror='window.hacked = 1'>"


@pytest.fixture(scope="module")
def running():
    with browser() as one:
        yield one


@pytest.fixture
def page(running):
    """A page of its own, which fails the test where a script fails or the policy is broken."""
    opened, wrong = running.new_page(), []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "console", lambda told: wrong.append(told.text) if told.type == "error" and "400" not in told.text else None
    )
    yield opened
    opened.close()
    assert wrong == []


def png(side):
    def chunk(kind, data):
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\xff\0\0" * side) * side)
    head = pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def store(tmp_path):
    with LmdbStore(tmp_path / "d", durability="process") as opened:
        opened.update({f"user:{number:03}": {"n": number, "big": 2**70} for number in range(120)})
        yield opened


@pytest.fixture
def url(store, tmp_path):
    return f"lmdb:{tmp_path}/d?durability=process"


def search(page, pattern, where=""):
    """Search as a user does: from the keys with `/`, and Enter, which leads back to the keys."""
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.press("Control+A")
    page.keyboard.type(pattern)
    page.fill("#where", where)
    page.focus("#pattern")
    with page.expect_response(lambda answer: "api/keys" in answer.url):
        page.keyboard.press("Enter")
    until(page, "() => document.activeElement.id === 'keys'")


def until(page, expression, argument=None):
    """Wait until a function is true. Playwright's own wait would evaluate text in the page, whose policy forbids it."""
    for _ in range(300):
        if page.evaluate(expression, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


def listed(page):
    return page.locator("#keys li span:first-child").all_inner_texts()


def test_it_is_used_by_keyboard_alone(page, url):
    """Keys, pages, a search with a condition, the value, every tab, and back, without a mouse."""
    with browsed(url) as address:
        page.goto(address)
        page.wait_for_selector("#keys li")
        assert page.inner_text("#mode") == "read-only"
        assert page.inner_text("#count") == "120 keys"
        assert listed(page) == [f"user:{number:03}" for number in range(50)]
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("text=51 to 100")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("text=101 to 120")
        assert page.is_disabled("#next")
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("text=51 to 100")
        search(page, "user:*", "n=>110")
        assert listed(page) == [f"user:{number}" for number in range(111, 120)]
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.wait_for_selector("#panel h2:has-text('user:112')")
        assert "1180591620717411303424" in page.inner_text("#panel")
        assert page.get_attribute("#keys", "aria-activedescendant") == "key-1"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "panel"
        page.keyboard.press("2")
        page.wait_for_selector(".plan .step")
        assert "ranges of keys" in page.inner_text("#panel")
        assert "n > 110" in page.inner_text("#panel")
        page.keyboard.press("3")
        page.wait_for_selector(".level.engine")
        assert page.locator(".level b").all_inner_texts() == ["Frozen", "LmdbStore", "Lmdb"]
        assert "between all processes" in page.inner_text("#panel")
        page.keyboard.press("4")
        page.wait_for_selector(".bars")
        assert "user:*" in page.inner_text("#panel")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") == "keys"


def test_each_kind_of_value_is_drawn(page, store, url):
    """An image is decoded, a tensor has a heat map and a histogram, rows are a table, bytes their digits."""
    store.update({"image": png(7), "tensor": np.eye(5), "rows": [{"a": 1, "b": "x"}, {"a": 2}], "bytes": b"\x00\xff"})
    with browsed(url) as address:
        page.goto(address)
        for key, wanted in (("image", "#panel img"), ("tensor", "canvas"), ("rows", "#panel table"), ("bytes", ".hex")):
            search(page, key)
            page.keyboard.press("ArrowDown")
            page.wait_for_selector(wanted)
            if key == "image":
                until(page, "() => document.querySelector('#panel img').naturalWidth === 7")
            if key == "tensor":
                pixels = "[...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 2, 1).data]"
                assert page.evaluate(pixels) == [252, 232, 168, 255, 24, 28, 66, 255]
                assert page.locator(".histogram div").count() == 32
            if key == "rows":
                assert page.locator("#panel td").all_inner_texts() == ["1", '"x"', "2", ""]


def test_no_key_and_no_value_becomes_markup(page, store, url):
    """Script and markup in keys, values, fields, columns and patterns are shown as the text they are, and none runs."""
    store.clear()
    store.update(
        {
            SCRIPT: IMAGE + SCRIPT,
            IMAGE: {IMAGE: [SCRIPT, {SCRIPT: IMAGE.encode()}]},
            f"rows {IMAGE}": [{SCRIPT: IMAGE}, {IMAGE: SCRIPT}],
            f"svg {SCRIPT}": b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.hacked = 1'></svg>",
            (IMAGE, SCRIPT): SCRIPT,
        }
    )
    with browsed(url, "--write") as address:
        page.goto(address)
        page.wait_for_selector("#keys li")
        assert SCRIPT in listed(page)
        for _ in range(5):
            page.keyboard.press("ArrowDown")
            name = page.inner_text("#keys li[aria-selected=true] span:first-child")
            until(page, "name => document.querySelector('#panel h2')?.textContent === name", name)
            for tab in "2341":
                page.keyboard.press(tab)
        page.wait_for_timeout(300)
        page.fill("#pattern", IMAGE)
        page.press("#pattern", "Enter")
        page.fill("#pattern", f"[{SCRIPT}")
        page.select_option("#kind", "regex")
        with page.expect_console_message(lambda message: "400" in message.text):
            page.press("#pattern", "Enter")
        page.wait_for_selector("#status.error")
        page.keyboard.press("Escape")
        assert page.evaluate("window.hacked") is None
        assert page.locator("#keys img, #panel img, body script, #status *").count() == 0


def test_the_browser_itself_refuses_markup(running, url):
    """The policy holds in the page: neither a text as markup, nor a script in the page, nor another server."""
    with browsed(url) as address, running.new_page() as page:
        page.goto(address)
        page.wait_for_selector("#keys li")
        with pytest.raises(Error, match="TrustedHTML"):
            page.evaluate("document.body.innerHTML = '<b></b>'")
        with pytest.raises(Error, match="fetch"):
            page.evaluate("fetch('http://127.0.0.2:9/')")
        page.evaluate("document.head.append(Object.assign(document.createElement('style'), {textContent: 'body {}'}))")
        assert page.evaluate("document.styleSheets.length") == 1


def test_changes_are_made_where_it_was_told(page, store, url):
    """Edit, create and remove, the last of which asks again."""
    with browsed(url, "--write") as address:
        page.goto(address)
        page.wait_for_selector("#keys li")
        page.keyboard.press("ArrowDown")
        page.wait_for_selector("text=user:000")
        page.fill("#panel textarea", '{"n": "edited"}')
        page.click("text=Save")
        page.wait_for_selector('.string:has-text("edited")')
        assert store["user:000"] == {"n": "edited"}
        page.click("text=Delete")
        assert "user:000" in store
        page.click("text=Delete for good")
        page.wait_for_selector("text=Choose a key")
        assert "user:000" not in store
        page.click("text=New key")
        page.fill("[aria-label=Key]", "a new one")
        page.fill("[aria-label='Value as JSON']", "[1, 2]")
        page.click("text=Create")
        page.wait_for_selector("li:has-text('a new one')")
        assert store["a new one"] == [1, 2]


def test_a_million_keys(page, tmp_path):
    """The first page, a search for the last keys and the plots are there: the page waits for none of the rest."""
    path = tmp_path / "many"
    with LmdbStore(path, durability="process") as store:
        store.update({f"key {number:07}": number for number in range(1_000_000)})
    with browsed(f"lmdb:{path}?durability=process") as address:
        page.goto(address)
        page.wait_for_selector("#keys li")
        assert page.inner_text("#count") == "1,000,000 keys"
        search(page, "key 09999*")
        assert listed(page) == [f"key {number:07}" for number in range(999_900, 999_950)]
        page.keyboard.press("4")
        page.wait_for_selector(".bars")
        assert "first 500 of 1,000,000" in page.inner_text("#panel")
