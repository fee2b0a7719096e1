"""What runs inside the machine of the USB room; nothing here is imported outside."""
