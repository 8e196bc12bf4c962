"""What is on disk before anything else happens to it: records, models, and whose they are."""
