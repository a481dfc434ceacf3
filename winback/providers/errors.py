"""What can go wrong outside, in words that say what to do next."""


class ProviderError(Exception):
    """Something went wrong with a provider."""


class ProviderTrouble(ProviderError):
    """The provider's own trouble (down, slow, refuses everybody): nothing of the rest left. Pause and try later."""


class ProviderMisconfigured(ProviderTrouble):
    """The connection's settings or credentials are wrong: nothing leaves until a person mends them."""
