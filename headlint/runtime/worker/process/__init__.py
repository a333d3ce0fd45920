"""The process: requests and replies, a child for each model, and what it is kept from."""
