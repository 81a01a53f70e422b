"""What every part uses: errors, the terminal, files, progress, random streams."""
