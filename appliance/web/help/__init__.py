"""Help: a file a topic and language, one page with all of them, and the topic of a page beside the page."""
