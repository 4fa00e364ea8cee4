"""From a picture to its mask: probabilities, in one piece or in tiles and by one network or several, and a decision."""
