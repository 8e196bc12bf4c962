"""A training: what went into it, its parameters, and what it took."""
