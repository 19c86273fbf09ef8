"""What each rule tells of itself to whoever wants to judge it, as data and as pages."""
