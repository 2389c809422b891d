"""Work on many machines: the option ``--cluster``.

The driver is the process of the command. It alone reads and writes the user's files. A task is a part
of the work that a worker does on one of the machines; piece by piece, it sends the driver what it has
made. ``connection`` alone is imported without Ray.
"""
