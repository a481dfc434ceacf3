"""REDIS_URL may name sentinels: everything that talks to the queue then follows the master that they name."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django_rq.connection_utils import get_redis_connection
from pytest_django import Settings
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from winback import checks, permits, queues, sentinels
from winback.runtime.valkey import EmbeddedValkey
from winback.sentinels import sentinels_of

THREE = "redis+sentinel://:secret@one.example.com:26380,two.example.com,[2001:db8::3]:26379/winback/2"


def test_an_address_names_sentinels_service_and_database() -> None:
    found = sentinels_of(THREE)

    assert found is not None
    assert found.hosts == (("one.example.com", 26380), ("two.example.com", 26379), ("2001:db8::3", 26379))
    assert found.service == "winback"
    assert (found.to_master["password"], found.to_master["db"]) == ("secret", 2)
    assert "password" not in found.to_sentinels


def test_sentinels_have_a_password_of_their_own_and_one_tls_for_both() -> None:
    url = "rediss+sentinel://ann:p%40ss@one/winback?sentinel_username=bob&sentinel_password=w%2Fw&ssl_ca_certs=/ca.pem"
    found = sentinels_of(url)

    assert found is not None
    for told, who in ((found.to_master, ("ann", "p@ss")), (found.to_sentinels, ("bob", "w/w"))):
        assert (told["username"], told["password"]) == who
        assert (told["ssl"], told["ssl_ca_certs"]) == (True, "/ca.pem")
    assert found.to_master["db"] == 0


@pytest.mark.parametrize("url", ["redis://:secret@one:6379/0", "rediss://one", "unix:///run/valkey.sock"])
def test_the_address_of_one_server_stays_what_it_was(url: str) -> None:
    assert sentinels_of(url) is None
    assert sentinels.checked("REDIS_URL", url) == url
    assert sentinels.rq_settings(url) == {"URL": url}


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("redis+sentinel://:secret@one,two", "names no master"),
        ("redis+sentinel://:secret@one,two/", "names no master"),
        ("redis+sentinel://:secret@one,,two/winback", "has no host"),
        ("redis+sentinel:///winback", "has no host"),
        ("redis+sentinel://:secret@one:port/winback", "no port"),
        ("redis+sentinel://:secret@one:70000/winback", "no port"),
        ("redis+sentinel://:secret@2001:db8::3:26379/winback", "brackets"),
        ("redis+sentinel://:secret@one/winback/first", "number of a database"),
        ("redis+sentinel://:secret@one/winback/0/secret", "number of a database"),
        ("redis+sentinel://:sec/ret?secret@one/winback/0", "%2F"),
        ("redis+sentinel://:secret@one/winback?speed=secret", "redis-py does not know"),
        ("redis+sentinel://:secret@one/winback?socket_timeout=secret", "cannot be read"),
        ("redis+sentinel://:secret@one/winback?ssl_ca_certs=/ca.pem", "TLS"),
        ("sentinel://:secret@one/winback", "no address of the form"),
    ],
)
def test_a_wrong_address_is_a_sentence_that_shows_no_password(url: str, what: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        sentinels.checked("REDIS_URL", url)

    assert str(refused.value).startswith("REDIS_URL ")
    assert what in str(refused.value)
    assert "redis+sentinel://:password@host:26379" in str(refused.value)
    assert "secret" not in str(refused.value)


def follows(connection: Any) -> bool:
    pool = connection.connection_pool
    return isinstance(pool, SentinelConnectionPool) and pool.service_name == "winback" and pool.is_master


def test_queue_workers_and_rate_limits_follow_the_master(settings: Settings) -> None:
    settings.REDIS_URL = THREE

    worker = get_redis_connection(sentinels.rq_settings(THREE))
    connection: Any
    for connection in (queues.get_queue("default").connection, permits._script(THREE).registered_client, worker):
        assert follows(connection)
        told = connection.connection_pool.connection_kwargs
        assert (told["db"], told["password"]) == (2, "secret")
        for sentinel in connection.connection_pool.sentinel_manager.sentinels:
            assert sentinel.get_connection_kwargs()["socket_connect_timeout"] == 1.0, "a dead one holds nobody up"
            assert sentinel.get_connection_kwargs()["retry"].get_retries() == 0


def test_a_connection_that_is_lost_in_a_command_is_made_anew_to_the_new_master(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = EmbeddedValkey(tmp_path / "old", durable=False), EmbeddedValkey(tmp_path / "new", durable=False)
    urls = [old.start(), new.start()]
    master = urls[0]
    monkeypatch.setattr(Sentinel, "discover_master", lambda *_: ("127.0.0.1", urlsplit(master).port))
    with redis.Redis.from_url(urls[1]) as other:
        other.config_set("requirepass", str(urlsplit(urls[0]).password))
    client = sentinels.client(f"redis+sentinel://:{urlsplit(urls[0]).password}@nowhere/winback")
    connection: Any = client.connection_pool.get_connection()

    def write() -> object:
        connection.send_command("SET", "where", "new")
        return connection.read_response()

    try:
        old.stop()
        master = urls[1]
        # As the client runs a command.
        Retry(ConstantBackoff(0.01), retries=3).call_with_retry(write, lambda _: connection.disconnect())
        assert client.get("where") == b"new"
    finally:
        new.stop()


def test_nobody_can_be_asked_where_no_sentinel_answers(settings: Settings) -> None:
    settings.REDIS_URL = "redis+sentinel://127.0.0.1:1,127.0.0.1:2/winback"

    assert checks.check_sentinels() == [], "only where servers are asked at all"
    assert [message.id for message in checks.check_sentinels(databases=["default"])] == ["winback.W004"]


@pytest.mark.parametrize(
    ("known", "wrong"), [({"winback"}, []), ({"mymaster"}, ["winback.E011"]), (set(), ["winback.E011"])]
)
def test_a_master_that_the_sentinels_do_not_know_is_an_error(
    known: set[str], wrong: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = THREE
    monkeypatch.setattr(sentinels.Sentinels, "names", lambda _: known)

    found = checks.check_sentinels(databases=["default"])

    assert [message.id for message in found] == wrong
    assert all("mymaster" in str(message.hint) for message in found if known)


def test_fewer_than_three_sentinels_are_warned_of(settings: Settings) -> None:
    settings.WINBACK_METRICS_TOKEN = "a-token"
    settings.REDIS_URL = THREE
    assert checks.check_deployment() == []

    settings.REDIS_URL = "redis+sentinel://one,two/winback"

    assert [message.id for message in checks.check_deployment()] == ["winback.W005"]
