"""What strategies are made of: rounds, the beam, rollouts, shares, thoughts, compositions; one
folder a family."""
