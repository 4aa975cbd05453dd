"""Verdicts do not depend on the form in which a graph is passed: many forms of one graph get the same answer.

Other tests compare the live graph's verdicts with TensorFlow (``oracle``, ``random_graphs``, ``scenarios``).
"""
