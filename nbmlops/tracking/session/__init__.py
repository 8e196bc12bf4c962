"""The cells that a session executed: what they showed and touched, and which of them made what."""
