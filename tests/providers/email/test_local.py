"""The local outbox: every message is a file that a mail program opens."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.providers.email.contract import EmailProviderContract, Received, email
from tests.providers.email.parsed import received
from tests.providers.hearing import Hearing
from winback.providers.email.base import EmailProvider
from winback.providers.email.local import LocalEmailProvider
from winback.providers.errors import ProviderTrouble
from winback.providers.outbox import Outbox


def dies(*_: object) -> None:
    raise SystemExit


class Dying(Hearing):
    def starting(self, reference: str) -> None:
        raise SystemExit


class TestLocalOutbox(EmailProviderContract):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> EmailProvider:
        self.folder = tmp_path / "oak" / "email"
        return LocalEmailProvider({}, {"directory": str(self.folder)})

    def received(self) -> Sequence[Received]:
        return [received(path.read_bytes()) for path in sorted(self.folder.glob("*"))]

    def test_the_file_is_named_by_the_reference(self, provider: EmailProvider) -> None:
        provider.send([email()], Hearing())

        assert [path.name for path in self.folder.iterdir()] == ["ref-1.eml"]
        assert provider.look_up("ref-1") is True

    def test_what_was_begun_here_and_never_written_did_not_leave(
        self, provider: EmailProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Outbox, "keep", dies)
        with pytest.raises(SystemExit):
            provider.send([email(1), email(2)], Hearing())

        assert provider.look_up("ref-1") is False
        assert provider.look_up("ref-1") is None, "told once: it may leave from anywhere now"
        assert list(self.folder.iterdir()) == []

    def test_what_another_host_may_have_written_nobody_can_tell_here(
        self, provider: EmailProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider.send([email(1)], Hearing())
        elsewhere = LocalEmailProvider({}, {"directory": str(tmp_path / "another host" / "email")})

        assert elsewhere.look_up("ref-1") is None
        assert provider.look_up("ref-2") is None

    def test_whoever_was_told_not_to_have_left_cannot_finish(self, provider: EmailProvider) -> None:
        assert isinstance(provider, LocalEmailProvider)
        directory = provider.open_directory()
        provider.begin(directory, "ref-1", Hearing())
        assert provider.look_up("ref-1") is False

        with pytest.raises(ProviderTrouble):
            provider.keep(directory, "ref-1", b"too late")

        assert list(self.folder.iterdir()) == []

    def test_a_message_that_may_not_start_leaves_no_trace(self, provider: EmailProvider) -> None:
        with pytest.raises(SystemExit):
            provider.send([email()], Dying())

        assert provider.look_up("ref-1") is None

    def test_a_message_that_leaves_twice_shows(self, provider: EmailProvider) -> None:
        for _ in range(3):
            provider.send([email()], Hearing())

        assert sorted(path.name for path in self.folder.iterdir()) == ["ref-1.eml", "ref-1~2.eml", "ref-1~3.eml"]

    def test_a_full_disk_is_the_outboxs_trouble(self, provider: EmailProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.replace", full)
        hearing = Hearing()

        with pytest.raises(ProviderTrouble, match="No space left"):
            provider.send([email(1), email(2)], hearing)

        assert (hearing.of("ref-1"), hearing.of("ref-2")) == ("not_left", "untouched")
        assert list(self.folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outbox = LocalEmailProvider({}, {"directory": str(tmp_path / "file" / "email")})

    with pytest.raises(ProviderTrouble):
        outbox.send([email()], Hearing())
    assert outbox.probe().code == "misconfigured"


@pytest.mark.parametrize("reference", ["../../etc/passwd", "", ".", "a/b", "a\n", "ä", "x" * 61])
def test_a_reference_is_safe_in_a_file_name(reference: str) -> None:
    with pytest.raises(ValueError, match="not a reference"):
        email(reference=reference)
