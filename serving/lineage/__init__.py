"""From a number of Gold to the events it was made of, and their Kafka offsets."""
