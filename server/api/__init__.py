"""The HTTP API of decision systems, /v1: its errors, its clients, its routes."""
