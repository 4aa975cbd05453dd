"""Verdicts do not depend on how a graph is handed over: the same graph in many forms, and one answer.

The live graph's verdicts are held against TensorFlow elsewhere (``oracle``, ``random_graphs``, ``scenarios``).
"""
