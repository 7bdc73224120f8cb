"""A harness that loads an image classifier, and what a behaviour suite needs around it."""
