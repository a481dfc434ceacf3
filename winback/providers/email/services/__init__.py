"""The services of django-anymail that can be chosen. A new one is a module here and a run of the contract suite."""
