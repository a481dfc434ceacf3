"""What the DNS says of a domain that e-mail is from, and what a message says that was received from it."""
