"""Which hand-written code is a training? Rules on the syntax tree, one a file, and their reader.

values -> expressions -> calls -> statements -> loops -> rules -> search. `namespace` is the adapter
that looks at what is there.
"""
