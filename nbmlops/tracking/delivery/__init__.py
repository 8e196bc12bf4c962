"""From the journal to MLflow: each record exactly once, by a process of its own."""
