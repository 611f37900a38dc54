"""Redis and Valkey: one server, a cluster, or behind Sentinels."""
