"""The outside world: one folder a kind, one interface a kind, one file a vendor. Only this package talks to the network."""
