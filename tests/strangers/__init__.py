"""Files that were made to fool a verifier, each built by a function named for its defect; and honest ones beside them.

`python scripts/hostile.py DIR` writes them all; `tests/verifier` says of each what the verifier must answer.
"""
