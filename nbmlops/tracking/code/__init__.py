"""What code says about itself, read without running it: a cell's, a caller's, the user's own."""
