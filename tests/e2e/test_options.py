"""Each command and each option of the program names a test of its effect: one that no test names fails here."""

import ast
from pathlib import Path

import pytest


def marked():
    """{command: {options}} from the marks in all test files."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.option":
                words = [argument.value for argument in node.args]
                for command in [words[0]]:
                    found.setdefault(command, set()).update(words[1:])
    return found


@pytest.fixture(scope="module")
def marks():
    return marked()


def options_of(row):
    return {f"--{option['name'].lstrip('-')}" for option in row["options"]}


# `set` takes the options of `issue` and keeps them in the same record by the same code; these of its own are shown to.
SHARED = {"set": "issue"}


def test_every_command_and_option_is_tested(bare, marks):
    table = bare.json("commands")
    missing = []
    for row in table["commands"]:
        command = row["command"]
        if command not in marks:
            missing.append(command)
        tested = marks.get(command, set()) | marks.get(SHARED.get(command), set())
        missing += [f"{command} {option}" for option in sorted(options_of(row) - tested)]
    tested = marks.get("", set())
    missing += [f"--{option['name'].lstrip('-')}" for option in table["global_options"] if f"--{option['name'].lstrip('-')}" not in tested]
    assert not missing, "no test names: " + ", ".join(missing)


def test_no_mark_names_what_is_not_there(bare, marks):
    table = bare.json("commands")
    known = {row["command"]: options_of(row) for row in table["commands"]}
    known[""] = {f"--{option['name'].lstrip('-')}" for option in table["global_options"]}
    wrong = [f"{command} {option}" for command, options in marks.items() for option in sorted(options)
             if option not in known.get(command, set())]
    wrong += [command for command in marks if command not in known]
    assert not wrong, "marks without a command or option: " + ", ".join(wrong)
