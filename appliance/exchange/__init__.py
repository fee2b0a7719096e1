"""What box, hub and LMS say to each other: typed messages, tokens, idempotency. No HTTP, no database, no clock."""
