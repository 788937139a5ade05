"""Walking: families go through their plan in real time, with a deployment where the simulation has stations."""
