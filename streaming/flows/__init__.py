"""The edges of each flow: what it reads, and what a micro-batch writes where."""
