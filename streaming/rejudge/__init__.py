"""Rules applied again to what is in already: days rebuilt, dead letters replayed."""
