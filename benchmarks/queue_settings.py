"""winback's settings with two other mail queues beside it: for benchmarks/queues.py alone."""

from winback.settings import *  # noqa: F403
from winback.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = [*OURS, "mailer", "post_office"]
MAILER_EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
MAILER_USE_FILE_LOCK = False
POST_OFFICE = {
    "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
    "BATCH_SIZE": 500,
    "THREADS_PER_PROCESS": 1,
}
