"""The marketplace over HTTPS: thin views over `marketplace.exchange`, one file per noun."""
