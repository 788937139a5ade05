"""Load tests as a whole: from a scenario and a target to a stored run."""
