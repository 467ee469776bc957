"""Ground floor: the parts that several systems share. Uses torch alone."""
