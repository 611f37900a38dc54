"""The pages of layers: one a layer, of one shape, and in the navigation."""

import re
from pathlib import Path

import pytest

from spoonbill.registry import LAYERS

ROOT = Path(__file__).parents[2]
SECTIONS = (
    "When to use it",
    "Its place in a stack",
    "Example",
    "What it costs",
    "What it promises, and what can fail",
)
CLASSES = {row.name: row.layer.partition(":")[2] for row in LAYERS}


@pytest.mark.parametrize("name", CLASSES)
def test_each_layer_has_a_page(name):
    """It says when to use the layer, draws it, runs an example with it, and tells its costs and failures."""
    page = (ROOT / "docs" / "layers" / f"{name}.md").read_text()
    layer = CLASSES[name]
    assert page.startswith(f"# {layer}\n")
    assert tuple(re.findall(r"^## (.+)$", page, re.MULTILINE)) == SECTIONS
    drawn = re.search(r"<!-- stack: .+ -->\n```text\n(.*?)```", page, re.DOTALL)
    assert drawn
    assert layer in drawn[1]
    assert any(layer in block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    assert f"<!-- cost: {layer} -->\n| |" in page


def test_every_page_is_in_the_navigation():
    """Overview, orders, costs and each layer's page, and no page that is not there."""
    named = re.findall(r": layers/(\w+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (ROOT / "docs" / "layers").glob("*.md"))
