"""The behaviour suite: what an image classifier does, one sentence a test."""
