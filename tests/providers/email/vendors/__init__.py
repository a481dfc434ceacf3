"""The e-mail services as their documentation describes their APIs: what they are asked, and what they answer."""
