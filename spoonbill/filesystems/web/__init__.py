"""Folders on FTP and web servers."""
