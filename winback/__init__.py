"""winback finds customers who have gone quiet, writes to those it may, and measures what that brought in."""
