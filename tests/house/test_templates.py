"""Every template of ours can be read: what is wrong in one shows only on the page that needs it."""

from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    str(path.relative_to(folder))
    for app in ("winback", "tenants", "campaigns")  # the catalog's are Liquid
    for folder in (ROOT / app).rglob("templates")
    for path in folder.rglob("*.*")
    if path.suffix in {".html", ".txt"}
)


def test_there_are_templates_of_all_kinds() -> None:
    assert {name.partition("/")[0] for name in TEMPLATES} >= {"admin", "console", "campaigns"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_can_be_read(name: str) -> None:
    get_template(name)
