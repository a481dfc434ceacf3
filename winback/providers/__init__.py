"""The outside world: a folder and an interface for each kind, a file for each vendor.

Only this package talks to the network.
"""
