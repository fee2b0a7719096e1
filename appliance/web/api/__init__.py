"""What an LMS calls: the proctoring JWT API. Nothing here knows cookies, pages or people's sessions."""
