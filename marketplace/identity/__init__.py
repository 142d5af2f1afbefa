"""Who acts for a subject: adapters to those who know it, and to what carries short messages."""
