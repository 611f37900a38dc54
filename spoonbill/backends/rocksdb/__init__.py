"""RocksDB."""
