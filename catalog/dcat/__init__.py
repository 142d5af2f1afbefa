"""The catalog as DCAT-AP 3.0.1, in RDF: what other portals harvest; pure."""
