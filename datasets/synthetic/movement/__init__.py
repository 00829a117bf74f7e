"""What moves: action units, the emotions they show, and how a movement runs."""
