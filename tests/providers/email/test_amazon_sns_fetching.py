"""How certificates are fetched from Amazon SNS."""

import pytest

from tests.providers.email.test_amazon_sns import CERTIFICATE
from tests.providers.http_server import Answer, serving
from winback.providers.email import sns
from winback.providers.errors import ProviderTrouble


class TestFetching:
    def test_follows_nobody_and_keeps_no_error(self) -> None:
        answers = [Answer(302, {}, {"Location": "http://127.0.0.1:1/"}), Answer(503), Answer(200, b"x" * 200_000)]
        with serving(lambda _: answers.pop(0)) as server:
            for _ in range(3):
                with pytest.raises(ProviderTrouble):
                    sns.fetched(f"{server.url}/a.pem")

    def test_a_certificate_is_fetched_once(self) -> None:
        with serving(lambda _: Answer(200, CERTIFICATE)) as server:
            assert sns.certificate(f"{server.url}/b.pem") == sns.certificate(f"{server.url}/b.pem") == CERTIFICATE
            assert len(server.requests) == 1
