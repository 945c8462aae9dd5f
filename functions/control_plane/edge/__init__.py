"""HTTP as the gateway hands it over and takes it back: what all functions that serve it share."""
