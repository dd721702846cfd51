"""The service: the API of decision systems, the pages of applicants, the office of clerks, over one Office."""
