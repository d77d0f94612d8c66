"""What a picture says: its fields, its words, its thumbnail. Pictures are opened in worker processes only."""
