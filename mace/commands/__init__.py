"""What `mace NAME` does: one module a command, imported only when its name is typed.

A command module has a function `run` whose arguments are its options (read by tyro) and whose
docstring is its help. It returns nothing; a `MaceError` becomes one sentence and an exit code.

At the top a command imports settings only, so that its help comes at once. What takes seconds to
import is imported by `run`, after whatever can be refused without it.
"""
