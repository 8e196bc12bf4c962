"""From a training to a whole run: assembled with all around it, written, and kept true."""
