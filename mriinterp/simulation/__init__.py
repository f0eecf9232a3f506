"""The simulated study: template anatomy, atrophy, and subjects whose disease is known."""
