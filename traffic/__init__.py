"""Made-up but realistic web traffic, of which everything is known."""
