"""The plugin itself: what it registers, and what its import costs."""

from __future__ import annotations

import subprocess
import sys

import canbao_plugins.families
from canbao.testing import check_plugin
from canbao_plugins import doors
from canbao_plugins.families import City


def test_it_registers_the_city() -> None:
    """A scenario that says `kind = "city"` gets the settings of a city."""
    assert check_plugin(doors.families) == {"families": {"city": City}}


def test_its_import_leaves_faker_and_pillow_alone() -> None:
    """Who only simulates does not wait for libraries that make names and pictures."""
    script = "import sys, canbao_plugins.families; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "'canbao_plugins'" in answer.stdout
    for heavy in ("faker", "PIL", "scipy", "stdnum"):
        assert f"'{heavy}'" not in answer.stdout


def test_its_public_names_exist_and_are_sorted_out() -> None:
    """`__all__` names what is there, once."""
    names = canbao_plugins.families.__all__
    assert len(set(names)) == len(names)
    assert all(hasattr(canbao_plugins.families, name) for name in names)
