"""The embedded services: started by whoever needs them first, shared, and gone with whoever needed them last."""

import os
import shutil
import signal
import stat
from pathlib import Path

import psycopg
import pytest
import redis

from tests.runtime.living import Home, eventually
from winback.runtime import processes
from winback.runtime.supervisor import LINGER_SECONDS

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are counted in /proc")


@needs_proc
def test_commands_share_one_supervisor_and_the_last_one_ends_it(home: Home) -> None:
    first, addresses = home.hold()
    supervisor = home.supervisor()
    second, same = home.hold()

    assert same == addresses
    first.communicate()
    assert not eventually(lambda: supervisor not in home.processes(), seconds=LINGER_SECONDS + 2)
    assert psycopg.connect(addresses["DATABASE_URL"]).execute("SELECT 1").fetchone() == (1,)

    second.communicate()
    assert eventually(lambda: home.processes() == {}), home.processes()


@needs_proc
def test_two_commands_at_once_start_one_supervisor(home: Home) -> None:
    script = "import sys; from pathlib import Path; from winback.runtime import services; "
    script += "services.ensure(Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    both = [home.start("-c", script, str(home.folder)) for _ in range(2)]

    for command in both:
        assert command.stdout is not None
        assert command.stdout.readline() == "\n"

    assert sum("winback.runtime.supervisor" in line for line in home.processes().values()) == 1


@needs_proc
def test_a_killed_command_does_not_keep_them_alive(home: Home) -> None:
    command, _ = home.hold()

    command.kill()

    assert eventually(lambda: home.processes() == {}), home.processes()


@needs_proc
@pytest.mark.faults
def test_after_a_killed_supervisor_the_next_command_starts_anew_with_the_same_data(home: Home) -> None:
    first, addresses = home.hold()
    with psycopg.connect(addresses["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    supervisor = home.supervisor()

    os.kill(supervisor, signal.SIGKILL)

    first.communicate()
    _, anew = home.hold()  # at once, while what the first one started is still on its way out
    assert home.supervisor() != supervisor
    with psycopg.connect(anew["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@needs_proc
@pytest.mark.faults
def test_a_killed_supervisor_takes_its_services_with_it(home: Home) -> None:
    command, _ = home.hold()

    os.kill(home.supervisor(), signal.SIGKILL)

    assert eventually(lambda: set(home.processes()) == {command.pid}), home.processes()


@needs_proc
@pytest.mark.faults
@pytest.mark.parametrize("victim", ["bin/postgres", "valkey-server"])
def test_a_service_that_dies_takes_the_other_with_it(home: Home, victim: str) -> None:
    command, _ = home.hold()
    (pid,) = [process for process, line in home.processes().items() if victim in line.split(" ")[0]]

    os.kill(pid, signal.SIGKILL)

    assert eventually(lambda: set(home.processes()) == {command.pid}), home.processes()
    command.communicate()
    _, addresses = home.hold()
    assert redis.Redis.from_url(addresses["REDIS_URL"]).ping()


def test_the_role_is_no_superuser_and_needs_its_password(home: Home) -> None:
    _, addresses = home.hold()

    with psycopg.connect(addresses["DATABASE_URL"]) as connection:
        query = "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(query).fetchone() == (False, False, False)
    place = addresses["DATABASE_URL"].split("@")[1]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgres://winback:guessed@{place}")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(f"redis://{addresses['REDIS_URL'].split('@')[1]}").ping()


def test_only_the_owner_reads_what_is_secret(home: Home) -> None:
    home.hold()

    private = ["secrets.json", "run/services.json", "postgres/keys.json", "valkey/keys.json", "valkey/valkey.conf"]

    assert {name: oct(stat.S_IMODE((home.folder / name).stat().st_mode)) for name in private} == dict.fromkeys(
        private, "0o600"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as somebody else")
def test_root_may_keep_them_in_a_private_folder(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.folder.chmod(0o700)
    before = set(processes.SHELTER.glob("postgres-*")) if processes.SHELTER.is_dir() else set()

    try:
        _, addresses = home.hold()

        with psycopg.connect(addresses["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("winback",)
        assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    finally:
        for made in set(processes.SHELTER.glob("postgres-*")) - before:
            shutil.rmtree(made)


def test_a_server_that_cannot_start_is_said_in_one_sentence(home: Home) -> None:
    (home.folder / "postgres").write_text("a file where the folder should be")

    ended = home.start("manage.py", "showmigrations")
    _, said = ended.communicate(timeout=60)

    assert ended.returncode == 1
    assert said.startswith("winback: The embedded services did not start")
    assert "Traceback" not in said
    assert str(home.folder / "run" / "supervisor.log") in said
