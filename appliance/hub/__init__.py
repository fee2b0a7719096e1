"""The central service's side: its boxes, what each gets, what each has told."""
