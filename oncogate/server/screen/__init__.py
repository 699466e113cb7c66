"""The screen at `/`: an order-entry demo and an explorer of the rules. It keeps nothing; what it knows travels with the page."""
