"""What is kept: feedback, issued cards, decisions, and what not to show again."""
