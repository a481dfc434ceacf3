"""What ``manage.py demo|test|serve`` stand on: bootstrap, embedded services, the supervisor. Imports no app."""
