"""Run one command and kill oneself by SIGKILL at the n-th call of a function.

    python -m tests.faults.dying module:attribute before|after N command [arguments…]

``before`` dies instead of the call, ``after`` right behind it. Exits as the command does when it lives through.
"""

import importlib
import os
import signal
import sys
from typing import Any

import django
from django.core.management import call_command


def patch(where: str, when: str, number: int) -> None:
    module_name, _, path = where.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = getattr(owner, name)
    calls = 0

    def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(*arguments, **named)
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, name, dying)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "winback.settings")
    django.setup()
    patch(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    call_command(*sys.argv[4:])
