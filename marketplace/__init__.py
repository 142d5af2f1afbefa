"""The exchange: catalog, authorization flow, permits, audit log. It can read no row and decrypt nothing."""
