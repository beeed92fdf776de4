"""The pages for people. They need no JavaScript, and all text is escaped."""
