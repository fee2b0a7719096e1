"""`make bench`: what the box costs, each figure as a ratio against a peer in the same run. Writes build/bench.json."""
