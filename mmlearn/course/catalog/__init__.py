"""The exercises, one file a system: what is asked, what is probed, what earns points. No expected values here."""
