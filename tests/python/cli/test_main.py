"""`aios` itself: its help, its version, and commands that there aren't."""

import pytest


@pytest.mark.parametrize("arguments", [["inspekt"], ["inspect"], ["inspect", "a", "--abacus"]])
def test_a_mistyped_command_is_exit_2(arguments, aios_command):
    assert aios_command(*arguments).returncode == 2


def test_version(aios_command):
    assert aios_command("--version").stdout.startswith("aios 0.")


def test_aios_alone_prints_help(aios_command):
    shown = aios_command()
    assert shown.returncode == 0
    assert "inspect" in shown.stdout
    assert shown.stderr == ""


def test_a_mistyped_command_gets_a_suggestion(aios_command):
    assert "Did you mean 'inspect'?" in aios_command("inspekt").stderr
