"""Published figures beside ours, each with a verdict; the way in is `beside`."""
