"""Reading the environment strictly: a bad or missing value stops the start with a sentence that names it."""

from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})


class Environment(environ.FileAwareEnv):
    """django-environ, with NAME_FILE for every NAME, and words instead of guesses for what cannot be understood."""

    def text(self, name: str, default: str = "") -> str:
        """The value without blanks around it; an empty one counts as not given.

        Read past django-environ's own lookup, which takes a secret that begins with ``$`` for the name of another.
        """
        try:
            value: str = self.ENVIRON[name]
        except KeyError:
            return default
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read: {error}.") from error
        return value.strip() or default

    def required(self, name: str, meaning: str) -> str:
        """The value of a variable that has no safe default."""
        value = self.text(name)
        if not value:
            raise ImproperlyConfigured(f"{name} is not set: {meaning} (or give its file's name in {name}_FILE).")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Yes or no; ``DEBUG=flase`` is neither."""
        value = self.text(name).lower()
        if not value:
            return default
        if value not in YES | NO:
            raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no: write true or false.")
        return value in YES

    def words(self, name: str, default: list[str]) -> list[str]:
        """The values between commas."""
        return [word.strip() for word in self.text(name).split(",") if word.strip()] or default

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, default).upper()
        if value not in choices:
            raise ImproperlyConfigured(f"{name}={value!r} is not known: write one of {', '.join(choices)}.")
        return value

    def folder(self, name: str, default: Path) -> Path:
        """A folder, made absolute: what runs in another working folder must find the same one."""
        path = Path(self.text(name, str(default))).expanduser().absolute()
        if path.exists() and not path.is_dir():
            raise ImproperlyConfigured(f"{name}={path} is a file: name a folder.")
        return path


def checked_address(name: str, value: str, schemes: tuple[str, ...], example: str, *, several: bool = False) -> str:
    """The address of a server, if it is one. The value itself is never repeated: it may hold a password.

    ``several``: it may name more than one host, ``user@one:5432,two:5432/…``, as libpq understands it.
    """
    try:
        whole = urlsplit(value)
        _ = [each.port for each in (_each_host(whole) if several else [whole])]  # looking tells if it is a number
        parts: SplitResult | None = whole
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in schemes or not (parts.hostname or parts.path.strip("/") or parts.query):
        raise ImproperlyConfigured(f"{name} is no address of the form {example}.")
    return value


def _each_host(parts: SplitResult) -> list[SplitResult]:
    user, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{user}{at}{host}") for host in hosts.split(",")]
