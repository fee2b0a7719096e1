"""What a box and its central service say to each other: messages, signatures, rules of merging, the stick (pure)."""
