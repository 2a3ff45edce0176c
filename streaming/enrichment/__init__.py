"""Enrichment: one file for each thing that is added to an event."""
