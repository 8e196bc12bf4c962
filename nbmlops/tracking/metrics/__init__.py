"""Which names are metrics, and whose predictions an array holds."""
