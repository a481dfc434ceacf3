#!/usr/bin/env python3
"""winback's commands. ``python3 manage.py demo`` and ``python3 manage.py test`` need nothing but Python 3.11."""

import sys

from winback.runtime import bootstrap

if __name__ == "__main__":
    bootstrap.enter(sys.argv)
    # Only now is it certain that Django can be imported.
    bootstrap.call("winback.runtime.commandline:main", sys.argv)
