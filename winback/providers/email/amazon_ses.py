"""Amazon SES: its reports come through SNS, where a topic has to be confirmed once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from winback.providers.email import sns
from winback.providers.email.anymail import AnymailProvider, provider_for
from winback.providers.email.base import OutgoingEmail
from winback.providers.email.batches import Prepared
from winback.providers.email.mime import serialise
from winback.providers.email.services.amazon_ses import AMAZON_SES
from winback.providers.email.services.service import METADATA_KEY
from winback.providers.handing import Witness
from winback.providers.receiving import Arrival, NotAuthentic, Report


class _ThroughSns(AnymailProvider):
    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self.fetch: sns.Fetch = sns.fetched
        """How a topic is confirmed."""
        self.fetch_certificate: sns.Fetch = sns.certificate

    def _prepared(self, message: OutgoingEmail, witness: Witness) -> Prepared | None:
        """The message as we write it: Django begins a long List-Unsubscribe with an empty line."""
        prepared = super()._prepared(message, witness)
        if prepared is not None:
            metadata = {"X-Metadata": json.dumps({METADATA_KEY: message.reference})}
            # The clock is read where the message leaves.
            now = datetime.now(UTC)  # noqa: TID251
            raw = serialise(replace(message, headers={**message.headers, **metadata}), date=now)
            prepared.payload.generate_raw_message = lambda: raw
        return prepared

    def authenticate(self, arrival: Arrival) -> None:
        if arrival.method != "POST" or not arrival.body:
            raise NotAuthentic(f"{self.label} posts its reports.")
        self._verified(arrival)

    def read(self, arrival: Arrival) -> Sequence[Report]:
        """Nothing, for what SNS says of the subscription itself."""
        return super().read(arrival) if sns.is_notification(arrival) else ()

    def confirm(self, arrival: Arrival) -> bool:
        """Confirm the topic that an arrival asks us to confirm; False when it asks for nothing. Goes to the network.

        Only for a topic that the connection names: anybody's topic can ask.
        """
        return sns.confirm(self._verified(arrival), fetch=self.fetch)

    def _verified(self, arrival: Arrival) -> dict[str, str]:
        topics = frozenset(self.told("topic_arns").replace(",", " ").split())
        return sns.verify(arrival, topics=topics, fetch=self.fetch_certificate)


AmazonSesProvider = provider_for(AMAZON_SES, _ThroughSns)
