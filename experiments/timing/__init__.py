"""Timing: how long training and attack take, and what they are compared with."""
