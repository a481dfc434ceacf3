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
        assert provider.look_up("ref-2") is False

    def test_a_message_that_leaves_twice_shows(self, provider: EmailProvider) -> None:
        for _ in range(3):
            provider.send([email()], Hearing())

        assert sorted(path.name for path in self.folder.iterdir()) == ["ref-1.eml", "ref-1~2.eml", "ref-1~3.eml"]

    def test_a_full_disk_is_the_outboxs_trouble(self, provider: EmailProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(path: Path, content: bytes) -> int:
            path.touch()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
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
