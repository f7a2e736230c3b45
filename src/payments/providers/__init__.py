"""Search examples: providers that a client has never paid and may pay next."""
