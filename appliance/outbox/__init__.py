"""What is to be delivered outside the box: written with its cause, read by the sync process."""
