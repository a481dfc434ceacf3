"""The same as ``dying``, with batches of ten rows: python -m tests.faults.dying_import where when n command […]."""

import os
import sys

import django
from django.core.management import call_command

from tests.faults import dying

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "winback.settings")
    django.setup()
    from campaigns.audience import importing

    importing.BATCH_ROWS = 10
    dying.patch(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    call_command(*sys.argv[4:])
