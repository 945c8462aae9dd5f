"""After a database was set back: archive and anchors are ahead of it, and say by how much."""
