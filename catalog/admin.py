"""The console of the catalog."""
