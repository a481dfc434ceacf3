"""The product's answers computed a second time, from the files alone: no Django, no SQL, nothing of the product."""
