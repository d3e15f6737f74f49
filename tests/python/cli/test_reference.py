"""docs/reference/cli.md is what the commands say of themselves."""

from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def test_the_page_is_what_the_commands_say():
    from aios.cli.reference import page

    assert PAGE.read_text() == page(), "run: python -m aios.cli.reference > docs/reference/cli.md"


def test_every_command_of_the_contract_is_there():
    text = PAGE.read_text()
    for command in ("compile", "demo", "doctor", "export", "inspect", "verify", "run", "bench"):
        assert f"## `aios {command} " in text
