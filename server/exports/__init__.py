"""What others take away: one small file each."""
