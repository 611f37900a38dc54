"""Folders on object storage: S3, Google Cloud Storage, Azure."""
