"""An environment that names servers which nobody runs: enough for commands that ask none."""

import base64

VALUES = {
    "DATABASE_URL": "postgres://winback:secret-password@127.0.0.1:1/winback",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "kJ8-long-and-random-enough-to-be-a-secret",
    "WINBACK_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"0123456789abcdef" * 2).decode(),
}
