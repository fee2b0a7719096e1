"""USB devices: what they say they are, the policy that judges them, and how the kernel is told. Knows no sittings."""
