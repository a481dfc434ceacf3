"""Every command has a test that calls it, and help that says what it does and how often to run it."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
OURS = sorted(name for name, app in get_commands().items() if app in {"catalog", "tenants", "campaigns"})
DJANGO_S_OWN = {"migrate"}


@pytest.mark.parametrize("name", [name for name in OURS if name not in DJANGO_S_OWN])
def test_every_command_has_a_test(name: str) -> None:
    pattern = re.compile(rf"""["'\s]{name}["'\s]""")
    calling = [path for path in (ROOT / "tests").rglob("test_*.py") if pattern.search(path.read_text())]

    assert calling, f"no test calls {name}"


@pytest.mark.parametrize("name", [name for name in OURS if name not in DJANGO_S_OWN])
def test_every_command_says_what_it_does_and_how_often_to_run_it(name: str) -> None:
    command = load_command_class(get_commands()[name], name)

    assert len(command.help) > 40
    said = f"{command.help} {getattr(command, 'how_often', '')}"
    assert re.search(r"run|once|again|every|schedule", said, re.IGNORECASE), said
