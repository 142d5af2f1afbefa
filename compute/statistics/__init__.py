"""What follows from released tables: credit statistics with their intervals, and scorecards built from them."""
