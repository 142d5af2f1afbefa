"""Finding products: terms of texts in Chinese and English, sets of numbers, facets and orders; pure."""
